/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the switch: one row per message, with what a slave may not ask. */
#include <errno.h>
#include <string.h>

#include "core/base/counter.h"
#include "core/packet/packet.h"
#include "ofproto/bridge/bridge_priv.h"
#include "ofproto/wire/ofpact_codec.h"

typedef enum ofperr request_fn(struct bridge *br, struct ofconn *c, const struct ofp_msg *m);

/* Capabilities (OpenFlow 1.3.5 section 7.3.1): flow, table, port, group, queue statistics. */
#define CAPABILITIES (0x01 | 0x02 | 0x04 | 0x08 | 0x40)
/* OpenFlow 1.0 section 5.2.4: OUTPUT .. SET_TP_DST and ENQUEUE. */
#define OF10_ACTIONS 0x0fff

static enum ofperr do_features(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_switch_features f = {
		.datapath_id = br->datapath_id,
		.capabilities = CAPABILITIES,
		.n_tables = BRIDGE_N_TABLES,
		.of10_actions = OF10_ACTIONS,
	};
	struct buf ports = BUF_INIT;
	struct bridge_port *p;
	size_t n = 0;

	cds_list_for_each_entry (p, &br->ports, node) {
		bridge_port_phy(p, buf_put_zeros(&ports, sizeof(struct ofp_phy_port)));
		n++;
	}
	ofp_put_features_reply(ofconn_put(c), m->version, m->xid, &f, (const void *)ports.data, n);
	buf_done(&ports);
	return OFPERR_OK;
}

static struct ofpacts_check check_for(const struct bridge *br, const struct ofp_msg *m,
				      const struct match *match, uint8_t table)
{
	return (struct ofpacts_check){
		.match = match,
		.table = table,
		.n_tables = BRIDGE_N_TABLES,
		.max_ports = OFPP_MAX_,
		.version = m->version,
		.meters = backend_has_meters(br->be),
	};
}

static enum ofperr apply_flow_mod(struct bridge *br, struct ofconn *c, const struct ofp_msg *m,
				  struct ofp_flow_mod *fm)
{
	struct ofpacts_check check;
	enum ofperr e;

	if (fm->table == OFPTT_ALL_ && fm->command == OFPFC_ADD_) {
		if (m->version >= OFP13)
			return OFPERR_FM_BAD_TABLE_ID;
		fm->table = 0;
	}
	if (fm->table != OFPTT_ALL_ && fm->table >= BRIDGE_N_TABLES) /* 1.0 has no such error */
		return m->version == OFP10 ? OFPERR_EPERM : OFPERR_FM_BAD_TABLE_ID;
	if (fm->buffer_id != OFP_NO_BUFFER_)
		return OFPERR_BUFFER_UNKNOWN;
	check = check_for(br, m, &fm->match, fm->table == OFPTT_ALL_ ? 0 : fm->table);
	e = ofpacts_check(fm->actions, &check);
	return e ? e : tables_flow_mod(br->tables, fm, NULL);
}

COUNTER_DEFINE(ofproto_flow_mod);

static enum ofperr do_flow_mod(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct buf acts = BUF_INIT;
	struct ofp_flow_mod fm;
	enum ofperr e = ofp_decode_flow_mod(m, ofconn_proto(c), &fm, &acts);

	counter_inc(ofproto_flow_mod);
	if (!e)
		e = apply_flow_mod(br, c, m, &fm);
	buf_done(&acts);
	return e;
}

static enum ofperr do_group_mod(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct buf acts = BUF_INIT, buckets = BUF_INIT;
	struct ofpacts_check check = check_for(br, m, NULL, 0);
	struct ofp_group_mod gm;
	enum ofperr e = ofp_decode_group_mod(m, &gm, &acts, &buckets);

	for (size_t i = 0; !e && i < gm.n_buckets; i++)
		e = ofpacts_check(gm.buckets[i].actions, &check);
	if (!e)
		e = tables_group_mod(br->tables, &gm);
	buf_done(&acts);
	buf_done(&buckets);
	return e;
}

