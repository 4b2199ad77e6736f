/* SPDX-License-Identifier: Apache-2.0 */
/* The table of messages, and what loops over it. */
#include "ofproto/wire/msg.h"

#include <assert.h>
#include <errno.h>

#define NX_VENDOR 0x00002320u
#define MORE 1 /* OFPSF_REPLY_MORE, OFPMPF_REQ_MORE */

/* Where a message's identity is. */
enum form {
	PLAIN,    /* the header's type */
	STATS,    /* type, then a statistics type */
	NX,       /* type, then experimenter and subtype */
	NX_STATS, /* type, statistics type 0xffff, then experimenter and subtype */
};
#define EXACT 1 /* the body has the shortest length and no more */

/* One way that one version spells one kind. */
struct row {
	uint8_t kind; /* enum ofp_msg_kind */
	uint8_t version;
	uint8_t form; /* enum form */
	uint8_t type;
	uint16_t sub; /* statistics type or subtype */
	uint16_t min; /* shortest body */
	uint8_t flags;
};

/* clang-format off */
#define V10 OFP10
#define V13 OFP13
#define STATS10(KIND, SUB, REQ, REQ_F, REP, REP_F) \
	{ OFP_##KIND##_REQUEST, V10, STATS, 16, SUB, REQ, REQ_F }, \
	{ OFP_##KIND##_REPLY, V10, STATS, 17, SUB, REP, REP_F }
#define STATS13(KIND, SUB, REQ, REQ_F, REP, REP_F) \
	{ OFP_##KIND##_REQUEST, V13, STATS, 18, SUB, REQ, REQ_F }, \
	{ OFP_##KIND##_REPLY, V13, STATS, 19, SUB, REP, REP_F }
/* a Nicira message of both versions */
#define NXT(KIND, SUB, MIN, F) \
	{ KIND, V10, NX, 4, SUB, MIN, F }, \
	{ KIND, V13, NX, 4, SUB, MIN, F }
static const struct row rows[] = {
	{ OFP_HELLO, V10, PLAIN, 0, 0, 0, 0 },
	{ OFP_HELLO, V13, PLAIN, 0, 0, 0, 0 },
	{ OFP_ERROR, V10, PLAIN, 1, 0, 4, 0 },
	{ OFP_ERROR, V13, PLAIN, 1, 0, 4, 0 },
	{ OFP_ECHO_REQUEST, V10, PLAIN, 2, 0, 0, 0 },
	{ OFP_ECHO_REQUEST, V13, PLAIN, 2, 0, 0, 0 },
	{ OFP_ECHO_REPLY, V10, PLAIN, 3, 0, 0, 0 },
	{ OFP_ECHO_REPLY, V13, PLAIN, 3, 0, 0, 0 },
	{ OFP_FEATURES_REQUEST, V10, PLAIN, 5, 0, 0, EXACT },
	{ OFP_FEATURES_REQUEST, V13, PLAIN, 5, 0, 0, EXACT },
	{ OFP_FEATURES_REPLY, V10, PLAIN, 6, 0, 24, 0 },
	{ OFP_FEATURES_REPLY, V13, PLAIN, 6, 0, 24, EXACT },
	{ OFP_GET_CONFIG_REQUEST, V10, PLAIN, 7, 0, 0, EXACT },
	{ OFP_GET_CONFIG_REQUEST, V13, PLAIN, 7, 0, 0, EXACT },
	{ OFP_GET_CONFIG_REPLY, V10, PLAIN, 8, 0, 4, EXACT },
	{ OFP_GET_CONFIG_REPLY, V13, PLAIN, 8, 0, 4, EXACT },
	{ OFP_SET_CONFIG, V10, PLAIN, 9, 0, 4, EXACT },
	{ OFP_SET_CONFIG, V13, PLAIN, 9, 0, 4, EXACT },
	{ OFP_PACKET_IN, V10, PLAIN, 10, 0, 10, 0 },
	{ OFP_PACKET_IN, V13, PLAIN, 10, 0, 26, 0 },
	{ OFP_FLOW_REMOVED, V10, PLAIN, 11, 0, 80, EXACT },
	{ OFP_FLOW_REMOVED, V13, PLAIN, 11, 0, 48, 0 },
	{ OFP_PORT_STATUS, V10, PLAIN, 12, 0, 56, EXACT },
	{ OFP_PORT_STATUS, V13, PLAIN, 12, 0, 72, EXACT },
	{ OFP_PACKET_OUT, V10, PLAIN, 13, 0, 8, 0 },
	{ OFP_PACKET_OUT, V13, PLAIN, 13, 0, 16, 0 },
	{ OFP_FLOW_MOD, V10, PLAIN, 14, 0, 64, 0 },
	{ OFP_FLOW_MOD, V13, PLAIN, 14, 0, 48, 0 },
	{ OFP_PORT_MOD, V10, PLAIN, 15, 0, 24, EXACT },
	{ OFP_PORT_MOD, V13, PLAIN, 16, 0, 32, EXACT },
	{ OFP_GROUP_MOD, V13, PLAIN, 15, 0, 8, 0 },
	{ OFP_TABLE_MOD, V13, PLAIN, 17, 0, 8, EXACT },
	{ OFP_METER_MOD, V13, PLAIN, 29, 0, 8, 0 },
	{ OFP_BARRIER_REQUEST, V10, PLAIN, 18, 0, 0, EXACT },
	{ OFP_BARRIER_REQUEST, V13, PLAIN, 20, 0, 0, EXACT },
	{ OFP_BARRIER_REPLY, V10, PLAIN, 19, 0, 0, EXACT },
	{ OFP_BARRIER_REPLY, V13, PLAIN, 21, 0, 0, EXACT },
	{ OFP_QUEUE_GET_CONFIG_REQUEST, V10, PLAIN, 20, 0, 4, EXACT },
	{ OFP_QUEUE_GET_CONFIG_REQUEST, V13, PLAIN, 22, 0, 8, EXACT },
	{ OFP_QUEUE_GET_CONFIG_REPLY, V10, PLAIN, 21, 0, 8, 0 },
	{ OFP_QUEUE_GET_CONFIG_REPLY, V13, PLAIN, 23, 0, 8, 0 },
	{ OFP_ROLE_REQUEST, V13, PLAIN, 24, 0, 16, EXACT },
	{ OFP_ROLE_REPLY, V13, PLAIN, 25, 0, 16, EXACT },
	{ OFP_ROLE_REQUEST, V10, NX, 4, 10, 4, EXACT },
	{ OFP_ROLE_REPLY, V10, NX, 4, 11, 4, EXACT },
	{ OFP_GET_ASYNC_REQUEST, V13, PLAIN, 26, 0, 0, EXACT },
	{ OFP_GET_ASYNC_REPLY, V13, PLAIN, 27, 0, 24, EXACT },
	{ OFP_SET_ASYNC, V13, PLAIN, 28, 0, 24, EXACT },
	NXT(OFP_SET_ASYNC, 19, 24, EXACT),
	{ OFP_NXT_SET_FLOW_FORMAT, V10, NX, 4, 12, 4, EXACT },
	{ OFP_NXT_FLOW_MOD, V10, NX, 4, 13, 32, 0 },
	{ OFP_NXT_FLOW_REMOVED, V10, NX, 4, 14, 40, 0 },
	NXT(OFP_NXT_FLOW_MOD_TABLE_ID, 15, 8, EXACT),
	NXT(OFP_NXT_SET_PACKET_IN_FORMAT, 16, 4, EXACT),
	NXT(OFP_NXT_PACKET_IN, 17, 24, 0),
	NXT(OFP_NXT_FLOW_AGE, 18, 0, EXACT),
	NXT(OFP_NXT_SET_CONTROLLER_ID, 20, 8, EXACT),
	NXT(OFP_NXT_PACKET_IN2, 30, 0, 0),
	STATS10(DESC, 0, 0, EXACT, 1056, EXACT),
	STATS13(DESC, 0, 0, EXACT, 1056, EXACT),
	STATS10(FLOW_STATS, 1, 44, EXACT, 0, 0),
	STATS13(FLOW_STATS, 1, 40, 0, 0, 0),
	STATS10(AGGREGATE, 2, 44, EXACT, 24, EXACT),
	STATS13(AGGREGATE, 2, 40, 0, 24, EXACT),
	{ OFP_NXST_FLOW_REQUEST, V10, NX_STATS, 16, 0, 8, 0 },
	{ OFP_NXST_FLOW_REPLY, V10, NX_STATS, 17, 0, 0, 0 },
	{ OFP_NXST_AGGREGATE_REQUEST, V10, NX_STATS, 16, 1, 8, 0 },
	{ OFP_NXST_AGGREGATE_REPLY, V10, NX_STATS, 17, 1, 24, EXACT },
	STATS10(TABLE_STATS, 3, 0, EXACT, 0, 0),
	STATS13(TABLE_STATS, 3, 0, EXACT, 0, 0),
	STATS10(PORT_STATS, 4, 8, EXACT, 0, 0),
	STATS13(PORT_STATS, 4, 8, EXACT, 0, 0),
	STATS10(QUEUE_STATS, 5, 8, EXACT, 0, 0),
	STATS13(QUEUE_STATS, 5, 8, EXACT, 0, 0),
	STATS13(GROUP_STATS, 6, 8, EXACT, 0, 0),
	STATS13(GROUP_DESC, 7, 0, EXACT, 0, 0),
	STATS13(GROUP_FEATURES, 8, 0, EXACT, 40, EXACT),
	STATS13(METER_STATS, 9, 8, EXACT, 0, 0),
	STATS13(METER_CONFIG, 10, 8, EXACT, 0, 0),
	STATS13(METER_FEATURES, 11, 0, EXACT, 16, EXACT),
	STATS13(TABLE_FEATURES, 12, 0, 0, 0, 0),
	STATS10(PORT_DESC, 13, 0, EXACT, 0, 0),
	STATS13(PORT_DESC, 13, 0, EXACT, 0, 0),
};
/* clang-format on */

/* Bytes of all headers, by form, in 1.0 and 1.3. */
static size_t header_len(enum form form, uint8_t version)
{
	static const uint8_t len10[] = { 8, 12, 16, 24 }, len13[] = { 8, 16, 16, 24 };

	return version == OFP10 ? len10[form] : len13[form];
}

static bool type_is_stats(uint8_t version, uint8_t type)
{
	return version == OFP10 ? type == 16 || type == 17 : type == 18 || type == 19;
}

int ofp_frame_len(const void *data, size_t len)
{
	struct cursor c = cursor_init(data, len);
	uint16_t n;

	if (len < OFP_HEADER_LEN)
		return 0;
	(void)cursor_be16(&c); /* version, type */
	n = cursor_be16(&c);
	return n < OFP_HEADER_LEN ? -EPROTO : n;
}

uint8_t ofp_msg_version(const void *msg)
{
	return *(const uint8_t *)msg;
}

uint32_t ofp_msg_xid(const void *msg)
{
	struct cursor c = cursor_init((const uint8_t *)msg + 4, 4);

	return cursor_be32(&c);
}

/* What the headers of one message say, before the table is asked. */
struct ident {
	uint8_t version, type;
	uint8_t form; /* enum form */
	uint16_t sub, flags;
};

/* The vendor and subtype behind a header.  Subtypes above 16 bits are nobody's. */
static enum ofperr read_nicira(struct cursor *c, struct ident *id)
{
	uint32_t vendor = cursor_be32(c), sub = cursor_be32(c);

	if (c->bad)
		return OFPERR_BAD_LEN;
	if (vendor != NX_VENDOR)
		return OFPERR_BAD_EXPERIMENTER;
	if (sub > UINT16_MAX)
		return OFPERR_BAD_EXP_TYPE;
	id->sub = (uint16_t)sub;
	return OFPERR_OK;
}

static enum ofperr read_stats(struct cursor *c, struct ident *id)
{
	enum ofperr e;

	id->form = STATS;
	id->sub = cursor_be16(c);
	id->flags = cursor_be16(c);
	if (id->version != OFP10)
		(void)cursor_be32(c); /* padding */
	if (c->bad)
		return OFPERR_BAD_LEN;
	if (id->sub != 0xffff)
		return OFPERR_OK;
	id->form = NX_STATS;
	e = read_nicira(c, id);
	if (!e && id->version == OFP10)
		(void)cursor_be32(c); /* padding */
	return e ? e : c->bad ? OFPERR_BAD_LEN : OFPERR_OK;
}

static enum ofperr read_headers(struct cursor *c, struct ident *id)
{
	id->form = PLAIN;
	id->sub = 0;
	id->flags = 0;
	if (id->type == 4) {
		id->form = NX;
		return read_nicira(c, id);
	}
	return type_is_stats(id->version, id->type) ? read_stats(c, id) : OFPERR_OK;
}

static const struct row *find_row(const struct ident *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].version == id->version && rows[i].type == id->type &&
		    rows[i].form == id->form && rows[i].sub == id->sub)
			return &rows[i];
	return NULL;
}

static enum ofperr unknown_error(enum form form)
{
	static const enum ofperr errors[] = {
		[PLAIN] = OFPERR_BAD_TYPE,
		[STATS] = OFPERR_BAD_STAT,
		[NX] = OFPERR_BAD_EXP_TYPE,
		[NX_STATS] = OFPERR_BAD_EXP_TYPE,
	};

	return errors[form];
}

/* Hello, error and echo are the same in every version; treat those of versions between and beyond
 * as 1.3's, so that negotiation can talk to anybody. */
static uint8_t codec_version(uint8_t version, uint8_t type)
{
	if (version == OFP10 || version == OFP13)
		return version;
	return version && type <= 3 ? OFP13 : 0;
}

enum ofperr ofp_msg_identify(const void *data, size_t len, struct ofp_msg *m)
{
	struct cursor c = cursor_init(data, len);
	const struct row *row;
	struct ident id;
	enum ofperr e;
	uint8_t version = cursor_u8(&c);
	uint16_t stated;

	id.type = cursor_u8(&c);
	stated = cursor_be16(&c);
	m->xid = cursor_be32(&c);
	if (c.bad || stated != len)
		return OFPERR_BAD_LEN;
	id.version = codec_version(version, id.type);
	if (!id.version)
		return OFPERR_BAD_VERSION;
	e = read_headers(&c, &id);
	if (e)
		return e;
	row = find_row(&id);
	if (!row)
		return unknown_error((enum form)id.form);
	if (cursor_left(&c) < row->min || (row->flags & EXACT && cursor_left(&c) != row->min))
		return OFPERR_BAD_LEN;
	m->kind = (enum ofp_msg_kind)row->kind;
	m->version = version;
	m->more = id.flags & MORE;
	m->all = cursor_init(data, len);
	m->body = c;
	if (m->more && id.type == (id.version == OFP10 ? 16 : 18))
		return OFPERR_MULTIPART_OVERFLOW;
	return OFPERR_OK;
}

static const char *const names[OFP_MSG_N_KINDS] = {
	[OFP_HELLO] = "OFPT_HELLO",
	[OFP_ERROR] = "OFPT_ERROR",
	[OFP_ECHO_REQUEST] = "OFPT_ECHO_REQUEST",
	[OFP_ECHO_REPLY] = "OFPT_ECHO_REPLY",
	[OFP_FEATURES_REQUEST] = "OFPT_FEATURES_REQUEST",
	[OFP_FEATURES_REPLY] = "OFPT_FEATURES_REPLY",
	[OFP_GET_CONFIG_REQUEST] = "OFPT_GET_CONFIG_REQUEST",
	[OFP_GET_CONFIG_REPLY] = "OFPT_GET_CONFIG_REPLY",
	[OFP_SET_CONFIG] = "OFPT_SET_CONFIG",
	[OFP_PACKET_IN] = "OFPT_PACKET_IN",
	[OFP_NXT_PACKET_IN] = "NXT_PACKET_IN",
	[OFP_NXT_PACKET_IN2] = "NXT_PACKET_IN2",
	[OFP_FLOW_REMOVED] = "OFPT_FLOW_REMOVED",
	[OFP_NXT_FLOW_REMOVED] = "NXT_FLOW_REMOVED",
	[OFP_PORT_STATUS] = "OFPT_PORT_STATUS",
	[OFP_PACKET_OUT] = "OFPT_PACKET_OUT",
	[OFP_FLOW_MOD] = "OFPT_FLOW_MOD",
	[OFP_NXT_FLOW_MOD] = "NXT_FLOW_MOD",
	[OFP_GROUP_MOD] = "OFPT_GROUP_MOD",
	[OFP_PORT_MOD] = "OFPT_PORT_MOD",
	[OFP_TABLE_MOD] = "OFPT_TABLE_MOD",
	[OFP_METER_MOD] = "OFPT_METER_MOD",
	[OFP_BARRIER_REQUEST] = "OFPT_BARRIER_REQUEST",
	[OFP_BARRIER_REPLY] = "OFPT_BARRIER_REPLY",
	[OFP_QUEUE_GET_CONFIG_REQUEST] = "OFPT_QUEUE_GET_CONFIG_REQUEST",
	[OFP_QUEUE_GET_CONFIG_REPLY] = "OFPT_QUEUE_GET_CONFIG_REPLY",
	[OFP_ROLE_REQUEST] = "OFPT_ROLE_REQUEST",
	[OFP_ROLE_REPLY] = "OFPT_ROLE_REPLY",
	[OFP_GET_ASYNC_REQUEST] = "OFPT_GET_ASYNC_REQUEST",
	[OFP_GET_ASYNC_REPLY] = "OFPT_GET_ASYNC_REPLY",
	[OFP_SET_ASYNC] = "OFPT_SET_ASYNC",
	[OFP_NXT_SET_FLOW_FORMAT] = "NXT_SET_FLOW_FORMAT",
	[OFP_NXT_FLOW_MOD_TABLE_ID] = "NXT_FLOW_MOD_TABLE_ID",
	[OFP_NXT_SET_PACKET_IN_FORMAT] = "NXT_SET_PACKET_IN_FORMAT",
	[OFP_NXT_FLOW_AGE] = "NXT_FLOW_AGE",
	[OFP_NXT_SET_CONTROLLER_ID] = "NXT_SET_CONTROLLER_ID",
	[OFP_DESC_REQUEST] = "OFPST_DESC request",
	[OFP_DESC_REPLY] = "OFPST_DESC reply",
	[OFP_FLOW_STATS_REQUEST] = "OFPST_FLOW request",
	[OFP_FLOW_STATS_REPLY] = "OFPST_FLOW reply",
	[OFP_NXST_FLOW_REQUEST] = "NXST_FLOW request",
	[OFP_NXST_FLOW_REPLY] = "NXST_FLOW reply",
	[OFP_AGGREGATE_REQUEST] = "OFPST_AGGREGATE request",
	[OFP_AGGREGATE_REPLY] = "OFPST_AGGREGATE reply",
	[OFP_NXST_AGGREGATE_REQUEST] = "NXST_AGGREGATE request",
	[OFP_NXST_AGGREGATE_REPLY] = "NXST_AGGREGATE reply",
	[OFP_TABLE_STATS_REQUEST] = "OFPST_TABLE request",
	[OFP_TABLE_STATS_REPLY] = "OFPST_TABLE reply",
	[OFP_PORT_STATS_REQUEST] = "OFPST_PORT request",
	[OFP_PORT_STATS_REPLY] = "OFPST_PORT reply",
	[OFP_QUEUE_STATS_REQUEST] = "OFPST_QUEUE request",
	[OFP_QUEUE_STATS_REPLY] = "OFPST_QUEUE reply",
	[OFP_GROUP_STATS_REQUEST] = "OFPST_GROUP request",
	[OFP_GROUP_STATS_REPLY] = "OFPST_GROUP reply",
	[OFP_GROUP_DESC_REQUEST] = "OFPST_GROUP_DESC request",
	[OFP_GROUP_DESC_REPLY] = "OFPST_GROUP_DESC reply",
	[OFP_GROUP_FEATURES_REQUEST] = "OFPST_GROUP_FEATURES request",
	[OFP_GROUP_FEATURES_REPLY] = "OFPST_GROUP_FEATURES reply",
	[OFP_METER_STATS_REQUEST] = "OFPST_METER request",
	[OFP_METER_STATS_REPLY] = "OFPST_METER reply",
	[OFP_METER_CONFIG_REQUEST] = "OFPST_METER_CONFIG request",
	[OFP_METER_CONFIG_REPLY] = "OFPST_METER_CONFIG reply",
	[OFP_METER_FEATURES_REQUEST] = "OFPST_METER_FEATURES request",
	[OFP_METER_FEATURES_REPLY] = "OFPST_METER_FEATURES reply",
	[OFP_TABLE_FEATURES_REQUEST] = "OFPST_TABLE_FEATURES request",
	[OFP_TABLE_FEATURES_REPLY] = "OFPST_TABLE_FEATURES reply",
	[OFP_PORT_DESC_REQUEST] = "OFPST_PORT_DESC request",
	[OFP_PORT_DESC_REPLY] = "OFPST_PORT_DESC reply",
};

const char *ofp_msg_name(enum ofp_msg_kind kind)
{
	return (unsigned)kind < OFP_MSG_N_KINDS ? names[kind] : "unknown message";
}

/* --- writing --------------------------------------------------------------------------------- */

static const struct row *row_for(enum ofp_msg_kind kind, uint8_t version)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].kind == kind && rows[i].version == version)
			return &rows[i];
	assert(!"message does not exist in this version");
	return NULL;
}

