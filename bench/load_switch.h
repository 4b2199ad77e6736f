/* SPDX-License-Identifier: Apache-2.0 */
/* A whole switch in this process, but for its database: a bridge with its loop, tables,
 * translation, handlers and revalidator, the user datapath, the placement engine, and a sim NIC
 * with a table of a given size that all its ports belong to.
 *
 * Clients' ports are numbered from 1, behind them are those of LOAD_SERVERS servers.  Table 0
 * counts what comes in by each client's port; table 1 shares connections out among the servers by a
 * group that selects by the whole 5-tuple, as a load balancer does, so that each connection is a
 * megaflow of its own.  What the servers' ports send is counted and dropped. */
#pragma once

#include "ofproto/bridge/bridge.h"

#define LOAD_SERVERS 4

struct load_switch_config {
	unsigned n_clients, n_workers, n_handlers;
	uint32_t entries;    /* of the NIC's table */
	uint32_t latency_us; /* that one rule takes it */
	uint32_t flow_limit, max_idle_ms;
	uint32_t queue_max; /* requests to the NIC */
};

struct load_switch;

/* NULL and *err. */
struct load_switch *load_switch_new(struct loop *loop, const struct load_switch_config *cfg,
				    struct error *err);
void load_switch_free(struct load_switch *s);
struct port *load_switch_port(struct load_switch *s, unsigned client);
struct flows *load_switch_flows(struct load_switch *s);
struct engine *load_switch_engine(struct load_switch *s);
struct dp *load_switch_dp(struct load_switch *s);
/* What table 0 has counted of a client's packets. */
struct flow_stats load_switch_counted(struct load_switch *s, unsigned client);
/* What all servers' ports have sent. */
struct flow_stats load_switch_sent(struct load_switch *s);
