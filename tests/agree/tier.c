/* SPDX-License-Identifier: Apache-2.0 */
/* Switches: opened, asked, told about and closed. */
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "tests/agree/tier_priv.h"

#define WAIT_MS 10000 /* for a frame that must come */

static unsigned next_base; /* of devices */

/* --- frames --- */

void frames_add(struct frames *f, unsigned port, const void *data, size_t len)
{
	buf_put_be32(&f->at[port], (uint32_t)len);
	buf_put(&f->at[port], data, len);
	f->n[port]++;
}

unsigned frames_total(const struct frames *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < AGREE_PORTS; i++)
		n += f->n[i];
	return n;
}

static void frames_clear(struct frames *f)
{
	for (unsigned i = 0; i < AGREE_PORTS; i++) {
		buf_clear(&f->at[i]);
		f->n[i] = 0;
	}
}

void outcome_init(struct outcome *o)
{
	memset(o, 0, sizeof(*o));
}

void outcome_clear(struct outcome *o)
{
	for (unsigned i = 0; i < AGREE_PACKETS; i++) {
		frames_clear(&o->first[i]);
		frames_clear(&o->placed[i]);
	}
	memset(o->count, 0, sizeof(o->count));
	memset(o->any_order, 0, sizeof(o->any_order));
	memset(o->garbled, 0, sizeof(o->garbled));
}

void outcome_done(struct outcome *o)
{
	for (unsigned i = 0; i < AGREE_PACKETS; i++)
		for (unsigned p = 0; p < AGREE_PORTS; p++) {
			buf_done(&o->first[i].at[p]);
			buf_done(&o->placed[i].at[p]);
		}
}

/* --- opening and closing --- */

static void add_port(struct tier *t, unsigned i)
{
	struct port_config cfg = { .name = t->wires.near[i], .type = t->row->wires->type };
	const char *offload = t->row->offload ? t->row->offload : "none";
	struct dp_port_info info;
	struct error err = ERROR_INIT;

	ck_assert_msg(!t->dp->ops->port_add(t->dp, &cfg, (struct dp_port){ DP_PORT_NONE },
					    &t->no[i], &err),
		      "%s: %s", cfg.name, err.cause);
	memset(&info, 0, sizeof(info));
	ck_assert_int_eq(t->dp->ops->port_get(t->dp, t->no[i], &info), 0);
	t->port[i] = info.port;
	t->row->wires->join(&t->wires, i, info.port);
	ck_assert_msg(!engine_port_add(flows_engine(t->flows), info.port, offload, &err),
		      "%s, offload=%s: %s", cfg.name, offload, err.cause);
}

static void take_packet_ins(void *ctx, struct xlate_packet_in *list)
{
	(void)ctx;
	xlate_packet_in_free(list);
}

static void open_datapath(struct tier *t)
{
	static const struct flows_ops ops = { .packet_in = take_packet_ins };
	struct error err = ERROR_INIT;
	struct flows_config cfg;
	struct engine_config ec;
	char name[16];

	(void)snprintf(name, sizeof(name), "agree%u", t->wires.base);
	ck_assert_msg(!dp_type_find(t->row->dp)->open(name, &t->dp, &err), "%s", err.cause);
	flows_config_default(&cfg);
	t->flows = flows_new(t->dp, &ops, t, &cfg, &err);
	ck_assert_msg(t->flows != NULL, "%s", err.cause);
	engine_config_default(&ec);
	ec.stats_period_ms = 100;
	engine_configure(flows_engine(t->flows), &ec);
	for (unsigned i = 0; i < AGREE_PORTS; i++)
		add_port(t, i);
}

struct tier *tier_open(const struct agree_tier *row)
{
	static const struct tables_ops no_ops;
	struct tier *t = xzalloc(sizeof(*t));

	t->row = row;
	t->tables = tables_new(&no_ops, NULL);
	t->macs = mac_table_new();
	if (!row->dp) {
		t->recirc = recirc_table_new(RECIRC_MAX);
		for (unsigned i = 0; i < AGREE_PORTS; i++)
			t->no[i].v = i + 1;
		tier_add_meter(t);
		return t;
	}
	t->wires.ops = row->wires;
	t->wires.base = next_base;
	next_base += AGREE_PORTS;
	row->wires->open(&t->wires);
	open_datapath(t);
	tier_add_meter(t);
	return t;
}

