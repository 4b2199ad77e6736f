/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that count what the datapath sees: with what rules in the device took and gave there, each
 * packet and byte is counted once.  Flows come, go and change, are placed, evicted and carried on
 * through chains by whatever has them, and grow and shrink by tags and labels; the machine counts
 * what really came and went. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/offload/rig.h"

#define FLOWS 80
#define CHAINS 3
#define STEPS 600
#define SIGHTED (RIG_PORTS - 1) /* the port that counts everything by itself */

static struct rig r;

struct world {
	struct rng rng;
	struct engine_flow *f[FLOWS]; /* NULL: not there now */
	struct match m[FLOWS];
	struct engine_beside seen[RIG_PORTS];
	uint64_t most_hw, most_tc;
};

/* A chain's flows lead to later ones, or out.  Lengths change where packets end their way. */
static const char *actions_of(struct world *w, unsigned chain)
{
	static const char *const ends[] = {
		"%0",
		"%1,%2,%3",
		"drop",
		"%0,push_vlan(vid=5,pcp=0),%1,push_vlan(vid=6,pcp=0,tpid=0x88a8),%2",
		"pop_vlan,%1,%3",
		"push_mpls(label=1,tc=0,ttl=9,bos=1,eth_type=0x8847),%2,pop_mpls(eth_type=0x800)",
		"pop_mpls(eth_type=0x800),%0,%3",
		"clone(%1,%2),pop_vlan,%0",
		"push_vlan(vid=7,pcp=0),%0,clone(pop_vlan,pop_vlan,%2)",
	};
	static const char *const leads[CHAINS][4] = {
		{ "recirc(1)", "%2,recirc(2)", "%0,clone(recirc(3))", "ct(commit),recirc(1)" },
		{ "recirc(2)", "%1,recirc(3)", "recirc(3)", "%3,clone(recirc(2))" },
		{ "recirc(3)", "%0,recirc(3)", "recirc(3)", "%2,clone(recirc(3))" },
	};

	if (chain < CHAINS && rng_below(&w->rng, 2))
		return leads[chain][rng_below(&w->rng, 4)];
	return ends[rng_below(&w->rng, ARRAY_SIZE(ends))];
}

/* The same packets meet the flows of each chain: told apart by the port and a few addresses. */
static void put(struct world *w, unsigned i)
{
	unsigned chain = i % (CHAINS + 1), who = i / (CHAINS + 1);

	rig_match(&r, who % RIG_PORTS, who, chain, &w->m[i]);
	w->f[i] = rig_put(&r, &w->m[i], actions_of(w, chain), NULL);
}

static void del(struct world *w, unsigned i)
{
	rig_del(&r, w->f[i]);
	w->f[i] = NULL;
}

static void new_room(struct world *w)
{
	static const struct offload_event caps = { .kind = OFFLOAD_EV_CAPS };

	r.w->hw_max = (uint32_t)rng_below(&w->rng, FLOWS);
	r.w->hw_refuses = rng_below(&w->rng, 4) == 0;
	survivor_lock(r.w);
	r.w->generation++;
	survivor_unlock(r.w);
	survivor_tell(&caps);
}

static void move_port(struct world *w)
{
	unsigned i = (unsigned)rng_below(&w->rng, RIG_PORTS);
	struct dp_port_info info;

	ck_assert_int_eq(r.dp->ops->port_get(r.dp, r.no[i], &info), 0);
	ck_assert_int_eq(engine_port_move(r.e, info.port, "none", NULL), 0);
	ck_assert_int_eq(engine_port_move(r.e, info.port, "survivor:a", NULL), 0);
	port_unref(info.port);
}

static void disturb(struct world *w)
{
	unsigned i = (unsigned)rng_below(&w->rng, FLOWS), what = (unsigned)rng_below(&w->rng, 100);
	struct dp_port no = r.no[rng_below(&w->rng, RIG_PORTS)];

	if (what < 30 && w->f[i])
		rig_modify(&r, w->f[i], actions_of(w, i % (CHAINS + 1)));
	else if (what < 50 && w->f[i])
		del(w, i);
	else if (what < 70 && !w->f[i])
		put(w, i);
	else if (what < 80)
		new_room(w);
	else if (what < 88)
		engine_port_enable(r.e, no, rng_below(&w->rng, 4) > 0);
	else if (what < 92)
		move_port(w);
	else
		engine_refresh(r.e);
}

static void send_some(struct world *w)
{
	for (unsigned k = 0; k < 10; k++) {
		unsigned i = (unsigned)rng_below(&w->rng, FLOWS);

		if (i % (CHAINS + 1) == 0) /* misses are the datapath's, too */
			(void)survivor_send(r.w, &w->m[i].key, 1 + (unsigned)rng_below(&w->rng, 9));
	}
}

/* --- the port's counters against what there was --- */

static bool same(const struct survivor_counts *all, const struct survivor_counts *own,
		 uint64_t packets, uint64_t bytes)
{
	ck_assert_uint_le(own->packets + packets, all->packets);
	return own->packets + packets == all->packets && own->bytes + bytes == all->bytes;
}

