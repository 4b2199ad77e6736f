/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/stream.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "core/io/loop.h"
#include "core/io/target.h"
#include "tests/unit/core/io/certs.h"
#include "tests/unit/seed.h"

static struct loop *l;
static char dir[64];

/* A peer of a test: what has happened to it. */
struct peer {
	struct stream *s;
	struct buf got;
	struct error why;
	bool connected, closed;
	int drains;
};

static struct peer client, server;

static void note_connect(struct stream *s, void *arg)
{
	struct peer *p = arg;

	ck_assert(stream_connected(s));
	p->connected = true;
}

static void note_read(struct stream *s, void *arg)
{
	struct peer *p = arg;
	const uint8_t *data;
	size_t n;

	while ((data = stream_peek_piece(s, &n)) != NULL) {
		buf_put(&p->got, data, n);
		stream_drain(s, n);
	}
}

static void note_drain(struct stream *s UNUSED, void *arg)
{
	struct peer *p = arg;

	p->drains++;
}

static void note_close(struct stream *s, const struct error *why, void *arg)
{
	struct peer *p = arg;

	ck_assert(!p->closed && p->s == s);
	p->closed = true;
	p->why = *why;
	stream_free(s);
	p->s = NULL;
}

static const struct stream_cb cb = { note_connect, note_read, note_drain, note_close };

static void note_accept(struct stream *s, void *arg)
{
	struct peer *p = arg;

	p->s = s;
	p->connected = true;
	stream_set_cb(s, &cb, p);
}

static void start(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/stream_test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)setenv("OVS_RUNDIR", dir, 1);
	log_set_all(LD_CONSOLE, LL_OFF);
	log_set_all(LD_SYSLOG, LL_OFF);
	l = loop_new(NULL);
	client = server = (struct peer){ .s = NULL };
}

