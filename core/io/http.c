/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "core/base/list.h"
#include "core/base/xalloc.h"
#include "core/io/inet_sock.h"
#include "core/io/loop.h"
#include "core/io/target.h"

#define HEADER_BYTES (16u << 10)
#define BODY_BYTES (64u << 10)
#define TIMEOUT_S 30
#define CONNECTIONS 256
#define STREAM_BACKLOG (1u << 20)
#define UNREAD_BYTES (64u << 10) /* what a client may send that nobody has asked for yet */

struct route {
	struct cds_list_head node;
	char *path; /* owned; for a prefix without the '*' */
	bool prefix;
	enum evhttp_cmd_type method;
	http_fn *fn;
	void *arg;
};

struct http {
	struct loop *loop;
	struct evhttp *ev;               /* owned */
	struct evconnlistener *listener; /* ev's */
	struct loop_hook *sweep;         /* owned */
	struct cds_list_head routes;
	struct cds_list_head requests;
	struct bufferevent **conns; /* owned array, a reference each: every open connection */
	size_t n_conns, max_conns;
	uint16_t port;
};

enum stage { WAITING, STREAMING, DONE };

/* A request lives from its callback until libevent has sent the answer or the client has left. */
struct http_request {
	struct cds_list_head node;
	struct http *http;
	struct evhttp_request *req; /* libevent's; ours to free once the client has left */
	struct evkeyvalq query;
	char *path; /* owned, decoded */
	enum stage stage;
	void (*on_gone)(void *arg);
	void *arg;
};

/* ---- Requests ----------------------------------------------------------------------------- */

static void free_request(struct http_request *r)
{
	cds_list_del(&r->node);
	evhttp_clear_headers(&r->query);
	free(r->path);
	free(r);
}

static void free_lost(void *arg)
{
	struct http_request *r = arg;

	evhttp_request_free(r->req);
	free_request(r);
}

/* libevent frees the request itself after this. */
static void on_sent(struct evhttp_request *req, void *arg)
{
	struct evhttp_connection *conn = evhttp_request_get_connection(req);

	if (conn)
		evhttp_connection_set_closecb(conn, NULL, NULL);
	free_request(arg);
}

/* The client has left.  libevent is still walking its lists, so the request goes later. */
static void on_conn_closed(struct evhttp_connection *conn UNUSED, void *arg)
{
	struct http_request *r = arg;

	if (r->stage == STREAMING && r->on_gone)
		r->on_gone(r->arg);
	if (r->stage == WAITING) {
		r->stage = DONE; /* whoever answers it frees it */
		return;
	}
	r->stage = DONE;
	loop_defer(r->http->loop, free_lost, r);
}

static const struct route *find_route(const struct http *h, const char *path,
				      enum evhttp_cmd_type method, bool *known)
{
	const struct route *best = NULL, *r;

	*known = false;
	cds_list_for_each_entry (r, &h->routes, node) {
		if (r->prefix ? strncmp(path, r->path, strlen(r->path)) : strcmp(path, r->path))
			continue;
		*known = true;
		if (r->method != method)
			continue;
		/* An exact one before all, then the longest. */
		if (!best || !r->prefix || (best->prefix && strlen(r->path) > strlen(best->path)))
			best = r;
	}
	return best;
}

static struct http_request *new_request(struct http *h, struct evhttp_request *req)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = evhttp_uri_get_path(uri), *query = evhttp_uri_get_query(uri);
	struct http_request *r = xzalloc(sizeof(*r));
	char *decoded = evhttp_uridecode(path ? path : "", 0, NULL);

	r->http = h;
	r->req = req;
	r->path = xstrdup(decoded && *decoded ? decoded : "/");
	free(decoded);
	TAILQ_INIT(&r->query);
	if (query)
		(void)evhttp_parse_query_str(query, &r->query); /* a bad one has no parameters */
	cds_list_add_tail(&r->node, &h->requests);
	return r;
}

/* With the methods that the path does take (RFC 9110 section 15.5.6). */
static void refuse_method(struct http_request *r)
{
	bool get, post, known;

	get = find_route(r->http, r->path, EVHTTP_REQ_GET, &known);
	post = find_route(r->http, r->path, EVHTTP_REQ_POST, &known);
	http_reply_header(r, "Allow", get ? post ? "GET, HEAD, POST" : "GET, HEAD" : "POST");
	http_reply_error(r, 405, "method not allowed");
}

static void on_request(struct evhttp_request *req, void *arg)
{
	enum evhttp_cmd_type method = evhttp_request_get_command(req);
	struct evhttp_connection *conn = evhttp_request_get_connection(req);
	struct http_request *r = new_request(arg, req);
	const struct route *route;
	bool known;

	evhttp_request_own(req);
	evhttp_request_set_on_complete_cb(req, on_sent, r);
	evhttp_connection_set_closecb(conn, on_conn_closed, r);
	/* What else the client sends waits until the answer is out: libevent takes bytes that come
	 * in between for a fatal error of ours. */
	(void)bufferevent_disable(evhttp_connection_get_bufferevent(conn), EV_READ);
	route = find_route(r->http, r->path, method == EVHTTP_REQ_HEAD ? EVHTTP_REQ_GET : method,
			   &known);
	if (route)
		route->fn(r, route->arg);
	else if (known)
		refuse_method(r);
	else
		http_reply_error(r, 404, "no such page");
}