static void close_datapath(struct tier *t)
{
	struct xl_snapshot *empty = xl_snapshot_new(0);

	xl_snapshot_link(empty);
	flows_set_snapshot(t->flows, empty);
	ck_assert(flows_sync(t->flows, TIER_SYNC_MS));
	for (unsigned i = 0; i < AGREE_PORTS; i++) {
		engine_port_del(flows_engine(t->flows), t->port[i]);
		(void)t->dp->ops->port_del(t->dp, t->no[i]); /* close() does what is left */
		port_unref(t->port[i]);
	}
	flows_free(t->flows, false);
	tier_del_meter(t);
	t->dp->ops->close(t->dp, false);
	t->row->wires->close(&t->wires);
}

void tier_close(struct tier *t)
{
	if (t->dp)
		close_datapath(t);
	xl_snapshot_free(t->snap);
	tables_flush(t->tables, false);
	tables_free(t->tables);
	mac_table_free(t->macs);
	recirc_table_free(t->recirc);
	str_done(&t->megaflows);
	str_done(&t->odd);
	free(t);
}

const struct agree_tier *tier_row(const struct tier *t)
{
	return t->row;
}

/* --- asking --- */

/* Yields at first: what is waited for needs the processor, and may be the only one's. */
static void nap(unsigned *turn)
{
	static const struct timespec ms = { .tv_nsec = 1000000 };

	if ((*turn)++ < 200)
		(void)sched_yield();
	else
		(void)nanosleep(&ms, NULL); /* an early return looks again */
}

static uint64_t deadline(void)
{
	const char *env = getenv("SHUNT_PATIENCE");
	double patience = env ? strtod(env, NULL) : 1;

	return clock_mono_ns() + (uint64_t)(WAIT_MS * MAX(patience, 1.0)) * NSEC_PER_MSEC;
}

static void collect(struct tier *t, struct frames *got)
{
	uint8_t frame[WIRES_ROOM];
	size_t len;

	for (unsigned i = 0; i < AGREE_PORTS; i++)
		while ((len = t->row->wires->receive(&t->wires, i, frame)))
			frames_add(got, i, frame, len);
}

static bool enough(const struct frames *got, const struct frames *want)
{
	for (unsigned i = 0; i < AGREE_PORTS; i++)
		if (got->n[i] < want->n[i])
			return false;
	return true;
}

/* What handlers were given and have not dealt with. */
static uint64_t upcalls_waiting(struct tier *t)
{
	struct flows_stats fs;
	struct dp_stats ds;
	uint64_t up = 0;

	t->dp->ops->stats(t->dp, &ds);
	flows_stats(t->flows, &fs);
	for (unsigned k = 0; k < UPCALL_N_KINDS; k++)
		up += ds.upcalls[k];
	return up - fs.upcalls;
}

static uint64_t received(struct tier *t)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < AGREE_PORTS; i++) {
		struct port_stats st;

		ck_assert_int_eq(t->port[i]->ops->stats(t->port[i], &st), 0);
		n += st.rx_packets;
	}
	return n;
}

/* Fake ports tell what has been taken from them; a device takes at once. */
static bool taken(struct tier *t)
{
	return t->row->wires != &wires_fake || received(t) == t->sent;
}

/* Packets that a worker has not read from a device yet have no other sign.  What hardware took is
 * known some time later, which is waited for. */
static uint64_t looked_up(struct tier *t)
{
	struct engine_totals all;
	struct dp_stats ds;

	memset(&all, 0, sizeof(all));
	engine_totals(flows_engine(t->flows), &all);
	t->dp->ops->stats(t->dp, &ds);
	return ds.hits + ds.misses + all.packets[LEDGER_HARDWARE];
}

/* All that was sent has been looked up: for the user datapath at devices. */
static void await_lookups(struct tier *t, const struct agree_case *c, const struct outcome *want)
{
	uint64_t until = deadline(), passes = 0;
	unsigned turn = 0;

	for (unsigned i = 0; i < c->n_packets; i++)
		passes += want->passes[i] * (1 + AGREE_COPIES);
	if (t->row->wires == &wires_fake || strcmp(t->row->dp, "netdev"))
		return;
	while (looked_up(t) - t->looked_up < passes && clock_mono_ns() < until)
		nap(&turn);
}

