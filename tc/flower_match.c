/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/flower_match.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <string.h>

#include "core/io/nlattr.h"
#include "offload/caps.h"
#include "tc/flower_bits.h"
#include "tc/flower_keymap.h"

struct put {
	const struct flower_env *env;
	const struct flow_key *key, *mask; /* key: nothing outside the mask */
	bool whole;
	struct buf *b;
	struct flower_match *m;
	struct offload_refusal *why;
	struct flow_key left; /* bits of the mask that are not expressed yet */
};

static int cannot(struct put *p, enum field_id id)
{
	return flower_refuse(p->why, OFFLOAD_FIELD, (int)caps_field(id), -1);
}

static int cannot_mask(struct put *p, enum field_id id)
{
	return flower_refuse(p->why, OFFLOAD_MASK, (int)caps_field(id), -1);
}

static void note(struct put *p, enum field_id id, bool exact)
{
	caps_field_add(p->m->fields, id);
	if (!exact)
		caps_field_add(p->m->masked, id);
}

/* --- where the rule stands --- */

static int put_place(struct put *p)
{
	uint32_t recirc = ntohl(p->key->recirc_id & p->mask->recirc_id);

	if (p->mask->in_port != UINT32_MAX)
		return cannot_mask(p, FIELD_IN_PORT_OXM);
	if (!p->env->port(p->env->ctx, flow_in_dp(p->key), &p->m->in))
		return flower_refuse(p->why, OFFLOAD_NO_DEVICE, -1, -1);
	if (p->mask->recirc_id != UINT32_MAX)
		return cannot_mask(p, FIELD_RECIRC_ID);
	if (recirc >= FLOWER_CHAIN_MAX || (recirc && !(p->env->features & FLOWER_F_RECIRC)))
		return flower_refuse(p->why, OFFLOAD_RECIRC, -1, -1);
	p->m->chain = recirc;
	p->left.in_port = p->left.recirc_id = 0;
	return 0;
}

/* Metadata that is zero in whatever gets to this place needs no expression. */
static void drop_absent(struct put *p)
{
	struct flow_key can;
	const uint64_t *key = flow_words_const(p->key);
	uint64_t *left = flow_words(&p->left);

	flower_absent_mask(&can, flower_port_is_tunnel(&p->m->in), p->m->chain);
	for (unsigned i = 0; i < FLOW_WORDS; i++)
		left[i] &= ~flow_words(&can)[i] | key[i];
}

/* --- Ethertype and VLAN tags --- */

/* What the tag at `i` must be: 0, and *tpid zero where there must be none. */
static int look_at_tag(struct put *p, unsigned i, be16 *tpid)
{
	struct flow_vlan k = p->key->vlans[i], *m = &p->left.vlans[i];
	be16 set = k.tci & m->tci;

	*tpid = 0;
	if (!(m->tci | m->tpid))
		return 0;
	if (!set && !(k.tpid & m->tpid)) {
		if (m->tpid != UINT16_MAX && !(m->tci & htons(VLAN_CFI)))
			return cannot_mask(p, FIELD_VLAN_VID);
		m->tci = m->tpid = 0;
		return 0;
	}
	*tpid = m->tpid ? k.tpid : htons(ETH_P_8021Q);
	if ((m->tpid && m->tpid != UINT16_MAX) || !flower_type_is_vlan(*tpid))
		return cannot_mask(p, FIELD_VLAN_VID);
	if (m->tci & htons(0x0fff) && (m->tci & htons(0x0fff)) != htons(0x0fff))
		return cannot_mask(p, FIELD_VLAN_VID);
	if (m->tci & htons(0xe000) && (m->tci & htons(0xe000)) != htons(0xe000))
		return cannot_mask(p, FIELD_VLAN_PCP);
	return 0;
}

