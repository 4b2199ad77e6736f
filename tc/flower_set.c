/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/flower_set.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/tc_act/tc_csum.h>
#include <linux/tc_act/tc_pedit.h>
#include <netinet/in.h>
#include <string.h>

#include "core/io/nlattr.h"
#include "offload/caps.h"

_Static_assert(FLOWER_SET_HEADERS == __PEDIT_HDR_TYPE_MAX, "an image for each kind of header");

/* A field's place in a header: where its first bit is, counted from the first bit on the wire. */
struct place {
	uint16_t field;   /* enum field_id */
	uint16_t dl_type; /* of packets that have it so; 0: all */
	uint8_t nw_proto; /* likewise */
	uint8_t header;   /* TCA_PEDIT_KEY_EX_HDR_TYPE_* */
	uint16_t bit;
	uint32_t csum; /* TCA_CSUM_UPDATE_FLAG_* beside those of L4 */
	bool pseudo;   /* an address: in L4's checksum too */
};

#define IP4(FIELD, BIT, PSEUDO)                                                                    \
	{                                                                                          \
		FIELD_##FIELD, ETH_P_IP, 0, TCA_PEDIT_KEY_EX_HDR_TYPE_IP4, BIT,                    \
			TCA_CSUM_UPDATE_FLAG_IPV4HDR, PSEUDO                                       \
	}
#define IP6(FIELD, BIT, PSEUDO)                                                                    \
	{                                                                                          \
		FIELD_##FIELD, ETH_P_IPV6, 0, TCA_PEDIT_KEY_EX_HDR_TYPE_IP6, BIT, 0, PSEUDO        \
	}
#define ARP(FIELD, BIT)                                                                            \
	{                                                                                          \
		FIELD_##FIELD, ETH_P_ARP, 0, TCA_PEDIT_KEY_EX_HDR_TYPE_NETWORK, BIT, 0, false      \
	}
#define L4(FIELD, PROTO, BIT)                                                                      \
	{                                                                                          \
		FIELD_##FIELD, 0, IPPROTO_##PROTO, TCA_PEDIT_KEY_EX_HDR_TYPE_##PROTO, BIT, 0,      \
			false                                                                      \
	}
#define ETH(FIELD, BIT)                                                                            \
	{                                                                                          \
		FIELD_##FIELD, 0, 0, TCA_PEDIT_KEY_EX_HDR_TYPE_ETH, BIT, 0, false                  \
	}

/* In the order in which translation commits them, so that what is read back compares equal. */
static const struct place places[] = {
	ETH(ETH_SRC, 48),           ETH(ETH_DST, 0),         IP4(IPV4_SRC, 96, true),
	IP4(IPV4_DST, 128, true),   IP6(IPV6_SRC, 64, true), IP6(IPV6_DST, 192, true),
	IP6(IPV6_LABEL, 12, false), IP4(IP_DSCP, 8, false),  IP6(IP_DSCP, 4, false),
	IP4(IP_ECN, 14, false),     IP6(IP_ECN, 10, false),  IP4(IP_TTL, 64, false),
	IP6(IP_TTL, 56, false),     ARP(ARP_OP, 48),         ARP(ARP_SPA, 112),
	ARP(ARP_TPA, 192),          ARP(ARP_SHA, 64),        ARP(ARP_THA, 144),
	L4(TCP_SRC, TCP, 0),        L4(TCP_DST, TCP, 16),    L4(UDP_SRC, UDP, 0),
	L4(UDP_DST, UDP, 16),
};

/* Spellings of the same bits: IP_DSCP_SHIFTED's six are the upper ones of IP_DSCP's octet. */
static const struct place *place_of(enum field_id id, be16 dl_type, const uint8_t *nw_proto)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct place *p = &places[i];

		if (p->field == (id == FIELD_IP_DSCP_SHIFTED ? FIELD_IP_DSCP : id) &&
		    (!p->dl_type || dl_type == htons(p->dl_type)) &&
		    (!p->nw_proto || (nw_proto && *nw_proto == p->nw_proto)))
			return p;
	}
	return NULL;
}

