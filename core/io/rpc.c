/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/rpc.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "core/io/loop.h"
#include "core/io/stream.h"
#include "core/io/stream_priv.h"

#define BATCH 64 /* messages of one peer in a turn, so that others get theirs */

struct rpc {
	struct stream *stream;     /* owned; NULL when it is over */
	struct loop *loop;         /* borrowed for life */
	struct rpc_parser *parser; /* owned */
	const struct rpc_cb *cb;
	void *arg;
	char *name; /* owned */
	uint64_t last_id;
	bool paused, over, freed;
	bool delivering;  /* in process(): rpc_free() must leave the memory to it */
	bool again;       /* process() is deferred */
	struct error why; /* for on_close, when we end it ourselves */
};

static void process(void *arg);

static void release(struct rpc *r)
{
	rpc_parser_free(r->parser);
	free(r->name);
	free(r);
}

static void call_close(void *arg)
{
	struct rpc *r = arg;
	struct error why = r->why;

	r->cb->on_close(r, &why, r->arg);
}

/* The peer has broken the rules: nothing of it is read any more. */
static void give_up(struct rpc *r, const struct error *why)
{
	r->over = true;
	r->why = *why;
	(void)error_wrap(&r->why, "%.150s", r->name);
	stream_free(r->stream);
	r->stream = NULL;
	loop_defer(r->loop, call_close, r);
}

static int deliver(struct rpc *r, struct json_object *value, struct error *err)
{
	struct rpc_msg msg;
	int rc = rpc_msg_parse(value, &msg, err);

	if (!rc)
		r->cb->on_message(r, &msg, r->arg);
	json_object_put(value);
	return rc;
}

/* Feeds the bytes that lie in one piece.  1: a message was delivered, 0: none was there, or
 * -EPROTO.
 */
static int process_piece(struct rpc *r, struct error *err)
{
	struct json_object *value = NULL;
	const uint8_t *data;
	size_t n, used;
	int rc;

	while ((data = stream_peek_piece(r->stream, &n)) != NULL) {
		rc = rpc_parser_feed(r->parser, data, n, &used, &value, err);
		stream_drain(r->stream, used);
		if (rc < 0)
			return rc;
		if (rc) {
			rc = deliver(r, value, err);
			return rc < 0 ? rc : 1;
		}
	}
	return 0;
}

static void process_later(struct rpc *r)
{
	if (r->again)
		return;
	r->again = true;
	loop_defer(r->loop, process, r);
}

/* Delivers up to `max` messages.  False: the owner has freed r meanwhile. */
static bool process_some(struct rpc *r, unsigned int max, int *rc, struct error *err)
{
	r->delivering = true;
	for (*rc = 1; *rc > 0 && max && !r->freed && !r->over && !r->paused; max--)
		*rc = process_piece(r, err);
	r->delivering = false;
	if (!r->freed)
		return true;
	release(r);
	return false;
}

static void process(void *arg)
{
	struct error err = ERROR_INIT;
	struct rpc *r = arg;
	int rc;

	r->again = false;
	if (!process_some(r, BATCH, &rc, &err))
		return;
	if (rc < 0)
		give_up(r, &err);
	else if (rc > 0 && !r->paused)
		process_later(r);
}

static void on_read(struct stream *s UNUSED, void *arg)
{
	struct rpc *r = arg;

	if (!r->again)
		process(r);
}

static void on_drain(struct stream *s UNUSED, void *arg)
{
	struct rpc *r = arg;

	if (r->cb->on_drain)
		r->cb->on_drain(r, r->arg);
}

static void on_close(struct stream *s UNUSED, const struct error *why, void *arg)
{
	struct error err = ERROR_INIT;
	struct rpc *r = arg;
	int rc;

	/* What it said before it left still counts. */
	loop_defer_cancel(r->loop, process, r);
	if (!process_some(r, UINT_MAX, &rc, &err))
		return;
	r->over = true;
	r->cb->on_close(r, why, r->arg);
}

static const struct stream_cb stream_callbacks = {
	.on_read = on_read,
	.on_drain = on_drain,
	.on_close = on_close,
};

struct rpc *rpc_new(struct stream *s, const struct rpc_limits *limits, const struct rpc_cb *cb,
		    void *arg)
{
	struct rpc *r = xzalloc(sizeof(*r));

	r->stream = s;
	r->loop = s->loop;
	r->parser = rpc_parser_new(limits);
	r->cb = cb;
	r->arg = arg;
	r->name = xstrdup(stream_name(s));
	stream_set_cb(s, &stream_callbacks, r);
	return r;
}

void rpc_free_flushed(struct rpc *r, uint64_t max_ns)
{
	if (!r)
		return;
	loop_defer_cancel(r->loop, process, r);
	loop_defer_cancel(r->loop, call_close, r);
	stream_free_flushed(r->stream, max_ns);
	r->stream = NULL;
	if (r->delivering)
		r->freed = true;
	else
		release(r);
}

void rpc_free(struct rpc *r)
{
	rpc_free_flushed(r, 0);
}

void rpc_pause(struct rpc *r, bool pause)
{
	if (r->over || r->paused == pause)
		return;
	r->paused = pause;
	stream_pause(r->stream, pause);
	if (!pause && stream_readable(r->stream))
		process_later(r);
}

/* ---- Sending ------------------------------------------------------------------------------ */

int rpc_send_text(struct rpc *r, const char *text, size_t len)
{
	return r->over ? -ENOTCONN : stream_write(r->stream, text, len);
}

static int send_object(struct rpc *r, struct json_object *msg /* take */)
{
	size_t len;
	const char *text = json_object_to_json_string_length(
		msg, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	int rc = text ? rpc_send_text(r, text, len) : -ENOMEM;

	json_object_put(msg);
	return rc;
}

/* Takes `value`. */
static void put(struct json_object *msg, const char *name, struct json_object *value)
{
	if (json_object_object_add_ex(msg, name, value,
				      JSON_C_OBJECT_ADD_KEY_IS_NEW |
					      JSON_C_OBJECT_ADD_CONSTANT_KEY))
		abort(); /* out of memory */
}

static int send_call(struct rpc *r, const char *method, struct json_object *params,
		     struct json_object *id)
{
	struct json_object *msg = json_object_new_object();

	put(msg, "id", id);
	put(msg, "method", json_object_new_string(method));
	put(msg, "params", params ? params : json_object_new_array());
	return send_object(r, msg);
}

int rpc_request(struct rpc *r, const char *method, struct json_object *params, uint64_t *id)
{
	uint64_t n = ++r->last_id;

	if (id)
		*id = n;
	return send_call(r, method, params, json_object_new_int64((int64_t)n));
}

int rpc_notify(struct rpc *r, const char *method, struct json_object *params)
{
	return send_call(r, method, params, NULL);
}

static int send_answer(struct rpc *r, struct json_object *id, struct json_object *result,
		       struct json_object *error)
{
	struct json_object *msg = json_object_new_object();

	put(msg, "id", json_object_get(id));
	put(msg, "result", result);
	put(msg, "error", error);
	return send_object(r, msg);
}

int rpc_reply(struct rpc *r, struct json_object *id, struct json_object *result)
{
	return send_answer(r, id, result, NULL);
}

int rpc_error(struct rpc *r, struct json_object *id, struct json_object *error)
{
	return send_answer(r, id, NULL, error);
}

size_t rpc_backlog(const struct rpc *r)
{
	return r->stream ? stream_backlog(r->stream) : 0;
}

const char *rpc_name(const struct rpc *r)
{
	return r->name;
}

struct stream *rpc_stream(struct rpc *r)
{
	return r->stream;
}
