/* SPDX-License-Identifier: Apache-2.0 */
/* From one pass to the next: all that the rest of a translation depends on, as bytes, and back.
 *
 * What the datapath carries with the packet (headers, marks, connection) is committed to it and not
 * written down; what only OpenFlow knows is: registers, metadata, stack, action set, input port,
 * the rest of the lists.  Equal states are equal bytes, so there is no pointer and no padding that
 * is not zero among them.  All of these values depend on bits of the packet that were looked at, so
 * an id stands in the actions of exactly those packets that it is right for.
 *
 * The bridge is named, not pointed to: a restarted switch finds the same id for the same state. */
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "ofproto/xlate/xlate_priv.h"

#define PIPELINE_BYTES offsetof(struct flow_key, tunnel)

struct frozen {
	char bridge[64];
	uint8_t pipeline[PIPELINE_BYTES];
	struct flow_tnl tunnel, tunnel_mask; /* bits that the datapath does not carry */
	be32 in_port;                        /* OpenFlow's */
	uint8_t round;                       /* of the pass that goes on from here */
	uint8_t conntracked;
	uint16_t n_steps;
	uint32_t set_len, stack_len;
	/* action set, stack, steps */
};
_Static_assert(sizeof(struct frozen) % 8 == 0, "lists of actions follow");

#define STEP_FROM_RULE 0x1
#define STEP_MISS_RULE 0x2
#define STEP_CONTROLLER 0x4 /* a miss of the lookup goes to the controllers */
#define STEP_ORIGINAL 0x8

struct frozen_step {
	uint8_t kind, table, flags, pad;
	uint32_t len; /* bytes of actions that follow */
	be64 cookie;
	uint32_t in_port;
	uint32_t pad2;
};
_Static_assert(sizeof(struct frozen_step) % 8 == 0, "lists of actions follow");

/* --- writing --- */

static void put_step(struct buf *b, const struct xl_cont *c)
{
	struct frozen_step s = { .kind = (uint8_t)c->kind };

	if (c->kind == XL_CONT_ACTIONS) {
		s.table = c->origin.table;
		s.flags = (uint8_t)((c->origin.from_rule ? STEP_FROM_RULE : 0) |
				    (c->origin.miss_rule ? STEP_MISS_RULE : 0));
		s.cookie = c->origin.cookie;
		s.len = c->rest.len;
	} else if (c->kind == XL_CONT_TABLE) {
		s.table = c->lookup.table;
		s.in_port = c->lookup.in_port.v;
		s.flags = (uint8_t)((c->lookup.miss == XL_MISS_CONTROLLER ? STEP_CONTROLLER : 0) |
				    (c->lookup.original ? STEP_ORIGINAL : 0));
	}
	buf_put(b, &s, sizeof(s));
	if (s.len)
		buf_put(b, c->rest.data, s.len);
}

static uint16_t put_steps(struct buf *b, const struct xl_cont *c)
{
	uint16_t n = 0;

	for (; c; c = c->outer) {
		if (c->kind == XL_CONT_ACTIONS && !c->rest.len)
			continue;
		put_step(b, c);
		n++;
	}
	return n;
}

/* An action's writes to the tunnel words never reach the packet's own, which the datapath keeps. */
static void freeze_tunnel(struct xl *x, struct frozen *f)
{
	f->tunnel_mask = x->f.written.tunnel;
	for (size_t i = 0; i < sizeof(f->tunnel); i++)
		((uint8_t *)&f->tunnel)[i] = ((const uint8_t *)&x->f.flow.tunnel)[i] &
					     ((const uint8_t *)&f->tunnel_mask)[i];
}

static struct recirc_state *freeze(struct xl *x, const struct xl_cont *rest)
{
	struct frozen f = { .in_port = x->f.flow.in_port,
			    .round = (uint8_t)(x->round + 1),
			    .conntracked = x->f.conntracked,
			    .set_len = (uint32_t)x->f.action_set.len,
			    .stack_len = (uint32_t)x->stack.len };
	struct recirc_state *s;
	struct buf b = BUF_INIT;

	memcpy(f.bridge, x->f.br->name, strnlen(x->f.br->name, sizeof(f.bridge)));
	memcpy(f.pipeline, &x->f.flow, sizeof(f.pipeline));
	freeze_tunnel(x, &f);
	buf_put(&b, &f, sizeof(f));
	buf_put(&b, x->f.action_set.data, x->f.action_set.len);
	buf_put(&b, x->stack.data, x->stack.len);
	f.n_steps = put_steps(&b, rest);
	memcpy(b.data, &f, sizeof(f));
	s = recirc_intern(x->in->snap->recirc, b.data, (uint32_t)b.len);
	buf_done(&b);
	return s;
}

void xl_recirculate(struct xl *x, const struct xl_cont *rest)
{
	struct act_recirc act;
	struct recirc_state *s;

	if (x->out->error != XLATE_OK || !xl_can(x, DP_ACT_RECIRC))
		return;
	if (x->round >= XLATE_MAX_RECIRCS) {
		xl_fail(x, XLATE_TOO_MANY_RECIRCS);
		return;
	}
	xl_commit(x);
	s = freeze(x, rest);
	if (!s) {
		xl_fail(x, XLATE_RECIRC_FULL);
		return;
	}
	effects_add(&x->out->effects, EFFECT_RECIRC)->recirc = s;
	act.id = s->id;
	dp_actions_put(&x->out->actions, DP_ACT_RECIRC, &act, sizeof(act));
}

