/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions in JSON and in code: operations, integrity, atomicity, limits, notifications. */
#include "dbserver/data/dberr.h"
#include "dbserver/engine/view.h"
#include "tests/unit/dbserver/helpers.h"

static const char schema_text[] =
	"{'name':'D','version':'1.0.0','tables':{"
	"'Root':{'isRoot':true,'indexes':[['name']],'columns':{"
	"'name':{'type':'string'},"
	"'n':{'type':'integer'},"
	"'mode':{'type':{'key':{'type':'string','enum':['set',['a','b']]},'min':0}},"
	"'opts':{'type':{'key':'string','value':'string','min':0,'max':'unlimited'}},"
	"'kids':{'type':{'key':{'type':'uuid','refTable':'Kid'},'min':0,'max':'unlimited'}},"
	"'byno':{'type':{'key':'integer','value':{'type':'uuid','refTable':'Kid'},"
	"'min':0,'max':'unlimited'}}}},"
	"'Kid':{'columns':{'name':{'type':'string','mutable':false},"
	"'up':{'type':'boolean','ephemeral':true},"
	"'sub':{'type':{'key':{'type':'uuid','refTable':'Kid'},'min':0}}}},"
	"'Look':{'isRoot':true,'maxRows':2,'columns':{"
	"'at':{'type':{'key':{'type':'uuid','refTable':'Kid','refType':'weak'},'min':0,"
	"'max':'unlimited'}},"
	"'must':{'type':{'key':{'type':'uuid','refTable':'Root','refType':'weak'},'min':0}},"
	"'all':{'type':{'key':{'type':'uuid','refTable':'Root','refType':'weak'},"
	"'min':0,'max':'unlimited'}}}},"
	"'Need':{'isRoot':true,'columns':{"
	"'one':{'type':{'key':{'type':'uuid','refTable':'Root','refType':'weak'}}}}}}}";

static struct db *new_db(void)
{
	return db_new(schema_of(schema_text), NULL);
}

static size_t count(struct db *db, const char *table)
{
	return db_row_count(db_table(db, table));
}

static const char two_kids[] =
	"[{'op':'insert','table':'Kid','uuid-name':'k1','row':{'name':'k1'}},"
	"{'op':'insert','table':'Kid','uuid-name':'k2','row':{'name':'k2','sub':['named-uuid','k3']"
	"}},"
	"{'op':'insert','table':'Kid','uuid-name':'k3','row':{'name':'k3'}},"
	"{'op':'insert','table':'Look','row':{'at':['set',[['named-uuid','k1'],['named-uuid','k3']]"
	"]}},"
	"{'op':'insert','table':'Root','row':{'name':'r','kids':['set',[['named-uuid','k1'],"
	"['named-uuid','k2']]]}}]";

START_TEST(references)
{
	struct db *db = new_db();
	const struct db_row *look;

	ck_run_ok(db, two_kids);
	ck_assert_uint_eq(count(db, "Kid"), 3);
	look = db_row_first(db_table(db, "Look"));
	ck_assert_uint_eq(db_get_n(look, db_column(db_table(db, "Look"), "at")), 2);
	/* A row that something refers to cannot go. */
	ck_run_error(db, "[{'op':'delete','table':'Kid','where':[['name','==','k3']]}]",
		     "referential integrity violation", "references to it remain");
	ck_run_error(db, "[{'op':'delete','table':'Kid','where':[]}]",
		     "referential integrity violation", "Kid");
	ck_assert_uint_eq(count(db, "Kid"), 3);
	/* Without its references k2 goes, with it k3, and the weak reference to k3. */
	ck_run_ok(db, "[{'op':'update','table':'Root','where':[],'row':{'kids':['set',[]]}},"
		      "{'op':'mutate','table':'Root','where':[],'mutations':[['byno','insert',"
		      "['map',[]]]]}]");
	ck_assert_uint_eq(count(db, "Kid"), 0);
	ck_assert_uint_eq(db_get_n(look, db_column(db_table(db, "Look"), "at")), 0);
	/* A row that nothing refers to does not stay even when it is new. */
	ck_run_ok(db, "[{'op':'insert','table':'Kid','row':{'name':'x'}}]");
	ck_assert_uint_eq(count(db, "Kid"), 0);
	ck_run_error(db,
		     "[{'op':'update','table':'Root','where':[],'row':{'kids':['uuid',"
		     "'00000000-0000-0000-0000-000000000009']}}]",
		     "referential integrity violation", "Root.kids");
	/* The same row by two keys of a map counts twice. */
	ck_run_ok(db,
		  "[{'op':'insert','table':'Kid','uuid-name':'k','row':{'name':'k'}},"
		  "{'op':'update','table':'Root','where':[],'row':{'byno':['map',[[1,['named-uuid',"
		  "'k']],[2,['named-uuid','k']]]]}}]");
	ck_run_ok(db,
		  "[{'op':'mutate','table':'Root','where':[],'mutations':[['byno','delete',1]]}]");
	ck_assert_uint_eq(count(db, "Kid"), 1);
	ck_run_ok(db,
		  "[{'op':'mutate','table':'Root','where':[],'mutations':[['byno','delete',2]]}]");
	ck_assert_uint_eq(count(db, "Kid"), 0);
	db_free(db);
}
END_TEST

