/* SPDX-License-Identifier: Apache-2.0 */
/* The flow table as its writers see it: put, modify, delete, get, dump.
 *
 * Flows are found by ufid in a hash under the datapath's lock, by packets in the megaflow table
 * under RCU, and by dumps through numbered slots: a flow keeps its slot for life, so a dump that
 * walks the slots sees every flow that lives through it exactly once, whatever else changes. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "core/datapath/user/user.h"

#define RANK_EVERY_NS NSEC_PER_SEC

/* ---- counting ---- */

static void count_own(struct dpu_shard *s, uint64_t n, uint64_t bytes, uint64_t now_ns,
		      uint16_t tcp_flags)
{
	count_add(&s->packets, n);
	count_add(&s->bytes, bytes);
	__atomic_store_n(&s->used_ns, now_ns, __ATOMIC_RELAXED);
	if (tcp_flags & ~s->tcp_flags)
		__atomic_store_n(&s->tcp_flags, (uint16_t)(s->tcp_flags | tcp_flags),
				 __ATOMIC_RELAXED);
}

static void count_shared(struct dpu_shard *s, uint64_t n, uint64_t bytes, uint64_t now_ns,
			 uint16_t tcp_flags)
{
	__atomic_fetch_add(&s->packets, n, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->bytes, bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&s->used_ns, now_ns, __ATOMIC_RELAXED);
	__atomic_fetch_or(&s->tcp_flags, tcp_flags, __ATOMIC_RELAXED);
}

void dpu_flow_count(struct dpu_flow *f, const struct dpu_ctx *c, uint64_t n, uint64_t bytes,
		    uint16_t tcp_flags)
{
	if (likely(c->producer && c->producer < f->n_shards))
		count_own(&f->shards[c->producer], n, bytes, c->now_ns, tcp_flags);
	else /* nobody's own, or a worker that came after the flow */
		count_shared(&f->shards[0], n, bytes, c->now_ns, tcp_flags);
}

static void read_stats(const struct dpu_flow *f, struct flow_stats *st)
{
	memset(st, 0, sizeof(*st));
	for (unsigned i = 0; i < f->n_shards; i++) {
		const struct dpu_shard *s = &f->shards[i];
		uint64_t used = count_get(&s->used_ns);

		st->packets += count_get(&s->packets);
		st->bytes += count_get(&s->bytes);
		st->used_ns = MAX(st->used_ns, used);
		st->tcp_flags |= __atomic_load_n(&s->tcp_flags, __ATOMIC_RELAXED);
	}
}

/* ---- actions ---- */

/* What this datapath does, and what leaves the packet as it is. */
static const struct {
	bool supported, pure;
} kinds[DP_ACT_N_KINDS] = {
	[DP_ACT_OUTPUT] = { true, true },         [DP_ACT_SET] = { true, false },
	[DP_ACT_PUSH_VLAN] = { true, false },     [DP_ACT_POP_VLAN] = { true, false },
	[DP_ACT_PUSH_MPLS] = { true, false },     [DP_ACT_POP_MPLS] = { true, false },
	[DP_ACT_RECIRC] = { true, false },        [DP_ACT_HASH] = { true, false },
	[DP_ACT_USERSPACE] = { true, true },      [DP_ACT_SAMPLE] = { true, false },
	[DP_ACT_CLONE] = { true, false },         [DP_ACT_TRUNC] = { true, false },
	[DP_ACT_CHECK_PKT_LEN] = { true, false }, [DP_ACT_DROP] = { true, false },
	[DP_ACT_METER] = { true, false },
};

static int check_kinds(struct dp_actions list)
{
	const struct dp_action *a;
	unsigned lists;
	int rc = 0;

	DP_ACTION_FOR_EACH (a, list) {
		if (!kinds[a->kind].supported)
			return -EOPNOTSUPP;
		if (a->kind == DP_ACT_USERSPACE &&
		    ((const struct act_userspace *)dp_action_payload(a))->kind >= UPCALL_N_KINDS)
			return -EINVAL;
		if (!dp_action_table[a->kind].nested)
			continue;
		lists = a->kind == DP_ACT_CHECK_PKT_LEN ? 2 : 1;
		for (unsigned i = 0; i < lists && !rc; i++)
			rc = check_kinds(dp_action_nested(a, i));
		if (rc)
			return rc;
	}
	return 0;
}

