/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/openvswitch.h>
#include <string.h>
#include <sys/socket.h>

#include "core/datapath/kernel/acts.h"
#include "core/datapath/kernel/acts_priv.h"
#include "core/datapath/kernel/key.h"
#include "core/packet/wire.h"

const struct kdp_action kdp_action_table[DP_ACT_N_KINDS] = {
#define ROW(KIND, ATTR) [DP_ACT_##KIND] = { OVS_ACTION_ATTR_##ATTR, NULL }
	ROW(OUTPUT, OUTPUT),
	ROW(SET, SET_MASKED),
	ROW(PUSH_VLAN, PUSH_VLAN),
	ROW(POP_VLAN, POP_VLAN),
	ROW(PUSH_MPLS, PUSH_MPLS),
	ROW(POP_MPLS, POP_MPLS),
	ROW(RECIRC, RECIRC),
	ROW(HASH, HASH),
	ROW(USERSPACE, USERSPACE),
	ROW(SAMPLE, SAMPLE),
	ROW(CLONE, CLONE),
	ROW(TRUNC, TRUNC),
	ROW(METER, METER),
	ROW(CT, CT),
	ROW(CT_CLEAR, CT_CLEAR),
	ROW(CHECK_PKT_LEN, CHECK_PKT_LEN),
#undef ROW
	[DP_ACT_DROP] = { KDP_ACTION_DROP, NULL },
};

struct writer {
	struct buf *b;
	struct kdp_acts_ctx *ctx;
	be16 dl_type;
	unsigned depth, n_tags;
	uint32_t trunc; /* of the next output; 0 = none */
	bool ended;     /* a drop */
};

static int put_list(struct writer *w, struct dp_actions acts);

/* ---- set ---- */

static unsigned set_attr(const struct writer *w, const struct act_set *s)
{
	const struct kdp_field *f = &kdp_field_table[s->field];

	if (!f->set)
		return 0;
	/* TOS and TTL are shared. */
	return f->attr == OVS_KEY_ATTR_IPV4 && w->dl_type == htons(ETH_IPV6) ? OVS_KEY_ATTR_IPV6
									     : f->attr;
}

static bool attr_fits(const struct writer *w, unsigned attr)
{
	switch (attr) {
	case OVS_KEY_ATTR_IPV4: return w->dl_type == htons(ETH_IPV4);
	case OVS_KEY_ATTR_IPV6: return w->dl_type == htons(ETH_IPV6);
	case OVS_KEY_ATTR_MPLS: /* behind two tags the kernel finds no label to write */
		return eth_type_is_mpls(w->dl_type) && w->n_tags < 2;
	case OVS_KEY_ATTR_TCP:
	case OVS_KEY_ATTR_UDP:
	case OVS_KEY_ATTR_SCTP:
		return w->dl_type == htons(ETH_IPV4) || w->dl_type == htons(ETH_IPV6);
	default: return attr != 0;
	}
}

static bool is_tunnel_set(const struct dp_action *a)
{
	const struct act_set *s = dp_action_payload(a);

	return a->kind == DP_ACT_SET && kdp_field_table[s->field].set &&
	       kdp_field_table[s->field].attr == OVS_KEY_ATTR_TUNNEL;
}

/* This one and those behind it, which make one outer header (action.h); returns the last. */
static const struct dp_action *put_tunnel(struct writer *w, struct dp_actions acts,
					  const struct dp_action *a, int *rc)
{
	struct flow_key k = { .in_port = 0 };
	const struct dp_action *next;
	size_t set, nest;

	for (;; a = next) {
		const struct act_set *s = dp_action_payload(a);

		field_write_masked(field_get(s->field), &s->value, &s->mask, &k);
		if (s->field == FIELD_TUN_ID)
			k.tunnel.flags |= htons(FLOW_TNL_F_KEY);
		next = dp_action_next(acts, a);
		if (!next || !is_tunnel_set(next))
			break;
	}
	if (!k.tunnel.dst && !k.tunnel.dst6.d[0] && !k.tunnel.dst6.d[1]) {
		*rc = -EINVAL;
		return a;
	}
	set = nlattr_nest(w->b, OVS_ACTION_ATTR_SET);
	nest = nlattr_nest(w->b, OVS_KEY_ATTR_TUNNEL);
	kdp_key_put_tunnel(w->b, &k.tunnel);
	nlattr_nest_end(w->b, nest);
	nlattr_nest_end(w->b, set);
	return a;
}

