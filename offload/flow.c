/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

const char *const offload_state_name[OFFLOAD_N_STATES] = {
	[OFFLOAD_ST_SOFTWARE] = "software",
	[OFFLOAD_ST_QUEUED] = "queued",
	[OFFLOAD_ST_INSTALLING] = "installing",
	[OFFLOAD_ST_HARDWARE] = "hardware",
	[OFFLOAD_ST_TC] = "tc",
	[OFFLOAD_ST_EVICTING] = "evicting",
	[OFFLOAD_ST_LOST] = "lost",
	[OFFLOAD_ST_REFUSED] = "refused",
	[OFFLOAD_ST_REMOVING] = "removing",
};

struct flow_acts *flow_acts_new(struct dp_actions a)
{
	struct flow_acts *acts = xmalloc(sizeof(*acts) + ROUND_UP((size_t)a.len, 8));

	atomic_init(&acts->refs, 1);
	acts->len = a.len;
	acts->told = 0;
	if (a.len)
		memcpy(acts->data, a.data, a.len);
	return acts;
}

struct flow_acts *flow_acts_ref(struct flow_acts *a)
{
	atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
	return a;
}

void flow_acts_unref(struct flow_acts *a)
{
	if (a && atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1)
		free(a);
}

struct engine_flow *flow_new(struct engine *e, const struct engine_put *put)
{
	struct engine_flow *f = xzalloc(sizeof(*f));
	struct match m;

	atomic_init(&f->refs, 1);
	CDS_INIT_LIST_HEAD(&f->place);
	f->e = e;
	f->ufid = put->ufid;
	match_init(&m, put->key, put->mask);
	minimatch_init(&f->match, &m);
	f->acts = flow_acts_new(put->actions);
	f->aux = put->aux;
	f->hw_ok = put->hw_ok;
	f->needs_sw = offload_needs_software(put->mask, put->actions);
	f->recirc_id = ntohl(put->key->recirc_id & put->mask->recirc_id);
	f->sw_open = true;
	f->created_ns = clock_mono_ns();
	f->pinned = put->pinned;
	ledger_init(&f->ledger);
	ledger_open(&f->ledger, e->sw_tier);
	return f;
}

bool flow_needs_software(const struct engine_flow *f)
{
	struct match m;

	minimatch_expand(&f->match, &m);
	return offload_needs_software(&m.mask, flow_acts_list(f->acts));
}

struct engine_flow *engine_flow_ref(struct engine_flow *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}

void engine_flow_unref(struct engine_flow *f)
{
	if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
		return;
	minimatch_done(&f->match);
	flow_acts_unref(f->acts);
	flow_acts_unref(f->hw_acts);
	free(f->history);
	free(f);
}

void *engine_flow_aux(const struct engine_flow *f)
{
	return f->aux;
}

void engine_flow_match(const struct engine_flow *f, struct match *m)
{
	minimatch_expand(&f->match, m);
}

struct dp_actions engine_flow_actions(const struct engine_flow *f)
{
	return flow_acts_list(f->acts);
}

/* Until when packets are known to have been read from the device. */
static uint64_t device_read_until(const struct engine_dev *d)
{
	uint64_t lag = d->caps.counter_lag_ms * NSEC_PER_MSEC;

	return d->read_ns > lag ? d->read_ns - lag : 0;
}

uint64_t engine_flow_total(struct engine_flow *f, struct flow_stats *total)
{
	uint64_t known;

	lock_take(&f->e->lock);
	ledger_total(&f->ledger, total);
	known = f->dev && f->handle ? device_read_until(f->dev) : UINT64_MAX;
	lock_give(&f->e->lock);
	return known;
}

struct engine_flow *flow_find(struct engine *e, struct ufid ufid)
{
	struct engine_flow *f;

