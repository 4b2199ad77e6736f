/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/ctl.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/counter.h"
#include "core/base/list.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/base/xalloc.h"
#include "core/io/ctl_priv.h"
#include "core/io/daemon.h"
#include "core/io/loop.h"
#include "core/io/rpc.h"
#include "core/io/stream.h"

LOG_MODULE("ctl");

#define MAX_CLIENTS 128
#define MAX_ARGS 4096
#define MAX_MESSAGE (16u << 20)
#define FLUSH_NS NSEC_PER_SEC
#define TICK_NS (5 * NSEC_PER_SEC)

struct command {
	char *name, *usage; /* owned */
	int min_args, max_args;
	ctl_fn *fn;
	void *aux;
};

struct ctl {
	struct loop *loop;
	struct stream_listener *listener; /* owned */
	char *path;                       /* owned */
	struct command *commands;         /* owned, by name */
	size_t n_commands, cap_commands;
	struct cds_list_head clients;
	struct loop_timer *tick; /* for the rates of coverage/show */
};

struct client {
	struct cds_list_head node;
	struct ctl *ctl;
	struct rpc *rpc;          /* owned */
	struct ctl_conn *request; /* the one that waits; owned by who will answer it */
};

struct ctl_conn {
	struct client *client;  /* NULL: it has gone */
	struct json_object *id; /* counted */
};

/* ---- Registry ----------------------------------------------------------------------------- */

/* Where `name` is or would be. */
static size_t find(const struct ctl *c, const char *name, bool *found)
{
	size_t i = 0;

	while (i < c->n_commands && strcmp(c->commands[i].name, name) < 0)
		i++;
	*found = i < c->n_commands && !strcmp(c->commands[i].name, name);
	return i;
}

static void free_command(struct command *cmd)
{
	free(cmd->name);
	free(cmd->usage);
}

void ctl_register(struct ctl *c, const char *name, const char *usage, int min_args, int max_args,
		  ctl_fn *fn, void *aux)
{
	bool found;
	size_t i = find(c, name, &found);

	if (found) {
		free_command(&c->commands[i]);
	} else {
		if (c->n_commands == c->cap_commands)
			c->commands = xgrow(c->commands, &c->cap_commands, c->n_commands + 1,
					    sizeof(*c->commands));
		memmove(&c->commands[i + 1], &c->commands[i],
			(c->n_commands - i) * sizeof(*c->commands));
		c->n_commands++;
	}
	c->commands[i] = (struct command){ .name = xstrdup(name),
					   .usage = xstrdup(usage),
					   .min_args = min_args,
					   .max_args = max_args,
					   .fn = fn,
					   .aux = aux };
}

void ctl_register_all(struct ctl *c, const struct ctl_command *commands, size_t n, void *aux)
{
	for (size_t i = 0; i < n; i++)
		ctl_register(c, commands[i].name, commands[i].usage, commands[i].min_args,
			     commands[i].max_args, commands[i].fn, aux);
}

void ctl_unregister(struct ctl *c, const char *name)
{
	bool found;
	size_t i = find(c, name, &found);

	if (!found)
		return;
	free_command(&c->commands[i]);
	c->n_commands--;
	memmove(&c->commands[i], &c->commands[i + 1], (c->n_commands - i) * sizeof(*c->commands));
}

void ctl_list_commands(const struct ctl *c, struct str *out)
{
	str_puts(out, "The available commands are:\n");
	for (size_t i = 0; i < c->n_commands; i++)
		str_printf(out, "  %-23s %s\n", c->commands[i].name, c->commands[i].usage);
}

/* ---- Requests ----------------------------------------------------------------------------- */

static void answer(struct ctl_conn *conn, const char *text, bool is_error)
{
	struct client *cl = conn->client;
	struct str body = STR_INIT;
	struct json_object *value;
	int rc;

	str_puts(&body, text ? text : "");
	if (body.len && body.s[body.len - 1] != '\n')
		str_putc(&body, '\n');
	value = json_object_new_string_len(str_cstr(&body), (int)body.len);
	str_done(&body);
	if (cl) {
		cl->request = NULL;
		rc = is_error ? rpc_error(cl->rpc, conn->id, value)
			      : rpc_reply(cl->rpc, conn->id, value);
		if (rc)
			log_warn_rl("%s: cannot send a reply (%s)", rpc_name(cl->rpc),
				    strerrordesc_np(-rc));
		rpc_pause(cl->rpc, false);
	} else {
		json_object_put(value);
	}
	json_object_put(conn->id);
	free(conn);
}

void ctl_reply(struct ctl_conn *conn, const char *text)
{
	answer(conn, text, false);
}

void ctl_reply_error(struct ctl_conn *conn, const char *text)
{
	answer(conn, text, true);
}

static void refuse(struct ctl_conn *conn, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void refuse(struct ctl_conn *conn, const char *fmt, ...)
{
	struct str text = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&text, fmt, ap);
	va_end(ap);
	ctl_reply_error(conn, str_cstr(&text));
	str_done(&text);
}

