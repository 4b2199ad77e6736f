/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of OpenFlow 1.3 (sections 7.3.4.2, 7.3.5.9 to 7.3.5.11). */
#include "ofproto/wire/flow_impl.h"

#define GROUP_TYPES 4
#define GROUP_ADD_OR_MODIFY 0x8000

/* --- reading -----------------------------------------------------------------------------------
 */

/* The list's place is noted as an offset: the buffer may still move. */
static enum ofperr get_bucket(struct cursor *c, uint8_t version, struct ofp_bucket *b,
			      struct buf *acts, size_t *ofs)
{
	uint16_t len = cursor_be16(c);
	struct cursor body;
	enum ofperr e;

	if (c->bad || len < 16 || len % 8)
		return OFPERR_GM_BAD_BUCKET;
	body = cursor_sub(c, len - 2u);
	if (body.bad)
		return OFPERR_GM_BAD_BUCKET;
	b->weight = cursor_be16(&body);
	e = ofpact_out_port13(cursor_be32(&body), &b->watch_port);
	b->watch_group = cursor_be32(&body);
	(void)cursor_take(&body, 4);
	if (e)
		return OFPERR_GM_BAD_WATCH;
	*ofs = acts->len;
	e = ofpacts_decode(body, version, acts);
	b->actions.len = (uint32_t)(acts->len - *ofs);
	return e;
}

static enum ofperr get_buckets(struct cursor *c, uint8_t version, struct buf *acts,
			       struct buf *buckets)
{
	struct ofp_bucket *b;
	size_t at = 0, n = 0;

	while (cursor_left(c)) {
		struct ofp_bucket one = { .weight = 0 };
		size_t ofs;
		enum ofperr e;

		if (n++ == OFP_MAX_BUCKETS)
			return OFPERR_GM_OUT_OF_BUCKETS;
		e = get_bucket(c, version, &one, acts, &ofs);
		if (e)
			return e;
		buf_put(buckets, &one, sizeof(one));
	}
	b = (struct ofp_bucket *)(void *)buckets->data;
	for (size_t i = 0; i < n; i++) { /* now that nothing moves any more */
		b[i].actions.data = b[i].actions.len ? acts->data + at : NULL;
		at += b[i].actions.len;
	}
	return OFPERR_OK;
}

static bool bucket_ok(const struct ofp_group_mod *gm, const struct ofp_bucket *b)
{
	if (gm->type == OFPGT_FF_ && b->watch_port.v == OFPP_NONE_ && b->watch_group == OFPG_ANY_)
		return false;
	return gm->type == OFPGT_SELECT_ || !b->weight;
}

/* What the specification asks of each type, whatever the switch's limits are. */
static enum ofperr check_group(const struct ofp_group_mod *gm)
{
	if (gm->command > OFPGC_ADD_OR_MODIFY_)
		return OFPERR_GM_BAD_COMMAND;
	if (gm->type >= GROUP_TYPES)
		return OFPERR_GM_BAD_TYPE;
	if (gm->command == OFPGC_DELETE_)
		return gm->id > OFPG_MAX_ && gm->id != OFPG_ALL_ ? OFPERR_GM_INVALID_GROUP
								 : OFPERR_OK;
	if (gm->id > OFPG_MAX_ || (gm->type == OFPGT_INDIRECT_ && gm->n_buckets != 1))
		return OFPERR_GM_INVALID_GROUP;
	for (size_t i = 0; i < gm->n_buckets; i++)
		if (!bucket_ok(gm, &gm->buckets[i]))
			return OFPERR_GM_INVALID_GROUP;
	return OFPERR_OK;
}

/* Numbers between the specification's and 0x8000 are none, so OFPGC_ADD_OR_MODIFY_'s own too. */
static uint16_t command_of(uint16_t wire)
{
	if (wire == GROUP_ADD_OR_MODIFY)
		return OFPGC_ADD_OR_MODIFY_;
	return wire > OFPGC_DELETE_ ? UINT16_MAX : wire;
}

