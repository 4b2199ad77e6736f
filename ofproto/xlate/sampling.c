/* SPDX-License-Identifier: Apache-2.0 */
/* sFlow: one of so many packets goes up, from the head of the list and so as it came in, with what
 * becomes of it.
 *
 * A packet is sampled once, in the bridge that it comes into: neither behind a patch port nor in
 * another pass.  What becomes of it is read from the actions, so the mask grows by nothing: a tag
 * that no action touches is told as the packet has it. */
#include <string.h>

#include "core/packet/sflow_cookie.h"
#include "ofproto/xlate/xlate_priv.h"

struct fate {
	struct flow_vlan tags[FLOW_N_VLANS]; /* as the actions so far leave them */
	uint16_t tci;                        /* of the outer one at the last output */
	bool touched, retagged;              /* tags, now; before the last output */
	uint32_t n, port;                    /* outputs; the last one's */
	bool goes_round;                     /* more becomes of it in another pass */
};

static void follow(struct fate *f, struct dp_actions list);

/* What is done to a copy is not done to the packet. */
static void follow_nested(struct fate *f, struct dp_actions list)
{
	struct flow_vlan tags[FLOW_N_VLANS];
	bool touched = f->touched;

	memcpy(tags, f->tags, sizeof(tags));
	follow(f, list);
	memcpy(f->tags, tags, sizeof(tags));
	f->touched = touched;
}

static void push_tag(struct fate *f, const struct act_push_vlan *v)
{
	memmove(&f->tags[1], &f->tags[0], sizeof(f->tags[0]) * (FLOW_N_VLANS - 1));
	f->tags[0] = (struct flow_vlan){ .tpid = v->tpid, .tci = v->tci };
	f->touched = true;
}

static void pop_tag(struct fate *f)
{
	memmove(&f->tags[0], &f->tags[1], sizeof(f->tags[0]) * (FLOW_N_VLANS - 1));
	memset(&f->tags[FLOW_N_VLANS - 1], 0, sizeof(f->tags[0]));
	f->touched = true;
}

static void goes_out(struct fate *f, struct dp_port port)
{
	f->n++;
	f->port = port.v;
	f->retagged = f->touched;
	f->tci = f->touched ? ntohs(f->tags[0].tci) & SFLOW_COOKIE_TCI : 0;
}

static void follow_one(struct fate *f, const struct dp_action *a)
{
	if (a->kind == DP_ACT_OUTPUT)
		goes_out(f, ((const struct act_output *)dp_action_payload(a))->port);
	else if (a->kind == DP_ACT_PUSH_VLAN)
		push_tag(f, dp_action_payload(a));
	else if (a->kind == DP_ACT_POP_VLAN)
		pop_tag(f);
	else if (a->kind == DP_ACT_RECIRC)
		f->goes_round = true;
	else if (dp_action_table[a->kind].nested)
		follow_nested(f, dp_action_nested(a, 0));
	if (a->kind == DP_ACT_CHECK_PKT_LEN)
		follow_nested(f, dp_action_nested(a, 1));
}

static void follow(struct fate *f, struct dp_actions list)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, list)
		follow_one(f, a);
}

static uint32_t output_of(const struct fate *f)
{
	if (f->goes_round) /* zero: not known which, or how many */
		return f->n ? SFLOW_OUT_MULTIPLE : SFLOW_OUT_PORT;
	if (f->n > 1)
		return SFLOW_OUT_MULTIPLE | f->n;
	return f->n ? SFLOW_OUT_PORT | f->port : SFLOW_DROPPED_UNKNOWN;
}

void xl_put_sample(struct xl *x)
{
	struct buf *acts = &x->out->actions, all = BUF_INIT;
	struct act_userspace up = { .kind = UPCALL_SFLOW, .max_len = x->sflow->header };
	struct act_sample s = { .probability = UINT32_MAX / x->sflow->rate };
	struct sflow_cookie c = { .rate = x->sflow->rate };
	struct fate f = { .n = 0 };
	size_t mark;

	if (!dp_features_have(&x->in->snap->features, DP_ACT_SAMPLE)) {
		xl_note(x, "sFlow: the datapath lacks the action sample: not sampled");
		return;
	}
	memcpy(f.tags, x->in->key.vlans, sizeof(f.tags));
	follow(&f, dp_actions_of(acts));
	c.output = output_of(&f);
	c.retagged = f.retagged;
	c.tci = f.tci;
	sflow_cookie_pack(&c, up.cookie);
	mark = dp_actions_nest_begin(&all, DP_ACT_SAMPLE, &s, sizeof(s));
	dp_actions_put(&all, DP_ACT_USERSPACE, &up, sizeof(up));
	dp_actions_nest_end(&all, mark);
	if (acts->len)
		buf_put(&all, acts->data, acts->len);
	buf_done(acts);
	*acts = all;
}
