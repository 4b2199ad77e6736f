/* SPDX-License-Identifier: Apache-2.0 */
/* Random transactions against a dumb model.
 *
 * The model keeps rows in arrays and references as indexes; at the end of a transaction it applies
 * the rules of RFC 7047 by searching everything again and again.  The database must accept what the
 * model accepts, refuse what it refuses, hold the same rows after each transaction, change nothing
 * by one that fails or is aborted, and read the same from its file. */
#include <stdio.h>
#include <unistd.h>

#include "dbserver/engine/record.h"
#include "dbserver/engine/store.h"
#include "dbserver/engine/view.h"
#include "tests/unit/dbserver/helpers.h"
#include "tests/unit/seed.h"

static const char schema_text[] =
	"{\"name\":\"M\",\"version\":\"1.0.0\",\"tables\":{"
	"\"Root\":{\"isRoot\":true,\"maxRows\":12,\"indexes\":[[\"name\"]],\"columns\":{"
	"\"name\":{\"type\":\"integer\"},"
	"\"strong\":{\"type\":{\"key\":{\"type\":\"uuid\",\"refTable\":\"Kid\"},\"min\":0,"
	"\"max\":\"unlimited\"}},"
	"\"weak\":{\"type\":{\"key\":{\"type\":\"uuid\",\"refTable\":\"Kid\",\"refType\":\"weak\"},"
	"\"min\":0,\"max\":\"unlimited\"}}}},"
	"\"Kid\":{\"columns\":{"
	"\"name\":{\"type\":\"integer\"},"
	"\"strong\":{\"type\":{\"key\":{\"type\":\"uuid\",\"refTable\":\"Kid\"},\"min\":0,"
	"\"max\":\"unlimited\"}},"
	"\"weak\":{\"type\":{\"key\":{\"type\":\"uuid\",\"refTable\":\"Kid\",\"refType\":\"weak\"},"
	"\"min\":0,\"max\":\"unlimited\"}}}}}}";

#define MAX_ROWS 500 /* ever made in a round */

struct set {
	bool has[MAX_ROWS];
};

struct model_row {
	bool alive, kid;
	int64_t name;
	struct set strong, weak; /* of kids, by number */
};

struct model {
	struct model_row row[MAX_ROWS];
	int n;
};

static struct uuid uuid_of[MAX_ROWS]; /* of row i */

/* --- The rules, by brute force ------------------------------------------------------------- */
static bool is_kid(const struct model *m, int i)
{
	return i < m->n && m->row[i].alive && m->row[i].kid;
}

static int strong_refs(const struct model *m, int to)
{
	int n = 0;

	for (int i = 0; i < m->n; i++)
		n += m->row[i].alive && i != to && m->row[i].strong.has[to];
	return n;
}

/* Deletes kids that nobody refers to until there are none. */
static void collect(struct model *m)
{
	bool again = true;

	while (again) {
		again = false;
		for (int i = 0; i < m->n; i++) {
			if (is_kid(m, i) && !strong_refs(m, i)) {
				m->row[i].alive = false;
				again = true;
			}
		}
	}
}

static bool dangling_strong(const struct model *m, const struct model *before, bool only_new)
{
	for (int i = 0; i < m->n; i++) {
		bool was = i < before->n && before->row[i].alive;

		for (int j = 0; m->row[i].alive && j < MAX_ROWS; j++) {
			if (!m->row[i].strong.has[j] || is_kid(m, j))
				continue;
			if (!only_new || !was || !before->row[i].strong.has[j])
				return true;
		}
	}
	return false;
}

static bool settle(struct model *m, const struct model *before)
{
	int roots = 0;

	if (dangling_strong(m, before, true))
		return false;
	collect(m);
	if (dangling_strong(m, before, false))
		return false;
	for (int i = 0; i < m->n; i++) {
		if (!m->row[i].alive)
			continue;
		for (int j = 0; j < MAX_ROWS; j++)
			m->row[i].weak.has[j] &= is_kid(m, j);
		roots += !m->row[i].kid;
		for (int j = 0; j < i && !m->row[i].kid; j++)
			if (m->row[j].alive && !m->row[j].kid && m->row[j].name == m->row[i].name)
				return false;
	}
	return roots <= 12;
}