static const struct dp_action *put_set(struct writer *w, struct dp_actions acts,
				       const struct dp_action *a, int *rc)
{
	unsigned attr = set_attr(w, dp_action_payload(a));
	size_t size = kdp_key_attr_size(attr), set;
	struct flow_key value, mask;
	const struct dp_action *next;
	uint8_t *payload;

	if (is_tunnel_set(a))
		return put_tunnel(w, acts, a, rc);
	if (!attr_fits(w, attr)) {
		*rc = -EOPNOTSUPP;
		return a;
	}
	memset(&value, 0, sizeof(value));
	memset(&mask, 0, sizeof(mask));
	for (;; a = next) {
		const struct act_set *s = dp_action_payload(a);

		field_write_masked(field_get(s->field), &s->value, &s->mask, &value);
		field_write_masked(field_get(s->field), &s->mask, &s->mask, &mask);
		next = dp_action_next(acts, a);
		if (!next || next->kind != DP_ACT_SET || is_tunnel_set(next) ||
		    set_attr(w, dp_action_payload(next)) != attr)
			break;
	}
	w->ctx->uses_l4 |=
		attr == OVS_KEY_ATTR_TCP || attr == OVS_KEY_ATTR_UDP || attr == OVS_KEY_ATTR_SCTP;
	set = nlattr_nest(w->b, OVS_ACTION_ATTR_SET_MASKED);
	payload = nlattr_put_zeros(w->b, (uint16_t)attr, 2 * size);
	kdp_key_attr_write(attr, &value, false, payload);
	kdp_key_attr_write(attr, &mask, true, payload + size);
	nlattr_nest_end(w->b, set);
	return a;
}

/* ---- the others ---- */

typedef int put_fn(struct writer *w, const struct dp_action *a);

static int put_output(struct writer *w, const struct dp_action *a)
{
	const struct act_output *o = dp_action_payload(a);

	uint32_t beside = w->n_tags ? VLAN_HLEN : 0;

	if (w->trunc) {
		if (w->trunc < ETH_HLEN + beside) /* the kernel leaves so much of what it sees */
			return -EOPNOTSUPP;
		nlattr_put_u32(w->b, OVS_ACTION_ATTR_TRUNC, w->trunc - beside);
	}
	w->trunc = 0;
	nlattr_put_u32(w->b, OVS_ACTION_ATTR_OUTPUT, o->port.v);
	return 0;
}

static int put_push_vlan(struct writer *w, const struct dp_action *a)
{
	const struct act_push_vlan *v = dp_action_payload(a);
	struct ovs_action_push_vlan k = { .vlan_tpid = v->tpid, .vlan_tci = v->tci };

	w->n_tags++;
	nlattr_put(w->b, OVS_ACTION_ATTR_PUSH_VLAN, &k, sizeof(k));
	return 0;
}

static int put_pop_vlan(struct writer *w, const struct dp_action *a)
{
	(void)a;
	w->n_tags -= w->n_tags > 0;
	nlattr_put_flag(w->b, OVS_ACTION_ATTR_POP_VLAN);
	return 0;
}

static int put_bare(struct writer *w, const struct dp_action *a)
{
	nlattr_put_flag(w->b, kdp_action_table[a->kind].attr);
	return 0;
}

/* Labels go before these and nothing else, and neither before nor off a packet with a tag
 * (__ovs_nla_copy_actions(), net/openvswitch/flow_netlink.c). */
