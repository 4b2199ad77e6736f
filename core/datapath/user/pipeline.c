/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of packets through the user datapath.
 *
 * Parse all, look all up (flow cache, then the megaflow table in one batched probe), group packets
 * by flow so that counting and reading the action list is once a group, act, and collect what is
 * sent by output port so that each port gets one call.  Recirculated packets form the next batch.
 * Packets of one flow stay in order. */
#include <stdatomic.h>
#include <string.h>

#include "core/datapath/user/user.h"

struct group { /* packets of a batch that hit one flow */
	struct dpu_flow *flow;
	uint32_t pkts; /* bit per packet */
	uint32_t bytes;
	uint16_t n, tcp_flags;
};

static inline bool shut(const struct port *p)
{
	return atomic_load_explicit(&p->no_rx, memory_order_relaxed) ||
	       atomic_load_explicit(&p->admin_down, memory_order_relaxed);
}

static inline bool tx_shut(const struct port *p)
{
	return atomic_load_explicit(&p->no_tx, memory_order_relaxed) ||
	       atomic_load_explicit(&p->admin_down, memory_order_relaxed);
}

/* ---- sending ---- */

static void note_flush(struct dpu_ctx *c, struct port *port)
{
	if (!port->ops->tx_flush)
		return;
	for (unsigned i = 0; i < c->n_flush; i++) {
		if (c->flush[i] == port)
			return;
	}
	if (c->n_flush == DPU_OUT_PORTS) {
		port->ops->tx_flush(port);
		return;
	}
	c->flush[c->n_flush++] = port;
}

void dpu_flush(struct dpu_ctx *c)
{
	for (unsigned i = 0; i < c->n_flush; i++)
		c->flush[i]->ops->tx_flush(c->flush[i]);
	c->n_flush = 0;
}

static void send_outq(struct dpu_worker *w, struct dpu_outq *o)
{
	if (!o->n)
		return;
	o->port->ops->tx(o->port, o->p, o->n);
	o->n = 0;
	note_flush(&w->ctx, o->port);
}

void dpu_send_queued(struct dpu_worker *w)
{
	for (unsigned i = 0; i < w->n_out; i++) {
		send_outq(w, &w->out[i]);
		w->out_slot[w->out[i].port->no.v] = 0;
	}
	w->n_out = 0;
}

static struct dpu_outq *outq_of(struct dpu_worker *w, struct port *port)
{
	uint8_t slot = w->out_slot[port->no.v];

	if (likely(slot))
		return &w->out[slot - 1];
	if (w->n_out == DPU_OUT_PORTS)
		dpu_send_queued(w);
	w->out[w->n_out].port = port;
	w->out[w->n_out].n = 0;
	w->out_slot[port->no.v] = (uint8_t)++w->n_out;
	return &w->out[w->n_out - 1];
}

static inline bool may_send(struct dpu_ctx *c, const struct port *port)
{
	if (unlikely(!port))
		count_add(&c->cnt->drops[DP_DROP_NO_PORT], 1);
	else if (unlikely(tx_shut(port)))
		count_add(&c->cnt->drops[DP_DROP_PORT_CONFIG], 1);
	else
		return true;
	return false;
}

void dpu_out_queue(struct dpu_worker *w, struct port *port, struct packet *p)
{
	struct dpu_outq *o;

	if (!may_send(&w->ctx, port))
		return;
	o = outq_of(w, port);
	if (unlikely(o->n == PACKET_BATCH))
		send_outq(w, o);
	o->p[o->n++] = p;
}

void dpu_out_now(struct dpu_ctx *c, struct port *port, struct packet *p)
{
	struct packet *one[1] = { p };

	if (!may_send(c, port))
		return;
	if (c->w && c->w->out_slot[port->no.v]) /* earlier packets go first */
		send_outq(c->w, outq_of(c->w, port));
	port->ops->tx(port, one, 1);
	note_flush(c, port);
}

/* ---- misses ---- */

void dpu_send_up(struct dpu_ctx *c, const struct upcall_req *r)
{
	struct dpu_handlers *hs = rcu_dereference(c->dp->handlers);
	uint32_t hash = flow_hash_5tuple(r->key, r->packet->in_port.v);
	unsigned handler = 0;
	enum dp_drop why;

	if (dpu_upcall(hs, c->producer, r, hash, &why, &handler)) {
		count_add(&c->cnt->upcalls[r->kind], 1);
		if (c->w)
			c->w->kicks |= UINT64_C(1) << handler;
		else
			dpu_upcall_kick(hs, handler);
		return;
	}
	count_add(&c->cnt->drops[why], 1);
	if (r->kind == UPCALL_MISS)
		count_add(&c->cnt->lost, 1);
}

void dpu_miss(struct dpu_ctx *c, struct packet *p, const struct flow_key *key)
{
	struct upcall_req r = {
		.kind = UPCALL_MISS,
		.packet = p,
		.key = key,
		.max_len = UINT32_MAX,
	};

	count_add(&c->cnt->misses, 1);
	dpu_send_up(c, &r);
}

