/* SPDX-License-Identifier: Apache-2.0 */
/* The switch as a whole: features, configuration, description, tables. */
#include "ofproto/wire/nx_match.h"
#include "ofproto/wire/port_impl.h"

#define CAPS_BOTH 0x67u /* flow, table, port and queue statistics, IP reassembly */
#define CAPS10_ARP_MATCH_IP 0x80u
#define WILDCARDS10_ALL ((1u << 22) - 1)

void ofp_put_features_reply(struct buf *out, uint8_t version, uint32_t xid,
			    const struct ofp_switch_features *f, const struct ofp_phy_port *ports,
			    size_t n_ports)
{
	size_t start = ofp_msg_begin(out, OFP_FEATURES_REPLY, version, xid);
	bool of10 = version == OFP10;

	buf_put_be64(out, f->datapath_id);
	buf_put_be32(out, f->n_buffers);
	buf_put_u8(out, f->n_tables);
	buf_put_u8(out, of10 ? 0 : f->auxiliary_id);
	buf_put_be16(out, 0);
	buf_put_be32(out,
		     of10 ? (f->capabilities & CAPS_BOTH) | CAPS10_ARP_MATCH_IP : f->capabilities);
	buf_put_be32(out, of10 ? f->of10_actions : 0);
	for (size_t i = 0; of10 && i < n_ports; i++) {
		if (out->len - start + OFP_PHY_PORT_LEN10 > OFP_MAX_LEN)
			break;
		ofp_put_phy_port(out, version, &ports[i]);
	}
	ofp_msg_end(out, start);
}

enum ofperr ofp_decode_features_reply(const struct ofp_msg *m, struct ofp_switch_features *f,
				      struct buf *ports)
{
	struct cursor c = m->body;
	bool of10 = m->version == OFP10;

	memset(f, 0, sizeof(*f));
	f->datapath_id = cursor_be64(&c);
	f->n_buffers = cursor_be32(&c);
	f->n_tables = cursor_u8(&c);
	f->auxiliary_id = of10 ? (void)cursor_u8(&c), 0 : cursor_u8(&c);
	(void)cursor_be16(&c);
	f->capabilities = cursor_be32(&c) & (of10 ? CAPS_BOTH : UINT32_MAX);
	f->of10_actions = cursor_be32(&c);
	if (ports)
		buf_clear(ports);
	if (cursor_left(&c) % OFP_PHY_PORT_LEN10)
		return OFPERR_BAD_LEN;
	while (cursor_left(&c)) {
		struct ofp_phy_port p;
		enum ofperr e = ofp_get_phy_port(&c, m->version, &p);

		if (e)
			return e;
		if (ports)
			buf_put(ports, &p, sizeof(p));
	}
	return OFPERR_OK;
}

void ofp_put_config(struct buf *out, enum ofp_msg_kind kind, uint8_t version, uint32_t xid,
		    const struct ofp_switch_config *c)
{
	size_t start = ofp_msg_begin(out, kind, version, xid);

	buf_put_be16(out, c->flags);
	buf_put_be16(out, c->miss_send_len);
	ofp_msg_end(out, start);
}

enum ofperr ofp_decode_config(const struct ofp_msg *m, struct ofp_switch_config *c)
{
	struct cursor cur = m->body;

	c->flags = cursor_be16(&cur);
	c->miss_send_len = cursor_be16(&cur);
	return OFPERR_OK;
}

static void put_text(struct buf *out, const char *text, size_t n)
{
	char *p = buf_put_zeros(out, n);

	memcpy(p, text, strnlen(text, n - 1));
}

void ofp_put_desc_reply(struct buf *out, uint8_t version, uint32_t xid,
			const struct ofp_switch_desc *d)
{
	size_t start = ofp_msg_begin(out, OFP_DESC_REPLY, version, xid);

	put_text(out, d->mfr, sizeof(d->mfr));
	put_text(out, d->hw, sizeof(d->hw));
	put_text(out, d->sw, sizeof(d->sw));
	put_text(out, d->serial, sizeof(d->serial));
	put_text(out, d->dp, sizeof(d->dp));
	ofp_msg_end(out, start);
}

/* --- tables ------------------------------------------------------------------------------------
 */

void ofp_put_table_stats(struct ofp_multipart *mp, const struct ofp_table_stats *t)
{
	struct buf *out = mp->out;
	bool of10 = mp->version == OFP10;

	ofp_multipart_entry(mp);
	buf_put_u8(out, t->table);
	buf_put_zeros(out, 3);
	if (of10) {
		put_text(out, t->name, sizeof(t->name));
		buf_put_be32(out, WILDCARDS10_ALL);
		buf_put_be32(out, t->max_entries);
	}
	buf_put_be32(out, t->active);
	buf_put_be64(out, t->lookups);
	buf_put_be64(out, t->matched);
	ofp_multipart_entry_end(mp);
}

