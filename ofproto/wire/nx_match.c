/* SPDX-License-Identifier: Apache-2.0 */
/* NXM and OXM entries. */
#include "ofproto/wire/nx_match.h"

#include "ofproto/wire/msg.h"

#define HEADER(CLASS, FIELD, LEN) ((uint32_t)(CLASS) << 16 | (uint32_t)(FIELD) << 9 | (LEN))
#define CLASS_OXM 0x8000u
#define CLASS_EXPERIMENTER 0xffffu
#define ONF_EXPERIMENTER 0x4f4e4600u
#define HASMASK 0x100u
#define COOKIE_HEADER HEADER(1, 30, 8) /* NXM_NX_COOKIE */

/* One entry's header: the code without its length and mask bit, and how many bytes follow. */
struct entry {
	uint32_t header;
	bool hasmask;
	uint8_t len; /* payload bytes, value and mask together */
	bool known;  /* an experimenter's class that maps to a standard code, or no experimenter */
};

/* ONF's experimenter codes of 1.3 have the numbers that the fields got in class 0x8000 later. */
static enum ofperr entry_header(struct cursor *c, struct entry *e)
{
	uint32_t h = cursor_be32(c), experimenter;

	e->header = h & ~(HASMASK | 0xffu);
	e->hasmask = h & HASMASK;
	e->len = (uint8_t)h;
	e->known = true;
	if (c->bad)
		return OFPERR_MATCH_BAD_LEN;
	if (h >> 16 != CLASS_EXPERIMENTER)
		return OFPERR_OK;
	experimenter = cursor_be32(c);
	if (c->bad || e->len < 4)
		return OFPERR_MATCH_BAD_LEN;
	e->len = (uint8_t)(e->len - 4);
	e->known = experimenter == ONF_EXPERIMENTER;
	e->header = CLASS_OXM << 16 | (e->header & 0xffff);
	return OFPERR_OK;
}

/* Value and mask of a known field; the mask is all ones when none came. */
static enum ofperr entry_payload(struct cursor *c, const struct entry *e, const struct field *f,
				 union field_value *v, union field_value *mask)
{
	if (e->len != (size_t)f->n_bytes * (e->hasmask ? 2 : 1))
		return OFPERR_MATCH_BAD_LEN;
	memset(v, 0, sizeof(*v));
	field_ones(f, mask);
	cursor_copy(c, v, f->n_bytes);
	if (e->hasmask) {
		memset(mask, 0, sizeof(*mask));
		cursor_copy(c, mask, f->n_bytes);
	}
	return c->bad ? OFPERR_MATCH_BAD_LEN : OFPERR_OK;
}

static bool value_within_mask(const union field_value *v, const union field_value *mask)
{
	for (size_t i = 0; i < sizeof(v->b); i++)
		if (v->b[i] & ~mask->b[i])
			return false;
	return true;
}

/* A field that takes no masks still takes the two that mean "exact" and "not at all". */
static bool mask_ok(const struct field *f, union field_value *mask)
{
	union field_value ones;

	field_ones(f, &ones);
	for (unsigned i = 0; i < f->n_bytes; i++)
		mask->b[i] &= ones.b[i];
	return f->maskable || !memcmp(mask->b, ones.b, sizeof(ones.b)) ||
	       field_value_is_zero(f, mask);
}

static enum ofperr entry_check(const struct field *f, const union field_value *v,
			       union field_value *mask)
{
	if (!field_value_ok(f, v))
		return OFPERR_MATCH_BAD_VALUE;
	if (!mask_ok(f, mask))
		return OFPERR_MATCH_BAD_MASK;
	return value_within_mask(v, mask) ? OFPERR_OK : OFPERR_MATCH_BAD_WILDCARDS;
}

/* NXM's in_port has the 16-bit numbers of OpenFlow 1.0. */
static enum ofperr widen_in_port(const struct field **f, union field_value *v,
				 union field_value *mask)
{
	struct ofp_port port;

	if ((*f)->id != FIELD_IN_PORT || field_value_is_zero(*f, mask))
		return OFPERR_OK;
	if (ofp_port_from_of10(ntohs(v->be16), &port))
		return OFPERR_MATCH_BAD_VALUE;
	*f = field_get(FIELD_IN_PORT_OXM);
	v->be32 = htonl(port.v);
	field_ones(*f, mask);
	return OFPERR_OK;
}

/* mpls_ttl has the same number; the two differ in length. */
static bool is_cookie(const struct entry *e)
{
	return e->known && e->header == (COOKIE_HEADER & ~0xffu) && e->len == (e->hasmask ? 16 : 8);
}