/* ---- one packet off the fast path ---- */

void dpu_one(struct dpu_ctx *c, struct packet *p, struct flow_key *key)
{
	unsigned probes = 0;
	struct mflow *m = mflow_lookup(c->dp->table, key, &probes);
	struct flow_tnl *outer = p->tnl, tnl;
	struct dpu_acts *acts;
	struct dpu_flow *f;

	count_add(&c->cnt->mask_probes, probes);
	if (!m) {
		dpu_miss(c, p, key);
		return;
	}
	f = container_of(m, struct dpu_flow, m);
	count_add(&c->cnt->hits, 1);
	dpu_flow_count(f, c, 1, p->len, ntohs(key->tcp_flags));
	acts = rcu_dereference(f->acts);
	if (acts->drops) {
		count_add(&c->cnt->drops[DP_DROP_NO_ACTIONS], 1);
		return;
	}
	if (acts->tunnels)
		p->tnl = &tnl;
	/* What stands on this stack is not sent later, by reference. */
	dpu_actions(c, p, key, dpu_acts_list(acts), acts->tunnels ? acts->len : acts->tail);
	p->tnl = outer;
}

/* ---- a batch ---- */

static void clean_keys(struct dpu_batch *b)
{
	if (likely(!b->dirty))
		return;
	memset(b->key, 0, sizeof(b->key));
	b->dirty = false;
}

static inline uint64_t take_outer(struct dpu_batch *b, struct packet *p, struct flow_key *k)
{
	k->tunnel = *p->tnl;
	p->tnl = NULL;
	b->dirty = true;
	return flow_map_of_tunnel(k);
}

/* Fills the batch; packets with malformed headers do not get in. */
static void parse_batch(struct dpu_worker *w, struct dpu_batch *b, struct packet *pkts[],
			unsigned n, be32 in_port)
{
	unsigned out = 0;

	clean_keys(b);
	for (unsigned i = 0; i < n; i++) {
		struct packet *p = pkts[i];
		struct flow_key *k = &b->key[out];
		enum parse_result r;
		uint64_t outer = 0;

		if (i + 4 < n)
			__builtin_prefetch(pkts[i + 4]->data);
		k->in_port = in_port;
		if (unlikely(p->tnl))
			outer = take_outer(b, p, k);
		r = packet_parse(p, k, &b->map[out]);
		if (unlikely(r != PARSE_OK)) {
			count_add(&w->cnt.parse[r], 1);
			if (parse_result_is_drop(r)) {
				count_add(&w->cnt.drops[DP_DROP_PARSE], 1);
				continue;
			}
		}
		b->map[out] |= UINT64_C(1) << FLOW_WORD(in_port) | outer;
		b->p[out++] = p;
	}
	b->n = out;
}

/* Words that are not zero in a key whose metadata an action may have written. */
static void remap(struct dpu_batch *b)
{
	for (unsigned i = 0; i < b->n; i++)
		b->map[i] = flow_map_of(&b->key[i]);
}

/* The bits of the packets that the cache answers, with their flows in hit[]. */
static uint32_t lookup_cached(struct dpu_worker *w, const struct dpu_batch *b, struct mflow *hit[],
			      uint64_t hash[])
{
	uint32_t found = 0;

	for (unsigned i = 0; i < b->n; i++) {
		hash[i] = flow_cache_hash(&b->key[i], b->map[i]);
		flow_cache_prefetch(w->cache, hash[i]);
	}
	for (unsigned i = 0; i < b->n; i++) {
		hit[i] = flow_cache_lookup(w->cache, &b->key[i], b->map[i], hash[i]);
		found |= (uint32_t)(hit[i] != NULL) << i;
	}
	return found;
}

/* The same from the table for the packets `todo`. */
static uint32_t lookup_table(struct dpu_worker *w, const struct dpu_batch *b, uint32_t todo,
			     struct mflow *hit[], const uint64_t hash[])
{
	const struct flow_key *keys[PACKET_BATCH];
	uint64_t probed = 0;
	uint32_t found;
	unsigned i;

	for (i = 0; i < b->n; i++)
		keys[i] = &b->key[i];
	found = mflow_lookup_probed(w->ctx.dp->table, keys, todo, hit, &probed);
	count_add(&w->cnt.mask_probes, probed);
	FLOW_MAP_FOR_EACH (i, found)
		flow_cache_insert(w->cache, &b->key[i], b->map[i], hash[i], hit[i]);
	return found;
}

/* The group of packet i; joins one that is open for the same flow. */
static struct group *group_of(struct group *g, unsigned *n, struct dpu_flow *f, unsigned shard)
{
	unsigned at = *n;

