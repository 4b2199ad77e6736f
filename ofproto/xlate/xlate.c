/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/xlate/xlate.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/counter.h"
#include "core/base/xalloc.h"
#include "ofproto/xlate/xlate_priv.h"

const char *const xlate_error_text[XLATE_N_ERRORS] = {
	[XLATE_OK] = "no error",
	[XLATE_NO_PORT] = "the packet's input port is in no bridge",
	[XLATE_NO_TUNNEL] = "no tunnel port has these outer addresses and this key",
	[XLATE_TOO_DEEP] = "over 64 nested groups, patch ports and tables that are no later ones",
	[XLATE_TOO_MANY_RESUBMITS] = "over 4096 table lookups",
	[XLATE_TOO_MANY_ACTIONS] = "over 65536 bytes of datapath actions",
	[XLATE_NO_RECIRC] = "the recirculation id is not known (any more), or its bridge is gone",
	[XLATE_RECIRC_FULL] = "no recirculation id is free",
	[XLATE_TOO_MANY_RECIRCS] = "over 8 recirculations of one packet",
	[XLATE_TOO_NESTED] = "datapath actions nested deeper than the datapath takes them",
	[XLATE_STACK] = "the stack is full, or empty where a value is popped",
#define LACKS(KIND, TEXT) [XLATE_LACKS + (KIND)] = "the datapath lacks the action " TEXT
	LACKS(DP_ACT_OUTPUT, "output"),
	LACKS(DP_ACT_SET, "set"),
	LACKS(DP_ACT_PUSH_VLAN, "push_vlan"),
	LACKS(DP_ACT_POP_VLAN, "pop_vlan"),
	LACKS(DP_ACT_PUSH_MPLS, "push_mpls"),
	LACKS(DP_ACT_POP_MPLS, "pop_mpls"),
	LACKS(DP_ACT_RECIRC, "recirc"),
	LACKS(DP_ACT_HASH, "hash"),
	LACKS(DP_ACT_USERSPACE, "userspace"),
	LACKS(DP_ACT_SAMPLE, "sample"),
	LACKS(DP_ACT_CLONE, "clone"),
	LACKS(DP_ACT_TRUNC, "trunc"),
	LACKS(DP_ACT_METER, "meter"),
	LACKS(DP_ACT_CT, "ct"),
	LACKS(DP_ACT_CT_CLEAR, "ct_clear"),
	LACKS(DP_ACT_CHECK_PKT_LEN, "check_pkt_len"),
	LACKS(DP_ACT_DROP, "drop"),
#undef LACKS
};

const char *const xlate_error_name[XLATE_N_ERRORS] = {
	[XLATE_OK] = "none",
	[XLATE_NO_PORT] = "no_port",
	[XLATE_NO_TUNNEL] = "no_tunnel",
	[XLATE_TOO_DEEP] = "too_deep",
	[XLATE_TOO_MANY_RESUBMITS] = "too_many_resubmits",
	[XLATE_TOO_MANY_ACTIONS] = "too_many_actions",
	[XLATE_NO_RECIRC] = "no_recirc",
	[XLATE_RECIRC_FULL] = "recirc_full",
	[XLATE_TOO_MANY_RECIRCS] = "too_many_recircs",
	[XLATE_TOO_NESTED] = "too_nested",
	[XLATE_STACK] = "stack",
	[XLATE_LACKS + DP_ACT_OUTPUT] = "lacks_output",
	[XLATE_LACKS + DP_ACT_SET] = "lacks_set",
	[XLATE_LACKS + DP_ACT_PUSH_VLAN] = "lacks_push_vlan",
	[XLATE_LACKS + DP_ACT_POP_VLAN] = "lacks_pop_vlan",
	[XLATE_LACKS + DP_ACT_PUSH_MPLS] = "lacks_push_mpls",
	[XLATE_LACKS + DP_ACT_POP_MPLS] = "lacks_pop_mpls",
	[XLATE_LACKS + DP_ACT_RECIRC] = "lacks_recirc",
	[XLATE_LACKS + DP_ACT_HASH] = "lacks_hash",
	[XLATE_LACKS + DP_ACT_USERSPACE] = "lacks_userspace",
	[XLATE_LACKS + DP_ACT_SAMPLE] = "lacks_sample",
	[XLATE_LACKS + DP_ACT_CLONE] = "lacks_clone",
	[XLATE_LACKS + DP_ACT_TRUNC] = "lacks_trunc",
	[XLATE_LACKS + DP_ACT_METER] = "lacks_meter",
	[XLATE_LACKS + DP_ACT_CT] = "lacks_ct",
	[XLATE_LACKS + DP_ACT_CT_CLEAR] = "lacks_ct_clear",
	[XLATE_LACKS + DP_ACT_CHECK_PKT_LEN] = "lacks_check_pkt_len",
	[XLATE_LACKS + DP_ACT_DROP] = "lacks_drop",
};