static void put_tag(struct put *p, unsigned i, uint16_t vid, uint16_t pcp)
{
	be16 k = p->key->vlans[i].tci, m = p->left.vlans[i].tci;

	note(p, FIELD_VLAN_VID, true);
	if (m & htons(0xe000))
		note(p, FIELD_VLAN_PCP, true);
	if (m & htons(0x0fff))
		nlattr_put_u16(p->b, vid, ntohs(k) & 0x0fff);
	if (m & htons(0xe000))
		nlattr_put_u8(p->b, pcp, (uint8_t)(ntohs(k) >> 13));
	p->left.vlans[i].tci = p->left.vlans[i].tpid = 0;
}

/* Every packet has so many tags, and what is asked of the Ethertype is asked at that depth. */
static int look_at_tags(struct put *p)
{
	struct flow_vlan asked[FLOW_N_VLANS];
	unsigned n = 0;
	int rc;

	memcpy(asked, p->left.vlans, sizeof(asked));
	for (; n < FLOW_N_VLANS; n++) {
		rc = look_at_tag(p, n, &p->m->tpid[n]);
		if (rc)
			return rc;
		if (!p->m->tpid[n])
			break;
	}
	for (unsigned i = n + 1; i < FLOW_N_VLANS; i++) /* below a tag that is not there */
		if (!((p->key->vlans[i].tci & p->left.vlans[i].tci) |
		      (p->key->vlans[i].tpid & p->left.vlans[i].tpid)))
			p->left.vlans[i].tci = p->left.vlans[i].tpid = 0;
	p->m->n_vlans = (uint8_t)n;
	if (!p->mask->dl_type && n < FLOW_N_VLANS && !(asked[n].tci | asked[n].tpid))
		p->m->n_vlans = FLOWER_VLANS_ANY; /* nothing was asked at this depth */
	return 0;
}

static int look_at_type(struct put *p)
{
	be16 type = p->key->dl_type;

	if (!p->mask->dl_type)
		return 0;
	if (p->mask->dl_type != UINT16_MAX)
		return cannot_mask(p, FIELD_ETH_TYPE);
	if (ntohs(type) < ETH_P_802_3_MIN || flower_type_is_vlan(type) ||
	    flower_type_is_opaque(type))
		return cannot(p, FIELD_ETH_TYPE);
	p->m->dl_type = type;
	p->left.dl_type = 0;
	return 0;
}

/* How many tags there are, where no Ethertype says so. */
static int put_depth(struct put *p, unsigned n)
{
	if (p->m->n_vlans == FLOWER_VLANS_ANY || p->m->dl_type)
		return 0;
	if (!(p->env->features & FLOWER_F_NUM_VLANS))
		return cannot_mask(p, FIELD_VLAN_VID);
	nlattr_put_u8(p->b, TCA_FLOWER_KEY_NUM_OF_VLANS, (uint8_t)n);
	return 0;
}

static int put_ether(struct put *p)
{
	static const uint16_t inner[FLOW_N_VLANS] = { TCA_FLOWER_KEY_VLAN_ETH_TYPE,
						      TCA_FLOWER_KEY_CVLAN_ETH_TYPE };
	static const uint16_t vid[FLOW_N_VLANS] = { TCA_FLOWER_KEY_VLAN_ID,
						    TCA_FLOWER_KEY_CVLAN_ID };
	static const uint16_t pcp[FLOW_N_VLANS] = { TCA_FLOWER_KEY_VLAN_PRIO,
						    TCA_FLOWER_KEY_CVLAN_PRIO };
	struct flower_match *m = p->m;
	unsigned n = 0;
	int rc = look_at_type(p);

	if (!rc)
		rc = look_at_tags(p);
	if (rc)
		return rc;
	if (m->dl_type)
		note(p, FIELD_ETH_TYPE, true);
	m->protocol = m->tpid[0] ? m->tpid[0] : m->dl_type ? m->dl_type : htons(ETH_P_ALL);
	if (m->protocol != htons(ETH_P_ALL))
		nlattr_put_be16(p->b, TCA_FLOWER_KEY_ETH_TYPE, m->protocol);
	for (; n < FLOW_N_VLANS && m->tpid[n]; n++) {
		be16 next = n + 1 < FLOW_N_VLANS && m->tpid[n + 1] ? m->tpid[n + 1] : m->dl_type;

		put_tag(p, n, vid[n], pcp[n]);
		if (next)
			nlattr_put_be16(p->b, inner[n], next);
	}
	return put_depth(p, n);
}