static void stop(void)
{
	char *command = xasprintf("rm -rf %s", dir);

	stream_free(client.s);
	stream_free(server.s);
	buf_done(&client.got);
	buf_done(&server.got);
	loop_free(l);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

#define TURN_UNTIL(CONDITION)                                                                      \
	do {                                                                                       \
		uint64_t end_ = clock_mono_ns() + 10 * NSEC_PER_SEC;                               \
		while (!(CONDITION) && clock_mono_ns() < end_)                                     \
			ck_assert_int_eq(loop_turn(l, 10 * NSEC_PER_MSEC), 0);                     \
		ck_assert(CONDITION);                                                              \
	} while (0)

static struct stream_listener *listen_at(const char *target, const struct stream_options *opt)
{
	struct error err = ERROR_INIT;
	struct stream_listener *ls = stream_listen(l, target, opt, note_accept, &server, &err);

	ck_assert_msg(ls != NULL, "%s: %s", target, err.cause);
	return ls;
}

static void connect_to(const char *target, const struct stream_options *opt)
{
	struct error err = ERROR_INIT;

	client.s = stream_connect(l, target, opt, &cb, &client, &err);
	ck_assert_msg(client.s != NULL, "%s: %s", target, err.cause);
}

/* Greets both ways, closes, and looks at what the other side was told. */
static void converse(void)
{
	TURN_UNTIL((client.connected && server.connected) || client.closed);
	ck_assert_msg(!client.closed, "%s", client.why.cause);
	ck_assert_int_eq(stream_write(client.s, "hello", 5), 0);
	ck_assert_int_eq(stream_write(server.s, "welcome", 7), 0);
	TURN_UNTIL(client.got.len == 7 && server.got.len == 5);
	ck_assert_mem_eq(client.got.data, "welcome", 7);
	ck_assert_mem_eq(server.got.data, "hello", 5);
	stream_free(client.s);
	client.s = NULL;
	TURN_UNTIL(server.closed);
	ck_assert_int_eq(server.why.code, 0);
}

START_TEST(unix_sockets)
{
	struct stream_listener *ls = listen_at("punix:db.sock", NULL);
	struct stat st;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/db.sock", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	connect_to("unix:db.sock", NULL);
	ck_assert(!client.connected);
	converse();
	ck_assert_uint_eq(stream_listener_count(ls), 0);
	stream_listener_free(ls);
	ck_assert_int_eq(stat(path, &st), -1);
}
END_TEST

START_TEST(unix_paths_may_be_long)
{
	struct stream_listener *ls;
	char path[256], *target;

	(void)snprintf(path, sizeof(path), "%s/%0150d", dir, 7);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	target = xasprintf("punix:%s/s", path);
	ls = listen_at(target, NULL);
	connect_to(target + 1, NULL);
	converse();
	stream_listener_free(ls);
	free(target);
}
END_TEST

START_TEST(stale_sockets_are_replaced)
{
	struct error err = ERROR_INIT;
	struct stream_listener *ls = listen_at("punix:s", NULL), *second;
	char from[128], to[128];
	FILE *f;

	ck_assert_ptr_null(stream_listen(l, "punix:s", NULL, note_accept, NULL, &err));
	ck_assert_int_eq(err.code, EADDRINUSE);
	(void)snprintf(from, sizeof(from), "%s/s", dir);
	(void)snprintf(to, sizeof(to), "%s/t", dir);
	ck_assert_int_eq(link(from, to), 0);
	stream_listener_free(ls);
	second = listen_at("punix:t", NULL); /* nobody answers at the second name */
	stream_listener_free(second);
	f = fopen(to, "w");
	ck_assert_ptr_nonnull(f);
	(void)fclose(f);
	error_clear(&err);
	ck_assert_ptr_null(stream_listen(l, "punix:t", NULL, note_accept, NULL, &err));
	ck_assert_int_eq(err.code, EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(err.cause, "not a socket"));
}
END_TEST

START_TEST(tcp_by_address_and_name)
{
	static const char *const rows[][2] = {
		{ "ptcp:0:127.0.0.1", "tcp:127.0.0.1:%u" },
		{ "ptcp:0", "tcp:127.0.0.1:%u" },
		{ "ptcp:0:[::1]", "tcp:[::1]:%u" },
		{ "ptcp:0:127.0.0.1", "tcp:localhost:%u" },
	};
	char target[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stream_listener *ls = listen_at(rows[i][0], NULL);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(target, sizeof(target), rows[i][1], stream_listener_port(ls));
#pragma GCC diagnostic pop
		connect_to(target, NULL);
		TURN_UNTIL(server.connected);
		ck_assert(!strncmp(stream_name(server.s),
				   i == 2 ? "tcp:[::1]:" : "tcp:127.0.0.1:", i == 2 ? 10 : 14));
		converse();
		stream_listener_free(ls);
		buf_done(&client.got);
		buf_done(&server.got);
		client = server = (struct peer){ .s = NULL };
	}
}
END_TEST

START_TEST(failures_are_told_later)
{
	struct stream_options opt = { .connect_timeout_ns = 20 * NSEC_PER_MSEC };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	char target[64];

	connect_to("unix:nosuch", NULL);
	ck_assert(!client.closed);
	TURN_UNTIL(client.closed);
	ck_assert_int_eq(client.why.code, ENOENT);
	client.closed = false;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	(void)snprintf(target, sizeof(target), "tcp:127.0.0.1:%u", ntohs(sin.sin_port));
	connect_to(target, NULL);
	TURN_UNTIL(client.closed);
	ck_assert_int_eq(client.why.code, ECONNREFUSED);
	client.closed = false;

	/* A server that never shakes hands. */
	ck_assert_int_eq(listen(fd, 1), 0);
	opt.tls = stream_tls_new(NULL, NULL, NULL, NULL);
	(void)snprintf(target, sizeof(target), "ssl:127.0.0.1:%u", ntohs(sin.sin_port));
	connect_to(target, &opt);
	TURN_UNTIL(client.closed);
	ck_assert_int_eq(client.why.code, ETIMEDOUT);
	stream_tls_unref(opt.tls);
	close(fd);
}
END_TEST

static struct stream_tls *tls(const char *name, const char *ca)
{
	char *crt = xasprintf("%s/%s.crt", dir, name), *key = xasprintf("%s/%s.key", dir, name);
	char *ca_crt = xasprintf("%s/%s.crt", dir, ca);
	struct error err = ERROR_INIT;
	struct stream_tls *t = stream_tls_new(crt, key, ca_crt, &err);

	ck_assert_msg(t != NULL, "%s: %s", err.field, err.cause);
	free(crt);
	free(key);
	free(ca_crt);
	return t;
}

START_TEST(tls_checks_both_sides)
{
	struct stream_options good = { 0 }, bad = { 0 }, none = { 0 }, listener = { 0 };
	struct error err = ERROR_INIT;
	struct stream_listener *ls;
	char target[64];

	certs_make(dir, "ca", NULL);
	certs_make(dir, "switch", "ca");
	certs_make(dir, "controller", "ca");
	certs_make(dir, "evil", NULL);
	listener.tls = tls("switch", "ca");
	good.tls = tls("controller", "ca");
	bad.tls = tls("evil", "ca");
	none.tls = stream_tls_new(NULL, NULL, NULL, NULL);
	ck_assert_ptr_null(stream_tls_new("/nonexistent", NULL, NULL, &err));
	ck_assert_str_eq(err.field, "/nonexistent");
	ls = listen_at("pssl:0:127.0.0.1", &listener);
	(void)snprintf(target, sizeof(target), "ssl:127.0.0.1:%u", stream_listener_port(ls));
	connect_to(target, &good);
	TURN_UNTIL(server.connected && client.connected);
	ck_assert(stream_is_secure(client.s) && stream_is_secure(server.s));
	converse();

	server.connected = false;
	connect_to(target, &bad);
	TURN_UNTIL(client.closed);
	ck_assert(!server.connected);
	client.closed = false;
	connect_to(target, &none);
	TURN_UNTIL(client.closed);
	ck_assert(!server.connected);
	ck_assert_uint_eq(stream_listener_count(ls), 0);
	/* A client whose CA does not know the server. */
	client.closed = client.connected = false;
	stream_tls_unref(bad.tls);
	bad.tls = tls("controller", "evil");
	connect_to(target, &bad);
	TURN_UNTIL(client.closed);
	ck_assert_int_eq(client.why.code, EPROTO);
	ck_assert_msg(strstr(client.why.cause, "certificate") != NULL, "%s", client.why.cause);
	stream_listener_free(ls);
	stream_tls_unref(listener.tls);
	stream_tls_unref(good.tls);
	stream_tls_unref(bad.tls);
	stream_tls_unref(none.tls);
}
END_TEST

static void pair(const struct stream_options *opt)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	client.s = stream_from_fd(l, fds[0], "client", opt, &cb, &client);
	server.s = stream_from_fd(l, fds[1], "server", opt, &cb, &server);
}