static enum ofperr decode_cookie(struct cursor *c, const struct entry *e, struct nx_cookie *cookie)
{
	if (!cookie)
		return OFPERR_MATCH_BAD_FIELD;
	if (cookie->mask)
		return OFPERR_MATCH_DUP_FIELD;
	cookie->mask = UINT64_MAX;
	cursor_copy(c, &cookie->cookie, 8);
	if (e->hasmask)
		cursor_copy(c, &cookie->mask, 8);
	if (c->bad)
		return OFPERR_MATCH_BAD_LEN;
	return cookie->cookie & ~cookie->mask ? OFPERR_MATCH_BAD_WILDCARDS : OFPERR_OK;
}

/* "No tag" has one form, that of a whole TCI of zero, so that OXM's vlan_vid 0 and OpenFlow 1.0's
 * dl_vlan 0xffff are the same match. */
static void canonical_no_vlan(struct match *m)
{
	if (m->mask.vlans[0].tci == htons(0x1fff) && !m->key.vlans[0].tci)
		m->mask.vlans[0].tci = htons(0xffff);
}

static enum ofperr decode_field(struct cursor *c, const struct entry *e, const struct field *f,
				int mode, struct match *m)
{
	union field_value v, mask;
	enum ofperr err = entry_payload(c, e, f, &v, &mask);

	if (!err)
		err = entry_check(f, &v, &mask);
	if (!err)
		err = widen_in_port(&f, &v, &mask);
	if (err)
		return err;
	if (!field_mask_is_zero(f, &m->mask))
		return OFPERR_MATCH_DUP_FIELD;
	if (mode == NX_MATCH_STRICT &&
	    !field_prereq_matched((enum field_prereq)f->prereq, &m->key, &m->mask))
		return OFPERR_MATCH_BAD_PREREQ;
	match_set(m, f, &v, &mask);
	if (f->id == FIELD_VLAN_VID)
		canonical_no_vlan(m);
	return OFPERR_OK;
}

enum ofperr nx_match_decode(struct cursor c, int mode, struct match *m, struct nx_cookie *cookie)
{
	match_init_catchall(m);
	if (cookie)
		*cookie = (struct nx_cookie){ 0, 0 };
	while (cursor_left(&c)) {
		const struct field *f;
		struct entry e;
		enum ofperr err = entry_header(&c, &e);

		if (err)
			return err;
		f = e.known ? field_by_header(e.header) : NULL;
		if (is_cookie(&e)) {
			err = decode_cookie(&c, &e, cookie);
		} else if (f) {
			err = decode_field(&c, &e, f, mode, m);
		} else if (mode == NX_MATCH_LOOSE) {
			(void)cursor_take(&c, e.len);
			err = c.bad ? OFPERR_MATCH_BAD_LEN : OFPERR_OK;
		} else {
			err = OFPERR_MATCH_BAD_FIELD;
		}
		if (err)
			return err;
	}
	return OFPERR_OK;
}

enum ofperr nx_field_decode(struct cursor *c, const struct field **f, bool *hasmask)
{
	struct entry e;
	enum ofperr err = entry_header(c, &e);

	if (err)
		return OFPERR_BAD_ACT_LEN;
	*f = e.known ? field_by_header(e.header) : NULL;
	*hasmask = e.hasmask;
	return *f ? OFPERR_OK : OFPERR_BAD_SET_TYPE;
}

enum ofperr nx_entry_decode(struct cursor *c, const struct field **f, union field_value *v,
			    union field_value *mask)
{
	struct entry e;
	enum ofperr err = entry_header(c, &e);

	if (err)
		return err;
	*f = e.known ? field_by_header(e.header) : NULL;
	if (!*f)
		return OFPERR_MATCH_BAD_FIELD;
	err = entry_payload(c, &e, *f, v, mask);
	return err ? err : entry_check(*f, v, mask);
}

/* --- writing --------------------------------------------------------------------------------- */

/* Fields that 1.3 knows under ONF's experimenter class only. */
static bool onf_field(const struct field *f, uint8_t version)
{
	return version >= OFP13 && version < f->oxm_version &&
	       (f->id == FIELD_TCP_FLAGS || f->id == FIELD_ACTSET_OUTPUT);
}

void nx_header_encode(const struct field *f, uint8_t version, bool hasmask, unsigned payload,
		      struct buf *out)
{
	uint32_t h = field_header(f, version), mask_bit = hasmask ? HASMASK : 0;

