/* SPDX-License-Identifier: Apache-2.0 */
/* The server by its sockets: every method, in the forms that clients rely on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/io/loop.h"
#include "core/io/rpc.h"
#include "dbserver/dbserver.h"
#include "tests/unit/dbserver/helpers.h"

static const char schema_text[] =
	"{\"name\":\"D\",\"version\":\"1.0.0\",\"tables\":{\"T\":{\"isRoot\":true,"
	"\"indexes\":[[\"name\"]],\"columns\":{\"name\":{\"type\":\"string\"},"
	"\"n\":{\"type\":\"integer\"},"
	"\"s\":{\"type\":{\"key\":\"integer\",\"min\":0,\"max\":\"unlimited\"}}}}}}";

static char dir[64], sock[80];
static struct loop *loop;
static struct dbserver *server;

static void start(const struct dbserver_limits *limits)
{
	char path[80], schema[80], *target = xasprintf("punix:%s", sock);
	struct error err = ERROR_INIT;
	FILE *f;

	snprintf(path, sizeof(path), "%s/d.db", dir);
	snprintf(schema, sizeof(schema), "%s/d.schema", dir);
	f = fopen(schema, "w");
	ck_assert_int_ge(fputs(schema_text, f), 0);
	fclose(f);
	server = dbserver_new(loop, limits);
	ck_assert_msg(!dbserver_open(server, path, schema, NULL, &err), "%s", err.cause);
	ck_assert_int_eq(dbserver_open(server, path, schema, NULL, NULL), -EAGAIN);
	ck_assert_msg(!dbserver_add_remote(server, target, &err), "%s", err.cause);
	ck_assert_int_eq(dbserver_add_remote(server, target, NULL), 0);
	free(target);
}

static void setup(void)
{
	log_set_all(LD_CONSOLE, LL_OFF);
	log_set_all(LD_SYSLOG, LL_OFF);
	snprintf(dir, sizeof(dir), "/tmp/server_test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(sock, sizeof(sock), "%s/db.sock", dir);
	loop = loop_new(NULL);
	ck_assert_ptr_nonnull(loop);
}

static void teardown(void)
{
	char *rm = xasprintf("rm -rf %s", dir);

	dbserver_free(server);
	loop_free(loop);
	ck_assert_int_eq(system(rm), 0);
	free(rm);
}

/* --- A client on the same thread ----------------------------------------------------------- */
struct client {
	int fd;
	struct rpc_parser *parser;
	char buf[65536];
	size_t at, n;
};

static struct client *client_new(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct client *c = xzalloc(sizeof(*c));

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", sock);
	c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
	c->parser = rpc_parser_new(NULL);
	return c;
}

static void client_free(struct client *c)
{
	close(c->fd);
	rpc_parser_free(c->parser);
	free(c);
}

static void say(struct client *c, const char *text)
{
	char *copy = xstrdup(text);

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	ck_assert_int_eq(write(c->fd, copy, strlen(copy)), (ssize_t)strlen(copy));
	free(copy);
}

/* The next message, or NULL when none comes in 100 ms or (*closed) the server has closed. */
static struct json_object *hear(struct client *c, bool *closed)
{
	*closed = false;
	for (int turns = 0; turns < 100; turns++) {
		struct json_object *msg = NULL;
		size_t used;
		ssize_t got;

		if (c->at < c->n) {
			int rc = rpc_parser_feed(c->parser, c->buf + c->at, c->n - c->at, &used,
						 &msg, NULL);

			ck_assert_int_ge(rc, 0);
			c->at += used;
			if (rc)
				return msg;
			continue;
		}
		(void)!loop_turn(loop, 1000000);
		got = read(c->fd, c->buf, sizeof(c->buf));
		if (!got || (got < 0 && errno != EAGAIN)) {
			*closed = true;
			return NULL;
		}
		c->at = 0;
		c->n = got > 0 ? (size_t)got : 0;
	}
	return NULL;
}

/* The next message must be this; UUIDs are written as U,
 * backslashes left out. */