void xl_fail(struct xl *x, enum xlate_error e)
{
	if (x->out->error == XLATE_OK) {
		x->out->error = e;
		xl_note(x, "error: %s: the packet is dropped", xlate_error_text[e]);
	}
	x->exit = true;
}

bool xl_can(struct xl *x, enum dp_action_kind kind)
{
	if (dp_features_have(&x->in->snap->features, kind))
		return true;
	xl_fail(x, (enum xlate_error)(XLATE_LACKS + kind));
	return false;
}

void xl_look_mask(struct xl *x, const struct flow_key *m)
{
	const uint64_t *s = flow_words_const(m), *w = flow_words_const(&x->f.written);
	uint64_t *d = flow_words(&x->out->mask);

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		d[i] |= s[i] & ~w[i];
}

void xl_look(struct xl *x, enum field_id field)
{
	struct flow_key m;

	memset(&m, 0, sizeof(m));
	field_mask_set(field_get(field), &m);
	xl_look_mask(x, &m);
}

void xl_look_prereq(struct xl *x, enum field_prereq p)
{
	struct flow_key m;

	memset(&m, 0, sizeof(m));
	field_prereq_mask(p, &x->f.flow, &m);
	xl_look_mask(x, &m);
}

static bool has_room(const struct xl *x)
{
	return x->depth < XLATE_MAX_DEPTH && x->nesting < XLATE_MAX_NESTING;
}

bool xl_descend(struct xl *x)
{
	if (has_room(x)) {
		x->depth++;
		x->nesting++;
		return true;
	}
	xl_fail(x, XLATE_TOO_DEEP);
	return false;
}

void xl_ascend(struct xl *x)
{
	x->depth--;
	x->nesting--;
}

void xl_note_bridge(struct xl *x)
{
	struct str line = STR_INIT;

	if (!x->in->notes)
		return;
	str_printf(&line, "bridge(\"%s\")", x->f.br->name);
	xl_note(x, "%s", "");
	xl_note(x, "%s", str_cstr(&line));
	for (size_t i = 0; i < line.len; i++)
		line.s[i] = '-';
	xl_note(x, "%s", str_cstr(&line));
	str_done(&line);
}

/* OFPPC_NO_RECV drops all but spanning tree frames, OFPPC_NO_RECV_STP drops those. */
static bool may_receive(struct xl *x, const struct xl_port *in)
{
	static const uint8_t stp_address[] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x00 };
	bool stp;

	if (!in || !(in->config & (XL_PC_NO_RECV | XL_PC_NO_RECV_STP)))
		return true;
	xl_look(x, FIELD_ETH_DST);
	stp = !memcmp(x->f.flow.dl_dst.b, stp_address, sizeof(stp_address));
	return !(in->config & (stp ? XL_PC_NO_RECV_STP : XL_PC_NO_RECV));
}

/* Table 0 and what it leads to, then the action set. */
static void run_pipeline(struct xl *x)
{
	const struct xl_cont *outer = x->cont;
	struct xl_cont set = { .outer = outer, .kind = XL_CONT_ACTION_SET };

	x->cont = &set;
	x->origin = (struct xl_origin){ .table = 0 };
	if (x->in->has_actions && !x->depth)
		xl_actions(x, x->in->actions);
	else
		xl_table(x, &(struct xl_lookup){ .miss = XL_MISS_CONTROLLER,
						 .in_port = { OFPP_IN_PORT_ } });
	x->cont = outer;
	if (!x->frozen)
		xl_run_action_set(x);
}

