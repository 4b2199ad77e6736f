/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/io/stream_priv.h"
#include "core/io/target.h"
#include "core/io/unix_sock.h"

#define BACKLOG_LIMIT (64u << 20)
#define READ_LIMIT ((64u << 20) + (64u << 10))
#define LOW_MARK (64u << 10)
#define PIECE (256u << 10) /* bytes read or written in one system call */

/* ---- Life --------------------------------------------------------------------------------- */

struct stream *stream_alloc(struct loop *l, const char *name, const struct stream_options *opt)
{
	static const struct stream_options defaults;
	struct stream *s = xzalloc(sizeof(*s));

	if (!opt)
		opt = &defaults;
	s->loop = l;
	s->name = xstrdup(name);
	s->backlog_limit = opt->backlog_limit ? opt->backlog_limit : BACKLOG_LIMIT;
	s->read_limit = opt->read_limit ? opt->read_limit : READ_LIMIT;
	s->low_mark = LOW_MARK;
	s->connect_timeout_ns =
		opt->connect_timeout_ns ? opt->connect_timeout_ns : STREAM_CONNECT_TIMEOUT_NS;
	return s;
}

void stream_quota_unref(struct stream_quota *q)
{
	if (q && !--q->refs)
		free(q);
}

static void call_close(void *arg)
{
	struct stream *s = arg;
	struct error why = s->why; /* on_close may free the stream */

	if (s->cb && s->cb->on_close)
		s->cb->on_close(s, &why, s->arg);
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	loop_defer_cancel(s->loop, call_close, s);
	stream_in_done(s);
	loop_timer_free(s->timer);
	loop_cleanup_free(s->cleanup);
	if (s->bev)
		bufferevent_free(s->bev);
	if (s->quota)
		s->quota->n--;
	stream_quota_unref(s->quota);
	stream_tls_unref(s->tls);
	free(s->name);
	free(s);
}

void stream_fail(struct stream *s, const struct error *why)
{
	if (s->over)
		return;
	s->over = true;
	s->connected = false;
	s->why = *why;
	if (s->timer)
		loop_timer_stop(s->timer);
	if (s->bev)
		(void)bufferevent_disable(s->bev, EV_READ | EV_WRITE);
	if (s->bev)
		stream_in_stop(s);
	loop_defer(s->loop, call_close, s);
}

static void timed_out(void *arg)
{
	struct stream *s = arg;
	struct error why = ERROR_INIT;

	(void)error_set(&why, ETIMEDOUT, NULL, "%.200s: no answer within %.0f s", s->name,
			(double)s->connect_timeout_ns / (double)NSEC_PER_SEC);
	stream_fail(s, &why);
}

void stream_start_timeout(struct stream *s)
{
	s->timer = loop_timer_new(s->loop, timed_out, s);
	loop_timer_in(s->timer, s->connect_timeout_ns);
}

/* ---- What libevent says ------------------------------------------------------------------- */

static void explain_tls(struct stream *s, unsigned long code, struct error *why)
{
	SSL *ssl = bufferevent_openssl_get_ssl(s->bev);
	long verify = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
	const char *reason = ERR_reason_error_string(code);

	(void)error_set(why, EPROTO, NULL, "%.150s: TLS: %s%s%s", s->name,
			reason ? reason : "unknown reason", verify != X509_V_OK ? ": " : "",
			verify != X509_V_OK ? X509_verify_cert_error_string(verify) : "");
}

static void explain(struct stream *s, short what, int code, struct error *why)
{
	int dns = 0;
	unsigned long tls = s->tls ? bufferevent_get_openssl_error(s->bev) : 0;

	if (what & BEV_EVENT_EOF) {
		(void)error_set(why, ECONNRESET, NULL, "%.200s: closed by the peer", s->name);
		if (s->connected)
			why->code = 0; /* in order */
		return;
	}
	if (!s->connected && !s->tls)
		dns = bufferevent_socket_get_dns_error(s->bev);
	if (dns)
		(void)error_set(why, EHOSTUNREACH, NULL, "%.200s: %s", s->name,
				evutil_gai_strerror(dns));
	else if (tls)
		explain_tls(s, tls, why);
	else
		(void)error_set(why, code ? code : EIO, NULL, "%.200s: %s", s->name,
				strerrordesc_np(code ? code : EIO));
}

void stream_explain(struct stream *s, short what, int code)
{
	struct error why = ERROR_INIT;

	explain(s, what, code, &why);
	stream_fail(s, &why);
}

