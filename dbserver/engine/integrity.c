/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/integrity.h"

#include <stdlib.h>

#include "core/base/xalloc.h"
#include "dbserver/data/dberr.h"

struct settle {
	struct db_txn *txn;
	struct db_row **orphans; /* owned; rows whose count came to 0 and that may have to go */
	size_t n, cap;
};

/* One reference that a row has more (delta 1) or less (-1) than before. */
struct ref {
	struct db_row *from;
	const struct db_column *column;
	const struct base_type *type; /* of the key or value that refers */
	struct db_table *table;       /* that it refers into */
	const struct uuid *to;
	int delta;
};

typedef int ref_fn(struct settle *s, const struct ref *ref, struct error *err);

static struct db_row *find_row(const struct db_table *t, const struct uuid *uuid)
{
	return (struct db_row *)(uintptr_t)db_row_get(t, uuid);
}

/* --- Walking the difference ---------------------------------------------------------------- */
/* Calls fn for the references that are in one of a and b only (either may be NULL). */
static int diff_keys(struct settle *s, struct ref *ref, const struct datum *a,
		     const struct datum *b, ref_fn *fn, struct error *err)
{
	uint32_t i = 0, j = 0, na = a ? a->n : 0, nb = b ? b->n : 0;
	int rc = 0;

	while (!rc && (i < na || j < nb)) {
		int order = i == na   ? 1
			    : j == nb ? -1
				      : uuid_cmp(&a->keys[i].uuid, &b->keys[j].uuid);

		if (order) {
			ref->to = order < 0 ? &a->keys[i].uuid : &b->keys[j].uuid;
			ref->delta = order < 0 ? -1 : 1;
			rc = fn(s, ref, err);
		}
		i += order <= 0;
		j += order >= 0;
	}
	return rc;
}

static int one_value(struct settle *s, struct ref *ref, const struct datum *d, uint32_t i,
		     int delta, ref_fn *fn, struct error *err)
{
	ref->to = &d->values[i].uuid;
	ref->delta = delta;
	return fn(s, ref, err);
}

static int diff_values(struct settle *s, struct ref *ref, const struct datum *a,
		       const struct datum *b, ref_fn *fn, struct error *err)
{
	uint32_t i = 0, j = 0, na = a ? a->n : 0, nb = b ? b->n : 0;
	int rc = 0;

	while (!rc && (i < na || j < nb)) {
		int order = i == na   ? 1
			    : j == nb ? -1
				      : atom_cmp(a->keys[i], b->keys[j], a->key_type);
		bool same = !order && uuid_equal(&a->values[i].uuid, &b->values[j].uuid);

		if (order <= 0 && !same)
			rc = one_value(s, ref, a, i, -1, fn, err);
		if (!rc && order >= 0 && !same)
			rc = one_value(s, ref, b, j, 1, fn, err);
		i += order <= 0;
		j += order >= 0;
	}
	return rc;
}

/* All references by which row `tr` differs from what it was before the transaction. */
static int diff_row(struct settle *s, struct db_txn_row *tr, ref_fn *fn, struct error *err)
{
	struct db_row *row = tr->row;
	struct db_table *t = row->table;
	int rc = 0;

	for (uint32_t i = COL_FIRST; !rc && i < t->schema->n_columns; i++) {
		const struct db_column *c = &t->schema->columns[i];
		const struct datum *a = tr->before ? tr->before[i] : NULL;
		const struct datum *b = row->in_table ? row->cols[i] : NULL;
		struct ref ref = { .from = row, .column = c };

		if (a == b)
			continue;
		if (t->key_ref[i]) {
			ref.type = &c->type.key;
			ref.table = t->key_ref[i];
			rc = diff_keys(s, &ref, a, b, fn, err);
		}
		if (!rc && t->value_ref[i]) {
			ref.type = &c->type.value;
			ref.table = t->value_ref[i];
			rc = diff_values(s, &ref, a, b, fn, err);
		}
	}
	return rc;
}

/* --- Counting ------------------------------------------------------------------------------ */
static uint64_t weak_hash(const struct db_row *from, const struct db_row *to, uint32_t column)
{
	return hash_add64(hash_add64(hash_ptr(from), (uintptr_t)to), column);
}

static void weak_add(const struct ref *ref, struct db_row *to, int delta)
{
	uint64_t hash = weak_hash(ref->from, to, ref->column->index);
	struct htable *table = &ref->table->weak;
	struct db_weak *w;

	HTABLE_FOR_EACH_WITH (w, struct db_weak, node, hash, table)
		if (w->from == ref->from && w->to == to && w->column == ref->column->index)
			break;
	if (!w && delta > 0) {
		w = xzalloc(sizeof(*w));
		w->from = ref->from;
		w->to = to;
		w->column = ref->column->index;
		cds_list_add_tail(&w->link, &to->weak_in);
		htable_insert(table, &w->node, hash);
	}
	if (!w)
		return;
	w->count = (uint32_t)((int)w->count + delta);
	if (!w->count) {
		htable_remove(table, &w->node);
		cds_list_del(&w->link);
		free(w);
	}
}