static bool may_push_mpls(const struct writer *w)
{
	return !w->n_tags && (w->dl_type == htons(ETH_IPV4) || w->dl_type == htons(ETH_IPV6) ||
			      w->dl_type == htons(ETH_ARP) || w->dl_type == htons(ETH_RARP) ||
			      eth_type_is_mpls(w->dl_type));
}

static int put_push_mpls(struct writer *w, const struct dp_action *a)
{
	const struct act_push_mpls *m = dp_action_payload(a);
	struct ovs_action_push_mpls k;

	if (!may_push_mpls(w))
		return -EOPNOTSUPP;
	memset(&k, 0, sizeof(k));
	k.mpls_lse = m->lse;
	k.mpls_ethertype = m->ethertype;
	w->dl_type = m->ethertype;
	nlattr_put(w->b, OVS_ACTION_ATTR_PUSH_MPLS, &k, sizeof(k));
	return 0;
}

static int put_pop_mpls(struct writer *w, const struct dp_action *a)
{
	const struct act_pop_mpls *m = dp_action_payload(a);

	if (w->n_tags || !eth_type_is_mpls(w->dl_type))
		return -EOPNOTSUPP;
	w->dl_type = eth_type_is_mpls(m->ethertype) ? m->ethertype : 0; /* unknown until parsed */
	nlattr_put_be16(w->b, OVS_ACTION_ATTR_POP_MPLS, m->ethertype);
	return 0;
}

/* recirc(id), meter(id) */
static int put_u32(struct writer *w, const struct dp_action *a)
{
	uint32_t x;

	memcpy(&x, dp_action_payload(a), sizeof(x));
	nlattr_put_u32(w->b, kdp_action_table[a->kind].attr, x);
	return 0;
}

static int put_hash(struct writer *w, const struct dp_action *a)
{
	const struct act_hash *h = dp_action_payload(a);
	struct ovs_action_hash k = { .hash_alg = h->alg, .hash_basis = h->basis };

	if (h->alg > (w->ctx->features ? w->ctx->features->max_hash_alg : (uint32_t)DP_HASH_L4))
		return -EOPNOTSUPP;
	nlattr_put(w->b, OVS_ACTION_ATTR_HASH, &k, sizeof(k));
	return 0;
}

static int put_userspace(struct writer *w, const struct dp_action *a)
{
	const struct act_userspace *u = dp_action_payload(a);
	struct kdp_cookie c = { KDP_COOKIE_MAGIC, u->kind, u->max_len, 0, { 0 } };
	size_t nest;

	memcpy(c.cookie, u->cookie, sizeof(c.cookie));
	if (u->max_len <= UINT16_MAX)
		nlattr_put_u32(w->b, OVS_ACTION_ATTR_TRUNC, MAX(u->max_len, (uint32_t)ETH_HLEN));
	nest = nlattr_nest(w->b, OVS_ACTION_ATTR_USERSPACE);
	nlattr_put_u32(w->b, OVS_USERSPACE_ATTR_PID, w->ctx->pid);
	nlattr_put(w->b, OVS_USERSPACE_ATTR_USERDATA, &c, sizeof(c));
	nlattr_nest_end(w->b, nest);
	return 0;
}

/* Held back until an output: the kernel's holds for userspace() as well. */
static int put_trunc(struct writer *w, const struct dp_action *a)
{
	const struct act_trunc *t = dp_action_payload(a);

	w->trunc = MAX(t->max_len, (uint32_t)ETH_HLEN);
	return 0;
}

static int put_nested(struct writer *w, uint16_t attr, struct dp_actions acts)
{
	struct writer in = *w;
	size_t nest = nlattr_nest(w->b, attr);
	int rc;

	if (w->trunc || w->depth == DP_ACTIONS_MAX_DEPTH)
		return -EOPNOTSUPP;
	in.depth++;
	rc = put_list(&in, acts);
	nlattr_nest_end(w->b, nest);
	return rc;
}