static void put_headers(struct buf *out, const struct row *row, uint32_t xid)
{
	buf_put_u8(out, row->version);
	buf_put_u8(out, row->type);
	buf_put_be16(out, 0); /* length: at the end */
	buf_put_be32(out, xid);
	if (row->form == STATS || row->form == NX_STATS) {
		buf_put_be16(out, row->form == STATS ? row->sub : 0xffff);
		buf_put_be16(out, 0);
		buf_put_zeros(out, row->version == OFP10 ? 0 : 4);
	}
	if (row->form == NX || row->form == NX_STATS) {
		buf_put_be32(out, NX_VENDOR);
		buf_put_be32(out, row->sub);
	}
	if (row->form == NX_STATS && row->version == OFP10)
		buf_put_zeros(out, 4);
}

size_t ofp_msg_begin(struct buf *out, enum ofp_msg_kind kind, uint8_t version, uint32_t xid)
{
	size_t start = out->len;

	put_headers(out, row_for(kind, version), xid);
	return start;
}

void ofp_msg_end(struct buf *out, size_t start)
{
	assert(out->len - start <= OFP_MAX_LEN);
	buf_set_be16(out, start + 2, (uint16_t)(out->len - start));
}

void ofp_put_empty(struct buf *out, enum ofp_msg_kind kind, uint8_t version, uint32_t xid)
{
	ofp_msg_end(out, ofp_msg_begin(out, kind, version, xid));
}