static void note_orphan(struct settle *s, struct db_row *row)
{
	if (row->n_refs || row->table->schema->is_root)
		return;
	if (s->n >= s->cap)
		s->orphans = xgrow(s->orphans, &s->cap, s->n + 1, sizeof(*s->orphans));
	s->orphans[s->n++] = row;
}

static void apply(struct settle *s, const struct ref *ref, int delta)
{
	struct db_row *to = find_row(ref->table, ref->to);

	if (!to)
		to = db_txn_gone(s->txn, ref->table, ref->to);
	if (!to)
		return;
	if (ref->type->ref_type == REF_WEAK) {
		weak_add(ref, to, delta);
	} else if (to != ref->from) { /* a row does not keep itself alive */
		to->n_refs = (uint32_t)((int64_t)to->n_refs + delta);
		note_orphan(s, to);
	}
}

static int apply_forward(struct settle *s, const struct ref *ref, struct error *err)
{
	apply(s, ref, ref->delta);
	return 0;
}

static int apply_backward(struct settle *s, const struct ref *ref, struct error *err)
{
	apply(s, ref, -ref->delta);
	return 0;
}

static int check_target(struct settle *s, const struct ref *ref, struct error *err)
{
	char from[UUID_TEXT_LEN + 1], to[UUID_TEXT_LEN + 1];

	if (ref->delta < 0 || ref->type->ref_type == REF_WEAK || db_row_get(ref->table, ref->to))
		return 0;
	error_set(err, DBE_REFERENCE, NULL,
		  "row %s refers to row %s of table %s, which is not there",
		  uuid_print(&ref->from->uuid, from), uuid_print(ref->to, to),
		  ref->table->schema->name);
	return dberr_at(err, -DBE_REFERENCE, ref->from->table->schema->name, ref->column->name);
}

static int count(struct settle *s, struct db_txn_row *tr, struct error *err)
{
	int rc;

	if (tr->counted)
		return 0;
	rc = diff_row(s, tr, check_target, err);
	if (!rc) {
		rc = diff_row(s, tr, apply_forward, err);
		tr->counted = true;
	}
	return rc;
}

static void uncount(struct settle *s, struct db_txn_row *tr)
{
	if (tr->counted)
		(void)diff_row(s, tr, apply_backward, NULL); /* cannot fail */
	tr->counted = false;
}

/* --- Weak references to no row ------------------------------------------------------------- */
static bool is_dangling(const struct base_type *type, const struct db_table *t, union atom a)
{
	return t && type->ref_type == REF_WEAK && !db_row_get(t, &a.uuid);
}

/* The value without its dangling weak references, or NULL when it has none. */
static struct datum *without_dangling(const struct db_row *row, const struct db_column *c)
{
	const struct db_table *kt = row->table->key_ref[c->index];
	const struct db_table *vt = row->table->value_ref[c->index];
	const struct datum *d = row->cols[c->index];
	struct datum_builder b;

	datum_builder_init(&b, &c->type);
	for (uint32_t i = 0; i < d->n; i++) {
		union atom value = { 0 };

		if (is_dangling(&c->type.key, kt, d->keys[i]) ||
		    (d->values && is_dangling(&c->type.value, vt, d->values[i])))
			continue;
		if (d->values)
			value = atom_clone(d->values[i], d->value_type);
		datum_builder_take(&b, atom_clone(d->keys[i], d->key_type), value);
	}
	if (b.n == d->n) {
		datum_builder_done(&b);
		return NULL;
	}
	return datum_builder_finish(&b);
}

static bool has_weak(const struct db_table *t, const struct db_column *c)
{
	return (t->key_ref[c->index] && c->type.key.ref_type == REF_WEAK) ||
	       (t->value_ref[c->index] && c->type.value.ref_type == REF_WEAK);
}

static int prune(struct db_row *row, struct error *err)
{
	struct db_table *t = row->table;

	for (uint32_t i = COL_FIRST; i < t->schema->n_columns; i++) {
		const struct db_column *c = &t->schema->columns[i];
		struct datum *d = has_weak(t, c) ? without_dangling(row, c) : NULL;
		int rc;

		if (!d)
			continue;
		rc = datum_check(d, &c->type, err);
		if (rc) {
			datum_unref(d);
			(void)error_wrap(err, "after removing references to rows that are gone");
			return dberr_at(err, rc, t->schema->name, c->name);
		}
		db_row_set(row, i, d);
	}
	return 0;
}

/* Rows that refer weakly to a deleted row lose that reference. */
static int prune_referrers(struct settle *s, struct db_row *gone, struct error *err)
{
	int rc = 0;

	while (!rc && !cds_list_empty(&gone->weak_in)) {
		struct db_weak *w = cds_list_first_entry(&gone->weak_in, struct db_weak, link);
		struct db_txn_row *tr = db_txn_touch(s->txn, w->from);

		uncount(s, tr);
		rc = prune(tr->row, err);
		if (!rc)
			rc = count(s, tr, err);
	}
	return rc;
}