	HTABLE_FOR_EACH_WITH (f, struct engine_flow, by_ufid, hash_ufid(&ufid), &e->flows)
		if (f->ufid.u[0] == ufid.u[0] && f->ufid.u[1] == ufid.u[1])
			return f;
	return NULL;
}

/* --- reasons --- */

struct why why_of(enum offload_reason reason)
{
	return (struct why){ .reason = (uint8_t)reason,
			     .driver = "",
			     .field = -1,
			     .action = -1,
			     .at_ns = clock_wall_ns() };
}

/* Drivers repeat themselves, so each text is kept once; a device that never does is cut off. */
const char *why_words(struct engine *e, const char *s)
{
	uint64_t hash = hash_string(s, 0);
	struct text *t;

	if (!*s)
		return "";
	HTABLE_FOR_EACH_WITH (t, struct text, node, hash, &e->texts)
		if (!strcmp(t->s, s))
			return t->s;
	if (e->texts.n >= ENGINE_DRIVER_TEXTS)
		return "(the driver has said too many different things to keep them)";
	t = xmalloc(sizeof(*t) + strlen(s) + 1);
	memcpy(t->s, s, strlen(s) + 1);
	htable_insert(&e->texts, &t->node, hash);
	return t->s;
}

struct why why_from(struct engine *e, const struct offload_refusal *r)
{
	return (struct why){ .reason = (uint8_t)r->reason,
			     .driver = why_words(e, r->driver),
			     .limit = r->limit,
			     .field = (int16_t)r->field,
			     .action = (int16_t)r->action,
			     .retry_ns = r->retry_ns,
			     .at_ns = r->at_ns };
}

void why_to(const struct why *w, struct offload_refusal *r)
{
	memset(r, 0, sizeof(*r));
	r->reason = (enum offload_reason)w->reason;
	r->field = w->field;
	r->action = w->action;
	r->limit = w->limit;
	r->at_ns = w->at_ns;
	r->retry_ns = w->retry_ns;
	(void)snprintf(r->driver, sizeof(r->driver), "%s", w->driver);
}

/* --- states and what is counted by them --- */

static bool is_tc_waiting(const struct engine_flow *f)
{
	enum offload_retry r = offload_reason_table[f->why.reason].retry;

	return f->state == OFFLOAD_ST_TC &&
	       (r == OFFLOAD_RETRY_SPACE || r == OFFLOAD_RETRY_BACKOFF);
}

static void count(struct engine *e, struct engine_flow *f, int64_t by) ENGINE_LOCKED(e)
{
	bool hw = f->state == OFFLOAD_ST_HARDWARE;
	/* f->tier may be a new rule's already while the state is the former one's. */
	enum ledger_tier tier = hw                          ? LEDGER_HARDWARE
				: f->state == OFFLOAD_ST_TC ? LEDGER_TC
							    : e->sw_tier;
	uint64_t n = (uint64_t)by;

	if (f->dev) {
		f->dev->stat.flows[f->state] += n;
		f->dev->n_tc_waiting += is_tc_waiting(f) ? n : 0;
	}
	if (f->state == OFFLOAD_ST_REMOVING)
		return;
	e->totals.flows[tier] += n;
	if (!hw)
		e->totals.no_device[f->why.reason] += n;
	if (f->port) {
		f->port->flows += n;
		f->port->flows_hw += hw ? n : 0;
		f->port->flows_tc += f->state == OFFLOAD_ST_TC ? n : 0;
	}
}

static void remember(struct engine_flow *f, enum offload_state from, const struct why *why)
{
	struct flow_stats total;
	unsigned slot;

	if (f->history_cap < ENGINE_HISTORY && f->n_events == f->history_cap) {
		f->history_cap = (uint16_t)(f->history_cap ? f->history_cap * 2 : 2);
		f->history = xrealloc(f->history, f->history_cap * sizeof(*f->history));
	}
	slot = f->n_events++ % f->history_cap;
	ledger_total(&f->ledger, &total);
	f->history[slot] = (struct event){ .why = *why,
					   .packets = total.packets,
					   .bytes = total.bytes,
					   .from = (uint8_t)from,
					   .to = f->state };
}

