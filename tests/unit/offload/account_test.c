/* SPDX-License-Identifier: Apache-2.0 */
/* Exact accounting: while flows are placed, refused, evicted, replaced, reset, altered, forgotten,
 * removed and put again, every packet that was sent is counted once, in some flow or as a miss. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/thread.h"
#include "core/base/xalloc.h"
#include "core/packet/parse.h"
#include "core/port/fake.h"
#include "tests/unit/offload/lab.h"

#define FLOWS 120
#define PORTS_IN 3 /* injectors; the last port is only sent to */

struct world {
	const char *profile;
	struct lab *l;
	struct rng rng;
	struct match m[FLOWS];
	struct engine_flow *f[FLOWS]; /* NULL: not there now */
	struct ufid u[FLOWS];
	struct packet *p[FLOWS];
	uint32_t len[FLOWS];
	_Atomic uint64_t sent[FLOWS];
	bool skewed; /* few flows get most packets */
};

static const char *const actions[] = {
	"%1", "%2", "%3", "%1,%2", "set(ipv4(ttl=9)),%1", "drop", "set(ipv4(src=9.9.9.9)),%2",
};

struct injector {
	struct world *w;
	struct thread thread;
	unsigned in;
	uint64_t seed;
};

/* Sends packets of the flows that enter by its port, until it is stopped. */
static void inject(struct thread *t, void *arg)
{
	struct injector *j = arg;
	struct world *w = j->w;
	struct rng r = { j->seed };

	while (!t->stop) {
		unsigned i = (unsigned)rng_below(&r, FLOWS / PORTS_IN) * PORTS_IN + j->in;
		unsigned n = 1 + (unsigned)rng_below(&r, 8);

		if (w->skewed && rng_below(&r, 4))
			i = (unsigned)rng_below(&r, 5) * PORTS_IN + j->in;
		for (unsigned k = 0; k < n; k++) {
			if (!fake_inject(w->l->port[j->in], 0, w->p[i]))
				atomic_fetch_add(&w->sent[i], 1);
			else
				lab_sleep_ms(1);
		}
	}
}

static void put(struct world *w, unsigned i)
{
	const char *a = actions[rng_below(&w->rng, ARRAY_SIZE(actions))];

	w->f[i] = lab_put(w->l, &w->m[i], a, rng_below(&w->rng, 10) > 0, &w->u[i]);
}

static void world_init(struct world *w, struct lab *l, struct rng rng)
{
	memset(w, 0, sizeof(*w));
	w->l = l;
	w->rng = rng;
	for (unsigned i = 0; i < FLOWS; i++) {
		lab_udp(l, i % PORTS_IN, i, &w->m[i]);
		w->p[i] = packet_compose(&w->m[i].key, rng_below(&w->rng, 100));
		w->len[i] = w->p[i]->len;
		put(w, i);
	}
}

static void world_done(struct world *w)
{
	for (unsigned i = 0; i < FLOWS; i++) {
		if (w->f[i])
			lab_del(w->l, w->f[i]);
		packet_free(w->p[i]);
	}
}

/* --- what may happen to flows --- */

static void do_modify(struct world *w, unsigned i)
{
	if (w->f[i])
		lab_modify(w->l, w->f[i], actions[rng_below(&w->rng, ARRAY_SIZE(actions))],
			   rng_below(&w->rng, 10) > 0);
}

static void do_replace(struct world *w, unsigned i)
{
	if (w->f[i])
		lab_del(w->l, w->f[i]);
	put(w, i);
}

static void do_fault(struct world *w, const char *fault)
{
	struct engine_device_info *d = xzalloc(sizeof(*d));
	const char *argv[5];
	char *copy = xstrdup(fault), *save = NULL;
	struct str out = STR_INIT;
	int argc = 0;

	for (char *s = strtok_r(copy, " ", &save); s; s = strtok_r(NULL, " ", &save))
		argv[argc++] = s;
	lab_device(w->l, d);
	/* "any" finds nothing at times */
	(void)engine_device_command(w->l->e, d->name, argc, argv, &out, NULL);
	str_done(&out);
	free(copy);
	free(d);
}

static void do_port(struct world *w)
{
	unsigned i = (unsigned)rng_below(&w->rng, PORTS_IN);

	engine_port_enable(w->l->e, w->l->no[i], false);
	lab_sleep_ms(5);
	engine_port_enable(w->l->e, w->l->no[i], true);
}

/* Another device, none, back again, while packets come in. */
static void do_move(struct world *w)
{
	unsigned which = (unsigned)rng_below(&w->rng, 3);
	char text[80] = "";

	if (which)
		(void)snprintf(text, sizeof(text), "sim:%s%s", w->profile, which > 1 ? "/2" : "");
	ck_assert_int_eq(engine_port_move(w->l->e, w->l->port[0], text, NULL), 0);
}

static void do_audit(struct world *w)
{
	struct str out = STR_INIT;

	ck_assert_int_eq(engine_audit(w->l->e, NULL, true, engine_audit_print, &out, NULL), 0);
	str_done(&out);
}