START_TEST(backlog_is_limited_and_drains)
{
	struct stream_options opt = { .backlog_limit = 1 << 20 };
	static uint8_t block[100000];
	struct buf b = BUF_INIT;
	int sent = 0;

	pair(&opt);
	stream_pause(server.s, true);
	ck_assert_int_eq(loop_turn(l, 0), 0);
	while (!stream_write(client.s, block, sizeof(block))) {
		sent++;
		ck_assert_int_eq(loop_turn(l, NSEC_PER_MSEC), 0);
	}
	ck_assert_uint_le(stream_backlog(client.s), 1 << 20);
	ck_assert_uint_gt(stream_backlog(client.s), (1 << 20) - sizeof(block));
	buf_put(&b, block, sizeof(block));
	ck_assert_int_eq(stream_write_buf(client.s, &b), -ENOBUFS);
	ck_assert_uint_eq(b.len, sizeof(block));
	client.drains = 0;
	stream_pause(server.s, false);
	TURN_UNTIL(server.got.len == (size_t)sent * sizeof(block));
	TURN_UNTIL(client.drains == 1);
	ck_assert_int_eq(stream_write_buf(client.s, &b), 0);
	ck_assert_ptr_null(b.data);
	TURN_UNTIL(server.got.len == (size_t)(sent + 1) * sizeof(block));
}
END_TEST

START_TEST(random_pieces_arrive_whole)
{
	struct rng r = rng_start("stream");
	struct buf all = BUF_INIT;
	uint8_t piece[5000];

	pair(NULL);
	for (int i = 0; i < 2000; i++) {
		size_t n = rng_below(&r, sizeof(piece));

		for (size_t k = 0; k < n; k++)
			piece[k] = (uint8_t)rng_next(&r);
		buf_put(&all, piece, n);
		ck_assert_int_eq(stream_write(client.s, piece, n), 0);
		if (rng_below(&r, 4) == 0)
			ck_assert_int_eq(loop_turn(l, 0), 0);
	}
	TURN_UNTIL(server.got.len == all.len);
	ck_assert_mem_eq(server.got.data, all.data, all.len);
	buf_done(&all);
}
END_TEST

