/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of the fallback datapath that nobody knows of.
 *
 * When an answer of the kernel is lost, a flow may be there that was taken for refused, or one
 * that was taken for removed; and somebody else may put one in.  It would answer for packets after
 * the tables have changed.  So what a dump shows and the engine does not know is remembered, and
 * when it is still there and unknown after a while, longer than any flow is on its way in or out,
 * it is taken out.  Its packets are nobody's. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

LOG_MODULE("offload.unknown");

#define WAIT_NS (5 * NSEC_PER_SEC)
#define MOST 65536u /* remembered; the rest has its turn when these are gone */
#define CHUNK 64u

struct unknown {
	struct hnode node; /* engine.unknown */
	struct ufid ufid;
	uint64_t since_ns, seen_ns;
};

void unknown_see(struct engine *e, struct ufid ufid, uint64_t now_ns)
{
	struct unknown *u;

	if (e->holding)
		return; /* they are a former process's, to be adopted */
	HTABLE_FOR_EACH_WITH (u, struct unknown, node, hash_ufid(&ufid), &e->unknown) {
		if (u->ufid.u[0] == ufid.u[0] && u->ufid.u[1] == ufid.u[1]) {
			u->seen_ns = now_ns;
			return;
		}
	}
	if (e->unknown.n == MOST)
		return;
	u = xmalloc(sizeof(*u));
	*u = (struct unknown){ .ufid = ufid, .since_ns = now_ns, .seen_ns = now_ns };
	htable_insert(&e->unknown, &u->node, hash_ufid(&ufid));
}

static void forget(struct engine *e, struct unknown *u) ENGINE_LOCKED(e)
{
	htable_remove(&e->unknown, &u->node);
	free(u);
}

/* Those whose time has come, up to a chunk. */
static size_t due(struct engine *e, uint64_t now_ns, struct dp_flow_op ops[CHUNK]) EXCLUDES(e->lock)
{
	struct unknown *u;
	size_t n = 0;

	lock_take(&e->lock);
	HTABLE_FOR_EACH (u, struct unknown, node, &e->unknown) {
		if (u->seen_ns != now_ns) {
			forget(e, u); /* known by now, or gone */
		} else if (n < CHUNK && now_ns - u->since_ns >= WAIT_NS) {
			ops[n++] = (struct dp_flow_op){ .kind = DP_FLOW_DEL, .ufid = u->ufid };
			forget(e, u);
		}
	}
	lock_give(&e->lock);
	return n;
}

void unknown_sweep(struct engine *e, uint64_t now_ns)
{
	struct dp_flow_op ops[CHUNK];
	uint64_t taken = 0;
	size_t n;

	do {
		n = due(e, now_ns, ops);
		if (n)
			(void)e->dp->ops->flow_batch(e->dp, ops, n); /* else the next dump has it */
		for (size_t i = 0; i < n; i++)
			taken += !ops[i].result;
	} while (n == CHUNK);
	if (!taken)
		return;
	lock_take(&e->lock);
	e->totals.unknown_removed += taken;
	lock_give(&e->lock);
	log_warn_rl("datapath %s: took out %llu flows that nobody knew of", e->dp->name,
		    (unsigned long long)taken);
}

void unknown_done(struct engine *e)
{
	struct unknown *u;

	HTABLE_FOR_EACH (u, struct unknown, node, &e->unknown)
		free(u);
	htable_done(&e->unknown);
}
