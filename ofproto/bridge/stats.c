/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics (multipart) requests.  Those about flows, groups and tables wait for a round of the
 * revalidator, so that the answer holds every packet switched before the request came. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "ofproto/bridge/bridge_priv.h"

typedef enum ofperr stats_fn(struct bridge *br, struct ofconn *c, const struct ofp_msg *m);

static void begin(struct ofp_multipart *mp, struct ofconn *c, const struct ofp_msg *m)
{
	ofp_multipart_begin(mp, ofconn_put(c), ofp_reply_kind(m->kind), m->version, m->xid);
}

static enum ofperr end(struct ofp_multipart *mp)
{
	(void)ofp_multipart_end(
		mp); /* an entry beyond 64 kB cannot be told in this version at all */
	return OFPERR_OK;
}

/* --- flows --- */

static bool put_flow(struct rule *r, void *aux)
{
	struct ofp_flow_stats fs;

	tables_rule_stats(r, &fs);
	ofp_put_flow_stats(aux, &fs);
	return true;
}

static enum ofperr do_flows(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_flow_stats_request req;
	struct ofp_multipart mp;
	enum ofperr e = ofp_decode_flow_stats_request(m, &req);

	if (e)
		return e;
	begin(&mp, c, m);
	tables_visit(br->tables, &req, put_flow, &mp);
	return end(&mp);
}

static enum ofperr do_aggregate(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_flow_stats_request req;
	struct ofp_aggregate a;
	enum ofperr e = ofp_decode_flow_stats_request(m, &req);

	if (e)
		return e;
	tables_aggregate(br->tables, &req, &a.packets, &a.bytes, &a.flows);
	ofp_put_aggregate_reply(ofconn_put(c), m, &a);
	return OFPERR_OK;
}

static enum ofperr do_tables(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_multipart mp;

	begin(&mp, c, m);
	for (unsigned t = 0; t < BRIDGE_N_TABLES; t++) {
		struct ofp_table_stats ts;

		tables_table_stats(br->tables, (uint8_t)t, &ts);
		ofp_put_table_stats(&mp, &ts);
	}
	return end(&mp);
}

static enum ofperr do_table_features(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_multipart mp;
	enum ofperr e = ofp_decode_table_features_request(m);

	if (e)
		return e;
	begin(&mp, c, m);
	for (unsigned t = 0; t < BRIDGE_N_TABLES; t++) {
		struct ofp_table_stats ts;
		struct ofp_table_features tf = {
			.table = (uint8_t)t,
			.n_tables = BRIDGE_N_TABLES,
			.metadata_match = UINT64_MAX,
			.metadata_write = UINT64_MAX,
		};

		tables_table_stats(br->tables, (uint8_t)t, &ts);
		memcpy(tf.name, ts.name, sizeof(tf.name));
		tf.max_entries = ts.max_entries;
		ofp_put_table_features(&mp, &tf);
	}
	return end(&mp);
}

/* --- groups --- */

static bool put_group_desc(struct group *g, void *aux)
{
	struct ofp_bucket *buckets = xcalloc(g->n_buckets, sizeof(*buckets));
	struct ofp_group_mod gm = {
		.type = g->type, .id = g->id, .buckets = buckets, .n_buckets = g->n_buckets
	};

	for (uint32_t i = 0; i < g->n_buckets; i++)
		buckets[i] = (struct ofp_bucket){
			.weight = g->buckets[i].weight,
			.watch_port = g->buckets[i].watch_port,
			.watch_group = g->buckets[i].watch_group,
			.actions = g->buckets[i].actions,
		};
	ofp_put_group_desc(aux, &gm);
	free(buckets);
	return true;
}

static enum ofperr do_group_desc(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_multipart mp;

	begin(&mp, c, m);
	tables_group_visit(br->tables, OFPG_ALL_, put_group_desc, &mp);
	return end(&mp);
}

static bool put_group_stats(struct group *g, void *aux)
{
	struct ofp_bucket_stats *b = xcalloc(g->n_buckets, sizeof(*b));
	struct ofp_group_stats gs;

	tables_group_stats(g, &gs, b);
	ofp_put_group_stats(aux, &gs);
	free(b);
	return true;
}

static enum ofperr do_group_stats(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_multipart mp;
	struct ofp_id_request r;
	enum ofperr e = ofp_decode_id_request(m, &r);

	if (e)
		return e;
	begin(&mp, c, m);
	tables_group_visit(br->tables, r.id, put_group_stats, &mp);
	return end(&mp);
}