static enum ofperr do_port_mod(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_port_mod pm;
	enum ofperr e = ofp_decode_port_mod(m, &pm);

	return e ? e : bridge_port_mod(br, &pm);
}

/* OpenFlow 1.3 has no table configuration left that could be set (section 7.3.4.3). */
static enum ofperr do_table_mod(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_table_mod tm;
	enum ofperr e = ofp_decode_table_mod(m, &tm);

	if (e)
		return e;
	if (tm.table != OFPTT_ALL_ && tm.table >= BRIDGE_N_TABLES)
		return OFPERR_TM_BAD_TABLE;
	return tm.config & ~3u ? OFPERR_TM_BAD_CONFIG : OFPERR_OK;
}

static enum ofperr send_packet(struct bridge *br, const struct ofp_packet_out *po)
{
	struct packet *p = packet_new(po->data, po->len, 0);
	struct flow_key md;
	int rc;

	memset(&md, 0, sizeof(md));
	md.in_port = htonl(po->in_port.v);
	backend_publish(br->be); /* a port that was added just now is there for this packet */
	rc = flows_packet_out(br->be->flows, br->id, p, &md, po->actions, true);
	packet_free(p);
	return rc == -EINVAL ? OFPERR_BAD_PACKET : OFPERR_OK;
}

COUNTER_DEFINE(ofproto_packet_out);

static enum ofperr do_packet_out(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofpacts_check check = check_for(br, m, NULL, 0);
	struct buf acts = BUF_INIT;
	struct ofp_packet_out po;
	enum ofperr e = ofp_decode_packet_out(m, &po, &acts);

	counter_inc(ofproto_packet_out);
	if (!e && po.buffer_id != OFP_NO_BUFFER_)
		e = OFPERR_BUFFER_UNKNOWN;
	if (!e)
		e = ofpacts_check(po.actions, &check);
	if (!e)
		e = tables_check_groups(br->tables, po.actions);
	if (!e)
		e = send_packet(br, &po);
	buf_done(&acts);
	return e;
}

static enum ofperr do_queue_config(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_id_request r;
	enum ofperr e = ofp_decode_id_request(m, &r);

	if (e)
		return e;
	if (r.port.v != OFPP_NONE_ && !bridge_port_by_ofp(br, r.port))
		return OFPERR_QUEUE_BAD_PORT;
	ofp_put_queue_get_config_reply(ofconn_put(c), m->version, m->xid, r.port, NULL, 0);
	return OFPERR_OK;
}

static enum ofperr do_meter_mod(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct buf bands = BUF_INIT;
	struct ofp_meter_mod mm;
	enum ofperr e = ofp_decode_meter_mod(m, &mm, &bands);

	if (!e)
		e = bridge_meter_mod(br, &mm);
	buf_done(&bands);
	return e;
}

struct request {
	request_fn *fn;
	bool changes; /* refused to a slave */
};

static const struct request requests[OFP_MSG_N_KINDS] = {
	[OFP_FEATURES_REQUEST] = { do_features, false },
	[OFP_FLOW_MOD] = { do_flow_mod, true },
	[OFP_NXT_FLOW_MOD] = { do_flow_mod, true },
	[OFP_GROUP_MOD] = { do_group_mod, true },
	[OFP_PORT_MOD] = { do_port_mod, true },
	[OFP_TABLE_MOD] = { do_table_mod, true },
	[OFP_METER_MOD] = { do_meter_mod, true },
	[OFP_PACKET_OUT] = { do_packet_out, true },
	[OFP_QUEUE_GET_CONFIG_REQUEST] = { do_queue_config, false },
};

enum ofperr bridge_message(void *bridge, struct ofconn *c, const struct ofp_msg *m)
{
	const struct request *r = &requests[m->kind];

	if (!r->fn)
		return bridge_stats_message(bridge, c, m);
	if (r->changes && ofconn_is_slave(c))
		return OFPERR_IS_SLAVE;
	return r->fn(bridge, c, m);
}