void xl_enter_bridge(struct xl *x, const struct xl_port *in)
{
	bool outer_exit = x->exit;

	x->f.version = tables_version(x->f.br->tables);
	xl_note_bridge(x);
	if (!may_receive(x, in)) {
		xl_note(x, "the port's configuration forbids receiving: drop");
		return;
	}
	x->exit = false;
	if (x->f.br->fail_open) {
		xl_note(x, "no controller: failing open");
		xl_normal(x);
	} else {
		run_pipeline(x);
	}
	x->exit = outer_exit || x->out->error != XLATE_OK;
}

/* Both ends count in the pass that the peer's tables count in, and only when these are asked. */
void xl_arrive(struct xl *x, const struct xl_port *in)
{
	struct effect *e;

	if (!has_room(x)) {
		xl_fail(x, XLATE_TOO_DEEP);
		return;
	}
	if (in && in->peer) {
		e = effects_add(&x->out->effects, EFFECT_PORTS);
		e->ports.tx = xl_counters_ref(in->peer->counters);
		e->ports.rx = xl_counters_ref(in->counters);
	}
	xl_enter_bridge(x, in);
}

/* --- the mask that leaves --- */

static bool any_bits(const struct flow_key *m, unsigned from, unsigned to)
{
	const uint64_t *w = flow_words_const(m);

	for (unsigned i = from; i < to; i++)
		if (w[i])
			return true;
	return false;
}

/* As flows of some datapaths do: a megaflow that says less would be put there once for each. */
static void match_tags(const struct flow_key *key, struct flow_key *m)
{
	for (unsigned i = 0; i < FLOW_N_VLANS; i++) {
		m->vlans[i].tpid = htons(0xffff);
		m->vlans[i].tci |= htons(VLAN_CFI);
		if (!(key->vlans[i].tci & htons(VLAN_CFI)))
			return;
	}
}

/* Hardware and kernel key on headers in order, so whoever matches an inner field also matches what
 * says that the field is there.  The packet has those values, so this narrows the megaflow without
 * changing its meaning. */
static void close_mask(const struct flow_key *key, struct flow_key *m)
{
	if (any_bits(m, FLOW_L4_WORD, FLOW_WORDS) || m->tcp_flags ||
	    any_bits(m, FLOW_WORD(nd_target), FLOW_WORD(arp_sha)))
		m->nw_proto = 0xff;
	if (flow_is_ipv6(key) && any_bits(m, FLOW_WORD(arp_sha), FLOW_L4_WORD))
		m->nw_proto = 0xff; /* ND link-layer addresses */
	m->dl_type = htons(0xffff);
	if (flow_is_ip(key))
		m->nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	else
		m->nw_frag = 0;
	for (unsigned i = 0; i < FLOW_N_VLANS; i++)
		if (m->vlans[i].tci | m->vlans[i].tpid) {
			m->vlans[i].tci |= htons(VLAN_CFI);
			m->vlans[i].tpid = htons(0xffff);
		}
	if (m->vlans[1].tci) {
		m->vlans[0].tci |= htons(VLAN_CFI);
		m->vlans[0].tpid = htons(0xffff);
	}
}

static void finish_mask(const struct xlate_in *in, struct flow_key *m)
{
	memset(m, 0,
	       offsetof(struct flow_key,
			tunnel)); /* the pipeline's own words start at zero for every packet */
	m->in_port = ~0u;
	m->recirc_id = ~0u;
	close_mask(&in->key, m);
	if (in->snap->features.exact_tags)
		match_tags(&in->key, m);
}

static void put_controller(struct xlate_out *out)
{
	struct act_userspace u = { .kind = UPCALL_CONTROLLER,
				   .max_len = UINT32_MAX,
				   .cookie = { out->bridge_id } };
	struct buf with = BUF_INIT;

	dp_actions_put(&with, DP_ACT_USERSPACE, &u, sizeof(u));
	buf_put(&with, out->actions.data, out->actions.len);
	buf_done(&out->actions);
	out->actions = with;
}

struct dp_actions xlate_actions_for_packet(const struct xlate_out *out)
{
	struct dp_actions all = dp_actions_of(&out->actions);
	size_t skip = out->to_controller && all.len ? dp_action_size(dp_action_first(all)) : 0;

	return (struct dp_actions){ (const uint8_t *)all.data + skip, all.len - (uint32_t)skip };
}