START_TEST(weak_references)
{
	struct db *db = new_db();
	const struct db_row *row;

	ck_run_ok(db, "[{'op':'insert','table':'Root','uuid-name':'r','row':{'name':'r'}},"
		      "{'op':'insert','table':'Look','row':{'must':['named-uuid','r'],"
		      "'all':['set',[['named-uuid','r'],['uuid',"
		      "'00000000-0000-0000-0000-000000000009']]]}},"
		      "{'op':'insert','table':'Need','row':{'one':['named-uuid','r']}}]");
	row = db_row_first(db_table(db, "Look"));
	ck_assert_uint_eq(db_get_n(row, db_column(db_table(db, "Look"), "all")), 1);
	/* Need.one must have a value, so its target must not go. */
	ck_run_error(db, "[{'op':'delete','table':'Root','where':[]}]", "constraint violation",
		     "Need.one");
	ck_assert_uint_eq(count(db, "Root"), 1);
	ck_assert_uint_eq(db_get_n(row, db_column(db_table(db, "Look"), "all")), 1);
	ck_run_ok(db, "[{'op':'delete','table':'Need','where':[]},"
		      "{'op':'delete','table':'Root','where':[]}]");
	ck_assert_uint_eq(db_get_n(row, db_column(db_table(db, "Look"), "all")), 0);
	ck_assert_uint_eq(db_get_n(row, db_column(db_table(db, "Look"), "must")), 0);
	db_free(db);
}
END_TEST

START_TEST(constraints)
{
	struct db *db = new_db();

	ck_run_ok(db, "[{'op':'insert','table':'Root','row':{'name':'a'}}]");
	ck_run_error(db, "[{'op':'insert','table':'Root','row':{'name':'a'}}]",
		     "constraint violation", "Root.name");
	ck_run_error(db, "[{'op':'update','table':'Root','where':[],'row':{'mode':'c'}}]",
		     "constraint violation", "Root.mode");
	ck_run_error(db, "[{'op':'update','table':'Root','where':[],'row':{'n':'c'}}]",
		     "syntax error", "Root.n");
	ck_run_error(db, "[{'op':'update','table':'Root','where':[],'row':{'zz':'c'}}]",
		     "unknown column", "zz");
	ck_run_error(db, "[{'op':'update','table':'Nope','where':[],'row':{}}]", "unknown table",
		     "Nope");
	ck_run_error(db, "[{'op':'update','table':'Kid','where':[],'row':{'name':'x'}}]",
		     "constraint violation", "Kid.name");
	ck_run_error(db,
		     "[{'op':'insert','table':'Root','row':{'_version':['uuid',"
		     "'00000000-0000-0000-0000-000000000009']}}]",
		     "constraint violation", "_version");
	ck_run_error(db,
		     "[{'op':'insert','table':'Look','row':{}},{'op':'insert','table':'Look',"
		     "'row':{}},{'op':'insert','table':'Look','row':{}}]",
		     "constraint violation", "Look");
	ck_assert_uint_eq(count(db, "Look"), 0);
	/* A name may change hands within a transaction. */
	ck_run_ok(db, "[{'op':'update','table':'Root','where':[],'row':{'name':'b'}},"
		      "{'op':'insert','table':'Root','row':{'name':'a'}}]");
	ck_run_error(db,
		     "[{'op':'insert','table':'Root','uuid-name':'x','row':{'name':'c'}},"
		     "{'op':'insert','table':'Root','uuid-name':'x','row':{'name':'d'}}]",
		     "duplicate uuid-name", "x");
	ck_run_error(db, "[{'op':'frob'}]", "syntax error", "frob");
	ck_run_error(db, "[3]", "syntax error", "object");
	ck_run_error(db, "[{'op':'insert','table':'Root','row':{},'extra':1}]", "syntax error",
		     "extra");
	ck_assert_uint_eq(count(db, "Root"), 2);
	db_free(db);
}
END_TEST