static void expect(struct client *c, const char *want)
{
	bool closed;
	struct json_object *msg = hear(c, &closed);
	char *text, *out;
	size_t n = 0;

	ck_assert_msg(msg != NULL, "nothing came%s instead of %s", closed ? " (closed)" : "", want);
	text = sj(msg);
	json_object_put(msg);
	out = xzalloc(strlen(text) + 1);
	for (const char *p = text; *p;) {
		if (*p == '\\') { /* of a quote inside a string */
			p++;
			continue;
		}
		char part[UUID_TEXT_LEN + 1] = "";
		struct uuid u;

		memcpy(part, p, strnlen(p, UUID_TEXT_LEN));
		if (uuid_parse(part, &u) && !uuid_is_zero(&u)) {
			out[n++] = 'U';
			p += UUID_TEXT_LEN;
		} else {
			out[n++] = *p++;
		}
	}
	ck_assert_str_eq(out, want);
	free(out);
	free(text);
}

static void expect_nothing(struct client *c)
{
	bool closed;
	struct json_object *msg = hear(c, &closed);

	ck_assert_msg(!msg, "%s", json_object_to_json_string(msg));
	ck_assert(!closed);
}

static void expect_closed(struct client *c)
{
	struct json_object *msg;
	bool closed;

	while ((msg = hear(c, &closed)) != NULL)
		json_object_put(msg);
	ck_assert(closed);
}

static void ask(struct client *c, const char *request, const char *reply)
{
	say(c, request);
	expect(c, reply);
}

static char *insert(int id, const char *name, int n)
{
	return xasprintf("{'method':'transact','params':['D',{'op':'insert','table':'T','row':"
			 "{'name':'%s','n':%d}}],'id':%d}",
			 name, n, id);
}

static void add_row(struct client *c, const char *name, int n)
{
	char *text = insert(0, name, n);

	ask(c, text, "{'id':0,'result':[{'uuid':['uuid','U']}],'error':null}");
	free(text);
}

START_TEST(small_methods)
{
	struct client *c;

	start(NULL);
	c = client_new();
	ask(c, "{'method':'echo','params':[1,{'a':null}],'id':'x'}",
	    "{'id':'x','result':[1,{'a':null}],'error':null}");
	ask(c, "{'method':'list_dbs','params':[],'id':1}",
	    "{'id':1,'result':['D','_Server'],'error':null}");
	ask(c, "{'method':'get_server_id','params':[],'id':1}",
	    "{'id':1,'result':'U','error':null}");
	ask(c, "{'method':'set_db_change_aware','params':[true],'id':1}",
	    "{'id':1,'result':{},'error':null}");
	ask(c, "{'method':'nonsense','params':[],'id':1}",
	    "{'id':1,'result':null,'error':'unknown method'}");
	ask(c, "{'method':'get_schema','params':['E'],'id':1}",
	    "{'id':1,'result':null,'error':{'error':'unknown database','details':"
	    "''get_schema': no database 'E''}}");
	ask(c, "{'method':'transact','params':[],'id':1}",
	    "{'id':1,'result':null,'error':{'error':'syntax error','details':"
	    "''transact' needs the name of a database'}}");
	ask(c,
	    "{'method':'transact','params':['_Server',{'op':'delete','table':'Database',"
	    "'where':[]}],'id':1}",
	    "{'id':1,'result':[{'error':'not supported','details':'delete: the database _Server is "
	    "read-only'}],'error':null}");
	ck_assert_uint_eq(dbserver_sessions(server), 1);
	client_free(c);
	for (int i = 0; i < 10; i++)
		(void)!loop_turn(loop, 1000000);
	ck_assert_uint_eq(dbserver_sessions(server), 0);
}
END_TEST