/* One flow meets now this, now that, as others come and go: not worth its history. */
static bool waits_by_turns(unsigned reason)
{
	return reason == OFFLOAD_NOT_WORTH || reason == OFFLOAD_CHURN;
}

void flow_set_state(struct engine *e, struct engine_flow *f, enum offload_state to,
		    const struct why *why)
{
	enum offload_state from = (enum offload_state)f->state;
	bool news = from != to || (f->why.reason != why->reason &&
				   !(waits_by_turns(f->why.reason) && waits_by_turns(why->reason)));

	count(e, f, -1);
	f->state = (uint8_t)to;
	f->why = *why;
	count(e, f, 1);
	if (!news)
		return;
	remember(f, from, why);
	live_moved(e, f, from);
	if (f->dev && (to == OFFLOAD_ST_REFUSED || to == OFFLOAD_ST_LOST || to == OFFLOAD_ST_TC ||
		       (to == OFFLOAD_ST_EVICTING &&
			(why->reason == OFFLOAD_EVICTED || why->reason == OFFLOAD_OVER_LIMIT))))
		f->dev->stat.refusals[why->reason]++;
}

void flow_remark(struct engine *e UNUSED, struct engine_flow *f, enum offload_reason reason)
{
	struct why why = why_of(reason);

	remember(f, (enum offload_state)f->state, &why);
}

static void charge(struct engine_flow *f, int64_t entries)
{
	if (f->port)
		f->port->entries += (uint64_t)entries;
}

void flow_charge(struct engine_flow *f, uint32_t entries)
{
	charge(f, (int64_t)entries - f->charged);
	f->charged = entries;
}

enum placement flow_placement(const struct engine_flow *f)
{
	return f->port && f->port->placement >= 0 ? (enum placement)f->port->placement
						  : f->e->cfg.placement;
}

bool flow_is_pinned(const struct engine_flow *f)
{
	return (f->pinned || (f->port && f->port->pinned)) && flow_placement(f) == PLACEMENT_PINNED;
}

static struct engine_port *port_of(struct engine *e, const struct engine_flow *f) ENGINE_LOCKED(e)
{
	struct engine_port *p;
	struct match m;

	minimatch_expand(&f->match, &m);
	if (m.mask.in_port != UINT32_MAX)
		return NULL;
	HTABLE_FOR_EACH_WITH (p, struct engine_port, node, hash_u64(flow_in_dp(&m.key).v, 0),
			      &e->ports)
		if (p->no.v == flow_in_dp(&m.key).v)
			return p;
	return NULL;
}

void flow_assign(struct engine *e, struct engine_flow *f)
{
	struct engine_port *p = port_of(e, f);
	struct engine_dev *d = p && !p->leaving ? p->dev : NULL;

	if (f->port == p && f->dev == d)
		return;
	count(e, f, -1);
	charge(f, -(int64_t)f->charged);
	f->port = p;
	f->dev = d;
	charge(f, f->charged);
	count(e, f, 1);
}

void flow_enter(struct engine *e, struct engine_flow *f)
{
	htable_insert(&e->flows, &f->by_ufid, hash_ufid(&f->ufid));
	f->shown = e->whole_run;
	outlook_begin(&e->outlook, &f->outlook, f->created_ns);
	f->why = why_of(OFFLOAD_OK);
	count(e, f, 1);
	flow_assign(e, f);
	remember(f, OFFLOAD_ST_SOFTWARE, &f->why);
}

void flow_each(struct engine *e, void (*fn)(struct engine *e, struct engine_flow *f, void *arg),
	       void *arg)
{
	struct engine_flow *f;
	struct closing *c;

	HTABLE_FOR_EACH (f, struct engine_flow, by_ufid, &e->flows)
		fn(e, f, arg);
	cds_list_for_each_entry (c, &e->closing, node)
		for (size_t i = 0; i < c->n; i++)
			fn(e, c->flows[i], arg);
}