static bool is_l4(const struct place *p)
{
	return p->nw_proto;
}

bool flower_set_wants_whole(enum field_id field)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i].field == field && (places[i].pseudo || is_l4(&places[i])))
			return true;
	return false;
}

/* --- gathering --- */

static bool bit_get(const uint8_t *b, unsigned i)
{
	return b[i / 8] >> (7 - i % 8) & 1;
}

static void bit_put(uint8_t *b, unsigned i, bool on)
{
	uint8_t m = (uint8_t)(0x80 >> i % 8);

	b[i / 8] = on ? b[i / 8] | m : b[i / 8] & (uint8_t)~m;
}

/* Which checksums cover what is written.  A protocol that is not known may be any that has the
 * addresses in its sum (the user datapath's has_pseudo_header()). */
static uint32_t csum_of(const struct place *p, const struct flower_match *m, be16 dl_type)
{
	uint32_t tcp = TCA_CSUM_UPDATE_FLAG_TCP, udp = TCA_CSUM_UPDATE_FLAG_UDP;
	uint32_t icmp = dl_type == htons(ETH_P_IPV6) ? TCA_CSUM_UPDATE_FLAG_ICMP : 0;

	if (is_l4(p))
		return p->nw_proto == IPPROTO_TCP ? tcp : udp;
	if (!p->pseudo || m->frag & FLOW_FRAG_LATER)
		return p->csum;
	if (!m->has_proto)
		return p->csum | tcp | udp | icmp;
	switch (m->nw_proto) {
	case IPPROTO_TCP: return p->csum | tcp;
	case IPPROTO_UDP: return p->csum | udp;
	case IPPROTO_ICMPV6: return p->csum | icmp;
	default: return p->csum;
	}
}

static int refuse(struct offload_refusal *why, const struct act_set *set)
{
	return flower_refuse(why, OFFLOAD_SET_FIELD, (int)caps_field((enum field_id)set->field),
			     DP_ACT_SET);
}

int flower_set_add(struct flower_set *s, const struct act_set *set, const struct flower_match *m,
		   be16 dl_type, struct offload_refusal *why)
{
	const struct field *f = field_get((enum field_id)set->field);
	const struct place *p =
		place_of((enum field_id)set->field, dl_type, m->has_proto ? &m->nw_proto : NULL);
	unsigned skip = 8u * f->n_bytes - f->n_bits;

	if (!p)
		return refuse(why, set);
	if ((is_l4(p) && m->frag) || (p->pseudo && m->frag && !(m->frag & FLOW_FRAG_LATER)) ||
	    (p->pseudo && m->frag == FLOWER_FRAG_ALL))
		return refuse(why, set);
	for (unsigned i = 0; i < f->n_bits; i++) {
		if (!bit_get(set->mask.b, skip + i))
			continue;
		bit_put(s->header[p->header].mask, p->bit + i, true);
		bit_put(s->header[p->header].value, p->bit + i, bit_get(set->value.b, skip + i));
	}
	s->any = true;
	s->csum |= csum_of(p, m, dl_type);
	return 0;
}

/* --- as attributes --- */

static uint32_t word_of(const uint8_t *b, unsigned i)
{
	uint32_t x;

	memcpy(&x, b + 4 * (size_t)i, sizeof(x));
	return x;
}

static void put_key_ex(struct buf *b, unsigned header)
{
	size_t key = nlattr_nest(b, TCA_PEDIT_KEY_EX);

	nlattr_put_u16(b, TCA_PEDIT_KEY_EX_HTYPE, (uint16_t)header);
	nlattr_put_u16(b, TCA_PEDIT_KEY_EX_CMD, TCA_PEDIT_KEY_EX_CMD_SET);
	nlattr_nest_end(b, key);
}

