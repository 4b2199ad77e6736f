/* SPDX-License-Identifier: Apache-2.0 */
/* Ports and queues: descriptions, status, configuration, statistics (OpenFlow 1.0 sections 5.2.1,
 * 5.3.3, 5.3.5; 1.3.5 sections 7.2.1, 7.3.4.3, 7.3.5.6 to 7.3.5.8). */
#include "ofproto/wire/port_impl.h"

#define NAME_LEN 16
#define CONFIG10 0x7fu /* every OFPPC_* of 1.0 */
#define CONFIG13 0x65u
#define STATE_DOWN 1u
#define STATE_BLOCKED 2u
#define STATE10_BLOCK (3u << 8) /* OFPPS_STP_BLOCK, which is also the mask of the STP state */

/* Link features: 1.0 lacks the speeds above 10 Gb/s, so that what follows them moves down. */
#define FEATURES_SPEED10 0x7fu
#define FEATURES_TAIL_SHIFT13 11
#define FEATURES_TAIL_SHIFT10 7
#define FEATURES_TAIL 0x1fu

static uint32_t features_to_of10(uint32_t f)
{
	return (f & FEATURES_SPEED10) | ((f >> FEATURES_TAIL_SHIFT13) & FEATURES_TAIL)
						<< FEATURES_TAIL_SHIFT10;
}

static uint32_t features_from_of10(uint32_t f)
{
	return (f & FEATURES_SPEED10) | ((f >> FEATURES_TAIL_SHIFT10) & FEATURES_TAIL)
						<< FEATURES_TAIL_SHIFT13;
}

static void put_name(struct buf *out, const char *name)
{
	char *p = buf_put_zeros(out, NAME_LEN);

	memcpy(p, name, strnlen(name, NAME_LEN - 1));
}

static void put_port10(struct buf *out, const struct ofp_phy_port *p)
{
	uint32_t state = (p->state & STATE_DOWN) | (p->state & STATE_BLOCKED ? STATE10_BLOCK : 0);

	buf_put_be16(out, ofp_port_to_of10(p->no));
	buf_put(out, &p->mac, 6);
	put_name(out, p->name);
	buf_put_be32(out, p->config & CONFIG10);
	buf_put_be32(out, state);
	buf_put_be32(out, features_to_of10(p->curr));
	buf_put_be32(out, features_to_of10(p->advertised));
	buf_put_be32(out, features_to_of10(p->supported));
	buf_put_be32(out, features_to_of10(p->peer));
}

static void put_port13(struct buf *out, const struct ofp_phy_port *p)
{
	buf_put_be32(out, p->no.v);
	buf_put_zeros(out, 4);
	buf_put(out, &p->mac, 6);
	buf_put_zeros(out, 2);
	put_name(out, p->name);
	buf_put_be32(out, p->config & CONFIG13);
	buf_put_be32(out, p->state);
	buf_put_be32(out, p->curr);
	buf_put_be32(out, p->advertised);
	buf_put_be32(out, p->supported);
	buf_put_be32(out, p->peer);
	buf_put_be32(out, p->curr_kbps);
	buf_put_be32(out, p->max_kbps);
}

void ofp_put_phy_port(struct buf *out, uint8_t version, const struct ofp_phy_port *p)
{
	if (version == OFP10)
		put_port10(out, p);
	else
		put_port13(out, p);
}

static enum ofperr get_port10(struct cursor *c, struct ofp_phy_port *p)
{
	enum ofperr e = ofp_port_from_of10(cursor_be16(c), &p->no);
	uint32_t state;

	cursor_copy(c, &p->mac, 6);
	cursor_copy(c, p->name, NAME_LEN);
	p->config = cursor_be32(c) & CONFIG10;
	state = cursor_be32(c);
	p->state = (state & STATE_DOWN) |
		   ((state & STATE10_BLOCK) == STATE10_BLOCK ? STATE_BLOCKED : 0);
	p->curr = features_from_of10(cursor_be32(c));
	p->advertised = features_from_of10(cursor_be32(c));
	p->supported = features_from_of10(cursor_be32(c));
	p->peer = features_from_of10(cursor_be32(c));
	return e ? OFPERR_BAD_PORT : OFPERR_OK;
}

static void get_port13(struct cursor *c, struct ofp_phy_port *p)
{
	p->no.v = cursor_be32(c);
	(void)cursor_take(c, 4);
	cursor_copy(c, &p->mac, 6);
	(void)cursor_take(c, 2);
	cursor_copy(c, p->name, NAME_LEN);
	p->config = cursor_be32(c) & CONFIG13;
	p->state = cursor_be32(c);
	p->curr = cursor_be32(c);
	p->advertised = cursor_be32(c);
	p->supported = cursor_be32(c);
	p->peer = cursor_be32(c);
	p->curr_kbps = cursor_be32(c);
	p->max_kbps = cursor_be32(c);
}

