/* SPDX-License-Identifier: Apache-2.0 */
/* The file: what is written is read again, and whatever a crash leaves opens to the last whole
 * transaction. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "dbserver/engine/log.h"
#include "dbserver/engine/record.h"
#include "dbserver/engine/store.h"
#include "tests/unit/dbserver/helpers.h"

#define SCHEMA_A                                                                                   \
	"{\"name\":\"D\",\"version\":\"1.0.0\",\"tables\":{\"T\":{\"isRoot\":true,"                \
	"\"indexes\":[[\"name\"]],\"columns\":{\"name\":{\"type\":\"string\"},"                    \
	"\"s\":{\"type\":{\"key\":\"integer\",\"min\":0,\"max\":\"unlimited\"}},"                  \
	"\"live\":{\"type\":\"integer\",\"ephemeral\":true}}}}}"
#define SCHEMA_B                                                                                   \
	"{\"name\":\"D\",\"version\":\"1.1.0\",\"tables\":{\"T\":{\"isRoot\":true,"                \
	"\"indexes\":[[\"name\"]],\"columns\":{\"name\":{\"type\":\"string\"},"                    \
	"\"extra\":{\"type\":\"integer\"},"                                                        \
	"\"s\":{\"type\":{\"key\":\"integer\",\"min\":0,\"max\":\"unlimited\"}},"                  \
	"\"live\":{\"type\":\"integer\",\"ephemeral\":true}}},"                                    \
	"\"U\":{\"isRoot\":true,\"columns\":{}}}}"
#define SCHEMA_OTHER "{\"name\":\"D\",\"version\":\"2.0.0\",\"tables\":{}}"

static char dir[64];
static char path[80], schema_a[80], schema_b[80], schema_other[80];

static void write_text(const char *file, const void *text, size_t n)
{
	FILE *f = fopen(file, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, n, f), n);
	fclose(f);
}

static char *read_text(const char *file, size_t *n)
{
	char *text = xmalloc(1 << 20);
	FILE *f = fopen(file, "r");

	ck_assert_ptr_nonnull(f);
	*n = fread(text, 1, 1 << 20, f);
	fclose(f);
	return text;
}

static void setup(void)
{
	/* Thousands of fsync()s: a file system in memory when there is one. */
	snprintf(dir, sizeof(dir), "%s/store_test.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/d.db", dir);
	snprintf(schema_a, sizeof(schema_a), "%s/a.schema", dir);
	snprintf(schema_b, sizeof(schema_b), "%s/b.schema", dir);
	snprintf(schema_other, sizeof(schema_other), "%s/other.schema", dir);
	write_text(schema_a, SCHEMA_A, strlen(SCHEMA_A));
	write_text(schema_b, SCHEMA_B, strlen(SCHEMA_B));
	write_text(schema_other, SCHEMA_OTHER, strlen(SCHEMA_OTHER));
}

static int n_damaged(bool remove)
{
	char pattern[100];
	glob_t g;
	int n;

	snprintf(pattern, sizeof(pattern), "%s.damaged-*", path);
	n = glob(pattern, 0, NULL, &g) ? 0 : (int)g.gl_pathc;
	for (int i = 0; remove && i < n; i++)
		unlink(g.gl_pathv[i]);
	globfree(&g);
	return n;
}

static void teardown(void)
{
	char *rm = xasprintf("rm -rf %s", dir);

	ck_assert_int_eq(system(rm), 0);
	free(rm);
}

static struct db_store *open_ok(const char *schema, struct dbserver_open_report *report)
{
	struct error err = ERROR_INIT;
	struct db_store *s = db_store_open(path, schema, NULL, report, &err);

	ck_assert_msg(s != NULL, "%s", err.cause);
	return s;
}

static int open_error(const char *schema, const char *want)
{
	struct error err = ERROR_INIT;
	struct db_store *s = db_store_open(path, schema, NULL, NULL, &err);

	ck_assert_ptr_null(s);
	ck_assert_msg(strstr(err.cause, want) != NULL, "%s", err.cause);
	return err.code;
}

/* The rows as text, "" when there are none. */
static char *dump(struct db *db)
{
	struct json_object *json = record_from_rows(db);
	char *text;

	if (json)
		json_object_object_del(json, "_date");
	text = json ? sj(json) : xstrdup("");
	json_object_put(json);
	return text;
}

