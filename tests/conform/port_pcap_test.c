/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files: what is written can be read back. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/port/port.h"
#include "core/port/vnet.h"

static char file[64];

static struct port *open_with(const char *option, struct error *err)
{
	const char *keys[] = { option }, *values[] = { file };
	struct port_config cfg = {
		.name = "pcap0", .type = "pcap", .keys = keys, .values = values, .n_options = 1
	};
	struct port *port = NULL;

	if (port_open(&cfg, &port, err))
		return NULL;
	port->no.v = 3;
	return port;
}

static void setup(void)
{
	ports_init();
	(void)snprintf(file, sizeof(file), "/tmp/shunt-pcap-test.%d", (int)getpid());
}

static void teardown(void)
{
	(void)unlink(file);
}

START_TEST(what_is_written_is_read_back)
{
	struct port *out = open_with("tx_pcap", NULL), *in;
	struct packet *pkts[PACKET_BATCH];
	struct port_stats st;
	struct pollfd pfd = { .events = POLLIN };
	uint8_t f[1514];
	unsigned got = 0, n;

	for (unsigned i = 0; i < 100; i++) {
		struct packet *p;

		memset(f, (int)i, sizeof(f));
		p = packet_new(f, 60 + i, 0);
		out->ops->tx(out, &p, 1);
		packet_free(p);
	}
	out->ops->tx_flush(out);
	ck_assert_int_eq(out->ops->stats(out, &st), 0);
	ck_assert_uint_eq(st.tx_packets, 100);
	port_release(out);

	in = open_with("rx_pcap", NULL);
	pfd.fd = in->ops->rx_fd(in, 0);
	ck_assert_int_eq(poll(&pfd, 1, 0), 1);
	while ((n = in->ops->rx(in, 0, pkts))) {
		for (unsigned i = 0; i < n; i++, got++) {
			memset(f, (int)got, sizeof(f));
			ck_assert_uint_eq(pkts[i]->len, 60 + got);
			ck_assert_int_eq(memcmp(pkts[i]->data, f, 60 + got), 0);
			ck_assert_uint_eq(pkts[i]->in_port.v, 3);
			ck_assert_uint_ge(pkts[i]->headroom, PACKET_HEADROOM);
		}
	}
	ck_assert_uint_eq(got, 100);
	ck_assert_int_eq(poll(&pfd, 1, 0), 0); /* the end is silent */
	port_release(in);
}
END_TEST

START_TEST(checksums_are_finished)
{
	struct port *port = open_with("tx_pcap", NULL), *in;
	uint8_t f[64] = { 0 };
	struct packet *p, *got[PACKET_BATCH];

	f[40] = 0x12; /* the sum so far is in the field itself */
	f[41] = 0x34;
	p = packet_new(f, sizeof(f), 0);
	p->flags = PACKET_F_CSUM_PARTIAL;
	p->csum_start = 34;
	p->csum_ofs = 6;
	port->ops->tx(port, &p, 1);
	port_release(port);
	in = open_with("rx_pcap", NULL);
	ck_assert_uint_eq(in->ops->rx(in, 0, got), 1);
	ck_assert_uint_eq(got[0]->data[40], 0xff & ~0x12);
	ck_assert_uint_eq(got[0]->data[41], 0xff & ~0x34);
	ck_assert_uint_eq(p->data[40], 0x12); /* the sender's is untouched */
	packet_free(p);
	port_release(in);
}
END_TEST

START_TEST(bad_files_are_errors)
{
	struct error err = ERROR_INIT;
	FILE *f;

	ck_assert_ptr_null(open_with("rx_pcap", &err));
	ck_assert_str_eq(err.field, "options:rx_pcap");
	error_clear(&err);
	f = fopen(file, "w");
	ck_assert_ptr_nonnull(f);
	(void)fputs("this is no capture file, it is text that is long enough", f);
	(void)fclose(f);
	ck_assert_ptr_null(open_with("rx_pcap", &err));
	ck_assert_str_eq(err.field, "options:rx_pcap");
	error_clear(&err);
	ck_assert_ptr_null(open_with("other", &err));
	ck_assert_int_eq(err.code, EINVAL);
}
END_TEST

/* A file that ends in the middle of a frame gives what came before, and an error. */
START_TEST(a_cut_file_ends_early)
{
	struct port *port = open_with("tx_pcap", NULL), *in;
	struct packet *got[PACKET_BATCH];
	struct port_stats st;
	uint8_t f[60] = { 1 };

	for (unsigned i = 0; i < 3; i++) {
		struct packet *p = packet_new(f, sizeof(f), 0);

		port->ops->tx(port, &p, 1);
		packet_free(p);
	}
	port_release(port);
	ck_assert_int_eq(truncate(file, 24 + 2 * (16 + 60) + 30), 0);
	in = open_with("rx_pcap", NULL);
	ck_assert_uint_eq(in->ops->rx(in, 0, got), 2);
	ck_assert_uint_eq(in->ops->rx(in, 0, got), 0);
	ck_assert_int_eq(in->ops->stats(in, &st), 0);
	ck_assert_uint_eq(st.rx_errors, 1);
	port_release(in);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pcap port");
	TCase *t = tcase_create("pcap");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_written_is_read_back);
	tcase_add_test(t, checksums_are_finished);
	tcase_add_test(t, bad_files_are_errors);
	tcase_add_test(t, a_cut_file_ends_early);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