START_TEST(errors_change_nothing)
{
	struct db *db = new_db();
	struct json_object *reply;
	char *text;

	ck_run_ok(db, "[{'op':'insert','table':'Root','row':{'name':'a','n':1}}]");
	reply = run(db, "[{'op':'update','table':'Root','where':[],'row':{'n':2}},"
			"{'op':'insert','table':'Root','row':{'name':'b'}},"
			"{'op':'delete','table':'Root','where':[['name','==','a']]},"
			"{'op':'abort'},{'op':'comment','comment':'never'}]");
	ck_assert_str_eq(error_of(reply), "aborted");
	ck_assert_uint_eq(json_object_array_length(reply), 5);
	ck_assert_ptr_null(json_object_array_get_idx(reply, 4));
	json_object_put(reply);
	reply = run(db, "[{'op':'select','table':'Root','where':[],'columns':['name','n']}]");
	text = sj(reply);
	ck_assert_str_eq(text, "[{'rows':[{'name':'a','n':1}]}]");
	free(text);
	json_object_put(reply);
	db_free(db);
}
END_TEST

static bool lock_is_mine(void *arg, const char *name)
{
	return !strcmp(arg, name);
}

START_TEST(waits_and_asserts)
{
	struct db *db = new_db();
	char mine[] = "mine";
	const struct db_exec_env env = { .has_lock = lock_is_mine,
					 .lock_arg = mine,
					 .elapsed_ms = 60 };
	const struct db_exec_env reader = { .read_only = true };
	struct json_object *reply;

	ck_run_ok(db, "[{'op':'insert','table':'Root','row':{'name':'a','n':1}}]");
	ck_run_ok(db, "[{'op':'wait','table':'Root','where':[],'columns':['n'],'until':'==',"
		      "'rows':[{'n':1}],'timeout':0}]");
	ck_run_ok(db, "[{'op':'wait','table':'Root','where':[],'columns':['n'],'until':'!=',"
		      "'rows':[{'n':2},{'n':1}],'timeout':0}]");
	ck_run_error(db,
		     "[{'op':'wait','table':'Root','where':[],'columns':['n'],'until':'==',"
		     "'rows':[{'n':2}],'timeout':0}]",
		     "timed out", "wait");
	ck_assert_ptr_null(run(db, "[{'op':'wait','table':'Root','where':[],'columns':['n'],"
				   "'until':'==','rows':[{'n':2}],'timeout':50}]"));
	reply = run_env(db,
			"[{'op':'wait','table':'Root','where':[],'columns':['n'],'until':'==',"
			"'rows':[{'n':2}],'timeout':50}]",
			&env);
	ck_assert_str_eq(error_of(reply), "timed out");
	json_object_put(reply);
	reply = run_env(db, "[{'op':'assert','lock':'mine'}]", &env);
	ck_assert_str_eq(error_of(reply), "");
	json_object_put(reply);
	ck_run_error(db, "[{'op':'assert','lock':'mine'}]", "not owner", "mine");
	reply = run_env(db, "[{'op':'delete','table':'Root','where':[]}]", &reader);
	ck_assert_str_eq(error_of(reply), "not supported");
	json_object_put(reply);
	db_free(db);
}
END_TEST

