/* SPDX-License-Identifier: Apache-2.0 */
/* The way back: TC's actions as datapath actions. */
#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_ct.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_mpls.h>
#include <linux/tc_act/tc_skbedit.h>
#include <linux/tc_act/tc_vlan.h>
#include <string.h>
#include <sys/socket.h>

#include "core/io/nlattr.h"
#include "tc/flower_action.h"
#include "tc/flower_bits.h"
#include "tc/flower_host.h"
#include "tc/flower_sample.h"
#include "tc/flower_set.h"
#include "tc/flower_tunnel.h"

#define COOKIE_LEN sizeof(struct ufid)

static const struct nlattr_policy act_policy[TCA_ACT_MAX + 1] = {
	[TCA_ACT_KIND] = { 2, 16 }, /* IFNAMSIZ */
	[TCA_ACT_OPTIONS] = NLATTR_ANY,       [TCA_ACT_INDEX] = NLATTR_EXACT(4),
	[TCA_ACT_STATS] = NLATTR_ANY,         [TCA_ACT_COOKIE] = { 1, TC_COOKIE_MAX_SIZE },
	[TCA_ACT_FLAGS] = NLATTR_ANY,         [TCA_ACT_HW_STATS] = NLATTR_ANY,
	[TCA_ACT_USED_HW_STATS] = NLATTR_ANY, [TCA_ACT_IN_HW_COUNT] = NLATTR_EXACT(4),
};

/* --- whose it is, and its counter --- */

static void basic(const struct nlattr *a, uint64_t *packets, uint64_t *bytes)
{
	struct gnet_stats_basic st;

	if (!a)
		return;
	memcpy(&st, nlattr_data(a), sizeof(st)); /* the policy says that it is no shorter */
	*packets = st.packets;
	*bytes = st.bytes;
}

int flower_counts_get(const struct nlattr *a, struct flower_counts *c)
{
	/* sizeof(struct gnet_stats_basic) has padding, which the kernel sends or not */
	static const struct nlattr_policy policy[TCA_STATS_MAX + 1] = {
		[TCA_STATS_BASIC] = { sizeof(struct gnet_stats_basic), UINT16_MAX },
		[TCA_STATS_BASIC_HW] = { sizeof(struct gnet_stats_basic), UINT16_MAX },
		[TCA_STATS_PKT64] = NLATTR_EXACT(8),
	};
	const struct nlattr *tb[ARRAY_SIZE(policy)];
	int rc;

	memset(c, 0, sizeof(*c));
	if (!a)
		return 0;
	rc = nlattr_parse_nested(a, policy, ARRAY_SIZE(policy), tb);
	if (rc < 0)
		return rc;
	basic(tb[TCA_STATS_BASIC], &c->packets, &c->bytes);
	basic(tb[TCA_STATS_BASIC_HW], &c->hw_packets, &c->hw_bytes);
	if (tb[TCA_STATS_PKT64]) /* the 64 bits of what 32 did not hold */
		c->packets = nlattr_u64(tb[TCA_STATS_PKT64]);
	return 0;
}

/* The attributes of the action that bears the cookie; as flower_actions_owner(). */
static int with_cookie(const void *acts, size_t len, const struct nlattr *tb[])
{
	const struct nlattr *a;
	bool bad = false;

	NLATTR_FOR_EACH(a, acts, len, &bad)
	{
		int rc = nlattr_parse_nested(a, act_policy, ARRAY_SIZE(act_policy), tb);

		if (rc < 0)
			return rc;
		if (tb[TCA_ACT_COOKIE] && nlattr_len(tb[TCA_ACT_COOKIE]) == COOKIE_LEN)
			return 0;
	}
	return bad ? -EBADMSG : -ENOENT;
}

int flower_actions_owner(const void *acts, size_t len, struct ufid *ufid,
			 struct flower_counts *counts)
{
	const struct nlattr *tb[ARRAY_SIZE(act_policy)];
	int rc = with_cookie(acts, len, tb);

	if (rc)
		return rc;
	memcpy(ufid, nlattr_data(tb[TCA_ACT_COOKIE]), sizeof(*ufid));
	return flower_counts_get(tb[TCA_ACT_STATS], counts);
}

/* --- police actions --- */

