/* SPDX-License-Identifier: Apache-2.0 */
/* ofproto/trace: one translation with notes, and its result, in the layout that people's scripts
 * read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/packet/action_exec.h"
#include "core/packet/parse.h"
#include "ofproto/xlate/xlate_priv.h"

static void format_key(const struct flow_key *key, struct str *out)
{
	struct match m;
	struct flow_key all;

	memset(&all, 0, sizeof(all));
	all.in_port = ~0u;
	all.metadata = key->metadata ? UINT64_MAX : 0;
	for (unsigned i = 0; i < FLOW_N_REGS; i++)
		all.regs[i] = key->regs[i] ? ~0u : 0;
	memset((uint8_t *)&all + offsetof(struct flow_key, dl_dst), 0xff,
	       sizeof(all.dl_dst) + sizeof(all.dl_src));
	all.dl_type = htons(0xffff);
	all.vlans[0].tci = htons(0xffff);
	for (unsigned id = FIELD_TUN_ID; id < FIELD_N_IDS; id++) {
		const struct field *f = field_get((enum field_id)id);
		union field_value v;

		if (id > FIELD_TUN_TP_DST && id < FIELD_ETH_SRC &&
		    (id < FIELD_PKT_MARK || id > FIELD_CT_LABEL))
			continue;
		field_read(f, key, &v);
		if ((f->prereq != FIELD_PRE_NONE || !field_value_is_zero(f, &v)) &&
		    field_prereq_ok(f->prereq, key))
			field_mask_set(f, &all);
	}
	match_init(&m, key, &all);
	match_format(&m, NULL, NULL, out);
}

/* Translation leaves nothing of a tunnel's flags but OAM in the flow. */
static void format_result(const struct xlate_out *o, const struct flow_key *key, struct str *out)
{
	struct match mega;
	struct flow_key final = o->final, start = *key;

	final.in_port = start.in_port;
	final.recirc_id = start.recirc_id;
	start.tunnel.flags &= htons(FLOW_TNL_F_OAM);
	str_puts(out, "\nFinal flow: ");
	if (flow_key_equal(&final, &start))
		str_puts(out, "unchanged");
	else
		format_key(&o->final, out);
	str_printf(out, "\nMegaflow: recirc_id=%s%x,eth,", key->recirc_id ? "0x" : "",
		   ntohl(key->recirc_id));
	match_init(&mega, key, &o->mask);
	mega.mask.recirc_id = 0;
	match_format(&mega, NULL, NULL, out);
	str_puts(out, "\nDatapath actions: ");
	dp_actions_format(xlate_actions_for_packet(o), NULL, NULL, out);
	str_putc(out, '\n');
	if (o->error != XLATE_OK)
		str_printf(out, "Translation failed (%s), packet is dropped.\n",
			   xlate_error_text[o->error]);
	if (o->to_controller)
		str_puts(out, "This flow is handled by the userspace slow path because it:\n"
			      "  - Sends \"packet-in\" messages to the OpenFlow controller.\n");
}

/* --- passes --- */

#define MAX_PASSES 64

struct pass {
	struct pass *next;
	struct flow_key key;   /* as the datapath would look it up */
	struct packet *packet; /* owned */
	bool tracked;          /* the connection tracker has just had it */
};

struct tracer {
	const struct xlate_trace_in *in;
	struct pass *todo, **tail;
	unsigned n_passes;
	size_t n_tracked; /* times that the tracker's answer was made up */
	bool tracked;     /* a CT stands right before the action at hand */
	struct str *out;
};

/* The tracker's answer: what the user says, else a new connection. */
static void answer_ct(struct tracer *t, struct flow_key *key, const struct act_ct *ct)
{
	const struct xlate_trace_in *in = t->in;
	uint32_t state = t->n_tracked < in->n_ct_next ? in->ct_next[t->n_tracked] : CT_NEW | CT_TRK;

	t->n_tracked++;
	t->tracked = true;
	key->ct_state = htonl(state | CT_TRK);
	key->ct_zone = htons(ct->zone);
	key->ct_mark = htonl((ntohl(key->ct_mark) & ~ct->mark_mask) | ct->mark);
}

static void add_pass(struct tracer *t, const struct packet *p, const struct flow_key *key,
		     uint32_t id)
{
	struct pass *pass;

	if (t->n_passes >= MAX_PASSES)
		return;
	t->n_passes++;
	pass = xzalloc(sizeof(*pass));
	pass->key = *key;
	pass->key.recirc_id = htonl(id);
	pass->packet = packet_clone(p);
	pass->tracked = t->tracked;
	*t->tail = pass;
	t->tail = &pass->next;
}