START_TEST(peek_joins_pieces)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	static const struct stream_cb quiet = { .on_read = NULL };
	struct stream *s = stream_from_fd(l, fds[0], "s", NULL, &quiet, NULL);

	ck_assert_ptr_null(stream_peek(s, 1));
	ck_assert_int_eq(write(fds[1], "abc", 3), 3);
	TURN_UNTIL(stream_readable(s) == 3);
	ck_assert_int_eq(write(fds[1], "def", 3), 3);
	TURN_UNTIL(stream_readable(s) == 6);
	ck_assert_ptr_null(stream_peek(s, 7));
	ck_assert_mem_eq(stream_peek(s, 6), "abcdef", 6);
	stream_drain(s, 4);
	ck_assert_mem_eq(stream_peek(s, 2), "ef", 2);
	stream_free(s);
	close(fds[1]);
}
END_TEST

/* A peer that sends the next request when it has the answer, and a server that does something else
 * at request `stop_at`. */
struct requests {
	struct stream *s;
	int peer, n, stop_at;
	enum { PAUSE, FREE, FREE_FLUSHED, HANG_UP } then;
	bool closed;
};

static void take_request(struct stream *s, void *arg)
{
	struct requests *r = arg;

	ck_assert_uint_eq(stream_readable(s), 1);
	ck_assert_uint_eq(*stream_peek(s, 1), (uint8_t)r->n);
	stream_drain(s, 1);
	r->n++;
	if (r->n != r->stop_at || r->then == PAUSE)
		ck_assert_int_eq(write(r->peer, &(uint8_t){ (uint8_t)r->n }, 1), 1);
	if (r->n != r->stop_at)
		return;
	switch (r->then) {
	case PAUSE: stream_pause(s, true); break;
	case FREE: stream_free(s); break;
	case FREE_FLUSHED: stream_free_flushed(s, NSEC_PER_SEC); break;
	case HANG_UP: close(r->peer); break;
	}
}

static void requests_over(struct stream *s, const struct error *why, void *arg)
{
	struct requests *r = arg;

	ck_assert_int_eq(why->code, 0);
	r->closed = true;
	stream_free(s);
}

static void start_requests(struct requests *r)
{
	static const struct stream_cb on = { .on_read = take_request, .on_close = requests_over };
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	r->s = stream_from_fd(l, fds[0], "requests", NULL, &on, r);
	r->peer = fds[1];
	stream_expect_requests(r->s);
	ck_assert_int_eq(write(r->peer, "", 1), 1);
}

START_TEST(requests_one_by_one)
{
	struct requests on = { .stop_at = -1 }, pause = { .stop_at = 5, .then = PAUSE },
			gone = { .stop_at = 5, .then = FREE },
			flushed = { .stop_at = 5, .then = FREE_FLUSHED },
			hang_up = { .stop_at = 5, .then = HANG_UP };

	start_requests(&on);
	TURN_UNTIL(on.n > 3000);
	stream_free(on.s);
	close(on.peer);

	start_requests(&pause);
	TURN_UNTIL(pause.n == 5);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(loop_turn(l, NSEC_PER_MSEC), 0);
	ck_assert_int_eq(pause.n, 5);
	stream_pause(pause.s, false);
	TURN_UNTIL(pause.n > 5);
	stream_free(pause.s);
	close(pause.peer);

	start_requests(&gone);
	TURN_UNTIL(gone.n == 5);
	close(gone.peer);

	start_requests(&flushed);
	TURN_UNTIL(flushed.n == 5);
	close(flushed.peer);

	start_requests(&hang_up);
	TURN_UNTIL(hang_up.closed);
	ck_assert_int_eq(hang_up.n, 5);
}
END_TEST

START_TEST(last_words_are_sent)
{
	static uint8_t block[1 << 20];
	struct loop *other;

	pair(NULL);
	ck_assert_int_eq(stream_write(server.s, "unwanted", 8), 0);
	ck_assert_int_eq(stream_write(client.s, block, sizeof(block)), 0);
	stream_free_flushed(client.s, NSEC_PER_SEC);
	client.s = NULL;
	TURN_UNTIL(server.closed);
	ck_assert_uint_eq(server.got.len, sizeof(block));
	/* A loop that ends while one lingers frees it. */
	other = l;
	server.closed = false;
	pair(NULL);
	ck_assert_int_eq(stream_write(client.s, block, sizeof(block)), 0);
	stream_free_flushed(client.s, NSEC_PER_SEC);
	client.s = NULL;
	ck_assert_ptr_eq(l, other);
}
END_TEST