static void on_event(struct bufferevent *bev UNUSED, short what, void *arg)
{
	int code = EVUTIL_SOCKET_ERROR();
	struct stream *s = arg;

	if (s->over)
		return;
	if (what & BEV_EVENT_CONNECTED) {
		s->connected = true;
		loop_timer_free(s->timer);
		s->timer = NULL;
		if (s->cb && !s->paused)
			stream_in_start(s);
		if (s->cb && s->cb->on_connect)
			s->cb->on_connect(s, s->arg);
		return;
	}
	stream_explain(s, what, code);
}

static void on_read(struct bufferevent *bev UNUSED, void *arg)
{
	struct stream *s = arg;

	if (!s->over && s->cb && s->cb->on_read)
		s->cb->on_read(s, s->arg);
}

static void on_written(struct bufferevent *bev UNUSED, void *arg)
{
	struct stream *s = arg;

	if (s->over || !s->above || stream_backlog(s) > s->low_mark)
		return;
	s->above = false;
	if (s->cb && s->cb->on_drain)
		s->cb->on_drain(s, s->arg);
}

/* ---- Opening ------------------------------------------------------------------------------ */

static struct bufferevent *make_bev(struct stream *s, int fd, enum stream_role role)
{
	const int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
	struct event_base *base = loop_event_base(s->loop);
	struct bufferevent *bev;
	SSL *ssl;

	if (role == STREAM_PLAIN)
		return bufferevent_socket_new(base, fd, options);
	ssl = stream_tls_session(s->tls);
	if (!ssl)
		return NULL;
	bev = bufferevent_openssl_socket_new(base, fd, ssl,
					     role == STREAM_TLS_CLIENT ? BUFFEREVENT_SSL_CONNECTING
								       : BUFFEREVENT_SSL_ACCEPTING,
					     options);
	if (bev)
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1); /* messages are framed */
	else
		SSL_free(ssl);
	return bev;
}

int stream_attach(struct stream *s, int fd, enum stream_role role, struct error *err)
{
	int one = 1;

	if (fd >= 0) {
		(void)evutil_make_socket_nonblocking(fd);
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
				 sizeof(one)); /* if it is TCP */
	}
	s->bev = make_bev(s, fd, role);
	if (!s->bev) {
		if (fd >= 0)
			close(fd);
		return error_set(err, ENOMEM, NULL, "%.200s: cannot watch the socket", s->name);
	}
	bufferevent_setcb(s->bev, on_read, on_written, on_event, s);
	bufferevent_setwatermark(s->bev, EV_READ, 0, s->read_limit);
	bufferevent_setwatermark(s->bev, EV_WRITE, s->low_mark, 0);
	(void)bufferevent_set_max_single_read(s->bev, PIECE);
	(void)bufferevent_set_max_single_write(s->bev, PIECE);
	return 0;
}

/* A Unix socket connects at once or not at all; its callbacks come later all the same. */
static void connect_unix(struct stream *s, const char *path)
{
	struct error err = ERROR_INIT;
	int fd = unix_sock_connect(path, true, &err);

	if (fd < 0 || stream_attach(s, fd, STREAM_PLAIN, &err)) {
		stream_fail(s, &err);
		return;
	}
	bufferevent_trigger_event(s->bev, BEV_EVENT_CONNECTED, BEV_TRIG_DEFER_CALLBACKS);
}

static void connect_inet(struct stream *s, const struct target *t)
{
	struct error err = ERROR_INIT;
	struct sockaddr_storage ss = { 0 };
	int len = sizeof(ss), rc;
	char addr[320];

	if (stream_attach(s, -1, t->kind == TARGET_TLS ? STREAM_TLS_CLIENT : STREAM_PLAIN, &err)) {
		stream_fail(s, &err);
		return;
	}
	stream_start_timeout(s);
	(void)evutil_snprintf(addr, sizeof(addr), strchr(t->host, ':') ? "[%s]:%u" : "%s:%u",
			      t->host, t->port);
	if (!evutil_parse_sockaddr_port(addr, (struct sockaddr *)&ss, &len))
		rc = bufferevent_socket_connect(s->bev, (struct sockaddr *)&ss, len);
	else
		rc = bufferevent_socket_connect_hostname(s->bev, loop_dns(s->loop), AF_UNSPEC,
							 t->host, t->port);
	if (rc) {
		stream_explain(s, BEV_EVENT_ERROR, EVUTIL_SOCKET_ERROR());
	}
}

