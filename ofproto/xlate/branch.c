/* SPDX-License-Identifier: Apache-2.0 */
/* Actions that branch, and the stack: clone, check_pkt_larger, push, pop (ovs-actions(7)). */
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "ofproto/xlate/xlate_priv.h"

#define STACK_BYTES 65536 /* as Open vSwitch has it */

/* --- clone --- */

struct clone {
	struct ofpacts list;
	const struct buf *set; /* the action set so far */
	bool *exits;
};

static void run_clone(struct xl *x, const void *arg)
{
	const struct clone *c = arg;

	buf_put(&x->f.action_set, c->set->data, c->set->len);
	x->indent++;
	xl_actions(x, c->list);
	x->indent--;
	*c->exits = x->exit && !x->frozen;
}

void xl_clone(struct xl *x, const struct ofpact *a)
{
	struct xl_origin origin = x->origin;
	struct buf set = BUF_INIT, stack = BUF_INIT;
	bool exits = false;
	const struct clone c = { ofpact_nested(a), &set, &exits };

	if (!xl_descend(x))
		return;
	buf_put(&set, x->f.action_set.data, x->f.action_set.len);
	buf_put(&stack, x->stack.data, x->stack.len);
	xl_nested(x, run_clone, &c);
	x->exit |= exits; /* what a clone does not save */
	buf_done(&x->stack);
	x->stack = stack;
	buf_done(&set);
	x->origin = origin;
	xl_ascend(x);
}

/* --- packet length --- */

/* One way to go: what is left, in a pass of its own.  So what it counts is counted for the packets
 * that went this way and no others. */
static void branch(struct xl *x, const struct ofpact_bits *dst, uint8_t bit)
{
	const struct field *f = field_get((enum field_id)dst->field);
	union field_value v = { .b = { 0 } }, mask = { .b = { 0 } };

	field_value_set_bits(&v, f->n_bytes, dst->ofs, 1, bit);
	field_value_set_bits(&mask, f->n_bytes, dst->ofs, 1, 1);
	xl_set_field(x, f, &v, &mask);
	xl_recirculate(x, x->cont);
}

/* Both ways start from the packet as it is. */
static void branch_apart(struct xl *x, const struct ofpact_bits *dst, uint8_t bit)
{
	struct xl_frame *f = xmemdup(&x->f, sizeof(x->f));
	struct flow_key *base = xmemdup(&x->base, sizeof(x->base));
	struct flow_key *committed = xmemdup(&x->committed, sizeof(x->committed));

	branch(x, dst, bit);
	x->f = *f; /* the action set is the same: passes have copies */
	x->base = *base;
	x->committed = *committed;
	free(f);
	free(base);
	free(committed);
}

void xl_check_len(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_check_len *k = ofpact_payload(a);
	struct act_check_len act = { .len = k->len };
	size_t mark;

	if (!xl_can(x, DP_ACT_CHECK_PKT_LEN))
		return;
	xl_commit(x);
	mark = dp_actions_nest_begin(&x->out->actions, DP_ACT_CHECK_PKT_LEN, &act, sizeof(act));
	branch_apart(x, &k->dst, 1);
	dp_actions_nest_else(&x->out->actions, mark);
	branch_apart(x, &k->dst, 0);
	dp_actions_nest_end(&x->out->actions, mark);
	xl_note(x, "-> longer than %u bytes or not, it goes on in another pass", k->len);
	x->exit = x->frozen = true;
}

/* --- the stack: values of 128 bits, aligned right; what is shorter has zeros in front --- */

void xl_push(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_bits *b = ofpact_payload(a);
	const struct field *f = field_get((enum field_id)b->field);
	union field_value v = { .b = { 0 } };

	if (x->stack.len >= STACK_BYTES) {
		xl_fail(x, XLATE_STACK);
		return;
	}
	xl_look_bits(x, b);
	for (unsigned done = 0; done < b->n; done += 8) {
		unsigned n = MIN(b->n - done, 8u);

		v.b[15 - done / 8] = (uint8_t)field_read_bits(f, &x->f.flow, b->ofs + done, n);
	}
	buf_put(&x->stack, &v, sizeof(v));
}

void xl_pop(struct xl *x, const struct ofpact *a)
{
	const struct ofpact_bits *b = ofpact_payload(a);
	const struct field *f = field_get((enum field_id)b->field);
	struct flow_key value, mask;
	union field_value top, v, w;

	if (!x->stack.len) {
		xl_fail(x, XLATE_STACK);
		return;
	}
	x->stack.len -= sizeof(top);
	memcpy(&top, x->stack.data + x->stack.len, sizeof(top));
	memset(&value, 0, sizeof(value));
	memset(&mask, 0, sizeof(mask));
	for (unsigned done = 0; done < b->n; done += 8) {
		unsigned n = MIN(b->n - done, 8u);

		field_write_bits(f, b->ofs + done, n, top.b[15 - done / 8], &value);
		field_write_bits(f, b->ofs + done, n, UINT64_MAX, &mask);
	}
	field_read(f, &value, &v);
	field_read(f, &mask, &w);
	xl_set_field(x, f, &v, &w);
}
