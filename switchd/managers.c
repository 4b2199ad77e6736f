/* SPDX-License-Identifier: Apache-2.0 */
/* Managers (ovs-vsctl(8), set-manager): where else the database listens.  The switch serves its
 * database itself, so a passive target is one more remote of it; a connection that it would have
 * to make to a manager is not made, and the row says so. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "core/io/stream.h"
#include "switchd/config.h"
#include "switchd/schema.h"

LOG_MODULE("managers");

#define MANAGERS_MAX 64

struct sw_manager {
	struct cds_list_head node;
	char *target; /* owned */
	bool wanted, listening;
	struct error error;
};

static struct sw_manager *find(struct switchd *sw, const char *target)
{
	struct sw_manager *m;

	cds_list_for_each_entry (m, &sw->managers, node)
		if (!strcmp(m->target, target))
			return m;
	return NULL;
}

static void drop(struct switchd *sw, struct sw_manager *m)
{
	if (m->listening)
		dbserver_remove_remote(sw->server, m->target);
	cds_list_del(&m->node);
	free(m->target);
	free(m);
}

static void load_certificates(struct switchd *sw, const struct db_row *root)
{
	const struct schema *s = sw->schema;
	const struct db_row *ssl =
		db_get_n(root, s->root_ssl) ? db_get_ref(root, s->root_ssl, 0) : NULL;
	struct error err = ERROR_INIT;
	char text[400];

	if (ssl && dbserver_set_tls(sw->server, db_get_string(ssl, s->ssl_certificate, ""),
				    db_get_string(ssl, s->ssl_private_key, ""),
				    db_get_string(ssl, s->ssl_ca_cert, ""), &err))
		log_warn("SSL: %s", error_text(&err, text, sizeof(text)));
}

static void listen_at(struct switchd *sw, struct sw_manager *m, const struct db_row *root)
{
	if (!stream_target_is_passive(m->target)) {
		error_set(&m->error, EOPNOTSUPP, "target",
			  "the switch listens for managers, it does not connect to them");
	} else {
		if (!strncmp(m->target, "pssl:", 5))
			load_certificates(sw, root);
		m->listening = !dbserver_add_remote(sw->server, m->target, &m->error);
	}
	if (!m->listening)
		log_warn("manager %s: %s", m->target, m->error.cause);
}

static struct sw_manager *add(struct switchd *sw, const char *target, const struct db_row *root)
{
	struct sw_manager *m = xzalloc(sizeof(*m));

	m->target = xstrdup(target);
	cds_list_add_tail(&m->node, &sw->managers);
	listen_at(sw, m, root);
	return m;
}

static void want(struct switchd *sw, const struct db_row *root, const struct db_row *row,
		 struct db_txn *txn)
{
	const struct schema *s = sw->schema;
	const char *target = db_get_string(row, s->mgr_target, "");
	struct sw_manager *m = find(sw, target);

	if (!m)
		m = add(sw, target, root);
	m->wanted = true;
	db_txn_set_map_item(txn, row, s->mgr_status, "state", m->listening ? "ACTIVE" : "VOID");
	db_txn_set_map_item(txn, row, s->mgr_status, "last_error",
			    m->listening ? NULL : m->error.cause);
}

void switchd_managers_pass(struct switchd *sw, struct db_txn *txn)
{
	const struct schema *s = sw->schema;
	const struct db_row *root = db_row_first(s->root);
	struct sw_manager *m, *next;
	size_t n = root && s->manager ? db_get_n(root, s->root_manager_options) : 0;

	cds_list_for_each_entry (m, &sw->managers, node)
		m->wanted = false;
	for (size_t i = 0; i < n && i < MANAGERS_MAX; i++) {
		const struct db_row *row = db_get_ref(root, s->root_manager_options, i);

		if (row)
			want(sw, root, row, txn);
	}
	cds_list_for_each_entry_safe (m, next, &sw->managers, node)
		if (!m->wanted)
			drop(sw, m);
}

void switchd_managers_free(struct switchd *sw)
{
	struct sw_manager *m, *next;

	cds_list_for_each_entry_safe (m, next, &sw->managers, node)
		drop(sw, m);
}
