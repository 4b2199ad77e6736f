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
};

void xl_fail(struct xl *x, enum xlate_error e)
{
	if (x->out->error == XLATE_OK) {
		x->out->error = e;
		xl_note(x, "error: %s: the packet is dropped", xlate_error_text[e]);
	}
	x->exit = true;
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

static void note_rule(struct xl *x, const struct rule *r)
{
	struct str s = STR_INIT;
	struct match m;

	if (!x->in->notes)
		return;
	minimatch_expand(&r->cr.match, &m);
	match_format(&m, NULL, NULL, &s);
	if (s.len)
		str_puts(&s, ", ");
	str_printf(&s, "priority %d", r->cr.priority);
	if (r->cookie)
		str_printf(&s, ", cookie 0x%llx", (unsigned long long)ntoh64(r->cookie));
	xl_note(x, "%2u. %s", x->origin.table, str_cstr(&s));
	str_done(&s);
}

static void table_miss(struct xl *x, enum xl_miss miss)
{
	const struct xl_port *in = xl_port_by_ofp(x->f.br, flow_in_ofp(&x->f.flow));

	xl_note(x, "%2u. No match.", x->origin.table);
	if (miss == XL_MISS_NOTHING)
		return;
	if (!x->f.br->miss_to_controller || (in && in->config & XL_PC_NO_PACKET_IN)) {
		x->indent++;
		xl_note(x, "drop");
		x->indent--;
		return;
	}
	xl_controller(x, x->f.br->miss_send_len, 0, OFPR_NO_MATCH_, true);
}

/* A fragment's ports count as zero unless the bridge matches fragments as they are.  The megaflow
 * matches every fragment bit anyway (close_mask()), and nothing of the ports. */
static struct rule *lookup_fragment(const struct xl *x, const struct flow_key *flow,
				    struct flow_key *m)
{
	struct flow_key key = *flow;
	struct rule *r;

	key.tp_src = key.tp_dst = 0;
	r = tables_lookup(x->f.br->tables, x->origin.table, x->f.version, &key, m, false);
	m->tp_src = m->tp_dst = 0;
	return r;
}

static struct rule *lookup(struct xl *x, struct ofp_port in_port)
{
	be32 was = x->f.flow.in_port;
	struct flow_key m;
	struct rule *r;
	struct effect *e;

	memset(&m, 0, sizeof(m));
	if (in_port.v != OFPP_IN_PORT_)
		x->f.flow.in_port = htonl(in_port.v);
	if (x->f.flow.nw_frag & FLOW_FRAG_ANY && x->f.br->frags == OFPC_FRAG_NORMAL_)
		r = lookup_fragment(x, &x->f.flow, &m);
	else
		r = tables_lookup(x->f.br->tables, x->origin.table, x->f.version, &x->f.flow, &m,
				  false);
	x->f.flow.in_port = was;
	xl_look_mask(x, &m);
	e = effects_add(&x->out->effects, EFFECT_TABLE);
	e->table.tables = x->f.br->tables;
	e->table.table = x->origin.table;
	e->table.matched = r != NULL;
	return r;
}

/* A rule's actions, or what a miss does. */
static void do_rule(struct xl *x, struct rule *r, enum xl_miss miss)
{
	if (!r) {
		table_miss(x, miss);
		return;
	}
	effects_add(&x->out->effects, EFFECT_RULE)->rule = rule_ref(r);
	x->origin = (struct xl_origin){ .table = x->origin.table,
					.from_rule = true,
					.miss_rule = !r->cr.priority && !r->cr.match.map,
					.cookie = r->cookie,
					.rule = r };
	note_rule(x, r);
	x->indent++;
	if (!rule_actions_get(r).len)
		xl_note(x, "drop");
	xl_actions(x, rule_actions_get(r));
	x->indent--;
}

static bool enter_table(struct xl *x, uint8_t table)
{
	bool later = x->origin.from_rule && table > x->origin.table;

	if (++x->resubmits > XLATE_MAX_RESUBMITS) {
		xl_fail(x, XLATE_TOO_MANY_RESUBMITS);
		return false;
	}
	if (x->nesting < XLATE_MAX_NESTING && later) {
		x->nesting++;
		return true;
	}
	return xl_descend(x);
}

void xl_table(struct xl *x, uint8_t table, struct ofp_port in_port, enum xl_miss miss)
{
	struct xl_origin outer = x->origin;
	unsigned depth = x->depth, nesting = x->nesting;

	if (!enter_table(x, table))
		return;
	x->origin.table = table;
	if (x->f.behind_mpls) {
		struct xl_cont c = { .outer = x->cont,
				     .kind = XL_CONT_TABLE,
				     .origin = { .table = table },
				     .miss = miss,
				     .in_port = in_port };

		xl_freeze(x, &c);
	} else if (x->f.flow.nw_frag & FLOW_FRAG_ANY && x->f.br->frags == OFPC_FRAG_DROP_) {
		xl_note(x, "fragments are dropped here (set-frags)");
	} else {
		do_rule(x, lookup(x, in_port), miss);
	}
	x->origin = outer;
	x->depth = depth;
	x->nesting = nesting;
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
		xl_table(x, 0, (struct ofp_port){ OFPP_IN_PORT_ }, XL_MISS_CONTROLLER);
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

static void finish(struct xl *x)
{
	struct xlate_out *out = x->out;

	if (out->actions.len > XLATE_MAX_ACTIONS)
		xl_fail(x, XLATE_TOO_MANY_ACTIONS);
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
