/* SPDX-License-Identifier: Apache-2.0 */
/* Meters of OpenFlow 1.3 (sections 7.3.4.4, 7.3.5.12 to 7.3.5.14). */
#include "ofproto/wire/flow_impl.h"

#define BAND_LEN 16

/* --- reading -----------------------------------------------------------------------------------
 */

static enum ofperr get_band(struct cursor *c, struct ofp_meter_band *b)
{
	uint16_t len;

	*b = (struct ofp_meter_band){ .type = cursor_be16(c) };
	len = cursor_be16(c);
	b->rate = cursor_be32(c);
	b->burst = cursor_be32(c);
	b->prec_level = cursor_u8(c);
	(void)cursor_take(c, 3);
	if (c->bad || len != BAND_LEN)
		return OFPERR_BAD_LEN;
	if (b->type != OFPMBT_DROP_ && b->type != OFPMBT_DSCP_REMARK_)
		return OFPERR_MM_BAD_BAND;
	if (b->type == OFPMBT_DROP_)
		b->prec_level = 0; /* padding */
	return OFPERR_OK;
}

static enum ofperr get_bands(struct cursor *c, struct buf *bands)
{
	while (cursor_left(c)) {
		struct ofp_meter_band b;
		enum ofperr e = get_band(c, &b);

		if (e)
			return e;
		buf_put(bands, &b, sizeof(b));
	}
	return OFPERR_OK;
}

enum ofperr ofp_decode_meter_mod(const struct ofp_msg *m, struct ofp_meter_mod *mm,
				 struct buf *bands)
{
	struct cursor c = m->body;
	enum ofperr e;

	buf_clear(bands);
	*mm = (struct ofp_meter_mod){ .command = cursor_be16(&c) };
	mm->flags = cursor_be16(&c);
	mm->id = cursor_be32(&c);
	if (mm->command > OFPMC_DELETE_)
		return OFPERR_MM_BAD_COMMAND;
	if (mm->command == OFPMC_DELETE_) { /* which says no more than the number */
		mm->flags = 0;
		return OFPERR_OK;
	}
	if (mm->flags & ~OFPMF_ALL_ ||
	    (mm->flags & (OFPMF_KBPS_ | OFPMF_PKTPS_)) == (OFPMF_KBPS_ | OFPMF_PKTPS_))
		return OFPERR_MM_BAD_FLAGS;
	e = get_bands(&c, bands);
	mm->bands = (const void *)bands->data;
	mm->n_bands = bands->len / sizeof(struct ofp_meter_band);
	return e;
}

/* --- writing -----------------------------------------------------------------------------------
 */

static void put_bands(struct buf *out, const struct ofp_meter_mod *mm)
{
	for (size_t i = 0; i < mm->n_bands; i++) {
		const struct ofp_meter_band *b = &mm->bands[i];

		buf_put_be16(out, b->type);
		buf_put_be16(out, BAND_LEN);
		buf_put_be32(out, b->rate);
		buf_put_be32(out, b->burst);
		buf_put_u8(out, b->prec_level);
		buf_put_zeros(out, 3);
	}
}

void ofp_put_meter_mod(struct buf *out, uint8_t version, uint32_t xid,
		       const struct ofp_meter_mod *mm)
{
	size_t start = ofp_msg_begin(out, OFP_METER_MOD, version, xid);

	buf_put_be16(out, mm->command);
	buf_put_be16(out, mm->flags);
	buf_put_be32(out, mm->id);
	put_bands(out, mm);
	ofp_msg_end(out, start);
}

void ofp_put_meter_config(struct ofp_multipart *mp, const struct ofp_meter_mod *mm)
{
	struct buf *out = mp->out;
	size_t start;

	ofp_multipart_entry(mp);
	start = out->len;
	buf_put_be16(out, 0);
	buf_put_be16(out, mm->flags);
	buf_put_be32(out, mm->id);
	put_bands(out, mm);
	buf_set_be16(out, start, (uint16_t)(out->len - start));
	ofp_multipart_entry_end(mp);
}

void ofp_put_meter_stats(struct ofp_multipart *mp, const struct ofp_meter_stats *s)
{
	struct buf *out = mp->out;
	size_t start;

	ofp_multipart_entry(mp);
	start = out->len;
	buf_put_be32(out, s->id);
	buf_put_zeros(out, 8);
	buf_put_be32(out, s->n_flows);
	buf_put_be64(out, s->packets);
	buf_put_be64(out, s->bytes);
	flow_put_duration(out, s->duration_ns);
	for (size_t i = 0; i < s->n_bands; i++) {
		buf_put_be64(out, s->bands[i].packets);
		buf_put_be64(out, s->bands[i].bytes);
	}
	buf_set_be16(out, start + 4, (uint16_t)(out->len - start));
	ofp_multipart_entry_end(mp);
}

void ofp_put_meter_features_reply(struct buf *out, uint8_t version, uint32_t xid,
				  const struct ofp_meter_features *f)
{
	size_t start = ofp_msg_begin(out, OFP_METER_FEATURES_REPLY, version, xid);

	buf_put_be32(out, f->max_meter);
	buf_put_be32(out, f->band_types);
	buf_put_be32(out, f->capabilities);
	buf_put_u8(out, f->max_bands);
	buf_put_u8(out, f->max_color);
	buf_put_zeros(out, 2);
	ofp_msg_end(out, start);
}
