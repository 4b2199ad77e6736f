/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/flows/flows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "offload/caps.h"
#include "ofproto/flows/flows_priv.h"
#include "ofproto/xlate/pins.h"

uint64_t flows_seq(const struct xl_snapshot *snap)
{
	uint64_t seq = snap->seq;

	/* Each part only grows, so the sum is equal only when all are. */
	for (size_t i = 0; i < snap->n_bridges; i++)
		seq += tables_seq(snap->bridges[i].tables) + mac_seq(snap->bridges[i].macs);
	return seq;
}

uint64_t megaflow_actions_hash(struct dp_actions a)
{
	return hash_bytes(a.data, a.len, a.len);
}

/* What found no room is tried again in each round. */
void megaflow_set_seq(struct megaflow *mf, const struct xlate_out *out, uint64_t seq)
{
	mf->seq = out->error == XLATE_RECIRC_FULL ? 0 : seq;
}

void megaflow_init(struct megaflow *mf, struct xlate_out *out, uint64_t seq)
{
	megaflow_set_seq(mf, out, seq);
	mf->created_ns = clock_mono_ns();
	effects_take(&mf->effects, &out->effects);
	mf->actions_hash = megaflow_actions_hash(dp_actions_of(&out->actions));
	mf->bridge_id = out->bridge_id;
	mf->hw_ok = !out->to_controller;
}

bool megaflow_covers(const struct match *m, const struct xlate_out *out)
{
	struct flow_key mask;

	if (flow_mask_within(&out->mask, &m->mask))
		return true;
	mask = out->mask; /* what came from a datapath tells absent headers in its own way */
	caps_mask_plain(&m->key, &mask);
	return flow_mask_within(&mask, &m->mask);
}

void megaflow_pin(struct flows *f, struct megaflow *mf, const struct effects *x)
{
	bool pinned;

	rcu_read_lock();
	pinned = xl_is_pinned(flows_snapshot(f), x);
	rcu_read_unlock();
	if (pinned == mf->pinned)
		return;
	mf->pinned = pinned;
	engine_pin(f->engine, mf->ef, pinned);
}

void megaflow_free(struct megaflow *mf)
{
	effects_done(&mf->effects);
	if (mf->ef)
		engine_flow_unref(mf->ef);
	free(mf);
}

void xlate_packet_in_free(struct xlate_packet_in *list)
{
	while (list) {
		struct xlate_packet_in *next = list->next;

		packet_free(list->packet);
		free(list);
		list = next;
	}
}

/* The engine's callback: the revalidator credits what the megaflow counted last, in its own time.
 */
static void on_gone(void *ctx, struct engine_flow *ef, void *aux, const struct flow_stats *final)
{
	struct flows *f = ctx;
	struct megaflow *mf = aux;

	lock_take(&f->lock);
	mf->final = *final;
	cds_list_del(&mf->node);
	cds_list_add_tail(&mf->node, &f->gone);
	lock_give(&f->lock);
	flows_kick(f);
}

static void on_read(void *ctx)
{
	flows_kick(ctx);
}

void flows_config_default(struct flows_config *c)
{
	*c = (struct flows_config){
		.n_handlers = 1,
		.flow_limit = 200000,
		.max_idle_ms = 10000,
		.max_revalidator_ms = 500,
	};
}

void flows_wake_handlers(struct flows *f)
{
	for (unsigned i = 0; i < f->n_handlers; i++)
		thread_wake(&f->handlers[i].thread);
}

static void stop_handlers(struct flows *f)
{
	for (unsigned i = 0; i < f->n_handlers; i++)
		thread_stop(&f->handlers[i].thread);
	free(f->handlers);
	f->handlers = NULL;
	f->n_handlers = 0;
}

static int start_handlers(struct flows *f, unsigned n, struct error *err)
{
	int rc = f->dp->ops->set_handlers(f->dp, n);

	if (rc)
		return error_set(err, -rc, "n-handler-threads",
				 "the datapath cannot have %u upcall queues", n);
	f->handlers = xcalloc(n, sizeof(*f->handlers));
	for (unsigned i = 0; i < n; i++) {
		struct handler *h = &f->handlers[i];
		char name[24]; /* the kernel shows 15 of them */

		h->f = f;
		h->index = i;
		snprintf(name, sizeof(name), "handler%u", i);
		rc = thread_start(&h->thread, name, handler_main, h);
		if (rc) {
			stop_handlers(f);
			return error_set(err, -rc, NULL, "cannot start handler thread %u: %s", i,
					 strerror(-rc));
		}
		f->n_handlers = i + 1;
	}
	return 0;
}

static void init(struct flows *f)
{
	pthread_rwlock_init(&f->in_flight, NULL);
	lock_init(&f->lock);
	CDS_INIT_LIST_HEAD(&f->incoming);
	CDS_INIT_LIST_HEAD(&f->deleting);
	CDS_INIT_LIST_HEAD(&f->gone);
	CDS_INIT_LIST_HEAD(&f->waiters);
	CDS_INIT_LIST_HEAD(&f->live);
	f->recirc = recirc_table_new(RECIRC_MAX);
	f->snap = xl_snapshot_new(0);
	f->snap->recirc = f->recirc;
	f->snap->features = f->dp->features;
	xl_snapshot_link(f->snap);
}

static void free_list(struct cds_list_head *list)
{
	struct megaflow *mf, *next;

	cds_list_for_each_entry_safe (mf, next, list, node) {
		cds_list_del(&mf->node);
		megaflow_free(mf);
	}
}