enum ofperr ofp_decode_group_mod(const struct ofp_msg *m, struct ofp_group_mod *gm,
				 struct buf *acts, struct buf *buckets)
{
	struct cursor c = m->body;
	enum ofperr e;

	buf_clear(acts);
	buf_clear(buckets);
	memset(gm, 0, sizeof(*gm));
	gm->command = command_of(cursor_be16(&c));
	gm->type = cursor_u8(&c);
	(void)cursor_u8(&c);
	gm->id = cursor_be32(&c);
	e = get_buckets(&c, m->version, acts, buckets);
	if (e)
		return e;
	gm->buckets = (struct ofp_bucket *)(void *)buckets->data;
	gm->n_buckets = buckets->len / sizeof(struct ofp_bucket);
	return check_group(gm);
}

/* --- writing -----------------------------------------------------------------------------------
 */

static void put_bucket(struct buf *out, const struct ofp_bucket *b)
{
	size_t start = out->len;

	buf_put_be16(out, 0);
	buf_put_be16(out, b->weight);
	buf_put_be32(out, b->watch_port.v);
	buf_put_be32(out, b->watch_group);
	buf_put_zeros(out, 4);
	ofpacts_encode(b->actions, OFP13, out);
	buf_set_be16(out, start, (uint16_t)(out->len - start));
}

static void put_group(struct buf *out, uint16_t first, const struct ofp_group_mod *g)
{
	buf_put_be16(out, first);
	buf_put_u8(out, g->type);
	buf_put_u8(out, 0);
	buf_put_be32(out, g->id);
	for (size_t i = 0; i < g->n_buckets; i++)
		put_bucket(out, &g->buckets[i]);
}

void ofp_put_group_mod(struct buf *out, uint8_t version, uint32_t xid,
		       const struct ofp_group_mod *gm)
{
	size_t start = ofp_msg_begin(out, OFP_GROUP_MOD, version, xid);

	put_group(out, gm->command == OFPGC_ADD_OR_MODIFY_ ? GROUP_ADD_OR_MODIFY : gm->command, gm);
	ofp_msg_end(out, start);
}

void ofp_put_group_desc(struct ofp_multipart *mp, const struct ofp_group_mod *g)
{
	size_t start;

	ofp_multipart_entry(mp);
	start = mp->out->len;
	put_group(mp->out, 0, g);
	buf_set_be16(mp->out, start, (uint16_t)(mp->out->len - start));
	ofp_multipart_entry_end(mp);
}

void ofp_put_group_stats(struct ofp_multipart *mp, const struct ofp_group_stats *s)
{
	struct buf *out = mp->out;
	size_t start;

	ofp_multipart_entry(mp);
	start = out->len;
	buf_put_be32(out, 0);
	buf_put_be32(out, s->id);
	buf_put_be32(out, s->ref_count);
	buf_put_zeros(out, 4);
	buf_put_be64(out, s->packets);
	buf_put_be64(out, s->bytes);
	flow_put_duration(out, s->duration_ns);
	for (size_t i = 0; i < s->n_buckets; i++) {
		buf_put_be64(out, s->buckets[i].packets);
		buf_put_be64(out, s->buckets[i].bytes);
	}
	buf_set_be16(out, start, (uint16_t)(out->len - start));
	ofp_multipart_entry_end(mp);
}

void ofp_put_group_features_reply(struct buf *out, uint8_t version, uint32_t xid,
				  const struct ofp_group_features *f)
{
	size_t start = ofp_msg_begin(out, OFP_GROUP_FEATURES_REPLY, version, xid);

	buf_put_be32(out, f->types);
	buf_put_be32(out, f->capabilities);
	for (unsigned i = 0; i < GROUP_TYPES; i++)
		buf_put_be32(out, f->max_groups[i]);
	for (unsigned i = 0; i < GROUP_TYPES; i++)
		buf_put_be32(out, f->actions[i]);
	ofp_msg_end(out, start);
}