static bool port_agrees(struct world *w, unsigned i)
{
	uint32_t no = r.no[i].v;
	struct engine_beside b;
	bool agrees;

	engine_port_beside(r.e, r.no[i], &b);
	ck_assert_uint_ge(b.rx_packets, w->seen[i].rx_packets);
	ck_assert_uint_ge(b.rx_bytes, w->seen[i].rx_bytes);
	ck_assert_uint_ge(b.tx_packets, w->seen[i].tx_packets);
	ck_assert_uint_ge(b.tx_bytes, w->seen[i].tx_bytes);
	w->seen[i] = b;
	if (i == SIGHTED)
		return !(b.rx_packets | b.rx_bytes | b.tx_packets | b.tx_bytes);
	survivor_lock(r.w);
	agrees = same(&r.w->in[no], &r.w->dp_in[no], b.rx_packets, b.rx_bytes) &&
		 same(&r.w->out[no], &r.w->dp_out[no], b.tx_packets, b.tx_bytes);
	survivor_unlock(r.w);
	return agrees;
}

static bool all_agree(struct world *w)
{
	bool agree = true;

	for (unsigned i = 0; i < RIG_PORTS; i++)
		agree &= port_agrees(w, i);
	return agree;
}

static void look(struct world *w)
{
	struct engine_totals t;

	engine_totals(r.e, &t);
	w->most_hw = MAX(w->most_hw, t.flows[LEDGER_HARDWARE]);
	w->most_tc = MAX(w->most_tc, t.flows[LEDGER_TC]);
	(void)all_agree(w); /* never too much, never back */
}

static void wait_agreement(struct world *w)
{
	for (unsigned ms = 0; ms < 10000; ms += 5) {
		engine_refresh(r.e);
		if (all_agree(w))
			return;
		(void)usleep(5000);
	}
	for (unsigned i = 0; i < RIG_PORTS; i++) {
		uint32_t no = r.no[i].v;

		printf("port %u: in %llu of %llu bytes, out %llu of %llu\n", no,
		       (unsigned long long)(r.w->dp_in[no].bytes + w->seen[i].rx_bytes),
		       (unsigned long long)r.w->in[no].bytes,
		       (unsigned long long)(r.w->dp_out[no].bytes + w->seen[i].tx_bytes),
		       (unsigned long long)r.w->out[no].bytes);
	}
	ck_abort_msg("ports do not count what came and went");
}

START_TEST(every_packet_is_counted_once)
{
	struct world w = { .rng = rng_start("every_packet_is_counted_once") };
	uint64_t rx = 0, tx = 0;

	survivor_new()->blind_ports = ~(1u << (SIGHTED + 1)); /* numbers are given from 1 on */
	rig_open(&r, false);
	ck_assert_uint_eq(r.no[SIGHTED].v, SIGHTED + 1);
	for (unsigned i = 0; i < FLOWS; i++)
		put(&w, i);
	for (unsigned step = 0; step < STEPS; step++) {
		send_some(&w);
		disturb(&w);
		look(&w);
		if (step % 100 == 99)
			wait_agreement(&w);
		else if (rng_below(&w.rng, 4) == 0)
			(void)usleep(1000);
	}
	for (unsigned i = 0; i < FLOWS; i++)
		if (w.f[i])
			del(&w, i);
	ck_assert(engine_quiesce(r.e, 10000));
	wait_agreement(&w);
	for (unsigned i = 0; i < RIG_PORTS; i++) {
		rx += w.seen[i].rx_packets;
		tx += w.seen[i].tx_packets;
	}
	printf("beside the datapath: %llu in, %llu out; flows in hardware at most %llu, in TC "
	       "%llu\n",
	       (unsigned long long)rx, (unsigned long long)tx, (unsigned long long)w.most_hw,
	       (unsigned long long)w.most_tc);
	ck_assert(rx && tx && w.most_hw && w.most_tc);
	rig_finish(&r);
}
END_TEST

START_TEST(adopted_rules_bring_what_they_counted)
{
	struct engine_beside before, after;
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	survivor_new()->blind_ports = ~0u;
	rig_open(&r, false);
	rig_match(&r, 0, 1, 0, &m);
	f = rig_put(&r, &m, "push_vlan(vid=5,pcp=0),%1", &u);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	ck_assert(survivor_send(r.w, &m.key, 10));
	rig_wait_packets(&r, f, 10);
	engine_port_beside(r.e, r.no[1], &before);
	ck_assert_uint_eq(before.tx_packets, 10);
	ck_assert_uint_eq(before.tx_bytes, 10 * (SURVIVOR_PACKET_LEN + 4));
	engine_flow_unref(f);
	rig_close(&r, true);
	rig_open(&r, true);
	engine_port_beside(r.e, r.no[1], &after);
	ck_assert_uint_eq(after.tx_packets, before.tx_packets);
	ck_assert_uint_eq(after.tx_bytes, before.tx_bytes);
	engine_port_beside(r.e, r.no[0], &after);
	ck_assert_uint_eq(after.rx_packets, 10);
	ck_assert_uint_eq(after.rx_bytes, 10 * SURVIVOR_PACKET_LEN);
	rig_finish(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("beside");
	TCase *t = tcase_create("ports");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, every_packet_is_counted_once);
	tcase_add_test(t, adopted_rules_bring_what_they_counted);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
