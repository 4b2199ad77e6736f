/* SPDX-License-Identifier: Apache-2.0 */
/* Where packets go: ports, patch ports, controllers; and the nesting that buckets and patch ports
 * share. */
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/packet/action_exec.h"
#include "ofproto/xlate/xlate_priv.h"

/* Wraps the actions emitted from `start` on into a CLONE. */
static void wrap_in_clone(struct buf *b, size_t start)
{
	size_t n = b->len - start;
	void *inner = n ? xmemdup(b->data + start, n) : NULL;
	size_t mark;

	b->len = start;
	mark = dp_actions_nest_begin(b, DP_ACT_CLONE, NULL, 0);
	if (n)
		buf_put(b, inner, n);
	dp_actions_nest_end(b, mark);
	free(inner);
}

/* What was written into the packet meanwhile must be written again before it is sent on. */
static void set_back(struct xl *x, const struct flow_key *base, const struct flow_key *committed)
{
	const uint64_t *b = flow_words_const(&x->base), *was = flow_words_const(base);
	const uint64_t *c = flow_words_const(&x->committed), *done = flow_words_const(committed);
	uint64_t *pending = flow_words(&x->f.pending);

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		pending[i] |= c[i] & (~done[i] | (b[i] ^ was[i]));
}

void xl_nested(struct xl *x, xl_nested_fn *fn, const void *arg)
{
	struct xl_frame *saved = xmemdup(&x->f, sizeof(x->f));
	struct flow_key *base = xmemdup(&x->base, sizeof(x->base));
	struct flow_key *committed = xmemdup(&x->committed, sizeof(x->committed));
	struct flow_key *doubtful = xmemdup(&x->doubtful, sizeof(x->doubtful));
	const struct xl_cont *cont = x->cont;
	size_t start = x->out->actions.len;
	bool exit = x->exit, lasting = x->lasting;

	memset(&x->f.action_set, 0, sizeof(x->f.action_set));
	x->cont = NULL;
	x->lasting = false;
	fn(x, arg);
	buf_done(&x->f.action_set);
	x->f = *saved;
	x->cont = cont;
	x->exit = exit || x->out->error != XLATE_OK;
	x->frozen = x->stop = false;
	if (x->lasting && xl_can(x, DP_ACT_CLONE)) {
		/* It cannot be set back, so the others get the original. */
		wrap_in_clone(&x->out->actions, start);
		x->base = *base;
		x->committed = *committed;
		x->doubtful = *doubtful;
	} else {
		set_back(x, base, committed);
	}
	x->lasting = lasting;
	free(saved);
	free(base);
	free(committed);
	free(doubtful);
}

static void enter_peer(struct xl *x, const void *arg)
{
	const struct xl_port *peer = arg;

	x->f.br = peer->bridge;
	memset(&x->f.flow, 0,
	       offsetof(struct flow_key, tunnel)); /* registers and metadata start anew */
	memset(&x->f.flow.tunnel, 0, sizeof(x->f.flow.tunnel));
	memset(&x->f.written.tunnel, 0xff, sizeof(x->f.written.tunnel));
	x->f.flow.in_port = htonl(peer->ofp.v);
	xl_clear_conntrack(x);
	if (x->f.behind_mpls)
		xl_freeze(x, &(struct xl_cont){ .kind = XL_CONT_ARRIVE });
	else
		xl_arrive(x, peer);
}

static void output_patch(struct xl *x, const struct xl_port *p)
{
	struct xl_origin origin = x->origin;
	struct buf stack = x->stack;

	if (!p->peer) {
		xl_note(x, "patch port %s has no peer: drop", p->name);
		return;
	}
	if (!xl_descend(x))
		return;
	buf_init(&x->stack); /* the peer's begins empty */
	xl_nested(x, enter_peer, p->peer);
	buf_done(&x->stack);
	x->stack = stack;
	x->origin = origin;
	xl_ascend(x);
}

/* The port may be sent to; what kind of port it is the caller finds out. */
static bool may_send(struct xl *x, const struct xl_port *p)
{
	if (p->config & XL_PC_NO_FWD)
		xl_note(x, "port %s is configured not to forward: not sent", p->name);
	else if (p->dp.v != DP_PORT_NONE && !p->up)
		xl_note(x, "port %s is down: not sent", p->name);
	else
		return true;
	return false;
}

void xl_output_port(struct xl *x, const struct xl_port *p)
{
	if (!may_send(x, p))
		return;
	if (p->dp.v == DP_PORT_NONE) {
		output_patch(x, p);
		return;
	}
	if (p->tunnel && !xl_into_tunnel(x, p))
		return;
	if (!p->tunnel)
		xl_commit(x);
	dp_actions_put_output(&x->out->actions, p->dp);
	if (x->out->actions.len > XLATE_MAX_ACTIONS)
		xl_fail(x, XLATE_TOO_MANY_ACTIONS);
}