static void settle(struct tier *t)
{
	uint64_t until = deadline();
	unsigned turn = 0;

	for (unsigned calm = 0; calm < 2 && clock_mono_ns() < until; nap(&turn))
		calm = taken(t) && !upcalls_waiting(t) ? calm + 1 : 0;
}

/* False: too little came. */
static bool ask(struct tier *t, const struct agree_packet *p, unsigned copies,
		const struct frames *want, struct frames *got)
{
	uint64_t until = deadline(), before = want ? 0 : looked_up(t);
	unsigned turn = 0;

	for (unsigned i = 0; i < copies; i++, t->sent++)
		while (!t->row->wires->send(&t->wires, p))
			ck_assert(clock_mono_ns() < until);
	while (!want && looked_up(t) < before + copies && clock_mono_ns() < until)
		nap(&turn);
	for (collect(t, got); want && !enough(got, want) && clock_mono_ns() < until;
	     collect(t, got))
		nap(&turn);
	return !want || enough(got, want);
}

/* Nothing that a rule or a frame can bring about. */
static bool is_odd(enum offload_reason r)
{
	return r == OFFLOAD_IO_ERROR || (r >= OFFLOAD_ECHO_DIFFERS && r != OFFLOAD_REPLACING);
}

static void say_flow(const struct engine_flow_info *i, struct str *s)
{
	match_format_dp(&i->key, &i->mask, NULL, NULL, s);
	str_puts(s, ", actions:");
	dp_actions_format_for(dp_actions_of(&i->actions), i->key.dl_type, NULL, NULL, s);
	str_printf(s, ": %s, ", offload_state_name[i->state]);
	offload_refusal_format(&i->why, s);
	for (unsigned k = 0; k < LEDGER_N_TIERS; k++)
		if (i->tier[k].packets)
			str_printf(s, ", %s %llu", ledger_tier_name[k],
				   (unsigned long long)i->tier[k].packets);
	str_puts(s, "\n");
}

static bool note_flow(const struct engine_flow_info *i, void *aux)
{
	struct tier *t = aux;

	t->states[i->state]++;
	t->reasons[i->why.reason]++;
	say_flow(i, &t->megaflows);
	if (is_odd(i->why.reason) && t->odd.len < 2000)
		say_flow(i, &t->odd);
	return true;
}

/* All frames that come late are there, so that one too many is seen. */
static void last_frames(struct tier *t, struct frames *got)
{
	static const struct timespec pause = { .tv_nsec = 2000000 };

	(void)nanosleep(&pause, NULL); /* shorter: a frame too many is seen with the next case */
	collect(t, got);
}

/* The packet and what it led to have been dealt with: the next one may find what this one did to
 * connections. */
static void finish(struct tier *t, struct frames *got)
{
	settle(t);
	last_frames(t, got);
	settle(t);
	collect(t, got);
}

static bool learns(const struct agree_case *c)
{
	for (unsigned i = 0; i < c->n_lines; i++)
		if (strcasestr(c->line[i], "normal") || strstr(c->line[i], "learn("))
			return true;
	return false;
}

static bool run_first(struct tier *t, const struct agree_case *c, const struct outcome *want,
		      struct outcome *got)
{
	for (unsigned i = 0; i < c->n_packets; i++) {
		if (!ask(t, &c->packet[i], 1, want ? &want->first[i] : NULL, &got->first[i]))
			return false;
		settle(t);
		if (learns(c)) /* what was learned is heeded from the next round on */
			ck_assert(flows_sync(t->flows, TIER_SYNC_MS));
		if (agree_case_tracks(c))
			finish(t, &got->first[i]);
		collect(t, &got->first[i]);
	}
	return true;
}

/* All copies but the last, each when the one before has been dealt with. */
static void send_in_turn(struct tier *t, const struct agree_packet *p, struct frames *got)
{
	uint64_t until = deadline();

	for (unsigned i = 1; i < AGREE_COPIES; i++, t->sent++) {
		while (!t->row->wires->send(&t->wires, p))
			ck_assert(clock_mono_ns() < until);
		finish(t, got);
	}
}