/* All threads have stopped. */
static void destroy(struct flows *f, bool leave)
{
	engine_free(f->engine, leave);
	free_list(&f->gone);
	free_list(&f->deleting);
	free_list(&f->incoming);
	free_list(&f->live);
	xl_snapshot_free(f->snap);
	recirc_table_free(f->recirc);
	lock_done(&f->lock);
	pthread_rwlock_destroy(&f->in_flight);
	free(f);
}

static void take_config(struct flows *f, const struct flows_config *cfg)
{
	f->max_limit = cfg->flow_limit;
	f->max_idle_ms = cfg->max_idle_ms;
	f->max_revalidator_ms = cfg->max_revalidator_ms;
	f->paused = cfg->paused;
}

static void on_sampled(void *ctx, const struct dp_upcall *up)
{
	flows_sampled(ctx, up);
}

struct flows *flows_new(struct dp *dp, const struct flows_ops *ops, void *ctx,
			const struct flows_config *cfg, struct error *err)
{
	static const struct engine_ops engine_ops = { .gone = on_gone,
						      .read = on_read,
						      .sampled = on_sampled };
	struct flows *f = xzalloc(sizeof(*f));
	int rc;

	f->dp = dp;
	f->ops = *ops;
	f->ctx = ctx;
	take_config(f, cfg);
	f->limit = cfg->flow_limit;
	init(f);
	f->engine = engine_new(dp, &engine_ops, f);
	f->held = cfg->hold;
	if (cfg->hold)
		engine_hold(f->engine);
	rc = thread_start(&f->revalidator, "revalidator", revalidator_main, f);
	if (rc) {
		error_set(err, -rc, NULL, "cannot start the revalidator thread: %s", strerror(-rc));
		goto fail_engine;
	}
	if (start_handlers(f, MIN(MAX(cfg->n_handlers, 1u), FLOWS_MAX_HANDLERS), err))
		goto fail_revalidator;
	return f;

fail_revalidator:
	thread_stop(&f->revalidator);
fail_engine:
	destroy(f, false);
	return NULL;
}

void flows_stop(struct flows *f)
{
	stop_handlers(f);
	thread_stop(&f->revalidator);
	flows_call_waiters(f); /* no round will */
}

void flows_free(struct flows *f, bool leave)
{
	if (!f)
		return;
	stop_handlers(f);
	if (!leave)
		(void)flows_purge(
			f,
			5000); /* a device that hangs keeps its last counts: nobody can read them */
	thread_stop(&f->revalidator);
	destroy(f, leave);
}

int flows_configure(struct flows *f, const struct flows_config *cfg, struct error *err)
{
	unsigned n = MIN(MAX(cfg->n_handlers, 1u), FLOWS_MAX_HANDLERS);

	take_config(f, cfg);
	if (f->limit > cfg->flow_limit)
		f->limit = cfg->flow_limit;
	flows_wake_handlers(f);
	if (n == f->n_handlers)
		return 0;
	stop_handlers(f);
	return start_handlers(f, n, err);
}

struct engine *flows_engine(struct flows *f)
{
	return f->engine;
}

void flows_set_snapshot(struct flows *f, struct xl_snapshot *snap)
{
	struct xl_snapshot *old = f->snap;

	snap->recirc = f->recirc;
	snap->features = f->dp->features;
	snap->seq = flows_seq(old) + 1; /* above every number that the old one ever gave */
	rcu_assign_pointer(f->snap, snap);
	rcu_defer(xl_snapshot_free, old);
	flows_kick(f);
}

const struct xl_snapshot *flows_snapshot(const struct flows *f)
{
	return rcu_dereference(f->snap);
}

void flows_kick(struct flows *f)
{
	if (!atomic_exchange_explicit(&f->kicked, true, memory_order_acq_rel))
		thread_wake(&f->revalidator);
}

void flows_stats(const struct flows *f, struct flows_stats *st)
{
	*st = (struct flows_stats){
		.n_flows = f->n_flows,
		.flow_limit = f->limit,
		.max_flows = f->max_flows,
		.round_ms = f->round_ms,
		.rounds = f->rounds_done,
		.revalidated = f->revalidated,
		.deleted_idle = f->deleted_idle,
		.deleted_changed = f->deleted_changed,
		.readings_late = f->readings_late,
		.modified = f->modified,
		.adopted = f->adopted,
		.adopt_waiting = f->adopt_waiting,
		.adopt_kept = f->adopt_kept,
		.adopt_changed = f->adopt_changed,
		.adopt_removed = f->adopt_removed,
		.adopt_uncredited = f->adopt_uncredited,
	};
	recirc_stats(f->recirc, &st->recirc);
	for (unsigned i = 0; i < f->n_handlers; i++) {
		const struct handler *h = &f->handlers[i];

		st->upcalls += h->upcalls;
		st->switched.packets += h->packets;
		st->switched.bytes += h->bytes;
		st->installed += h->installed;
		st->duplicate += h->duplicate;
		st->install_failed += h->install_failed;
		st->over_limit += h->over_limit;
		st->no_port += h->no_port;
		for (unsigned e = 0; e < XLATE_N_ERRORS; e++)
			st->xlate_errors[e] += h->xlate_errors[e];
	}
}

uint64_t flows_counted_ns(const struct flows *f)
{
	uint64_t now = clock_mono_ns(), counted = f->counted_ns;

	return f->rounds_done ? MAX(counted, now - MIN(now, COUNTED_MAX_S * NSEC_PER_SEC)) : 0;
}
