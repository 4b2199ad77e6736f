/* SPDX-License-Identifier: Apache-2.0 */
/* Packets out of tunnels and into them.
 *
 * Behind a tunnel stands an ordinary packet; its outer header is in the key's tunnel words, where
 * rules match it.  Of the outer header only congestion comes inside (RFC 6040 section 4.2).
 *
 * Into a tunnel the packet goes with an outer header that a run of SETs writes whole just before
 * the output, from the port's options and, where these say so, from the flow; what the flow holds
 * stays as it is for rules and outputs that follow. */
#include <string.h>

#include "ofproto/xlate/xlate_priv.h"

#define ECN_MASK 0x03
#define ECN_CE 0x03
#define ECN_ECT0 0x02
#define DSCP_MASK 0xfc

static void set_congested(struct xl *x)
{
	const struct field *f = field_get(FIELD_IP_ECN);
	union field_value ce = { .b = { ECN_CE } };

	xl_set_field(x, f, &ce, &ce);
}

/* An outer header marked by a congested router: the mark goes inside, where there is room for it.
 */
static bool take_congestion(struct xl *x)
{
	x->out->mask.tunnel.tos |= ECN_MASK;
	if ((x->in->key.tunnel.tos & ECN_MASK) != ECN_CE || !flow_is_ip(&x->f.flow))
		return true;
	xl_look(x, FIELD_IP_ECN);
	if (!(x->f.flow.nw_tos & ECN_MASK)) {
		xl_note(x, "the outer header says congestion, the inner one knows no ECN: drop");
		return false;
	}
	if ((x->f.flow.nw_tos & ECN_MASK) != ECN_CE)
		set_congested(x);
	return true;
}

/* The outer header, for those who read the trace. */
static void note_outer(struct xl *x, const struct xl_port *p, const struct flow_tnl *t, bool out)
{
	char from[IP_ADDR_TEXT], to[IP_ADDR_TEXT];
	struct be128 src = tunnel_src(t), dst = tunnel_dst(t);
	struct str s = STR_INIT;

	if (!x->in->notes)
		return;
	str_printf(&s, "-> %s tunnel %s", out ? "came out of" : "goes into", p->name);
	if (!ip_addr_is_zero(&src))
		str_printf(&s, " from %s", ip_addr_text(&src, from));
	if (!ip_addr_is_zero(&dst))
		str_printf(&s, " to %s", ip_addr_text(&dst, to));
	if (t->tun_id || t->flags & htons(FLOW_TNL_F_KEY))
		str_printf(&s, ", key 0x%llx", (unsigned long long)ntoh64(t->tun_id));
	if (t->tp_dst)
		str_printf(&s, ", UDP port %u", ntohs(t->tp_dst));
	xl_note(x, "%s", str_cstr(&s));
	str_done(&s);
}

bool xl_out_of_tunnel(struct xl *x, const struct xl_port *p)
{
	struct effect *e = effects_add(&x->out->effects, EFFECT_PORTS);

	e->ports.rx = xl_counters_ref(p->counters);
	note_outer(x, p, &x->in->key.tunnel, true);
	return take_congestion(x);
}

/* --- the outer header --- */

/* False: nothing says where to, or from where in the same family. */
static bool choose_ends(struct xl *x, const struct tunnel_conf *c, struct flow_tnl *t)
{
	struct be128 dst = c->remote, src = c->local;

	if (c->remote_flow) {
		xl_look(x, FIELD_TUN_DST);
		xl_look(x, FIELD_TUN_IPV6_DST);
		dst = tunnel_dst(&x->f.flow.tunnel);
	}
	if (c->local_flow) {
		xl_look(x, FIELD_TUN_SRC);
		xl_look(x, FIELD_TUN_IPV6_SRC);
		src = tunnel_src(&x->f.flow.tunnel);
	}
	if (ip_addr_is_zero(&dst))
		return false;
	if (!ip_addr_is_zero(&src) && ip_addr_is4(&src) != ip_addr_is4(&dst)) {
		if (c->local_set)
			return false;
		memset(&src, 0, sizeof(src));
	}
	tunnel_set_dst(t, &dst);
	tunnel_set_src(t, &src);
	return true;
}

static bool came_by_tunnel(const struct xlate_in *in)
{
	const struct xl_port *p;

	if (!in->bridge || in->key.recirc_id)
		return tunnel_map_has(in->snap->tunnels, flow_in_dp(&in->key));
	p = xl_port_by_ofp(in->bridge, flow_in_ofp(&in->key));
	return p && p->tunnel;
}

