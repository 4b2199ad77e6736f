/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/db.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"

const struct db_limits db_limits_default = {
	.rows = 1000000,
	.bytes = (size_t)1 << 30,
	.operations = 100000,
};

/* A commit that watchers have yet to hear of. */
struct db_notice {
	struct db_notice *next;
	const void *by;
	struct db_change *change; /* owned, with the values in it */
	size_t n;
};

static void resolve_refs(struct db *db, struct db_table *t)
{
	for (uint32_t i = 0; i < t->schema->n_columns; i++) {
		const struct column_type *type = &t->schema->columns[i].type;

		if (type->key.ref_table)
			t->key_ref[i] = db_table(db, type->key.ref_table);
		if (type->value.ref_table)
			t->value_ref[i] = db_table(db, type->value.ref_table);
	}
}

struct db *db_new(struct db_schema *take, const struct db_limits *limits)
{
	struct db *db = xzalloc(sizeof(*db));

	db->schema = take;
	db->limits = limits ? *limits : db_limits_default;
	db->tables = xcalloc(take->n_tables + 1, sizeof(*db->tables));
	for (uint32_t i = 0; i < take->n_tables; i++)
		db_table_init(&db->tables[i], &take->tables[i], &db->usage);
	for (uint32_t i = 0; i < take->n_tables; i++)
		resolve_refs(db, &db->tables[i]);
	return db;
}

static void free_notice(struct db_notice *notice)
{
	for (size_t i = 0; i < notice->n; i++) {
		struct db_change *c = &notice->change[i];
		uint32_t n = c->table->schema->n_columns;

		db_cols_free((const struct datum **)(uintptr_t)c->before, n);
		db_cols_free((const struct datum **)(uintptr_t)c->after, n);
	}
	free(notice->change);
	free(notice);
}

void db_free(struct db *db)
{
	struct db_notice *notice;

	if (!db)
		return;
	while ((notice = db->first) != NULL) {
		db->first = notice->next;
		free_notice(notice);
	}
	for (uint32_t i = 0; i < db->schema->n_tables; i++)
		db_table_done(&db->tables[i]);
	free(db->tables);
	db_schema_free(db->schema);
	free(db);
}

const char *db_name(const struct db *db)
{
	return db->schema->name;
}

struct db_table *db_table(const struct db *db, const char *name)
{
	const struct db_table_schema *t = db_schema_table(db->schema, name);

	return t ? &db->tables[t - db->schema->tables] : NULL;
}

bool db_change_touches(const struct db_change *change, const struct db_column *c)
{
	if (!c)
		return false;
	return !change->before || !change->after ||
	       !datum_equal(change->before[c->index], change->after[c->index]);
}

void db_watch_add(struct db *db, struct db_watch *w)
{
	struct db_watch **p = &db->watches;

	while (*p)
		p = &(*p)->next;
	w->next = NULL;
	*p = w;
}

void db_watch_remove(struct db *db, struct db_watch *w)
{
	struct db_watch **p = &db->watches;

	while (*p && *p != w)
		p = &(*p)->next;
	if (!*p)
		return;
	*p = w->next;
	if (db->next_watch == w)
		db->next_watch = w->next;
}

static void deliver(struct db *db, struct db_notice *notice)
{
	struct db_changes changes = { notice->by, notice->change, notice->n };
	struct db_watch *w;

	for (size_t i = 0; i < notice->n; i++)
		notice->change[i].row =
			db_row_get(notice->change[i].table, &notice->change[i].uuid);
	for (w = db->watches; w; w = db->next_watch) {
		db->next_watch = w->next;
		w->fn(w->arg, &changes);
	}
	db->next_watch = NULL;
}

void db_notify(struct db *db, const void *by, struct db_change *take, size_t n)
{
	struct db_notice *notice = xzalloc(sizeof(*notice));

	*notice = (struct db_notice){ NULL, by, take, n };
	if (db->last)
		db->last->next = notice;
	else
		db->first = notice;
	db->last = notice;
	if (db->notifying)
		return;
	db->notifying = true;
	while ((notice = db->first) != NULL) {
		deliver(db, notice);
		db->first = notice->next;
		if (!db->first)
			db->last = NULL;
		free_notice(notice);
	}
	db->notifying = false;
}