/* --- other headers with code of their own --- */

static void put_lse_parts(struct put *p, uint32_t k, uint32_t m)
{
	if (m & 0xff)
		nlattr_put_u8(p->b, TCA_FLOWER_KEY_MPLS_OPT_LSE_TTL, (uint8_t)k);
	if (m & 0x100)
		nlattr_put_u8(p->b, TCA_FLOWER_KEY_MPLS_OPT_LSE_BOS, k >> 8 & 1);
	if (m & 0xe00)
		nlattr_put_u8(p->b, TCA_FLOWER_KEY_MPLS_OPT_LSE_TC, k >> 9 & 7);
	if (m & 0xfffff000)
		nlattr_put_u32(p->b, TCA_FLOWER_KEY_MPLS_OPT_LSE_LABEL, k >> 12);
}

/* The stack's entry i is known to be missing: a bottom is above it. */
static bool stack_ends_above(const struct put *p, unsigned i)
{
	for (unsigned j = 0; j < i; j++)
		if (p->key->mpls_lse[j] & p->mask->mpls_lse[j] & htonl(0x100))
			return true;
	return false;
}

static int put_mpls(struct put *p)
{
	static const struct {
		uint32_t bits;
		enum field_id field;
	} parts[] = { { 0xff, FIELD_MPLS_TTL },
		      { 0x100, FIELD_MPLS_BOS },
		      { 0xe00, FIELD_MPLS_TC },
		      { 0xfffff000, FIELD_MPLS_LABEL } };
	size_t opts = nlattr_nest_flagged(p->b, TCA_FLOWER_KEY_MPLS_OPTS);

	for (unsigned i = 0; i < FLOW_N_MPLS; i++) {
		uint32_t k = ntohl(p->key->mpls_lse[i]), m = ntohl(p->left.mpls_lse[i]);
		size_t lse;

		if (!m || (!(k & m) && stack_ends_above(p, i)))
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(parts); j++)
			if (m & parts[j].bits && (m & parts[j].bits) != parts[j].bits)
				return cannot_mask(p, parts[j].field);
			else if (m & parts[j].bits)
				note(p, parts[j].field, true);
		lse = nlattr_nest_flagged(p->b, TCA_FLOWER_KEY_MPLS_OPTS_LSE);
		nlattr_put_u8(p->b, TCA_FLOWER_KEY_MPLS_OPT_LSE_DEPTH, (uint8_t)(i + 1));
		put_lse_parts(p, k, m);
		nlattr_nest_end(p->b, lse);
	}
	nlattr_nest_end(p->b, opts);
	memset(p->left.mpls_lse, 0, sizeof(p->left.mpls_lse));
	return 0;
}

static void put_octet(struct put *p, uint16_t value, uint16_t mask, uint8_t k, uint8_t m)
{
	nlattr_put_u8(p->b, value, k & m);
	nlattr_put_u8(p->b, mask, m);
}

static int put_tos(struct put *p)
{
	put_octet(p, TCA_FLOWER_KEY_IP_TOS, TCA_FLOWER_KEY_IP_TOS_MASK, p->key->nw_tos,
		  p->left.nw_tos);
	if (p->left.nw_tos & 0xfc)
		note(p, FIELD_IP_DSCP, (p->left.nw_tos & 0xfc) == 0xfc);
	if (p->left.nw_tos & 3)
		note(p, FIELD_IP_ECN, (p->left.nw_tos & 3) == 3);
	p->left.nw_tos = 0;
	return 0;
}

static int put_proto(struct put *p)
{
	if (p->left.nw_proto != UINT8_MAX)
		return cannot_mask(p, FIELD_IP_PROTO);
	if (p->key->nw_proto == IPPROTO_MPLS) /* the dissector looks through it */
		return cannot(p, FIELD_IP_PROTO);
	note(p, FIELD_IP_PROTO, true);
	nlattr_put_u8(p->b, TCA_FLOWER_KEY_IP_PROTO, p->key->nw_proto);
	p->left.nw_proto = 0;
	return 0;
}