/* What came out of a tunnel at one of our addresses is not sent to that address again. */
static bool is_own_address(struct xl *x, const struct flow_tnl *t)
{
	const struct flow_tnl *in = &x->in->key.tunnel;
	struct be128 own = tunnel_dst(in), to = tunnel_dst(t);

	if (!came_by_tunnel(x->in))
		return false;
	if (in->dst)
		x->out->mask.tunnel.dst = ~0u;
	else
		memset(&x->out->mask.tunnel.dst6, 0xff, sizeof(x->out->mask.tunnel.dst6));
	return !memcmp(&own, &to, sizeof(own));
}

/* TTL and TOS: the port's, or the inner packet's; ECN is always the inner packet's, but for
 * congestion, which the outer header starts without (RFC 3168 section 9.1.1). */
static void choose_tos_ttl(struct xl *x, const struct tunnel_conf *c, struct flow_tnl *t)
{
	const struct flow_key *f = &x->f.flow;
	uint8_t ecn;

	t->tos = c->tos;
	t->ttl = c->ttl;
	if (!flow_is_ip(f))
		return;
	if (c->ttl_inherit) {
		xl_look(x, FIELD_IP_TTL);
		t->ttl = f->nw_ttl;
	}
	if (c->tos_inherit) {
		xl_look(x, FIELD_IP_DSCP);
		t->tos = f->nw_tos & DSCP_MASK;
	}
	xl_look(x, FIELD_IP_ECN);
	ecn = f->nw_tos & ECN_MASK;
	t->tos |= ecn == ECN_CE ? ECN_ECT0 : ecn;
}

static void choose_key(struct xl *x, const struct tunnel_conf *c, struct flow_tnl *t)
{
	uint16_t flags = (uint16_t)((c->df ? FLOW_TNL_F_DF : 0) | (c->csum ? FLOW_TNL_F_CSUM : 0) |
				    (c->out_key_set ? FLOW_TNL_F_KEY : 0));

	t->flags = htons(flags);
	t->tp_dst = htons(c->dst_port);
	t->tun_id = c->out_key;
	if (c->out_key_flow) {
		xl_look(x, FIELD_TUN_ID);
		t->tun_id = x->f.flow.tunnel.tun_id;
	}
	if (!c->gbp)
		return;
	xl_look(x, FIELD_TUN_GBP_ID);
	xl_look(x, FIELD_TUN_GBP_FLAGS);
	t->gbp_id = x->f.flow.tunnel.gbp_id;
	t->gbp_flags = x->f.flow.tunnel.gbp_flags;
}

/* One SET for each part that is not zero, and for a key: what a run leaves out is zero. */
static void put_outer(struct xl *x, const struct flow_tnl *t)
{
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	k.tunnel = *t;
	for (enum field_id id = FIELD_TUN_ID; id <= FIELD_TUN_TP_DST; id++) {
		const struct field *f = field_get(id);
		union field_value v, ones;

		field_read(f, &k, &v);
		if (field_value_is_zero(f, &v) &&
		    (id != FIELD_TUN_ID || !(t->flags & htons(FLOW_TNL_F_KEY))))
			continue;
		field_ones(f, &ones);
		dp_actions_put_set(&x->out->actions, id, &v, &ones);
	}
}

/* What came up from under an MPLS stack has an IP header that only another pass can read. */
static void send_later(struct xl *x, const struct xl_port *p)
{
	bool back = p->ofp.v == flow_in_ofp(&x->f.flow).v;
	struct ofpact_output o = { .port = { back ? OFPP_IN_PORT_ : p->ofp.v } };
	struct xl_cont c = { .kind = XL_CONT_ACTIONS, .origin = x->origin };
	struct buf b = BUF_INIT;

	xl_note(x, "tunnel %s: needs the packet parsed again: recirculated", p->name);
	ofpact_put(&b, OFPACT_OUTPUT, &o, sizeof(o));
	c.rest = ofpacts_of(&b);
	xl_recirculate(x, &c);
	buf_done(&b);
}

bool xl_into_tunnel(struct xl *x, const struct xl_port *p)
{
	const struct tunnel_conf *c = p->tunnel;
	struct flow_tnl t;
	struct effect *e;

	if (x->f.behind_mpls && flow_is_ip(&x->f.flow)) {
		send_later(x, p);
		return false;
	}
	memset(&t, 0, sizeof(t));
	if (!choose_ends(x, c, &t)) {
		xl_note(x, "tunnel %s: the flow has no remote address for it: not sent", p->name);
		return false;
	}
	if (is_own_address(x, &t)) {
		xl_note(x, "tunnel %s: the remote address is our own: not sent", p->name);
		return false;
	}
	choose_tos_ttl(x, c, &t);
	choose_key(x, c, &t);
	note_outer(x, p, &t, false);
	put_outer(x, &t);
	xl_commit(x);
	e = effects_add(&x->out->effects, EFFECT_PORTS);
	e->ports.tx = xl_counters_ref(p->counters);
	return true;
}