void ofp_multipart_begin(struct ofp_multipart *mp, struct buf *out, enum ofp_msg_kind reply,
			 uint8_t version, uint32_t xid)
{
	*mp = (struct ofp_multipart){ .out = out, .kind = reply, .version = version, .xid = xid };
	mp->start = mp->entry = ofp_msg_begin(out, reply, version, xid);
}

void ofp_multipart_entry(struct ofp_multipart *mp)
{
	mp->entry = mp->out->len;
}

/* Closes the current part, says that more follow, and moves the last entry behind new headers. */
static void next_part(struct ofp_multipart *mp)
{
	struct buf *out = mp->out;
	const struct row *row = row_for(mp->kind, mp->version);
	size_t hdr = header_len((enum form)row->form, mp->version), n = out->len - mp->entry;

	buf_put_zeros(out, hdr);
	memmove(out->data + mp->entry + hdr, out->data + mp->entry, n);
	memcpy(out->data + mp->entry, out->data + mp->start, hdr);
	buf_set_be16(out, mp->start + 10, MORE);
	buf_set_be16(out, mp->start + 2, (uint16_t)(mp->entry - mp->start));
	mp->start = mp->entry;
	buf_set_be16(out, mp->start + 10, 0);
}

void ofp_multipart_entry_end(struct ofp_multipart *mp)
{
	const struct row *row = row_for(mp->kind, mp->version);
	size_t hdr = header_len((enum form)row->form, mp->version);

	if (mp->out->len - mp->entry + hdr > OFP_MAX_LEN) {
		mp->out->len = mp->entry;
		mp->lost++;
	} else if (mp->out->len - mp->start > OFP_MAX_LEN) {
		next_part(mp);
	}
}

unsigned ofp_multipart_end(struct ofp_multipart *mp)
{
	ofp_msg_end(mp->out, mp->start);
	return mp->lost;
}

/* --- ports of 1.0 ---------------------------------------------------------------------------- */

enum ofperr ofp_port_from_of10(uint16_t no, struct ofp_port *port)
{
	if (no >= 0xff00 && no < 0xfff8)
		return OFPERR_BAD_OUT_PORT;
	port->v = no < 0xff00 ? no : 0xffff0000u | no;
	return OFPERR_OK;
}

uint16_t ofp_port_to_of10(struct ofp_port port)
{
	return port.v < 0xff00 || port.v >= OFPP_IN_PORT_ ? (uint16_t)port.v : 0xffff;
}
