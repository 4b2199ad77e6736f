/* SPDX-License-Identifier: Apache-2.0 */
/* The pure translation's own answer: each packet is translated with the packet in hand and its
 * actions are carried out at once, pass after pass. */
#include "core/base/clock.h"
#include "core/packet/action_exec.h"
#include "core/packet/parse.h"
#include "tests/agree/tier_priv.h"

#define PASSES 64 /* of one packet and its copies */

struct journey {
	struct tier *t;
	struct frames *got;
	unsigned passes;
	bool garbled;
	struct str *words; /* NULL: not wanted */
};

static void pass(struct journey *j, struct packet *p, struct flow_key *key);

static void output(struct journey *j, const struct packet *p, struct dp_port no)
{
	uint8_t frame[WIRES_ROOM];

	for (unsigned i = 0; i < AGREE_PORTS; i++)
		if (j->t->no[i].v == no.v)
			frames_add(j->got, i, frame, wires_take(p, frame));
}

static bool side(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		 const struct dp_action *a)
{
	const struct act_output *o = dp_action_payload(a);
	const struct act_recirc *re = dp_action_payload(a);
	struct journey *j = x->aux;

	if (a->kind == DP_ACT_OUTPUT)
		output(j, p, o->port);
	if (a->kind == DP_ACT_CT) { /* a guess, to know such a case's size by */
		key->ct_state = htonl(CT_TRK | CT_NEW);
		key->ct_zone = htons(((const struct act_ct *)dp_action_payload(a))->zone);
	}
	if (a->kind == DP_ACT_RECIRC) {
		struct packet *again = packet_clone(p);
		struct flow_key k = *key;

		k.recirc_id = htonl(re->id);
		pass(j, again, &k);
		packet_free(again);
	}
	return true;
}

static void note_pass(struct journey *j, const struct flow_key *key, const struct xlate_out *out)
{
	match_format_dp(key, &out->mask, NULL, NULL, j->words);
	str_puts(j->words, ", actions:");
	dp_actions_format_for(dp_actions_of(&out->actions), key->dl_type, NULL, NULL, j->words);
	str_puts(j->words, out->error ? ": an error\n" : "\n");
}

static void pass(struct journey *j, struct packet *p, struct flow_key *key)
{
	struct exec_ctx x = { .side = side, .aux = j, .rng = 1 };
	struct flow_stats one = { .packets = 1, .bytes = p->len, .used_ns = clock_mono_ns() };
	struct xlate_in in;
	struct xlate_out out;
	enum parse_result r;

	r = packet_parse(p, key, NULL);
	j->garbled |= key->recirc_id && r != PARSE_OK;
	if ((parse_result_is_drop(r) && !key->recirc_id) || ++j->passes > PASSES)
		return;
	rcu_read_lock();
	in = (struct xlate_in){ .snap = j->t->snap, .key = *key, .packet = p };
	xlate(&in, &out);
	rcu_read_unlock();
	effects_apply(&out.effects, &one);
	if (j->words)
		note_pass(j, key, &out);
	xlate_packet_in_free(out.packet_ins);
	out.packet_ins = NULL;
	out.packet_ins_tail = &out.packet_ins;
	actions_exec(&x, p, key, xlate_actions_for_packet(&out));
	xlate_out_done(&out);
}

static void send_on(struct journey *j, const struct agree_packet *p)
{
	struct packet *in = wires_packet(p);
	struct flow_key key;

	memset(&key, 0, sizeof(key));
	key.in_port = htonl(j->t->no[p->port - 1].v);
	pass(j, in, &key);
	packet_free(in);
}

void translation_send(struct tier *t, const struct agree_packet *p, struct outcome *o, unsigned i)
{
	struct journey j = { .t = t, .got = &o->first[i], .words = &t->megaflows };

	send_on(&j, p);
	o->any_order[i] = j.passes > 1;
	o->passes[i] = j.passes;
	o->garbled[i] = j.garbled;
}

void translation_again(struct tier *t, const struct agree_packet *p, struct frames *got)
{
	struct journey j = { .t = t, .got = got };

	send_on(&j, p);
}
