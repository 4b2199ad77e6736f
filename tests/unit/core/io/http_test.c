/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/http.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "core/io/loop.h"
#include "core/io/stream.h"

static struct loop *l;
static struct http *h;
static struct http_request *held;
static int gone;

struct client {
	struct stream *s;
	struct buf got; /* NUL at its end for looking at it */
	bool connected, closed;
};

static void on_connect(struct stream *s UNUSED, void *arg)
{
	((struct client *)arg)->connected = true;
}

static void on_read(struct stream *s, void *arg)
{
	struct client *c = arg;
	const uint8_t *data;
	size_t n;

	while ((data = stream_peek_piece(s, &n)) != NULL) {
		if (c->got.len)
			c->got.len--;
		buf_put(&c->got, data, n);
		buf_put_u8(&c->got, 0);
		stream_drain(s, n);
	}
}

static void on_close(struct stream *s, const struct error *why UNUSED, void *arg)
{
	struct client *c = arg;

	c->closed = true;
	c->s = NULL;
	stream_free(s);
}

static const struct stream_cb cb = { .on_connect = on_connect,
				     .on_read = on_read,
				     .on_close = on_close };

#define TURN_UNTIL(CONDITION)                                                                      \
	do {                                                                                       \
		uint64_t end_ = clock_mono_ns() + 10 * NSEC_PER_SEC;                               \
		while (!(CONDITION) && clock_mono_ns() < end_)                                     \
			ck_assert_int_eq(loop_turn(l, 10 * NSEC_PER_MSEC), 0);                     \
		ck_assert(CONDITION);                                                              \
	} while (0)

static void connect_client(struct client *c)
{
	char *target = xasprintf("tcp:127.0.0.1:%u", http_port(h));

	*c = (struct client){ .s = NULL };
	c->s = stream_connect(l, target, NULL, &cb, c, NULL);
	free(target);
	TURN_UNTIL(c->connected);
}

static void disconnect(struct client *c)
{
	stream_free(c->s);
	c->s = NULL;
	buf_done(&c->got);
}

static bool has(const struct client *c, const char *text)
{
	return c->got.len && strstr((const char *)c->got.data, text);
}

static void say(struct client *c, const char *text)
{
	ck_assert_int_eq(stream_write(c->s, text, strlen(text)), 0);
}

static void expect(struct client *c, const char *text)
{
	uint64_t end = clock_mono_ns() + 5 * NSEC_PER_SEC;

	while (!has(c, text) && clock_mono_ns() < end)
		ck_assert_int_eq(loop_turn(l, 10 * NSEC_PER_MSEC), 0);
	ck_assert_msg(has(c, text), "no %s in: %s", text, c->got.len ? (char *)c->got.data : "");
}

static void page(struct http_request *r, void *arg)
{
	const char *q = http_request_param(r, "q"), *host = http_request_header(r, "host");
	char *body;

	body = xasprintf("%s %s q=%s host=%s", (const char *)arg, http_request_path(r), q ? q : "-",
			 host ? host : "-");
	http_reply_header(r, "X-Test", "1");
	http_reply(r, 200, "text/plain", body, strlen(body));
	free(body);
}

static void post(struct http_request *r, void *arg UNUSED)
{
	size_t len;
	const uint8_t *body = http_request_body(r, &len);

	http_reply(r, 200, "text/plain", body, len);
}

static void hold(struct http_request *r, void *arg UNUSED)
{
	held = r;
}

static void note_gone(void *arg UNUSED)
{
	gone++;
	held = NULL;
}

static void events(struct http_request *r, void *arg UNUSED)
{
	held = r;
	http_stream_start(r, "text/event-stream", note_gone, NULL);
}