enum ofperr ofp_get_phy_port(struct cursor *c, uint8_t version, struct ofp_phy_port *p)
{
	enum ofperr e = OFPERR_OK;

	memset(p, 0, sizeof(*p));
	if (version == OFP10)
		e = get_port10(c, p);
	else
		get_port13(c, p);
	p->name[NAME_LEN - 1] = '\0';
	return c->bad ? OFPERR_BAD_LEN : e;
}

void ofp_put_port_status(struct buf *out, uint8_t version, enum ofp_port_reason reason,
			 const struct ofp_phy_port *p)
{
	size_t start = ofp_msg_begin(out, OFP_PORT_STATUS, version, 0);

	buf_put_u8(out, (uint8_t)reason);
	buf_put_zeros(out, 7);
	ofp_put_phy_port(out, version, p);
	ofp_msg_end(out, start);
}

enum ofperr ofp_decode_port_status(const struct ofp_msg *m, uint8_t *reason, struct ofp_phy_port *p)
{
	struct cursor c = m->body;

	*reason = cursor_u8(&c);
	(void)cursor_take(&c, 7);
	return *reason > OFPPR_MODIFY_ ? OFPERR_BAD_REASON : ofp_get_phy_port(&c, m->version, p);
}

void ofp_put_port_desc(struct ofp_multipart *mp, const struct ofp_phy_port *p)
{
	ofp_multipart_entry(mp);
	ofp_put_phy_port(mp->out, mp->version, p);
	ofp_multipart_entry_end(mp);
}

/* --- port-mod ----------------------------------------------------------------------------------
 */

void ofp_put_port_mod(struct buf *out, uint8_t version, uint32_t xid, const struct ofp_port_mod *p)
{
	size_t start = ofp_msg_begin(out, OFP_PORT_MOD, version, xid);
	bool of10 = version == OFP10;

	if (of10) {
		buf_put_be16(out, ofp_port_to_of10(p->no));
		buf_put(out, &p->mac, 6);
	} else {
		buf_put_be32(out, p->no.v);
		buf_put_zeros(out, 4);
		buf_put(out, &p->mac, 6);
		buf_put_zeros(out, 2);
	}
	buf_put_be32(out, p->config);
	buf_put_be32(out, p->mask);
	buf_put_be32(out, of10 ? features_to_of10(p->advertise) : p->advertise);
	buf_put_zeros(out, 4);
	ofp_msg_end(out, start);
}

enum ofperr ofp_decode_port_mod(const struct ofp_msg *m, struct ofp_port_mod *p)
{
	struct cursor c = m->body;
	bool of10 = m->version == OFP10;

	if (of10) {
		if (ofp_port_from_of10(cursor_be16(&c), &p->no))
			return OFPERR_PM_BAD_PORT;
		cursor_copy(&c, &p->mac, 6);
	} else {
		p->no.v = cursor_be32(&c);
		(void)cursor_take(&c, 4);
		cursor_copy(&c, &p->mac, 6);
		(void)cursor_take(&c, 2);
	}
	p->config = cursor_be32(&c);
	p->mask = cursor_be32(&c);
	p->advertise = of10 ? features_from_of10(cursor_be32(&c)) : cursor_be32(&c);
	if (p->mask & ~(of10 ? CONFIG10 : CONFIG13))
		return OFPERR_PM_BAD_CONFIG;
	return OFPERR_OK;
}

/* --- statistics --------------------------------------------------------------------------------
 */

static void put_duration(struct buf *out, uint64_t ns)
{
	buf_put_be32(out, (uint32_t)(ns / 1000000000));
	buf_put_be32(out, (uint32_t)(ns % 1000000000));
}

void ofp_put_port_stats(struct ofp_multipart *mp, const struct ofp_port_stats *s)
{
	const uint64_t counters[] = {
		s->rx_packets,   s->tx_packets,  s->rx_bytes,   s->tx_bytes,
		s->rx_dropped,   s->tx_dropped,  s->rx_errors,  s->tx_errors,
		s->rx_frame_err, s->rx_over_err, s->rx_crc_err, s->collisions
	};

	ofp_multipart_entry(mp);
	if (mp->version == OFP10) {
		buf_put_be16(mp->out, ofp_port_to_of10(s->no));
		buf_put_zeros(mp->out, 6);
	} else {
		buf_put_be32(mp->out, s->no.v);
		buf_put_zeros(mp->out, 4);
	}
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
		buf_put_be64(mp->out, counters[i]);
	if (mp->version != OFP10)
		put_duration(mp->out, s->duration_ns);
	ofp_multipart_entry_end(mp);
}

