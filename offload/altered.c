/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of the fallback datapath that somebody else changed.
 *
 * Where others may write to the datapath, a pass each audit period reads what every flow there does
 * and compares it with what it should do.  A pass is a dump that is held open and read a part at a
 * time: 50,000 flows take some eight seconds, on the thread that refreshes, and nobody waits for
 * it.  What a part shows may be older than the flow's last change, so that a flow which seems wrong
 * is a suspect: it is asked for once more, and when it still does something else, it is given
 * its actions again.
 *
 * A kernel may tell actions in other words than it was given.  What it answers to the change is
 * how it tells them: when that is what it told before, nobody had changed anything, and a hash of
 * its words is kept beside the actions, so that it is asked once.
 *
 * The flow keeps its counters: what it counted while it did something else, it counted.  Changes
 * are made by the refreshing thread too (the revalidator); where another makes one in the very
 * moment, the next pass puts right what comes of it.
 *
 * The kernel's notifications of flows would tell at once, but of our own, too: where somebody
 * listens, each flow that is put costs it a message more. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

LOG_MODULE("offload.altered");

#define CHUNK 64u
#define STEP_NS (400 * NSEC_PER_MSEC) /* between two parts of a pass, at least */
#define STEP_MIN 2048u                /* flows of a part, or so many that there are at most */
#define STEPS 16u                     /* parts */

/* How a list is told: as it is, in words that are not ours, else a hash. */
#define TOLD_SAME 0u
#define TOLD_STRANGE 1u
#define TOLD_HASHES 2u

struct suspect {
	struct engine_flow *flow; /* referenced, as acts */
	struct flow_acts *acts;   /* what it should do */
	struct buf before, after; /* what it is told to do, and that once it was put right */
	bool strange;             /* before: not in our words */
};

struct altered { /* the refreshing thread's */
	struct dp_dump cur;
	bool open;
	uint64_t begun_ns, step_ns;
	uint64_t changed_back, failed; /* in this part of the pass */
	int error;                     /* the last */
	struct dp_flow_rec recs[CHUNK];
	struct suspect v[CHUNK];
	struct dp_flow_op ops[CHUNK];
	size_t n;
};

struct altered *altered_new(void)
{
	struct altered *a = xzalloc(sizeof(*a));

	a->begun_ns = clock_mono_ns();
	for (size_t i = 0; i < CHUNK; i++) {
		buf_init(&a->v[i].before);
		buf_init(&a->v[i].after);
	}
	return a;
}

static void end_pass(struct engine *e, struct altered *a)
{
	if (a->open)
		e->dp->ops->flow_dump_end(e->dp, &a->cur);
	a->open = false;
}

void altered_free(struct engine *e)
{
	struct altered *a = e->altered;

	end_pass(e, a);
	for (size_t i = 0; i < CHUNK; i++) {
		buf_done(&a->v[i].before);
		buf_done(&a->v[i].after);
	}
	free(a);
}

static uint64_t told_as(const struct flow_acts *want, bool strange, struct dp_actions told)
{
	if (strange)
		return TOLD_STRANGE;
	if (dp_actions_equal(flow_acts_list(want), told))
		return TOLD_SAME;
	return MAX(hash_bytes(told.data, told.len, 0), TOLD_HASHES);
}

static bool is_right(const struct flow_acts *want, bool strange, struct dp_actions told)
{
	uint64_t as = told_as(want, strange, told);

	return as == TOLD_SAME || (as >= TOLD_HASHES && as == want->told);
}

static void suspect(struct altered *a, struct engine_flow *f)
{
	struct suspect *s = &a->v[a->n++];

	s->flow = engine_flow_ref(f);
	s->acts = flow_acts_ref(f->acts);
	buf_clear(&s->before);
	buf_clear(&s->after);
}

static void acquit(struct suspect *s)
{
	engine_flow_unref(s->flow);
	flow_acts_unref(s->acts);
}

static void swap(struct suspect *x, struct suspect *y)
{
	struct suspect was = *x;

	*x = *y;
	*y = was;
}

static void compare(struct engine *e, struct altered *a, size_t n) EXCLUDES(e->lock)
{
	lock_take(&e->lock);
	for (size_t i = 0; i < n; i++) {
		const struct dp_flow_rec *r = &a->recs[i];
		struct engine_flow *f = flow_find(e, r->ufid);

		if (f && !is_right(f->acts, r->strange, r->actions))
			suspect(a, f);
	}
	lock_give(&e->lock);
}