static bool looks_at_l4(const struct put *p)
{
	return p->mask->tp_src || p->mask->tp_dst || p->mask->tcp_flags;
}

/* Which packets, by nw_frag: one kind, or all where that is what was asked. */
static uint8_t frag_kind(const struct put *p)
{
	uint8_t k = p->key->nw_frag & p->mask->nw_frag, m = p->mask->nw_frag;
	bool whole = p->whole || looks_at_l4(p);

	if (k & FLOW_FRAG_LATER)
		return FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	if (k & FLOW_FRAG_ANY) /* a first one, or either where it was not asked */
		return m & FLOW_FRAG_LATER || whole ? FLOW_FRAG_ANY : FLOWER_FRAG_ALL;
	return m || whole ? 0 : FLOWER_FRAG_ALL;
}

static int put_frag(struct put *p)
{
	uint8_t kind = frag_kind(p);
	uint32_t k = 0, m = TCA_FLOWER_KEY_FLAGS_IS_FRAGMENT;

	p->m->frag = kind;
	p->left.nw_frag = 0;
	if (kind == FLOWER_FRAG_ALL && !(p->key->nw_frag & p->mask->nw_frag))
		return 0;
	if (kind == FLOW_FRAG_ANY && looks_at_l4(p))
		return cannot(p, FIELD_IP_FRAG);
	if (kind) {
		k |= TCA_FLOWER_KEY_FLAGS_IS_FRAGMENT;
		if (kind != FLOWER_FRAG_ALL)
			m |= TCA_FLOWER_KEY_FLAGS_FRAG_IS_FIRST;
		if (kind == FLOW_FRAG_ANY)
			k |= TCA_FLOWER_KEY_FLAGS_FRAG_IS_FIRST;
	}
	note(p, FIELD_IP_FRAG, true);
	nlattr_put_be32(p->b, TCA_FLOWER_KEY_FLAGS, htonl(k));
	nlattr_put_be32(p->b, TCA_FLOWER_KEY_FLAGS_MASK, htonl(m));
	return 0;
}

/* The dissector shows zeros for all but requests and replies (RFC 826). */
static bool arp_is_told_apart(const struct put *p)
{
	const struct flow_key *k = p->key, *m = p->mask;
	uint8_t op = k->nw_proto & m->nw_proto;
	uint8_t any = 0;

	if (m->nw_proto == UINT8_MAX)
		return op == 1 || op == 2;
	for (unsigned i = 0; i < sizeof(k->arp_sha.b); i++)
		any |= (k->arp_sha.b[i] & m->arp_sha.b[i]) | (k->arp_tha.b[i] & m->arp_tha.b[i]);
	return op || any || (k->nw_src & m->nw_src) || (k->nw_dst & m->nw_dst);
}

static bool looks_at_arp(const struct flow_key *m)
{
	static const struct eth_addr none;

	return m->nw_proto || m->nw_src || m->nw_dst || !eth_addr_equal(m->arp_sha, none) ||
	       !eth_addr_equal(m->arp_tha, none);
}

static int put_arp_op(struct put *p)
{
	if (!arp_is_told_apart(p))
		return cannot_mask(p, FIELD_ARP_OP);
	if (p->left.nw_proto)
		note(p, FIELD_ARP_OP, true);
	if (p->left.nw_proto)
		put_octet(p, TCA_FLOWER_KEY_ARP_OP, TCA_FLOWER_KEY_ARP_OP_MASK, p->key->nw_proto,
			  p->left.nw_proto);
	p->left.nw_proto = 0;
	return 0;
}

