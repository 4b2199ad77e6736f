/* SPDX-License-Identifier: Apache-2.0 */
/* Megaflows over a restart: a whole switch over tests/fake/survivor.h ends or is killed, packets go
 * on meanwhile, and the next one checks what it finds against its own tables. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "ofproto/flows/flows.h"
#include "ofproto/text/flow_text.h"
#include "tests/fake/survivor.h"
#include "tests/unit/seed.h"

#define PORTS 4
#define SYNC_MS 20000

struct box {
	struct survivor *w;
	struct dp *dp;
	struct flows *f;
	struct ofp_tables *tables;
	struct mac_table *macs;
};

static struct box b;

static void drop_packet_ins(void *ctx, struct xlate_packet_in *list)
{
	(void)ctx;
	xlate_packet_in_free(list);
}

/* --- a bridge of four ports --- */

static void publish(bool loading, bool all_loading)
{
	struct xl_snapshot *s = xl_snapshot_new(1);
	struct xl_bridge *x = &s->bridges[0];

	(void)snprintf(x->name, sizeof(x->name), "br0");
	x->id = 1;
	x->tables = b.tables;
	x->macs = b.macs;
	x->loading = loading;
	s->loading = all_loading;
	x->n_ports = x->n_bundles = PORTS;
	x->ports = xcalloc(PORTS, sizeof(*x->ports));
	x->bundles = xcalloc(PORTS, sizeof(*x->bundles));
	for (uint32_t i = 0; i < PORTS; i++) {
		struct xl_port *p = &x->ports[i];
		struct xl_bundle *xb = &x->bundles[i];

		(void)snprintf(p->name, sizeof(p->name), "sp%u", i);
		p->ofp.v = p->dp.v = i + 1;
		p->up = true;
		p->bundle = xb;
		xb->id = i;
		xb->vlan.mode = VLAN_TRUNK;
		xb->ports = xcalloc(1, sizeof(struct xl_port *));
		xb->ports[0] = p;
		xb->n_ports = 1;
	}
	xl_snapshot_link(s);
	flows_set_snapshot(b.f, s);
}

static void rule(const char *text)
{
	struct buf acts = BUF_INIT;
	struct error err = ERROR_INIT;
	struct ofp_flow_mod fm;

	ck_assert_msg(!flow_mod_parse(text, OFPFC_ADD_, NULL, &fm, &acts, &err), "%s: %s", text,
		      err.cause);
	ck_assert_int_eq(tables_flow_mod(b.tables, &fm, NULL), OFPERR_OK);
	buf_done(&acts);
}

static void add_port(unsigned i)
{
	char name[] = { 's', 'p', (char)('0' + i), '\0' };
	struct port_config cfg = { .name = name, .type = "survivor" };
	struct dp_port_info info;
	struct dp_port no;
	struct error err = ERROR_INIT;

	ck_assert_int_eq(
		b.dp->ops->port_add(b.dp, &cfg, (struct dp_port){ DP_PORT_NONE }, &no, &err), 0);
	ck_assert_uint_eq(no.v, i + 1);
	ck_assert_int_eq(b.dp->ops->port_get(b.dp, no, &info), 0);
	ck_assert_int_eq(engine_port_add(flows_engine(b.f), info.port, "survivor:a", &err), 0);
	port_unref(info.port);
}

/* Held, with ports, and with a bridge whose tables are empty. */
static void box_open(bool loading, bool all_loading)
{
	static const struct flows_ops ops = { .packet_in = drop_packet_ins };
	static const struct tables_ops no_ops;
	struct flows_config cfg;
	struct engine_config ec;
	struct error err = ERROR_INIT;

	survivor_register();
	b.w = survivor_current() ? survivor_current() : survivor_new();
	ck_assert_int_eq(dp_type_find("survivor")->open("box", &b.dp, &err), 0);
	flows_config_default(&cfg);
	cfg.hold = true;
	cfg.paused = all_loading;
	cfg.max_revalidator_ms = 100;
	b.f = flows_new(b.dp, &ops, &b, &cfg, &err);
	ck_assert_ptr_nonnull(b.f);
	engine_config_default(&ec);
	ec.stats_period_ms = 20;
	engine_configure(flows_engine(b.f), &ec);
	b.tables = tables_new(&no_ops, NULL);
	b.macs = mac_table_new();
	mac_configure(b.macs, 1000, 300);
	for (unsigned i = 0; i < PORTS; i++)
		add_port(i);
	publish(loading, all_loading);
}

static void box_begin(void)
{
	ck_assert_int_eq(flows_begin(b.f), 0);
	ck_assert_int_eq(flows_begin(b.f), 0); /* the next one does nothing */
}

static void box_close(bool leave)
{
	if (leave)
		flows_stop(b.f);
	flows_free(b.f, leave);
	b.dp->ops->close(b.dp, leave);
	rcu_settle();
	tables_free(b.tables);
	mac_table_free(b.macs);
}

