/* SPDX-License-Identifier: Apache-2.0 */
/* The switch daemon: the database's configuration made into bridges, and their state written back.
 *
 * One direction at a time: config.c reads rows and makes bridges follow (a change in the database,
 * or a network device that appeared or vanished, asks for a pass before the loop sleeps); status.c
 * writes what is into rows, each few seconds and after each pass.  Nothing else knows both sides.
 * All on the loop's thread. */
#pragma once

#include "core/base/rcu.h"
#include "core/io/ctl.h"
#include "core/io/http.h"
#include "core/io/loop.h"
#include "core/io/route.h"
#include "core/io/rtnl.h"
#include "dbserver/dbserver.h"
#include "dbserver/engine/view.h"
#include "ofproto/bridge/bridge.h"

struct schema; /* table and column handles: schema.h */

struct sw_bridge {
	struct cds_list_head node;
	struct switchd *sw;
	char *name;
	char *datapath_type;
	struct bridge *br;          /* NULL: could not be made, `error` says why */
	struct cds_list_head ports; /* struct sw_port */
	char error[320];
	bool wanted; /* while a pass compares */
};

struct sw_backend { /* one per datapath type in use */
	struct cds_list_head node;
	char *type;
	struct backend *be;
	struct dp_config dp_cfg; /* as last asked for */
};

struct switchd {
	struct loop *loop;
	struct dbserver *server;
	struct db *db;
	struct schema *schema;
	struct db_watch watch;
	struct rtnl *rtnl;
	struct rtnl_watch *link_watch;
	struct routes *routes; /* NULL: not to be had */
	struct ctl *ctl;
	struct memreporter *memory;
	struct http *http; /* metrics; NULL: off */
	struct loop_timer *status_timer, *status_soon;
	struct cds_list_head bridges, backends, managers;
	uint64_t started_ns;
	bool pass_due, status_due;
	bool exit_cleanup;          /* take kernel and hardware down too */
	bool restored;              /* flow-restore-wait is over, or never was */
	struct ctl_conn *exit_conn; /* waits for the end */
};

struct switchd_options {
	const char *db_path;     /* file */
	const char *schema_path; /* to create it from */
	const char *db_socket;   /* NULL: punix:RUNDIR/db.sock */
	const char *metrics;     /* HTTP address; NULL: none */
	const char *ctl_path;    /* NULL: the usual */
};

/* NULL and *err. */
struct switchd *switchd_new(struct loop *loop, const struct switchd_options *opt,
			    struct error *err);
void switchd_free(struct switchd *sw);

/* config.c: a pass before the loop sleeps. */
void switchd_reconfigure(struct switchd *sw);
void switchd_pass(struct switchd *sw);
void switchd_remove_bridges(struct switchd *sw);
/* managers.c: listens where the Manager rows say. */
void switchd_managers_pass(struct switchd *sw, struct db_txn *txn);
void switchd_managers_free(struct switchd *sw);
/* tunnels.c */
struct tunnel_status { /* zero and "": the flow says where to, or there is no way */
	char egress[16];
	bool carrier;
	uint32_t mtu; /* bytes of an IP packet inside */
};
void switchd_tunnel_status(struct switchd *sw, const struct tunnel_conf *c,
			   struct tunnel_status *st);
/* links.c */
int switchd_links_start(struct switchd *sw, struct error *err) MUST_CHECK;
/* status.c */
struct db_txn;
void switchd_write_status(struct switchd *sw, struct db_txn *txn);
void switchd_status_pass(struct switchd *sw);
/* A pass within a moment, so that many changes share one.  arg: the struct switchd. */
void switchd_status_soon(void *arg);
/* commands.c and its kin: everything on the control socket; metrics.c: /metrics */
void switchd_commands_register(struct switchd *sw);
void switchd_metrics_register(struct switchd *sw);
struct str;
void switchd_metrics_text(struct switchd *sw, struct str *out); /* appends what /metrics serves */

struct sw_bridge *switchd_bridge(struct switchd *sw, const char *name);
/* The only or first backend; NULL: no bridge yet. */
struct backend *switchd_backend_next(struct switchd *sw, struct backend *prev);