static void one_event(struct world *w, bool removals)
{
	static const char *const faults[] = {
		"fault reset",
		"fault forget any",
		"fault alter any",
		"fault mute any",
		"fault full 20",
		"fault slow 1",
		"fault refuse field udp_dst",
		"fault refuse action set",
		"fault clear",
		"fault clear",
	};
	unsigned i = (unsigned)rng_below(&w->rng, FLOWS), what = (unsigned)rng_below(&w->rng, 100);

	if (what < 40)
		do_modify(w, i);
	else if (what < 60 && removals)
		do_replace(w, i);
	else if (what < 80)
		do_fault(w, faults[rng_below(&w->rng, ARRAY_SIZE(faults))]);
	else if (what < 84)
		do_port(w);
	else if (what < 86)
		do_move(w);
	else if (what < 90)
		do_audit(w);
	else
		engine_refresh(w->l->e);
}

static void run_for(struct world *w, unsigned ms, bool removals)
{
	struct injector j[PORTS_IN];
	uint64_t end = clock_mono_ns() + ms * NSEC_PER_MSEC;

	for (unsigned i = 0; i < PORTS_IN; i++) {
		j[i] = (struct injector){ .w = w, .in = i, .seed = rng_next(&w->rng) };
		ck_assert_int_eq(thread_start(&j[i].thread, "inject", inject, &j[i]), 0);
	}
	while (clock_mono_ns() < end) {
		one_event(w, removals);
		lab_sleep_ms(1 + (unsigned)rng_below(&w->rng, 4));
	}
	for (unsigned i = 0; i < PORTS_IN; i++)
		thread_stop(&j[i].thread);
}

static uint64_t total_sent(struct world *w, uint64_t *bytes)
{
	uint64_t n = 0;

	*bytes = 0;
	for (unsigned i = 0; i < FLOWS; i++) {
		n += w->sent[i];
		*bytes += w->sent[i] * w->len[i];
	}
	return n;
}

static void small_table(struct engine_config *cfg)
{
	cfg->min_residency_ms = 20;
	cfg->audit_period_ms = 100;
}

/* --- each flow gets what was sent of it --- */

static void flows_stay(unsigned lag_ms, unsigned latency_us)
{
	struct rng rng = rng_start("every_flow_counts_what_was_sent");
	struct world *w = xmalloc(sizeof(*w));
	struct lab *l;

	lab_profile_generic("stay", 40, latency_us, lag_ms);
	l = lab_open("s", "sim:stay", 3, true, small_table);
	world_init(w, l, rng);
	w->profile = "stay";
	w->skewed = true;
	run_for(w, 3000, false);
	do_fault(w, "fault clear");
	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow_stats t;

		lab_wait_packets(l, w->f[i], w->sent[i]);
		engine_flow_total(w->f[i], &t);
		ck_assert_uint_eq(t.bytes, w->sent[i] * w->len[i]);
	}
	ck_assert(engine_quiesce(l->e, 10000));
	world_done(w);
	lab_close(l);
	free(w);
}

START_TEST(every_flow_counts_what_was_sent)
{
	flows_stay(0, 0);
}
END_TEST

START_TEST(also_by_a_slow_device_with_old_counters)
{
	flows_stay(100, 300);
}
END_TEST

/* --- flows come and go: packets between two of them are misses --- */

static uint64_t seen(struct world *w, uint64_t *bytes)
{
	struct engine_totals t;
	uint64_t n = 0;

	engine_refresh(w->l->e);
	engine_totals(w->l->e, &t);
	*bytes = 0;
	for (unsigned i = 0; i < LEDGER_N_TIERS; i++) {
		n += t.packets[i];
		*bytes += t.bytes[i];
	}
	return n;
}

START_TEST(packets_are_counted_or_missed)
{
	struct rng rng = rng_start("packets_are_counted_or_missed");
	struct world *w = xmalloc(sizeof(*w));
	uint64_t sent, sent_bytes, counted = 0, bytes, port_sum = 0;
	struct engine_port_info ports[LAB_PORTS];
	struct dp_stats st;
	struct lab *l;

	lab_profile_generic("churn", 40, 50, 30);
	l = lab_open("t", "sim:churn", 3, true, small_table);
	world_init(w, l, rng);
	w->profile = "churn";
	run_for(w, 4000, true);
	do_fault(w, "fault clear");
	sent = total_sent(w, &sent_bytes);
	for (unsigned ms = 0; ms < 5000; ms += 10) {
		counted = seen(w, &bytes);
		l->dp->ops->stats(l->dp, &st);
		if (counted + st.misses == sent)
			break;
		lab_sleep_ms(10);
	}
	ck_assert_uint_eq(counted + st.misses, sent);
	ck_assert_uint_gt(st.misses, 0);
	ck_assert_uint_eq(engine_ports(l->e, ports, LAB_PORTS), LAB_PORTS);
	for (unsigned i = 0; i < LAB_PORTS; i++)
		for (unsigned t = 0; t < LEDGER_N_TIERS; t++)
			port_sum += ports[i].packets[t];
	ck_assert_uint_eq(port_sum, counted);
	world_done(w);
	ck_assert(engine_quiesce(l->e, 10000));
	for (unsigned ms = 0; ms < 2000 && l->gone_packets != counted; ms++)
		lab_sleep_ms(1);
	ck_assert_uint_eq(l->gone_packets, counted); /* what the gone flows said last adds up */
	ck_assert_uint_eq(l->gone_bytes, bytes);
	lab_close(l);
	free(w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload accounting");
	TCase *t = tcase_create("account");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, every_flow_counts_what_was_sent);
	tcase_add_test(t, also_by_a_slow_device_with_old_counters);
	tcase_add_test(t, packets_are_counted_or_missed);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