const char *http_request_path(const struct http_request *r)
{
	return r->path;
}

const char *http_request_param(const struct http_request *r, const char *name)
{
	return evhttp_find_header(&r->query, name);
}

const char *http_request_header(const struct http_request *r, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(r->req), name);
}

const uint8_t *http_request_body(const struct http_request *r, size_t *len)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(r->req);

	*len = evbuffer_get_length(in);
	return evbuffer_pullup(in, -1);
}

/* ---- Answers ------------------------------------------------------------------------------ */

void http_reply_header(struct http_request *r, const char *name, const char *value)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(r->req), name, value);
}

static bool is_head(const struct http_request *r)
{
	return evhttp_request_get_command(r->req) == EVHTTP_REQ_HEAD;
}

static void put_length(struct http_request *r, size_t len)
{
	char text[24];

	(void)evutil_snprintf(text, sizeof(text), "%zu", len);
	http_reply_header(r, "Content-Length", text);
}

void http_reply(struct http_request *r, int code, const char *type, const void *body, size_t len)
{
	struct evbuffer *out;

	if (r->stage == DONE) { /* the client left before */
		loop_defer(r->http->loop, free_lost, r);
		return;
	}
	r->stage = DONE;
	out = evhttp_request_get_output_buffer(r->req);
	http_reply_header(r, "Content-Type", type);
	http_reply_header(r, "X-Content-Type-Options", "nosniff");
	if (is_head(r))
		put_length(r, len); /* libevent would send a body that it is given */
	else
		(void)evbuffer_add(out, body, len);
	evhttp_send_reply(r->req, code, NULL, NULL);
}

void http_reply_error(struct http_request *r, int code, const char *text)
{
	char *body = xasprintf("%s\n", text);

	http_reply(r, code, "text/plain; charset=utf-8", body, strlen(body));
	free(body);
}

void http_stream_start(struct http_request *r, const char *type, void (*on_gone)(void *arg),
		       void *arg)
{
	struct timeval write_timeout = { TIMEOUT_S, 0 };
	struct evhttp_connection *conn;

	r->on_gone = on_gone;
	r->arg = arg;
	if (r->stage == DONE) {
		on_gone(arg);
		loop_defer(r->http->loop, free_lost, r);
		return;
	}
	r->stage = STREAMING;
	conn = evhttp_request_get_connection(r->req);
	http_reply_header(r, "Content-Type", type);
	http_reply_header(r, "Cache-Control", "no-store");
	evhttp_send_reply_start(r->req, 200, NULL);
	/* Silence is the client's right here. */
	(void)bufferevent_set_timeouts(evhttp_connection_get_bufferevent(conn), NULL,
				       &write_timeout);
}

int http_stream_send(struct http_request *r, const void *data, size_t len)
{
	struct evhttp_connection *conn = evhttp_request_get_connection(r->req);
	struct bufferevent *bev = evhttp_connection_get_bufferevent(conn);
	struct evbuffer *piece;

	if (is_head(r))
		return 0;
	if (evbuffer_get_length(bufferevent_get_output(bev)) + len > STREAM_BACKLOG)
		return -ENOBUFS;
	piece = evbuffer_new();
	(void)evbuffer_add(piece, data, len);
	evhttp_send_reply_chunk(r->req, piece);
	evbuffer_free(piece);
	return 0;
}

void http_stream_end(struct http_request *r)
{
	r->stage = DONE;
	evhttp_send_reply_end(r->req);
}

/* ---- Connections -------------------------------------------------------------------------- */

/* libevent tells nobody when a connection ends, so a reference to each is held, and those that it
 * has let go of (no callbacks left) are found before each sleep. */
static bool sweep(void *arg)
{
	struct http *h = arg;
	bufferevent_event_cb event_cb;
	size_t kept = 0;

	for (size_t i = 0; i < h->n_conns; i++) {
		bufferevent_getcb(h->conns[i], NULL, NULL, &event_cb, NULL);
		if (event_cb)
			h->conns[kept++] = h->conns[i];
		else
			(void)bufferevent_decref(h->conns[i]);
	}
	if (kept < h->n_conns)
		(void)evconnlistener_enable(h->listener);
	h->n_conns = kept;
	return false;
}

static struct bufferevent *new_conn(struct event_base *base, void *arg)
{
	/* Without BEV_OPT_CLOSE_ON_FREE libevent's evhttp closes the socket itself, at once. */
	struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);
	struct http *h = arg;

	if (!bev)
		return NULL;
	bufferevent_setwatermark(bev, EV_READ, 0, UNREAD_BYTES);
	bufferevent_incref(bev);
	h->conns[h->n_conns++] = bev;
	if (h->n_conns == h->max_conns)
		(void)evconnlistener_disable(h->listener); /* more wait in the kernel's queue */
	return bev;
}