void xl_freeze(struct xl *x, const struct xl_cont *rest)
{
	xl_recirculate(x, rest);
	xl_note(x, "-> the rest needs the packet parsed again: recirculated");
	x->exit = x->frozen = true;
}

/* --- going on --- */

void xl_continue(struct xl *x, const struct xl_cont *rest)
{
	for (; rest && !x->frozen; rest = rest->outer) {
		x->cont = rest->outer;
		x->origin = rest->origin;
		if (rest->kind == XL_CONT_ACTION_SET)
			xl_run_action_set(x);
		else if (x->exit)
			continue;
		else if (rest->kind == XL_CONT_ARRIVE)
			xl_arrive(x, xl_port_by_ofp(x->f.br, flow_in_ofp(&x->f.flow)));
		else if (rest->kind == XL_CONT_TABLE)
			xl_table(x, &rest->lookup);
		else
			xl_actions(x, rest->rest);
	}
	x->cont = NULL;
}

void xl_clear_conntrack(struct xl *x)
{
	size_t from = offsetof(struct flow_key, ct_mark), to = offsetof(struct flow_key, dl_dst);

	x->f.conntracked = false;
	x->f.flow.ct_state = 0;
	x->f.written.ct_state = ~0u;
	memset((uint8_t *)&x->f.flow + from, 0, to - from);
	memset((uint8_t *)&x->f.written + from, 0xff, to - from);
}

static struct xl_cont *read_step(const uint8_t **p, struct xl_cont *c)
{
	const struct frozen_step *s = (const void *)*p;

	*c = (struct xl_cont){
		.kind = s->kind,
		.lookup = { .table = s->table,
			    .miss = s->flags & STEP_CONTROLLER ? XL_MISS_CONTROLLER
							       : XL_MISS_NOTHING,
			    .original = s->flags & STEP_ORIGINAL,
			    .in_port = { s->in_port } },
		.origin = { .table = s->table,
			    .from_rule = s->flags & STEP_FROM_RULE,
			    .miss_rule = s->flags & STEP_MISS_RULE,
			    .cookie = s->cookie },
		.rest = { s + 1, s->len },
	};
	*p = (const uint8_t *)(s + 1) + s->len;
	return c;
}

static void restore(struct xl *x, const struct frozen *f)
{
	struct flow_key *flow = &x->f.flow;

	memcpy(flow, f->pipeline, sizeof(f->pipeline));
	flow->in_port = f->in_port;
	for (size_t i = 0; i < sizeof(f->tunnel); i++) {
		uint8_t *t = &((uint8_t *)&flow->tunnel)[i];
		uint8_t m = ((const uint8_t *)&f->tunnel_mask)[i];

		*t = (uint8_t)((*t & ~m) | ((const uint8_t *)&f->tunnel)[i]);
		((uint8_t *)&x->f.written.tunnel)[i] |= m;
	}
	x->round = f->round;
	x->f.conntracked = f->conntracked;
	if (!x->f.conntracked)
		xl_clear_conntrack(x);
	buf_put(&x->f.action_set, f + 1, f->set_len);
	buf_put(&x->stack, (const uint8_t *)(f + 1) + f->set_len, f->stack_len);
}

static void note_thaw(struct xl *x, const struct xl_cont *first)
{
	xl_note_bridge(x);
	x->indent = 1;
	xl_note(x, "thaw");
	x->indent = 2;
	if (first && first->kind == XL_CONT_TABLE)
		xl_note(x, "goes on in table %u", first->lookup.table);
	else
		xl_note(x, "goes on where the last pass stopped");
}

static void run_steps(struct xl *x, const struct frozen *f)
{
	const uint8_t *p = (const uint8_t *)(f + 1) + f->set_len + f->stack_len;
	struct xl_cont *steps = xcalloc(f->n_steps, sizeof(*steps));

	for (unsigned i = 0; i < f->n_steps; i++) {
		read_step(&p, &steps[i]);
		steps[i].outer = i + 1u < f->n_steps ? &steps[i + 1] : NULL;
	}
	note_thaw(x, f->n_steps ? steps : NULL);
	x->indent = f->n_steps && steps[0].kind != XL_CONT_ACTIONS ? 0 : 1;
	xl_continue(x, f->n_steps ? steps : NULL);
	free(steps);
}

void xl_thaw(struct xl *x)
{
	struct recirc_state *s = recirc_find(x->in->snap->recirc, ntohl(x->in->key.recirc_id));
	const struct frozen *f = s ? (const void *)s->data : NULL;

	x->f.br = f ? xl_bridge_by_name(x->in->snap, f->bridge) : NULL;
	if (s) /* the state stays as long as the result */
		effects_add(&x->out->effects, EFFECT_RECIRC)->recirc = s;
	if (!x->f.br) {
		xl_fail(x, XLATE_NO_RECIRC);
		return;
	}
	x->out->bridge_id = x->f.br->id;
	x->f.version = tables_version(x->f.br->tables);
	restore(x, f);
	run_steps(x, f);
}
