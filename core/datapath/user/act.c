/* SPDX-License-Identifier: Apache-2.0 */
/* The actions that need the datapath around them, and execute(). */
#include <errno.h>
#include <string.h>

#include "core/base/random.h"
#include "core/datapath/user/user.h"

/* True when nothing after `a` changes packet p: it may be sent or looked up again later, by
 * reference.  Holds only for the packet that the batch holds, not for a copy that the interpreter
 * made. */
static bool is_final(const struct dpu_ctx *c, const struct packet *p, const struct dp_action *a)
{
	return p == c->cur && (const uint8_t *)a >= c->tail;
}

static bool do_output(struct dpu_ctx *c, struct packet *p, struct flow_key *key,
		      const struct dp_action *a)
{
	const struct act_output *o = dp_action_payload(a);
	struct port *port = dpu_port(c->dp, o->port.v);

	if (c->w && is_final(c, p, a))
		dpu_out_queue(c->w, port, p);
	else
		dpu_out_now(c, port, p);
	return true;
}

/* Looks a packet up again now, one level deeper, and comes back to where the list was. */
static void recirc_now(struct dpu_ctx *c, struct packet *p, struct flow_key *key)
{
	const struct packet *cur = c->cur;
	const uint8_t *tail = c->tail;
	uint32_t trunc = c->x.trunc;

	c->depth++;
	c->nested++;
	dpu_one(c, p, key);
	c->nested--;
	c->depth--;
	c->x.trunc = trunc;
	c->cur = cur;
	c->tail = tail;
}

static void recirc_copy(struct dpu_ctx *c, const struct packet *p, const struct flow_key *key,
			uint32_t id)
{
	struct packet *copy = packet_clone(p);
	struct flow_key k = *key;

	k.recirc_id = htonl(id);
	recirc_now(c, copy, &k);
	if (c->w)
		dpu_send_queued(c->w); /* what was queued by reference dies here */
	packet_free(copy);
}

static bool do_recirc(struct dpu_ctx *c, struct packet *p, struct flow_key *key,
		      const struct dp_action *a)
{
	const struct act_recirc *r = dp_action_payload(a);
	struct dpu_batch *b = c->w && !c->nested ? c->w->next : NULL;

	if (c->depth >= DPU_MAX_RECIRC) {
		count_add(&c->cnt->drops[DP_DROP_RECIRC_LIMIT], 1);
		return true;
	}
	if (!is_final(c, p, a)) {
		recirc_copy(c, p, key, r->id);
	} else if (b && b->n < PACKET_BATCH) {
		b->dirty = true;
		p->tnl = NULL; /* it was this batch's */
		b->p[b->n] = p;
		b->key[b->n] = *key;
		b->key[b->n++].recirc_id = htonl(r->id);
	} else {
		key->recirc_id = htonl(r->id);
		recirc_now(c, p, key);
	}
	return true;
}

static bool do_userspace(struct dpu_ctx *c, struct packet *p, struct flow_key *key,
			 const struct dp_action *a)
{
	const struct act_userspace *u = dp_action_payload(a);
	struct upcall_req r = {
		.kind = (enum upcall_kind)u->kind,
		.packet = p,
		.key = key,
		.cookie = u->cookie,
		.max_len = u->max_len,
	};

	dpu_send_up(c, &r);
	return true;
}

static bool do_meter(struct dpu_ctx *c, struct packet *p, struct flow_key *key,
		     const struct dp_action *a)
{
	const struct act_meter *m = dp_action_payload(a);

	if (dpu_meter_pass(&c->dp->meters, m->id, p->len, c->now_ns))
		return true;
	count_add(&c->cnt->drops[DP_DROP_METER], 1);
	return false;
}

typedef bool side_fn(struct dpu_ctx *c, struct packet *p, struct flow_key *key,
		     const struct dp_action *a);

/* The rest is the interpreter's, or refused when the flow is put (dpu_acts_check). */
static side_fn *const side_fns[DP_ACT_N_KINDS] = {
	[DP_ACT_OUTPUT] = do_output,
	[DP_ACT_RECIRC] = do_recirc,
	[DP_ACT_USERSPACE] = do_userspace,
	[DP_ACT_METER] = do_meter,
};

static bool side(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		 const struct dp_action *a)
{
	side_fn *fn = a->kind < DP_ACT_N_KINDS ? side_fns[a->kind] : NULL;

	return fn && fn(x->aux, p, key, a);
}

void dpu_actions(struct dpu_ctx *c, struct packet *p, struct flow_key *key, struct dp_actions list,
		 uint32_t tail)
{
	uint32_t dropped = c->x.dropped;

	c->cur = p;
	c->tail = (const uint8_t *)list.data + tail;
	c->x.trunc = 0;
	actions_exec(&c->x, p, key, list);
	count_add(&c->cnt->drops[DP_DROP_EDIT], c->x.dropped - dropped);
}

void dpu_ctx_init(struct dpu_ctx *c, struct dpu *d, struct dpu_worker *w, unsigned producer,
		  struct dpu_counters *cnt)
{
	memset(c, 0, sizeof(*c));
	c->dp = d;
	c->w = w;
	c->producer = producer;
	c->cnt = cnt;
	c->now_ns = clock_mono_ns();
	c->x.side = side;
	c->x.aux = c;
	c->x.rng = (uint32_t)random_u64() | 1;
}

/* ---- execute ---- */

/* What comes up behind a popped label is switched by what was readable of it, here as on the fast
 * path. */
static bool may_switch(const struct dp_execute *ex, enum parse_result r)
{
	return !parse_result_is_drop(r) ||
	       (ex->key.recirc_id && r != PARSE_SHORT_ETH && r != PARSE_SHORT_VLAN);
}

static int execute_one(struct dpu_ctx *c, struct dp_execute *ex)
{
	int rc = dpu_acts_check(ex->actions);
	enum parse_result r;
	struct flow_tnl tnl;
	struct packet *p;

	if (rc)
		return rc;
	p = ex->done_with ? ex->packet : packet_clone(ex->packet);
	p->tnl = &tnl;
	memset(&tnl, 0, sizeof(tnl));
	p->in_port = flow_in_dp(&ex->key);
	r = packet_parse(p, &ex->key, NULL);
	if (may_switch(ex, r)) {
		/* One list, carried out at once: nothing of it may be put off. */
		dpu_actions(c, p, &ex->key, ex->actions, ex->actions.len);
	} else {
		count_add(&c->cnt->parse[r], 1);
		count_add(&c->cnt->drops[DP_DROP_PARSE], 1);
	}
	p->tnl = NULL;
	if (p != ex->packet)
		packet_free(p);
	return 0;
}

unsigned dpu_execute(struct dp *dp, struct dp_execute *ex, size_t n)
{
	struct dpu *d = dpu_of(dp);
	struct dpu_counters cnt = { 0 };
	struct dpu_ctx c;
	unsigned failed = 0;

	rcu_thread_start();
	dpu_ctx_init(&c, d, NULL, 0, &cnt);
	rcu_read_lock();
	for (size_t i = 0; i < n; i++) {
		ex[i].result = execute_one(&c, &ex[i]);
		failed += ex[i].result != 0;
	}
	dpu_flush(&c);
	rcu_read_unlock();
	lock_take(&d->count_lock);
	dpu_counters_add(&d->base, &cnt);
	lock_give(&d->count_lock);
	return failed;
}