/* --- packets --- */

static struct flow_key key_of(unsigned in, unsigned out, uint32_t id)
{
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	k.in_port = htonl(in);
	k.dl_src = (struct eth_addr){ { 2, 0, 0, 0, 0, (uint8_t)in } };
	k.dl_dst = (struct eth_addr){ { 2, 0, 0, 0, 0, (uint8_t)out } };
	k.dl_type = htons(0x0800);
	k.nw_proto = 17;
	k.nw_ttl = 64;
	k.nw_src = htonl(0x0a000000 + id);
	k.nw_dst = htonl(0x0b000000);
	k.tp_src = htons(1);
	k.tp_dst = htons(2);
	return k;
}

static bool packets(const struct flow_key *k, unsigned n)
{
	return survivor_send(b.w, k, n);
}

/* Until there is a megaflow for it. */
static void until_known(const struct flow_key *k)
{
	for (unsigned i = 0; i < 10000; i++) {
		if (packets(k, 1))
			return;
		(void)usleep(1000);
	}
	ck_abort_msg("no megaflow after 10 s");
}

static uint64_t counted(const char *match)
{
	struct ofp_flow_stats_request req = { .table = OFPTT_ALL_,
					      .out_port = { OFPP_NONE_ },
					      .out_group = OFPG_ANY_ };
	struct error err = ERROR_INIT;
	uint64_t packets, bytes;
	uint32_t n;

	ck_assert_int_eq(match_parse(&req.match, match, NULL, NULL, &err), 0);
	ck_assert(flows_sync(b.f, SYNC_MS));
	tables_aggregate(b.tables, &req, &packets, &bytes, &n);
	ck_assert_uint_eq(n, 1);
	return packets;
}

/* Counters of hardware come in their own time. */
static void wait_counted(const char *match, uint64_t packets)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < 1000 && (n = counted(match)) < packets; i++)
		(void)usleep(10000);
	ck_assert_uint_eq(n, packets);
}

static struct flows_stats stats(void)
{
	struct flows_stats st;

	flows_stats(b.f, &st);
	return st;
}

static void wait_checked(void)
{
	for (unsigned i = 0; i < 10000 && stats().adopt_waiting; i++)
		(void)usleep(1000);
	ck_assert_uint_eq(stats().adopt_waiting, 0);
}

static void wait_rules(unsigned n)
{
	for (unsigned i = 0; i < 10000 && survivor_count(b.w, b.w->rules) != n; i++)
		(void)usleep(1000);
	ck_assert_uint_eq(survivor_count(b.w, b.w->rules), n);
}

static uint64_t in_rules_and_flows(void)
{
	uint64_t n = 0;

	survivor_lock(b.w);
	for (unsigned i = 0; i < SURVIVOR_FLOWS; i++) {
		n += b.w->flows[i].used ? b.w->flows[i].st.packets : 0;
		n += b.w->rules[i].used ? b.w->rules[i].st.packets : 0;
	}
	survivor_unlock(b.w);
	return n;
}

/* --- tests --- */

START_TEST(what_agrees_is_kept_with_its_counters)
{
	struct flow_key k[3];
	uint64_t before;

	box_open(false, false);
	rule("ip,nw_src=10.0.0.0/24,actions=output:2");
	box_begin();
	for (unsigned i = 0; i < 3; i++) {
		k[i] = key_of(i + 1, 2, i);
		if (i == 1)
			continue; /* output:2 from port 2 drops: hardware does that too */
		until_known(&k[i]);
	}
	wait_rules(2);
	ck_assert(packets(&k[0], 100));
	ck_assert(packets(&k[2], 100));
	box_close(true);
	ck_assert(packets(&k[0], 100));
	before = in_rules_and_flows();
	ck_assert_uint_ge(before, 300);
	ck_assert_uint_eq(survivor_count(b.w, b.w->rules), 2);

	box_open(false, false);
	rule("ip,nw_src=10.0.0.0/24,actions=output:2");
	box_begin();
	wait_checked();
	ck_assert_uint_eq(stats().adopted, 2);
	ck_assert_uint_eq(stats().adopt_kept, 2);
	ck_assert_uint_eq(stats().adopt_uncredited, 0);
	ck_assert(packets(&k[2], 50));
	wait_counted("ip,nw_src=10.0.0.0/24", before + 50);
	ck_assert_uint_eq(survivor_count(b.w, b.w->rules), 2);
	ck_assert_uint_eq(b.w->applied[OFFLOAD_INSTALL], 2); /* none was placed anew */
	ck_assert_uint_eq(stats().upcalls, 0);
	box_close(false);
	ck_assert_uint_eq(survivor_count(b.w, b.w->flows) + survivor_count(b.w, b.w->rules), 0);
	survivor_free(b.w);
}
END_TEST

