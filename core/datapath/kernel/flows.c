/* SPDX-License-Identifier: Apache-2.0 */
/* Flow operations and dumps.
 *
 * A batch is one or two sends: an operation is one request, at its index.  The kernel checks a
 * flow's new actions against its match, so a change needs the match again: who changes without
 * giving it costs a send more, which asks for it.
 *
 * Where every packet finds its flow in a NIC or in TC, none is hit here and no counter changes: the
 * datapath's own count of hits says so for all of them at once, and a DP_DUMP_NEWS is empty.
 *
 * What a packet counted on a flow in the very moment in which another processor removes it the
 * kernel may not tell: it reads the counters before it waits for those packets. */
#include <errno.h>
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/datapath/kernel/acts.h"
#include "core/datapath/kernel/kernel.h"
#include "core/datapath/kernel/key.h"

#define OMIT_ALL (OVS_UFID_F_OMIT_KEY | OVS_UFID_F_OMIT_MASK | OVS_UFID_F_OMIT_ACTIONS)
#define CHUNK 1024u /* operations between two sends at most: bounds memory */

static const struct nlattr_policy flow_policy[] = {
	[OVS_FLOW_ATTR_KEY] = NLATTR_ANY,
	[OVS_FLOW_ATTR_ACTIONS] = NLATTR_ANY,
	[OVS_FLOW_ATTR_STATS] = NLATTR_EXACT(sizeof(struct ovs_flow_stats)),
	[OVS_FLOW_ATTR_TCP_FLAGS] = NLATTR_EXACT(1),
	[OVS_FLOW_ATTR_USED] = NLATTR_EXACT(8),
	[OVS_FLOW_ATTR_MASK] = NLATTR_ANY,
	[OVS_FLOW_ATTR_UFID] = { 1, 16 },
};
#define N_ATTRS ARRAY_SIZE(flow_policy)

/* ---- answers ---- */

static int read_flow(const struct kdp *d, const struct nlmsghdr *h, const struct nlattr *a[])
{
	size_t len = 0;
	const void *p = h ? kdp_attrs(d, &d->fam->flow, h, &len) : NULL;
	int rc = p ? nlattr_parse(p, len, flow_policy, N_ATTRS, a) : -EBADMSG;

	return rc < 0 ? rc : 0;
}

static void read_stats(const struct nlattr *const a[], struct flow_stats *st)
{
	struct ovs_flow_stats s;

	memset(st, 0, sizeof(*st));
	if (a[OVS_FLOW_ATTR_STATS]) {
		memcpy(&s, nlattr_data(a[OVS_FLOW_ATTR_STATS]), sizeof(s));
		st->packets = s.n_packets;
		st->bytes = s.n_bytes;
	}
	if (a[OVS_FLOW_ATTR_USED])
		st->used_ns = nlattr_u64(a[OVS_FLOW_ATTR_USED]) * NSEC_PER_MSEC;
	if (a[OVS_FLOW_ATTR_TCP_FLAGS])
		st->tcp_flags = nlattr_u8(a[OVS_FLOW_ATTR_TCP_FLAGS]);
}

static int read_actions(const struct nlattr *const a[], struct buf *acts)
{
	const struct nlattr *t = a[OVS_FLOW_ATTR_ACTIONS];
	size_t at = acts->len;
	int rc = t ? kdp_acts_get(nlattr_data(t), nlattr_len(t), acts) : -EBADMSG;

	if (rc)
		acts->len = at;
	return rc;
}

static int take_answer(const struct kdp *d, const struct nl_batch *b, size_t i,
		       struct dp_flow_op *op)
{
	const struct nlattr *a[N_ATTRS];
	int rc = nl_batch_code(b, i);

	if (!rc)
		rc = read_flow(d, nl_batch_data(b, i), a);
	if (rc)
		return rc;
	read_stats(a, &op->stats);
	return op->told && read_actions(a, op->told) ? -EBADMSG : 0;
}

/* ---- identities: in the order in which ovs-dpctl(8) prints them as we do ---- */

static void ufid_write(const struct ufid *u, uint32_t wire[4])
{
	for (unsigned i = 0; i < 2; i++) {
		wire[2 * i] = (uint32_t)(u->u[i] >> 32);
		wire[2 * i + 1] = (uint32_t)u->u[i];
	}
}

static struct ufid ufid_read(const struct nlattr *a)
{
	uint32_t wire[4];

	memcpy(wire, nlattr_data(a), sizeof(wire));
	return (struct ufid){ { (uint64_t)wire[0] << 32 | wire[1],
				(uint64_t)wire[2] << 32 | wire[3] } };
}