static bool same_rows(struct db *a, const char *want)
{
	char *text = dump(a), *p = xstrdup(want);
	struct json_object *x = *text ? js(text) : NULL, *y = *p ? js(p) : NULL;
	bool same = json_object_equal(x, y);

	json_object_put(x);
	json_object_put(y);
	free(text);
	free(p);
	return same;
}

START_TEST(written_is_read)
{
	struct dbserver_open_report report;
	struct db_store *s = open_ok(schema_a, &report);
	struct db *db = db_store_db(s);
	uint64_t size;
	char *rows;

	ck_assert(report.created);
	ck_run_ok(db,
		  "[{'op':'insert','table':'T','row':{'name':'a','s':['set',[1,2,3]],'live':4}},"
		  "{'op':'comment','comment':'first'},{'op':'commit','durable':true}]");
	ck_run_ok(db, "[{'op':'insert','table':'T','row':{'name':'b \\u20ac'}}]");
	ck_run_ok(db, "[{'op':'mutate','table':'T','where':[['name','==','a']],'mutations':"
		      "[['s','insert',9],['s','delete',1]]}]");
	size = db_store_size(s);
	ck_run_ok(db, "[{'op':'update','table':'T','where':[],'row':{'live':5}}]");
	ck_assert_uint_eq(db_store_size(s), size); /* ephemeral */
	ck_run_ok(db, "[{'op':'insert','table':'T','row':{'name':'c'}}]");
	ck_run_ok(db, "[{'op':'delete','table':'T','where':[['name','==','c']]}]");
	rows = dump(db);
	db_store_close(s);

	s = open_ok(schema_a, &report);
	ck_assert(!report.created && !report.upgraded && !report.lost_bytes);
	ck_assert_uint_eq(report.transactions, 5);
	ck_assert(same_rows(db_store_db(s), rows));
	ck_assert_int_eq(db_store_compact(s, NULL), 0);
	ck_run_ok(db_store_db(s), "[{'op':'insert','table':'T','row':{'name':'d'}}]");
	free(rows);
	rows = dump(db_store_db(s));
	db_store_close(s);
	s = open_ok(NULL, &report);
	ck_assert_uint_eq(report.transactions, 2);
	ck_assert(same_rows(db_store_db(s), rows));
	free(rows);
	db_store_close(s);
}
END_TEST

START_TEST(second_opener)
{
	struct db_store *s = open_ok(schema_a, NULL);

	ck_assert_int_eq(open_error(schema_a, "in use"), EAGAIN);
	db_store_close(s);
	db_store_close(open_ok(schema_a, NULL));
}
END_TEST

START_TEST(not_a_database)
{
	struct json_object *json;

	ck_assert_int_eq(open_error(NULL, "No such file"), ENOENT);
	write_text(path, "root:x:0:0:\n", 12);
	ck_assert_int_eq(open_error(schema_a, "not a database"), EINVAL);
	write_text(path, "OVSDB CLUSTER 3 x\n", 18);
	ck_assert_int_eq(open_error(schema_a, "clustered"), EINVAL);
	ck_assert_int_eq(n_damaged(false), 0);
	unlink(path);
	json = js("{'name':'D'}");
	db_log_close(db_log_create(path, json, NULL));
	json_object_put(json);
	ck_assert_int_eq(open_error(schema_a, "tables"), EINVAL);
}
END_TEST

START_TEST(upgrades)
{
	struct dbserver_open_report report;
	struct db_store *s = open_ok(schema_a, NULL);

	ck_run_ok(db_store_db(s), "[{'op':'insert','table':'T','row':{'name':'a','s':5}}]");
	db_store_close(s);
	s = open_ok(schema_b, &report);
	ck_assert(report.upgraded);
	ck_run_ok(db_store_db(s), "[{'op':'update','table':'T','where':[['name','==','a'],"
				  "['s','==',5],['extra','==',0]],'row':{'extra':7}},"
				  "{'op':'insert','table':'U','row':{}}]");
	db_store_close(s);
	/* An older program opens it with the schema that it has. */
	s = open_ok(schema_a, &report);
	ck_assert(!report.upgraded);
	ck_assert_uint_eq(db_row_count(db_table(db_store_db(s), "U")), 1);
	db_store_close(s);
	s = open_ok(schema_b, &report);
	ck_assert(!report.upgraded);
	db_store_close(s);
	ck_assert_int_eq(open_error("/nonexistent", "cannot open the schema"), ENOENT);
	write_text(schema_other, "{\"name\":\"E\",\"version\":\"2.0.0\",\"tables\":{}}", 42);
	ck_assert_int_eq(open_error(schema_other, "holds"), EINVAL);
}
END_TEST