START_TEST(what_differs_is_changed_or_removed)
{
	struct flow_key kept = key_of(1, 2, 1), moved = key_of(1, 2, 2), finer = key_of(1, 2, 3);
	uint64_t out3;

	box_open(false, false);
	rule("priority=10,ip,nw_src=10.0.0.1,actions=output:2");
	rule("priority=10,ip,nw_src=10.0.0.2,actions=output:2");
	rule("priority=10,ip,nw_src=10.0.0.3,actions=output:2");
	box_begin();
	until_known(&kept);
	until_known(&moved);
	until_known(&finer);
	wait_rules(3);
	ck_assert(packets(&moved, 100));
	box_close(true);

	box_open(false, false);
	rule("priority=10,ip,nw_src=10.0.0.1,actions=output:2");
	rule("priority=10,ip,nw_src=10.0.0.2,actions=output:3");
	rule("priority=10,udp,nw_src=10.0.0.3,tp_dst=2,actions=output:2");
	out3 = b.w->tx[3];
	box_begin();
	wait_checked();
	ck_assert_uint_eq(stats().adopted, 3);
	ck_assert_uint_eq(stats().adopt_kept, 1);
	ck_assert_uint_eq(stats().adopt_changed, 1);
	ck_assert_uint_eq(stats().adopt_removed, 1);
	ck_assert_uint_ge(stats().adopt_uncredited, 100);
	ck_assert(flows_sync(b.f, SYNC_MS));
	wait_rules(2);
	for (unsigned i = 0; i < 10000; i++) { /* the rule too does what it shall */
		uint64_t was = b.w->tx[3];

		ck_assert(packets(&moved, 1));
		if (b.w->tx[3] != was)
			break;
		(void)usleep(1000);
	}
	ck_assert_uint_gt(b.w->tx[3], out3);
	until_known(&finer);
	box_close(false);
	survivor_free(b.w);
}
END_TEST

START_TEST(nothing_happens_while_tables_are_loaded)
{
	struct flow_key known = key_of(1, 2, 1), unknown = key_of(1, 2, 2);

	box_open(false, false);
	rule("ip,nw_src=10.0.0.1,actions=output:2");
	box_begin();
	until_known(&known);
	wait_rules(1);
	box_close(true);

	box_open(true, true); /* flow-restore-wait */
	box_begin();
	for (unsigned i = 0; i < 40; i++) {
		ck_assert(packets(&known, 10));
		ck_assert(!packets(&unknown, 1));
		(void)usleep(10000);
	}
	ck_assert_uint_eq(stats().upcalls, 0);
	ck_assert_uint_eq(stats().adopt_waiting, 1);
	rule("ip,nw_src=10.0.0.1,actions=output:2");
	rule("ip,nw_src=10.0.0.2,actions=output:2");
	publish(true, false); /* restored; this bridge still waits for its controller */
	{
		struct flows_config cfg;

		flows_config_default(&cfg);
		cfg.max_revalidator_ms = 100;
		ck_assert_int_eq(flows_configure(b.f, &cfg, NULL), 0);
	}
	until_known(&unknown);
	ck_assert(flows_sync(b.f, SYNC_MS));
	ck_assert_uint_eq(stats().adopt_waiting, 1);
	publish(false, false);
	wait_checked();
	ck_assert_uint_eq(stats().adopt_kept, 1);
	ck_assert(packets(&known, 1));
	box_close(false);
	survivor_free(b.w);
}
END_TEST

/* What a learning switch had learned is known again before it is asked for. */
START_TEST(addresses_are_learned_from_what_is_there)
{
	struct flow_key there = key_of(1, 2, 1), back = key_of(2, 1, 2);
	uint64_t floods;

	box_open(false, false);
	rule("actions=NORMAL");
	box_begin();
	until_known(&there); /* floods */
	until_known(&back);
	ck_assert(flows_sync(b.f, SYNC_MS));
	ck_assert(flows_sync(b.f, SYNC_MS));
	for (unsigned i = 0; i < 10000; i++) { /* until the NIC too has heard of it */
		floods = b.w->tx[3] + b.w->tx[4];
		ck_assert(packets(&there, 1));
		ck_assert(packets(&back, 1));
		if (b.w->tx[3] + b.w->tx[4] == floods)
			break;
		(void)usleep(1000);
	}
	wait_rules(2);
	floods = b.w->tx[3] + b.w->tx[4];
	box_close(true);

	box_open(false, false);
	rule("actions=NORMAL");
	box_begin();
	wait_checked();
	ck_assert_uint_eq(stats().adopt_kept, 2);
	ck_assert(packets(&there, 10));
	ck_assert(packets(&back, 10));
	ck_assert(flows_sync(b.f, SYNC_MS));
	ck_assert(packets(&there, 10));
	ck_assert_uint_eq(b.w->tx[3] + b.w->tx[4], floods);
	ck_assert_uint_eq(mac_lookup(b.macs, 0, there.dl_src), 0);
	ck_assert_uint_eq(mac_lookup(b.macs, 0, back.dl_src), 1);
	box_close(false);
	survivor_free(b.w);
}
END_TEST