void flower_set_put_pedit(const struct flower_set *s, struct buf *b)
{
	struct {
		struct tc_pedit_sel sel;
		struct tc_pedit_key keys[FLOWER_SET_HEADERS * FLOWER_SET_BYTES / 4];
	} fixed;
	unsigned n = 0;
	size_t ex;

	memset(&fixed, 0, sizeof(fixed));
	ex = nlattr_nest_flagged(b, TCA_PEDIT_KEYS_EX);
	for (unsigned h = 0; h < FLOWER_SET_HEADERS; h++)
		for (unsigned i = 0; i < FLOWER_SET_BYTES / 4; i++) {
			uint32_t mask = word_of(s->header[h].mask, i);

			if (!mask)
				continue;
			fixed.keys[n].mask = ~mask;
			fixed.keys[n].val = word_of(s->header[h].value, i) & mask;
			fixed.keys[n++].off = 4 * i;
			put_key_ex(b, h);
		}
	nlattr_nest_end(b, ex);
	fixed.sel.nkeys = (unsigned char)n;
	fixed.sel.action = TC_ACT_PIPE;
	nlattr_put(b, TCA_PEDIT_PARMS_EX, &fixed, sizeof(fixed.sel) + n * sizeof(fixed.keys[0]));
}

void flower_set_put_csum(const struct flower_set *s, struct buf *b)
{
	struct tc_csum fixed = { .action = TC_ACT_PIPE, .update_flags = s->csum };

	nlattr_put(b, TCA_CSUM_PARMS, &fixed, sizeof(fixed));
}

/* --- and back --- */

static int get_key(struct flower_set *s, const struct tc_pedit_key *k, const struct nlattr *ex)
{
	static const struct nlattr_policy policy[] = {
		[TCA_PEDIT_KEY_EX_HTYPE] = NLATTR_EXACT(2),
		[TCA_PEDIT_KEY_EX_CMD] = NLATTR_EXACT(2),
	};
	const struct nlattr *tb[ARRAY_SIZE(policy)];
	int rc = nlattr_parse_nested(ex, policy, ARRAY_SIZE(policy), tb);
	uint32_t mask = ~k->mask;
	unsigned h;

	if (rc < 0 || !tb[TCA_PEDIT_KEY_EX_HTYPE] || !tb[TCA_PEDIT_KEY_EX_CMD])
		return -EBADMSG;
	h = nlattr_u16(tb[TCA_PEDIT_KEY_EX_HTYPE]);
	if (nlattr_u16(tb[TCA_PEDIT_KEY_EX_CMD]) != TCA_PEDIT_KEY_EX_CMD_SET ||
	    h >= FLOWER_SET_HEADERS || k->offmask || k->off % 4 || k->off >= FLOWER_SET_BYTES ||
	    k->val & ~mask)
		return -EOPNOTSUPP;
	memcpy(&s->header[h].mask[k->off], &mask, sizeof(mask));
	memcpy(&s->header[h].value[k->off], &k->val, sizeof(k->val));
	return 0;
}

int flower_set_get_pedit(struct flower_set *s, const void *options, size_t len)
{
	static const struct nlattr_policy policy[] = {
		[TCA_PEDIT_PARMS_EX] = { sizeof(struct tc_pedit_sel), UINT16_MAX },
		[TCA_PEDIT_KEYS_EX] = NLATTR_ANY,
		[TCA_PEDIT_TM] = NLATTR_ANY,
	};
	const struct nlattr *tb[ARRAY_SIZE(policy)], *ex;
	struct tc_pedit_sel sel;
	const uint8_t *keys;
	unsigned n = 0;
	bool bad = false;
	int rc = nlattr_parse(options, len, policy, ARRAY_SIZE(policy), tb);

	if (rc < 0 || !tb[TCA_PEDIT_PARMS_EX] || !tb[TCA_PEDIT_KEYS_EX])
		return rc < 0 ? rc : -EOPNOTSUPP;
	memset(s, 0, sizeof(*s));
	memcpy(&sel, nlattr_data(tb[TCA_PEDIT_PARMS_EX]), sizeof(sel));
	if (nlattr_len(tb[TCA_PEDIT_PARMS_EX]) <
	    sizeof(sel) + sel.nkeys * sizeof(struct tc_pedit_key))
		return -EBADMSG;
	if (sel.action != TC_ACT_PIPE)
		return -EOPNOTSUPP;
	keys = (const uint8_t *)nlattr_data(tb[TCA_PEDIT_PARMS_EX]) + sizeof(sel);
	NLATTR_FOR_EACH(ex, nlattr_data(tb[TCA_PEDIT_KEYS_EX]), nlattr_len(tb[TCA_PEDIT_KEYS_EX]),
			&bad)
	{
		struct tc_pedit_key k;

		if (n == sel.nkeys)
			return -EBADMSG;
		memcpy(&k, keys + n++ * sizeof(k), sizeof(k));
		rc = get_key(s, &k, ex);
		if (rc)
			return rc;
	}
	s->any = true;
	return bad || n != sel.nkeys ? -EBADMSG : 0;
}