int dpu_acts_check(struct dp_actions a)
{
	int rc = dp_actions_check(a, NULL);

	return rc ? rc : check_kinds(a);
}

static bool sets_tunnel(struct dp_actions list)
{
	const struct dp_action *a;
	bool yes = false;

	DP_ACTION_FOR_EACH (a, list) {
		const struct act_set *s = dp_action_payload(a);
		unsigned lists = a->kind == DP_ACT_CHECK_PKT_LEN ? 2 : 1;

		yes |= a->kind == DP_ACT_SET && dp_field_is_tunnel((enum field_id)s->field);
		for (unsigned i = 0; dp_action_table[a->kind].nested && i < lists; i++)
			yes |= sets_tunnel(dp_action_nested(a, i));
	}
	return yes;
}

/* Finds the tail: the last run of actions that leave the packet as it is.  A cut (TRUNC) holds for
 * the output behind it, which then is not part of the tail.  A recirculation at the very end is a
 * tail of its own: what was sent before it must not see the edits that follow it. */
static void analyse(struct dpu_acts *acts)
{
	struct dp_actions list = dpu_acts_list(acts);
	const struct dp_action *a, *prev = NULL;

	acts->outputs_only = acts->len != 0;
	acts->drops = !acts->len;
	acts->tail = 0;
	DP_ACTION_FOR_EACH (a, list) {
		uint32_t at = (uint32_t)((const uint8_t *)a - (const uint8_t *)acts->data);
		uint32_t end = at + (uint32_t)dp_action_size(a);

		acts->outputs_only &= a->kind == DP_ACT_OUTPUT;
		if (a->kind == DP_ACT_RECIRC && end == acts->len)
			acts->tail = at;
		else if (!kinds[a->kind].pure || (prev && prev->kind == DP_ACT_TRUNC))
			acts->tail = end;
		prev = a;
	}
	a = dp_action_first(list);
	if (a && a->kind == DP_ACT_DROP)
		acts->drops = true;
	acts->tunnels = sets_tunnel(list);
}

static struct dpu_acts *acts_new(struct dp_actions list)
{
	struct dpu_acts *acts = xmalloc(sizeof(*acts) + ROUND_UP(list.len, 8));

	acts->len = list.len;
	if (list.len)
		memcpy(acts->data, list.data, list.len);
	analyse(acts);
	return acts;
}

/* ---- one flow ---- */

static struct dpu_flow *find_ufid(struct dpu *d, const struct ufid *u) REQUIRES(d->lock)
{
	struct dpu_flow *f;

	HTABLE_FOR_EACH_WITH (f, struct dpu_flow, node, hash_ufid(u), &d->by_ufid) {
		if (f->ufid.u[0] == u->u[0] && f->ufid.u[1] == u->u[1])
			return f;
	}
	return NULL;
}

/* A free slot holds the number of the next one, shifted and with its low bit set, so that it is
 * told from a flow. */
#define NO_SLOT UINT32_MAX
static struct dpu_flow *slot_free_mark(uint32_t next)
{
	return (struct dpu_flow *)(((uintptr_t)next << 1) | 1);
}

static bool slot_is_free(const struct dpu_flow *f)
{
	return (uintptr_t)f & 1;
}

static void slot_take(struct dpu *d, struct dpu_flow *f) REQUIRES(d->lock)
{
	if (d->free_slot != NO_SLOT) {
		f->slot = d->free_slot;
		d->free_slot = (uint32_t)((uintptr_t)d->slots[f->slot] >> 1);
	} else {
		if (d->n_slots == d->cap_slots)
			d->slots = xgrow(d->slots, &d->cap_slots, d->n_slots + 1,
					 sizeof(struct dpu_flow *));
		f->slot = (uint32_t)d->n_slots++;
	}
	d->slots[f->slot] = f;
}