START_TEST(monitors)
{
	struct client *c;

	start(NULL);
	c = client_new();
	add_row(c, "a", 1);
	ask(c,
	    "{'method':'monitor','params':['D','m',{'T':[{'columns':['n']},{'columns':['name'],"
	    "'select':{'modify':false}}]}],'id':1}",
	    "{'id':1,'result':{'T':{'U':{'new':{'n':1,'name':'a'}}}},'error':null}");
	ask(c,
	    "{'method':'monitor_cond','params':['D',null,{'T':{'columns':['n','s'],"
	    "'where':[['n','>',5]]}}],'id':2}",
	    "{'id':2,'result':{},'error':null}");
	ask(c, "{'method':'monitor_cond','params':['D',null,{}],'id':2}",
	    "{'id':2,'result':null,'error':{'error':'syntax error','details':"
	    "''monitor_cond': the id names a monitor already'}}");
	ask(c, "{'method':'monitor','params':['D',9,{'T':{'columns':['n','n']}}],'id':2}",
	    "{'id':2,'result':null,'error':{'error':'syntax error','details':"
	    "'n: the column is monitored twice'}}");
	/* Updates come before the reply to the transaction that causes them. */
	say(c, "{'method':'transact','params':['D',{'op':'update','table':'T','where':[],'row':"
	       "{'n':6,'s':['set',[1,2]]}}],'id':3}");
	expect(c, "{'id':null,'method':'update','params':['m',{'T':{'U':{'old':{'n':1},'new':{"
		  "'n':6}}}}]}");
	expect(c, "{'id':null,'method':'update2','params':[null,{'T':{'U':{'insert':{'n':6,'s'"
		  ":['set',[1,2]]}}}}]}");
	expect(c, "{'id':3,'result':[{'count':1}],'error':null}");
	say(c, "{'method':'transact','params':['D',{'op':'update','table':'T','where':[],'row':"
	       "{'s':['set',[2,3]],'name':'b'}}],'id':3}");
	expect(c, "{'id':null,'method':'update2','params':[null,{'T':{'U':{'modify':{'s':['set"
		  "',[1,3]]}}}}]}");
	expect(c, "{'id':3,'result':[{'count':1}],'error':null}");
	ask(c, "{'method':'monitor_cancel','params':['m'],'id':4}",
	    "{'id':4,'result':{},'error':null}");
	ask(c, "{'method':'monitor_cancel','params':['m'],'id':4}",
	    "{'id':4,'result':null,'error':'unknown monitor'}");
	/* New conditions and a new id; the row leaves, then comes. */
	say(c, "{'method':'monitor_cond_change','params':[null,'k',{'T':[{'where':[false]}]}],"
	       "'id':5}");
	expect(c, "{'id':null,'method':'update2','params':['k',{'T':{'U':{'delete':null}}}]}");
	expect(c, "{'id':5,'result':{},'error':null}");
	say(c, "{'method':'monitor_cond_change','params':['k','k',{'T':{}}],'id':6}");
	expect(c, "{'id':null,'method':'update2','params':['k',{'T':{'U':{'insert':{'n':6,'s':"
		  "['set',[2,3]]}}}}]}");
	expect(c, "{'id':6,'result':{},'error':null}");
	ask(c, "{'method':'monitor_cond_change','params':['k','k',{'X':{}}],'id':6}",
	    "{'id':6,'result':null,'error':{'error':'syntax error','details':"
	    "'the table 'X' is not monitored'}}");
	ask(c,
	    "{'method':'monitor_cond_since','params':['D','s',{'T':{'columns':['n']}},"
	    "'00000000-0000-0000-0000-000000000000'],'id':7}",
	    "{'id':7,'result':[false,'00000000-0000-0000-0000-000000000000',"
	    "{'T':{'U':{'initial':{'n':6}}}}],'error':null}");
	say(c,
	    "{'method':'transact','params':['D',{'op':'delete','table':'T','where':[]}],'id':8}");
	expect(c, "{'id':null,'method':'update2','params':['k',{'T':{'U':{'delete':null}}}]}");
	expect(c, "{'id':null,'method':'update3','params':['s','00000000-0000-0000-0000-000000"
		  "000000',{'T':{'U':{'delete':null}}}]}");
	expect(c, "{'id':8,'result':[{'count':1}],'error':null}");
	client_free(c);
}
END_TEST

