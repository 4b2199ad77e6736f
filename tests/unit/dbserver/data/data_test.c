/* SPDX-License-Identifier: Apache-2.0 */
/* Atoms, types, datums, conditions, mutations, schemas. */
#include <math.h>

#include "dbserver/data/condition.h"
#include "dbserver/data/dberr.h"
#include "dbserver/data/mutation.h"
#include "tests/unit/dbserver/helpers.h"

START_TEST(uuids)
{
	struct uuid a = uuid_new(), b;
	char text[UUID_TEXT_LEN + 1];

	ck_assert(uuid_parse(uuid_print(&a, text), &b));
	ck_assert(uuid_equal(&a, &b));
	ck_assert_uint_eq(strlen(text), UUID_TEXT_LEN);
	ck_assert_int_eq(text[14], '4');
	ck_assert(uuid_parse("ABCDEF01-2345-6789-abcd-ef0123456789", &b));
	ck_assert_str_eq(uuid_print(&b, text), "abcdef01-2345-6789-abcd-ef0123456789");
	ck_assert(!uuid_parse("", &b));
	ck_assert(!uuid_parse("abcdef01-2345-6789-abcd-ef012345678", &b));
	ck_assert(!uuid_parse("abcdef01-2345-6789-abcd-ef01234567890", &b));
	ck_assert(!uuid_parse("abcdef0102345-6789-abcd-ef0123456789", &b));
	ck_assert(!uuid_parse("abcdef0g-2345-6789-abcd-ef0123456789", &b));
}
END_TEST