START_TEST(listener_has_a_limit)
{
	struct stream_options opt = { .max_streams = 1 };
	struct stream_listener *ls = listen_at("punix:s", &opt);
	struct peer second = { .s = NULL };

	connect_to("unix:s", NULL);
	TURN_UNTIL(server.connected && client.connected);
	second.s = stream_connect(l, "unix:s", NULL, &cb, &second, NULL);
	TURN_UNTIL(second.closed);
	ck_assert_uint_eq(stream_listener_count(ls), 1);
	converse();
	stream_listener_free(ls);
}
END_TEST

START_TEST(targets)
{
	static const struct {
		const char *text, *host;
		unsigned int port; /* 65536: refused */
		bool passive;
	} rows[] = {
		{ "tcp:10.0.0.1:6633", "10.0.0.1", 6633, false },
		{ "tcp:10.0.0.1", "10.0.0.1", 6653, false },
		{ "tcp:[fe80::1]:1", "fe80::1", 1, false },
		{ "ssl:[::1]", "::1", 6653, false },
		{ "ptcp:", "", 6653, true },
		{ "ptcp:1", "", 1, true },
		{ "ptcp::1.2.3.4", "1.2.3.4", 6653, true },
		{ "pssl:0:[::]", "::", 0, true },
		{ "tcp:", "", 65536, false },
		{ "tcp:h:0", "", 65536, false },
		{ "tcp:h:65536", "", 65536, false },
		{ "tcp:h:1x", "", 65536, false },
		{ "tcp:h:", "", 65536, false },
		{ "tcp:[::1", "", 65536, false },
		{ "tcp:[::1]x", "", 65536, false },
		{ "ptcp:1:h:2", "", 65536, false },
		{ "ptcp:99999999999", "", 65536, false },
		{ "udp:h:1", "", 65536, false },
		{ "unix:", "", 65536, false },
		{ "", "", 65536, false },
	};
	struct error err = ERROR_INIT;
	struct target t;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int rc = target_parse(rows[i].text, 6653, &t, NULL);

		ck_assert_msg((rc == 0) == (rows[i].port != 65536), "%s", rows[i].text);
		if (rc)
			continue;
		ck_assert_str_eq(t.host, rows[i].host);
		ck_assert_uint_eq(t.port, rows[i].port);
		ck_assert(t.passive == rows[i].passive);
		target_done(&t);
	}
	ck_assert_int_eq(stream_target_check("tcp:h", NULL, &err), -EINVAL);
	ck_assert_str_eq(err.cause, "tcp:h: a port must be named");
	ck_assert(stream_target_is_active("ssl:x") && !stream_target_is_active("pssl:x"));
	ck_assert(stream_target_is_passive("pssl:x") && !stream_target_is_passive("none"));
	ck_assert_ptr_null(stream_connect(l, "ssl:h:1", NULL, &cb, NULL, NULL));
	ck_assert_ptr_null(stream_connect(l, "ptcp:1", NULL, &cb, NULL, NULL));
	ck_assert_ptr_null(stream_listen(l, "tcp:h:1", NULL, note_accept, NULL, NULL));
	ck_assert_ptr_null(stream_listen(l, "ptcp:1:host.name", NULL, note_accept, NULL, NULL));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stream");
	TCase *tc = tcase_create("stream");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, unix_sockets);
	tcase_add_test(tc, unix_paths_may_be_long);
	tcase_add_test(tc, stale_sockets_are_replaced);
	tcase_add_test(tc, tcp_by_address_and_name);
	tcase_add_test(tc, failures_are_told_later);
	tcase_add_test(tc, tls_checks_both_sides);
	tcase_add_test(tc, backlog_is_limited_and_drains);
	tcase_add_test(tc, random_pieces_arrive_whole);
	tcase_add_test(tc, peek_joins_pieces);
	tcase_add_test(tc, requests_one_by_one);
	tcase_add_test(tc, last_words_are_sent);
	tcase_add_test(tc, listener_has_a_limit);
	tcase_add_test(tc, targets);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
