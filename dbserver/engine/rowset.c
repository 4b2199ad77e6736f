/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/engine/rowset.h"

#include <stdlib.h>

#include "core/base/xalloc.h"
#include "dbserver/data/dberr.h"
#include "dbserver/data/jsonx.h"

struct rowset_row {
	struct hnode node;
	struct cds_list_head link;
	const struct datum *values[]; /* owned references, in the set's order of columns */
};

static int add_named(const struct db_table_schema *t, struct json_object *json,
		     struct db_column_set *s, struct error *err)
{
	const char *name = json_text(json);
	const struct db_column *c = name ? db_schema_column(t, name) : NULL;

	if (!c)
		return error_set(err, DBE_UNKNOWN_COLUMN, NULL, "no column \"%.64s\" in table %s",
				 name ? name : "", t->name);
	for (uint32_t i = 0; i < s->n; i++)
		if (s->columns[i] == c)
			return 0;
	s->columns[s->n++] = c;
	return 0;
}

int db_column_set_from_json(const struct db_table_schema *t, struct json_object *json,
			    bool internal, struct db_column_set *ret, struct error *err)
{
	struct db_column_set s = { xcalloc(t->n_columns, sizeof(*s.columns)), 0 };
	int rc = 0;

	if (json && json_kind_of(json) != JK_ARRAY)
		rc = error_set(err, DBE_SYNTAX, t->name, "\"columns\" must be an array of names");
	for (uint32_t i = internal ? 0 : COL_FIRST; !json && i < t->n_columns; i++)
		s.columns[s.n++] = &t->columns[i];
	for (size_t i = 0; !rc && json && i < json_object_array_length(json); i++)
		rc = add_named(t, json_object_array_get_idx(json, i), &s, err);
	if (rc)
		db_column_set_done(&s);
	else
		*ret = s;
	return rc;
}

void db_column_set_done(struct db_column_set *s)
{
	free(s->columns);
	*s = (struct db_column_set){ NULL, 0 };
}

void rowset_init(struct rowset *s, const struct db_column_set *columns)
{
	s->columns = columns;
	htable_init(&s->rows);
	CDS_INIT_LIST_HEAD(&s->order);
}

void rowset_done(struct rowset *s)
{
	struct rowset_row *r, *next;

	cds_list_for_each_entry_safe (r, next, &s->order, link) {
		for (uint32_t i = 0; i < s->columns->n; i++)
			datum_unref(r->values[i]);
		free(r);
	}
	htable_done(&s->rows);
}

static bool same_values(const struct rowset_row *a, const struct rowset_row *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!datum_equal(a->values[i], b->values[i]))
			return false;
	return true;
}

static bool contains(const struct rowset *s, const struct rowset_row *row)
{
	const struct rowset_row *r;

	HTABLE_FOR_EACH_WITH (r, struct rowset_row, node, row->node.hash, &s->rows)
		if (same_values(r, row, s->columns->n))
			return true;
	return false;
}

void rowset_add(struct rowset *s, const struct datum *const *cols)
{
	uint32_t n = s->columns->n;
	struct rowset_row *r = xzalloc(sizeof(*r) + n * sizeof(r->values[0]));
	uint64_t hash = 0;

	for (uint32_t i = 0; i < n; i++) {
		r->values[i] = cols[s->columns->columns[i]->index];
		hash = datum_hash(r->values[i], hash);
	}
	r->node.hash = hash;
	if (contains(s, r)) {
		free(r);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		datum_ref(r->values[i]);
	htable_insert(&s->rows, &r->node, hash);
	cds_list_add_tail(&r->link, &s->order);
}

bool rowset_equal(const struct rowset *a, const struct rowset *b)
{
	const struct rowset_row *r;

	if (a->rows.n != b->rows.n)
		return false;
	cds_list_for_each_entry (r, &a->order, link)
		if (!contains(b, r))
			return false;
	return true;
}

struct json_object *rowset_to_json(const struct rowset *s)
{
	struct json_object *list = json_object_new_array();
	const struct rowset_row *r;

	cds_list_for_each_entry (r, &s->order, link) {
		struct json_object *row = json_object_new_object();

		/* The names outlive the JSON only while the schema does, so they are copied. */
		for (uint32_t i = 0; i < s->columns->n; i++)
			json_object_object_add(row, s->columns->columns[i]->name,
					       datum_to_json(r->values[i]));
		json_object_array_add(list, row);
	}
	return list;
}