START_TEST(utf8)
{
	ck_assert(atom_utf8_ok("", 0));
	ck_assert(atom_utf8_ok("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10));
	ck_assert(!atom_utf8_ok("\0", 1));
	ck_assert(!atom_utf8_ok("\x80", 1));
	ck_assert(!atom_utf8_ok("\xc0\x80", 2));         /* overlong */
	ck_assert(!atom_utf8_ok("\xed\xa0\x80", 3));     /* a surrogate */
	ck_assert(!atom_utf8_ok("\xf4\x90\x80\x80", 4)); /* above U+10FFFF */
	ck_assert(!atom_utf8_ok("\xe2\x82", 2));
}
END_TEST

static int parse_atom(enum atom_type type, const char *text, union atom *a)
{
	struct json_object *json = js(text);
	int rc = atom_from_json(type, json, NULL, a, NULL);

	json_object_put(json);
	return rc;
}

START_TEST(atoms)
{
	union atom a;

	ck_assert_int_eq(parse_atom(AT_INTEGER, "-9223372036854775808", &a), 0);
	ck_assert_int_eq(a.integer, INT64_MIN);
	ck_assert_int_eq(parse_atom(AT_INTEGER, "9223372036854775807", &a), 0);
	ck_assert_int_eq(parse_atom(AT_INTEGER, "9223372036854775808", &a), -DBE_RANGE);
	ck_assert_int_eq(parse_atom(AT_INTEGER, "1e3", &a), 0);
	ck_assert_int_eq(a.integer, 1000);
	ck_assert_int_eq(parse_atom(AT_INTEGER, "1.5", &a), -DBE_SYNTAX);
	ck_assert_int_eq(parse_atom(AT_INTEGER, "'1'", &a), -DBE_SYNTAX);
	ck_assert_int_eq(parse_atom(AT_REAL, "3", &a), 0);
	ck_assert_double_eq(a.real, 3);
	ck_assert_int_eq(parse_atom(AT_REAL, "1e999", &a), -DBE_RANGE);
	ck_assert_int_eq(parse_atom(AT_BOOLEAN, "true", &a), 0);
	ck_assert_int_eq(parse_atom(AT_BOOLEAN, "1", &a), -DBE_SYNTAX);
	ck_assert_int_eq(parse_atom(AT_STRING, "null", &a), -DBE_SYNTAX);
	ck_assert_int_eq(parse_atom(AT_STRING, "'a\\u0000b'", &a), -DBE_SYNTAX);
	ck_assert_int_eq(parse_atom(AT_UUID, "['uuid','zz']", &a), -DBE_SYNTAX);
	ck_assert_int_eq(parse_atom(AT_UUID, "['named-uuid','x']", &a), -DBE_SYNTAX);
}
END_TEST

static struct column_type type_of(const char *text)
{
	struct json_object *json = js(text);
	struct error err = ERROR_INIT;
	struct column_type t;
	int rc = column_type_from_json(json, &t, &err);

	ck_assert_msg(!rc, "%s: %s", text, err.cause);
	json_object_put(json);
	return t;
}

static const char *const good_types[] = {
	"'integer'",
	"{'key':'string','min':0}",
	"{'key':{'type':'integer','minInteger':-1,'maxInteger':7},'max':3}",
	"{'key':{'type':'real','minReal':0.5},'value':'uuid','min':0,'max':'unlimited'}",
	"{'key':{'type':'string','enum':['set',['a','b']]}}",
	"{'key':{'type':'string','minLength':1,'maxLength':4}}",
	"{'key':{'type':'uuid','refTable':'T','refType':'weak'},'min':0}",
};

static const char *const bad_types[] = {
	"'int'",
	"3",
	"{}",
	"{'key':'void'}",
	"{'key':'string','min':2}",
	"{'key':'string','max':0}",
	"{'key':'string','max':'many'}",
	"{'key':'string','extra':1}",
	"{'key':{'type':'integer','minInteger':3,'maxInteger':2}}",
	"{'key':{'type':'string','minInteger':3}}",
	"{'key':{'type':'integer','minLength':3}}",
	"{'key':{'type':'string','enum':['set',['a','a']]}}",
	"{'key':{'type':'string','enum':['set',[]]}}",
	"{'key':{'type':'string','enum':['set',[1]]}}",
	"{'key':{'type':'string','enum':'a','maxLength':3}}",
	"{'key':{'type':'string','refTable':'T'}}",
	"{'key':{'type':'uuid','refTable':'T','refType':'soft'}}",
};

START_TEST(types)
{
	for (size_t i = 0; i < ARRAY_SIZE(good_types); i++) {
		struct column_type t = type_of(good_types[i]);
		struct json_object *json = column_type_to_json(&t), *want = js(good_types[i]);

		ck_assert_msg(json_object_equal(json, want), "%s", good_types[i]);
		json_object_put(json);
		json_object_put(want);
		column_type_done(&t);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_types); i++) {
		struct json_object *json = js(bad_types[i]);
		struct error err = ERROR_INIT;
		struct column_type t;

		ck_assert_msg(column_type_from_json(json, &t, &err) == -DBE_SYNTAX, "%s",
			      bad_types[i]);
		ck_assert(err.cause[0]);
		json_object_put(json);
	}
}
END_TEST

static int parse_datum(const struct column_type *t, const char *text, struct datum **d)
{
	struct json_object *json = js(text);
	int rc = datum_from_json(t, json, NULL, d, NULL);

	json_object_put(json);
	return rc;
}

static struct datum *datum_of(const struct column_type *t, const char *text)
{
	struct datum *d;

	ck_assert_msg(!parse_datum(t, text, &d), "%s", text);
	return d;
}

static void ck_datum(const struct datum *d, const char *want)
{
	struct json_object *json = datum_to_json(d);
	char *text = sj(json);

	ck_assert_str_eq(text, want);
	free(text);
	json_object_put(json);
}

START_TEST(datums)
{
	struct column_type set =
		type_of("{'key':{'type':'integer','maxInteger':9},'min':0,'max':3}");
	struct column_type map =
		type_of("{'key':'string','value':'integer','min':0,'max':'unlimited'}");
	struct column_type one = type_of("'string'");
	struct datum *d;

	d = datum_of(&set, "['set',[3,1,2]]");
	ck_datum(d, "['set',[1,2,3]]");
	datum_unref(d);
	d = datum_of(&set, "7");
	ck_datum(d, "7");
	datum_unref(d);
	ck_assert_int_eq(parse_datum(&set, "['set',[1,1]]", &d), -DBE_SYNTAX);
	ck_assert_int_eq(parse_datum(&set, "['set',[1,2,3,4]]", &d), -DBE_CONSTRAINT);
	ck_assert_int_eq(parse_datum(&set, "10", &d), -DBE_CONSTRAINT);
	ck_assert_int_eq(parse_datum(&set, "['map',[]]", &d), -DBE_SYNTAX);
	ck_assert_int_eq(parse_datum(&set, "['set',3]", &d), -DBE_SYNTAX);
	d = datum_of(&map, "['map',[['b',2],['a',1]]]");
	ck_datum(d, "['map',[['a',1],['b',2]]]");
	ck_assert_int_eq(datum_find_string(d, "b"), 1);
	ck_assert_int_eq(datum_find_string(d, "c"), -1);
	datum_unref(d);
	ck_assert_int_eq(parse_datum(&map, "['map',[['a',1],['a',2]]]", &d), -DBE_SYNTAX);
	ck_assert_int_eq(parse_datum(&map, "['map',[['a']]]", &d), -DBE_SYNTAX);
	ck_assert_int_eq(parse_datum(&map, "['map',[['a','b']]]", &d), -DBE_SYNTAX);
	ck_assert_int_eq(parse_datum(&map, "'a'", &d), -DBE_SYNTAX);
	ck_assert_int_eq(parse_datum(&one, "['set',[]]", &d), -DBE_CONSTRAINT);
	d = datum_default(&one);
	ck_datum(d, "''");
	datum_unref(d);
	d = datum_default(&set);
	ck_datum(d, "['set',[]]");
	datum_unref(d);
	column_type_done(&set);
	column_type_done(&map);
	column_type_done(&one);
}
END_TEST

static void check_diff(const struct column_type *t, const char *a_text, const char *b_text,
		       const char *want)
{
	struct datum *a = datum_of(t, a_text), *b = datum_of(t, b_text);
	struct datum *d = datum_diff(a, b, t), *back;

	if (!want) {
		ck_assert_ptr_null(d);
	} else {
		ck_datum(d, want);
		back = datum_apply_diff(a, d, t);
		ck_assert(datum_equal(back, b));
		datum_unref(back);
	}
	datum_unref(a);
	datum_unref(b);
	datum_unref(d);
}

START_TEST(diffs)
{
	struct column_type set = type_of("{'key':'integer','min':0,'max':'unlimited'}");
	struct column_type map =
		type_of("{'key':'string','value':'integer','min':0,'max':'unlimited'}");
	struct column_type opt = type_of("{'key':'integer','min':0}");

	check_diff(&set, "['set',[1,2,3]]", "['set',[2,4]]", "['set',[1,3,4]]");
	check_diff(&set, "['set',[1,2]]", "['set',[1,2]]", NULL);
	check_diff(&map, "['map',[['a',1],['b',2],['c',3]]]", "['map',[['b',9],['c',3],['d',4]]]",
		   "['map',[['a',1],['b',9],['d',4]]]");
	check_diff(&opt, "5", "6", "6");
	check_diff(&opt, "5", "['set',[]]", "['set',[]]");
	column_type_done(&set);
	column_type_done(&map);
	column_type_done(&opt);
}
END_TEST

static const char schema_text[] =
	"{'name':'D','version':'1.0.0','tables':{'T':{'columns':{"
	"'name':{'type':'string','mutable':false},"
	"'n':{'type':'integer'},"
	"'o':{'type':{'key':'integer','min':0}},"
	"'r':{'type':'real'},"
	"'s':{'type':{'key':{'type':'integer','maxInteger':100},'min':0,'max':4}},"
	"'m':{'type':{'key':'string','value':'string','min':0,'max':'unlimited'}}},"
	"'indexes':[['name']],'maxRows':3,'isRoot':true}}}";

/* A row of table T whose columns are given as ["column", value] pairs. */
static const struct datum **row_of(const struct db_table_schema *t, const char *text)
{
	struct json_object *list = js(text);
	const struct datum **cols = xcalloc(t->n_columns, sizeof(*cols));

	for (uint32_t i = 0; i < t->n_columns; i++)
		cols[i] = datum_ref(t->columns[i].initial);
	json_object_object_foreach(list, name, value)
	{
		const struct db_column *c = db_schema_column(t, name);
		struct datum *d;

		ck_assert(!datum_from_json(&c->type, value, NULL, &d, NULL));
		datum_unref(cols[c->index]);
		cols[c->index] = d;
	}
	json_object_put(list);
	return cols;
}

static void row_free(const struct db_table_schema *t, const struct datum **cols)
{
	for (uint32_t i = 0; i < t->n_columns; i++)
		datum_unref(cols[i]);
	free(cols);
}

static const struct {
	const char *where;
	int all, any; /* -1: malformed */
} conditions[] = {
	{ "[]", 1, 1 },
	{ "[true]", 1, 1 },
	{ "[false]", 0, 0 },
	{ "[['n','==',5]]", 1, 1 },
	{ "[['n','!=',5],['n','<',6]]", 0, 1 },
	{ "[['n','<=',5],['n','>=',5]]", 1, 1 },
	{ "[['n','>',4],['n','<',5]]", 0, 1 },
	{ "[['o','<',5]]", 0, 0 },
	{ "[['o','==',['set',[]]]]", 1, 1 },
	{ "[['s','includes',['set',[1,3]]]]", 1, 1 },
	{ "[['s','includes',2]]", 0, 0 },
	{ "[['s','excludes',['set',[2,4]]]]", 1, 1 },
	{ "[['m','includes',['map',[['a','x']]]]]", 1, 1 },
	{ "[['m','includes',['map',[['a','y']]]]]", 0, 0 },
	{ "[['m','excludes',['map',[['a','y']]]]]", 1, 1 },
	{ "[['r','>',0.25]]", 1, 1 },
	{ "[['s','<',3]]", -1, -1 },
	{ "[['name','<','a']]", -1, -1 },
	{ "[['zz','==',3]]", -1, -1 },
	{ "[['n','=',3]]", -1, -1 },
	{ "[['n','==']]", -1, -1 },
	{ "[['n','<',['set',[]]]]", -1, -1 },
	{ "[3]", -1, -1 },
	{ "{}", -1, -1 },
};

START_TEST(conditions_hold)
{
	struct db_schema *schema = schema_of(schema_text);
	const struct db_table_schema *t = db_schema_table(schema, "T");
	const struct datum **row =
		row_of(t, "{'name':'x','n':5,'r':0.5,'s':['set',[1,3]],'m':['map',[['a','x']]]}");

	for (size_t i = 0; i < ARRAY_SIZE(conditions); i++) {
		struct json_object *json = js(conditions[i].where);
		struct error err = ERROR_INIT;
		struct db_condition c;
		int rc = db_condition_from_json(t, json, NULL, &c, &err);

		ck_assert_msg(!rc == (conditions[i].all >= 0), "%s: %s", conditions[i].where,
			      err.cause);
		if (!rc) {
			ck_assert_msg(db_condition_all(&c, row) == conditions[i].all, "%s",
				      conditions[i].where);
			ck_assert_msg(db_condition_any(&c, row) == conditions[i].any, "%s",
				      conditions[i].where);
			db_condition_done(&c);
		}
		json_object_put(json);
	}
	row_free(t, row);
	db_schema_free(schema);
}
END_TEST

static const struct {
	const char *mutation;
	int rc; /* of the parser or of the application */
	const char *want;
} mutation_cases[] = {
	{ "['n','+=',3]", 0, "8" },
	{ "['n','-=',6]", 0, "-1" },
	{ "['n','*=',-2]", 0, "-10" },
	{ "['n','/=',2]", 0, "2" },
	{ "['n','%=',3]", 0, "2" },
	{ "['n','/=',0]", -DBE_DOMAIN, NULL },
	{ "['n','%=',0]", -DBE_DOMAIN, NULL },
	{ "['n','+=',9223372036854775807]", -DBE_RANGE, NULL },
	{ "['n','+=',1.5]", -DBE_SYNTAX, NULL },
	{ "['n','insert',1]", -DBE_SYNTAX, NULL },
	{ "['r','*=',4]", 0, "2.0" },
	{ "['r','/=',0]", -DBE_DOMAIN, NULL },
	{ "['r','*=',1e308]", 0, "5.0000000000000001e+307" },
	{ "['r','%=',2]", -DBE_SYNTAX, NULL },
	{ "['s','+=',1]", 0, "['set',[2,4]]" },
	{ "['s','*=',0]", 0, "0" },
	{ "['s','+=',99]", -DBE_CONSTRAINT, NULL },
	{ "['s','insert',['set',[2,3]]]", 0, "['set',[1,2,3]]" },
	{ "['s','insert',['set',[4,5,6]]]", -DBE_CONSTRAINT, NULL },
	{ "['s','delete',['set',[1,9]]]", 0, "3" },
	{ "['m','insert',['map',[['a','new'],['b','y']]]]", 0, "['map',[['a','x'],['b','y']]]" },
	{ "['m','delete',['map',[['a','y']]]]", 0, "['map',[['a','x']]]" },
	{ "['m','delete',['map',[['a','x']]]]", 0, "['map',[]]" },
	{ "['m','delete',['set',['a','z']]]", 0, "['map',[]]" },
	{ "['m','delete','a']", 0, "['map',[]]" },
	{ "['name','insert','a']", -DBE_CONSTRAINT, NULL },
	{ "['_uuid','insert',3]", -DBE_CONSTRAINT, NULL },
	{ "['zz','insert',3]", -DBE_UNKNOWN_COLUMN, NULL },
	{ "['n','^=',3]", -DBE_SYNTAX, NULL },
};

START_TEST(mutations_apply)
{
	struct db_schema *schema = schema_of(schema_text);
	const struct db_table_schema *t = db_schema_table(schema, "T");
	const struct datum **row =
		row_of(t, "{'name':'x','n':5,'r':0.5,'s':['set',[1,3]],'m':['map',[['a','x']]]}");

	for (size_t i = 0; i < ARRAY_SIZE(mutation_cases); i++) {
		struct json_object *json = js(mutation_cases[i].mutation), *list;
		struct error err = ERROR_INIT;
		struct db_mutations m = { NULL, 0 };
		struct datum *d = NULL;
		int rc;

		list = json_object_new_array();
		json_object_array_add(list, json);
		rc = db_mutations_from_json(t, list, NULL, &m, &err);
		if (!rc)
			rc = db_mutation_apply(&m.list[0], row[m.list[0].column->index], &d, &err);
		ck_assert_msg(rc == mutation_cases[i].rc, "%s: %d %s", mutation_cases[i].mutation,
			      rc, err.cause);
		if (!rc)
			ck_datum(d, mutation_cases[i].want);
		datum_unref(d);
		db_mutations_done(&m);
		json_object_put(list);
	}
	row_free(t, row);
	db_schema_free(schema);
}
END_TEST

static const struct {
	const char *text, *field, *cause;
} bad_schemas[] = {
	{ "{}", "", "lacks the member \"name\"" },
	{ "{'name':'D','tables':{},'extra':1}", "", "\"extra\"" },
	{ "{'name':'9D','tables':{}}", "", "cannot name a database" },
	{ "{'name':'D','version':'1.2','tables':{}}", "", "is not x.y.z" },
	{ "{'name':'D','tables':{'T':{}}}", "T", "\"columns\"" },
	{ "{'name':'D','tables':{'_T':{'columns':{}}}}", "_T", "cannot name a table" },
	{ "{'name':'D','tables':{'T':{'columns':{'_c':{'type':'string'}}}}}", "T._c", "column" },
	{ "{'name':'D','tables':{'T':{'columns':{'c':{'type':'strin'}}}}}", "T.c", "strin" },
	{ "{'name':'D','tables':{'T':{'columns':{'c':{'type':{'key':{'type':'uuid',"
	  "'refTable':'U'}}}}}}}",
	  "T.c", "the table U" },
	{ "{'name':'D','tables':{'T':{'columns':{},'indexes':[['x']]}}}", "T", "\"x\"" },
	{ "{'name':'D','tables':{'T':{'columns':{},'maxRows':0}}}", "T", "maxRows" },
	{ "{'name':'D','tables':{'T':{'columns':{'c':{'type':'string','ephemeral':true}},"
	  "'indexes':[['c']]}}}",
	  "T", "ephemeral" },
};

START_TEST(schemas)
{
	struct db_schema *s = schema_of(schema_text), *again;
	struct json_object *json = db_schema_to_json(s), *json2;
	struct error err;

	again = db_schema_from_json(json, NULL);
	ck_assert_ptr_nonnull(again);
	json2 = db_schema_to_json(again);
	ck_assert(json_object_equal(json, json2));
	ck_assert_int_eq(db_schema_upgradable(s, again, NULL), 0);
	json_object_put(json2);
	json_object_put(json);
	ck_assert_uint_eq(db_schema_column(db_schema_table(s, "T"), "_uuid")->index, COL_UUID);
	ck_assert_ptr_null(db_schema_table(s, "U"));
	db_schema_free(again);
	db_schema_free(s);
	for (size_t i = 0; i < ARRAY_SIZE(bad_schemas); i++) {
		json = js(bad_schemas[i].text);
		error_clear(&err);
		ck_assert_msg(!db_schema_from_json(json, &err), "%s", bad_schemas[i].text);
		ck_assert_msg(strstr(err.cause, bad_schemas[i].cause) != NULL, "%s", err.cause);
		ck_assert_str_eq(err.field, bad_schemas[i].field);
		json_object_put(json);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		uuids, utf8, atoms, types, datums, diffs, conditions_hold, mutations_apply, schemas,
	};

	return run_suite("dbserver/data", tests, ARRAY_SIZE(tests));
}