START_TEST(a_purge_takes_adopted_ones_too)
{
	struct flow_key k = key_of(1, 2, 1);

	box_open(false, false);
	rule("actions=output:2");
	box_begin();
	until_known(&k);
	box_close(true);
	box_open(true, false);
	box_begin();
	ck_assert(flows_purge(b.f, SYNC_MS));
	ck_assert_uint_eq(stats().adopt_waiting, 0);
	ck_assert_uint_eq(survivor_count(b.w, b.w->flows), 0);
	box_close(false);
	survivor_free(b.w);
}
END_TEST

/* --- killed --- */

#define LIVES 10
#define STEADY 12

static void rules_of_life(void)
{
	rule("priority=10,ip,nw_src=10.0.0.0/28,actions=output:2");
	rule("priority=10,ip,nw_src=10.0.0.16/28,actions=output:3");
	rule("priority=0,actions=NORMAL");
}

/* Until it is killed: packets of its own, tables that change beside what is steady. */
static void live(struct rng rng)
{
	bool flip = false;

	box_open(true, false);
	rules_of_life();
	box_begin();
	(void)usleep((useconds_t)rng_below(&rng, 20000));
	publish(false, false);
	for (;;) {
		struct flow_key k = key_of(3, 4, 100 + (uint32_t)rng_below(&rng, 50));

		(void)packets(&k, 1);
		if (rng_below(&rng, 20) == 0) {
			flip = !flip;
			rule(flip ? "priority=20,ip,nw_src=10.0.0.64/26,actions=output:3"
				  : "priority=20,ip,nw_src=10.0.0.64/26,actions=output:1,output:2");
			flows_kick(b.f);
		}
		(void)usleep((useconds_t)rng_below(&rng, 2000));
	}
}

static unsigned known_steady(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < STEADY; i++) {
		struct flow_key k = key_of(1, 2, i);

		n += packets(&k, 1);
	}
	return n;
}

START_TEST(killed_at_any_moment_it_loses_no_packet)
{
	struct rng rng = rng_start("killed_at_any_moment_it_loses_no_packet");
	uint64_t before = 0, sent = 0, missed;

	survivor_register();
	b.w = survivor_new();
	for (unsigned life = 0; life < LIVES; life++) {
		struct rng mine = { rng_next(&rng) };
		pid_t pid = fork();
		int status;

		ck_assert_int_ge(pid, 0);
		if (!pid)
			live(mine);
		for (unsigned i = 0; !life && i < 20000 && known_steady() < STEADY; i++)
			(void)usleep(1000);
		for (unsigned turn = 0; turn < 60 + rng_below(&rng, 60); turn++) {
			ck_assert_uint_eq(known_steady(), STEADY);
			(void)usleep(1000);
		}
		ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		for (unsigned turn = 0; turn < 10; turn++)
			ck_assert_uint_eq(known_steady(), STEADY);
	}
	box_open(true, false);
	rules_of_life();
	box_begin();
	survivor_lock(b.w);
	for (unsigned i = 0; i < SURVIVOR_FLOWS; i++) {
		const struct survivor_rule *r[2] = { &b.w->flows[i], &b.w->rules[i] };

		for (unsigned k = 0; k < 2; k++)
			if (r[k]->used && ntohl(r[k]->key.nw_src) - 0x0a000000 < STEADY)
				before += r[k]->st.packets;
	}
	survivor_unlock(b.w);
	missed = b.w->misses;
	publish(false, false);
	wait_checked();
	for (; sent < 20ull * STEADY; sent += STEADY)
		ck_assert_uint_eq(known_steady(), STEADY);
	ck_assert_uint_eq(b.w->misses, missed);
	wait_counted("ip,nw_src=10.0.0.0/28", before + sent);
	box_close(false);
	ck_assert_uint_eq(survivor_count(b.w, b.w->flows) + survivor_count(b.w, b.w->rules), 0);
	survivor_free(b.w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("adoption");
	TCase *t = tcase_create("adopt");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 180);
	tcase_add_test(t, what_agrees_is_kept_with_its_counters);
	tcase_add_test(t, what_differs_is_changed_or_removed);
	tcase_add_test(t, nothing_happens_while_tables_are_loaded);
	tcase_add_test(t, addresses_are_learned_from_what_is_there);
	tcase_add_test(t, a_purge_takes_adopted_ones_too);
	tcase_add_test(t, killed_at_any_moment_it_loses_no_packet);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
