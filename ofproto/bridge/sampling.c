/* SPDX-License-Identifier: Apache-2.0 */
/* Sampled packets, from the threads that come by them to the sFlow agent of the bridge that they
 * came into. */
#include <errno.h>
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "ofproto/bridge/bridge_priv.h"

struct sample {
	struct sample *next;
	struct dp_upcall up; /* packet owned */
};

static void free_samples(struct sample *list)
{
	while (list) {
		struct sample *next = list->next;

		packet_free(list->up.packet);
		free(list);
		list = next;
	}
}

void backend_samples_init(struct backend *be)
{
	lock_init(&be->samples.lock);
	be->samples.tail = &be->samples.head;
}

void backend_samples_done(struct backend *be)
{
	free_samples(be->samples.head);
	lock_done(&be->samples.lock);
}

/* --- on the loop --- */

/* 0: not known. */
static uint32_t ifindex_of(struct backend *be, const struct xl_port *p)
{
	struct bridge *br = p ? backend_bridge_by_id(be, p->bridge->id) : NULL;
	const struct bridge_port *q = br ? bridge_port_by_ofp(br, p->ofp) : NULL;

	return q && q->state.ifindex > 0 ? (uint32_t)q->state.ifindex : 0;
}

static void tell(struct backend *be, const struct xl_snapshot *snap, const struct dp_upcall *up)
{
	struct sflow_sample x = { .data = up->packet->data,
				  .frame_len = up->len,
				  .in_tci = ntohs(up->key.vlans[0].tci) };
	struct flow_key ignored = { 0 };
	const struct xl_port *in = xl_port_of_packet(snap, &up->key, &ignored);
	struct bridge *br = in ? backend_bridge_by_id(be, in->bridge->id) : NULL;

	if (!br || !br->sflow || !sflow_cookie_unpack(up->cookie, &x.what))
		return; /* a flow of before it was turned off */
	/* The kernel cuts before it puts a tag back that it kept beside the frame. */
	x.data_len = MIN(up->packet->len, br->sampling.header);
	x.in_ifindex = ifindex_of(be, in);
	if ((x.what.output & SFLOW_OUT_FORM) == SFLOW_OUT_PORT)
		x.out_ifindex =
			ifindex_of(be, xl_port_by_dp(snap, (struct dp_port){ x.what.output }));
	sflow_put(br->sflow, &x);
}

/* The queue is the datapath's: whose they were nobody has looked at, so each agent tells of all. */
static void tell_dropped(struct backend *be, uint64_t n)
{
	struct bridge *br;

	cds_list_for_each_entry (br, &be->bridges, node)
		if (n && br->sflow)
			sflow_dropped(br->sflow, n);
}

static void tell_all(void *arg)
{
	struct backend *be = arg;
	struct backend_samples *q = &be->samples;
	struct sample *list;
	uint64_t dropped;

	lock_take(&q->lock);
	list = q->head;
	dropped = q->dropped;
	q->head = NULL;
	q->tail = &q->head;
	q->n = 0;
	q->dropped = 0;
	q->posted = false;
	lock_give(&q->lock);
	if (!cds_list_empty(&be->bridges)) { /* else the snapshot has gone, too */
		rcu_read_lock();
		for (const struct sample *s = list; s; s = s->next)
			tell(be, flows_snapshot(be->flows), &s->up);
		rcu_read_unlock();
		tell_dropped(be, dropped);
	}
	free_samples(list);
}

/* --- other threads --- */

void backend_sample(void *backend, const struct dp_upcall *up)
{
	struct backend *be = backend;
	struct backend_samples *q = &be->samples;
	struct sample *s = xmalloc(sizeof(*s));
	bool post = false;

	s->next = NULL;
	s->up = *up;
	lock_take(&q->lock);
	if (q->n < SAMPLES_MAX) {
		*q->tail = s;
		q->tail = &s->next;
		q->n++;
		s = NULL;
		post = !q->posted;
		q->posted = true;
	} else {
		q->dropped++;
	}
	lock_give(&q->lock);
	free_samples(s);
	if (post)
		loop_post(be->loop, tell_all, be);
}

/* --- a bridge's agent --- */

static void visit_ports(void *ctx, struct sflow *s)
{
	struct bridge *br = ctx;
	struct bridge_port *p;

	cds_list_for_each_entry (p, &br->ports, node)
		sflow_visit(s, &p->state, p);
}

static int port_stats(void *ctx, void *port, struct port_stats *st)
{
	(void)ctx;
	return bridge_port_stats(port, st);
}

static void changed(void *ctx)
{
	struct bridge *br = ctx;

	backend_mark(br->be);
}

void bridge_sflow_configure(struct bridge *br, const struct sflow_config *cfg)
{
	static const struct sflow_ops ops = { visit_ports, port_stats, changed };

	if (!cfg) {
		sflow_free(br->sflow);
		br->sflow = NULL;
		return;
	}
	br->sampling = (struct xl_sflow){ cfg->rate, cfg->header };
	if (!br->sflow)
		br->sflow = sflow_new(br->be->loop, (uint32_t)br->id, &ops, br);
	sflow_configure(br->sflow, cfg);
}

struct xl_sflow bridge_sflow(const struct bridge *br)
{
	if (!br->sflow || !sflow_is_on(br->sflow))
		return (struct xl_sflow){ 0, 0 };
	return br->sampling;
}

const char *bridge_sflow_error(const struct bridge *br)
{
	return br->sflow && *sflow_error(br->sflow) ? sflow_error(br->sflow) : NULL;
}

bool bridge_sflow_stats(const struct bridge *br, struct sflow_stats *st)
{
	if (br->sflow)
		sflow_get_stats(br->sflow, st);
	return br->sflow != NULL;
}