START_TEST(limits_hold)
{
	const struct db_limits limits = { .rows = 3, .bytes = 8000, .operations = 4 };
	struct db *db = db_new(schema_of(schema_text), &limits);
	struct error err = ERROR_INIT;
	struct json_object *params, *reply;
	const struct db_exec_env env = { 0 };
	char *big = xmalloc(9000), *ops;
	uint64_t wait_ms;

	ck_run_error(db,
		     "[{'op':'insert','table':'Root','row':{'name':'1'}},"
		     "{'op':'insert','table':'Root','row':{'name':'2'}},"
		     "{'op':'insert','table':'Root','row':{'name':'3'}},"
		     "{'op':'insert','table':'Root','row':{'name':'4'}}]",
		     "resources exhausted", "limit");
	ck_assert_uint_eq(count(db, "Root"), 0);
	memset(big, 'x', 8999);
	big[8999] = '\0';
	ops = xasprintf("[{'op':'insert','table':'Root','row':{'name':'%s'}}]", big);
	ck_run_error(db, ops, "resources exhausted", "bytes");
	ck_assert_uint_eq(db->usage.bytes, 0);
	ck_assert_uint_eq(db->usage.rows, 0);
	free(ops);
	free(big);
	params = js("['D',{'op':'commit'},{'op':'commit'},{'op':'commit'},{'op':'commit'},"
		    "{'op':'commit'}]");
	ck_assert_int_eq(db_execute(db, params, &env, &reply, &wait_ms, &err), -DBE_RESOURCES);
	json_object_put(params);
	db_free(db);
}
END_TEST

struct heard {
	struct db *db;
	struct db_watch watch;
	int calls, mine, nested;
	size_t rows;
};

static void hear(void *arg, const struct db_changes *c)
{
	struct heard *h = arg;
	int calls = ++h->calls;
	struct db_txn *txn;

	h->rows += c->n;
	h->mine += c->by == h;
	if (h->nested++)
		return;
	/* A write from inside is heard of afterwards. */
	txn = db_txn_new(h->db, h);
	db_txn_set_integer(txn, db_row_first(db_table(h->db, "Root")),
			   db_column(db_table(h->db, "Root"), "n"), 77);
	ck_assert_int_eq(db_txn_commit(txn, NULL), 1);
	ck_assert_int_eq(h->calls, calls);
}

