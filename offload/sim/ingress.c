/* SPDX-License-Identifier: Apache-2.0 */
/* Packets: parse, look up, count, act, send.  Runs in the datapath's workers. */
#include <stdatomic.h>

#include "core/base/clock.h"
#include "core/packet/action_exec.h"
#include "core/packet/parse.h"
#include "offload/sim/sim_priv.h"

#define OUT_PORTS 8 /* ports that a batch collects output for before it sends */

struct outq {
	struct sim_port *to;
	unsigned n;
	struct packet *p[PACKET_BATCH];
};

struct run { /* one batch on its way; on the worker's stack */
	struct sim *s;
	const struct sim_ports *ports;
	uint64_t now_ns;
	unsigned n_out;
	struct outq out[OUT_PORTS];

	/* packets in a row that hit one entry, counted together */
	struct sim_entry *entry;
	uint64_t packets, bytes;
	uint32_t tcp_flags;
};

/* --- sending --- */

static void send_outq(struct outq *o)
{
	if (!o->n)
		return;
	o->to->port->ops->tx(o->to->port, o->p, o->n);
	o->n = 0;
	atomic_store_explicit(&o->to->unsent, true, memory_order_relaxed);
}

static void send_all(struct run *r)
{
	for (unsigned i = 0; i < r->n_out; i++)
		send_outq(&r->out[i]);
	r->n_out = 0;
}

static void drop(struct run *r, enum sim_drop why, uint64_t n)
{
	atomic_fetch_add_explicit(&r->s->drops[why], n, memory_order_relaxed);
}

static struct sim_port *may_send(struct run *r, uint32_t no)
{
	struct sim_port *to = no < r->ports->n ? r->ports->by_no[no] : NULL;

	if (!to) {
		drop(r, SIM_DROP_NO_PORT, 1);
		return NULL;
	}
	if (atomic_load_explicit(&to->port->no_tx, memory_order_relaxed) ||
	    atomic_load_explicit(&to->port->admin_down, memory_order_relaxed)) {
		drop(r, SIM_DROP_PORT_CONFIG, 1);
		return NULL;
	}
	return to;
}

static struct outq *outq_of(struct run *r, struct sim_port *to)
{
	for (unsigned i = 0; i < r->n_out; i++)
		if (r->out[i].to == to)
			return &r->out[i];
	if (r->n_out == OUT_PORTS)
		send_all(r);
	r->out[r->n_out].to = to;
	r->out[r->n_out].n = 0;
	return &r->out[r->n_out++];
}

/* By reference: nothing changes the packet any more. */
static void send_later(struct run *r, uint32_t no, struct packet *p)
{
	struct sim_port *to = may_send(r, no);
	struct outq *o;

	if (!to)
		return;
	o = outq_of(r, to);
	if (o->n == PACKET_BATCH)
		send_outq(o);
	o->p[o->n++] = p;
}

static void send_now(struct run *r, uint32_t no, struct packet *p)
{
	struct sim_port *to = may_send(r, no);

	if (!to)
		return;
	send_outq(outq_of(r, to)); /* earlier packets go first */
	to->port->ops->tx(to->port, &p, 1);
	atomic_store_explicit(&to->unsent, true, memory_order_relaxed);
}

void sim_flush(void *ctx)
{
	struct sim *s = ctx;
	const struct sim_ports *ps = rcu_dereference(s->ports);

	for (uint32_t i = 0; i < ps->n; i++) {
		struct sim_port *sp = ps->by_no[i];

		if (sp && atomic_load_explicit(&sp->unsent, memory_order_relaxed) &&
		    atomic_exchange_explicit(&sp->unsent, false, memory_order_relaxed) &&
		    sp->port->ops->tx_flush)
			sp->port->ops->tx_flush(sp->port);
	}
}

/* --- acting --- */

static bool side(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		 const struct dp_action *a)
{
	const struct act_output *o = dp_action_payload(a);

	(void)key;
	if (a->kind != DP_ACT_OUTPUT)
		return false; /* the profile has none of these */
	send_now(x->aux, o->port.v, p);
	return true;
}

static void act(struct run *r, struct packet *p, struct flow_key *key, const struct sim_acts *acts)
{
	struct dp_actions list = { acts->len ? acts->data : NULL, acts->len };
	struct exec_ctx x = { .side = side, .aux = r, .rng = (uint32_t)r->now_ns | 1 };
	const struct dp_action *a;

	if (!acts->outputs_only) {
		actions_exec(&x, p, key, list);
		if (x.dropped)
			drop(r, SIM_DROP_EDIT, x.dropped);
		return;
	}
	DP_ACTION_FOR_EACH (a, list) {
		const struct act_output *o = dp_action_payload(a);

		send_later(r, o->port.v, p);
	}
}

/* --- counting --- */

static void count_end(struct run *r)
{
	struct sim_entry *e = r->entry;

	if (!e)
		return;
	atomic_fetch_add_explicit(&e->packets, r->packets, memory_order_relaxed);
	atomic_fetch_add_explicit(&e->bytes, r->bytes, memory_order_relaxed);
	atomic_store_explicit(&e->used_ns, r->now_ns, memory_order_relaxed);
	if (r->tcp_flags & ~atomic_load_explicit(&e->tcp_flags, memory_order_relaxed))
		atomic_fetch_or_explicit(&e->tcp_flags, r->tcp_flags, memory_order_relaxed);
	r->entry = NULL;
}

static void count(struct run *r, struct sim_entry *e, const struct packet *p,
		  const struct flow_key *key)
{
	if (r->entry != e) {
		count_end(r);
		r->entry = e;
		r->packets = r->bytes = 0;
		r->tcp_flags = 0;
	}
	r->packets++;
	r->bytes += p->len;
	r->tcp_flags |= ntohs(key->tcp_flags);
}

/* --- a batch --- */

static uint32_t parse(struct port *port, struct packet *pkts[], unsigned n, struct flow_key key[],
		      const struct flow_key *at[])
{
	uint32_t good = 0;

	for (unsigned i = 0; i < n; i++) {
		/* No mask of a rule has bits of the words before. */
		memset(&key[i].tunnel, 0,
		       offsetof(struct flow_key, dl_dst) - offsetof(struct flow_key, tunnel));
		key[i].in_port = htonl(port->no.v);
		at[i] = &key[i];
		if (packet_parse(pkts[i], &key[i], NULL) == PARSE_OK)
			good |= 1u << i;
	}
	return good;
}

unsigned sim_ingress(void *ctx, struct port *port, struct packet *pkts[], unsigned n)
{
	struct flow_key key[PACKET_BATCH];
	const struct flow_key *at[PACKET_BATCH];
	struct mflow *hit[PACKET_BATCH];
	struct run r = { .s = ctx };
	uint32_t hits;
	unsigned left = 0;

	if (!mflow_count(r.s->table))
		return n;
	r.ports = rcu_dereference(r.s->ports);
	r.now_ns = clock_mono_ns();
	hits = mflow_lookup_batch(r.s->table, at, parse(port, pkts, n, key, at), hit);
	for (unsigned i = 0; i < n; i++) {
		struct sim_entry *e;

		if (!(hits >> i & 1)) {
			pkts[left++] = pkts[i];
			continue;
		}
		e = rcu_dereference(container_of(hit[i], struct sim_rule, m)->entry);
		count(&r, e, pkts[i], &key[i]);
		act(&r, pkts[i], &key[i], rcu_dereference(e->acts));
	}
	count_end(&r);
	send_all(&r);
	return left;
}