/* ---- requests ---- */

static void begin(struct kdp *d, struct nl_batch *b, uint8_t cmd, uint16_t flags,
		  const struct ufid *ufid, uint32_t omit)
{
	uint32_t wire[4];

	ufid_write(ufid, wire);
	(void)kdp_add(b, d, &d->fam->flow, cmd, flags);
	nl_batch_quiet(b, flags & NLM_F_ECHO || cmd == OVS_FLOW_CMD_GET);
	nlattr_put(&b->buf, OVS_FLOW_ATTR_UFID, wire, sizeof(wire));
	nlattr_put_u32(&b->buf, OVS_FLOW_ATTR_UFID_FLAGS, omit);
}

static int put_actions(struct kdp *d, struct buf *b, const struct dp_flow_op *op,
		       const struct flow_key *key, bool *uses_l4)
{
	struct kdp_acts_ctx ctx = { .dl_type = key->dl_type,
				    .n_tags = kdp_acts_tags(key),
				    .pid = kdp_upcall_pid(d, flow_in_dp(key).v),
				    .features = &d->up.features };
	size_t nest = nlattr_nest(b, OVS_FLOW_ATTR_ACTIONS);
	int rc = dp_actions_check(op->actions, NULL);

	if (!rc)
		rc = kdp_acts_put(b, op->actions, &ctx);
	nlattr_nest_end(b, nest);
	*uses_l4 = ctx.uses_l4;
	return rc;
}

static int put_match_and_actions(struct kdp *d, struct buf *b, const struct dp_flow_op *op)
{
	struct flow_key fit;
	bool uses_l4 = false;
	size_t nest;
	int rc = kdp_key_fit(op->key, op->mask, &fit);

	if (!rc)
		rc = put_actions(d, b, op, op->key, &uses_l4);
	if (rc)
		return rc;
	if (uses_l4)
		fit.nw_proto = UINT8_MAX;
	nest = nlattr_nest(b, OVS_FLOW_ATTR_KEY);
	kdp_key_put(b, op->key, &fit);
	nlattr_nest_end(b, nest);
	nest = nlattr_nest(b, OVS_FLOW_ATTR_MASK);
	kdp_key_put_mask(b, op->key, &fit);
	nlattr_nest_end(b, nest);
	return 0;
}

/* With the match as the kernel told it. */
static int put_same_match(struct kdp *d, struct buf *b, const struct dp_flow_op *op,
			  const struct nlattr *const a[])
{
	const struct nlattr *key = a[OVS_FLOW_ATTR_KEY], *mask = a[OVS_FLOW_ATTR_MASK];
	struct flow_key k;
	bool uses_l4;
	int rc;

	if (!key || !mask)
		return -EBADMSG;
	rc = kdp_key_get(nlattr_data(key), nlattr_len(key), &k);
	if (!rc)
		rc = put_actions(d, b, op, &k, &uses_l4);
	if (rc)
		return rc;
	nlattr_put(b, OVS_FLOW_ATTR_KEY, nlattr_data(key), nlattr_len(key));
	nlattr_put(b, OVS_FLOW_ATTR_MASK, nlattr_data(mask), nlattr_len(mask));
	return 0;
}

/* Adds the request of one operation; `match` is for MODIFY without a key. */
static void add_op(struct kdp *d, struct nl_batch *b, const struct dp_flow_op *op,
		   const struct nlattr *const match[], uint64_t *room)
{
	uint32_t omit = op->told ? OMIT_ALL & ~OVS_UFID_F_OMIT_ACTIONS : OMIT_ALL;
	int rc = 0;

	switch (op->kind) {
	case DP_FLOW_PUT:
		begin(d, b, OVS_FLOW_CMD_NEW, NLM_F_CREATE | NLM_F_EXCL, &op->ufid, OMIT_ALL);
		rc = *room ? put_match_and_actions(d, &b->buf, op) : -ENOSPC;
		*room -= !rc;
		break;
	case DP_FLOW_MODIFY:
		begin(d, b, OVS_FLOW_CMD_SET, NLM_F_ECHO, &op->ufid, omit);
		rc = match ? put_same_match(d, &b->buf, op, match)
			   : put_match_and_actions(d, &b->buf, op);
		break;
	case DP_FLOW_DEL: begin(d, b, OVS_FLOW_CMD_DEL, NLM_F_ECHO, &op->ufid, OMIT_ALL); break;
	case DP_FLOW_GET: begin(d, b, OVS_FLOW_CMD_GET, 0, &op->ufid, omit); break;
	}
	if (rc)
		nl_batch_fail(b, b->n - 1, rc);
}

