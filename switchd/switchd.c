/* SPDX-License-Identifier: Apache-2.0 */
#include "switchd/switchd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/memreport.h"
#include "core/base/xalloc.h"
#include "core/io/daemon.h"
#include "switchd/schema.h"

LOG_MODULE("switchd");

#define STATUS_PERIOD_NS (5 * NSEC_PER_SEC)
#define STATUS_SOON_NS (100 * NSEC_PER_MSEC)

static void on_change(void *arg, const struct db_changes *changes)
{
	struct switchd *sw = arg;

	if (changes->by != sw)
		switchd_reconfigure(sw);
}

static void on_status_timer(void *arg)
{
	switchd_status_pass(arg);
}

static void on_status_soon(void *arg)
{
	struct switchd *sw = arg;

	sw->status_due = false;
	switchd_status_pass(sw);
}

void switchd_status_soon(void *arg)
{
	struct switchd *sw = arg;

	if (sw->status_due || !sw->status_soon)
		return;
	sw->status_due = true;
	loop_timer_in(sw->status_soon, STATUS_SOON_NS);
}

/* A fresh database has no row to hang bridges on: clients expect one. */
static int make_root(struct switchd *sw, struct error *err)
{
	struct db_txn *txn;
	int rc;

	if (db_row_first(sw->schema->root))
		return 0;
	txn = db_txn_new(sw->db, sw);
	db_txn_comment(txn, "shuntd: the first row");
	if (!db_txn_insert(txn, sw->schema->root)) {
		db_txn_abort(txn);
		return error_set(err, ENOSPC, "Open_vSwitch", "cannot insert the first row");
	}
	rc = db_txn_commit(txn, err);
	return MIN(rc, 0); /* 1: something changed */
}

static void report_open(const char *path, const struct dbserver_open_report *r)
{
	if (r->created)
		log_info("%s: created", path);
	if (r->upgraded)
		log_info("%s: upgraded to the newer schema", path);
	if (r->lost_bytes)
		log_warn("%s: %" PRIu64
			 " damaged bytes at the end were cut off (%s): opened to its last whole "
			 "transaction, the damaged file is kept as %s",
			 path, r->lost_bytes, r->reason, r->saved_as);
}

static int open_database(struct switchd *sw, const struct switchd_options *opt, struct error *err)
{
	struct dbserver_open_report report;
	char *socket;
	int rc;

	sw->server = dbserver_new(sw->loop, NULL);
	rc = dbserver_open(sw->server, opt->db_path, opt->schema_path, &report, err);
	if (rc)
		return error_wrap(err, "%s", opt->db_path);
	report_open(opt->db_path, &report);
	sw->db = dbserver_db(sw->server, "Open_vSwitch");
	if (!sw->db)
		return error_set(err, EINVAL, opt->db_path, "this is not an Open_vSwitch database");
	sw->schema = schema_new(sw->db, err);
	if (!sw->schema)
		return -EINVAL;
	rc = make_root(sw, err);
	if (rc)
		return rc;
	socket =
		opt->db_socket ? xstrdup(opt->db_socket) : xasprintf("punix:%s/db.sock", dir_run());
	rc = dbserver_add_remote(sw->server, socket, err);
	free(socket);
	return rc;
}

static int open_control(struct switchd *sw, const struct switchd_options *opt, struct error *err)
{
	struct error why = ERROR_INIT;

	sw->ctl = ctl_new(sw->loop, opt->ctl_path, err);
	if (!sw->ctl)
		return -EIO;
	switchd_commands_register(sw);
	if (!opt->metrics)
		return 0;
	sw->http = http_new(sw->loop, opt->metrics, NULL, &why);
	if (!sw->http) { /* a switch that cannot be watched still has to switch */
		log_warn("--metrics=%s: %s: metrics are not served", opt->metrics, why.cause);
		return 0;
	}
	switchd_metrics_register(sw);
	log_info("metrics are served at port %u, path /metrics", http_port(sw->http));
	return 0;
}

struct switchd *switchd_new(struct loop *loop, const struct switchd_options *opt, struct error *err)
{
	struct switchd *sw = xzalloc(sizeof(*sw));

	sw->loop = loop;
	sw->started_ns = clock_mono_ns();
	CDS_INIT_LIST_HEAD(&sw->bridges);
	CDS_INIT_LIST_HEAD(&sw->backends);
	CDS_INIT_LIST_HEAD(&sw->managers);
	if (switchd_links_start(sw, err) || open_database(sw, opt, err) ||
	    open_control(sw, opt, err)) {
		switchd_free(sw);
		return NULL;
	}
	sw->watch = (struct db_watch){ .fn = on_change, .arg = sw };
	db_watch_add(sw->db, &sw->watch);
	sw->status_timer = loop_timer_new(loop, on_status_timer, sw);
	loop_timer_every(sw->status_timer, STATUS_PERIOD_NS);
	sw->status_soon = loop_timer_new(loop, on_status_soon, sw);
	switchd_pass(sw);
	return sw;
}

void switchd_free(struct switchd *sw)
{
	if (!sw)
		return;
	if (sw->watch.fn)
		db_watch_remove(sw->db, &sw->watch);
	if (sw->status_timer)
		loop_timer_free(sw->status_timer);
	if (sw->status_soon)
		loop_timer_free(sw->status_soon);
	sw->status_soon = NULL;
	http_free(sw->http);
	memreporter_free(sw->memory);
	switchd_remove_bridges(sw);
	if (sw->link_watch)
		rtnl_watch_free(sw->link_watch);
	routes_free(sw->routes);
	rtnl_free(sw->rtnl);
	if (sw->exit_conn)
		ctl_reply(sw->exit_conn, NULL);
	(void)loop_turn(sw->loop, 0); /* what was posted runs, the answer goes out */
	ctl_free(sw->ctl);
	switchd_managers_free(sw);
	dbserver_free(sw->server);
	free(sw->schema);
	free(sw);
}