void flow_leave(struct engine *e, struct engine_flow *f)
{
	count(e, f, -1);
	flow_charge(f, 0);
	if (f->mute)
		mute_gone(e, f);
	f->port = NULL;
	f->dev = NULL;
}

/* --- counters --- */

/* Until when its packets are known to have been read. */
static uint64_t read_until(const struct engine_flow *f) NO_TSA /* the engine's lock is held */
{
	return flow_placed(f) && f->dev ? device_read_until(f->dev) : f->e->read_ns;
}

double flow_pps(const struct engine_flow *f)
{
	return rate_pps(&f->outlook.rate, read_until(f));
}

double flow_value(const struct engine_flow *f)
{
	return outlook_value(&f->e->outlook, &f->outlook, read_until(f)) / (f->cost ? f->cost : 1);
}

void flow_fold(struct engine *e, struct engine_flow *f, enum ledger_tier t,
	       const struct flow_stats *reading)
{
	uint32_t back = f->ledger.tier[t].went_back;
	struct flow_stats d;

	ledger_read(&f->ledger, t, reading, &d);
	e->totals.packets[t] += d.packets;
	e->totals.bytes[t] += d.bytes;
	if (f->port) {
		f->port->packets[t] += d.packets;
		f->port->bytes[t] += d.bytes;
	}
	if (e->n_beside && d.packets && t != e->sw_tier)
		beside_count(e, f, &d);
	if (f->dev && f->ledger.tier[t].went_back != back)
		f->dev->stat.readings_back++;
	if (d.packets && f->mute && f->handle && t == (enum ledger_tier)f->tier)
		mute_hit(e, f);
	if (d.packets) /* an idle flow's value falls when it is looked at */
		outlook_add(&e->outlook, &f->outlook, d.packets, clock_mono_ns());
	if (d.packets)
		place_counted(f);
}

/* --- looking at it --- */

static void fill_history(const struct engine_flow *f, struct engine_flow_info *i)
{
	unsigned n = MIN(f->n_events, (unsigned)ENGINE_HISTORY);

	for (unsigned k = 0; k < n; k++) {
		const struct event *ev = &f->history[(f->n_events - n + k) % f->history_cap];
		struct engine_event *out = &i->history[k];

		out->at_ns = ev->why.at_ns;
		out->from = (enum offload_state)ev->from;
		out->to = (enum offload_state)ev->to;
		why_to(&ev->why, &out->why);
		out->at_stats.packets = ev->packets;
		out->at_stats.bytes = ev->bytes;
	}
}

void flow_info_fill(struct engine *e, struct engine_flow *f, struct engine_flow_info *i)
{
	struct match m;

	memset(i, 0, sizeof(*i));
	i->ufid = f->ufid;
	minimatch_expand(&f->match, &m);
	i->key = m.key;
	i->mask = m.mask;
	buf_init(&i->actions);
	buf_put(&i->actions, f->acts->data, f->acts->len);
	i->state = (enum offload_state)f->state;
	why_to(&f->why, &i->why);
	if (f->dev)
		memcpy(i->device, f->dev->od->name, sizeof(i->device));
	i->cost = f->cost;
	i->created_ns = f->created_ns;
	ledger_total(&f->ledger, &i->total);
	for (unsigned t = 0; t < LEDGER_N_TIERS; t++)
		i->tier[t] = f->ledger.tier[t].total;
	i->rate_pps = flow_pps(f);
	i->n_events = f->n_events;
	fill_history(f, i);
	i->faulty = mute_of(e, f, &i->fault);
}

void engine_flow_info_done(struct engine_flow_info *i)
{
	buf_done(&i->actions);
}