struct stream *stream_connect(struct loop *l, const char *target, const struct stream_options *opt,
			      const struct stream_cb *cb, void *arg, struct error *err)
{
	struct stream *s;
	struct target t;

	if (target_parse(target, opt ? opt->default_port : 0, &t, err))
		return NULL;
	if (t.passive || (t.kind == TARGET_TLS && (!opt || !opt->tls))) {
		(void)error_set(err, EINVAL, NULL, "%.200s: %s", target,
				t.passive ? "cannot connect to a listener's name"
					  : "no certificates are configured for TLS");
		target_done(&t);
		return NULL;
	}
	s = stream_alloc(l, target, opt);
	s->cb = cb;
	s->arg = arg;
	if (t.kind == TARGET_TLS)
		s->tls = stream_tls_ref(opt->tls);
	if (t.kind == TARGET_UNIX)
		connect_unix(s, t.path);
	else
		connect_inet(s, &t);
	target_done(&t);
	return s;
}

struct stream *stream_from_fd(struct loop *l, int fd, const char *name,
			      const struct stream_options *opt, const struct stream_cb *cb,
			      void *arg)
{
	struct stream *s = stream_alloc(l, name, opt);
	struct error err = ERROR_INIT;

	if (stream_attach(s, fd, STREAM_PLAIN, &err))
		stream_fail(s, &err);
	else
		s->connected = true;
	if (cb)
		stream_set_cb(s, cb, arg);
	return s;
}