static bool on_action(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		      const struct dp_action *a)
{
	struct tracer *t = x->aux;

	if (a->kind == DP_ACT_RECIRC)
		add_pass(t, p, key, ((const struct act_recirc *)dp_action_payload(a))->id);
	t->tracked = false;
	if (a->kind == DP_ACT_CT)
		answer_ct(t, key, dp_action_payload(a));
	return true;
}

/* Where the actions send the packet round again. */
static void follow(struct tracer *t, const struct flow_key *key, const struct packet *packet,
		   const struct xlate_out *o)
{
	struct exec_ctx x = { .side = on_action, .aux = t, .rng = 1 };
	struct packet *p = packet ? packet_clone(packet) : packet_compose(key, 0);
	const struct xl_bridge *br = t->in->bridge;
	struct flow_key k = *key;

	t->tracked = false;
	(void)packet_parse(p, &k, NULL); /* what cannot be read is not there */
	if (br && !key->recirc_id) {
		const struct xl_port *port = xl_port_by_ofp(br, flow_in_ofp(key));

		k.in_port = htonl(port ? port->dp.v : DP_PORT_NONE);
	}
	actions_exec(&x, p, &k, xlate_actions_for_packet(o));
	packet_free(p);
}

/* People know ports by OpenFlow's numbers, also where a datapath's flow was given. */
static struct flow_key as_openflow(const struct tracer *t, const struct flow_key *key)
{
	const struct xl_port *p = NULL;
	struct flow_key looked = { 0 }, shown = *key;

	if (!t->in->bridge || key->recirc_id)
		p = xl_port_of_packet(t->in->snap, key, &looked);
	if (p)
		shown.in_port = htonl(p->ofp.v);
	return shown;
}

static void trace_pass(struct tracer *t, const struct flow_key *key, const struct packet *packet)
{
	struct flow_key shown = as_openflow(t, key);
	struct notes notes = { STR_INIT };
	struct xlate_in in = { .snap = t->in->snap,
			       .key = *key,
			       .packet = packet,
			       .notes = &notes,
			       .bridge = t->in->bridge };
	struct xlate_out o;

	str_puts(t->out, "Flow: ");
	format_key(&shown, t->out);
	str_putc(t->out, '\n');
	xlate(&in, &o);
	str_puts(t->out, str_cstr(&notes.text));
	format_result(&o, &shown, t->out);
	if (t->in->packet)
		effects_learn(&o.effects);
	follow(t, key, packet, &o);
	xlate_out_done(&o);
	str_done(&notes.text);
}

static void put_rule(struct str *out)
{
	for (unsigned i = 0; i < 79; i++)
		str_putc(out, '=');
	str_putc(out, '\n');
}

static void put_title(struct tracer *t, const struct pass *p)
{
	union field_value v = { .be32 = p->key.ct_state };

	str_puts(t->out, "\n\n");
	put_rule(t->out);
	str_printf(t->out, "recirc(%#x)", ntohl(p->key.recirc_id));
	if (p->tracked) {
		str_puts(t->out, " - behind conntrack with ct_state=");
		field_format(field_get(FIELD_CT_STATE), &v, NULL, t->out);
		str_puts(t->out, " (--ct-next gives another)");
	}
	str_putc(t->out, '\n');
	put_rule(t->out);
	str_putc(t->out, '\n');
}

int xlate_trace(const struct xlate_trace_in *in, struct str *out, struct error *err)
{
	struct tracer t = { .in = in, .tail = &t.todo, .out = out };
	struct flow_key looked = { 0 };

	if (!in->bridge && !in->key->recirc_id && !xl_port_of_packet(in->snap, in->key, &looked))
		return error_set(
			err, ENODEV, "in_port",
			tunnel_map_has(in->snap->tunnels, flow_in_dp(in->key))
				? "no tunnel port of datapath port %u has this outer header"
				: "datapath port %u is in no bridge",
			flow_in_dp(in->key).v);
	trace_pass(&t, in->key, in->packet);
	while (t.todo) {
		struct pass *p = t.todo;

		put_title(&t, p);
		trace_pass(&t, &p->key, p->packet);
		t.todo = p->next;
		if (!t.todo)
			t.tail = &t.todo;
		packet_free(p->packet);
		free(p);
	}
	return 0;
}