static void slot_give(struct dpu *d, struct dpu_flow *f) REQUIRES(d->lock)
{
	d->slots[f->slot] = slot_free_mark(d->free_slot);
	d->free_slot = f->slot;
}

static void flow_free(struct dpu_flow *f)
{
	mflow_done(&f->m);
	free(f->acts);
	free(f);
}

/* A datapath's key has none of OpenFlow's own words. */
static bool mask_is_sound(const struct flow_key *mask)
{
	const uint64_t *w = flow_words_const(mask);

	for (unsigned i = 0; i < FLOW_WORD(tunnel); i++) {
		if (w[i])
			return false;
	}
	return true;
}

static int flow_put(struct dpu *d, struct dp_flow_op *op) REQUIRES(d->lock)
{
	struct dpu_flow *f;
	int rc = dpu_acts_check(op->actions);
	unsigned n_shards = d->n_workers + 1;

	if (rc)
		return rc;
	if (!mask_is_sound(op->mask))
		return -EINVAL;
	if (find_ufid(d, &op->ufid))
		return -EEXIST;
	if (mflow_count(d->table) >= d->flow_limit)
		return -ENOSPC;
	f = xzalloc(sizeof(*f) + n_shards * sizeof(f->shards[0]));
	f->ufid = op->ufid;
	f->n_shards = (uint16_t)n_shards;
	f->acts = acts_new(op->actions);
	rc = mflow_insert(d->table, &f->m, op->key, op->mask);
	if (rc) {
		free(f->acts);
		free(f);
		return rc;
	}
	htable_insert(&d->by_ufid, &f->node, hash_ufid(&f->ufid));
	slot_take(d, f);
	return 0;
}

static void tell(const struct dpu_flow *f, struct buf *told)
{
	if (told)
		buf_put(told, f->acts->data, f->acts->len);
}

static int flow_modify(struct dpu *d, struct dp_flow_op *op) REQUIRES(d->lock)
{
	struct dpu_flow *f = find_ufid(d, &op->ufid);
	struct dpu_acts *old;
	int rc;

	if (!f)
		return -ENOENT;
	rc = dpu_acts_check(op->actions);
	if (rc)
		return rc;
	old = rcu_xchg_pointer(&f->acts, acts_new(op->actions));
	rcu_defer_free(old);
	read_stats(f, &op->stats);
	tell(f, op->told);
	return 0;
}

static void flow_unlink(struct dpu *d, struct dpu_flow *f) REQUIRES(d->lock)
{
	mflow_remove(d->table, &f->m);
	htable_remove(&d->by_ufid, &f->node);
	slot_give(d, f);
}

static int flow_del(struct dpu *d, struct dp_flow_op *op, struct dpu_flow **gone) REQUIRES(d->lock)
{
	struct dpu_flow *f = find_ufid(d, &op->ufid);

	if (!f)
		return -ENOENT;
	flow_unlink(d, f);
	*gone = f;
	return 0;
}

static int flow_get(struct dpu *d, struct dp_flow_op *op) REQUIRES(d->lock)
{
	const struct dpu_flow *f = find_ufid(d, &op->ufid);

	if (!f)
		return -ENOENT;
	read_stats(f, &op->stats);
	tell(f, op->told);
	return 0;
}

/* ---- batches ---- */

/* Once a second somebody re-sorts the masks. */
static void rank_masks(struct dpu *d)
{
	uint64_t now = clock_mono_ns(), last = d->ranked_ns;

	if (now - last >= RANK_EVERY_NS &&
	    atomic_compare_exchange_strong(&d->ranked_ns, &last, now))
		mflow_rank(d->table);
}

static int do_op(struct dpu *d, struct dp_flow_op *op, struct dpu_flow **gone) REQUIRES(d->lock)
{
	switch (op->kind) {
	case DP_FLOW_PUT: return flow_put(d, op);
	case DP_FLOW_MODIFY: return flow_modify(d, op);
	case DP_FLOW_DEL: return flow_del(d, op, gone);
	case DP_FLOW_GET: return flow_get(d, op);
	}
	return -EINVAL;
}

