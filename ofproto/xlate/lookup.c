/* SPDX-License-Identifier: Apache-2.0 */
/* One lookup in a table, and what the rule that is hit says. */
#include "ofproto/xlate/xlate_priv.h"

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

/* Exchanges the packet's addresses and ports with those of its connection's first packet. */
static void swap_original(struct flow_key *k, bool v6)
{
	struct flow_key was = *k;

	k->nw_proto = was.ct_nw_proto;
	k->ct_nw_proto = was.nw_proto;
	if (v6) {
		k->ipv6_src = was.ct_ipv6_src;
		k->ipv6_dst = was.ct_ipv6_dst;
		k->ct_ipv6_src = was.ipv6_src;
		k->ct_ipv6_dst = was.ipv6_dst;
	} else {
		k->nw_src = was.ct_nw_src;
		k->nw_dst = was.ct_nw_dst;
		k->ct_nw_src = was.nw_src;
		k->ct_nw_dst = was.nw_dst;
	}
	k->tp_src = was.ct_tp_src;
	k->tp_dst = was.ct_tp_dst;
	k->ct_tp_src = was.tp_src;
	k->ct_tp_dst = was.tp_dst;
}

/* By a key that is not quite the flow's.  A fragment's ports count as zero unless the bridge
 * matches fragments as they are: the megaflow matches every fragment bit anyway (close_mask()), and
 * nothing of the ports. */
static struct rule *lookup_as(struct xl *x, const struct xl_lookup *l, bool fragment,
			      struct flow_key *m)
{
	struct flow_key key = x->f.flow;
	bool v6 = flow_is_ipv6(&key);
	struct rule *r;

	if (l->in_port.v != OFPP_IN_PORT_)
		key.in_port = htonl(l->in_port.v);
	if (l->original)
		swap_original(&key, v6);
	if (fragment)
		key.tp_src = key.tp_dst = 0;
	r = tables_lookup(x->f.br->tables, l->table, x->f.version, &key, m, false);
	if (fragment)
		m->tp_src = m->tp_dst = 0;
	if (l->original)
		swap_original(m, v6);
	return r;
}

static struct rule *lookup(struct xl *x, const struct xl_lookup *l)
{
	const struct flow_key *flow = &x->f.flow;
	bool fragment = flow->nw_frag & FLOW_FRAG_ANY && x->f.br->frags == OFPC_FRAG_NORMAL_;
	struct flow_key m;
	struct rule *r;
	struct effect *e;

	memset(&m, 0, sizeof(m));
	if (fragment || l->original || l->in_port.v != OFPP_IN_PORT_)
		r = lookup_as(x, l, fragment, &m);
	else
		r = tables_lookup(x->f.br->tables, l->table, x->f.version, flow, &m, false);
	xl_look_mask(x, &m);
	e = effects_add(&x->out->effects, EFFECT_TABLE);
	e->table.tables = x->f.br->tables;
	e->table.table = l->table;
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

void xl_table(struct xl *x, const struct xl_lookup *l)
{
	struct xl_origin outer = x->origin;
	unsigned depth = x->depth, nesting = x->nesting;

	if (!enter_table(x, l->table))
		return;
	x->origin.table = l->table;
	if (x->f.behind_mpls) {
		struct xl_cont c = { .outer = x->cont, .kind = XL_CONT_TABLE, .lookup = *l };

		xl_freeze(x, &c);
	} else if (x->f.flow.nw_frag & FLOW_FRAG_ANY && x->f.br->frags == OFPC_FRAG_DROP_) {
		xl_note(x, "fragments are dropped here (set-frags)");
	} else {
		do_rule(x, lookup(x, l), l->miss);
	}
	x->origin = outer;
	x->depth = depth;
	x->nesting = nesting;
}