	if (onf_field(f, version)) {
		h = HEADER(CLASS_EXPERIMENTER, (f->oxm >> 9) & 0x7f, 0);
		buf_put_be32(out, h | mask_bit | (payload + 4));
		buf_put_be32(out, ONF_EXPERIMENTER);
		return;
	}
	if (!h)
		h = f->oxm; /* newer than the version, but taken where its class is */
	buf_put_be32(out, (h & ~0x1ffu) | mask_bit | payload);
}

bool nx_field_encodable(const struct field *f, uint8_t version)
{
	return field_header(f, version) || f->oxm;
}

/* The 16-bit in_port has a code of NXM only; OXM's has 32 bits. */
static const struct field *widen_for_oxm(const struct field *f, uint8_t version,
					 const union field_value *v, union field_value *wide)
{
	struct ofp_port port = { ntohs(v->be16) };

	if (f->id != FIELD_IN_PORT || version == OFP10)
		return f;
	(void)ofp_port_from_of10(ntohs(v->be16), &port); /* else: as it is */
	wide->be32 = htonl(port.v);
	return field_get(FIELD_IN_PORT_OXM);
}

void nx_entry_encode(const struct field *f, uint8_t version, const union field_value *v,
		     const union field_value *mask, struct buf *out)
{
	union field_value wide;
	const struct field *oxm = widen_for_oxm(f, version, v, &wide);

	if (oxm != f) {
		nx_entry_encode(oxm, version, &wide, NULL, out);
		return;
	}
	nx_header_encode(f, version, mask, f->n_bytes * (mask ? 2u : 1u), out);
	buf_put(out, v, f->n_bytes);
	if (mask)
		buf_put(out, mask, f->n_bytes);
}

static void put_field(const struct match *m, enum field_id id, uint8_t version, struct buf *out)
{
	const struct field *f = field_get(id);
	union field_value v, mask;

	memset(&v, 0, sizeof(v));
	memset(&mask, 0, sizeof(mask));
	field_read(f, &m->key, &v);
	field_read(f, &m->mask, &mask);
	nx_entry_encode(f, version, &v, field_mask_is_exact(f, &m->mask) ? NULL : &mask, out);
}

/* The fields of a match in the order that they are written, each behind its prerequisites.  Fields
 * that share bits of the key are told apart by their prerequisites; those that also share these
 * (in_port, VLAN, DSCP) have their own functions, wide registers are written as their halves. */
static const uint8_t meta_order[] = { FIELD_ACTSET_OUTPUT, FIELD_DP_HASH, FIELD_RECIRC_ID,
				      FIELD_CONJ_ID, FIELD_PACKET_TYPE };
static const uint8_t packet_order[] = {
	FIELD_MPLS_TC,      FIELD_MPLS_BOS,    FIELD_MPLS_TTL,    FIELD_MPLS_LABEL,
	FIELD_IPV4_SRC,     FIELD_IPV4_DST,    FIELD_IPV6_SRC,    FIELD_IPV6_DST,
	FIELD_IPV6_LABEL,   FIELD_IP_PROTO,    FIELD_IP_ECN,      FIELD_IP_TTL,
	FIELD_IP_FRAG,      FIELD_ARP_OP,      FIELD_ARP_SPA,     FIELD_ARP_TPA,
	FIELD_ARP_SHA,      FIELD_ARP_THA,     FIELD_TCP_SRC,     FIELD_TCP_DST,
	FIELD_TCP_FLAGS,    FIELD_UDP_SRC,     FIELD_UDP_DST,     FIELD_SCTP_SRC,
	FIELD_SCTP_DST,     FIELD_ICMPV4_TYPE, FIELD_ICMPV4_CODE, FIELD_ICMPV6_TYPE,
	FIELD_ICMPV6_CODE,  FIELD_ND_TARGET,   FIELD_ND_SLL,      FIELD_ND_TLL,
	FIELD_TUN_ID,       FIELD_TUN_SRC,     FIELD_TUN_DST,     FIELD_TUN_IPV6_SRC,
	FIELD_TUN_IPV6_DST, FIELD_TUN_FLAGS,   FIELD_TUN_GBP_ID,  FIELD_TUN_GBP_FLAGS,
	FIELD_TUN_TOS,      FIELD_TUN_TTL,
};
static const uint8_t mark_order[] = { FIELD_PKT_MARK,    FIELD_SKB_PRIORITY, FIELD_CT_STATE,
				      FIELD_CT_ZONE,     FIELD_CT_MARK,      FIELD_CT_LABEL,
				      FIELD_CT_NW_PROTO, FIELD_CT_NW_SRC,    FIELD_CT_NW_DST,
				      FIELD_CT_IPV6_SRC, FIELD_CT_IPV6_DST,  FIELD_CT_TP_SRC,
				      FIELD_CT_TP_DST,   FIELD_METADATA };