static bool is_police(const struct nlattr *const tb[])
{
	char kind[16];

	return tb[TCA_ACT_KIND] && nlattr_str(tb[TCA_ACT_KIND], kind, sizeof(kind)) &&
	       !strcmp(kind, "police");
}

static const struct nlattr_policy police_policy[TCA_POLICE_MAX + 1] = {
	[TCA_POLICE_TBF] = { sizeof(struct tc_police), UINT16_MAX },
	[TCA_POLICE_RESULT] = NLATTR_EXACT(4),
	[TCA_POLICE_PKTRATE64] = NLATTR_EXACT(8),
};

/* Its number; 0: it has not got one, or is not whole.  limits: it has a rate, and does what a
 * meter's does. */
static uint32_t police_number(const struct nlattr *options, bool *limits)
{
	const struct nlattr *tb[ARRAY_SIZE(police_policy)];
	struct tc_police p;

	if (!options ||
	    nlattr_parse_nested(options, police_policy, ARRAY_SIZE(police_policy), tb) < 0 ||
	    !tb[TCA_POLICE_TBF])
		return 0;
	memcpy(&p, nlattr_data(tb[TCA_POLICE_TBF]), sizeof(p));
	*limits = (p.rate.rate || tb[TCA_POLICE_PKTRATE64]) && p.action == TC_ACT_SHOT &&
		  tb[TCA_POLICE_RESULT] && nlattr_u32(tb[TCA_POLICE_RESULT]) == TC_ACT_PIPE;
	return p.index;
}

unsigned flower_actions_taps(const void *acts, size_t len, struct flower_tap *taps, unsigned max)
{
	struct flower_counts before = { 0 }, now;
	const struct nlattr *a, *tb[ARRAY_SIZE(act_policy)];
	struct flower_tap *open = NULL;
	bool bad = false, limits;
	unsigned n = 0;

	NLATTR_FOR_EACH(a, acts, len, &bad)
	{
		if (nlattr_parse_nested(a, act_policy, ARRAY_SIZE(act_policy), tb) < 0 ||
		    flower_counts_get(tb[TCA_ACT_STATS], &now))
			return 0;
		if (open) {
			open->out_packets = now.packets;
			open->out_bytes = now.bytes;
			open = NULL;
		}
		if (is_police(tb) && n < max) {
			open = &taps[n++];
			*open = (struct flower_tap){
				.index = police_number(tb[TCA_ACT_OPTIONS], &limits),
				.in_packets = before.packets,
				.in_bytes = before.bytes,
			};
		}
		before = now;
	}
	return n;
}

/* --- sharing --- */

static int share_one(const struct nlattr *const tb[], struct buf *b, unsigned number)
{
	size_t one;

	if (!tb[TCA_ACT_KIND] || !tb[TCA_ACT_OPTIONS])
		return -EOPNOTSUPP; /* a terse dump's */
	one = nlattr_nest(b, (uint16_t)number);
	nlattr_put(b, TCA_ACT_KIND, nlattr_data(tb[TCA_ACT_KIND]), nlattr_len(tb[TCA_ACT_KIND]));
	nlattr_put(b, TCA_ACT_OPTIONS | NLA_F_NESTED, nlattr_data(tb[TCA_ACT_OPTIONS]),
		   nlattr_len(tb[TCA_ACT_OPTIONS]));
	nlattr_nest_end(b, one);
	return 0;
}

static int share_all(const void *acts, size_t len, struct buf *b)
{
	const struct nlattr *a, *tb[ARRAY_SIZE(act_policy)];
	unsigned number = 0;
	bool bad = false;
	int rc = 0;

	NLATTR_FOR_EACH(a, acts, len, &bad)
	{
		rc = nlattr_parse_nested(a, act_policy, ARRAY_SIZE(act_policy), tb);
		if (rc >= 0)
			rc = share_one(tb, b, ++number);
		if (rc)
			return rc;
	}
	return bad ? -EBADMSG : 0;
}

int flower_actions_share(const void *acts, size_t len, struct buf *b)
{
	const struct nlattr *tb[ARRAY_SIZE(act_policy)];
	struct flower_tap any;
	size_t list;
	int rc = with_cookie(acts, len, tb);

	if (rc)
		return rc;
	list = nlattr_nest(b, TCA_FLOWER_ACT);
	rc = flower_actions_taps(acts, len, &any, 1) ? share_all(acts, len, b)
						     : share_one(tb, b, 1);
	nlattr_nest_end(b, list);
	return rc;
}