void stream_set_cb(struct stream *s, const struct stream_cb *cb, void *arg)
{
	bool first = !s->cb;

	s->cb = cb;
	s->arg = arg;
	if (!first || !s->connected)
		return;
	if (!s->paused)
		stream_in_start(s);
	if (s->tls && stream_readable(s)) /* came with the handshake */
		bufferevent_trigger(s->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

int stream_target_check(const char *target, const struct stream_options *opt, struct error *err)
{
	struct target t;
	int rc = target_parse(target, opt ? opt->default_port : 0, &t, err);

	target_done(&t);
	return rc;
}

bool stream_target_is_active(const char *target)
{
	return !strncmp(target, "unix:", 5) || !strncmp(target, "tcp:", 4) ||
	       !strncmp(target, "ssl:", 4);
}

bool stream_target_is_passive(const char *target)
{
	return target[0] == 'p' && stream_target_is_active(target + 1);
}

/* ---- Reading and writing ------------------------------------------------------------------ */

static struct evbuffer *input_of(const struct stream *s)
{
	return bufferevent_get_input(s->bev);
}

size_t stream_readable(const struct stream *s)
{
	if (!s->tls)
		return s->in.tail - s->in.head;
	return s->bev ? evbuffer_get_length(input_of(s)) : 0;
}

const uint8_t *stream_peek(struct stream *s, size_t want)
{
	if (stream_readable(s) < want || !want)
		return NULL;
	if (!s->tls)
		return s->in.data + s->in.head;
	return evbuffer_pullup(input_of(s), (ev_ssize_t)want);
}

const uint8_t *stream_peek_piece(struct stream *s, size_t *len)
{
	if (!s->tls) {
		*len = stream_readable(s);
		return *len ? s->in.data + s->in.head : NULL;
	}
	*len = s->bev ? evbuffer_get_contiguous_space(input_of(s)) : 0;
	return *len ? evbuffer_pullup(input_of(s), (ev_ssize_t)*len) : NULL;
}

void stream_drain(struct stream *s, size_t n)
{
	if (n && !s->tls)
		stream_in_drain(s, n);
	else if (n)
		(void)evbuffer_drain(input_of(s), n);
}

void stream_pause(struct stream *s, bool pause)
{
	s->paused = pause;
	if (!s->connected || !s->cb)
		return;
	if (pause)
		stream_in_stop(s);
	else
		stream_in_start(s);
}

static int may_write(const struct stream *s, size_t n)
{
	if (!s->connected)
		return -ENOTCONN;
	if (n > s->backlog_limit || stream_backlog(s) > s->backlog_limit - n)
		return -ENOBUFS;
	return 0;
}

static void note_backlog(struct stream *s)
{
	s->above |= stream_backlog(s) > s->low_mark;
}

/* Gives the kernel what it takes at once, when nothing waits in front: an answer then costs one
 * system call, and no turn of the loop.  Errors are left to the loop, which meets them too. */
static size_t send_now(struct stream *s, const void *data, size_t n)
{
	ssize_t sent;

	if (s->tls || stream_backlog(s))
		return 0;
	sent = send(bufferevent_getfd(s->bev), data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent > 0 ? (size_t)sent : 0;
}

int stream_write(struct stream *s, const void *data, size_t n)
{
	int rc = may_write(s, n);
	size_t sent;

	if (rc || !n)
		return rc;
	sent = send_now(s, data, n);
	if (sent == n)
		return 0;
	rc = bufferevent_write(s->bev, (const uint8_t *)data + sent, n - sent);
	note_backlog(s);
	return rc ? -ENOBUFS : 0;
}

int stream_write_ref(struct stream *s, const void *data, size_t n,
		     void (*release)(const void *data, size_t n, void *arg), void *arg)
{
	int rc = may_write(s, n);

	if (rc)
		return rc;
	rc = evbuffer_add_reference(bufferevent_get_output(s->bev), data, n, release, arg);
	note_backlog(s);
	return rc ? -ENOBUFS : 0;
}

static void free_data(const void *data UNUSED, size_t n UNUSED, void *arg)
{
	free(arg);
}

int stream_write_buf(struct stream *s, struct buf *b)
{
	int rc = b->len ? may_write(s, b->len) : 0;
	size_t sent;

	if (rc)
		return rc;
	sent = b->len ? send_now(s, b->data, b->len) : 0;
	if (sent == b->len)
		free(b->data);
	else
		rc = stream_write_ref(s, b->data + sent, b->len - sent, free_data, b->data);
	if (!rc)
		buf_init(b);
	return rc;
}

size_t stream_backlog(const struct stream *s)
{
	return s->bev ? evbuffer_get_length(bufferevent_get_output(s->bev)) : 0;
}

void stream_set_low_mark(struct stream *s, size_t bytes)
{
	s->low_mark = bytes;
	if (s->bev)
		bufferevent_setwatermark(s->bev, EV_WRITE, bytes, 0);
}

const char *stream_name(const struct stream *s)
{
	return s->name;
}

bool stream_connected(const struct stream *s)
{
	return s->connected;
}

bool stream_is_secure(const struct stream *s)
{
	return s->connected && s->tls && stream_tls_verifies(s->tls);
}

/* ---- Closing in peace --------------------------------------------------------------------- */

static void linger_over(void *arg)
{
	struct stream *s = arg;

	s->cleanup =
		NULL; /* when the loop's end called us it is gone; else stream_free() is next */
	stream_free(s);
}

static void linger_timeout(void *arg)
{
	stream_free(arg);
}

/* Everything is sent.  The socket may still hold bytes from the peer that nobody wants: closing now
 * would reset the connection and could take our last words with it, so they are read away until
 * the peer closes too. */
static void linger_written(struct bufferevent *bev, void *arg)
{
	struct stream *s = arg;

	if (stream_backlog(s))
		return;
	if (s->tls) {
		stream_free(s);
		return;
	}
	(void)shutdown(bufferevent_getfd(bev), SHUT_WR);
	(void)bufferevent_disable(bev, EV_WRITE);
}

static void linger_read(struct bufferevent *bev, void *arg UNUSED)
{
	struct evbuffer *in = bufferevent_get_input(bev);

	(void)evbuffer_drain(in, evbuffer_get_length(in));
}

static void linger_event(struct bufferevent *bev UNUSED, short what UNUSED, void *arg)
{
	stream_free(arg);
}

/* What the kernel takes at once need not wait for a loop that may not turn again. */
static void write_now(struct stream *s)
{
	struct evbuffer *out = bufferevent_get_output(s->bev);

	(void)evbuffer_unfreeze(out, 1);
	while (evbuffer_get_length(out) && evbuffer_write(out, bufferevent_getfd(s->bev)) > 0)
		;
	(void)evbuffer_freeze(out, 1);
}

void stream_free_flushed(struct stream *s, uint64_t max_ns)
{
	if (!s)
		return;
	if (!s->connected || !max_ns) {
		stream_free(s);
		return;
	}
	s->cb = NULL;
	if (s->quota)
		s->quota->n--;
	stream_quota_unref(s->quota);
	s->quota = NULL;
	if (!s->tls)
		write_now(s);
	stream_in_done(s);
	linger_read(s->bev, NULL);
	bufferevent_setcb(s->bev, linger_read, linger_written, linger_event, s);
	bufferevent_setwatermark(s->bev, EV_WRITE, 0, 0);
	(void)bufferevent_enable(s->bev, EV_READ);
	s->timer = loop_timer_new(s->loop, linger_timeout, s);
	loop_timer_in(s->timer, max_ns);
	s->cleanup = loop_cleanup_new(s->loop, linger_over, s);
	bufferevent_trigger(s->bev, EV_WRITE,
			    BEV_TRIG_DEFER_CALLBACKS | BEV_TRIG_IGNORE_WATERMARKS);
}
