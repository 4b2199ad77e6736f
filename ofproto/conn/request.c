/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection answers by itself: echo, configuration, roles, asynchronous configuration,
 * barriers, the Nicira switches.  One row per message. */
#include "ofproto/conn/conn_priv.h"

typedef enum ofperr request_fn(struct ofconn *c, const struct ofp_msg *m);

static enum ofperr do_nothing(struct ofconn *c, const struct ofp_msg *m)
{
	return OFPERR_OK;
}

static enum ofperr do_echo(struct ofconn *c, const struct ofp_msg *m)
{
	ofp_put_echo_reply(ofconn_put(c), m);
	return OFPERR_OK;
}

/* Order is kept and a paused connection takes no message, so everything before has been done. */
static enum ofperr do_barrier(struct ofconn *c, const struct ofp_msg *m)
{
	if (c->cs->ops.barrier)
		c->cs->ops.barrier(c->cs->ctx, c->kind == OFCONN_PRIMARY);
	ofp_put_empty(ofconn_put(c), OFP_BARRIER_REPLY, m->version, m->xid);
	return OFPERR_OK;
}

static enum ofperr do_get_config(struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_switch_config cfg = c->config;

	cfg.flags = (uint16_t)((cfg.flags & ~OFPC_FRAG_MASK_) | c->cs->frags);
	ofp_put_config(ofconn_put(c), OFP_GET_CONFIG_REPLY, m->version, m->xid, &cfg);
	return OFPERR_OK;
}

/* Unknown flags are an error from 1.3 on, which has one for them; 1.0 says nothing of them. */
static bool flags_ok(const struct ofp_switch_config *cfg, uint8_t version)
{
	unsigned known = OFPC_FRAG_MASK_ | (version < OFP13 ? OFPC_INVALID_TTL_ : 0);

	return version < OFP13 || !(cfg->flags & ~known);
}

static enum ofperr do_set_config(struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_switch_config cfg;
	enum ofperr e = ofp_decode_config(m, &cfg);

	if (e)
		return e;
	if (c->role == OFPCR_SLAVE_)
		return OFPERR_IS_SLAVE;
	if (!flags_ok(&cfg, m->version))
		return OFPERR_SC_BAD_FLAGS;
	/* Reassembly is not among the features; who asks for it sees that it did not come about. */
	if ((cfg.flags & OFPC_FRAG_MASK_) != OFPC_FRAG_REASM_)
		c->cs->frags = (enum ofp_frags)(cfg.flags & OFPC_FRAG_MASK_);
	c->config = cfg;
	c->config_set = true;
	if (!c->async_set)
		ofconn_async_default(c);
	ofconns_changed(c->cs);
	return OFPERR_OK;
}

/* One master at a time: the others become slaves (OpenFlow 1.3.5 section 6.3.4). */
static void demote_others(struct ofconn *master)
{
	struct ofconn *c;

	cds_list_for_each_entry (c, &master->cs->conns, node)
		if (c != master && c->role == OFPCR_MASTER_)
			c->role = OFPCR_SLAVE_;
}

static enum ofperr check_generation(struct ofconn *c, const struct ofp_role_msg *r)
{
	struct ofconns *cs = c->cs;

	if (!r->have_generation || (r->role != OFPCR_MASTER_ && r->role != OFPCR_SLAVE_))
		return OFPERR_OK;
	if (cs->have_generation && (int64_t)(r->generation - cs->generation) < 0)
		return OFPERR_ROLE_STALE;
	cs->have_generation = true;
	cs->generation = r->generation;
	return OFPERR_OK;
}

static enum ofperr do_role(struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_role_msg r;
	enum ofperr e = ofp_decode_role(m, &r);

	if (e)
		return e;
	e = check_generation(c, &r);
	if (e)
		return e;
	if (r.role != OFPCR_NOCHANGE_) {
		c->role = (enum ofp_role)r.role;
		if (c->role == OFPCR_MASTER_)
			demote_others(c);
		ofconns_changed(c->cs);
	}
	r.role = c->role;
	r.have_generation = c->cs->have_generation;
	r.generation = c->cs->have_generation ? c->cs->generation : UINT64_MAX;
	ofp_put_role(ofconn_put(c), OFP_ROLE_REPLY, m->version, m->xid, &r);
	return OFPERR_OK;
}

static enum ofperr do_get_async(struct ofconn *c, const struct ofp_msg *m)
{
	ofp_put_async(ofconn_put(c), OFP_GET_ASYNC_REPLY, m->version, m->xid, &c->async);
	return OFPERR_OK;
}

static enum ofperr do_set_async(struct ofconn *c, const struct ofp_msg *m)
{
	enum ofperr e = ofp_decode_async(m, &c->async);

	if (!e) {
		c->async_set = true;
		ofconns_changed(c->cs);
	}
	return e;
}

static enum ofperr do_flow_format(struct ofconn *c, const struct ofp_msg *m)
{
	return ofp_decode_set_flow_format(m, &c->proto.nxm);
}

static enum ofperr do_table_id(struct ofconn *c, const struct ofp_msg *m)
{
	return ofp_decode_flow_mod_table_id(m, &c->proto.table_id);
}

static enum ofperr do_packet_in_format(struct ofconn *c, const struct ofp_msg *m)
{
	return ofp_decode_set_packet_in_format(m, &c->proto.packet_in);
}

static enum ofperr do_controller_id(struct ofconn *c, const struct ofp_msg *m)
{
	return ofp_decode_set_controller_id(m, &c->controller_id);
}

static request_fn *const own_requests[OFP_MSG_N_KINDS] = {
	[OFP_HELLO] = do_nothing,
	[OFP_ERROR] = do_nothing, /* an error is never answered with one */
	[OFP_ECHO_REQUEST] = do_echo,
	[OFP_ECHO_REPLY] = do_nothing,
	[OFP_GET_CONFIG_REQUEST] = do_get_config,
	[OFP_SET_CONFIG] = do_set_config,
	[OFP_BARRIER_REQUEST] = do_barrier,
	[OFP_ROLE_REQUEST] = do_role,
	[OFP_GET_ASYNC_REQUEST] = do_get_async,
	[OFP_SET_ASYNC] = do_set_async,
	[OFP_NXT_SET_FLOW_FORMAT] = do_flow_format,
	[OFP_NXT_FLOW_MOD_TABLE_ID] = do_table_id,
	[OFP_NXT_SET_PACKET_IN_FORMAT] = do_packet_in_format,
	[OFP_NXT_SET_CONTROLLER_ID] = do_controller_id,
	[OFP_NXT_FLOW_AGE] = do_nothing, /* ages are always sent */
};

int ofconn_own_request(struct ofconn *c, const struct ofp_msg *m)
{
	request_fn *fn = own_requests[m->kind];

	return fn ? (int)fn(c, m) : -1;
}