/* --- Both at once -------------------------------------------------------------------------- */
struct pair {
	struct db *db;
	struct db_txn *txn;
	struct model *m;
	struct rng *rng;
};

static struct db_table *table_of(const struct pair *p, bool kid)
{
	return db_table(p->db, kid ? "Kid" : "Root");
}

static const struct db_row *row_of(const struct pair *p, int i)
{
	return db_row_get(table_of(p, p->m->row[i].kid), &uuid_of[i]);
}

static const struct db_column *column_of(const struct pair *p, int i, const char *name)
{
	return db_column(table_of(p, p->m->row[i].kid), name);
}

static struct datum *datum_of_set(const struct set *s)
{
	struct datum_builder b;

	datum_builder_init_types(&b, AT_UUID, AT_VOID);
	for (int i = 0; i < MAX_ROWS; i++)
		if (s->has[i])
			datum_builder_add_uuid(&b, &uuid_of[i]);
	return datum_builder_finish(&b);
}

/* Some kids, mostly living ones; now and then a dead one. */
static struct set random_set(struct pair *p)
{
	uint64_t n = rng_below(p->rng, 4);
	struct set s = { { false } };

	for (int tries = 0; n && p->m->n && tries < 60; tries++) {
		int i = (int)rng_below(p->rng, (uint64_t)p->m->n);

		if (p->m->row[i].kid && (p->m->row[i].alive || !rng_below(p->rng, 40))) {
			s.has[i] = true;
			n--;
		}
	}
	return s;
}

static int random_living(struct pair *p)
{
	for (int tries = 0; p->m->n && tries < 200; tries++) {
		int i = (int)rng_below(p->rng, (uint64_t)p->m->n);

		if (p->m->row[i].alive)
			return i;
	}
	return -1;
}

static void set_column(struct pair *p, int i, const char *column, struct datum *take)
{
	ck_assert_int_eq(db_txn_put(p->txn, row_of(p, i), column_of(p, i, column), take), 0);
}

static void do_insert(struct pair *p)
{
	int i = p->m->n++;
	struct model_row *r = &p->m->row[i];
	bool kid = rng_below(p->rng, 3);
	const struct db_row *row = db_txn_insert(p->txn, table_of(p, kid));

	*r = (struct model_row){ .alive = true,
				 .kid = kid,
				 .name = (int64_t)rng_below(p->rng, 30) };
	uuid_of[i] = *db_row_uuid(row);
	r->strong = random_set(p);
	r->weak = random_set(p);
	set_column(p, i, "name", datum_integer(r->name));
	set_column(p, i, "strong", datum_of_set(&r->strong));
	set_column(p, i, "weak", datum_of_set(&r->weak));
	if (!kid)
		return;
	/* Mostly somebody refers to the new kid. */
	i = rng_below(p->rng, 8) ? random_living(p) : -1;
	if (i >= 0) {
		p->m->row[i].strong.has[p->m->n - 1] = true;
		set_column(p, i, "strong", datum_of_set(&p->m->row[i].strong));
	}
}

static void do_delete(struct pair *p)
{
	int i = random_living(p);

	/* Mostly roots, since a kid that is referred to cannot go. */
	if (i < 0 || (p->m->row[i].kid && rng_below(p->rng, 4)))
		return;
	db_txn_delete(p->txn, row_of(p, i));
	p->m->row[i].alive = false;
}

static void do_change(struct pair *p)
{
	int i = random_living(p);
	struct model_row *r = &p->m->row[i < 0 ? 0 : i];

	if (i < 0)
		return;
	switch (rng_below(p->rng, 3)) {
	case 0:
		r->strong = random_set(p);
		set_column(p, i, "strong", datum_of_set(&r->strong));
		break;
	case 1:
		r->weak = random_set(p);
		set_column(p, i, "weak", datum_of_set(&r->weak));
		break;
	default:
		r->name = (int64_t)rng_below(p->rng, 30);
		set_column(p, i, "name", datum_integer(r->name));
		break;
	}
}

