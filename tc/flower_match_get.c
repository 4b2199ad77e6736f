/* SPDX-License-Identifier: Apache-2.0 */
/* The way back: attributes that the kernel shows for a filter.  It tells tags otherwise than it is
 * told: TCA_FLOWER_KEY_ETH_TYPE is the innermost type then, and the outermost stands in the
 * filter's protocol.  What is read here is true of both forms. */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "core/io/nlattr.h"
#include "tc/flower_bits.h"
#include "tc/flower_keymap.h"
#include "tc/flower_match.h"

#define ATTR(NAME, LEN) [TCA_FLOWER_KEY_##NAME] = NLATTR_EXACT(LEN)
#define MASKED(NAME, LEN)                                                                          \
	[TCA_FLOWER_KEY_##NAME] = NLATTR_EXACT(LEN),                                               \
	[TCA_FLOWER_KEY_##NAME##_MASK] = NLATTR_EXACT(LEN)

static const struct nlattr_policy policy[TCA_FLOWER_MAX + 1] = {
	[TCA_FLOWER_ACT] = NLATTR_ANY,
	[TCA_FLOWER_FLAGS] = NLATTR_EXACT(4),
	[TCA_FLOWER_IN_HW_COUNT] = NLATTR_EXACT(4),
	MASKED(ETH_DST, 6),
	MASKED(ETH_SRC, 6),
	ATTR(ETH_TYPE, 2),
	ATTR(IP_PROTO, 1),
	MASKED(IPV4_SRC, 4),
	MASKED(IPV4_DST, 4),
	MASKED(IPV6_SRC, 16),
	MASKED(IPV6_DST, 16),
	MASKED(TCP_SRC, 2),
	MASKED(TCP_DST, 2),
	MASKED(UDP_SRC, 2),
	MASKED(UDP_DST, 2),
	MASKED(SCTP_SRC, 2),
	MASKED(SCTP_DST, 2),
	MASKED(TCP_FLAGS, 2),
	ATTR(VLAN_ID, 2),
	ATTR(VLAN_PRIO, 1),
	ATTR(VLAN_ETH_TYPE, 2),
	ATTR(CVLAN_ID, 2),
	ATTR(CVLAN_PRIO, 1),
	ATTR(CVLAN_ETH_TYPE, 2),
	ATTR(NUM_OF_VLANS, 1),
	ATTR(ENC_KEY_ID, 4),
	MASKED(ENC_IPV4_SRC, 4),
	MASKED(ENC_IPV4_DST, 4),
	MASKED(ENC_IPV6_SRC, 16),
	MASKED(ENC_IPV6_DST, 16),
	MASKED(ENC_UDP_SRC_PORT, 2),
	MASKED(ENC_UDP_DST_PORT, 2),
	MASKED(ENC_IP_TOS, 1),
	MASKED(ENC_IP_TTL, 1),
	[TCA_FLOWER_KEY_ENC_OPTS] = NLATTR_ANY,
	[TCA_FLOWER_KEY_ENC_OPTS_MASK] = NLATTR_ANY,
	MASKED(FLAGS, 4),
	MASKED(ICMPV4_TYPE, 1),
	MASKED(ICMPV4_CODE, 1),
	MASKED(ICMPV6_TYPE, 1),
	MASKED(ICMPV6_CODE, 1),
	MASKED(ARP_SIP, 4),
	MASKED(ARP_TIP, 4),
	MASKED(ARP_OP, 1),
	MASKED(ARP_SHA, 6),
	MASKED(ARP_THA, 6),
	ATTR(MPLS_TTL, 1),
	ATTR(MPLS_BOS, 1),
	ATTR(MPLS_TC, 1),
	ATTR(MPLS_LABEL, 4),
	[TCA_FLOWER_KEY_MPLS_OPTS] = NLATTR_ANY,
	MASKED(IP_TOS, 1),
	MASKED(IP_TTL, 1),
	MASKED(CT_STATE, 2),
	MASKED(CT_ZONE, 2),
	MASKED(CT_MARK, 4),
	MASKED(CT_LABELS, 16),
};

struct get {
	const struct nlattr *tb[TCA_FLOWER_MAX + 1];
	be16 protocol;
	struct flow_key *key, *mask;
};

/* --- Ethertype and tags --- */

static void get_tag(struct get *g, unsigned i, be16 tpid, uint16_t vid, uint16_t pcp)
{
	struct flow_vlan *k = &g->key->vlans[i], *m = &g->mask->vlans[i];

	k->tpid = tpid;
	m->tpid = UINT16_MAX;
	k->tci = m->tci = htons(VLAN_CFI);
	if (g->tb[vid]) {
		k->tci |= htons(nlattr_u16(g->tb[vid]) & 0x0fff);
		m->tci |= htons(0x0fff);
	}
	if (g->tb[pcp]) {
		k->tci |= htons((uint16_t)((nlattr_u8(g->tb[pcp]) & 7) << 13));
		m->tci |= htons(0xe000);
	}
}

static be16 type_of(const struct get *g, uint16_t attr)
{
	return g->tb[attr] ? nlattr_be16(g->tb[attr]) : 0;
}

static int get_ether(struct get *g)
{
	be16 type = g->protocol == htons(ETH_P_ALL) ? 0 : g->protocol;
	const struct nlattr *count = g->tb[TCA_FLOWER_KEY_NUM_OF_VLANS];
	unsigned n = 0;

	if (flower_type_is_vlan(type)) {
		get_tag(g, n++, type, TCA_FLOWER_KEY_VLAN_ID, TCA_FLOWER_KEY_VLAN_PRIO);
		type = type_of(g, TCA_FLOWER_KEY_VLAN_ETH_TYPE);
	}
	if (n && flower_type_is_vlan(type)) {
		get_tag(g, n++, type, TCA_FLOWER_KEY_CVLAN_ID, TCA_FLOWER_KEY_CVLAN_PRIO);
		type = type_of(g, TCA_FLOWER_KEY_CVLAN_ETH_TYPE);
	}
	if (flower_type_is_vlan(type) || (count && (type || nlattr_u8(count) != n)))
		return -EOPNOTSUPP;
	if (type) {
		g->key->dl_type = type;
		g->mask->dl_type = UINT16_MAX;
	}
	for (unsigned i = n; i < FLOW_N_VLANS && (type || count); i++) /* there are no more */
		g->mask->vlans[i].tci = g->mask->vlans[i].tpid = UINT16_MAX;
	return 0;
}

/* --- MPLS --- */

struct lse {
	uint32_t k, m;
};

static void lse_part(struct lse *l, const struct nlattr *a, uint32_t value, uint32_t bits)
{
	if (!a)
		return;
	l->k |= value * (bits & -bits) & bits;
	l->m |= bits;
}

static int get_lse(struct get *g, const struct nlattr *a)
{
	static const struct nlattr_policy parts[] = {
		[TCA_FLOWER_KEY_MPLS_OPT_LSE_DEPTH] = NLATTR_EXACT(1),
		[TCA_FLOWER_KEY_MPLS_OPT_LSE_TTL] = NLATTR_EXACT(1),
		[TCA_FLOWER_KEY_MPLS_OPT_LSE_BOS] = NLATTR_EXACT(1),
		[TCA_FLOWER_KEY_MPLS_OPT_LSE_TC] = NLATTR_EXACT(1),
		[TCA_FLOWER_KEY_MPLS_OPT_LSE_LABEL] = NLATTR_EXACT(4),
	};
	static const uint32_t bits[ARRAY_SIZE(parts)] = {
		[TCA_FLOWER_KEY_MPLS_OPT_LSE_TTL] = 0xff,
		[TCA_FLOWER_KEY_MPLS_OPT_LSE_BOS] = 0x100,
		[TCA_FLOWER_KEY_MPLS_OPT_LSE_TC] = 0xe00,
		[TCA_FLOWER_KEY_MPLS_OPT_LSE_LABEL] = 0xfffff000,
	};
	const struct nlattr *tb[ARRAY_SIZE(parts)];
	int rc = nlattr_parse_nested(a, parts, ARRAY_SIZE(parts), tb);
	struct lse l = { 0, 0 };
	unsigned depth;

	if (rc)
		return rc < 0 ? rc : -EOPNOTSUPP;
	if (!tb[TCA_FLOWER_KEY_MPLS_OPT_LSE_DEPTH])
		return -EBADMSG;
	depth = nlattr_u8(tb[TCA_FLOWER_KEY_MPLS_OPT_LSE_DEPTH]);
	if (!depth || depth > FLOW_N_MPLS)
		return -EOPNOTSUPP;
	for (unsigned i = TCA_FLOWER_KEY_MPLS_OPT_LSE_TTL; i < ARRAY_SIZE(parts); i++)
		if (tb[i])
			lse_part(&l, tb[i],
				 nlattr_len(tb[i]) == 4 ? nlattr_u32(tb[i]) : nlattr_u8(tb[i]),
				 bits[i]);
	g->key->mpls_lse[depth - 1] = htonl(l.k);
	g->mask->mpls_lse[depth - 1] = htonl(l.m);
	return 0;
}

static int get_mpls(struct get *g)
{
	const struct nlattr *opts = g->tb[TCA_FLOWER_KEY_MPLS_OPTS], *a;
	const struct nlattr *ttl = g->tb[TCA_FLOWER_KEY_MPLS_TTL];
	const struct nlattr *bos = g->tb[TCA_FLOWER_KEY_MPLS_BOS];
	const struct nlattr *tc = g->tb[TCA_FLOWER_KEY_MPLS_TC];
	const struct nlattr *label = g->tb[TCA_FLOWER_KEY_MPLS_LABEL];
	struct lse l = { 0, 0 };
	bool bad = false;
	int rc = 0;

	if (opts)
		NLATTR_FOR_EACH(a, nlattr_data(opts), nlattr_len(opts), &bad)
	if (!rc)
		rc = nlattr_type(a) == TCA_FLOWER_KEY_MPLS_OPTS_LSE ? get_lse(g, a) : -EOPNOTSUPP;
	if (rc || bad)
		return rc ? rc : -EBADMSG;
	if ((opts || ttl || bos || tc || label) && !flow_is_mpls(g->key))
		return -EOPNOTSUPP;
	lse_part(&l, ttl, ttl ? nlattr_u8(ttl) : 0, 0xff);
	lse_part(&l, bos, bos ? nlattr_u8(bos) : 0, 0x100);
	lse_part(&l, tc, tc ? nlattr_u8(tc) : 0, 0xe00);
	lse_part(&l, label, label ? nlattr_u32(label) : 0, 0xfffff000);
	g->key->mpls_lse[0] |= htonl(l.k);
	g->mask->mpls_lse[0] |= htonl(l.m);
	return 0;
}

/* --- the others --- */

static int get_ip(struct get *g)
{
	const struct nlattr *proto = g->tb[TCA_FLOWER_KEY_IP_PROTO];
	const struct nlattr *tos = g->tb[TCA_FLOWER_KEY_IP_TOS];
	const struct nlattr *tos_mask = g->tb[TCA_FLOWER_KEY_IP_TOS_MASK];

	if ((proto || tos) && !flow_is_ip(g->key))
		return -EOPNOTSUPP;
	if (proto) {
		g->key->nw_proto = nlattr_u8(proto);
		g->mask->nw_proto = UINT8_MAX;
	}
	if (tos) {
		g->mask->nw_tos = tos_mask ? nlattr_u8(tos_mask) : UINT8_MAX;
		g->key->nw_tos = nlattr_u8(tos) & g->mask->nw_tos;
	}
	return 0;
}

static int get_frag(struct get *g)
{
	const uint32_t frag = TCA_FLOWER_KEY_FLAGS_IS_FRAGMENT;
	const uint32_t first = TCA_FLOWER_KEY_FLAGS_FRAG_IS_FIRST;
	const struct nlattr *flags = g->tb[TCA_FLOWER_KEY_FLAGS];
	const struct nlattr *flags_mask = g->tb[TCA_FLOWER_KEY_FLAGS_MASK];
	uint32_t k, m;

	if (!flags)
		return 0;
	if (!flags_mask || !flow_is_ip(g->key))
		return -EOPNOTSUPP;
	m = ntohl(nlattr_be32(flags_mask));
	k = ntohl(nlattr_be32(flags)) & m;
	if (m & ~(frag | first) || !(m & frag))
		return -EOPNOTSUPP;
	g->mask->nw_frag = FLOW_FRAG_ANY;
	g->key->nw_frag = k & frag ? FLOW_FRAG_ANY : 0;
	if (!(k & frag) || m & first) /* what is whole is no later part either */
		g->mask->nw_frag |= FLOW_FRAG_LATER;
	if (k & frag && m & first && !(k & first))
		g->key->nw_frag |= FLOW_FRAG_LATER;
	return 0;
}

static int get_arp(struct get *g)
{
	const struct nlattr *op = g->tb[TCA_FLOWER_KEY_ARP_OP];
	const struct nlattr *op_mask = g->tb[TCA_FLOWER_KEY_ARP_OP_MASK];

	if (op && !flow_is_arp(g->key))
		return -EOPNOTSUPP;
	if (op) {
		g->mask->nw_proto = op_mask ? nlattr_u8(op_mask) : UINT8_MAX;
		g->key->nw_proto = nlattr_u8(op) & g->mask->nw_proto;
	}
	return 0;
}

static int get_ct(struct get *g)
{
	const struct nlattr *state = g->tb[TCA_FLOWER_KEY_CT_STATE];
	const struct nlattr *state_mask = g->tb[TCA_FLOWER_KEY_CT_STATE_MASK];
	uint32_t m;

	if (!state)
		return 0;
	m = state_mask ? flower_ct_state_get(nlattr_u16(state_mask)) : UINT8_MAX;
	g->mask->ct_state = htonl(m);
	g->key->ct_state = htonl(flower_ct_state_get(nlattr_u16(state)) & m);
	return 0;
}

static int get_tunnel(struct get *g)
{
	const struct nlattr *id = g->tb[TCA_FLOWER_KEY_ENC_KEY_ID];
	const struct nlattr *opts = g->tb[TCA_FLOWER_KEY_ENC_OPTS];
	const struct nlattr *opts_mask = g->tb[TCA_FLOWER_KEY_ENC_OPTS_MASK];
	struct flow_tnl *k = &g->key->tunnel, *m = &g->mask->tunnel;
	int rc;

	if (id) {
		k->tun_id = hton64(ntohl(nlattr_be32(id)));
		m->tun_id = UINT64_MAX;
	}
	if (!opts)
		return 0;
	if (!opts_mask)
		return -EOPNOTSUPP;
	rc = flower_gbp_get(opts_mask, &m->gbp_id, &m->gbp_flags);
	if (!rc)
		rc = flower_gbp_get(opts, &k->gbp_id, &k->gbp_flags);
	k->gbp_id &= m->gbp_id;
	k->gbp_flags &= m->gbp_flags;
	return rc;
}

static bool value_of(const struct nlattr *a, const struct field *f, const struct flower_row *row,
		     union field_value *v)
{
	if (!a)
		return false;
	memset(v, 0, sizeof(*v));
	memcpy(v, nlattr_data(a), f->n_bytes); /* the policy has the same length */
	if (row->how == FLOWER_HOST)
		flower_swap(v, f->n_bytes);
	return true;
}

/* Fields of which several share their place have the Ethertype and protocol decide. */
static int get_plain(struct get *g, const struct field *f, const struct flower_row *row)
{
	union field_value v, m;

	if (!row->value || !value_of(g->tb[row->value], f, row, &v))
		return 0;
	if (!value_of(g->tb[row->mask], f, row, &m))
		field_ones(f, &m);
	if (!field_prereq_matched((enum field_prereq)f->prereq, g->key, g->mask) &&
	    f->prereq != FIELD_PRE_CT)
		return -EOPNOTSUPP;
	for (unsigned i = 0; i < f->n_bytes; i++)
		v.b[i] &= m.b[i];
	if (!field_value_ok(f, &v) || !field_value_ok(f, &m))
		return -EOPNOTSUPP;
	field_write_masked(f, &v, &m, g->key);
	field_write_masked(f, &m, &m, g->mask);
	return 0;
}

/* The same bits of fields, so that what is no field's stays zero. */
static void mask_absent(struct flow_key *mask, enum flower_port_kind kind, uint32_t chain)
{
	const struct flower_port port = { .kind = kind };
	struct flow_key absent;

	memset(mask, 0, sizeof(*mask));
	for (unsigned i = 0; i < FIELD_N_IDS; i++)
		field_mask_set(&field_table[i], mask);
	flower_absent_mask(&absent, flower_port_is_tunnel(&port), chain);
	for (unsigned i = 0; i < FLOW_WORDS; i++)
		flow_words(mask)[i] &= flow_words(&absent)[i];
}

/* RFC 7348: a key in every packet. */
static void mask_vxlan(struct flow_key *key, struct flow_key *mask)
{
	key->tunnel.flags = htons(FLOW_TNL_F_KEY);
	mask->tunnel.flags = htons(FLOW_TNL_F_KEY | FLOW_TNL_F_OAM);
}

typedef int get_fn(struct get *g);
static get_fn *const headers[] = { get_ether, get_mpls, get_ip,    get_frag,
				   get_arp,   get_ct,   get_tunnel };

static int get_all(struct get *g)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(headers) && !rc; i++)
		rc = headers[i](g);
	for (unsigned i = 0; i < FIELD_N_IDS && !rc; i++)
		rc = get_plain(g, &field_table[i], &flower_keymap[i]);
	return rc;
}

int flower_match_get(const void *options, size_t len, const struct flower_at *at,
		     struct flow_key *key, struct flow_key *mask)
{
	struct get g = { .protocol = at->protocol, .key = key, .mask = mask };
	int rc = nlattr_parse(options, len, policy, ARRAY_SIZE(policy), g.tb);

	if (rc)
		return rc < 0 ? rc : -EOPNOTSUPP;
	memset(key, 0, sizeof(*key));
	mask_absent(mask, at->kind, at->chain);
	if (at->kind == FLOWER_PORT_VXLAN)
		mask_vxlan(key, mask);
	key->in_port = htonl(at->in.v);
	key->recirc_id = htonl(at->chain);
	mask->in_port = mask->recirc_id = UINT32_MAX;
	rc = get_all(&g);
	if (!rc && at->udp_port && mask->tunnel.tp_dst == UINT16_MAX &&
	    key->tunnel.tp_dst == at->udp_port)
		key->tunnel.tp_dst = mask->tunnel.tp_dst = 0;
	return rc;
}
