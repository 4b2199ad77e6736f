/* SPDX-License-Identifier: Apache-2.0 */
/* Flow-mods and action lists in a line each. */
#pragma once

#include <check.h>

#include "core/base/clock.h"
#include "ofproto/table/tables.h"

static inline void put_output(struct buf *b, uint32_t port)
{
	struct ofpact_output o = { .port = { port } };

	ofpact_put(b, OFPACT_OUTPUT, &o, sizeof(o));
}

static inline void put_group(struct buf *b, uint32_t id)
{
	struct ofpact_group g = { id };

	ofpact_put(b, OFPACT_GROUP, &g, sizeof(g));
}

/* learn(table=…,cookie=…,delete_learned) */
static inline void put_learn_delete(struct buf *b, uint8_t table, be64 cookie)
{
	struct ofpact_learn l = { .table = table, .cookie = cookie, .flags = OFPACT_LEARN_DELETE };

	ofpact_put(b, OFPACT_LEARN, &l, sizeof(l));
}

static inline void match_in_port(struct match *m, uint32_t port)
{
	m->key.in_port = htonl(port);
	m->mask.in_port = UINT32_MAX;
}

/* Everything matched, nothing filtered, no actions. */
static inline struct ofp_flow_mod flow_mod(enum ofp_flow_mod_command command)
{
	struct ofp_flow_mod fm = {
		.command = (uint8_t)command,
		.priority = 100,
		.buffer_id = OFP_NO_BUFFER_,
		.out_port = { OFPP_NONE_ },
		.out_group = OFPG_ANY_,
	};

	memset(&fm.match, 0, sizeof(fm.match));
	return fm;
}

static inline struct ofp_flow_stats_request request_all(void)
{
	struct ofp_flow_stats_request r = {
		.table = OFPTT_ALL_,
		.out_port = { OFPP_NONE_ },
		.out_group = OFPG_ANY_,
	};

	memset(&r.match, 0, sizeof(r.match));
	return r;
}

static inline struct rule *lookup_port(struct ofp_tables *t, uint8_t table, uint32_t port)
{
	struct flow_key key;
	struct rule *r;

	memset(&key, 0, sizeof(key));
	key.in_port = htonl(port);
	rcu_read_lock();
	r = tables_lookup(t, table, tables_version(t), &key, NULL, false);
	rcu_read_unlock();
	return r; /* good until the test changes the tables */
}

static inline int run_suite(Suite *s)
{
	SRunner *sr = srunner_create(s);
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