static int put_ct_state(struct put *p)
{
	uint32_t k = ntohl(p->key->ct_state), m = ntohl(p->left.ct_state);
	uint16_t kf, mf;

	k &= m;
	if (m & CT_TRK && !k) /* untracked: no other bit can be set */
		m = CT_TRK;
	if (!flower_ct_state_put(m, &mf))
		return cannot(p, FIELD_CT_STATE);
	if (k)
		k |= CT_TRK, m |= CT_TRK;  /* implied, and the kernel wants it said */
	(void)flower_ct_state_put(k, &kf); /* k has no bit that m lacks */
	(void)flower_ct_state_put(m, &mf);
	if (!flower_ct_state_ok(kf))
		return cannot_mask(p, FIELD_CT_STATE);
	note(p, FIELD_CT_STATE, true);
	nlattr_put_u16(p->b, TCA_FLOWER_KEY_CT_STATE, kf);
	nlattr_put_u16(p->b, TCA_FLOWER_KEY_CT_STATE_MASK, mf);
	p->left.ct_state = 0;
	return 0;
}

static int put_tun_id(struct put *p)
{
	uint64_t id = ntoh64(p->key->tunnel.tun_id);

	if (p->left.tunnel.tun_id != UINT64_MAX || id > UINT32_MAX)
		return cannot_mask(p, FIELD_TUN_ID);
	note(p, FIELD_TUN_ID, true);
	nlattr_put_be32(p->b, TCA_FLOWER_KEY_ENC_KEY_ID, htonl((uint32_t)id));
	p->left.tunnel.tun_id = 0;
	return 0;
}

/* VXLAN (RFC 7348) has a key in every packet and nothing else that this field tells; DF and
 * checksum are the outer header's, which flower does not see. */
static int put_tun_flags(struct put *p)
{
	uint16_t k = ntohs(p->key->tunnel.flags), m = ntohs(p->left.tunnel.flags);
	uint16_t known = FLOW_TNL_F_KEY;

	if (p->m->in.kind == FLOWER_PORT_VXLAN)
		known |= FLOW_TNL_F_OAM;
	if (p->m->in.kind == FLOWER_PORT_GRE || m & ~known || (k & m) != (m & FLOW_TNL_F_KEY))
		return cannot(p, FIELD_TUN_FLAGS);
	p->left.tunnel.flags = 0;
	return 0;
}

static int put_tun_gbp(struct put *p)
{
	const struct flow_tnl *k = &p->key->tunnel;
	struct flow_tnl *m = &p->left.tunnel;

	if (p->m->in.kind != FLOWER_PORT_VXLAN || m->gbp_flags & ~FLOWER_GBP_FLAGS)
		return cannot(p, FIELD_TUN_GBP_ID);
	if (!flower_gbp(k->gbp_id & m->gbp_id, k->gbp_flags & m->gbp_flags)) {
		/* packets without the extension show zeros too, and no option to match on */
		return cannot_mask(p, FIELD_TUN_GBP_ID);
	}
	note(p, FIELD_TUN_GBP_ID, true);
	flower_gbp_put(p->b, TCA_FLOWER_KEY_ENC_OPTS, k->gbp_id & m->gbp_id,
		       k->gbp_flags & m->gbp_flags);
	flower_gbp_put(p->b, TCA_FLOWER_KEY_ENC_OPTS_MASK, m->gbp_id, m->gbp_flags);
	m->gbp_id = 0;
	m->gbp_flags = 0;
	return 0;
}

typedef int put_fn(struct put *p);
static put_fn *const groups[FIELD_N_IDS] = {
	[FIELD_TUN_ID] = put_tun_id,      [FIELD_TUN_FLAGS] = put_tun_flags,
	[FIELD_TUN_GBP_ID] = put_tun_gbp, [FIELD_CT_STATE] = put_ct_state,
	[FIELD_ETH_TYPE] = put_ether,     [FIELD_MPLS_LABEL] = put_mpls,
	[FIELD_IP_DSCP] = put_tos,        [FIELD_IP_FRAG] = put_frag,
	[FIELD_ARP_OP] = put_arp_op,      [FIELD_IP_PROTO] = put_proto,
};

/* --- the rest: value and mask --- */

