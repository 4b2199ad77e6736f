/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/rpc.h"

#include <check.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/str.h"
#include "core/io/json_scan.h"
#include "core/io/loop.h"
#include "core/io/stream.h"

/* Parses `text` in pieces of `piece` bytes; appends each value in a canonical form.  The parser's
 * verdict: 0 or -EPROTO. */
static int parse(const char *text, size_t len, size_t piece, const struct rpc_limits *limits,
		 struct str *out, struct error *err)
{
	struct rpc_parser *p = rpc_parser_new(limits);
	size_t at = 0, used;
	int rc = 0;

	while (at < len && rc >= 0) {
		struct json_object *value = NULL;
		/* An exact copy, so that a sanitizer sees a read beyond it. */
		size_t n = MIN(piece, len - at);
		char *copy = malloc(n);

		memcpy(copy, text + at, n);
		rc = rpc_parser_feed(p, copy, n, &used, &value, err);
		free(copy);
		at += used;
		if (rc > 0) {
			str_printf(out, "%s;",
				   json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
			json_object_put(value);
		} else if (!rc) {
			ck_assert_uint_eq(used, n);
		}
	}
	rpc_parser_free(p);
	return rc < 0 ? rc : 0;
}

START_TEST(any_split_gives_the_same)
{
	static const char text[] =
		" {\"id\":1,\"method\":\"echo\",\"params\":["
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]}"
		"{\"a\":[-1.5e3,true,false,null,\"\\u00e9\\\"\\\\\"]}\n\n"
		"{\"b\":{\"c\":[[],{}]},\"n\":9223372036854775807,\"m\":-9223372036854775808} ";
	struct str whole = STR_INIT, split = STR_INIT;

	ck_assert_int_eq(parse(text, sizeof(text) - 1, sizeof(text), NULL, &whole, NULL), 0);
	ck_assert_ptr_nonnull(strstr(whole.s, "9223372036854775807"));
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		str_clear(&split);
		ck_assert_int_eq(parse(text, sizeof(text) - 1, piece, NULL, &split, NULL), 0);
		ck_assert_str_eq(split.s, whole.s);
	}
	str_done(&whole);
	str_done(&split);
}
END_TEST

START_TEST(malformed_json_is_refused)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "[1]", "a message must be a JSON object" },
		{ "x", "a message must be a JSON object" },
		{ "}", "a message must be a JSON object" },
		{ "{\"a\":NaN}", "a character that JSON has not outside strings" },
		{ "{\"a\":Infinity}", "a character that JSON has not outside strings" },
		{ "{'a':1}", "a character that JSON has not outside strings" },
		{ "{/**/}", "a character that JSON has not outside strings" },
		{ "{\"a\":1]", "" },
		{ "{\"a\":[}]", "" },
		{ "{\"a\" 1}", "" },
		{ "{\"a\":1,}", "" },
		{ "{\"a\":tru}", "" },
		{ "{\"a\":truee}", "" },
		{ "{\"a\":01}", "" },
		{ "{\"a\":1.}", "" },
		{ "{\"a\":-}", "" },
		{ "{\"a\":-31-3}", "" },
		{ "{\"a\":1e+}", "" },
		{ "{\"a\":+1}", "" },
		{ "{\"a\":1e400}", "a number is out of range" },
		{ "{\"a\":9223372036854775808}", "an integer does not fit 64 bits" },
		{ "{\"a\":-9223372036854775809}", "an integer does not fit 64 bits" },
		{ "{\"a\":0."
		  "0000000000000000000000000000100000000000000000000000000000000000000000}",
		  "a number is longer than 63" },
		{ "{\"a\":\"\x01\"}", "a control character in a string must be escaped" },
		{ "{\"a\":\"\n\"}", "a control character in a string must be escaped" },
		{ "{\"a\":\"\\u0000\"}", "U+0000 in a string" },
		{ "{\"a\\u0000b\":1}", "U+0000 in a string" },
		{ "{\"a\":\"\\x\"}", "an escape that JSON has not" },
		{ "{\"a\":\"\\u12g4\"}", "four hexadecimal digits" },
		{ "{\"a\":\"\xff\"}", "invalid UTF-8" },
		{ "{\"a\":\"\xc3(\"}", "invalid UTF-8" },
		{ "{\"a\":\"\xc0\x80\"}", "invalid UTF-8" },
		{ "{\"a\":\"\xed\xa0\x80\"}", "invalid UTF-8" },
		{ "{\"a\":\"\xf5\x80\x80\x80\"}", "invalid UTF-8" },
	};
	struct str out = STR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t piece = 1; piece < 40; piece += 13) {
			struct error err = ERROR_INIT;

			ck_assert_msg(parse(rows[i].text, strlen(rows[i].text), piece, NULL, &out,
					    &err) == -EPROTO,
				      "%s", rows[i].text);
			ck_assert_msg(strstr(err.cause, rows[i].why) != NULL, "%s: %s",
				      rows[i].text, err.cause);
		}
	}
	ck_assert_int_eq(parse("{\"a\0b\":1}", 9, 9, NULL, &out, NULL), -EPROTO);
	ck_assert_int_eq(parse("\0", 1, 1, NULL, &out, NULL), -EPROTO);
	str_done(&out);
}
END_TEST