static bool wants_match(const struct dp_flow_op *op)
{
	return op->kind == DP_FLOW_MODIFY && (!op->key || !op->mask);
}

static void take_results(struct kdp *d, struct nl_batch *b, struct dp_flow_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct dp_flow_op *op = &ops[i];

		op->result = nl_batch_code(b, i);
		if (op->kind == DP_FLOW_PUT) {
			d->n_flows += !op->result;
			continue;
		}
		if (!op->result)
			op->result = take_answer(d, b, i, op);
		if (op->kind == DP_FLOW_DEL && !op->result && d->n_flows)
			d->n_flows--;
	}
}

static uint64_t room_for_flows(const struct kdp *d)
{
	uint64_t n = d->n_flows, limit = d->flow_limit;

	return limit > n ? limit - n : 0;
}

static void do_plain(struct kdp *d, struct kdp_work *w, struct dp_flow_op *ops, size_t n)
{
	uint64_t room = room_for_flows(d);

	nl_batch_clear(&w->batch);
	for (size_t i = 0; i < n; i++)
		add_op(d, &w->batch, &ops[i], NULL, &room);
	(void)nl_chan_do(w->chan, &w->batch); /* each has its code */
	take_results(d, &w->batch, ops, n);
}

/* Modifications that come without their match. */
static void do_with_match(struct kdp *d, struct kdp_work *w, struct dp_flow_op *ops, size_t n)
{
	const struct nlattr *a[N_ATTRS];
	uint64_t room = 0;

	nl_batch_clear(&w->second);
	for (size_t i = 0; i < n; i++)
		begin(d, &w->second, OVS_FLOW_CMD_GET, 0, &ops[i].ufid, OVS_UFID_F_OMIT_ACTIONS);
	(void)nl_chan_do(w->chan, &w->second); /* each has its code */
	nl_batch_clear(&w->batch);
	for (size_t i = 0; i < n; i++) {
		int rc = nl_batch_code(&w->second, i);

		if (!rc)
			rc = read_flow(d, nl_batch_data(&w->second, i), a);
		if (rc)
			memset(a, 0, sizeof(a));
		add_op(d, &w->batch, &ops[i], a, &room);
		if (rc)
			nl_batch_fail(&w->batch, i, rc);
	}
	(void)nl_chan_do(w->chan, &w->batch); /* each has its code */
	take_results(d, &w->batch, ops, n);
}

unsigned kdp_flow_batch(struct dp *dp, struct dp_flow_op *ops, size_t n)
{
	struct kdp *d = kdp_of(dp);
	unsigned failed = 0;
	int rc;
	struct kdp_work *w = kdp_work_get(d, &rc);

	d->batches++;
	for (size_t i = 0, end; i < n; i = end) {
		bool ask = wants_match(&ops[i]);

		for (end = i; end < n && end - i < CHUNK && wants_match(&ops[end]) == ask; end++) {
			memset(&ops[end].stats, 0, sizeof(ops[end].stats));
			ops[end].result = rc;
		}
		if (w && ask)
			do_with_match(d, w, ops + i, end - i);
		else if (w)
			do_plain(d, w, ops + i, end - i);
	}
	d->batches_done++;
	if (w)
		kdp_work_put(d, w);
	for (size_t i = 0; i < n; i++)
		failed += ops[i].result != 0;
	return failed;
}

/* ---- dumps: cur->priv is a struct dumper ---- */

#define WITH_ACTIONS (DP_DUMP_FULL | DP_DUMP_ACTIONS)

struct dumper {
	struct kdp_work *work;
	struct buf acts; /* of the last answer */
	int end;         /* what the dump ended with; 1 = it has not */

	uint64_t batches; /* done when it began */
	uint64_t told;    /* flows */

	/* DP_DUMP_NEWS: as it was when it began */
	uint64_t hits, flows;
};

/* False: nothing was hit since the last one.  The hits are asked for before the flows are read. */
static bool has_news(struct kdp *d, struct dumper *u)
{
	struct dp_stats st;

	if (u->batches != d->batches || !kdp_ask_stats(d, &st))
		return true; /* hits stay 0 */
	u->hits = st.hits + 1;
	u->flows = st.n_flows;
	return u->hits != d->seen_hits;
}

/* The dump came to its end; while flows came or went it may have left one out.  Their number may
 * have been another than we knew: somebody else takes flows out too. */
static void seen_all(struct kdp *d, const struct dumper *u, unsigned flags)
{
	bool still = u->batches == d->batches;

	if (still)
		d->n_flows = u->told;
	if (flags & DP_DUMP_NEWS)
		d->seen_hits = still && u->told == u->flows ? u->hits : 0;
}

