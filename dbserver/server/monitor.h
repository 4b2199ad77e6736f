/* SPDX-License-Identifier: Apache-2.0 */
/* Monitors: a client's standing request for the rows of some tables and their changes (RFC 7047
 * section 4.1.5; ovsdb-server(7) sections 4.1.12 to 4.1.17).
 *
 * One kind of object serves the three methods.  They differ in the form of what is sent (whole
 * values for "monitor", differences without defaults for the others) and in conditions on rows,
 * which the newer two have.  The server keeps no history, so "monitor_cond_since" always answers
 * that the client's last transaction is unknown and sends everything.
 *
 * An update goes out within the commit that causes it, thus before the reply to the transaction. */
#pragma once

#include "core/base/list.h"
#include "dbserver/data/condition.h"
#include "dbserver/engine/db.h"

enum monitor_method { MONITOR, MONITOR_COND, MONITOR_COND_SINCE };

/* Where notifications go.  `params` is taken. */
typedef void monitor_send_fn(void *arg, const char *method, struct json_object *params);

struct monitor {
	struct cds_list_head link; /* the owner's */
	struct db *db;
	struct json_object *id; /* owned; NULL is the JSON null */
	enum monitor_method method;
	struct monitor_table *tables; /* owned */
	size_t n_tables;
	struct db_watch watch;
	monitor_send_fn *send;
	void *arg;
};

/* Parses <monitor-requests> or <monitor-cond-requests> and starts watching; `id` is borrowed.  NULL
 * and *err for requests that are malformed. */
struct monitor *monitor_new(struct db *db, enum monitor_method method, struct json_object *id,
			    struct json_object *requests, monitor_send_fn *send, void *arg,
			    struct error *err);
void monitor_free(struct monitor *m);
bool monitor_has_id(const struct monitor *m, struct json_object *id);
/* What the reply to the request carries. */
struct json_object *monitor_initial(const struct monitor *m);
/* "monitor_cond_change": new conditions, and the new id; sends the rows that come and go by it.
 * -EINVAL and *err, and nothing changed. */
int monitor_change(struct monitor *m, struct json_object *new_id, struct json_object *requests,
		   struct error *err) MUST_CHECK;
