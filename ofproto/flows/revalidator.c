/* SPDX-License-Identifier: Apache-2.0 */
/* The revalidator: one thread that keeps every megaflow true and every packet counted. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/counter.h"
#include "ofproto/flows/flows_priv.h"

#define MIN_PAUSE_MS 5
#define ROUND_SLOW_MS 1000 /* a round of more work than this lowers the flow limit */
#define LIMIT_FLOOR 1000
#define LIMIT_STEP 1000
#define LIMIT_GROWTH 16 /* of itself: one round that was slow by chance is made up for */
#define IDLE_LEAST_MS 100

/* What was counted since the last credit goes to the effects that were in force. */
static void credit(struct megaflow *mf, const struct flow_stats *total)
{
	struct flow_stats d = {
		.packets = total->packets - mf->credited.packets,
		.bytes = total->bytes - mf->credited.bytes,
		.used_ns = total->used_ns,
		.tcp_flags = total->tcp_flags,
	};

	mf->credited = *total;
	effects_apply(&mf->effects, &d);
}

static void flush_deletions(struct round *r)
{
	unsigned n = r->n_del;

	r->n_del = 0;
	if (n)
		engine_del(r->f->engine, r->del, n);
}

COUNTER_DEFINE(megaflow_deleted);
COUNTER_DEFINE(megaflow_translated_anew);

/* bury() frees it after the engine's last reading has been credited. */
void round_delete(struct round *r, struct megaflow *mf)
{
	counter_inc(megaflow_deleted);
	cds_list_del(&mf->node);
	mf->round = r->number;
	lock_take(&r->f->lock);
	cds_list_add_tail(&mf->node, &r->f->deleting);
	lock_give(&r->f->lock);
	r->del[r->n_del++] = mf->ef;
	if (r->n_del == ROUND_BATCH)
		flush_deletions(r);
}

/* As of `known`: what a device has not been able to tell yet is no idleness. */
static bool is_idle(const struct round *r, const struct megaflow *mf,
		    const struct flow_stats *total, uint64_t known_ns)
{
	uint64_t until = MIN(r->now_ns, known_ns);

	return MAX(total->used_ns, mf->created_ns) + r->max_idle_ns < until;
}

void round_change_actions(struct round *r, struct megaflow *mf, const struct xlate_out *out)
{
	struct engine_modify m = {
		.flow = mf->ef,
		.actions = dp_actions_of(&out->actions),
		.hw_ok = !out->to_controller,
	};

	mf->actions_hash = megaflow_actions_hash(m.actions);
	mf->hw_ok = m.hw_ok;
	r->f->modified++;
	(void)engine_modify(r->f->engine, &m, 1);
	if (m.result) { /* gone from the datapath behind our back: the next packet brings it anew */
		r->f->deleted_changed++;
		round_delete(r, mf);
	}
}

static void take_translation(struct round *r, struct megaflow *mf, struct xlate_out *out)
{
	megaflow_pin(r->f, mf, &out->effects);
	effects_done(&mf->effects);
	effects_take(&mf->effects, &out->effects);
	megaflow_set_seq(mf, out, r->seq);
	if (mf->actions_hash != megaflow_actions_hash(dp_actions_of(&out->actions)) ||
	    mf->hw_ok == out->to_controller)
		round_change_actions(r, mf, out);
}

/* The megaflow stays when the new translation looks at no bit that its mask lacks. */
static void retranslate(struct round *r, struct megaflow *mf)
{
	struct xlate_in in = { 0 };
	struct xlate_out out;
	struct match m;

	counter_inc(megaflow_translated_anew);
	engine_flow_match(mf->ef, &m);
	in.key = m.key;
	rcu_read_lock();
	in.snap = flows_snapshot(r->f);
	xlate(&in, &out);
	rcu_read_unlock();
	r->f->revalidated++;
	if (xlate_is_stray(&out) || out.bridge_id != mf->bridge_id || !megaflow_covers(&m, &out)) {
		r->f->deleted_changed++;
		round_delete(r, mf);
	} else {
		take_translation(r, mf, &out);
	}
	xlate_out_done(&out);
}

static void purge_adopted(struct round *r, struct megaflow *mf)
{
	mf->unverified = false;
	r->f->adopt_waiting--;
	r->f->adopt_removed++;
	round_delete(r, mf);
}

static void visit(struct round *r, struct megaflow *mf)
{
	struct flow_stats total;
	uint64_t known_ns;

	if (mf->unverified) { /* its counters wait for the rules that they belong to */
		if (r->purge)
			purge_adopted(r, mf);
		return;
	}
	known_ns = engine_flow_total(mf->ef, &total);
	credit(mf, &total);
	r->counted_ns = MIN(r->counted_ns, known_ns);
	if (r->purge || engine_flow_lost(mf->ef)) {
		round_delete(r, mf);
	} else if (is_idle(r, mf, &total, known_ns)) {
		r->f->deleted_idle++;
		round_delete(r, mf);
	} else if (mf->seq != r->seq) {
		retranslate(r, mf);
	}
}

static void take_list(struct flows *f, struct cds_list_head *from, struct cds_list_head *to)
{
	lock_take(&f->lock);
	cds_list_splice(from, to);
	CDS_INIT_LIST_HEAD(from);
	lock_give(&f->lock);
}

/* Credits and frees what the engine has let go of. */
static void bury(struct flows *f)
{
	CDS_LIST_HEAD(gone);
	struct megaflow *mf, *next;

	take_list(f, &f->gone, &gone);
	cds_list_for_each_entry_safe (mf, next, &gone, node) {
		credit(mf, &mf->final);
		megaflow_free(mf);
		f->n_flows--;
	}
}