/* A file of four transactions, and the rows and size after each of its records. */
struct sample {
	char *bytes;
	size_t n;
	uint64_t ends[6];
	char *rows[6];
	int records;
};

static void mark(struct sample *f, struct db_store *s)
{
	f->ends[f->records] = db_store_size(s);
	f->rows[f->records++] = dump(db_store_db(s));
}

static void make_sample(struct sample *f)
{
	struct db_store *s = open_ok(schema_a, NULL);
	struct db *db = db_store_db(s);

	memset(f, 0, sizeof(*f));
	mark(f, s);
	ck_run_ok(db, "[{'op':'insert','table':'T','row':{'name':'a','s':['set',[1,2]]}}]");
	mark(f, s);
	ck_run_ok(db, "[{'op':'insert','table':'T','row':{'name':'b'}}]");
	mark(f, s);
	ck_run_ok(db, "[{'op':'mutate','table':'T','where':[],'mutations':[['s','insert',7]]}]");
	mark(f, s);
	ck_run_ok(db, "[{'op':'delete','table':'T','where':[['name','==','a']]}]");
	mark(f, s);
	db_store_close(s);
	f->bytes = read_text(path, &f->n);
	ck_assert_uint_eq(f->n, f->ends[f->records - 1]);
}

static void free_sample(struct sample *f)
{
	for (int i = 0; i < f->records; i++)
		free(f->rows[i]);
	free(f->bytes);
}

/* Opens a damaged file: it must hold what the first `records` records make (0: not even the
 * schema), tell how much was lost, keep a copy, and work on. */
static void check_damaged(const struct sample *f, int records, size_t size)
{
	uint64_t good = records ? f->ends[records - 1] : 0;
	struct dbserver_open_report report;
	struct db_store *s = open_ok(schema_a, &report);
	bool damaged = good != size || !records;
	char *text;
	size_t n;

	ck_assert_uint_eq(report.lost_bytes, size - good);
	ck_assert(same_rows(db_store_db(s), records ? f->rows[records - 1] : ""));
	ck_assert_int_eq(!!report.saved_as[0], damaged);
	ck_assert_int_eq(!!report.reason[0], damaged);
	if (damaged) {
		text = read_text(report.saved_as, &n);
		ck_assert_uint_eq(n, size);
		free(text);
	}
	ck_run_ok(db_store_db(s), "[{'op':'insert','table':'T','row':{'name':'new'}}]");
	n = db_row_count(db_table(db_store_db(s), "T"));
	db_store_close(s);
	s = open_ok(schema_a, &report);
	ck_assert_uint_eq(report.lost_bytes, 0);
	ck_assert_uint_eq(db_row_count(db_table(db_store_db(s), "T")), n);
	db_store_close(s);
	ck_assert_int_eq(n_damaged(true), damaged);
}

static int whole_records(const struct sample *f, size_t size)
{
	int n = 0;

	while (n < f->records && f->ends[n] <= size)
		n++;
	return n;
}

START_TEST(truncated_at_every_byte)
{
	struct sample f;

	make_sample(&f);
	for (size_t size = 0; size <= f.n; size++) {
		write_text(path, f.bytes, size);
		check_damaged(&f, whole_records(&f, size), size);
	}
	/* Without a schema to begin anew with, a file without its own is refused, and kept. */
	write_text(path, f.bytes, f.ends[0] - 1);
	ck_assert_int_eq(open_error(NULL, "cut short"), EBADMSG);
	free_sample(&f);
}
END_TEST

START_TEST(corrupt_at_every_byte)
{
	struct sample f;

	make_sample(&f);
	for (size_t at = f.ends[0]; at < f.n; at++) {
		char old = f.bytes[at];

		f.bytes[at] ^= 0x01;
		write_text(path, f.bytes, f.n);
		f.bytes[at] = old;
		check_damaged(&f, whole_records(&f, at), f.n);
	}
	free_sample(&f);
}
END_TEST

START_TEST(appended_garbage)
{
	static const char zeros[100];
	struct sample f;
	char *longer;

	make_sample(&f);
	longer = xmalloc(f.n + sizeof(zeros));
	memcpy(longer, f.bytes, f.n);
	memcpy(longer + f.n, zeros, sizeof(zeros));
	write_text(path, longer, f.n + sizeof(zeros));
	check_damaged(&f, f.records, f.n + sizeof(zeros));
	free(longer);
	free_sample(&f);
}
END_TEST