static void do_operation(struct pair *p)
{
	uint64_t what = rng_below(p->rng, 10);

	if (what < 4 && p->m->n < MAX_ROWS)
		do_insert(p);
	else if (what < 6)
		do_delete(p);
	else
		do_change(p);
}

static void check_column(const struct pair *p, int i, const char *column, const struct set *want)
{
	struct datum *d = datum_of_set(want);

	ck_assert_msg(datum_equal(db_get(row_of(p, i), column_of(p, i, column)), d),
		      "row %d column %s", i, column);
	datum_unref(d);
}

static void check_same(const struct pair *p)
{
	size_t roots = 0, kids = 0;

	for (int i = 0; i < p->m->n; i++) {
		const struct model_row *r = &p->m->row[i];
		const struct db_row *row = row_of(p, i);

		ck_assert_msg(!!row == r->alive, "row %d is %s", i, r->alive ? "gone" : "there");
		if (!row)
			continue;
		ck_assert_int_eq(db_get_integer(row, column_of(p, i, "name"), -1), r->name);
		check_column(p, i, "strong", &r->strong);
		check_column(p, i, "weak", &r->weak);
		if (r->kid)
			ck_assert_int_eq(row->n_refs, strong_refs(p->m, i));
		kids += r->kid;
		roots += !r->kid;
	}
	ck_assert_uint_eq(db_row_count(table_of(p, true)), kids);
	ck_assert_uint_eq(db_row_count(table_of(p, false)), roots);
}

static void one_transaction(struct pair *p, struct model *now)
{
	static struct model next;
	struct error err = ERROR_INIT;
	int n = 1 + (int)rng_below(p->rng, 6), rc;
	bool good;

	next = *now;
	p->m = &next;
	p->txn = db_txn_new(p->db, p);
	for (int i = 0; i < n; i++)
		do_operation(p);
	if (!rng_below(p->rng, 10)) {
		db_txn_abort(p->txn);
		good = false;
	} else {
		good = settle(&next, now);
		rc = db_txn_commit(p->txn, &err);
		ck_assert_msg((rc >= 0) == good, "model says %d, database %d (%s: %s)", good, rc,
			      err.field, err.cause);
	}
	if (good) {
		*now = next;
	} else {
		/* Rows that were never made have numbers too, which are not used again. */
		for (int i = now->n; i < next.n; i++)
			now->row[i] = (struct model_row){ .kid = next.row[i].kid };
		now->n = next.n;
	}
	p->m = now;
	check_same(p);
}

static void one_round(const char *path, const char *schema, struct rng *rng)
{
	static struct model now;
	struct db_store *store = db_store_open(path, schema, NULL, NULL, NULL);
	struct pair p = { .rng = rng };

	ck_assert_ptr_nonnull(store);
	memset(&now, 0, sizeof(now));
	p.db = db_store_db(store);
	while (now.n < MAX_ROWS - 10) {
		one_transaction(&p, &now);
		if (rng_below(rng, 20))
			continue;
		if (!rng_below(rng, 4))
			ck_assert_int_eq(db_store_compact(store, NULL), 0);
		db_store_close(store);
		store = db_store_open(path, schema, NULL, NULL, NULL);
		p.db = db_store_db(store);
		check_same(&p);
	}
	db_store_close(store);
	unlink(path);
}

START_TEST(agrees_with_the_model)
{
	struct rng rng = rng_start("model_test");
	char dir[64], path[80], schema[80], *rm;
	FILE *f;

	snprintf(dir, sizeof(dir), "%s/model_test.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/m.db", dir);
	snprintf(schema, sizeof(schema), "%s/m.schema", dir);
	f = fopen(schema, "w");
	ck_assert_int_ge(fputs(schema_text, f), 0);
	fclose(f);
	for (int i = 0; i < 10; i++)
		one_round(path, schema, &rng);
	rm = xasprintf("rm -rf %s", dir);
	ck_assert_int_eq(system(rm), 0);
	free(rm);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { agrees_with_the_model };

	return run_suite("dbserver/engine/model", tests, ARRAY_SIZE(tests));
}
