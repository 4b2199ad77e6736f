/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel datapath with veth pairs for the tests that want more of it than every datapath has. */
#pragma once

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/datapath/kernel/dp_kernel.h"
#include "core/packet/parse.h"
#include "tests/conform/wire.h"

#define RIG_PORTS 3u

static struct dp *rig_dp;
static struct dp_port rig_port[RIG_PORTS];
static int rig_end[RIG_PORTS];

/* Once, in main(): the devices stay for all tests. */
static inline void rig_devices(void)
{
	netns_enter();
	must("for i in 0 1 2; do ip link add v$i type veth peer name w$i && ip link set v$i up && "
	     "ip link set w$i up || exit 1; done");
	dp_kernel_init();
}

static inline void rig_setup(void)
{
	struct error err = ERROR_INIT;

	/* What a test that failed has left goes first. */
	ck_assert_msg(!dp_type_find("system")->open("rig", &rig_dp, &err), "%s", err.cause);
	rig_dp->ops->close(rig_dp, false);
	ck_assert_msg(!dp_type_find("system")->open("rig", &rig_dp, &err), "%s", err.cause);
	ck_assert_int_eq(rig_dp->ops->set_handlers(rig_dp, 1), 0);
	for (unsigned i = 0; i < RIG_PORTS; i++) {
		char name[8], peer[8];
		struct port_config cfg = { .name = name, .type = "" };

		(void)snprintf(name, sizeof(name), "v%u", i);
		(void)snprintf(peer, sizeof(peer), "w%u", i);
		ck_assert_msg(!rig_dp->ops->port_add(rig_dp, &cfg, (struct dp_port){ DP_PORT_NONE },
						     &rig_port[i], &err),
			      "%s", err.cause);
		rig_end[i] = wire_open(peer);
	}
}

static inline void rig_teardown(void)
{
	rig_dp->ops->close(rig_dp, false);
}

/* UDP flow n at port i. */
static inline struct flow_key rig_key(unsigned i, unsigned n)
{
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	k.in_port = htonl(rig_port[i].v);
	k.dl_dst = (struct eth_addr){ { 2, 0, 0, 0, 0, 1 } };
	k.dl_src = (struct eth_addr){ { 2, 0, 0, 0, 0, 2 } };
	k.dl_type = htons(0x0800);
	k.nw_src = htonl(0x0a000001);
	k.nw_dst = htonl(0x0a000002);
	k.nw_proto = 17;
	k.nw_ttl = 64;
	k.tp_src = htons((uint16_t)(1000 + n));
	k.tp_dst = htons(80);
	return k;
}

static inline void rig_send(unsigned i, const struct flow_key *key)
{
	struct packet *p = packet_compose(key, 100);

	wire_send(rig_end[i], p->data, p->len);
	packet_free(p);
}

/* Everything of port i that comes, while something comes. */
static inline unsigned rig_count(unsigned i)
{
	struct pollfd pfd = { .fd = rig_end[i], .events = POLLIN };
	uint8_t frame[2048];
	unsigned n = 0;

	for (; poll(&pfd, 1, 100) == 1; n++)
		ck_assert_int_gt(recv(rig_end[i], frame, sizeof(frame), 0), 0);
	return n;
}

static inline struct buf rig_acts(const char *text)
{
	struct error err = ERROR_INIT;
	struct buf b = BUF_INIT;

	ck_assert_msg(!dp_actions_parse(text, &b, &err), "%s: %s", text, err.cause);
	return b;
}

/* A flow for all that comes in by port i as `recirc`; text has ports as %0, %1, … */
static inline int rig_flow(unsigned i, uint32_t recirc, const char *text)
{
	struct flow_key key = rig_key(i, 0), mask;
	struct dp_flow_op op = { .kind = DP_FLOW_PUT, .key = &key, .mask = &mask };
	char out[256], *o = out;
	struct buf acts;
	int rc;

	for (; *text; text++) {
		if (*text == '%')
			o += sprintf(o, "%u", rig_port[*++text - '0'].v);
		else
			*o++ = *text;
	}
	*o = '\0';
	acts = rig_acts(out);
	memset(&mask, 0, sizeof(mask));
	mask.recirc_id = UINT32_MAX;
	key.recirc_id = htonl(recirc);
	op.ufid = (struct ufid){ { i + 1, recirc } };
	op.actions = dp_actions_of(&acts);
	rc = dp_flow_do(rig_dp, &op);
	buf_done(&acts);
	return rc;
}

static inline int rig_run(const char *name, TCase *t)
{
	Suite *s = suite_create(name);
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