static void call(struct ctl_conn *conn, const struct command *cmd, struct json_object *params,
		 int n_args)
{
	const char **argv = xcalloc((size_t)n_args + 2, sizeof(*argv));
	char *name = xstrdup(cmd->name); /* the command may unregister itself */
	bool strings = true;

	argv[0] = name;
	for (int i = 0; i < n_args; i++) {
		struct json_object *arg = json_object_array_get_idx(params, (size_t)i);

		if (!json_object_is_type(arg, json_type_string))
			strings = false;
		argv[i + 1] = json_object_get_string(arg);
	}
	if (strings)
		cmd->fn(conn, n_args + 1, argv, cmd->aux);
	else
		refuse(conn, "\"%s\" command takes strings only", name);
	free(argv);
	free(name);
}

static void dispatch(struct ctl_conn *conn, const struct ctl *c, const char *method,
		     struct json_object *params)
{
	size_t n_args = json_object_array_length(params), i;
	const struct command *cmd;
	bool found;

	i = find(c, method, &found);
	if (!found) {
		refuse(conn,
		       "\"%s\" is not a valid command (use \"list-commands\" to see a list of "
		       "valid commands)",
		       method);
		return;
	}
	cmd = &c->commands[i];
	if (n_args > MAX_ARGS || (cmd->max_args >= 0 && n_args > (size_t)cmd->max_args))
		refuse(conn, "\"%s\" command takes at most %d arguments", method,
		       cmd->max_args >= 0 ? cmd->max_args : MAX_ARGS);
	else if (n_args < (size_t)cmd->min_args)
		refuse(conn, "\"%s\" command requires at least %d arguments", method,
		       cmd->min_args);
	else
		call(conn, cmd, params, (int)n_args);
}

COUNTER_DEFINE(unixctl_received);

static void on_message(struct rpc *r, const struct rpc_msg *m, void *arg)
{
	struct client *cl = arg;
	struct ctl_conn *conn;

	if (m->kind != RPC_REQUEST) {
		log_warn_rl("%s: not a request; ignored", rpc_name(r));
		return;
	}
	counter_inc(unixctl_received);
	log_dbg("received request %s", m->method);
	conn = xzalloc(sizeof(*conn));
	conn->client = cl;
	conn->id = json_object_get(m->id);
	cl->request = conn;
	rpc_pause(r, true); /* one after the other; answer() goes on */
	dispatch(conn, cl->ctl, m->method, m->params);
}

static void free_client(struct client *cl, uint64_t flush_ns)
{
	if (cl->request)
		cl->request->client = NULL;
	rpc_free_flushed(cl->rpc, flush_ns);
	cds_list_del(&cl->node);
	free(cl);
}

static void on_close(struct rpc *r UNUSED, const struct error *why, void *arg)
{
	if (why->code)
		log_dbg("%s", why->cause);
	free_client(arg, 0);
}

static void on_accept(struct stream *s, void *arg)
{
	static const struct rpc_limits limits = { .depth = 8,
						  .message_bytes = MAX_MESSAGE,
						  .values = 2 * MAX_ARGS };
	static const struct rpc_cb cb = { .on_message = on_message, .on_close = on_close };
	struct client *cl = xzalloc(sizeof(*cl));
	struct ctl *c = arg;

	cl->ctl = c;
	cds_list_add_tail(&cl->node, &c->clients);
	cl->rpc = rpc_new(s, &limits, &cb, cl);
}

/* ---- The server --------------------------------------------------------------------------- */

static void tick(void *arg UNUSED)
{
	counter_tick();
}

static bool open_socket(struct ctl *c, struct error *err)
{
	struct stream_options opt = { .max_streams = MAX_CLIENTS, .unix_mode = 0750 };
	char *target = xasprintf("punix:%s", c->path);

	c->listener = stream_listen(c->loop, target, &opt, on_accept, c, err);
	free(target);
	return c->listener != NULL;
}

struct ctl *ctl_new(struct loop *l, const char *path, struct error *err)
{
	struct ctl *c = xzalloc(sizeof(*c));

	c->loop = l;
	CDS_INIT_LIST_HEAD(&c->clients);
	c->path = path ? dir_file(dir_run(), path)
		       : xasprintf("%s/%s.%ld.ctl", dir_run(), daemon_program(), (long)getpid());
	c->tick = loop_timer_new(l, tick, NULL);
	loop_timer_every(c->tick, TICK_NS);
	if (!open_socket(c, err)) {
		ctl_free(c);
		return NULL;
	}
	ctl_register_builtins(c);
	return c;
}

void ctl_free(struct ctl *c)
{
	struct client *cl, *next;

	if (!c)
		return;
	cds_list_for_each_entry_safe (cl, next, &c->clients, node)
		free_client(cl, FLUSH_NS);
	stream_listener_free(c->listener);
	loop_timer_free(c->tick);
	for (size_t i = 0; i < c->n_commands; i++)
		free_command(&c->commands[i]);
	free(c->commands);
	free(c->path);
	free(c);
}

const char *ctl_path(const struct ctl *c)
{
	return c->path;
}

struct loop *ctl_loop(struct ctl *c)
{
	return c->loop;
}
