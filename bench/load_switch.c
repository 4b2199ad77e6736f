/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load_switch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/load_traffic.h"
#include "core/base/xalloc.h"
#include "core/datapath/user/dp_user.h"
#include "core/port/fake.h"
#include "offload/sim/sim.h"

#define PORTS_MAX (LOAD_PORTS_MAX + LOAD_SERVERS)
#define GROUP 1

struct load_switch {
	struct load_switch_config cfg;
	char dir[32]; /* its sockets and the NIC's profile */
	struct backend *be;
	struct bridge *br;
	struct port *ports[PORTS_MAX]; /* referenced */
};

static void port_name(unsigned i, char name[16])
{
	(void)snprintf(name, 16, "p%u", i + 1);
}

/* --- the NIC --- */

static const char profile[] = "description = a NIC for load tests\n"
			      "fields = eth_src eth_dst eth_type ip_proto ip_frag tcp_src tcp_dst\n"
			      "fields_masked = ip_src ip_dst vlan_vid vlan_pcp\n"
			      "actions = output drop\n"
			      "table_size = %u\n"
			      "insert_latency_us = %u\n"
			      "counter_lag_ms = 100\n"
			      "batch = 64\n";

static int write_profile(const struct load_switch *s, struct error *err)
{
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/load.conf", s->dir);
	f = fopen(path, "we");
	if (!f || fprintf(f, profile, s->cfg.entries, s->cfg.latency_us) < 0 || fclose(f))
		return error_set(err, errno, path, "cannot be written: %s", strerror(errno));
	if (setenv("SHUNT_PROFILE_DIR", s->dir, 1))
		return error_set(err, errno, NULL, "no room in the environment");
	return 0;
}

static void remove_dir(const struct load_switch *s)
{
	static const char *const left[] = { "load.conf", "load.mgmt", "load.snoop" };
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", s->dir, left[i]);
		(void)unlink(path); /* sockets go with their bridge */
	}
	(void)rmdir(s->dir);
}

/* --- tables --- */

static int flow_mod(struct load_switch *s, const struct ofp_flow_mod *fm, struct error *err)
{
	enum ofperr e = tables_flow_mod(bridge_tables(s->br), fm, NULL);

	return e ? error_set(err, EINVAL, NULL, "a rule is refused: error %d", (int)e) : 0;
}

/* Table 0: counts what comes from a client; on to table 1. */
static int add_count(struct load_switch *s, unsigned client, struct error *err)
{
	struct ofpact_resubmit re = { .in_port = { OFPP_IN_PORT_ }, .table = 1 };
	struct ofp_flow_mod fm = { .command = OFPFC_ADD_,
				   .priority = 100,
				   .cookie = hton64(client + 1),
				   .buffer_id = OFP_NO_BUFFER_,
				   .out_port = { OFPP_NONE_ },
				   .out_group = OFPG_ANY_ };
	struct buf acts = BUF_INIT;
	int rc;

	match_init_catchall(&fm.match);
	fm.match.key.in_port = htonl(client + 1);
	fm.match.mask.in_port = UINT32_MAX;
	ofpact_put(&acts, OFPACT_RESUBMIT, &re, sizeof(re));
	fm.actions = ofpacts_of(&acts);
	rc = flow_mod(s, &fm, err);
	buf_done(&acts);
	return rc;
}

static int add_group(struct load_switch *s, struct error *err)
{
	struct ofp_group_mod gm = { .command = OFPGC_ADD_, .type = OFPGT_SELECT_, .id = GROUP };
	struct ofp_bucket buckets[LOAD_SERVERS];
	struct buf acts[LOAD_SERVERS];
	enum ofperr e;

	memset(buckets, 0, sizeof(buckets));
	for (unsigned i = 0; i < LOAD_SERVERS; i++) {
		struct ofpact_output out = { .port = { s->cfg.n_clients + i + 1 } };

		acts[i] = (struct buf)BUF_INIT;
		ofpact_put(&acts[i], OFPACT_OUTPUT, &out, sizeof(out));
		buckets[i].weight = 1;
		buckets[i].watch_port.v = OFPP_NONE_;
		buckets[i].watch_group = OFPG_ANY_;
		buckets[i].actions = ofpacts_of(&acts[i]);
	}
	gm.buckets = buckets;
	gm.n_buckets = LOAD_SERVERS;
	e = tables_group_mod(bridge_tables(s->br), &gm);
	for (unsigned i = 0; i < LOAD_SERVERS; i++)
		buf_done(&acts[i]);
	return e ? error_set(err, EINVAL, NULL, "the group is refused: error %d", (int)e) : 0;
}

/* Table 1: to the servers. */
static int add_balance(struct load_switch *s, struct error *err)
{
	struct ofpact_group to = { .id = GROUP };
	struct ofp_flow_mod fm = { .command = OFPFC_ADD_,
				   .table = 1,
				   .buffer_id = OFP_NO_BUFFER_,
				   .out_port = { OFPP_NONE_ },
				   .out_group = OFPG_ANY_ };
	struct buf acts = BUF_INIT;
	int rc = add_group(s, err);

	if (rc)
		return rc;
	match_init_catchall(&fm.match);
	ofpact_put(&acts, OFPACT_GROUP, &to, sizeof(to));
	fm.actions = ofpacts_of(&acts);
	rc = flow_mod(s, &fm, err);
	buf_done(&acts);
	return rc;
}

/* --- ports --- */