static void put_ids(const struct match *m, const uint8_t *ids, size_t n, uint8_t version,
		    struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = field_get((enum field_id)ids[i]);

		if (!field_mask_is_zero(f, &m->mask) && nx_field_encodable(f, version) &&
		    field_prereq_matched((enum field_prereq)f->prereq, &m->key, &m->mask))
			put_field(m, f->id, version, out);
	}
}

static void put_in_port(const struct match *m, uint8_t version, struct buf *out)
{
	const struct field *f = field_get(FIELD_IN_PORT);
	union field_value v = { .b = { 0 } };

	if (!m->mask.in_port)
		return;
	if (version != OFP10) {
		put_field(m, FIELD_IN_PORT_OXM, version, out);
		return;
	}
	v.be16 = htons(ofp_port_to_of10(flow_in_ofp(&m->key)));
	nx_entry_encode(f, version, &v, NULL, out);
}

/* OXM has the VLAN in two fields, of which only vid takes a mask; what they cannot say goes as
 * NXM's whole TCI. */
static void put_vlan(const struct match *m, uint8_t version, struct buf *out)
{
	uint16_t tci = ntohs(m->key.vlans[0].tci), mask = ntohs(m->mask.vlans[0].tci);
	uint16_t pcp_mask = mask & 0xe000;
	bool no_vlan;

	if (!mask)
		return;
	no_vlan = mask == 0xffff && !tci;
	if (version == OFP10 || (pcp_mask && pcp_mask != 0xe000) ||
	    (pcp_mask && !(tci & VLAN_CFI) && !no_vlan)) {
		put_field(m, FIELD_VLAN_TCI, version, out);
		return;
	}
	put_field(m, FIELD_VLAN_VID, version, out);
	if (pcp_mask && !no_vlan)
		put_field(m, FIELD_VLAN_PCP, version, out);
}

static void put_dscp(const struct match *m, uint8_t version, struct buf *out)
{
	enum field_id id = version == OFP10 ? FIELD_IP_DSCP : FIELD_IP_DSCP_SHIFTED;

	if (!field_mask_is_zero(field_get(id), &m->mask) &&
	    field_prereq_matched(FIELD_PRE_IP, &m->key, &m->mask))
		put_field(m, id, version, out);
}

static void put_regs(const struct match *m, uint8_t version, struct buf *out)
{
	for (unsigned i = 0; i < FLOW_N_REGS; i++)
		if (m->mask.regs[i])
			put_field(m, (enum field_id)(FIELD_REG0 + i), version, out);
}

void nx_match_encode(const struct match *m, uint8_t version, const struct nx_cookie *cookie,
		     struct buf *out)
{
	static const uint8_t l2_order[] = { FIELD_ETH_SRC, FIELD_ETH_DST, FIELD_ETH_TYPE };

	put_ids(m, meta_order, sizeof(meta_order), version, out);
	put_in_port(m, version, out);
	put_ids(m, l2_order, sizeof(l2_order), version, out);
	put_vlan(m, version, out);
	put_dscp(m, version, out);
	put_ids(m, packet_order, sizeof(packet_order), version, out);
	put_regs(m, version, out);
	put_ids(m, mark_order, sizeof(mark_order), version, out);
	if (cookie && cookie->mask) {
		bool exact = cookie->mask == UINT64_MAX;

		buf_put_be32(out, exact ? COOKIE_HEADER : (COOKIE_HEADER + 8) | HASMASK);
		buf_put(out, &cookie->cookie, 8);
		if (!exact)
			buf_put(out, &cookie->mask, 8);
	}
}

enum ofperr oxm_match_decode(struct cursor *c, struct match *m)
{
	uint16_t type = cursor_be16(c), len = cursor_be16(c);
	struct cursor body;

	if (c->bad || len < 4)
		return OFPERR_MATCH_BAD_LEN;
	if (type != 1) /* OFPMT_OXM */
		return OFPERR_MATCH_BAD_TYPE;
	body = cursor_sub(c, len - 4u);
	(void)cursor_take(c, ROUND_UP((size_t)len, 8) - len);
	return c->bad ? OFPERR_MATCH_BAD_LEN : nx_match_decode(body, NX_MATCH_STRICT, m, NULL);
}

void oxm_match_encode(const struct match *m, uint8_t version, struct buf *out)
{
	size_t start = out->len;

	buf_put_be16(out, 1);
	buf_put_be16(out, 0);
	nx_match_encode(m, version, NULL, out);
	buf_set_be16(out, start + 2, (uint16_t)(out->len - start));
	buf_pad(out, start, 8);
}