static void run_placed(struct tier *t, const struct agree_case *c, const struct outcome *want,
		       struct outcome *got)
{
	bool tracks = agree_case_tracks(c);
	unsigned i = 0;

	for (; i < c->n_packets; i++) {
		if (tracks)
			send_in_turn(t, &c->packet[i], &got->placed[i]);
		if (!ask(t, &c->packet[i], tracks ? 1 : AGREE_COPIES,
			 want ? &want->placed[i] : NULL, &got->placed[i]))
			return;
		if (tracks)
			finish(t, &got->placed[i]);
	}
	if (want && !tracks)
		await_lookups(t, c, want);
	settle(t);
	if (i)
		last_frames(t, &got->placed[i - 1]);
}

static void run_translation(struct tier *t, const struct agree_case *c, struct outcome *got)
{
	str_clear(&t->megaflows);
	for (unsigned i = 0; i < c->n_packets; i++)
		translation_send(t, &c->packet[i], got, i);
	for (unsigned i = 0; i < c->n_packets; i++)
		for (unsigned k = 0; k < AGREE_COPIES; k++)
			translation_again(t, &c->packet[i], &got->placed[i]);
}

void tier_run(struct tier *t, const struct agree_case *c, const struct outcome *want,
	      struct outcome *got)
{
	struct frames old;

	if (!t->dp) {
		run_translation(t, c, got);
		tier_count(t, c, got);
		return;
	}
	memset(&old, 0, sizeof(old));
	last_frames(t, &old); /* of a case that failed */
	for (unsigned i = 0; i < AGREE_PORTS; i++)
		buf_done(&old.at[i]);
	t->looked_up = looked_up(t);
	if (agree_case_tracks(c))
		tier_forget_connections(t);
	if (run_first(t, c, want, got)) {
		ck_assert(flows_sync(t->flows, TIER_SYNC_MS));
		ck_assert(engine_quiesce(flows_engine(t->flows), TIER_SYNC_MS));
		run_placed(t, c, want, got);
	}
	ck_assert(flows_sync(t->flows, TIER_SYNC_MS));
	str_clear(&t->megaflows);
	engine_visit(flows_engine(t->flows), note_flow, t);
	/* The last readings come with the removal. */
	ck_assert(flows_purge(t->flows, TIER_SYNC_MS));
	ck_assert(engine_quiesce(flows_engine(t->flows), TIER_SYNC_MS));
	ck_assert(flows_sync(t->flows, TIER_SYNC_MS));
	tier_count(t, c, got);
}

/* --- telling --- */

void tier_answers(struct tier *t, uint64_t packets[LEDGER_N_TIERS])
{
	struct engine_totals all;

	memset(&all, 0, sizeof(all));
	if (t->dp)
		engine_totals(flows_engine(t->flows), &all);
	memcpy(packets, all.packets, sizeof(all.packets));
}

void tier_describe(struct tier *t, struct str *out)
{
	uint64_t packets[LEDGER_N_TIERS];

	tier_answers(t, packets);
	str_printf(out, "%s:", t->row->name);
	for (unsigned k = 0; k < LEDGER_N_TIERS; k++)
		if (packets[k])
			str_printf(out, " %llu packets by %s", (unsigned long long)packets[k],
				   ledger_tier_name[k]);
	str_puts(out, "; megaflows");
	for (unsigned k = 0; k < OFFLOAD_N_STATES; k++)
		if (t->states[k])
			str_printf(out, ", %s %llu", offload_state_name[k],
				   (unsigned long long)t->states[k]);
	for (unsigned k = 1; k < OFFLOAD_N_REASONS; k++)
		if (t->reasons[k])
			str_printf(out, ", %s %llu", offload_reason_table[k].name,
				   (unsigned long long)t->reasons[k]);
	str_puts(out, "\n");
}

const char *tier_odd(const struct tier *t)
{
	return str_cstr(&t->odd);
}

const char *tier_megaflows(const struct tier *t)
{
	return str_cstr(&t->megaflows);
}