static int put_plain(struct put *p, const struct field *f, const struct flower_row *row)
{
	union field_value v, m;

	field_read(f, p->key, &v);
	field_read(f, &p->left, &m);
	note(p, f->id, field_value_is_ones(f, &m));
	for (unsigned i = 0; i < f->n_bytes; i++)
		v.b[i] &= m.b[i];
	if (row->how == FLOWER_HOST) {
		flower_swap(&v, f->n_bytes);
		flower_swap(&m, f->n_bytes);
	}
	nlattr_put(p->b, row->value, &v, f->n_bytes);
	if (row->mask)
		nlattr_put(p->b, row->mask, &m, f->n_bytes);
	memset(&m, 0, sizeof(m));
	field_write(f, &m, &p->left);
	return 0;
}

static bool asked(const struct put *p, const struct field *f)
{
	switch (f->id) {
	case FIELD_ETH_TYPE: return true;
	case FIELD_ARP_OP: return flow_is_arp(p->key) && looks_at_arp(&p->left);
	case FIELD_IP_FRAG: return flow_is_ip(p->key);
	case FIELD_IP_DSCP: return flow_is_ip(p->key) && p->left.nw_tos;
	case FIELD_TUN_GBP_ID: return p->left.tunnel.gbp_id || p->left.tunnel.gbp_flags;
	case FIELD_MPLS_LABEL:
		return flow_is_mpls(p->key) &&
		       (p->left.mpls_lse[0] | p->left.mpls_lse[1] | p->left.mpls_lse[2]);
	default:
		return !field_mask_is_zero(f, &p->left) &&
		       field_prereq_matched((enum field_prereq)f->prereq, p->key, p->mask);
	}
}

/* Frames from other ports have no tunnel's header; zeros need no expression. */
static bool has_none(const struct put *p, const struct field *f)
{
	return f->ofs >= offsetof(struct flow_key, tunnel) &&
	       f->ofs < offsetof(struct flow_key, in_port) && !flower_port_is_tunnel(&p->m->in);
}

/* The UDP port that the tunnel device has anyway: drivers look for it. */
static void put_udp_port(struct put *p)
{
	be16 port = p->m->in.udp_port, any = UINT16_MAX;

	if (!port || p->mask->tunnel.tp_dst)
		return;
	nlattr_put_be16(p->b, TCA_FLOWER_KEY_ENC_UDP_DST_PORT, port);
	nlattr_put_be16(p->b, TCA_FLOWER_KEY_ENC_UDP_DST_PORT_MASK, any);
}

static int put_fields(struct put *p)
{
	int rc = 0;

	for (unsigned i = 0; i < FIELD_N_IDS && !rc; i++) {
		const struct field *f = &field_table[i];
		const struct flower_row *row = &flower_keymap[i];

		if (!asked(p, f))
			continue;
		if (row->how == FLOWER_NO || row->how == FLOWER_ABSENT || has_none(p, f))
			rc = cannot(p, f->id);
		else if (row->how == FLOWER_GROUP)
			rc = groups[i] ? groups[i](p) : cannot(p, f->id);
		else if (row->value)
			rc = put_plain(p, f, row);
	}
	return rc;
}

int flower_match_put(const struct flower_env *env, const struct offload_rule *r, bool whole,
		     struct buf *b, struct flower_match *m, struct offload_refusal *why)
{
	struct flow_key key;
	struct put p = { .env = env,
			 .key = &key,
			 .mask = r->mask,
			 .whole = whole,
			 .b = b,
			 .m = m,
			 .why = why,
			 .left = *r->mask };
	int rc;

	flow_key_mask(&key, r->key, r->mask);
	memset(m, 0, sizeof(*m));
	m->frag = FLOWER_FRAG_ALL;
	rc = put_place(&p);
	if (rc)
		return rc;
	drop_absent(&p);
	rc = put_fields(&p);
	if (rc)
		return rc;
	put_udp_port(&p);
	m->has_proto = r->mask->nw_proto == UINT8_MAX;
	m->nw_proto = key.nw_proto;
	if (flow_map_of(&p.left))
		caps_drop_ruled_out(r, &p.left);
	if (flow_map_of(&p.left))
		return flower_refuse(why, OFFLOAD_FIELD, caps_name_left(&p.left), -1);
	return 0;
}