/* A record that is whole but says what cannot be. */
START_TEST(impossible_record)
{
	static const char *const records[] = {
		"{'T':{'00000000-0000-0000-0000-000000000001':null}}",
		"{'T':{'nonsense':{}}}",
		"{'X':{}}",
		"{'T':3}",
		"{'T':{'00000000-0000-0000-0000-000000000001':{'name':3}}}",
		"{'T':{'00000000-0000-0000-0000-000000000001':{'name':'b'}}}", /* not unique */
	};
	struct sample f;

	make_sample(&f);
	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		struct json_object *json = js(records[i]), *skip;
		struct dbserver_open_report report;
		struct db_store *s;
		struct db_log *log;

		write_text(path, f.bytes, f.n);
		log = db_log_open(path, NULL);
		while (db_log_read(log, &skip, NULL) > 0)
			json_object_put(skip);
		ck_assert_int_eq(db_log_append(log, json, NULL), 0);
		db_log_close(log);
		s = open_ok(schema_a, &report);
		ck_assert_uint_gt(report.lost_bytes, 0);
		ck_assert(same_rows(db_store_db(s), f.rows[f.records - 1]));
		db_store_close(s);
		json_object_put(json);
	}
	free_sample(&f);
}
END_TEST

static void count_good(void *arg, const struct error *err)
{
	*(int *)arg += err ? -1000 : 1;
}

/* Enough history makes the store rewrite its file. */
START_TEST(compacts_by_itself)
{
	struct db_store *s = open_ok(schema_a, NULL);
	char *ops, *big = xmalloc(100001), *rows;
	uint64_t most = 0;
	int good = 0;

	db_store_on_compact(s, count_good, &good);
	memset(big, 'x', 100000);
	big[100000] = '\0';
	for (int i = 0; i < 250; i++) {
		ops = xasprintf("[{'op':'delete','table':'T','where':[]},"
				"{'op':'insert','table':'T','row':{'name':'%d%s'}}]",
				i, big);
		ck_run_ok(db_store_db(s), ops);
		free(ops);
		most = MAX(most, db_store_size(s));
	}
	ck_assert_uint_gt(most, 9 << 20);
	ck_assert_uint_lt(db_store_size(s), 11 << 20);
	ck_assert_int_gt(good, 0);
	rows = dump(db_store_db(s));
	db_store_close(s);
	s = open_ok(schema_a, NULL);
	ck_assert(same_rows(db_store_db(s), rows));
	db_store_close(s);
	free(rows);
	free(big);
}
END_TEST

/* A disk that is full (here: a limit on the size of files) refuses the transaction and changes
 * neither file nor memory; what comes after the trouble is kept. */
START_TEST(full_disk)
{
	struct db_store *s = open_ok(schema_a, NULL);
	struct dbserver_open_report report;
	struct rlimit old, small;
	char *before, *after;
	size_t n, m;

	signal(SIGXFSZ, SIG_IGN);
	ck_run_ok(db_store_db(s), "[{'op':'insert','table':'T','row':{'name':'a'}}]");
	before = read_text(path, &n);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = n + 20;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_run_error(db_store_db(s), "[{'op':'insert','table':'T','row':{'name':'b'}}]",
		     "I/O error", "cannot write");
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	after = read_text(path, &m);
	ck_assert_uint_eq(n, m);
	ck_assert(!memcmp(before, after, n));
	ck_assert_uint_eq(db_row_count(db_table(db_store_db(s), "T")), 1);
	ck_run_ok(db_store_db(s), "[{'op':'insert','table':'T','row':{'name':'c'}}]");
	db_store_close(s);
	s = open_ok(schema_a, &report);
	ck_assert_uint_eq(report.lost_bytes, 0);
	ck_assert_uint_eq(db_row_count(db_table(db_store_db(s), "T")), 2);
	db_store_close(s);
	free(before);
	free(after);
}
END_TEST

static Suite *store_suite(void)
{
	const TTest *const tests[] = {
		written_is_read,  second_opener,           not_a_database,
		upgrades,         truncated_at_every_byte, corrupt_at_every_byte,
		appended_garbage, impossible_record,       compacts_by_itself,
		full_disk,
	};
	Suite *suite = suite_create("dbserver/engine/store");
	TCase *tc = tcase_create("store");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 240);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *sr = srunner_create(store_suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