static enum ofperr do_group_features(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_group_features f = {
		.types = 0xf, .capabilities = 0xf, /* weights, liveness, chaining, chaining checks
						      (OpenFlow 1.3.5 section 7.3.5.10) */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(f.max_groups); i++) {
		f.max_groups[i] = GROUPS_MAX;
		f.actions[i] = 0x0fff9801u; /* what ofpact.h lists: bits of enum ofp_action_type */
	}
	ofp_put_group_features_reply(ofconn_put(c), m->version, m->xid, &f);
	return OFPERR_OK;
}

/* --- ports --- */

static void put_port_stats(struct ofp_multipart *mp, struct bridge_port *p)
{
	struct port_stats st;
	struct ofp_port_stats s;

	memset(&s, 0xff, sizeof(s)); /* unknown */
	s.no = p->ofp;
	s.duration_ns = clock_mono_ns() - p->created_ns;
	if (!bridge_port_stats(p, &st)) {
		s.rx_packets = st.rx_packets;
		s.tx_packets = st.tx_packets;
		s.rx_bytes = st.rx_bytes;
		s.tx_bytes = st.tx_bytes;
		s.rx_dropped = st.rx_dropped;
		s.tx_dropped = st.tx_dropped;
		s.rx_errors = st.rx_errors;
		s.tx_errors = st.tx_errors;
		s.rx_frame_err = st.rx_frame_err;
		s.rx_over_err = st.rx_over_err;
		s.rx_crc_err = st.rx_crc_err;
		s.collisions = st.collisions;
	}
	ofp_put_port_stats(mp, &s);
}

static enum ofperr do_port_stats(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_multipart mp;
	struct ofp_id_request r;
	struct bridge_port *p;
	enum ofperr e = ofp_decode_id_request(m, &r);

	if (e)
		return e;
	begin(&mp, c, m); /* nothing in it for a port that is not there */
	cds_list_for_each_entry (p, &br->ports, node)
		if (r.port.v == OFPP_NONE_ || r.port.v == p->ofp.v)
			put_port_stats(&mp, p);
	return end(&mp);
}

static enum ofperr do_port_desc(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_multipart mp;
	struct bridge_port *p;

	begin(&mp, c, m);
	cds_list_for_each_entry (p, &br->ports, node) {
		struct ofp_phy_port phy;

		bridge_port_phy(p, &phy);
		ofp_put_port_desc(&mp, &phy);
	}
	return end(&mp);
}

static enum ofperr do_queue_stats(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_multipart mp;
	struct ofp_id_request r;
	enum ofperr e = ofp_decode_id_request(m, &r);

	if (e)
		return e;
	if (r.port.v != OFPP_NONE_ && !bridge_port_by_ofp(br, r.port))
		return OFPERR_QUEUE_BAD_PORT;
	if (r.id != OFP_ALL_IDS_)
		return OFPERR_QUEUE_BAD_QUEUE;
	begin(&mp, c, m); /* no port has queues */
	return end(&mp);
}

/* --- the rest --- */

static enum ofperr do_desc(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_switch_desc d = { .mfr = "Shunt",
				     .hw = "Shunt virtual switch",
				     .sw = PACKAGE_VERSION };

	snprintf(d.serial, sizeof(d.serial), "%s", *br->serial ? br->serial : "None");
	snprintf(d.dp, sizeof(d.dp), "%s", *br->dp_desc ? br->dp_desc : br->name);
	ofp_put_desc_reply(ofconn_put(c), m->version, m->xid, &d);
	return OFPERR_OK;
}

/* --- meters --- */

static enum ofperr do_meter_features(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	struct ofp_meter_features f;

	bridge_meter_features(br, &f);
	ofp_put_meter_features_reply(ofconn_put(c), m->version, m->xid, &f);
	return OFPERR_OK;
}

struct meter_reply {
	struct bridge *br;
	struct ofp_multipart mp;
};

static bool put_meter_stats(struct meter *meter, void *aux)
{
	struct meter_reply *r = aux;

	bridge_put_meter_stats(r->br, meter, &r->mp);
	return true;
}

static bool put_meter_config(struct meter *meter, void *aux)
{
	struct meter_reply *r = aux;
	const struct ofp_meter_mod mm = { .flags = meter->flags,
					  .id = meter->id,
					  .bands = meter->bands,
					  .n_bands = meter->n_bands };

	ofp_put_meter_config(&r->mp, &mm);
	return true;
}