void ofp_put_queue_stats(struct ofp_multipart *mp, const struct ofp_queue_stats *s)
{
	ofp_multipart_entry(mp);
	if (mp->version == OFP10) {
		buf_put_be16(mp->out, ofp_port_to_of10(s->port));
		buf_put_zeros(mp->out, 2);
	} else {
		buf_put_be32(mp->out, s->port.v);
	}
	buf_put_be32(mp->out, s->queue);
	buf_put_be64(mp->out, s->tx_bytes);
	buf_put_be64(mp->out, s->tx_packets);
	buf_put_be64(mp->out, s->tx_errors);
	if (mp->version != OFP10)
		put_duration(mp->out, s->duration_ns);
	ofp_multipart_entry_end(mp);
}

/* --- requests that name a port, a queue, a group or a meter ------------------------------------
 */

static enum ofperr get_port_no(struct cursor *c, uint8_t version, unsigned pad10, unsigned pad13,
			       struct ofp_port *port)
{
	enum ofperr e = OFPERR_OK;

	if (version == OFP10) {
		e = ofp_port_from_of10(cursor_be16(c), port);
		(void)cursor_take(c, pad10);
	} else {
		port->v = cursor_be32(c);
		(void)cursor_take(c, pad13);
	}
	return e;
}

enum ofperr ofp_decode_id_request(const struct ofp_msg *m, struct ofp_id_request *r)
{
	struct cursor c = m->body;
	enum ofperr e = OFPERR_OK;

	*r = (struct ofp_id_request){ { OFPP_NONE_ }, OFP_ALL_IDS_ };
	if (m->kind == OFP_PORT_STATS_REQUEST) {
		e = get_port_no(&c, m->version, 6, 4, &r->port) ? OFPERR_BAD_PORT : OFPERR_OK;
	} else if (m->kind == OFP_QUEUE_GET_CONFIG_REQUEST) {
		e = get_port_no(&c, m->version, 2, 4, &r->port) ? OFPERR_QUEUE_BAD_PORT : OFPERR_OK;
	} else if (m->kind == OFP_QUEUE_STATS_REQUEST) {
		e = get_port_no(&c, m->version, 2, 0, &r->port) ? OFPERR_QUEUE_BAD_PORT : OFPERR_OK;
		r->id = cursor_be32(&c);
		if (r->port.v == OFPP_ALL_) /* how 1.0 says "any" here */
			r->port.v = OFPP_NONE_;
	} else {
		r->id = cursor_be32(&c);
	}
	return c.bad ? OFPERR_BAD_LEN : e;
}

static void put_rate(struct buf *out, uint16_t property, uint16_t rate)
{
	if (rate == UINT16_MAX)
		return;
	buf_put_be16(out, property);
	buf_put_be16(out, 16);
	buf_put_zeros(out, 4);
	buf_put_be16(out, rate);
	buf_put_zeros(out, 6);
}

static void put_queue(struct buf *out, uint8_t version, struct ofp_port port,
		      const struct ofp_queue_config *q)
{
	size_t start = out->len, len_at;

	buf_put_be32(out, q->queue);
	if (version != OFP10)
		buf_put_be32(out, port.v);
	len_at = out->len;
	buf_put_zeros(out, version == OFP10 ? 4 : 8);
	put_rate(out, 1, q->min_rate);
	if (version != OFP10)
		put_rate(out, 2, q->max_rate);
	buf_set_be16(out, len_at, (uint16_t)(out->len - start));
}

void ofp_put_queue_get_config_reply(struct buf *out, uint8_t version, uint32_t xid,
				    struct ofp_port port, const struct ofp_queue_config *q,
				    size_t n)
{
	size_t start = ofp_msg_begin(out, OFP_QUEUE_GET_CONFIG_REPLY, version, xid);

	if (version == OFP10)
		buf_put_be16(out, ofp_port_to_of10(port));
	else
		buf_put_be32(out, port.v);
	buf_put_zeros(out, version == OFP10 ? 6 : 4);
	for (size_t i = 0; i < n && out->len - start < OFP_MAX_LEN - 64; i++)
		put_queue(out, version, port, &q[i]);
	ofp_msg_end(out, start);
}