START_TEST(local_view)
{
	struct db *db = new_db();
	struct db_table *roots = db_table(db, "Root"), *kids = db_table(db, "Kid");
	const struct db_column *name, *n, *opts, *kids_col, *byno, *none, *kid_name, *mode, *up;
	const struct db_column_want wants[] = {
		{ "name", &name }, { "n", &n },       { "opts", &opts }, { "kids", &kids_col },
		{ "byno", &byno }, { "nope", &none }, { "mode", &mode },
	};
	struct heard h = { .db = db, .nested = 1 };
	const struct db_row *row, *kid;
	struct error err = ERROR_INIT;
	struct datum_builder b;
	struct db_txn *txn;

	ck_assert_uint_eq(db_columns_resolve(roots, wants, ARRAY_SIZE(wants)), 1);
	ck_assert_ptr_null(none);
	kid_name = db_column(kids, "name");
	up = db_column(kids, "up");
	h.watch = (struct db_watch){ hear, &h, NULL };
	db_watch_add(db, &h.watch);

	txn = db_txn_new(db, &h);
	row = db_txn_insert(txn, roots);
	kid = db_txn_insert(txn, kids);
	db_txn_set_string(txn, row, name, "r0");
	db_txn_set_string(txn, row, none, "ignored");
	db_txn_set_integer(txn, row, n, 5);
	db_txn_set_map_item(txn, row, opts, "b", "true");
	db_txn_set_map_item(txn, row, opts, "i", "0x10");
	db_txn_set_map_item(txn, row, opts, "gone", "x");
	db_txn_set_map_item(txn, row, opts, "gone", NULL);
	db_txn_set_string(txn, kid, kid_name, "k0");
	db_txn_set_boolean(txn, kid, up, true);
	db_txn_add_ref(txn, row, kids_col, kid);
	datum_builder_init(&b, &byno->type);
	datum_builder_take(&b, (union atom){ .integer = 4 },
			   (union atom){ .uuid = *db_row_uuid(kid) });
	db_txn_set(txn, row, byno, datum_builder_finish(&b));
	ck_assert_int_eq(db_txn_commit(txn, &err), 1);
	ck_assert_int_eq(h.calls, 1);
	ck_assert_int_eq(h.mine, 1);
	ck_assert_uint_eq(h.rows, 2);

	ck_assert_ptr_eq(db_row_find_string(roots, name, "r0"), row);
	ck_assert_ptr_null(db_row_find_string(roots, name, "r1"));
	ck_assert_ptr_eq(db_row_find_string(kids, kid_name, "k0"), kid);
	ck_assert_str_eq(db_get_string(row, name, ""), "r0");
	ck_assert_str_eq(db_get_string(row, mode, "none"), "none");
	ck_assert_int_eq(db_get_integer(row, n, 0), 5);
	ck_assert(db_get_boolean(kid, up, false));
	ck_assert(db_get_map_boolean(row, opts, "b", false));
	ck_assert_int_eq(db_get_map_integer(row, opts, "i", 0), 16);
	ck_assert_int_eq(db_get_map_integer(row, opts, "b", -1), -1);
	ck_assert_str_eq(db_get_map_string(row, opts, "gone", "def"), "def");
	ck_assert_uint_eq(db_get_n(row, opts), 2);
	ck_assert_ptr_eq(db_get_ref(row, kids_col, 0), kid);
	ck_assert_ptr_null(db_get_ref(row, kids_col, 1));
	ck_assert_ptr_eq(db_get_ref_by_integer(row, byno, 4), kid);
	ck_assert_ptr_null(db_get_ref_by_integer(row, byno, 5));
	ck_assert_int_eq(db_get_integer_at(row, byno, 0), 4);

	/* The same values again are no change. */
	txn = db_txn_new(db, &h);
	db_txn_set_string(txn, row, name, "r0");
	db_txn_set_map_item(txn, row, opts, "b", "true");
	ck_assert_int_eq(db_txn_commit(txn, &err), 0);
	ck_assert_int_eq(h.calls, 1);
	/* A bad value fails the commit and names the column; the rest is undone. */
	txn = db_txn_new(db, &h);
	db_txn_set_integer(txn, row, n, 6);
	db_txn_set_string(txn, row, mode, "zzz");
	ck_assert_int_eq(db_txn_commit(txn, &err), -DBE_CONSTRAINT);
	ck_assert_str_eq(err.field, "Root.mode");
	ck_assert_int_eq(db_get_integer(row, n, 0), 5);
	/* An immutable column is set with the row only. */
	error_clear(&err);
	txn = db_txn_new(db, &h);
	db_txn_set_string(txn, kid, kid_name, "other");
	ck_assert_int_eq(db_txn_commit(txn, &err), -DBE_CONSTRAINT);
	ck_assert_int_eq(h.calls, 1);

	h.nested = 0;
	ck_run_ok(db, "[{'op':'mutate','table':'Root','where':[],'mutations':[['n','+=',1]]}]");
	ck_assert_int_eq(h.calls, 3);
	ck_assert_int_eq(db_get_integer(row, n, 0), 77);
	db_watch_remove(db, &h.watch);
	ck_run_ok(db, "[{'op':'delete','table':'Root','where':[]}]");
	ck_assert_int_eq(h.calls, 3);
	ck_assert_uint_eq(count(db, "Kid"), 0);
	db_free(db);
}
END_TEST

START_TEST(named_uuids)
{
	struct db *db = new_db();
	struct json_object *reply;

	ck_run_error(db,
		     "[{'op':'insert','table':'Root','row':{'name':'a','kids':['named-uuid',"
		     "'nobody']}}]",
		     "syntax error", "nobody");
	ck_run_ok(db, "[{'op':'insert','table':'Root','uuid':"
		      "'00000000-0000-0000-0000-00000000000a','row':{'name':'a'}}]");
	reply = run(db, "[{'op':'select','table':'Root','columns':['name'],'where':[['_uuid','==',"
			"['uuid','00000000-0000-0000-0000-00000000000a']]]}]");
	ck_assert(strstr(json_object_to_json_string(reply), "\"a\"") != NULL);
	json_object_put(reply);
	ck_run_error(db,
		     "[{'op':'insert','table':'Root','uuid':"
		     "'00000000-0000-0000-0000-00000000000a','row':{'name':'b'}}]",
		     "constraint violation", "UUID");
	ck_run_error(db, "[{'op':'insert','table':'Root','uuid':'x','row':{'name':'b'}}]",
		     "syntax error", "uuid");
	db_free(db);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		references,        weak_references, constraints, errors_change_nothing,
		waits_and_asserts, limits_hold,     local_view,  named_uuids,
	};

	return run_suite("dbserver/engine", tests, ARRAY_SIZE(tests));
}