static int put_clone(struct writer *w, const struct dp_action *a)
{
	return put_nested(w, OVS_ACTION_ATTR_CLONE, dp_action_nested(a, 0));
}

static int put_sample(struct writer *w, const struct dp_action *a)
{
	const struct act_sample *s = dp_action_payload(a);
	size_t nest = nlattr_nest(w->b, OVS_ACTION_ATTR_SAMPLE);
	int rc;

	nlattr_put_u32(w->b, OVS_SAMPLE_ATTR_PROBABILITY, s->probability);
	rc = put_nested(w, OVS_SAMPLE_ATTR_ACTIONS, dp_action_nested(a, 0));
	nlattr_nest_end(w->b, nest);
	return rc;
}

static int put_check_len(struct writer *w, const struct dp_action *a)
{
	const struct act_check_len *c = dp_action_payload(a);
	size_t nest = nlattr_nest(w->b, OVS_ACTION_ATTR_CHECK_PKT_LEN);
	int rc;

	if (!c->len) /* the kernel wants some */
		return -EOPNOTSUPP;
	nlattr_put_u16(w->b, OVS_CHECK_PKT_LEN_ATTR_PKT_LEN, c->len);
	rc = put_nested(w, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER, dp_action_nested(a, 0));
	if (!rc)
		rc = put_nested(w, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL,
				dp_action_nested(a, 1));
	nlattr_nest_end(w->b, nest);
	return rc;
}

static int put_drop(struct writer *w, const struct dp_action *a)
{
	const struct act_drop *d = dp_action_payload(a);

	if (w->ctx->features && dp_features_have(w->ctx->features, DP_ACT_DROP))
		nlattr_put_u32(w->b, KDP_ACTION_DROP, d->reason);
	w->ended = true;
	return 0;
}

/* ---- conntrack ---- */

static const struct {
	uint16_t flag, attr;
} nat_flags[] = {
	{ ACT_CT_NAT_SRC, OVS_NAT_ATTR_SRC },
	{ ACT_CT_NAT_DST, OVS_NAT_ATTR_DST },
	{ ACT_CT_NAT_PERSISTENT, OVS_NAT_ATTR_PERSISTENT },
	{ ACT_CT_NAT_HASH, OVS_NAT_ATTR_PROTO_HASH },
	{ ACT_CT_NAT_RANDOM, OVS_NAT_ATTR_PROTO_RANDOM },
};

static void put_nat(struct buf *b, const struct act_ct *c)
{
	size_t nest = nlattr_nest(b, OVS_CT_ATTR_NAT), size;

	for (size_t i = 0; i < ARRAY_SIZE(nat_flags); i++) {
		if (c->flags & nat_flags[i].flag)
			nlattr_put_flag(b, nat_flags[i].attr);
	}
	size = c->nat_family == AF_INET ? 4 : c->nat_family == AF_INET6 ? 16 : 0;
	if (size) {
		nlattr_put(b, OVS_NAT_ATTR_IP_MIN, &c->nat_min, size);
		if (memcmp(&c->nat_min, &c->nat_max, size))
			nlattr_put(b, OVS_NAT_ATTR_IP_MAX, &c->nat_max, size);
	}
	if (c->nat_port_min) {
		nlattr_put_u16(b, OVS_NAT_ATTR_PROTO_MIN, c->nat_port_min);
		if (c->nat_port_max && c->nat_port_max != c->nat_port_min)
			nlattr_put_u16(b, OVS_NAT_ATTR_PROTO_MAX, c->nat_port_max);
	}
	nlattr_nest_end(b, nest);
}

