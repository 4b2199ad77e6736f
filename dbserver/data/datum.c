/* SPDX-License-Identifier: Apache-2.0 */
/* Making, counting and comparing datums.  The set algebra is in datum_set.c, JSON in
 * datum_json.c. */
#include "dbserver/data/datum.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "dbserver/data/dberr.h"

/* One allocation holds the datum and its atoms. */
static struct datum *datum_alloc(enum atom_type key, enum atom_type value, size_t n)
{
	size_t atoms = n * (value == AT_VOID ? 1 : 2);
	size_t head = ROUND_UP(sizeof(struct datum), sizeof(union atom));
	struct datum *d = xmalloc(head + atoms * sizeof(union atom));

	*d = (struct datum){
		.refs = 1,
		.n = (uint32_t)n,
		.key_type = key,
		.value_type = value,
		.keys = (union atom *)(void *)((char *)d + head),
		.bytes = head + atoms * sizeof(union atom),
	};
	if (value != AT_VOID)
		d->values = d->keys + n;
	return d;
}

struct datum *datum_ref(const struct datum *d)
{
	/* The count is the one part of a datum that changes. */
	struct datum *m = (struct datum *)(uintptr_t)d;

	m->refs++;
	return m;
}

void datum_unref(const struct datum *d)
{
	struct datum *m = (struct datum *)(uintptr_t)d;

	if (!m || --m->refs)
		return;
	for (uint32_t i = 0; i < m->n; i++) {
		atom_done(&m->keys[i], m->key_type);
		if (m->values)
			atom_done(&m->values[i], m->value_type);
	}
	free(m);
}

static struct datum *datum_one(enum atom_type type, union atom take)
{
	struct datum *d = datum_alloc(type, AT_VOID, 1);

	d->keys[0] = take;
	d->bytes += atom_bytes(take, type);
	return d;
}

struct datum *datum_integer(int64_t x)
{
	return datum_one(AT_INTEGER, (union atom){ .integer = x });
}

struct datum *datum_real(double x)
{
	return datum_one(AT_REAL, (union atom){ .real = x });
}

struct datum *datum_boolean(bool x)
{
	return datum_one(AT_BOOLEAN, (union atom){ .boolean = x });
}

struct datum *datum_string(const char *s)
{
	return datum_one(AT_STRING, (union atom){ .string = xstrdup(s) });
}

struct datum *datum_uuid(const struct uuid *u)
{
	return datum_one(AT_UUID, (union atom){ .uuid = *u });
}

struct datum *datum_empty(const struct column_type *type)
{
	return datum_alloc(type->key.type, type->value.type, 0);
}

struct datum *datum_default(const struct column_type *type)
{
	struct datum *d = datum_alloc(type->key.type, type->value.type, type->n_min ? 1 : 0);

	if (!type->n_min)
		return d;
	d->keys[0] = atom_default(d->key_type);
	d->bytes += atom_bytes(d->keys[0], d->key_type);
	if (d->values) {
		d->values[0] = atom_default(d->value_type);
		d->bytes += atom_bytes(d->values[0], d->value_type);
	}
	return d;
}

void datum_builder_init_types(struct datum_builder *b, enum atom_type key, enum atom_type value)
{
	*b = (struct datum_builder){ .key_type = key, .value_type = value };
}

void datum_builder_init(struct datum_builder *b, const struct column_type *type)
{
	datum_builder_init_types(b, type->key.type, type->value.type);
}

void datum_builder_take(struct datum_builder *b, union atom key, union atom value)
{
	if (b->n >= b->cap)
		b->pairs = xgrow(b->pairs, &b->cap, b->n + 1, sizeof(*b->pairs));
	b->pairs[b->n] = (struct atom_pair){ key, value, b->n };
	b->n++;
}

void datum_builder_add_string(struct datum_builder *b, const char *s)
{
	datum_builder_take(b, (union atom){ .string = xstrdup(s) }, (union atom){ 0 });
}

void datum_builder_add_integer(struct datum_builder *b, int64_t x)
{
	datum_builder_take(b, (union atom){ .integer = x }, (union atom){ 0 });
}

void datum_builder_add_uuid(struct datum_builder *b, const struct uuid *u)
{
	datum_builder_take(b, (union atom){ .uuid = *u }, (union atom){ 0 });
}

void datum_builder_put_string(struct datum_builder *b, const char *key, const char *value)
{
	datum_builder_take(b, (union atom){ .string = xstrdup(key) },
			   (union atom){ .string = xstrdup(value) });
}

void datum_builder_put_integer(struct datum_builder *b, const char *key, int64_t value)
{
	datum_builder_take(b, (union atom){ .string = xstrdup(key) },
			   (union atom){ .integer = value });
}

static void free_pair(struct datum_builder *b, size_t i)
{
	atom_done(&b->pairs[i].key, b->key_type);
	atom_done(&b->pairs[i].value, b->value_type);
}

void datum_builder_done(struct datum_builder *b)
{
	for (size_t i = 0; i < b->n; i++)
		free_pair(b, i);
	free(b->pairs);
	b->pairs = NULL;
	b->n = b->cap = 0;
}

