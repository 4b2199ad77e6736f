/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to messages. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "core/io/json_scan.h"
#include "core/io/rpc.h"

#define DEPTH 64
#define MESSAGE_BYTES (64u << 20)
#define VALUES (4u << 20)
#define PIECE (1u << 20) /* json-c counts in int; what follows a message is scanned once only */

struct rpc_parser {
	struct json_scan scan;
	struct json_tokener *tok; /* owned */
};

static struct json_tokener *new_tokener(unsigned int depth)
{
	/* One more than the scan allows: it is the scan that refuses, in its own words. */
	struct json_tokener *tok = json_tokener_new_ex((int)depth + 1);

	if (!tok)
		abort();
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	return tok;
}

struct rpc_parser *rpc_parser_new(const struct rpc_limits *limits)
{
	static const struct rpc_limits defaults;
	struct rpc_parser *p = xzalloc(sizeof(*p));

	if (!limits)
		limits = &defaults;
	p->scan.max_depth = limits->depth ? MIN(limits->depth, 10000) : DEPTH;
	p->scan.max_bytes = limits->message_bytes ? limits->message_bytes : MESSAGE_BYTES;
	p->scan.max_values = limits->values ? limits->values : VALUES;
	p->tok = new_tokener(p->scan.max_depth);
	return p;
}

void rpc_parser_free(struct rpc_parser *p)
{
	if (!p)
		return;
	json_tokener_free(p->tok);
	free(p);
}

/* `end`: the scan says that the object ends with these bytes; json-c must agree. */
static int tokenize(struct rpc_parser *p, const void *data, size_t n, bool end,
		    struct json_object **ret, struct error *err)
{
	struct json_object *value = json_tokener_parse_ex(p->tok, data, (int)n);
	enum json_tokener_error code = json_tokener_get_error(p->tok);

	if (end && code == json_tokener_success && json_object_is_type(value, json_type_object)) {
		*ret = value;
		json_tokener_reset(p->tok);
		json_scan_reset(&p->scan);
		return 1;
	}
	if (!end && code == json_tokener_continue)
		return 0;
	json_object_put(value);
	return error_set(err, EPROTO, NULL, "malformed JSON: %s",
			 code == json_tokener_continue || code == json_tokener_success
				 ? "brackets do not match"
				 : json_tokener_error_desc(code));
}

int rpc_parser_feed(struct rpc_parser *p, const void *data, size_t n, size_t *used,
		    struct json_object **ret, struct error *err)
{
	const uint8_t *bytes = data;
	const char *why;
	size_t piece;
	int rc;

	*used = 0;
	while (*used < n) {
		rc = json_scan_feed(&p->scan, bytes + *used, MIN(n - *used, PIECE), &piece, &why);
		if (rc < 0)
			return error_set(err, EPROTO, NULL, "malformed JSON: %s", why);
		if (p->scan.in_value)
			rc = tokenize(p, bytes + *used, piece, rc > 0, ret, err);
		*used += piece;
		if (rc)
			return rc;
	}
	return 0;
}

static struct json_object *member(struct json_object *value, const char *name)
{
	struct json_object *m = NULL;

	(void)json_object_object_get_ex(value, name, &m); /* absent and null are the same here */
	return m;
}

static int parse_call(struct json_object *method, struct rpc_msg *msg, struct error *err)
{
	if (!json_object_is_type(method, json_type_string))
		return error_set(err, EPROTO, "method", "must be a string");
	if (!json_object_is_type(msg->params, json_type_array))
		return error_set(err, EPROTO, "params", "must be an array");
	msg->method = json_object_get_string(method);
	msg->kind = msg->id ? RPC_REQUEST : RPC_NOTIFY;
	return 0;
}

/* RFC 7047 section 4: which members a message has says what it is. */
int rpc_msg_parse(struct json_object *value, struct rpc_msg *msg, struct error *err)
{
	struct json_object *method;

	if (!json_object_is_type(value, json_type_object))
		return error_set(err, EPROTO, NULL, "a message must be a JSON object");
	*msg = (struct rpc_msg){
		.params = member(value, "params"),
		.result = member(value, "result"),
		.error = member(value, "error"),
		.id = member(value, "id"),
	};
	method = member(value, "method");
	if (method)
		return parse_call(method, msg, err);
	if (!msg->id)
		return error_set(err, EPROTO, "id", "a reply must have one");
	if (msg->result && msg->error)
		return error_set(err, EPROTO, "error", "a reply has either a result or an error");
	if (!json_object_object_get_ex(value, "result", NULL) && !msg->error)
		return error_set(err, EPROTO, NULL, "neither a method nor a result nor an error");
	msg->kind = msg->error ? RPC_ERROR : RPC_REPLY;
	return 0;
}