/* A switch that cannot revalidate in time must hold fewer megaflows.  How much work a round is
 * decides, and not how long it takes: fewer megaflows do not help where others have the processor.
 */
static void adapt_limit(struct flows *f, uint64_t ms)
{
	uint64_t limit = f->limit, most = f->max_limit;

	if (ms > ROUND_SLOW_MS)
		limit = limit * ROUND_SLOW_MS / ms;
	else if (ms < ROUND_SLOW_MS / 2)
		limit += MAX(limit / LIMIT_GROWTH, (uint64_t)LIMIT_STEP);
	f->limit = (uint32_t)MIN(MAX(limit, LIMIT_FLOOR), most);
}

/* How long a megaflow may be idle.  From half of the limit on it is less and less, down to
 * IDLE_LEAST_MS at the limit: under a storm of new connections their number settles where as many
 * go as come, short of the limit, behind which each packet of a new one goes through translation.
 */
static uint64_t idle_for(const struct flows *f)
{
	uint64_t ms = f->max_idle_ms, least = MIN(ms, (uint64_t)IDLE_LEAST_MS);
	uint64_t n = f->n_flows, limit = f->limit, half = limit / 2;

	if (n >= limit)
		ms = least;
	else if (n > half)
		ms -= (ms - least) * (n - half) / (limit - half);
	return ms * NSEC_PER_MSEC;
}

static uint64_t begin_round(struct flows *f)
{
	uint64_t number, readings = engine_readings_ns(f->engine);

	lock_take(&f->lock);
	f->readings_ns = readings;
	number = ++f->rounds_begun;
	lock_give(&f->lock);
	take_list(f, &f->incoming, &f->live);
	return number;
}

static uint64_t current_seq(struct flows *f)
{
	uint64_t seq;

	rcu_read_lock();
	seq = flows_seq(flows_snapshot(f));
	rcu_read_unlock();
	return seq;
}

/* Returns the sequence number that all megaflows have been checked against. */
static uint64_t run_round(struct flows *f)
{
	struct round r = { .f = f,
			   .now_ns = clock_mono_ns(),
			   .counted_ns = UINT64_MAX,
			   .max_idle_ns = idle_for(f) };
	uint64_t begun_ns = clock_thread_ns();
	struct megaflow *mf, *next;

	r.purge = atomic_exchange(&f->purge, false);
	r.number = begin_round(f);
	adopt_teach(f);
	r.seq = current_seq(f);
	engine_refresh(f->engine);
	adopt_check(&r);
	cds_list_for_each_entry_safe (mf, next, &f->live, node)
		visit(&r, mf);
	flush_deletions(&r);
	f->counted_ns = MIN(r.counted_ns, r.now_ns);
	recirc_expire(f->recirc, r.now_ns);
	f->round_ms = (clock_mono_ns() - r.now_ns) / NSEC_PER_MSEC;
	adapt_limit(f, (clock_thread_ns() - begun_ns) / NSEC_PER_MSEC);
	return r.seq;
}

/* The oldest round whose removed megaflows have not all been counted to the last. */
static uint64_t oldest_open_round(struct flows *f) REQUIRES(&f->lock)
{
	uint64_t oldest = UINT64_MAX;
	struct megaflow *mf;

	if (!cds_list_empty(&f->deleting))
		oldest = cds_list_entry(f->deleting.next, struct megaflow, node)->round;
	cds_list_for_each_entry (mf, &f->gone, node)
		oldest = MIN(oldest, mf->round);
	return oldest;
}

static void call_waiters(struct flows *f, bool round_ended)
{
	uint64_t open;

	lock_take(&f->lock);
	if (round_ended)
		f->rounds_done = f->rounds_begun;
	open = oldest_open_round(f);
	lock_give(&f->lock);
	flows_call_due(f, open);
}

static bool round_due(struct flows *f, uint64_t last_ns, uint64_t last_seq)
{
	return f->purge || flows_waited_for(f) || current_seq(f) != last_seq ||
	       clock_mono_ns() - last_ns >= f->max_revalidator_ms * NSEC_PER_MSEC;
}

/* At most half of a core, however fast the tables change. */
static void rest(uint64_t worked_ns)
{
	uint64_t ns = MIN(MAX(worked_ns, MIN_PAUSE_MS * NSEC_PER_MSEC), NSEC_PER_SEC / 2);
	struct timespec ts = { .tv_nsec = (long)ns };

	(void)nanosleep(&ts, NULL); /* a signal only makes it shorter */
}

static void wait_for_work(struct flows *f, struct thread *t)
{
	struct pollfd pfd = { .fd = t->wake_fd, .events = POLLIN };
	uint64_t now = clock_mono_ns();
	uint64_t until = flows_wait_until(f, now + f->max_revalidator_ms * NSEC_PER_MSEC);

	(void)poll(&pfd, 1,
		   (int)(until > now ? (until - now) / NSEC_PER_MSEC + 1
				     : 0)); /* spurious returns only look again */
	thread_woken(t);
}

void revalidator_main(struct thread *t, void *arg)
{
	struct flows *f = arg;
	uint64_t last_ns = 0, last_seq = 0;

	while (!t->stop) {
		f->kicked = false;
		bury(f);
		call_waiters(f, false);
		if (round_due(f, last_ns, last_seq)) {
			uint64_t begun = clock_mono_ns();

			last_seq = run_round(f);
			bury(f);
			call_waiters(f, true);
			last_ns = clock_mono_ns();
			rest(last_ns - begun);
		} else {
			wait_for_work(f, t);
		}
	}
	bury(f);
}
