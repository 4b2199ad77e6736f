/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of kinds, and the state that travels in front of a frame. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/packet/csum.h"
#include "core/packet/parse.h"
#include "core/port/port.h"
#include "core/port/vnet.h"
#include "tests/unit/seed.h"

START_TEST(unknown_kinds_are_named)
{
	struct port_config cfg = { .name = "p", .type = "carrier-pigeon" };
	struct error err = ERROR_INIT;
	struct port *port;

	ports_init();
	ports_init(); /* twice does no harm */
	ck_assert_int_eq(port_open(&cfg, &port, &err), -EAFNOSUPPORT);
	ck_assert_str_eq(err.field, "type");
	ck_assert_ptr_nonnull(strstr(err.cause, "carrier-pigeon"));
	ck_assert(port_type_known("internal") && !port_type_known("carrier-pigeon"));
}
END_TEST

START_TEST(names_have_a_limit)
{
	char name[100];
	struct port_config cfg = { .name = name, .type = "fake" };
	struct port *port;

	ports_init();
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(port_open(&cfg, &port, NULL), -ENAMETOOLONG);
	name[0] = '\0';
	ck_assert_int_eq(port_open(&cfg, &port, NULL), -ENAMETOOLONG);
}
END_TEST

START_TEST(options_are_found)
{
	static const char *const keys[] = { "a", "b" }, *const values[] = { "1", "2" };
	struct port_config cfg = { .keys = keys, .values = values, .n_options = 2 };

	ck_assert_str_eq(port_config_get(&cfg, "b"), "2");
	ck_assert_ptr_null(port_config_get(&cfg, "c"));
}
END_TEST

START_TEST(drops_have_names)
{
	for (unsigned i = 0; i < PORT_N_DROPS; i++)
		ck_assert_ptr_nonnull(port_drop_name[i]);
}
END_TEST

/* ---- virtio headers ---- */

START_TEST(vnet_state_survives_the_way_through)
{
	uint8_t bytes[200] = { 0 };
	struct packet p = { .data = bytes + 20, .len = 100, .headroom = 20 };
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
				    .gso_size = 50,
				    .csum_start = 34,
				    .csum_offset = 16 },
			      out;

	vnet_to_packet(&h, &p);
	ck_assert_uint_eq(p.flags, PACKET_F_CSUM_PARTIAL);
	ck_assert_uint_eq(p.gso_size, 50);
	/* A tag in front moves the place of the sum along. */
	ck_assert_ptr_nonnull(packet_push(&p, 4));
	vnet_from_packet(&p, &out);
	ck_assert_uint_eq(out.csum_start, 38);
	ck_assert_uint_eq(out.csum_offset, 16);
	ck_assert_uint_eq(out.gso_type, h.gso_type);
	ck_assert_uint_eq(out.gso_size, 50);
	ck_assert_uint_le(out.hdr_len, p.len);
	ck_assert_uint_ge(out.hdr_len, 38 + 16 + 2);
	/* A cut that takes the checksum away leaves a plain frame. */
	p.len = 50;
	vnet_from_packet(&p, &out);
	ck_assert_uint_eq(out.flags, 0);
	ck_assert_uint_eq(out.gso_type, 0);
}
END_TEST

/* Whatever the header says, nothing outside of the frame is touched. */
START_TEST(vnet_headers_may_lie)
{
	struct rng r = rng_start("vnet");

	for (unsigned i = 0; i < 100000; i++) {
		uint32_t len = 14 + (uint32_t)rng_below(&r, 60);
		uint8_t *bytes = calloc(1, len);
		struct packet p = { .data = bytes, .len = len };
		struct virtio_net_hdr h, out;
		uint64_t x[2] = { rng_next(&r), rng_next(&r) };

		memcpy(&h, x, sizeof(h));
		if (i % 2)
			h.csum_start %= 100;
		if (i % 4 > 1)
			h.csum_offset %= 40;
		vnet_to_packet(&h, &p);
		vnet_from_packet(&p, &out);
		ck_assert_uint_le(out.hdr_len, len);
		vnet_finish_csum(&p);
		ck_assert(!(p.flags & PACKET_F_CSUM_PARTIAL));
		free(bytes);
	}
}
END_TEST

/* Finishing gives what a sender that does it all would have written. */
START_TEST(vnet_finishes_checksums)
{
	struct rng r = rng_start("vnet csum");

	for (unsigned i = 0; i < 1000; i++) {
		bool tcp = rng_below(&r, 2);
		struct flow_key k = { .dl_type = htons(0x0800),
				      .nw_src = (be32)rng_next(&r),
				      .nw_dst = (be32)rng_next(&r),
				      .nw_proto = tcp ? 6 : 17,
				      .tp_src = (be16)rng_next(&r) };
		struct packet *want = packet_compose(&k, rng_below(&r, 100));
		struct packet *p = packet_clone(want);
		uint8_t pseudo[12];
		be16 sum;

		p->csum_start = p->l4_ofs = 34;
		p->csum_ofs = tcp ? 16 : 6;
		p->flags = PACKET_F_CSUM_PARTIAL;
		memcpy(pseudo, p->data + 26, 8);
		pseudo[8] = 0;
		pseudo[9] = k.nw_proto;
		pseudo[10] = (uint8_t)((p->len - 34) >> 8);
		pseudo[11] = (uint8_t)(p->len - 34);
		sum = (be16)~csum(pseudo, sizeof(pseudo));
		memcpy(p->data + p->csum_start + p->csum_ofs, &sum, sizeof(sum));
		vnet_finish_csum(p);
		ck_assert_int_eq(memcmp(p->data, want->data, p->len), 0);
		packet_free(p);
		packet_free(want);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("port");
	TCase *t = tcase_create("port");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, unknown_kinds_are_named);
	tcase_add_test(t, names_have_a_limit);
	tcase_add_test(t, options_are_found);
	tcase_add_test(t, drops_have_names);
	tcase_add_test(t, vnet_state_survives_the_way_through);
	tcase_add_test(t, vnet_headers_may_lie);
	tcase_add_test(t, vnet_finishes_checksums);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
