/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/server/host.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "dbserver/engine/store.h"

void db_host_init(struct db_host *h, struct loop *loop, const struct dbserver_limits *limits)
{
	*h = (struct db_host){
		.loop = loop,
		.limits = dbserver_limits_fill(limits),
		.server_id = uuid_new(),
	};
	CDS_INIT_LIST_HEAD(&h->dbs);
	CDS_INIT_LIST_HEAD(&h->sessions);
	db_locks_init(&h->locks);
}

void db_host_done(struct db_host *h)
{
	struct served_db *s, *next;

	cds_list_for_each_entry_safe (s, next, &h->dbs, link) {
		db_triggers_done(&s->triggers);
		if (s->store)
			db_store_close(s->store);
		else
			db_free(s->db);
		free(s);
	}
	db_locks_done(&h->locks);
}

void db_host_add(struct db_host *h, struct db *db, struct db_store *store, bool read_only)
{
	struct served_db *s = xzalloc(sizeof(*s));

	s->db = db;
	s->store = store;
	s->read_only = read_only;
	db_triggers_init(&s->triggers, h->loop, db);
	cds_list_add_tail(&s->link, &h->dbs);
}

struct served_db *db_host_find(const struct db_host *h, const char *name)
{
	struct served_db *s;

	cds_list_for_each_entry (s, &h->dbs, link)
		if (name && !strcmp(db_name(s->db), name))
			return s;
	return NULL;
}

struct db_limits db_host_limits(const struct db_host *h)
{
	return (struct db_limits){
		.rows = h->limits.rows,
		.bytes = h->limits.db_bytes,
		.operations = h->limits.operations,
	};
}
