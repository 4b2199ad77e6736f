/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP server (libevent's evhttp): routes with handlers, for metrics and the web page's
 * API.
 *
 * It is no server for the open net: it binds to loopback unless told otherwise, has no TLS and no
 * users.  Headers, bodies, connections and silence have limits.  All on the loop's thread. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

struct http;
struct http_request; /* one request that waits for its answer */
struct loop;
struct str;

struct http_limits {
	size_t header_bytes;      /* 0: 16 KiB */
	size_t body_bytes;        /* 0: 64 KiB */
	unsigned int timeout_s;   /* of a silent client; 0: 30 s */
	unsigned int connections; /* 0: 256 */
};

/* Answers by http_reply(), now or later from the loop's thread, exactly once. */
typedef void http_fn(struct http_request *r, void *arg);

/* Listens at "HOST:PORT", "[V6]:PORT", ":PORT" or "PORT" (host: 127.0.0.1; port 0: the kernel
 * chooses).  `limits` may be NULL.  NULL and *err. */
struct http *http_new(struct loop *l, const char *address, const struct http_limits *limits,
		      struct error *err);
/* Requests that wait for an answer are gone with it.  NULL is fine. */
void http_free(struct http *h);
uint16_t http_port(const struct http *h);

/* GET (and HEAD) of an exact path; a path that ends in '/' and '*' takes everything below.  Other
 * methods are 405, other paths 404.  Strings are copied. */
void http_route(struct http *h, const char *path, http_fn *fn, void *arg);
/* The same for POST. */
void http_route_post(struct http *h, const char *path, http_fn *fn, void *arg);

const char *http_request_path(const struct http_request *r); /* decoded, without the query */
/* A query parameter, decoded, or NULL.  Borrowed until the answer. */
const char *http_request_param(const struct http_request *r, const char *name);
const char *http_request_header(const struct http_request *r, const char *name);
const uint8_t *http_request_body(const struct http_request *r, size_t *len);

/* Sends; `type` such as "text/plain; charset=utf-8".  The body is copied. */
void http_reply(struct http_request *r, int code, const char *type, const void *body, size_t len);
/* A text/plain answer that says what is wrong. */
void http_reply_error(struct http_request *r, int code, const char *text);
/* An extra header of the answer, before http_reply(). */
void http_reply_header(struct http_request *r, const char *name, const char *value);

/* ---- Answers that go on (server-sent events) ---------------------------------------------- */

/* Starts an answer without an end.  on_gone(arg) when the client has left: r is gone then. */
void http_stream_start(struct http_request *r, const char *type, void (*on_gone)(void *arg),
		       void *arg);
/* 0, or -ENOBUFS when the client does not keep up (1 MiB unsent). */
int http_stream_send(struct http_request *r, const void *data, size_t len);
void http_stream_end(struct http_request *r);