static void start(void)
{
	static char exact[] = "exact", below[] = "below";
	struct http_limits limits = { .header_bytes = 2000, .body_bytes = 100, .connections = 3 };

	log_set_all(LD_CONSOLE, LL_OFF);
	log_set_all(LD_SYSLOG, LL_OFF);
	l = loop_new(NULL);
	h = http_new(l, "0", &limits, NULL);
	ck_assert_ptr_nonnull(h);
	http_route(h, "/a/*", page, below);
	http_route(h, "/a/b", page, exact);
	http_route_post(h, "/post", post, NULL);
	http_route(h, "/hold", hold, NULL);
	http_route(h, "/events", events, NULL);
	held = NULL;
	gone = 0;
}

static void stop(void)
{
	http_free(h);
	loop_free(l);
}

START_TEST(pages)
{
	static const struct {
		const char *request, *answer[3];
	} rows[] = {
		{ "GET /a/b HTTP/1.1\r\nHost: x\r\n\r\n",
		  { "HTTP/1.1 200 OK\r\n", "X-Test: 1\r\n", "exact /a/b q=- host=x" } },
		{ "GET /a/c%20d?q=1%262&r= HTTP/1.1\r\nHost: x\r\n\r\n",
		  { "HTTP/1.1 200 OK\r\n", "Content-Length:", "below /a/c d q=1&2 host=x" } },
		{ "HEAD /a/b HTTP/1.1\r\nHost: x\r\n\r\n",
		  { "HTTP/1.1 200 OK\r\n", "Content-Length: 21\r\n", "\r\n\r\n" } },
		{ "GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
		  { "HTTP/1.1 404 Not Found\r\n", "text/plain", "no such page\n" } },
		{ "DELETE /a/b HTTP/1.1\r\nHost: x\r\n\r\n",
		  { "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n", "method not allowed\n" } },
		{ "GET /post HTTP/1.1\r\nHost: x\r\n\r\n",
		  { "HTTP/1.1 405 ", "Allow: POST\r\n", "method not allowed\n" } },
		{ "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
		  { "HTTP/1.1 200 OK\r\n", "text/plain", "\r\n\r\nhello" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct client c;

		connect_client(&c);
		say(&c, rows[i].request);
		for (size_t k = 0; k < ARRAY_SIZE(rows[i].answer); k++)
			expect(&c, rows[i].answer[k]);
		ck_assert(i != 2 || !has(&c, "exact"));
		disconnect(&c);
	}
}
END_TEST

START_TEST(limits_hold)
{
	static const char filler[] =
		"X: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
	struct client c, more[3];

	connect_client(&c);
	say(&c, "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n");
	TURN_UNTIL(has(&c, "HTTP/1.1 413 ") || c.closed);
	disconnect(&c);
	connect_client(&c);
	say(&c, "GET /a/b HTTP/1.1\r\n");
	for (int i = 0; i < 50 && c.s; i++)
		say(&c, filler);
	TURN_UNTIL(has(&c, "HTTP/1.1 400 ") || c.closed);
	disconnect(&c);
	connect_client(&c);
	say(&c, "nonsense\r\n\r\n");
	TURN_UNTIL(has(&c, "HTTP/1.1 400 ") || c.closed);
	disconnect(&c);
	/* A fourth connection waits until one of the three has gone. */
	connect_client(&c);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		connect_client(&more[i]);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		say(&more[i], "GET /a/b HTTP/1.1\r\nHost: x\r\n\r\n");
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(loop_turn(l, NSEC_PER_MSEC), 0);
	ck_assert(has(&more[0], "exact") && has(&more[1], "exact") && !has(&more[2], "exact"));
	disconnect(&c);
	TURN_UNTIL(has(&more[2], "exact"));
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		disconnect(&more[i]);
}
END_TEST

START_TEST(answers_may_come_later)
{
	struct client c;

	connect_client(&c);
	say(&c, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\nGET /a/b HTTP/1.1\r\nHost: x\r\n\r\n");
	TURN_UNTIL(held);
	say(&c, "GET /a/c HTTP/1.1\r\nHost: x\r\n\r\n");
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(loop_turn(l, NSEC_PER_MSEC), 0);
	http_reply(held, 200, "text/plain", "late", 4);
	TURN_UNTIL(has(&c, "late") && has(&c, "exact") && has(&c, "below"));
	/* Pipelined requests keep their order. */
	ck_assert(strstr((char *)c.got.data, "late") < strstr((char *)c.got.data, "exact"));
	/* A client that does not wait. */
	held = NULL;
	say(&c, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	TURN_UNTIL(held);
	disconnect(&c);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(loop_turn(l, NSEC_PER_MSEC), 0);
	http_reply(held, 200, "text/plain", "late", 4);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(loop_turn(l, NSEC_PER_MSEC), 0);
	/* And one whose request outlives the server. */
	connect_client(&c);
	say(&c, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	held = NULL;
	TURN_UNTIL(held);
	http_free(h);
	h = NULL;
	disconnect(&c);
}
END_TEST

START_TEST(streams_of_events)
{
	static char block[100000];
	struct client c;
	int rc;

	connect_client(&c);
	say(&c, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
	TURN_UNTIL(has(&c, "text/event-stream") && held);
	ck_assert_int_eq(http_stream_send(held, "data: 1\n\n", 9), 0);
	TURN_UNTIL(has(&c, "data: 1\n\n"));
	say(&c, "GET /a/b HTTP/1.1\r\nHost: x\r\n\r\n"); /* must wait */
	http_stream_end(held);
	TURN_UNTIL(has(&c, "exact"));
	say(&c, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
	held = NULL;
	TURN_UNTIL(held);
	stream_pause(c.s, true);
	memset(block, 'x', sizeof(block));
	for (rc = 0; !rc;) {
		rc = http_stream_send(held, block, sizeof(block));
		ck_assert_int_eq(loop_turn(l, NSEC_PER_MSEC), 0);
	}
	ck_assert_int_eq(rc, -ENOBUFS);
	disconnect(&c);
	TURN_UNTIL(gone == 1);
	ck_assert_int_eq(loop_turn(l, NSEC_PER_MSEC), 0);
}
END_TEST

START_TEST(addresses)
{
	static const char *const good[] = { "127.0.0.1:0", ":0", "0", "[::1]:0" };
	static const char *const bad[] = { "", "x", "1.2.3.4:", "1.2.3.4:99999", "[::1:0" };
	struct error err = ERROR_INIT;
	char *taken = xasprintf("127.0.0.1:%u", http_port(h));

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct http *other = http_new(l, good[i], NULL, &err);

		ck_assert_msg(other && http_port(other), "%s: %s", good[i], err.cause);
		http_free(other);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(!http_new(l, bad[i], NULL, NULL), "%s", bad[i]);
	ck_assert_ptr_null(http_new(l, taken, NULL, &err));
	ck_assert_int_eq(err.code, EADDRINUSE);
	free(taken);
}
END_TEST

/* Where nothing but loopback has an address of IPv4, and others have link-local ones of IPv6. */
START_TEST(loopback_is_enough)
{
	struct error err = ERROR_INIT;
	struct loop *alone;
	struct http *there;

	if (unshare(CLONE_NEWNET) ||
	    system("ip link set lo up && ip link add va type veth peer name vb 2>/dev/null && "
		   "ip link set va up && ip link set vb up")) {
		printf("http: no namespaces or no veth here; skipped\n");
		return;
	}
	alone = loop_new(NULL);
	there = http_new(alone, "127.0.0.1:0", NULL, &err);
	ck_assert_msg(there && http_port(there), "%s", err.cause);
	http_free(there);
	loop_free(alone);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http");
	TCase *tc = tcase_create("http"), *apart = tcase_create("apart");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, pages);
	tcase_add_test(tc, limits_hold);
	tcase_add_test(tc, answers_may_come_later);
	tcase_add_test(tc, streams_of_events);
	tcase_add_test(tc, addresses);
	suite_add_tcase(s, tc);
	tcase_add_test(apart, loopback_is_enough);
	suite_add_tcase(s, apart);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