/* --- what it does --- */

struct get {
	const struct flower_env *env;
	const struct flow_key *key, *mask;
	struct buf *out;
	be16 dl_type;
	bool ended;
	uint32_t csum;               /* that the next action must put right; 0: none */
	bool for_host;               /* the next output is marked so */
	const struct nlattr *cookie; /* of the action at hand; NULL: none */
	struct flower_tunnel tunnel;
};

/* The fixed part of an action's options, which all kinds have, at attribute `attr`. */
static int fixed_of(const struct nlattr *options, unsigned attr, void *fixed, size_t len)
{
	const struct nlattr *a;
	bool bad = false;

	NLATTR_FOR_EACH(a, nlattr_data(options), nlattr_len(options), &bad)
	if (nlattr_type(a) == attr && nlattr_len(a) == len) {
		memcpy(fixed, nlattr_data(a), len);
		return 0;
	}
	return -EBADMSG;
}

static int get_gact(struct get *g, const struct nlattr *options)
{
	struct tc_gact fixed;
	struct act_recirc r;
	int rc = fixed_of(options, TCA_GACT_PARMS, &fixed, sizeof(fixed));

	if (rc)
		return rc;
	if (fixed.action == TC_ACT_PIPE)
		return 0;
	g->ended = true;
	if (fixed.action == TC_ACT_SHOT)
		return 0; /* the end of a list */
	if (!TC_ACT_EXT_CMP(fixed.action, TC_ACT_GOTO_CHAIN))
		return -EOPNOTSUPP;
	r.id = (uint32_t)fixed.action & TC_ACT_EXT_VAL_MASK;
	dp_actions_put(g->out, DP_ACT_RECIRC, &r, sizeof(r));
	return 0;
}

/* Whether the mark is there where flower_actions_put() would have put it. */
static bool host_is_right(struct get *g, const struct flower_port *to)
{
	struct eth_addr dst = g->key->dl_dst, known = g->mask->dl_dst;
	struct dp_actions acts = dp_actions_of(g->out);
	enum flower_for_host whose = FLOWER_HOST_NO;
	bool marked = g->for_host;
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts) {
		if (a->kind == DP_ACT_SET)
			flower_host_set(dp_action_payload(a), &dst, &known);
	}
	if (to->kind == FLOWER_PORT_INTERNAL)
		whose = flower_for_host(dst, known, to->mac);
	g->for_host = false;
	return whose != FLOWER_HOST_UNSURE && marked == (whose == FLOWER_HOST_YES);
}

static int get_skbedit(struct get *g, const struct nlattr *options)
{
	static const struct nlattr_policy skbedit[TCA_SKBEDIT_PTYPE + 1] = {
		[TCA_SKBEDIT_TM] = NLATTR_ANY,
		[TCA_SKBEDIT_PAD] = NLATTR_ANY,
		[TCA_SKBEDIT_PARMS] = NLATTR_EXACT(sizeof(struct tc_skbedit)),
		[TCA_SKBEDIT_PTYPE] = NLATTR_EXACT(2),
	};
	const struct nlattr *tb[ARRAY_SIZE(skbedit)];
	struct tc_skbedit fixed;
	int rc = nlattr_parse_nested(options, skbedit, ARRAY_SIZE(skbedit), tb);

	if (rc < 0)
		return rc;
	if (rc || !tb[TCA_SKBEDIT_PARMS] || !tb[TCA_SKBEDIT_PTYPE] ||
	    nlattr_u16(tb[TCA_SKBEDIT_PTYPE]))
		return -EOPNOTSUPP;
	memcpy(&fixed, nlattr_data(tb[TCA_SKBEDIT_PARMS]), sizeof(fixed));
	g->for_host = true;
	return fixed.action == TC_ACT_PIPE ? 0 : -EOPNOTSUPP;
}