START_TEST(locks)
{
	struct client *a, *b;

	start(NULL);
	a = client_new();
	b = client_new();
	ask(a, "{'method':'lock','params':['l'],'id':1}",
	    "{'id':1,'result':{'locked':true},'error':null}");
	ask(b, "{'method':'lock','params':['l'],'id':1}",
	    "{'id':1,'result':{'locked':false},'error':null}");
	say(b, "{'method':'lock','params':['l'],'id':1}");
	expect(b,
	       "{'id':1,'result':null,'error':{'error':'syntax error','details':'the lock 'l' is "
	       "held or waited for already; unlock it first'}}");
	ask(a, "{'method':'transact','params':['D',{'op':'assert','lock':'l'}],'id':2}",
	    "{'id':2,'result':[{}],'error':null}");
	ask(a, "{'method':'unlock','params':['l'],'id':3}", "{'id':3,'result':{},'error':null}");
	expect(b, "{'id':null,'method':'locked','params':['l']}");
	ask(a, "{'method':'steal','params':['l'],'id':4}",
	    "{'id':4,'result':{'locked':true},'error':null}");
	expect(b, "{'id':null,'method':'stolen','params':['l']}");
	client_free(a); /* its locks go with it */
	expect(b, "{'id':null,'method':'locked','params':['l']}");
	ask(b, "{'method':'unlock','params':[7],'id':3}",
	    "{'id':3,'result':null,'error':{'error':'syntax error','details':"
	    "''unlock' takes the name of a lock'}}");
	client_free(b);
}
END_TEST

#define WAIT_FOR_A(ID, TIMEOUT)                                                                    \
	"{'method':'transact','params':['D',{'op':'wait','table':'T','where':[['name','==','a']]," \
	"'columns':['n'],'until':'==','rows':[{'n':1}]" TIMEOUT                                    \
	"},{'op':'insert','table':'T','row':{'name':'b'}}],'id':" ID "}"

START_TEST(waiting_transactions)
{
	const struct dbserver_limits limits = { .pending = 2 };
	struct client *a, *b;

	start(&limits);
	a = client_new();
	b = client_new();
	say(a, WAIT_FOR_A("1", ""));
	expect_nothing(a);
	ask(a, WAIT_FOR_A("2", ",'timeout':30"),
	    "{'id':2,'result':[{'error':'timed out','details':"
	    "'what 'wait' waits for did not come about'},null],'error':null}");
	add_row(b, "a", 0);
	expect_nothing(a);
	ask(b,
	    "{'method':'transact','params':['D',{'op':'update','table':'T','where':[],'row':"
	    "{'n':1}}],'id':3}",
	    "{'id':3,'result':[{'count':1}],'error':null}");
	expect(a, "{'id':1,'result':[{},{'uuid':['uuid','U']}],'error':null}");
	/* Cancelled ones get an error; too many are refused; a session takes its own with it. */
	ask(b, "{'method':'transact','params':['D',{'op':'delete','table':'T','where':[]}],'id':4}",
	    "{'id':4,'result':[{'count':2}],'error':null}");
	say(a, WAIT_FOR_A("5", ""));
	say(a, WAIT_FOR_A("6", ""));
	ask(a, WAIT_FOR_A("7", ""),
	    "{'id':7,'result':null,'error':{'error':'resources exhausted','details':"
	    "'too many transactions of this client wait already'}}");
	ask(a, "{'method':'cancel','params':[5],'id':null}",
	    "{'id':5,'result':null,'error':'canceled'}");
	client_free(a);
	while (dbserver_sessions(server) == 2)
		(void)!loop_turn(loop, 1000000);
	add_row(b, "a", 1);
	ask(b,
	    "{'method':'transact','params':['D',{'op':'select','table':'T','where':[],"
	    "'columns':['name']}],'id':8}",
	    "{'id':8,'result':[{'rows':[{'name':'a'}]}],'error':null}");
	client_free(b);
}
END_TEST

