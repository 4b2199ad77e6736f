/* SPDX-License-Identifier: Apache-2.0 */
/* Groups: OpenFlow 1.3.5 section 5.6.  A bucket is a nested translation with an action set of its
 * own. */
#include <string.h>

#include "core/base/hash.h"
#include "ofproto/xlate/xlate_priv.h"

static bool bucket_live(struct xl *x, const struct group_bucket *b, unsigned depth);

static bool group_live(struct xl *x, uint32_t id, unsigned depth)
{
	struct group *g = depth < XLATE_MAX_DEPTH ? tables_group(x->f.br->tables, id) : NULL;

	for (uint32_t i = 0; g && i < g->n_buckets; i++)
		if (bucket_live(x, &g->buckets[i], depth + 1))
			return true;
	return false;
}

/* Live when what it watches is; a bucket that watches nothing is live (select), as section 6.7 lets
 * it be. */
static bool bucket_live(struct xl *x, const struct group_bucket *b, unsigned depth)
{
	const struct xl_port *p;

	if (b->watch_port.v != OFPP_NONE_) {
		p = xl_port_by_ofp(x->f.br, b->watch_port);
		if (p && p->up)
			return true;
	}
	if (b->watch_group != OFPG_ANY_ && group_live(x, b->watch_group, depth))
		return true;
	return b->watch_port.v == OFPP_NONE_ && b->watch_group == OFPG_ANY_;
}

static void run_bucket_nested(struct xl *x, const void *arg)
{
	const struct group_bucket *b = arg;

	buf_put(&x->f.action_set, b->actions.data, b->actions.len);
	xl_run_action_set(x);
}

static void run_bucket(struct xl *x, struct group *g, uint32_t i)
{
	struct effect *e = effects_add(&x->out->effects, EFFECT_GROUP);
	struct xl_origin origin = x->origin;

	e->group.group = group_ref(g);
	e->group.bucket = i;
	xl_note(x, "bucket %u", i);
	x->origin.miss_rule = false;
	xl_nested(x, run_bucket_nested, &g->buckets[i]);
	x->origin = origin;
}

static int select_bucket(struct xl *x, const struct group *g)
{
	uint32_t hash = flow_hash_symmetric_l4(&x->f.flow, 0);
	double best_score = 0;
	struct flow_key m;
	int best = -1;

	memset(&m, 0, sizeof(m));
	flow_mask_hash_symmetric_l4(&x->f.flow, &m);
	xl_look_mask(x, &m);
	for (uint32_t i = 0; i < g->n_buckets; i++) {
		double score;

		if (!g->buckets[i].weight || !bucket_live(x, &g->buckets[i], 0))
			continue;
		score = group_bucket_score(hash, i, g->buckets[i].weight);
		if (best < 0 || score > best_score) {
			best = (int)i;
			best_score = score;
		}
	}
	return best;
}

static int first_live(struct xl *x, const struct group *g)
{
	for (uint32_t i = 0; i < g->n_buckets; i++)
		if (bucket_live(x, &g->buckets[i], 0))
			return (int)i;
	return -1;
}

static void run_group(struct xl *x, struct group *g)
{
	int i = -1;

	switch ((enum ofp_group_type)g->type) {
	case OFPGT_ALL_:
		for (uint32_t b = 0; b < g->n_buckets; b++)
			run_bucket(x, g, b);
		return;
	case OFPGT_INDIRECT_: i = g->n_buckets ? 0 : -1; break;
	case OFPGT_SELECT_: i = select_bucket(x, g); break;
	case OFPGT_FF_: i = first_live(x, g); break;
	}
	if (i >= 0) {
		run_bucket(x, g, (uint32_t)i);
		return;
	}
	xl_note(x, "no live bucket: drop");
	effects_add(&x->out->effects, EFFECT_GROUP)->group.group = group_ref(g);
	x->out->effects.e[x->out->effects.n - 1].group.bucket = UINT32_MAX;
}

void xl_group(struct xl *x, uint32_t id)
{
	struct group *g = tables_group(x->f.br->tables, id);

	if (!g) {
		xl_note(x, "group %u does not exist", id);
		return;
	}
	if (!xl_descend(x))
		return;
	x->indent++;
	run_group(x, g);
	x->indent--;
	xl_ascend(x);
}