static int add_port(struct load_switch *s, unsigned i, struct error *err)
{
	static const char *const keys[] = { "discard" }, *const values[] = { "true" };
	struct bridge_bundle_config bundle = { .n_ports = 1 };
	struct bridge_port_config pc = { .offload = "sim:load", .tc_policy = -1 };
	struct ofp_port ofp;
	const char *names[1];
	char name[16];
	int rc;

	port_name(i, name);
	names[0] = name;
	bundle.name = name;
	bundle.ports = names;
	pc.port = (struct port_config){
		.name = name, .type = "fake", .keys = keys, .values = values, .n_options = 1
	};
	pc.ofport_request = i + 1;
	rc = bridge_port_set(s->br, &pc, &ofp, err);
	if (rc)
		return rc;
	bridge_bundle_set(s->br, &bundle);
	s->ports[i] = fake_find(name);
	if (ofp.v != i + 1 || !s->ports[i])
		return error_set(err, ENODEV, name, "it is not there, or has another number");
	return 0;
}

static int add_ports(struct load_switch *s, struct error *err)
{
	for (unsigned i = 0; i < s->cfg.n_clients + LOAD_SERVERS; i++) {
		struct bridge_port_info info;
		char name[16];
		int rc = add_port(s, i, err);

		if (rc)
			return rc;
		port_name(i, name);
		if (!bridge_port_info(s->br, name, &info) && info.offload_error)
			return error_set(err, ENODEV, name, "%s", info.offload_error);
	}
	return 0;
}

/* --- the whole --- */

static void configure(struct load_switch *s)
{
	struct engine_config ec;

	engine_config_default(&ec);
	ec.hw_offload = true;
	ec.queue_max = s->cfg.queue_max;
	engine_configure(flows_engine(backend_flows(s->be)), &ec);
}

static int open_datapath(struct load_switch *s, struct loop *loop, struct error *err)
{
	struct dp_config dc = { .settled = true,
				.n_workers = s->cfg.n_workers,
				.flow_limit = s->cfg.flow_limit };
	struct flows_config fc;
	struct dp *dp;

	flows_config_default(&fc);
	fc.n_handlers = s->cfg.n_handlers;
	fc.flow_limit = s->cfg.flow_limit;
	fc.max_idle_ms = s->cfg.max_idle_ms;
	s->be = backend_new(loop, "netdev", &fc, err);
	if (!s->be)
		return -err->code;
	configure(s);
	dp = backend_dp(s->be);
	return dp->ops->configure(dp, &dc, err);
}

static int build(struct load_switch *s, struct loop *loop, struct error *err)
{
	struct bridge_config bc = { .name = "load", .secure = true };
	int rc = write_profile(s, err);

	if (rc)
		return rc;
	rc = open_datapath(s, loop, err);
	if (rc)
		return rc;
	s->br = bridge_new(s->be, &bc, s->dir, err);
	if (!s->br)
		return -err->code;
	rc = add_ports(s, err);
	for (unsigned i = 0; !rc && i < s->cfg.n_clients; i++)
		rc = add_count(s, i, err);
	if (!rc)
		rc = add_balance(s, err);
	if (rc)
		return rc;
	backend_publish(s->be);
	return backend_begin(s->be);
}

struct load_switch *load_switch_new(struct loop *loop, const struct load_switch_config *cfg,
				    struct error *err)
{
	struct load_switch *s = xzalloc(sizeof(*s));

	ports_init();
	dp_user_init();
	sim_register();
	s->cfg = *cfg;
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/shunt-load.XXXXXX");
	if (!mkdtemp(s->dir)) {
		(void)error_set(err, errno, s->dir, "cannot be made: %s", strerror(errno));
		free(s);
		return NULL;
	}
	if (!build(s, loop, err))
		return s;
	load_switch_free(s);
	return NULL;
}

void load_switch_free(struct load_switch *s)
{
	for (unsigned i = 0; i < PORTS_MAX; i++)
		if (s->ports[i])
			port_unref(s->ports[i]);
	if (s->br)
		bridge_free(s->br);
	backend_free(s->be, false);
	remove_dir(s);
	free(s);
}

struct port *load_switch_port(struct load_switch *s, unsigned client)
{
	return s->ports[client];
}

struct flows *load_switch_flows(struct load_switch *s)
{
	return backend_flows(s->be);
}

struct engine *load_switch_engine(struct load_switch *s)
{
	return flows_engine(backend_flows(s->be));
}

struct dp *load_switch_dp(struct load_switch *s)
{
	return backend_dp(s->be);
}

/* --- counts --- */

static bool add_rule(struct rule *r, void *aux)
{
	struct flow_stats *sum = aux;

	sum->packets += r->stats->packets;
	sum->bytes += r->stats->bytes;
	return true;
}

struct flow_stats load_switch_counted(struct load_switch *s, unsigned client)
{
	struct ofp_flow_stats_request req = { .table = 0,
					      .out_port = { OFPP_NONE_ },
					      .out_group = OFPG_ANY_,
					      .cookie = hton64(client + 1),
					      .cookie_mask = UINT64_MAX };
	struct flow_stats sum = { 0 };

	match_init_catchall(&req.match);
	tables_visit(bridge_tables(s->br), &req, add_rule, &sum);
	return sum;
}

struct flow_stats load_switch_sent(struct load_switch *s)
{
	struct flow_stats sum = { 0 };

	for (unsigned i = 0; i < LOAD_SERVERS; i++) {
		struct port *p = s->ports[s->cfg.n_clients + i];
		struct port_stats st = { 0 };

		(void)p->ops->stats(p, &st); /* a fake port's are always there */
		sum.packets += st.tx_packets;
		sum.bytes += st.tx_bytes;
	}
	return sum;
}