int flower_set_get_csum(const void *options, size_t len, uint32_t *csum)
{
	static const struct nlattr_policy policy[] = {
		[TCA_CSUM_PARMS] = NLATTR_EXACT(sizeof(struct tc_csum)),
		[TCA_CSUM_TM] = NLATTR_ANY,
	};
	const struct nlattr *tb[ARRAY_SIZE(policy)];
	struct tc_csum fixed;
	int rc = nlattr_parse(options, len, policy, ARRAY_SIZE(policy), tb);

	if (rc < 0 || !tb[TCA_CSUM_PARMS])
		return rc < 0 ? rc : -EBADMSG;
	memcpy(&fixed, nlattr_data(tb[TCA_CSUM_PARMS]), sizeof(fixed));
	if (fixed.action != TC_ACT_PIPE)
		return -EOPNOTSUPP;
	*csum = fixed.update_flags;
	return 0;
}

/* Takes the field's bits out of what is left of the image. */
static bool take(struct flower_set *left, const struct place *p, struct act_set *set)
{
	const struct field *f = field_get((enum field_id)p->field);
	unsigned skip = 8u * f->n_bytes - f->n_bits;
	union field_value ones;
	bool any = false;

	memset(set, 0, sizeof(*set));
	field_ones(f, &ones);
	for (unsigned i = 0; i < f->n_bits; i++) {
		if (!bit_get(ones.b, skip + i) ||
		    !bit_get(left->header[p->header].mask, p->bit + i))
			continue;
		any = true;
		bit_put(set->mask.b, skip + i, true);
		bit_put(set->value.b, skip + i, bit_get(left->header[p->header].value, p->bit + i));
		bit_put(left->header[p->header].mask, p->bit + i, false);
	}
	return any;
}

/* One of the field's bits is written. */
static bool touches(const struct flower_set *s, const struct place *p, be16 dl_type,
		    uint8_t nw_proto)
{
	const struct field *f = field_get((enum field_id)p->field);

	if ((p->dl_type && dl_type != htons(p->dl_type)) ||
	    (p->nw_proto && nw_proto != p->nw_proto))
		return false;
	for (unsigned i = 0; i < f->n_bits; i++)
		if (bit_get(s->header[p->header].mask, p->bit + i))
			return true;
	return false;
}

uint32_t flower_set_csum(const struct flower_set *s, be16 dl_type, const struct flow_key *key,
			 const struct flow_key *mask)
{
	const struct flower_match m = { .has_proto = mask->nw_proto == UINT8_MAX,
					.nw_proto = key->nw_proto,
					.frag = key->nw_frag & mask->nw_frag };
	uint32_t csum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (touches(s, &places[i], dl_type, key->nw_proto & mask->nw_proto))
			csum |= csum_of(&places[i], &m, dl_type);
	return csum;
}

int flower_set_actions(const struct flower_set *s, be16 dl_type, uint8_t nw_proto, struct buf *out)
{
	struct flower_set left = *s;
	struct act_set set;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct place *p = &places[i];

		if ((p->dl_type && dl_type != htons(p->dl_type)) ||
		    (p->nw_proto && nw_proto != p->nw_proto) || !take(&left, p, &set))
			continue;
		dp_actions_put_set(out, (enum field_id)p->field, &set.value, &set.mask);
	}
	for (unsigned h = 0; h < FLOWER_SET_HEADERS; h++)
		for (unsigned i = 0; i < FLOWER_SET_BYTES; i++)
			if (left.header[h].mask[i])
				return -EOPNOTSUPP;
	return 0;
}