/* Lists in lists. */
static unsigned depth_of(struct dp_actions list)
{
	const struct dp_action *a;
	unsigned deepest = 0;

	DP_ACTION_FOR_EACH (a, list) {
		unsigned d = 0;

		if (dp_action_table[a->kind].nested)
			d = depth_of(dp_action_nested(a, 0)) + 1;
		if (a->kind == DP_ACT_CHECK_PKT_LEN)
			d = MAX(d, depth_of(dp_action_nested(a, 1)) + 1);
		deepest = MAX(deepest, d);
	}
	return deepest;
}

static void finish(struct xl *x)
{
	struct xlate_out *out = x->out;
	unsigned most = MIN(x->in->snap->features.sample_depth, DP_ACTIONS_MAX_DEPTH - 1);

	if (out->actions.len > XLATE_MAX_ACTIONS)
		xl_fail(x, XLATE_TOO_MANY_ACTIONS);
	if (out->error == XLATE_OK && depth_of(dp_actions_of(&out->actions)) > most)
		xl_fail(x, XLATE_TOO_NESTED);
	if (out->error == XLATE_OK && x->sflow)
		xl_put_sample(x);
	if (out->error != XLATE_OK)
		buf_clear(&out->actions);
	else if (out->to_controller)
		put_controller(out);
	if (out->error != XLATE_OK)
		out->to_controller = false;
	out->final = x->f.flow;
	finish_mask(x->in, &out->mask);
}

static void out_init(struct xlate_out *out)
{
	memset(out, 0, sizeof(*out));
	buf_init(&out->actions);
	effects_init(&out->effects);
	out->packet_ins_tail = &out->packet_ins;
}

/* Where the packet comes in: the bridge asked for, or the port's. */
static const struct xl_port *entry_port(const struct xlate_in *in, struct flow_key *mask,
					const struct xl_bridge **br)
{
	const struct xl_port *p;

	if (in->bridge) {
		*br = in->bridge;
		return xl_port_by_ofp(in->bridge, flow_in_ofp(&in->key));
	}
	p = xl_port_of_packet(in->snap, &in->key, mask);
	*br = p ? p->bridge : NULL;
	return p;
}

static void first_pass(struct xl *x)
{
	const struct xl_port *port = entry_port(x->in, &x->out->mask, &x->f.br);

	if (port)
		x->f.flow.in_port = htonl(port->ofp.v);
	if (!x->f.br) {
		xl_fail(x, tunnel_map_has(x->in->snap->tunnels, flow_in_dp(&x->in->key))
				   ? XLATE_NO_TUNNEL
				   : XLATE_NO_PORT);
		return;
	}
	x->out->bridge_id = x->f.br->id;
	if (port && x->f.br->sflow.rate)
		x->sflow = &x->f.br->sflow;
	x->f.version = tables_version(x->f.br->tables);
	if (x->in->has_actions)
		run_pipeline(x);
	else if (!port || !port->tunnel || xl_out_of_tunnel(x, port))
		xl_enter_bridge(x, port);
}

COUNTER_DEFINE(xlate_actions);

void xlate(const struct xlate_in *in, struct xlate_out *out)
{
	struct xl x;

	counter_inc(xlate_actions);
	out_init(out);
	memset(&x, 0, sizeof(x));
	x.in = in;
	x.out = out;
	x.f.flow = in->key;
	x.f.flow.recirc_id = 0;
	x.f.flow.tunnel.flags &= htons(FLOW_TNL_F_OAM);
	x.base = x.f.flow;
	x.f.written.in_port = x.f.written.recirc_id = ~0u;
	x.f.conntracked = true;
	memset(&x.f.written, 0xff, offsetof(struct flow_key, tunnel));
	if (in->key.recirc_id)
		xl_thaw(&x);
	else
		first_pass(&x);
	finish(&x);
	buf_done(&x.stack);
	buf_done(&x.f.action_set);
}

void xlate_out_done(struct xlate_out *out)
{
	struct xlate_packet_in *pin, *next;

	for (pin = out->packet_ins; pin; pin = next) {
		next = pin->next;
		packet_free(pin->packet);
		free(pin);
	}
	out->packet_ins = NULL;
	out->packet_ins_tail = &out->packet_ins;
	effects_done(&out->effects);
	buf_done(&out->actions);
}