static int dump_begin(struct kdp *d, struct dp_dump *cur)
{
	struct dumper *u = xzalloc(sizeof(*u));
	int rc;

	cur->priv = u;
	u->end = 1;
	u->batches = d->batches_done;
	buf_init(&u->acts);
	if (cur->flags & DP_DUMP_NEWS && !has_news(d, u)) {
		u->end = 0;
		return 0;
	}
	u->work = kdp_work_get(d, &rc);
	if (!u->work)
		return rc;
	(void)kdp_add(&u->work->batch, d, &d->fam->flow, OVS_FLOW_CMD_GET, 0);
	nlattr_put_u32(&u->work->batch.buf, OVS_FLOW_ATTR_UFID_FLAGS,
		       cur->flags & DP_DUMP_FULL      ? 0
		       : cur->flags & DP_DUMP_ACTIONS ? OMIT_ALL & ~OVS_UFID_F_OMIT_ACTIONS
						      : OMIT_ALL);
	return nl_dump_begin(u->work->chan, &u->work->batch);
}

static int read_match(const struct nlattr *const a[], struct dp_flow_rec *rec)
{
	const struct nlattr *k = a[OVS_FLOW_ATTR_KEY], *m = a[OVS_FLOW_ATTR_MASK];
	int rc;

	if (!k || !m)
		return -EOPNOTSUPP;
	rc = kdp_key_get(nlattr_data(k), nlattr_len(k), &rec->key);
	return rc ? rc : kdp_key_get_mask(nlattr_data(m), nlattr_len(m), &rec->key, &rec->mask);
}

static int read_more(const struct nlattr *const a[], unsigned flags, struct dp_flow_rec *rec,
		     struct buf *acts)
{
	size_t at = acts->len;
	int rc = flags & DP_DUMP_FULL ? read_match(a, rec) : 0;

	if (!rc)
		rc = read_actions(a, acts);
	if (rc)
		return rc;
	/* Offset for now: the buffer moves as it grows. */
	rec->actions.data = (const void *)(uintptr_t)at;
	rec->actions.len = (uint32_t)(acts->len - at);
	return 0;
}

/* False: a flow without a ufid, which only its match names. */
static bool read_rec(struct kdp *d, const struct nlmsghdr *h, unsigned flags,
		     struct dp_flow_rec *rec, struct buf *acts)
{
	const struct nlattr *a[N_ATTRS];

	memset(rec, 0, sizeof(*rec));
	if (read_flow(d, h, a) || !a[OVS_FLOW_ATTR_UFID] ||
	    nlattr_len(a[OVS_FLOW_ATTR_UFID]) != sizeof(rec->ufid)) {
		d->strange++;
		return false;
	}
	rec->ufid = ufid_read(a[OVS_FLOW_ATTR_UFID]);
	read_stats(a, &rec->stats);
	if (!(flags & WITH_ACTIONS) || !read_more(a, flags, rec, acts))
		return true;
	memset(&rec->key, 0, sizeof(rec->key));
	memset(&rec->mask, 0, sizeof(rec->mask));
	rec->strange = true;
	return true;
}

int kdp_flow_dump(struct dp *dp, struct dp_dump *cur, struct dp_flow_rec *recs, size_t max)
{
	struct kdp *d = kdp_of(dp);
	const struct nlmsghdr *h;
	struct dumper *u;
	size_t n = 0;

	if (!cur->priv) {
		int rc = dump_begin(d, cur);

		if (rc)
			return rc;
	}
	u = cur->priv;
	buf_clear(&u->acts);
	while (n < max && u->end > 0) {
		u->end = nl_dump_next(u->work->chan, &h);
		u->told += u->end > 0;
		if (!u->end)
			seen_all(d, u, cur->flags);
		if (u->end > 0 && read_rec(d, h, cur->flags, &recs[n], &u->acts))
			n++;
	}
	for (size_t i = 0; i < n && cur->flags & WITH_ACTIONS; i++) {
		struct dp_actions *a = &recs[i].actions;

		a->data = a->len ? u->acts.data + (uintptr_t)a->data : NULL;
	}
	return n || u->end > 0 ? (int)n : u->end;
}

void kdp_flow_dump_end(struct dp *dp, struct dp_dump *cur)
{
	struct dumper *u = cur->priv;

	if (u && u->work) {
		nl_dump_end(u->work->chan);
		kdp_work_put(kdp_of(dp), u->work);
	}
	if (u)
		buf_done(&u->acts);
	free(u);
	memset(cur, 0, sizeof(*cur));
}
