/* SPDX-License-Identifier: Apache-2.0 */
/* Asynchronous messages: who wants which (OpenFlow 1.3.5 section 7.3.9 and ovs-ofctl(8)), and
 * sending them. */
#include <string.h>

#include "core/io/stream.h"
#include "ofproto/conn/conn_priv.h"

#define BIT(X) (1u << (X))
#define PORT_ALL (BIT(OFPPR_ADD_) | BIT(OFPPR_DELETE_) | BIT(OFPPR_MODIFY_))
#define REMOVED_ALL                                                                                \
	(BIT(OFPRR_IDLE_TIMEOUT_) | BIT(OFPRR_HARD_TIMEOUT_) | BIT(OFPRR_DELETE_) |                \
	 BIT(OFPRR_GROUP_DELETE_) | BIT(OFPRR_EVICTION_))

/* What a connection hears before it says what it wants.  Slaves hear of ports only. */
void ofconn_async_default(struct ofconn *c)
{
	memset(&c->async, 0, sizeof(c->async));
	if (c->kind != OFCONN_PRIMARY && !c->config.miss_send_len)
		return;
	c->async.packet_in[0] = BIT(OFPR_NO_MATCH_) | BIT(OFPR_ACTION_);
	if (c->proto.version < OFP13)
		c->async.packet_in[0] |= BIT(OFPR_INVALID_TTL_);
	c->async.port_status[0] = c->async.port_status[1] = PORT_ALL;
	c->async.flow_removed[0] = REMOVED_ALL;
}

bool ofconn_async_room(struct ofconn *c)
{
	if (stream_backlog(c->stream) + c->out.len < OFCONN_ASYNC_BACKLOG_MAX)
		return true;
	c->cs->stats.async_dropped++;
	return false;
}

static bool wants(const struct ofconn *c, const uint32_t mask[2], unsigned reason)
{
	return c->hello_done && !c->dead && c->kind != OFCONN_SNOOP &&
	       mask[c->role == OFPCR_SLAVE_] & BIT(reason);
}

/* A miss is a packet-in for those only whose version has no table-miss entries. */
static bool wants_packet_in(const struct ofconn *c, const struct ofconn_packet_in *p)
{
	if (!wants(c, c->async.packet_in, p->pin.reason) || c->controller_id != p->controller_id)
		return false;
	return !p->is_miss || c->proto.version < OFP13;
}

void ofconns_packet_in(struct ofconns *cs, const struct ofconn_packet_in *p)
{
	struct ofconn *c;

	cds_list_for_each_entry (c, &cs->conns, node) {
		struct ofp_packet_in pin = p->pin;

		if (!wants_packet_in(c, p) || !ofconn_async_room(c))
			continue;
		/* Nothing is buffered here, so the packet goes whole, whatever the max_len of the
		 * action or the connection (OpenFlow 1.3.5 section 7.4.1). */
		pin.buffer_id = OFP_NO_BUFFER_;
		ofp_put_packet_in(ofconn_put(c), &c->proto, &pin);
		ofconn_send(c);
	}
}

void ofconns_flow_removed(struct ofconns *cs, const struct ofp_flow_removed *r)
{
	struct ofconn *c;

	cds_list_for_each_entry (c, &cs->conns, node)
		if (wants(c, c->async.flow_removed, r->reason) && ofconn_async_room(c)) {
			ofp_put_flow_removed(ofconn_put(c), &c->proto, r);
			ofconn_send(c);
		}
}

void ofconns_port_status(struct ofconns *cs, enum ofp_port_reason reason,
			 const struct ofp_phy_port *p)
{
	struct ofconn *c;

	cds_list_for_each_entry (c, &cs->conns, node)
		if (wants(c, c->async.port_status, reason) && ofconn_async_room(c)) {
			ofp_put_port_status(ofconn_put(c), c->proto.version, reason, p);
			ofconn_send(c);
		}
}