static int cmp_pairs(const void *a_, const void *b_, void *builder)
{
	const struct atom_pair *a = a_, *b = b_;
	int order = atom_cmp(a->key, b->key, ((struct datum_builder *)builder)->key_type);

	return order ? order : (a->seq > b->seq) - (a->seq < b->seq);
}

static bool is_sorted(struct datum_builder *b)
{
	for (size_t i = 1; i < b->n; i++)
		if (cmp_pairs(&b->pairs[i - 1], &b->pairs[i], b) > 0)
			return false;
	return true;
}

/* Sorts and drops all but the last of equal keys; returns how many were dropped. */
static size_t sort_unique(struct datum_builder *b)
{
	size_t kept = 0, dropped;

	if (!is_sorted(b))
		qsort_r(b->pairs, b->n, sizeof(*b->pairs), cmp_pairs, b);
	for (size_t i = 0; i < b->n; i++) {
		if (i + 1 < b->n && !atom_cmp(b->pairs[i].key, b->pairs[i + 1].key, b->key_type))
			free_pair(b, i);
		else
			b->pairs[kept++] = b->pairs[i];
	}
	dropped = b->n - kept;
	b->n = kept;
	return dropped;
}

struct datum *datum_builder_finish(struct datum_builder *b)
{
	struct datum *d;

	sort_unique(b);
	d = datum_alloc(b->key_type, b->value_type, b->n);
	for (size_t i = 0; i < b->n; i++) {
		d->keys[i] = b->pairs[i].key;
		d->bytes += atom_bytes(d->keys[i], d->key_type);
		if (d->values) {
			d->values[i] = b->pairs[i].value;
			d->bytes += atom_bytes(d->values[i], d->value_type);
		}
	}
	b->n = 0; /* the atoms are the datum's now */
	datum_builder_done(b);
	return d;
}

int datum_builder_finish_unique(struct datum_builder *b, struct datum **ret, struct error *err)
{
	size_t dropped = sort_unique(b);

	if (dropped) {
		datum_builder_done(b);
		return error_set(err, DBE_SYNTAX, NULL, "a %s has the same %s twice",
				 b->value_type == AT_VOID ? "set" : "map",
				 b->value_type == AT_VOID ? "element" : "key");
	}
	*ret = datum_builder_finish(b);
	return 0;
}

int datum_cmp(const struct datum *a, const struct datum *b)
{
	int order;

	if (a == b)
		return 0;
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (uint32_t i = 0; i < a->n; i++) {
		order = atom_cmp(a->keys[i], b->keys[i], a->key_type);
		if (!order && a->values)
			order = atom_cmp(a->values[i], b->values[i], a->value_type);
		if (order)
			return order;
	}
	return 0;
}

bool datum_equal(const struct datum *a, const struct datum *b)
{
	return !datum_cmp(a, b);
}

uint64_t datum_hash(const struct datum *d, uint64_t seed)
{
	uint64_t h = hash_u64(d->n, seed);

	for (uint32_t i = 0; i < d->n; i++) {
		h = atom_hash(d->keys[i], d->key_type, h);
		if (d->values)
			h = atom_hash(d->values[i], d->value_type, h);
	}
	return h;
}

long datum_find(const struct datum *d, union atom key)
{
	size_t low = 0, high = d->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = atom_cmp(d->keys[mid], key, d->key_type);

		if (!order)
			return (long)mid;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

long datum_find_string(const struct datum *d, const char *key)
{
	size_t low = 0, high = d->key_type == AT_STRING ? d->n : 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = strcmp(d->keys[mid].string, key);

		if (!order)
			return (long)mid;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

static bool has_pair(const struct datum *d, const struct datum *part, uint32_t i)
{
	long at = datum_find(d, part->keys[i]);

	return at >= 0 && (!d->values || !part->values ||
			   !atom_cmp(d->values[at], part->values[i], d->value_type));
}

bool datum_includes(const struct datum *whole, const struct datum *part)
{
	for (uint32_t i = 0; i < part->n; i++)
		if (!has_pair(whole, part, i))
			return false;
	return true;
}

bool datum_excludes(const struct datum *whole, const struct datum *part)
{
	for (uint32_t i = 0; i < part->n; i++)
		if (has_pair(whole, part, i))
			return false;
	return true;
}

static int check_count(const struct datum *d, const struct column_type *type, struct error *err)
{
	char text[96];

	if (d->n >= type->n_min && d->n <= type->n_max)
		return 0;
	column_type_describe(type, text, sizeof(text));
	return error_set(err, DBE_CONSTRAINT, NULL, "%u values are too %s (type: %s, at least %u)",
			 d->n, d->n < type->n_min ? "few" : "many", text, type->n_min);
}

int datum_check(const struct datum *d, const struct column_type *type, struct error *err)
{
	int rc;

	if (d->key_type != type->key.type || d->value_type != type->value.type)
		return error_set(err, DBE_CONSTRAINT, NULL, "the value is of another type");
	rc = check_count(d, type, err);
	for (uint32_t i = 0; !rc && i < d->n; i++) {
		rc = base_type_check(&type->key, d->keys[i], err);
		if (!rc && d->values)
			rc = base_type_check(&type->value, d->values[i], err);
	}
	return rc;
}