/* ---- The server --------------------------------------------------------------------------- */

/* "HOST:PORT", "[V6]:PORT", ":PORT" or "PORT", taken apart as "ptcp:" would name it. */
static int parse_address(const char *address, struct target *t, struct error *err)
{
	const char *colon = strrchr(address, ':'), *port = colon ? colon + 1 : address;
	int host_len = colon ? (int)(colon - address) : 0;
	char *text;
	int rc;

	if (host_len)
		text = xasprintf("ptcp:%s:%.*s", port, host_len, address);
	else
		text = xasprintf("ptcp:%s:127.0.0.1", port);
	rc = *port ? target_parse(text, 0, t, NULL) : -EINVAL;
	free(text);
	return rc ? error_set(err, EINVAL, NULL, "\"%.100s\" is not HOST:PORT", address) : 0;
}

/* 0, or -errno and *err. */
static int listen_at(struct http *h, const struct target *t, struct error *err)
{
	struct evhttp_bound_socket *bound;
	int fd = inet_sock_listen(t->host, t->port, INET_SOCK_NAME, err);

	if (fd < 0)
		return fd;
	bound = evhttp_accept_socket_with_handle(h->ev, fd);
	if (!bound)
		abort(); /* out of memory */
	h->listener = evhttp_bound_socket_get_listener(bound);
	h->port = inet_sock_port(fd);
	return 0;
}

static void set_limits(struct http *h, const struct http_limits *limits)
{
	static const struct http_limits defaults;

	if (!limits)
		limits = &defaults;
	evhttp_set_max_headers_size(h->ev, limits->header_bytes ? (ev_ssize_t)limits->header_bytes
								: (ev_ssize_t)HEADER_BYTES);
	evhttp_set_max_body_size(h->ev, limits->body_bytes ? (ev_ssize_t)limits->body_bytes
							   : (ev_ssize_t)BODY_BYTES);
	evhttp_set_timeout(h->ev, limits->timeout_s ? (int)limits->timeout_s : TIMEOUT_S);
	h->max_conns = limits->connections ? limits->connections : CONNECTIONS;
	h->conns = xcalloc(h->max_conns, sizeof(*h->conns));
}

struct http *http_new(struct loop *l, const char *address, const struct http_limits *limits,
		      struct error *err)
{
	struct http *h;
	struct target t = { 0 };

	if (parse_address(address, &t, err))
		return NULL;
	h = xzalloc(sizeof(*h));
	h->loop = l;
	CDS_INIT_LIST_HEAD(&h->routes);
	CDS_INIT_LIST_HEAD(&h->requests);
	h->ev = evhttp_new(loop_event_base(l));
	if (!h->ev)
		abort(); /* out of memory */
	set_limits(h, limits);
	if (listen_at(h, &t, err)) {
		(void)error_wrap(err, "%.100s: cannot listen", address);
		http_free(h);
		return NULL;
	}
	h->sweep = loop_before_sleep(l, sweep, h);
	evhttp_set_bevcb(h->ev, new_conn, h);
	evhttp_set_gencb(h->ev, on_request, h);
	return h;
}

void http_free(struct http *h)
{
	struct http_request *r, *next_request;
	struct route *route, *next;

	if (!h)
		return;
	evhttp_free(h->ev); /* on_conn_closed() for each that is open */
	for (size_t i = 0; i < h->n_conns; i++)
		(void)bufferevent_decref(h->conns[i]);
	cds_list_for_each_entry_safe (r, next_request, &h->requests, node) {
		loop_defer_cancel(h->loop, free_lost, r);
		free_lost(r);
	}
	cds_list_for_each_entry_safe (route, next, &h->routes, node) {
		free(route->path);
		free(route);
	}
	loop_hook_free(h->sweep);
	free(h->conns);
	free(h);
}

uint16_t http_port(const struct http *h)
{
	return h->port;
}

static void add_route(struct http *h, const char *path, enum evhttp_cmd_type method, http_fn *fn,
		      void *arg)
{
	struct route *r = xzalloc(sizeof(*r));
	size_t len = strlen(path);

	r->prefix = len && path[len - 1] == '*';
	r->path = xstrndup(path, len - r->prefix);
	r->method = method;
	r->fn = fn;
	r->arg = arg;
	cds_list_add(&r->node, &h->routes); /* a later one of the same path comes first */
}

void http_route(struct http *h, const char *path, http_fn *fn, void *arg)
{
	add_route(h, path, EVHTTP_REQ_GET, fn, arg);
}

void http_route_post(struct http *h, const char *path, http_fn *fn, void *arg)
{
	add_route(h, path, EVHTTP_REQ_POST, fn, arg);
}