static int get_mirred(struct get *g, const struct nlattr *options)
{
	struct tc_mirred fixed;
	struct flower_port to;
	struct dp_port no;
	int rc = fixed_of(options, TCA_MIRRED_PARMS, &fixed, sizeof(fixed));
	bool in;

	if (rc)
		return rc;
	in = fixed.eaction == TCA_INGRESS_REDIR || fixed.eaction == TCA_INGRESS_MIRROR;
	g->ended = fixed.eaction == TCA_EGRESS_REDIR || fixed.eaction == TCA_INGRESS_REDIR;
	if (fixed.action != (g->ended ? TC_ACT_STOLEN : TC_ACT_PIPE) ||
	    !g->env->port_no(g->env->ctx, (int)fixed.ifindex, &no) ||
	    !g->env->port(g->env->ctx, no, &to) || in != (to.kind == FLOWER_PORT_INTERNAL) ||
	    !host_is_right(g, &to))
		return -EOPNOTSUPP;
	dp_actions_put_output(g->out, no);
	return 0;
}

static const struct nlattr_policy vlan_policy[TCA_VLAN_MAX + 1] = {
	[TCA_VLAN_TM] = NLATTR_ANY,
	[TCA_VLAN_PAD] = NLATTR_ANY,
	[TCA_VLAN_PARMS] = NLATTR_EXACT(sizeof(struct tc_vlan)),
	[TCA_VLAN_PUSH_VLAN_ID] = NLATTR_EXACT(2),
	[TCA_VLAN_PUSH_VLAN_PROTOCOL] = NLATTR_EXACT(2),
	[TCA_VLAN_PUSH_VLAN_PRIORITY] = NLATTR_EXACT(1),
};

static void modify_vlan(struct get *g, uint16_t vid, const struct nlattr *prio)
{
	const struct field *f = field_get(FIELD_VLAN_VID);
	union field_value v, m;

	memset(&v, 0, sizeof(v));
	memset(&m, 0, sizeof(m));
	m.be16 = htons(0x0fff);
	v.be16 = htons(vid);
	dp_actions_put_set(g->out, f->id, &v, &m);
	if (!prio)
		return;
	v.b[0] = nlattr_u8(prio) & 7;
	v.b[1] = m.b[1] = 0;
	m.b[0] = 7;
	dp_actions_put_set(g->out, FIELD_VLAN_PCP, &v, &m);
}

static int get_vlan(struct get *g, const struct nlattr *options)
{
	const struct nlattr *tb[ARRAY_SIZE(vlan_policy)], *vid, *tpid, *prio;
	struct act_push_vlan push;
	struct tc_vlan fixed;
	int rc = nlattr_parse_nested(options, vlan_policy, ARRAY_SIZE(vlan_policy), tb);

	if (rc || !tb[TCA_VLAN_PARMS])
		return rc < 0 ? rc : -EOPNOTSUPP;
	memcpy(&fixed, nlattr_data(tb[TCA_VLAN_PARMS]), sizeof(fixed));
	vid = tb[TCA_VLAN_PUSH_VLAN_ID];
	tpid = tb[TCA_VLAN_PUSH_VLAN_PROTOCOL];
	prio = tb[TCA_VLAN_PUSH_VLAN_PRIORITY];
	if (fixed.action != TC_ACT_PIPE)
		return -EOPNOTSUPP;
	if (fixed.v_action == TCA_VLAN_ACT_POP) {
		dp_actions_put(g->out, DP_ACT_POP_VLAN, NULL, 0);
		return 0;
	}
	if (!vid || !tpid)
		return -EBADMSG;
	if (fixed.v_action == TCA_VLAN_ACT_MODIFY) {
		modify_vlan(g, nlattr_u16(vid) & 0x0fff, prio);
		return 0;
	}
	if (fixed.v_action != TCA_VLAN_ACT_PUSH)
		return -EOPNOTSUPP;
	push.tpid = nlattr_be16(tpid);
	push.tci = htons((uint16_t)((nlattr_u16(vid) & 0x0fff) | VLAN_CFI |
				    (prio ? (nlattr_u8(prio) & 7) << 13 : 0)));
	dp_actions_put(g->out, DP_ACT_PUSH_VLAN, &push, sizeof(push));
	return 0;
}