/* The flows are out of the table and no flow cache answers with them: after the grace period nobody
 * counts on them any more. */
static void finish_removed(struct dp_flow_op *ops, struct dpu_flow *gone[], size_t n)
{
	rcu_wait();
	for (size_t i = 0; i < n; i++) {
		if (!gone[i])
			continue;
		read_stats(gone[i], &ops[i].stats);
		flow_free(gone[i]);
	}
}

unsigned dpu_flow_batch(struct dp *dp, struct dp_flow_op *ops, size_t n)
{
	struct dpu *d = dpu_of(dp);
	struct dpu_flow **gone = xcalloc(MAX(n, 1u), sizeof(struct dpu_flow *));
	unsigned failed = 0;
	bool removed = false;

	rcu_thread_start();
	lock_take(&d->lock);
	for (size_t i = 0; i < n; i++) {
		memset(&ops[i].stats, 0, sizeof(ops[i].stats));
		ops[i].result = do_op(d, &ops[i], &gone[i]);
		failed += ops[i].result != 0;
		removed |= gone[i] != NULL;
	}
	lock_give(&d->lock);
	if (removed)
		finish_removed(ops, gone, n);
	free(gone);
	rank_masks(d);
	return failed;
}

void dpu_flows_clear(struct dpu *d)
{
	size_t n = 0;

	lock_take(&d->lock);
	for (size_t i = 0; i < d->n_slots; i++) {
		struct dpu_flow *f = d->slots[i];

		if (slot_is_free(f))
			continue;
		mflow_remove(d->table, &f->m);
		htable_remove(&d->by_ufid, &f->node);
		d->slots[n++] = f;
	}
	d->n_slots = n;
	lock_give(&d->lock);
	rcu_wait();
	for (size_t i = 0; i < n; i++)
		flow_free(d->slots[i]);
}

/* ---- dumps: cur->pos[0] is the next slot, cur->priv the action lists of the last answer ---- */

static void dump_one(struct dpu_flow *f, unsigned flags, struct dp_flow_rec *rec, struct buf *acts)
{
	memset(rec, 0, sizeof(*rec));
	rec->ufid = f->ufid;
	read_stats(f, &rec->stats);
	if (!(flags & (DP_DUMP_FULL | DP_DUMP_ACTIONS)))
		return;
	mflow_match(&f->m, &rec->key, &rec->mask);
	/* Offset for now: the buffer moves as it grows. */
	rec->actions.data = (const void *)(uintptr_t)acts->len;
	rec->actions.len = f->acts->len;
	buf_put(acts, f->acts->data, f->acts->len);
	buf_pad(acts, 0, 8);
}

int dpu_flow_dump(struct dp *dp, struct dp_dump *cur, struct dp_flow_rec *recs, size_t max)
{
	struct dpu *d = dpu_of(dp);
	struct buf *acts = cur->priv;
	size_t n = 0;

	if (!acts) {
		acts = xzalloc(sizeof(*acts));
		buf_init(acts);
		cur->priv = acts;
		rank_masks(d);
	}
	buf_clear(acts);
	lock_take(&d->lock);
	while (n < max && cur->pos[0] < d->n_slots) {
		struct dpu_flow *f = d->slots[cur->pos[0]++];

		if (!slot_is_free(f))
			dump_one(f, cur->flags, &recs[n++], acts);
	}
	lock_give(&d->lock);
	for (size_t i = 0; i < n && cur->flags & (DP_DUMP_FULL | DP_DUMP_ACTIONS); i++)
		recs[i].actions.data =
			recs[i].actions.len ? acts->data + (uintptr_t)recs[i].actions.data : NULL;
	return (int)n;
}

void dpu_flow_dump_end(struct dp *dp, struct dp_dump *cur)
{
	struct buf *acts = cur->priv;

	if (acts)
		buf_done(acts);
	free(acts);
	memset(cur, 0, sizeof(*cur));
}