/* One operation on each suspect. */
static void operate(struct engine *e, struct altered *a, enum dp_flow_op_kind kind)
{
	for (size_t i = 0; i < a->n; i++)
		a->ops[i] = (struct dp_flow_op){
			.kind = kind,
			.ufid = a->v[i].flow->ufid,
			.actions = flow_acts_list(a->v[i].acts),
			.told = kind == DP_FLOW_GET ? &a->v[i].before : &a->v[i].after,
		};
	if (a->n)
		(void)e->dp->ops->flow_batch(e->dp, a->ops, a->n); /* each has its result */
}

/* Those that do something else now, and should not. */
static void ask(struct engine *e, struct altered *a) EXCLUDES(e->lock)
{
	size_t n = 0;

	operate(e, a, DP_FLOW_GET);
	lock_take(&e->lock);
	for (size_t i = 0; i < a->n; i++) {
		struct suspect *s = &a->v[i];
		int rc = a->ops[i].result;

		s->strange = rc == -EBADMSG;
		if ((rc && !s->strange) || s->flow->deleted || s->flow->acts != s->acts ||
		    is_right(s->acts, s->strange, dp_actions_of(&s->before)))
			acquit(s);
		else
			swap(s, &a->v[n++]);
	}
	lock_give(&e->lock);
	a->n = n;
}

static void judge(struct engine *e, struct altered *a, struct suspect *s, int rc) ENGINE_LOCKED(e)
{
	bool strange = rc == -EBADMSG;
	struct dp_actions before = dp_actions_of(&s->before), after = dp_actions_of(&s->after);

	if (rc && !strange) {
		a->failed += rc != -ENOENT; /* else taken out: lost.c has it put in again */
		a->error = rc != -ENOENT ? -rc : a->error;
		return;
	}
	if (!strange)
		s->acts->told = told_as(s->acts, false, after);
	if (strange == s->strange && dp_actions_equal(before, after))
		return; /* it is the datapath that tells it so */
	a->changed_back++;
	e->totals.changed_back++;
	flow_remark(e, s->flow, OFFLOAD_CHANGED_BACK);
}

static void put_right(struct engine *e, struct altered *a) EXCLUDES(e->lock)
{
	operate(e, a, DP_FLOW_MODIFY);
	lock_take(&e->lock);
	for (size_t i = 0; i < a->n; i++)
		judge(e, a, &a->v[i], a->ops[i].result);
	lock_give(&e->lock);
	for (size_t i = 0; i < a->n; i++)
		acquit(&a->v[i]);
	a->n = 0;
}

static void tell(const struct engine *e, const struct altered *a)
{
	char text[64];

	if (a->changed_back)
		log_warn_rl("datapath %s: somebody else changed %llu flows: changed back",
			    e->dp->name, (unsigned long long)a->changed_back);
	if (a->failed)
		log_warn_rl("datapath %s: somebody else changed %llu flows that cannot be changed "
			    "back now: %s",
			    e->dp->name, (unsigned long long)a->failed,
			    strerror_r(a->error, text, sizeof(text)));
}

static void read_part(struct engine *e, struct altered *a, size_t most)
{
	a->changed_back = a->failed = 0;
	for (size_t seen = 0; seen < most && a->open;) {
		int n = e->dp->ops->flow_dump(e->dp, &a->cur, a->recs, CHUNK);

		if (n <= 0) { /* what an interrupted one has not shown, the next pass shows */
			end_pass(e, a);
			break;
		}
		seen += (size_t)n;
		compare(e, a, (size_t)n);
		ask(e, a);
		put_right(e, a);
	}
	tell(e, a);
}

void altered_step(struct engine *e, uint64_t now_ns)
{
	struct altered *a = e->altered;
	uint64_t period_ns, n;

	lock_take(&e->lock);
	period_ns = e->holding ? 0 : e->cfg.audit_period_ms * NSEC_PER_MSEC;
	n = e->flows.n;
	lock_give(&e->lock);
	if (!e->dp->ops->shared || !period_ns) {
		end_pass(e, a);
		return;
	}
	if (now_ns - a->step_ns < MIN(STEP_NS, period_ns) ||
	    (!a->open && now_ns - a->begun_ns < period_ns))
		return;
	if (!a->open) {
		a->cur = (struct dp_dump){ .flags = DP_DUMP_ACTIONS };
		a->begun_ns = now_ns;
		a->open = true;
	}
	a->step_ns = now_ns;
	read_part(e, a, MAX((size_t)n / STEPS, (size_t)STEP_MIN));
}