START_TEST(limits_hold)
{
	struct rpc_limits limits = { .depth = 3, .message_bytes = 30, .values = 5 };
	struct error err = ERROR_INIT;
	struct str out = STR_INIT;

	ck_assert_int_eq(parse("{\"a\":[[]]}", 10, 10, &limits, &out, NULL), 0);
	ck_assert_int_eq(parse("{\"a\":[[[]]]}", 12, 12, &limits, &out, &err), -EPROTO);
	ck_assert_ptr_nonnull(strstr(err.cause, "nested too deeply"));
	error_clear(&err);
	ck_assert_int_eq(parse("{\"a\":\"0123456789012345678901\"}", 30, 7, &limits, &out, &err),
			 0);
	ck_assert_int_eq(parse("{\"a\":\"01234567890123456789012\"}", 31, 7, &limits, &out, &err),
			 -EPROTO);
	ck_assert_ptr_nonnull(strstr(err.cause, "too long"));
	error_clear(&err);
	ck_assert_int_eq(parse("{\"a\":[1,2,3,4,5]}", 17, 17, &limits, &out, &err), -EPROTO);
	ck_assert_ptr_nonnull(strstr(err.cause, "too many values"));
	str_done(&out);
}
END_TEST

START_TEST(messages_are_told_apart)
{
	static const struct {
		const char *text;
		int kind; /* -1: refused */
	} rows[] = {
		{ "{\"id\":0,\"method\":\"m\",\"params\":[]}", RPC_REQUEST },
		{ "{\"id\":null,\"method\":\"m\",\"params\":[1]}", RPC_NOTIFY },
		{ "{\"method\":\"m\",\"params\":[1]}", RPC_NOTIFY },
		{ "{\"id\":\"x\",\"result\":{},\"error\":null}", RPC_REPLY },
		{ "{\"id\":1,\"result\":null,\"error\":null}", RPC_REPLY },
		{ "{\"id\":1,\"result\":null,\"error\":\"bad\"}", RPC_ERROR },
		{ "{\"id\":1,\"error\":{\"error\":\"x\"}}", RPC_ERROR },
		{ "{\"id\":1,\"result\":1,\"error\":1}", -1 },
		{ "{\"id\":null,\"result\":1,\"error\":null}", -1 },
		{ "{\"id\":1}", -1 },
		{ "{}", -1 },
		{ "{\"id\":1,\"method\":1,\"params\":[]}", -1 },
		{ "{\"id\":1,\"method\":\"m\",\"params\":{}}", -1 },
		{ "{\"id\":1,\"method\":\"m\"}", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json_object *value = json_tokener_parse(rows[i].text);
		struct rpc_msg msg;
		int rc = rpc_msg_parse(value, &msg, NULL);

		ck_assert_msg((rows[i].kind < 0) == (rc == -EPROTO), "%s", rows[i].text);
		if (!rc)
			ck_assert_int_eq((int)msg.kind, rows[i].kind);
		json_object_put(value);
	}
	ck_assert_int_eq(rpc_msg_parse(NULL, &(struct rpc_msg){ 0 }, NULL), -EPROTO);
}
END_TEST

/* ---- Over a socket ------------------------------------------------------------------------ */

static struct loop *l;

struct end {
	struct rpc *r;
	int requests, notes, replies, errors, drains, closes;
	struct error why;
	bool free_on_message, pause_on_message;
	struct str text;
};

static struct end a, b;

static void on_message(struct rpc *r, const struct rpc_msg *m, void *arg)
{
	struct end *e = arg;

	switch (m->kind) {
	case RPC_REQUEST:
		e->requests++;
		if (!strcmp(m->method, "echo"))
			ck_assert_int_eq(rpc_reply(r, m->id, json_object_get(m->params)), 0);
		else
			ck_assert_int_eq(rpc_error(r, m->id, json_object_new_string("unknown")), 0);
		break;
	case RPC_NOTIFY: e->notes++; break;
	case RPC_REPLY: e->replies++; break;
	case RPC_ERROR: e->errors++; break;
	}
	if (m->result)
		str_puts(&e->text, json_object_to_json_string_ext(
					   m->result, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE));
	if (m->error)
		str_puts(&e->text, json_object_get_string(m->error));
	if (e->pause_on_message)
		rpc_pause(r, true);
	if (e->free_on_message) {
		rpc_free(r);
		e->r = NULL;
	}
}

static void on_drain(struct rpc *r UNUSED, void *arg)
{
	struct end *e = arg;

	e->drains++;
}

static void on_close(struct rpc *r, const struct error *why, void *arg)
{
	struct end *e = arg;

	e->closes++;
	e->why = *why;
	rpc_free(r);
	e->r = NULL;
}

static const struct rpc_cb cb = { on_message, on_drain, on_close };

static void start(void)
{
	struct stream_options opt = { .backlog_limit = 1 << 20 };
	int fds[2];

	l = loop_new(NULL);
	a = b = (struct end){ .r = NULL };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	a.r = rpc_new(stream_from_fd(l, fds[0], "a", &opt, NULL, NULL), NULL, &cb, &a);
	b.r = rpc_new(stream_from_fd(l, fds[1], "b", &opt, NULL, NULL), NULL, &cb, &b);
}

static void stop(void)
{
	rpc_free(a.r);
	rpc_free(b.r);
	str_done(&a.text);
	str_done(&b.text);
	loop_free(l);
}

#define TURN_UNTIL(CONDITION)                                                                      \
	do {                                                                                       \
		uint64_t end_ = clock_mono_ns() + 10 * NSEC_PER_SEC;                               \
		while (!(CONDITION) && clock_mono_ns() < end_)                                     \
			ck_assert_int_eq(loop_turn(l, 10 * NSEC_PER_MSEC), 0);                     \
		ck_assert(CONDITION);                                                              \
	} while (0)

START_TEST(requests_are_answered)
{
	struct json_object *params = json_object_new_array();
	uint64_t id, id2;

	ck_assert_int_eq(json_object_array_add(params, json_object_new_string("x/y")), 0);
	ck_assert_int_eq(rpc_request(a.r, "echo", params, &id), 0);
	ck_assert_int_eq(rpc_request(a.r, "nosuch", NULL, &id2), 0);
	ck_assert_uint_ne(id, id2);
	ck_assert_int_eq(rpc_notify(b.r, "update", NULL), 0);
	TURN_UNTIL(a.replies == 1 && a.errors == 1 && a.notes == 1);
	ck_assert_int_eq(b.requests, 2);
	ck_assert_str_eq(a.text.s, "[\"x/y\"]unknown");
	rpc_free_flushed(b.r, NSEC_PER_SEC);
	b.r = NULL;
	TURN_UNTIL(a.closes == 1);
	ck_assert_int_eq(a.why.code, 0);
}
END_TEST

START_TEST(many_messages_then_close)
{
	const int n = 1000;

	for (int i = 0; i < n; i++)
		ck_assert_int_eq(rpc_notify(a.r, "n", NULL), 0);
	rpc_free_flushed(a.r, NSEC_PER_SEC);
	a.r = NULL;
	TURN_UNTIL(b.closes == 1);
	ck_assert_int_eq(b.notes, n);
}
END_TEST

START_TEST(owner_may_free_in_a_callback)
{
	b.free_on_message = true;
	ck_assert_int_eq(rpc_notify(a.r, "n", NULL), 0);
	ck_assert_int_eq(rpc_notify(a.r, "n", NULL), 0);
	TURN_UNTIL(a.closes == 1);
	ck_assert_int_eq(b.notes, 1);
	ck_assert_int_eq(b.closes, 0);
}
END_TEST

START_TEST(pause_holds_messages_back)
{
	b.pause_on_message = true;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(rpc_notify(a.r, "n", NULL), 0);
	for (int i = 1; i <= 3; i++) {
		TURN_UNTIL(b.notes == i);
		ck_assert_int_eq(loop_turn(l, NSEC_PER_MSEC), 0);
		ck_assert_int_eq(b.notes, i);
		rpc_pause(b.r, false);
	}
}
END_TEST

START_TEST(bad_peers_are_closed)
{
	ck_assert_int_eq(rpc_notify(a.r, "n", NULL), 0);
	ck_assert_int_eq(rpc_send_text(a.r, "{\"x\":1}", 7), 0);
	ck_assert_int_eq(rpc_notify(a.r, "n", NULL), 0);
	TURN_UNTIL(b.closes == 1 && a.closes == 1);
	ck_assert_int_eq(b.notes, 1);
	ck_assert_int_eq(b.why.code, EPROTO);
	ck_assert_ptr_nonnull(strstr(b.why.cause, "b: "));
}
END_TEST

START_TEST(slow_peers_are_noticed)
{
	int rc = 0;

	rpc_pause(b.r, true);
	ck_assert_int_eq(loop_turn(l, 0), 0);
	for (int i = 0; i < 1000 && !rc; i++) {
		char big[10000];

		memset(big, 'x', sizeof(big) - 1);
		big[sizeof(big) - 1] = '\0';
		rc = rpc_notify(a.r, big, NULL);
		ck_assert_int_eq(loop_turn(l, 0), 0);
	}
	ck_assert_int_eq(rc, -ENOBUFS);
	ck_assert_uint_gt(rpc_backlog(a.r), 1000000);
	a.drains = 0;
	rpc_pause(b.r, false);
	TURN_UNTIL(a.drains == 1 && rpc_backlog(a.r) == 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc");
	TCase *parser = tcase_create("parser"), *tc = tcase_create("rpc");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(parser, any_split_gives_the_same);
	tcase_add_test(parser, malformed_json_is_refused);
	tcase_add_test(parser, limits_hold);
	tcase_add_test(parser, messages_are_told_apart);
	suite_add_tcase(s, parser);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, requests_are_answered);
	tcase_add_test(tc, many_messages_then_close);
	tcase_add_test(tc, owner_may_free_in_a_callback);
	tcase_add_test(tc, pause_holds_messages_back);
	tcase_add_test(tc, bad_peers_are_closed);
	tcase_add_test(tc, slow_peers_are_noticed);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
