/* SPDX-License-Identifier: Apache-2.0 */
/* NXAST_CT, NXAST_NAT and NXAST_CT_CLEAR, both ways.  A ct action's own fields are followed by a
 * list: the NAT, and what is written into the connection's mark and label (ovs-actions(7), "The ct
 * action"). */
#include <sys/socket.h>

#include "ofproto/wire/ofpact_codec_impl.h"

/* Which parts of a NAT's range follow. */
#define HAS_IPV4_MIN 0x01
#define HAS_IPV4_MAX 0x02
#define HAS_IPV6_MIN 0x04
#define HAS_IPV6_MAX 0x08
#define HAS_PORT_MIN 0x10
#define HAS_PORT_MAX 0x20
#define HAS_ANY 0x3f

/* --- from the wire --- */

static enum ofperr read_zone(struct cursor *c, struct ofpact_ct *ct)
{
	struct cursor field = cursor_sub(c, 4), peek = field;
	uint16_t zone = cursor_be16(c);
	enum ofperr e;

	if (!cursor_be32(&peek)) {
		ct->zone = zone;
		return OFPERR_OK;
	}
	e = ofpact_read_bits(&field, zone >> 6, (zone & 0x3fu) + 1, &ct->zone_src);
	return e ? e : ct->zone_src.n != 16 ? OFPERR_BAD_SET_LEN : OFPERR_OK;
}

enum ofperr ofpact_decode_ct(struct act_in *in)
{
	size_t record = in->list->len;
	struct ofpact_ct ct = { .flags = cursor_be16(&in->c) };
	enum ofperr e = read_zone(&in->c, &ct);

	ct.table = cursor_u8(&in->c);
	(void)cursor_take(&in->c, 3);
	ct.alg = cursor_be16(&in->c);
	if (e)
		return e;
	if (ct.flags & ~(OFPACT_CT_COMMIT | OFPACT_CT_FORCE) ||
	    (ct.alg && ct.alg != OFPACT_ALG_FTP && ct.alg != OFPACT_ALG_TFTP))
		return OFPERR_BAD_ARGUMENT;
	ofpact_put(in->list, OFPACT_CT, &ct, sizeof(ct));
	return ofpact_decode_nested(in, record);
}

static uint16_t optional_be16(struct cursor *c, bool there)
{
	return there ? cursor_be16(c) : 0;
}

static void optional_bytes(struct cursor *c, bool there, void *to, size_t n)
{
	if (there)
		cursor_copy(c, to, n);
}

static void read_range(struct cursor *c, unsigned has, struct ofpact_nat *n)
{
	if (has & (HAS_IPV4_MIN | HAS_IPV4_MAX)) {
		n->family = AF_INET;
		optional_bytes(c, has & HAS_IPV4_MIN, &n->addr_min, 4);
		optional_bytes(c, has & HAS_IPV4_MAX, &n->addr_max, 4);
	} else if (has & (HAS_IPV6_MIN | HAS_IPV6_MAX)) {
		n->family = AF_INET6;
		optional_bytes(c, has & HAS_IPV6_MIN, &n->addr_min, 16);
		optional_bytes(c, has & HAS_IPV6_MAX, &n->addr_max, 16);
	}
	n->port_min = optional_be16(c, has & HAS_PORT_MIN);
	n->port_max = optional_be16(c, has & HAS_PORT_MAX);
}

/* An end needs a beginning, and one family is enough. */
static bool range_ok(unsigned has)
{
	unsigned v4 = has & (HAS_IPV4_MIN | HAS_IPV4_MAX), v6 = has & (HAS_IPV6_MIN | HAS_IPV6_MAX);

	return !(has & ~HAS_ANY) && !(v4 && v6) && v4 != HAS_IPV4_MAX && v6 != HAS_IPV6_MAX &&
	       (has & (HAS_PORT_MIN | HAS_PORT_MAX)) != HAS_PORT_MAX;
}