static int put_ct(struct writer *w, const struct dp_action *a)
{
	const struct act_ct *c = dp_action_payload(a);
	size_t nest = nlattr_nest(w->b, OVS_ACTION_ATTR_CT);

	if (c->flags & (ACT_CT_COMMIT | ACT_CT_FORCE))
		nlattr_put_flag(w->b, c->flags & ACT_CT_FORCE ? OVS_CT_ATTR_FORCE_COMMIT
							      : OVS_CT_ATTR_COMMIT);
	if (c->zone)
		nlattr_put_u16(w->b, OVS_CT_ATTR_ZONE, c->zone);
	if (c->mark_mask) {
		uint32_t mark[2] = { c->mark & c->mark_mask, c->mark_mask };

		nlattr_put(w->b, OVS_CT_ATTR_MARK, mark, sizeof(mark));
	}
	if (c->label_mask.d[0] || c->label_mask.d[1]) {
		struct be128 label[2] = { c->label, c->label_mask }, wire[2];

		label[0].d[0] &= label[1].d[0];
		label[0].d[1] &= label[1].d[1];
		kdp_label_swap(&label[0], &wire[0]);
		kdp_label_swap(&label[1], &wire[1]);
		nlattr_put(w->b, OVS_CT_ATTR_LABELS, wire, sizeof(wire));
	}
	w->ctx->uses_l4 |= c->helper[0] || c->timeout[0]; /* both are of one protocol */
	if (c->helper[0])
		nlattr_put_str(w->b, OVS_CT_ATTR_HELPER, c->helper);
	if (c->timeout[0])
		nlattr_put_str(w->b, OVS_CT_ATTR_TIMEOUT, c->timeout);
	if (c->flags & ACT_CT_NAT)
		put_nat(w->b, c);
	nlattr_nest_end(w->b, nest);
	return 0;
}

static put_fn *const puts_[DP_ACT_N_KINDS] = {
	[DP_ACT_OUTPUT] = put_output,
	[DP_ACT_PUSH_VLAN] = put_push_vlan,
	[DP_ACT_POP_VLAN] = put_pop_vlan,
	[DP_ACT_PUSH_MPLS] = put_push_mpls,
	[DP_ACT_POP_MPLS] = put_pop_mpls,
	[DP_ACT_RECIRC] = put_u32,
	[DP_ACT_HASH] = put_hash,
	[DP_ACT_USERSPACE] = put_userspace,
	[DP_ACT_SAMPLE] = put_sample,
	[DP_ACT_CLONE] = put_clone,
	[DP_ACT_TRUNC] = put_trunc,
	[DP_ACT_METER] = put_u32,
	[DP_ACT_CT] = put_ct,
	[DP_ACT_CT_CLEAR] = put_bare,
	[DP_ACT_CHECK_PKT_LEN] = put_check_len,
	[DP_ACT_DROP] = put_drop,
};

static bool lacks(const struct kdp_acts_ctx *ctx, enum dp_action_kind kind)
{
	return ctx->features && kind != DP_ACT_DROP && !dp_features_have(ctx->features, kind);
}

static int put_list(struct writer *w, struct dp_actions acts)
{
	const struct dp_action *a = dp_action_first(acts);
	int rc = 0;

	for (; a && !rc && !w->ended; a = dp_action_next(acts, a)) {
		if (lacks(w->ctx, a->kind))
			rc = -EOPNOTSUPP;
		else if (a->kind == DP_ACT_SET)
			a = put_set(w, acts, a, &rc);
		else
			rc = puts_[a->kind](w, a);
	}
	return rc;
}

uint8_t kdp_acts_tags(const struct flow_key *key)
{
	uint8_t n = eth_type_is_vlan(key->dl_type); /* behind those that the key shows */

	for (unsigned i = 0; i < FLOW_N_VLANS; i++)
		n += !!(key->vlans[i].tci & htons(VLAN_CFI));
	return n;
}

int kdp_acts_put(struct buf *b, struct dp_actions acts, struct kdp_acts_ctx *ctx)
{
	struct writer w = { .b = b, .ctx = ctx, .dl_type = ctx->dl_type, .n_tags = ctx->n_tags };

	ctx->uses_l4 = false;
	return put_list(&w, acts);
}