static const struct nlattr_policy mpls_policy[TCA_MPLS_MAX + 1] = {
	[TCA_MPLS_TM] = NLATTR_ANY,
	[TCA_MPLS_PAD] = NLATTR_ANY,
	[TCA_MPLS_PARMS] = NLATTR_EXACT(sizeof(struct tc_mpls)),
	[TCA_MPLS_PROTO] = NLATTR_EXACT(2),
	[TCA_MPLS_LABEL] = NLATTR_EXACT(4),
	[TCA_MPLS_TC] = NLATTR_EXACT(1),
	[TCA_MPLS_TTL] = NLATTR_EXACT(1),
	[TCA_MPLS_BOS] = NLATTR_EXACT(1),
};

static uint32_t lse_of(const struct nlattr *const tb[])
{
	const struct nlattr *label = tb[TCA_MPLS_LABEL], *tc = tb[TCA_MPLS_TC];
	const struct nlattr *bos = tb[TCA_MPLS_BOS], *ttl = tb[TCA_MPLS_TTL];

	return (label ? nlattr_u32(label) << 12 : 0) | (tc ? (nlattr_u8(tc) & 7u) << 9 : 0) |
	       (bos ? (nlattr_u8(bos) & 1u) << 8 : 0) | (ttl ? nlattr_u8(ttl) : 0);
}

static void modify_mpls(struct get *g, const struct nlattr *const tb[])
{
	static const struct {
		unsigned attr;
		enum field_id field;
	} parts[] = { { TCA_MPLS_LABEL, FIELD_MPLS_LABEL },
		      { TCA_MPLS_TC, FIELD_MPLS_TC },
		      { TCA_MPLS_TTL, FIELD_MPLS_TTL } };
	union field_value v, ones;
	struct flow_key key;

	memset(&key, 0, sizeof(key));
	key.mpls_lse[0] = htonl(lse_of(tb));
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const struct field *f = field_get(parts[i].field);

		if (!tb[parts[i].attr])
			continue;
		field_read(f, &key, &v);
		field_ones(f, &ones);
		dp_actions_put_set(g->out, f->id, &v, &ones);
	}
}

static int get_mpls(struct get *g, const struct nlattr *options)
{
	const struct nlattr *tb[ARRAY_SIZE(mpls_policy)];
	struct act_push_mpls push = { .pad = 0 };
	struct act_pop_mpls pop;
	struct tc_mpls fixed;
	int rc = nlattr_parse_nested(options, mpls_policy, ARRAY_SIZE(mpls_policy), tb);

	if (rc || !tb[TCA_MPLS_PARMS])
		return rc < 0 ? rc : -EOPNOTSUPP;
	memcpy(&fixed, nlattr_data(tb[TCA_MPLS_PARMS]), sizeof(fixed));
	if (fixed.action != TC_ACT_PIPE)
		return -EOPNOTSUPP;
	if (fixed.m_action == TCA_MPLS_ACT_MODIFY) {
		modify_mpls(g, tb);
		return 0;
	}
	if (!tb[TCA_MPLS_PROTO])
		return -EBADMSG;
	g->dl_type = pop.ethertype = push.ethertype = nlattr_be16(tb[TCA_MPLS_PROTO]);
	push.lse = htonl(lse_of(tb));
	if (fixed.m_action == TCA_MPLS_ACT_POP)
		dp_actions_put(g->out, DP_ACT_POP_MPLS, &pop, sizeof(pop));
	else if (fixed.m_action == TCA_MPLS_ACT_PUSH)
		dp_actions_put(g->out, DP_ACT_PUSH_MPLS, &push, sizeof(push));
	else
		return -EOPNOTSUPP;
	return 0;
}

static int get_pedit(struct get *g, const struct nlattr *options)
{
	struct flower_set set;
	int rc = flower_set_get_pedit(&set, nlattr_data(options), nlattr_len(options));

	if (rc)
		return rc;
	g->csum = flower_set_csum(&set, g->dl_type, g->key, g->mask);
	return flower_set_actions(&set, g->dl_type, g->key->nw_proto & g->mask->nw_proto, g->out);
}

static int get_csum(struct get *g, const struct nlattr *options)
{
	uint32_t csum;
	int rc = flower_set_get_csum(nlattr_data(options), nlattr_len(options), &csum);

	if (rc)
		return rc;
	if (csum != g->csum)
		return -EOPNOTSUPP;
	g->csum = 0;
	return 0;
}