START_TEST(limits_hold)
{
	const struct dbserver_limits limits = {
		.sessions = 2, .monitors = 1, .locks = 1, .backlog_bytes = 400000
	};
	struct client *a, *b, *c;

	start(&limits);
	a = client_new();
	b = client_new();
	add_row(a, "a", 1);
	add_row(b, "b", 1);
	c = client_new();
	expect_closed(c);
	client_free(c);
	ask(a, "{'method':'monitor','params':['D',1,{}],'id':1}",
	    "{'id':1,'result':{},'error':null}");
	ask(a, "{'method':'monitor','params':['D',2,{}],'id':1}",
	    "{'id':1,'result':null,'error':{'error':'resources exhausted','details':"
	    "'a client may have 1 monitors'}}");
	ask(a, "{'method':'lock','params':['x'],'id':1}",
	    "{'id':1,'result':{'locked':true},'error':null}");
	ask(a, "{'method':'lock','params':['y'],'id':1}",
	    "{'id':1,'result':null,'error':{'error':'resources exhausted','details':"
	    "'a client may claim 1 locks'}}");
	/* A client that asks and does not read is closed; the other goes on. */
	for (int i = 0; i < 3000 && dbserver_sessions(server) == 2; i++) {
		static const char ask_schema[] =
			"{\"method\":\"get_schema\",\"params\":[\"D\"],\"id\":1}";

		if (write(a->fd, ask_schema, strlen(ask_schema)) < 0)
			ck_assert(errno == EAGAIN || errno == EPIPE);
		(void)!loop_turn(loop, 0);
	}
	ck_assert_uint_eq(dbserver_sessions(server), 1);
	expect_closed(a);
	add_row(b, "c", 1);
	client_free(a);
	client_free(b);
}
END_TEST

START_TEST(malformed)
{
	static const char *const texts[] = {
		"]",   "{'method':7}", "{'method':'echo','params':{},'id':1}", "{'id':1,'result':1",
		"[1]",
	};
	struct client *good, *bad;

	start(NULL);
	good = client_new();
	add_row(good, "a", 1);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		bad = client_new();
		say(bad, texts[i]);
		if (i == 3)
			shutdown(bad->fd, SHUT_WR);
		expect_closed(bad);
		client_free(bad);
	}
	ask(good, "{'method':'echo','params':[],'id':1}", "{'id':1,'result':[],'error':null}");
	client_free(good);
}
END_TEST

START_TEST(silent_clients_are_probed)
{
	struct error err = ERROR_INIT;
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct client *c;

	start(NULL);
	ck_assert_msg(!dbserver_add_remote(server, "ptcp:0:127.0.0.1", &err), "%s", err.cause);
	sin.sin_port = htons(dbserver_remote_port(server, "ptcp:0:127.0.0.1"));
	c = client_new(); /* by the Unix socket: not probed */
	close(c->fd);
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
	add_row(c, "a", 1);
	loop_warp(loop, 6000000000ull); /* it has been heard */
	expect_nothing(c);
	loop_warp(loop, 6000000000ull);
	expect(c, "{'id':1,'method':'echo','params':[]}");
	say(c, "{'id':1,'result':[],'error':null}");
	expect_nothing(c);
	loop_warp(loop, 6000000000ull);
	expect_nothing(c);
	loop_warp(loop, 6000000000ull);
	expect(c, "{'id':2,'method':'echo','params':[]}");
	loop_warp(loop, 6000000000ull);
	expect_closed(c);
	dbserver_remove_remote(server, "ptcp:0:127.0.0.1");
	ck_assert_int_eq(dbserver_remote_port(server, "ptcp:0:127.0.0.1"), 0);
	client_free(c);
}
END_TEST

static Suite *server_suite(void)
{
	const TTest *const tests[] = {
		small_methods,
		monitors,
		locks,
		waiting_transactions,
		limits_hold,
		malformed,
		silent_clients_are_probed,
	};
	Suite *suite = suite_create("dbserver/server");
	TCase *tc = tcase_create("server");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *sr = srunner_create(server_suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