enum ofperr ofpact_decode_nat(struct act_in *in)
{
	struct ofpact_nat n = { .flags = 0 };
	uint16_t pad = cursor_be16(&in->c), has;

	n.flags = cursor_be16(&in->c);
	has = cursor_be16(&in->c);
	if (pad || n.flags & ~OFPACT_NAT_FLAGS || !range_ok(has))
		return OFPERR_BAD_ARGUMENT;
	read_range(&in->c, has, &n);
	if (cursor_left(&in->c) >= 8)
		return OFPERR_BAD_ACT_LEN;
	if (!ofpact_nat_ok(&n))
		return OFPERR_BAD_ARGUMENT;
	ofpact_put(in->list, OFPACT_NAT, &n, sizeof(n));
	return OFPERR_OK;
}

bool ofpact_nat_ok(const struct ofpact_nat *n)
{
	static const struct be128 none;
	uint16_t way = n->flags & (OFPACT_NAT_SRC | OFPACT_NAT_DST);
	uint16_t ports = n->flags & (OFPACT_NAT_HASH | OFPACT_NAT_RANDOM);

	if (!way)
		return !n->flags && !n->family && !n->port_min;
	if (way == (OFPACT_NAT_SRC | OFPACT_NAT_DST) ||
	    ports == (OFPACT_NAT_HASH | OFPACT_NAT_RANDOM))
		return false;
	if (memcmp(&n->addr_max, &none, sizeof(none)) &&
	    memcmp(&n->addr_max, &n->addr_min, n->family == AF_INET ? 4 : 16) < 0)
		return false;
	return !n->port_max || n->port_max >= n->port_min;
}

/* --- to the wire --- */

void ofpact_encode_ct(const struct ofpact *a, uint8_t version, struct buf *out)
{
	const struct ofpact_ct *ct = ofpact_payload(a);
	const struct field *f = field_get((enum field_id)ct->zone_src.field);
	size_t start = ofpact_wire_begin_nx(out, 35);

	buf_put_be16(out, ct->flags);
	if (ct->zone_src.n) {
		nx_header_encode(f, OFP10, false, f->n_bytes, out);
		buf_put_be16(out, OFPACT_OFS_NBITS(ct->zone_src.ofs, ct->zone_src.n));
	} else {
		buf_put_be32(out, 0);
		buf_put_be16(out, ct->zone);
	}
	buf_put_u8(out, ct->table);
	buf_put_zeros(out, 3);
	buf_put_be16(out, ct->alg);
	ofpacts_encode(ofpact_nested(a), version, out);
	ofpact_wire_end(out, start);
}

static void put_address(struct buf *out, const struct be128 *addr, uint16_t family, unsigned *has,
			unsigned v4)
{
	*has |= family == AF_INET ? v4 : v4 << 2;
	buf_put(out, addr, family == AF_INET ? 4 : 16);
}

void ofpact_encode_nat(const struct ofpact *a, uint8_t version, struct buf *out)
{
	static const struct be128 none;
	const struct ofpact_nat *n = ofpact_payload(a);
	size_t start = ofpact_wire_begin_nx(out, 36), at;
	unsigned has = 0;

	(void)version;
	buf_put_be16(out, 0);
	buf_put_be16(out, n->flags);
	at = out->len;
	buf_put_be16(out, 0);
	if (n->family)
		put_address(out, &n->addr_min, n->family, &has, HAS_IPV4_MIN);
	if (n->family && memcmp(&n->addr_max, &none, sizeof(none)))
		put_address(out, &n->addr_max, n->family, &has, HAS_IPV4_MAX);
	if (n->port_min) {
		has |= HAS_PORT_MIN;
		buf_put_be16(out, n->port_min);
	}
	if (n->port_max) {
		has |= HAS_PORT_MAX;
		buf_put_be16(out, n->port_max);
	}
	buf_set_be16(out, at, (uint16_t)has);
	ofpact_wire_end(out, start);
}