enum ofperr ofp_decode_table_mod(const struct ofp_msg *m, struct ofp_table_mod *t)
{
	struct cursor c = m->body;

	t->table = cursor_u8(&c);
	(void)cursor_take(&c, 3);
	t->config = cursor_be32(&c);
	return t->config & ~3u ? OFPERR_TM_BAD_CONFIG : OFPERR_OK; /* two deprecated bits */
}

enum ofperr ofp_decode_table_features_request(const struct ofp_msg *m)
{
	return cursor_left(&m->body) ? OFPERR_TF_EPERM : OFPERR_OK;
}

/* --- table features (OpenFlow 1.3.5 section 7.3.5.5) -------------------------------------------
 */

enum {
	TFP_INSTRUCTIONS = 0,
	TFP_NEXT_TABLES = 2,
	TFP_WRITE_ACTIONS = 4,
	TFP_APPLY_ACTIONS = 6,
	TFP_MATCH = 8,
	TFP_WILDCARDS = 10,
	TFP_WRITE_SETFIELD = 12,
	TFP_APPLY_SETFIELD = 14
};

static size_t property_begin(struct buf *out, uint16_t type)
{
	size_t start = out->len;

	buf_put_be16(out, type);
	buf_put_be16(out, 0);
	return start;
}

static void property_end(struct buf *out, size_t start)
{
	buf_set_be16(out, start + 2, (uint16_t)(out->len - start));
	buf_pad(out, start, 8);
}

/* Instruction and action ids: type, and a length of the id alone. */
static void put_ids(struct buf *out, uint16_t property, const uint8_t *types, size_t n)
{
	size_t start = property_begin(out, property);

	for (size_t i = 0; i < n; i++) {
		buf_put_be16(out, types[i]);
		buf_put_be16(out, 4);
	}
	property_end(out, start);
}

/* Fields of TFP_MATCH say whether they take masks; every field may be left out, so that
 * TFP_WILDCARDS has them all (OpenFlow 1.3.5 section 7.3.5.5.2). */
static void put_fields(struct buf *out, uint16_t property, bool write, bool (*ok)(enum field_id))
{
	size_t start = property_begin(out, property);

	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = field_get((enum field_id)i);

		bool masks = property == TFP_MATCH && f->maskable;

		if (!nx_field_encodable(f, OFP13) || f->id == FIELD_IN_PORT ||
		    (write && !f->writable) || (ok && !ok(f->id)))
			continue;
		nx_header_encode(f, OFP13, masks, f->n_bytes * (masks ? 2u : 1u), out);
	}
	property_end(out, start);
}

/* Tables behind this one. */
static void put_next(struct buf *out, const struct ofp_table_features *t)
{
	size_t start = property_begin(out, TFP_NEXT_TABLES);

	for (unsigned i = t->table + 1u; i < t->n_tables; i++)
		buf_put_u8(out, (uint8_t)i);
	property_end(out, start);
}

static void put_properties(struct buf *out, const struct ofp_table_features *t)
{
	/* goto stands first: the last table goes without */
	static const uint8_t instructions[] = { 1, 2, 3, 4, 5 };
	/* the actions of 1.3 that ofpact_decode.c has rows for */
	static const uint8_t actions[] = { 0, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25 };
	bool last = t->table + 1u >= t->n_tables;

	put_ids(out, TFP_INSTRUCTIONS, instructions + last, sizeof(instructions) - last);
	put_next(out, t);
	put_ids(out, TFP_WRITE_ACTIONS, actions, sizeof(actions));
	put_ids(out, TFP_APPLY_ACTIONS, actions, sizeof(actions));
	put_fields(out, TFP_MATCH, false, t->match_ok);
	put_fields(out, TFP_WILDCARDS, false, t->match_ok);
	put_fields(out, TFP_WRITE_SETFIELD, true, t->set_ok);
	put_fields(out, TFP_APPLY_SETFIELD, true, t->set_ok);
}

void ofp_put_table_features(struct ofp_multipart *mp, const struct ofp_table_features *t)
{
	struct buf *out = mp->out;
	size_t start;

	ofp_multipart_entry(mp);
	start = out->len;
	buf_put_be16(out, 0);
	buf_put_u8(out, t->table);
	buf_put_zeros(out, 5);
	put_text(out, t->name, sizeof(t->name));
	buf_put_be64(out, t->metadata_match);
	buf_put_be64(out, t->metadata_write);
	buf_put_be32(out, t->config);
	buf_put_be32(out, t->max_entries);
	put_properties(out, t);
	buf_set_be16(out, start, (uint16_t)(out->len - start));
	ofp_multipart_entry_end(mp);
}