static int get_tunnel_key(struct get *g, const struct nlattr *options)
{
	struct flower_tunnel now;
	bool release;
	int rc = flower_tunnel_get(&now, &release, nlattr_data(options), nlattr_len(options));

	if (rc || release)
		return rc;
	flower_tunnel_actions(&g->tunnel, &now, g->out);
	g->tunnel = now;
	return 0;
}

static const struct nlattr_policy ct_policy[TCA_CT_MAX + 1] = {
	[TCA_CT_PARMS] = NLATTR_EXACT(sizeof(struct tc_ct)),
	[TCA_CT_TM] = NLATTR_ANY,
	[TCA_CT_PAD] = NLATTR_ANY,
	[TCA_CT_ACTION] = NLATTR_EXACT(2),
	[TCA_CT_ZONE] = NLATTR_EXACT(2),
	[TCA_CT_MARK] = NLATTR_EXACT(4),
	[TCA_CT_MARK_MASK] = NLATTR_EXACT(4),
	[TCA_CT_LABELS] = NLATTR_EXACT(16),
	[TCA_CT_LABELS_MASK] = NLATTR_EXACT(16),
	[TCA_CT_NAT_IPV4_MIN] = NLATTR_EXACT(4),
	[TCA_CT_NAT_IPV4_MAX] = NLATTR_EXACT(4),
	[TCA_CT_NAT_IPV6_MIN] = NLATTR_EXACT(16),
	[TCA_CT_NAT_IPV6_MAX] = NLATTR_EXACT(16),
	[TCA_CT_NAT_PORT_MIN] = NLATTR_EXACT(2),
	[TCA_CT_NAT_PORT_MAX] = NLATTR_EXACT(2),
};

static void copy(void *to, const struct nlattr *a, size_t len)
{
	if (a)
		memcpy(to, nlattr_data(a), len); /* the policy has the same length */
}

static void get_label(struct be128 *to, const struct nlattr *a)
{
	union field_value v;

	if (!a)
		return;
	memcpy(&v, nlattr_data(a), sizeof(*to));
	flower_swap(&v, sizeof(*to));
	*to = v.be128;
}

static void get_nat(struct act_ct *c, const struct nlattr *const tb[])
{
	bool v6 = tb[TCA_CT_NAT_IPV6_MIN];
	unsigned len = v6 ? 16 : 4;
	const struct nlattr *port_min = tb[TCA_CT_NAT_PORT_MIN];
	const struct nlattr *port_max = tb[TCA_CT_NAT_PORT_MAX];

	if (!v6 && !tb[TCA_CT_NAT_IPV4_MIN])
		return;
	c->nat_family = v6 ? AF_INET6 : AF_INET;
	copy(&c->nat_min, tb[v6 ? TCA_CT_NAT_IPV6_MIN : TCA_CT_NAT_IPV4_MIN], len);
	copy(&c->nat_max, tb[v6 ? TCA_CT_NAT_IPV6_MAX : TCA_CT_NAT_IPV4_MAX], len);
	if (port_min)
		c->nat_port_min = ntohs(nlattr_be16(port_min));
	if (port_max)
		c->nat_port_max = ntohs(nlattr_be16(port_max));
}

static uint16_t ct_flags(uint16_t action)
{
	return (uint16_t)((action & TCA_CT_ACT_COMMIT ? ACT_CT_COMMIT : 0) |
			  (action & TCA_CT_ACT_FORCE ? ACT_CT_FORCE : 0) |
			  (action & TCA_CT_ACT_NAT ? ACT_CT_NAT : 0) |
			  (action & TCA_CT_ACT_NAT_SRC ? ACT_CT_NAT_SRC : 0) |
			  (action & TCA_CT_ACT_NAT_DST ? ACT_CT_NAT_DST : 0));
}