	if (likely(shard < f->n_shards)) {
		unsigned known = f->shards[shard].group;

		if (known < *n && g[known].flow == f)
			return &g[known];
		f->shards[shard].group = (uint16_t)at;
	}
	g[at] = (struct group){ .flow = f };
	(*n)++;
	return &g[at];
}

static unsigned group_hits(struct dpu_worker *w, const struct dpu_batch *b, uint32_t hits,
			   struct mflow *const hit[], struct group *g)
{
	unsigned i, n = 0;

	FLOW_MAP_FOR_EACH (i, hits) {
		struct dpu_flow *f = container_of(hit[i], struct dpu_flow, m);
		struct group *to = group_of(g, &n, f, w->ctx.producer);

		to->pkts |= UINT32_C(1) << i;
		to->n++;
		to->bytes += b->p[i]->len;
		to->tcp_flags |= b->key[i].tcp_flags;
	}
	return n;
}

static void send_group(struct dpu_worker *w, const struct dpu_batch *b, const struct group *g,
		       struct dp_actions list)
{
	const struct dp_action *a;
	unsigned i;

	DP_ACTION_FOR_EACH (a, list) {
		const struct act_output *o = dp_action_payload(a);
		struct port *port = dpu_port(w->ctx.dp, o->port.v);

		FLOW_MAP_FOR_EACH (i, g->pkts)
			dpu_out_queue(w, port, b->p[i]);
	}
}

static void do_group(struct dpu_worker *w, struct dpu_batch *b, const struct group *g)
{
	struct dpu_acts *acts = rcu_dereference(g->flow->acts);
	unsigned i;

	dpu_flow_count(g->flow, &w->ctx, g->n, g->bytes, ntohs(g->tcp_flags));
	if (acts->drops) {
		count_add(&w->cnt.drops[DP_DROP_NO_ACTIONS], g->n);
		return;
	}
	if (likely(acts->outputs_only)) {
		send_group(w, b, g, dpu_acts_list(acts));
		return;
	}
	b->dirty = true;
	FLOW_MAP_FOR_EACH (i, g->pkts) {
		if (unlikely(acts->tunnels))
			b->p[i]->tnl = &b->tnl[i];
		dpu_actions(&w->ctx, b->p[i], &b->key[i], dpu_acts_list(acts), acts->tail);
	}
}

static void do_batch(struct dpu_worker *w, struct dpu_batch *b)
{
	uint32_t all = (uint32_t)((UINT64_C(1) << b->n) - 1), hits;
	struct mflow *hit[PACKET_BATCH];
	uint64_t hash[PACKET_BATCH];
	struct group g[PACKET_BATCH];
	unsigned i, n_groups;

	hits = lookup_cached(w, b, hit, hash);
	count_add(&w->cnt.cache_hits, (uint64_t)__builtin_popcount(hits));
	if (hits != all)
		hits |= lookup_table(w, b, all & ~hits, hit, hash);
	count_add(&w->cnt.hits, (uint64_t)__builtin_popcount(hits));
	n_groups = group_hits(w, b, hits, hit, g);
	FLOW_MAP_FOR_EACH (i, all & ~hits)
		dpu_miss(&w->ctx, b->p[i], &b->key[i]);
	for (i = 0; i < n_groups; i++)
		do_group(w, b, &g[i]);
}

static void recirculate(struct dpu_worker *w, struct dpu_batch *done)
{
	struct dpu_batch *b = w->next;

	for (unsigned depth = 1; b->n; depth++) {
		w->ctx.depth = depth;
		w->next = done;
		w->next->n = 0;
		remap(b);
		do_batch(w, b);
		done = b;
		b = w->next;
	}
	w->ctx.depth = 0;
}

/* Gives the sim NIC (or another owner of the port's ingress) its packets; returns what is left. */
static unsigned through_ingress(struct dpu_worker *w, struct port *port, struct packet *pkts[],
				unsigned n)
{
	struct port_ingress *in = rcu_dereference(port->ingress);
	unsigned i = 0;

	if (likely(!in))
		return n;
	n = in->fn(in->ctx, port, pkts, n);
	while (i < w->n_ingress && w->ingress[i]->ctx != in->ctx)
		i++;
	if (!in->flush || i < w->n_ingress)
		return n;
	if (w->n_ingress == DPU_OUT_PORTS)
		in->flush(in->ctx);
	else
		w->ingress[w->n_ingress++] = in;
	return n;
}

void dpu_receive(struct dpu_worker *w, struct port *port, struct packet *pkts[], unsigned n)
{
	struct dpu_batch *b = &w->batch[0];

	if (unlikely(shut(port))) {
		count_add(&w->cnt.drops[DP_DROP_PORT_CONFIG], n);
		return;
	}
	n = through_ingress(w, port, pkts, n);
	if (!n)
		return;
	parse_batch(w, b, pkts, n, htonl(port->no.v));
	w->next = &w->batch[1];
	w->next->n = 0;
	do_batch(w, b);
	if (w->next->n)
		recirculate(w, b);
	dpu_send_queued(w);
}
