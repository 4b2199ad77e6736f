/* SPDX-License-Identifier: Apache-2.0 */
/* JSON-RPC 1.0 over a stream: the framing of RFC 7047 section 4.
 *
 * Messages are JSON objects one after the other with nothing needed between them; one may come in
 * many reads and many in one.  Parsing is incremental (json-c) and strict: UTF-8 must be valid,
 * depth, message size and write backlog have limits, and anything malformed closes that connection
 * alone with a reason.  A string that holds U+0000 is refused: no database value or command may
 * carry one.
 *
 * Values are json-c objects, counted.  What goes into a call named `…(take)` is consumed, also when
 * the call fails.  All calls and callbacks on the loop's thread; no callback comes from inside a
 * call of the owner. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

struct json_object;
struct rpc;
struct stream;

enum rpc_kind { RPC_REQUEST, RPC_NOTIFY, RPC_REPLY, RPC_ERROR };

/* A message, borrowed until the callback returns (json_object_get() to keep a part). */
struct rpc_msg {
	enum rpc_kind kind;
	const char *method;         /* request, notify */
	struct json_object *params; /* request, notify: an array */
	struct json_object *result; /* reply (may be JSON null, which json-c holds as NULL) */
	struct json_object *error;  /* error: not null */
	struct json_object *id;     /* request, reply, error: any non-null JSON value */
};

struct rpc_cb {
	void (*on_message)(struct rpc *r, const struct rpc_msg *m, void *arg);
	/* The backlog has gone under the stream's low mark.  May be NULL. */
	void (*on_drain)(struct rpc *r, void *arg);
	/* Over: the peer closed (why->code 0), the socket failed, or the peer broke the rules
	 * (EPROTO). Nothing comes after it; the owner calls rpc_free() then or later. */
	void (*on_close)(struct rpc *r, const struct error *why, void *arg);
};

struct rpc_limits {
	unsigned int depth;   /* nesting of a message; 0: 64 */
	size_t message_bytes; /* 0: 64 MiB */
	size_t values;        /* in a message, about (commas and brackets); 0: 4 Mi */
};

/* Takes the stream (connected or connecting); `limits` may be NULL; `cb` is borrowed for r's life.
 */
struct rpc *rpc_new(struct stream *s, const struct rpc_limits *limits, const struct rpc_cb *cb,
		    void *arg);
void rpc_free(struct rpc *r); /* closes at once; NULL is fine */
/* Sends what is queued for at most max_ns, then closes; r is gone for the caller. */
void rpc_free_flushed(struct rpc *r, uint64_t max_ns);

/* Each: 0, -ENOBUFS (backlog limit: the peer does not keep up), -ENOTCONN. */
/* *id (may be NULL) is the id that the reply will carry, an integer. */
int rpc_request(struct rpc *r, const char *method, struct json_object *params /* take */,
		uint64_t *id);
int rpc_notify(struct rpc *r, const char *method, struct json_object *params /* take */);
int rpc_reply(struct rpc *r, struct json_object *id /* borrowed */,
	      struct json_object *result /* take */);
int rpc_error(struct rpc *r, struct json_object *id /* borrowed */,
	      struct json_object *error /* take */);
/* A message made once for many receivers: complete JSON text, copied. */
int rpc_send_text(struct rpc *r, const char *text, size_t len);

/* Stops (starts) reading and delivering messages, also those of a read already made. */
void rpc_pause(struct rpc *r, bool pause);
size_t rpc_backlog(const struct rpc *r);
const char *rpc_name(const struct rpc *r); /* the peer's, for logs */
struct stream *rpc_stream(struct rpc *r);  /* borrowed */

/* ---- Without a stream: the parser alone (tests, fuzzing, blocking clients) ------------------ */

struct rpc_parser;
struct rpc_parser *rpc_parser_new(const struct rpc_limits *limits);
void rpc_parser_free(struct rpc_parser *p);
/* Consumes bytes up to the end of the next value and hands it out: 1 and *ret (owned by the
 * caller), 0 when more bytes are needed, -EPROTO and *err for good.  *used says how many bytes it
 * took. */
int rpc_parser_feed(struct rpc_parser *p, const void *data, size_t n, size_t *used,
		    struct json_object **ret, struct error *err);
/* Reads a value as a message; the members are borrowed from `value`.  0, or -EPROTO and *err. */
int rpc_msg_parse(struct json_object *value, struct rpc_msg *msg, struct error *err);