void xl_output_trunc(struct xl *x, struct ofp_port port, uint32_t max_len)
{
	struct ofp_port in = flow_in_ofp(&x->f.flow);
	const struct xl_port *p = xl_port_by_ofp(x->f.br, port.v == OFPP_IN_PORT_ ? in : port);
	const struct act_trunc t = { max_len };

	if (!p || port.v == in.v) {
		xl_note(x, p ? "output to the input port: not sent" : "no such port: not sent");
		return;
	}
	if (!may_send(x, p))
		return;
	if (p->dp.v == DP_PORT_NONE) {
		xl_note(x, "patch port %s takes no cut packet: not sent", p->name);
		return;
	}
	if (!xl_can(x, DP_ACT_TRUNC) || (p->tunnel && !xl_into_tunnel(x, p)))
		return;
	if (!p->tunnel)
		xl_commit(x);
	dp_actions_put(&x->out->actions, DP_ACT_TRUNC, &t, sizeof(t));
	dp_actions_put_output(&x->out->actions, p->dp);
}

void xl_output(struct xl *x, struct ofp_port port, uint32_t max_len)
{
	const struct xl_port *p;

	switch (port.v) {
	case OFPP_IN_PORT_:
		p = xl_port_by_ofp(x->f.br, flow_in_ofp(&x->f.flow));
		if (p)
			xl_output_port(x, p);
		return;
	case OFPP_TABLE_:
		xl_table(x, &(struct xl_lookup){ .miss = XL_MISS_CONTROLLER,
						 .in_port = { OFPP_IN_PORT_ } });
		return;
	case OFPP_NORMAL_: xl_normal(x); return;
	case OFPP_FLOOD_: xl_flood(x, false); return;
	case OFPP_ALL_: xl_flood(x, true); return;
	case OFPP_CONTROLLER_:
		xl_controller(x, (uint16_t)MIN(max_len, UINT16_MAX), 0,
			      x->origin.miss_rule ? OFPR_NO_MATCH_ : OFPR_ACTION_, false);
		return;
	case OFPP_NONE_: return;
	}
	if (port.v == flow_in_ofp(&x->f.flow).v) {
		xl_note(x, "output to the input port: not sent");
		return;
	}
	p = xl_port_by_ofp(x->f.br, port);
	if (p)
		xl_output_port(x, p);
	else
		xl_note(x, "port %u does not exist: not sent", port.v);
}

static bool ignore_side(struct exec_ctx *x, struct packet *p, struct flow_key *key,
			const struct dp_action *a)
{
	return true;
}

/* The packet as the actions so far have made it. */
static struct packet *packet_now(const struct xl *x)
{
	struct exec_ctx ex = { .side = ignore_side, .rng = 1 };
	struct packet *p = packet_clone(x->in->packet);
	struct flow_key key = x->in->key;

	actions_exec(&ex, p, &key, dp_actions_of(&x->out->actions));
	return p;
}

static void add_packet_in(struct xl *x, uint16_t max_len, uint16_t controller_id, uint8_t reason,
			  bool is_miss)
{
	struct xlate_packet_in *pin = xzalloc(sizeof(*pin));

	pin->bridge_id = x->f.br->id;
	pin->packet = packet_now(x);
	memcpy(&pin->md, &x->f.flow, offsetof(struct flow_key, dl_dst));
	pin->max_len = max_len;
	pin->controller_id = controller_id;
	pin->reason = reason;
	pin->table = x->origin.table;
	pin->cookie = is_miss ? 0 : x->origin.from_rule ? x->origin.cookie : UINT64_MAX;
	pin->is_miss = is_miss;
	*x->out->packet_ins_tail = pin;
	x->out->packet_ins_tail = &pin->next;
}

void xl_controller(struct xl *x, uint16_t max_len, uint16_t controller_id, uint8_t reason,
		   bool is_miss)
{
	struct flow_key base = x->base, committed = x->committed, pending = x->f.pending;
	size_t start = x->out->actions.len;

	x->out->to_controller = true;
	if (is_miss)
		xl_note(x, "    to the controllers: no rule matches");
	/* Committed for the look at the packet only, and taken back: the mask it needs stays either
	 * way, so that the result does not depend on whether there is a packet. */
	xl_commit(x);
	if (x->in->packet)
		add_packet_in(x, max_len, controller_id, reason, is_miss);
	x->out->actions.len = start;
	x->base = base;
	x->committed = committed;
	x->f.pending = pending;
}