static bool has_meter(struct bridge *br, uint32_t id)
{
	bool has;

	rcu_read_lock();
	has = tables_meter(br->tables, id);
	rcu_read_unlock();
	return has;
}

static enum ofperr answer_meters(struct bridge *br, struct ofconn *c, const struct ofp_msg *m,
				 tables_meter_visit_fn *put)
{
	struct meter_reply r = { .br = br };
	struct ofp_id_request req;
	enum ofperr e = ofp_decode_id_request(m, &req);

	if (e)
		return e;
	if (req.id != OFPM_ALL_ && !has_meter(br, req.id))
		return OFPERR_MM_UNKNOWN_METER;
	begin(&r.mp, c, m);
	tables_meter_visit(br->tables, req.id, put, &r);
	return end(&r.mp);
}

static enum ofperr do_meter_stats(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	return answer_meters(br, c, m, put_meter_stats);
}

static enum ofperr do_meter_config(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	return answer_meters(br, c, m, put_meter_config);
}

struct stats_request {
	stats_fn *fn;
	bool counts; /* waits until what was counted has been credited */
};

static const struct stats_request stats_requests[OFP_MSG_N_KINDS] = {
	[OFP_DESC_REQUEST] = { do_desc, false },
	[OFP_FLOW_STATS_REQUEST] = { do_flows, true },
	[OFP_NXST_FLOW_REQUEST] = { do_flows, true },
	[OFP_AGGREGATE_REQUEST] = { do_aggregate, true },
	[OFP_NXST_AGGREGATE_REQUEST] = { do_aggregate, true },
	[OFP_TABLE_STATS_REQUEST] = { do_tables, true },
	[OFP_TABLE_FEATURES_REQUEST] = { do_table_features, false },
	[OFP_PORT_STATS_REQUEST] = { do_port_stats, true },
	[OFP_PORT_DESC_REQUEST] = { do_port_desc, false },
	[OFP_QUEUE_STATS_REQUEST] = { do_queue_stats, false },
	[OFP_GROUP_STATS_REQUEST] = { do_group_stats, true },
	[OFP_GROUP_DESC_REQUEST] = { do_group_desc, false },
	[OFP_GROUP_FEATURES_REQUEST] = { do_group_features, false },
	[OFP_METER_FEATURES_REQUEST] = { do_meter_features, false },
	[OFP_METER_STATS_REQUEST] = { do_meter_stats, true },
	[OFP_METER_CONFIG_REQUEST] = { do_meter_config, false },
};

/* A request that waits for a round: found again by numbers, since bridge and connection may go
 * meanwhile. */
struct waiting {
	struct backend *be; /* outlives its posts */
	uint64_t bridge_id, conn_id;
	size_t len;
	uint8_t msg[]; /* the request */
};

static void answer(void *arg)
{
	struct waiting *w = arg;
	struct bridge *br = backend_bridge_by_id(w->be, w->bridge_id);
	struct ofconn *c = br ? ofconns_find(br->conns, w->conn_id) : NULL;
	struct ofp_msg m;
	enum ofperr e;

	if (c && !ofp_msg_identify(w->msg, w->len, &m)) {
		e = stats_requests[m.kind].fn(br, c, &m);
		if (e)
			ofconn_error(c, &m, e);
		ofconn_send(c);
		ofconn_resume(c);
	}
	free(w);
}

static void round_ended(void *arg) /* revalidator thread */
{
	struct waiting *w = arg;

	loop_post(w->be->loop, answer, w);
}

static void wait_for_round(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	size_t len = cursor_left(&m->all);
	struct waiting *w = xmalloc(sizeof(*w) + len);

	*w = (struct waiting){
		.be = br->be, .bridge_id = br->id, .conn_id = ofconn_id(c), .len = len
	};
	memcpy(w->msg, m->all.p, len);
	ofconn_pause(c);
	flows_after_readings(br->be->flows, round_ended, w);
}

enum ofperr bridge_stats_message(struct bridge *br, struct ofconn *c, const struct ofp_msg *m)
{
	const struct stats_request *s = &stats_requests[m->kind];

	if (!s->fn)
		return OFPERR_BAD_TYPE; /* a reply, or something that only a switch sends */
	if (!s->counts)
		return s->fn(br, c, m);
	wait_for_round(br, c, m);
	return OFPERR_OK;
}