/* --- The steps ----------------------------------------------------------------------------- */
static int count_all(struct settle *s, struct error *err)
{
	struct db_txn_row *tr;
	int rc;

	cds_list_for_each_entry (tr, &s->txn->rows, link) {
		rc = tr->row->in_table ? prune(tr->row, err) : 0;
		if (!rc)
			rc = count(s, tr, err);
		if (rc)
			return rc;
	}
	cds_list_for_each_entry (tr, &s->txn->rows, link)
		note_orphan(s, tr->row);
	return 0;
}

static int delete_orphan(struct settle *s, struct db_row *row, struct error *err)
{
	struct db_txn_row *tr;

	if (!row->in_table || row->n_refs)
		return 0;
	tr = db_txn_touch(s->txn, row);
	uncount(s, tr);
	db_txn_delete(s->txn, row);
	return count(s, tr, err);
}

/* Deleting rows and pruning references call for each other, so until neither has anything to do. */
static int collect(struct settle *s, struct error *err)
{
	struct db_txn_row *tr;
	bool pruned = true;
	int rc = 0;

	while (!rc && pruned) {
		while (!rc && s->n)
			rc = delete_orphan(s, s->orphans[--s->n], err);
		pruned = false;
		cds_list_for_each_entry (tr, &s->txn->rows, link) {
			if (rc || tr->row->in_table || cds_list_empty(&tr->row->weak_in))
				continue;
			rc = prune_referrers(s, tr->row, err);
			pruned = true;
		}
	}
	return rc;
}

static int check_deleted(const struct db_txn_row *tr, struct error *err)
{
	char uuid[UUID_TEXT_LEN + 1];

	if (tr->row->in_table || !tr->row->n_refs)
		return 0;
	return error_set(err, DBE_REFERENCE, tr->row->table->schema->name,
			 "row %s cannot be deleted, %u references to it remain",
			 uuid_print(&tr->row->uuid, uuid), tr->row->n_refs);
}

static bool index_changed(const struct db_txn_row *tr, const struct db_index *x)
{
	for (uint32_t j = 0; j < x->n; j++)
		if (!tr->before ||
		    tr->before[x->columns[j]->index] != tr->row->cols[x->columns[j]->index])
			return true;
	return false;
}

static int check_indexes(const struct db_txn_row *tr, struct error *err)
{
	const struct db_table *t = tr->row->table;
	const struct db_row *a, *b;
	struct json_object *json;

	for (uint32_t i = 0; tr->row->in_table && i < t->schema->n_indexes; i++) {
		const struct db_column *c = t->schema->indexes[i].columns[0];

		if (!index_changed(tr, &t->schema->indexes[i]))
			continue;
		a = db_index_first(t, i, tr->row->cols);
		b = a ? db_index_next(a, i, tr->row->cols) : NULL;
		if (!b)
			continue;
		json = datum_to_json(tr->row->cols[c->index]);
		error_set(err, DBE_CONSTRAINT, NULL,
			  "two rows would have the value %.100s, which must be unique in the table",
			  json_object_get_string(json));
		json_object_put(json);
		return dberr_at(err, -DBE_CONSTRAINT, t->schema->name, c->name);
	}
	return 0;
}

static int check_size(const struct db_txn *txn, const struct db_table *t, struct error *err)
{
	const struct db *db = txn->db;

	if (t->rows.n > t->schema->max_rows)
		return error_set(err, DBE_CONSTRAINT, t->schema->name,
				 "%zu rows are more than the table may have (%u)", t->rows.n,
				 t->schema->max_rows);
	if (db->usage.bytes > db->limits.bytes && db->usage.bytes > txn->start_bytes)
		return error_set(err, DBE_RESOURCES, t->schema->name,
				 "the database would hold %zu bytes, the limit is %zu",
				 db->usage.bytes, db->limits.bytes);
	return 0;
}

static int check_all(const struct db_txn *txn, struct error *err)
{
	const struct db_txn_row *tr;
	int rc = 0;

	cds_list_for_each_entry (tr, &txn->rows, link) {
		rc = check_deleted(tr, err);
		if (!rc)
			rc = check_indexes(tr, err);
		if (!rc)
			rc = check_size(txn, tr->row->table, err);
		if (rc)
			break;
	}
	return rc;
}

int integrity_settle(struct db_txn *txn, struct error *err)
{
	struct settle s = { .txn = txn };
	int rc = count_all(&s, err);

	if (!rc)
		rc = collect(&s, err);
	if (!rc)
		rc = check_all(txn, err);
	free(s.orphans);
	if (rc)
		integrity_undo(txn);
	return rc;
}

void integrity_undo(struct db_txn *txn)
{
	struct settle s = { .txn = txn };
	struct db_txn_row *tr;

	cds_list_for_each_entry (tr, &txn->rows, link)
		uncount(&s, tr);
	free(s.orphans);
}