static int get_ct(struct get *g, const struct nlattr *options)
{
	const struct nlattr *tb[ARRAY_SIZE(ct_policy)];
	struct act_ct c;
	struct tc_ct fixed;
	uint16_t action;
	int rc = nlattr_parse_nested(options, ct_policy, ARRAY_SIZE(ct_policy), tb);

	if (rc || !tb[TCA_CT_PARMS] || !tb[TCA_CT_ACTION])
		return rc < 0 ? rc : -EOPNOTSUPP;
	memcpy(&fixed, nlattr_data(tb[TCA_CT_PARMS]), sizeof(fixed));
	if (fixed.action != TC_ACT_PIPE)
		return -EOPNOTSUPP;
	action = nlattr_u16(tb[TCA_CT_ACTION]);
	if (action & TCA_CT_ACT_CLEAR) {
		dp_actions_put(g->out, DP_ACT_CT_CLEAR, NULL, 0);
		return 0;
	}
	memset(&c, 0, sizeof(c));
	c.flags = ct_flags(action);
	c.zone = tb[TCA_CT_ZONE] ? nlattr_u16(tb[TCA_CT_ZONE]) : 0;
	copy(&c.mark, tb[TCA_CT_MARK], sizeof(c.mark));
	copy(&c.mark_mask, tb[TCA_CT_MARK_MASK], sizeof(c.mark_mask));
	get_label(&c.label, tb[TCA_CT_LABELS]);
	get_label(&c.label_mask, tb[TCA_CT_LABELS_MASK]);
	get_nat(&c, tb);
	dp_actions_put(g->out, DP_ACT_CT, &c, sizeof(c));
	return 0;
}

static int get_police(struct get *g, const struct nlattr *options)
{
	bool limits = false;
	uint32_t index = police_number(options, &limits);
	struct act_meter m;

	if (!index)
		return -EBADMSG;
	if (!limits || !g->env->meter_id || !g->env->meter_id(g->env->ctx, index, &m.id))
		return -EOPNOTSUPP;
	dp_actions_put(g->out, DP_ACT_METER, &m, sizeof(m));
	return 0;
}

static int get_sample(struct get *g, const struct nlattr *options)
{
	struct flower_sample s;
	const char *why;
	uint32_t group;
	int rc = flower_sample_get(options, g->cookie, &s, &group);

	if (rc)
		return rc;
	if (!g->env->sample ||
	    g->env->sample(g->env->ctx, flow_in_dp(g->key), &s.what, &why) != group)
		return -EOPNOTSUPP;
	flower_sample_action(&s, g->out);
	return 0;
}

static const struct {
	const char *kind;
	int (*get)(struct get *g, const struct nlattr *options);
} kinds[] = {
	{ "gact", get_gact },       { "mirred", get_mirred },
	{ "skbedit", get_skbedit }, { "vlan", get_vlan },
	{ "mpls", get_mpls },       { "pedit", get_pedit },
	{ "csum", get_csum },       { "tunnel_key", get_tunnel_key },
	{ "ct", get_ct },           { "police", get_police },
	{ "sample", get_sample },
};

static int get_one(struct get *g, const struct nlattr *a)
{
	const struct nlattr *tb[ARRAY_SIZE(act_policy)];
	char kind[16];
	int rc = nlattr_parse_nested(a, act_policy, ARRAY_SIZE(act_policy), tb);

	if (rc < 0)
		return rc;
	if (!tb[TCA_ACT_KIND] || !tb[TCA_ACT_OPTIONS])
		return -EBADMSG;
	(void)nlattr_str(tb[TCA_ACT_KIND], kind, sizeof(kind)); /* what is cut is no kind of ours */
	if (g->ended || (g->csum && strcmp(kind, "csum") != 0) ||
	    (g->for_host && strcmp(kind, "mirred") != 0))
		return -EOPNOTSUPP;
	g->cookie = tb[TCA_ACT_COOKIE];
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].kind, kind))
			return kinds[i].get(g, tb[TCA_ACT_OPTIONS]);
	return -EOPNOTSUPP;
}

int flower_actions_get(const struct flower_env *env, const void *acts, size_t len,
		       const struct flow_key *key, const struct flow_key *mask, struct buf *out)
{
	struct get g = { .env = env,
			 .key = key,
			 .mask = mask,
			 .out = out,
			 .dl_type = key->dl_type & mask->dl_type };
	const struct nlattr *a;
	bool bad = false;
	int rc = 0;

	NLATTR_FOR_EACH(a, acts, len, &bad)
	{
		rc = get_one(&g, a);
		if (rc)
			return rc;
	}
	if (bad)
		return -EBADMSG;
	return g.ended && !g.csum && !dp_actions_check(dp_actions_of(out), NULL) ? 0 : -EOPNOTSUPP;
}
