/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket `PROGRAM.PID.ctl` that ovs-appctl(8) speaks to.
 *
 * A request is JSON-RPC: the method is the command, the parameters are strings, the result or error
 * is one string.  Commands are rows of a registry; what every daemon has (list-commands, version,
 * vlog/…, coverage/show, memory/show) is registered by the server itself.
 *
 * A command answers by ctl_reply() or ctl_reply_error(), at once or later from the loop's thread;
 * exactly one of them.  When the client goes away meanwhile the answer is dropped.  Requests of one
 * client are answered in order.  All calls on the loop's thread, but ctl_call(), which blocks and
 * is for client programs. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

struct ctl;
struct ctl_conn; /* one request that waits for its answer */
struct loop;

/* argv[0] is the command; all borrowed until fn returns. */
typedef void ctl_fn(struct ctl_conn *conn, int argc, const char *const argv[], void *aux);

struct ctl_command {
	const char *name;
	const char *usage;      /* the arguments, for list-commands; "" when none */
	int min_args, max_args; /* max_args < 0: no limit */
	ctl_fn *fn;
};

/* Listens at `path`; NULL: PROGRAM.PID.ctl in the run directory.  NULL and *err. */
struct ctl *ctl_new(struct loop *l, const char *path, struct error *err);
void ctl_free(struct ctl *c); /* waiting requests are closed; NULL is fine */
const char *ctl_path(const struct ctl *c);

/* Adds a command; name and usage are copied.  Registering a name again replaces it. */
void ctl_register(struct ctl *c, const char *name, const char *usage, int min_args, int max_args,
		  ctl_fn *fn, void *aux);
/* A table of them, all with one aux. */
void ctl_register_all(struct ctl *c, const struct ctl_command *commands, size_t n, void *aux);
void ctl_unregister(struct ctl *c, const char *name);

/* The answer; conn is gone after it.  `text` may be NULL for nothing; a newline is added to a text
 * that does not end in one. */
void ctl_reply(struct ctl_conn *conn, const char *text);
void ctl_reply_error(struct ctl_conn *conn, const char *text);
struct loop *ctl_loop(struct ctl *c);

struct ctl_request {
	const char *command;
	int argc;
	const char *const *argv;
	uint64_t timeout_ns; /* 0: for ever */
};
/* Calls a command of another process and waits for the answer, at most as long as req says.
 * 0 and *ret_result; -EREMOTEIO and *ret_error, the command's own error; or another -errno and *err
 * when the call itself failed.  Both texts are the caller's to free; the one that does not apply is
 * NULL.  Any thread; blocks. */
int ctl_call(const char *path, const struct ctl_request *req, char **ret_result, char **ret_error,
	     struct error *err) MUST_CHECK;
/* Where a daemon's socket is: `target` is a path when it starts with '/', else a program whose
 * pidfile in the run directory says the process.  0 and *ret_path (owned by the caller), or -errno
 * and *err. */
int ctl_find(const char *target, char **ret_path, struct error *err) MUST_CHECK;
