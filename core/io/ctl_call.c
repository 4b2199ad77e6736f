/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of a control socket: one blocking call. */
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "core/io/ctl.h"
#include "core/io/daemon.h"
#include "core/io/pidfile.h"
#include "core/io/rpc.h"
#include "core/io/unix_sock.h"

/* Waits until fd is ready; `deadline` UINT64_MAX: for ever. */
static int wait_for(int fd, short events, uint64_t deadline, struct error *err)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now;
	int rc, ms;

	do {
		now = clock_mono_ns();
		if (now >= deadline)
			return error_set(err, ETIMEDOUT, NULL, "no answer in time");
		ms = deadline == UINT64_MAX
			     ? -1
			     : (int)MIN((deadline - now) / NSEC_PER_MSEC + 1, 1000000);
		rc = poll(&p, 1, ms);
	} while (rc == 0 || (rc < 0 && errno == EINTR));
	return rc < 0 ? error_set(err, errno, NULL, "%s", strerrordesc_np(errno)) : 0;
}

static int connect_by(const char *path, uint64_t deadline, struct error *err)
{
	int fd = unix_sock_connect(path, true, err);

	/* A server whose queue is full gets a moment. */
	while (fd == -EAGAIN && clock_mono_ns() < deadline) {
		error_clear(err);
		(void)poll(NULL, 0, 10);
		fd = unix_sock_connect(path, true, err);
	}
	return fd;
}

static int write_by(int fd, const char *s, size_t n, uint64_t deadline, struct error *err)
{
	while (n) {
		ssize_t done = write(fd, s, n);

		if (done >= 0) {
			s += done;
			n -= (size_t)done;
		} else if (errno == EAGAIN) {
			int rc = wait_for(fd, POLLOUT, deadline, err);

			if (rc)
				return rc;
		} else if (errno != EINTR) {
			return error_set(err, errno, NULL, "cannot send (%s)",
					 strerrordesc_np(errno));
		}
	}
	return 0;
}

static int send_call(int fd, const struct ctl_request *req, uint64_t deadline, struct error *err)
{
	struct json_object *msg = json_object_new_object(), *params = json_object_new_array();
	const char *text;
	size_t len;
	int rc = 0;

	for (int i = 0; i < req->argc; i++)
		rc |= json_object_array_add(params, json_object_new_string(req->argv[i]));
	rc |= json_object_object_add(msg, "id", json_object_new_int(0));
	rc |= json_object_object_add(msg, "method", json_object_new_string(req->command));
	rc |= json_object_object_add(msg, "params", params);
	text = json_object_to_json_string_length(msg, JSON_C_TO_STRING_PLAIN, &len);
	if (rc || !text)
		abort(); /* out of memory */
	rc = write_by(fd, text, len, deadline, err);
	json_object_put(msg);
	return rc;
}

/* The next message; owned by the caller. */
static int read_message(int fd, struct rpc_parser *p, uint64_t deadline, struct json_object **ret,
			struct error *err)
{
	uint8_t data[65536];
	size_t used;
	int rc = 0;

	while (!rc) {
		ssize_t n = read(fd, data, sizeof(data));

		if (n > 0)
			rc = rpc_parser_feed(p, data, (size_t)n, &used, ret, err);
		else if (!n)
			rc = error_set(err, ECONNRESET, NULL, "closed without an answer");
		else if (errno == EAGAIN)
			rc = wait_for(fd, POLLIN, deadline, err);
		else if (errno != EINTR)
			rc = error_set(err, errno, NULL, "cannot receive (%s)",
				       strerrordesc_np(errno));
	}
	return rc < 0 ? rc : 0;
}

static int take_answer(struct json_object *value, char **ret_result, char **ret_error,
		       struct error *err)
{
	struct json_object *body;
	struct rpc_msg msg;
	int rc = rpc_msg_parse(value, &msg, err);

	if (rc)
		return rc;
	if (msg.kind != RPC_REPLY && msg.kind != RPC_ERROR)
		return error_set(err, EPROTO, NULL, "the answer is not a reply");
	body = msg.kind == RPC_REPLY ? msg.result : msg.error;
	if (body && !json_object_is_type(body, json_type_string))
		return error_set(err, EPROTO, NULL, "the answer is not a string");
	if (msg.kind == RPC_ERROR) {
		*ret_error = xstrdup(json_object_get_string(body));
		return -EREMOTEIO;
	}
	*ret_result = xstrdup(body ? json_object_get_string(body) : "");
	return 0;
}

static int receive_answer(int fd, uint64_t deadline, char **ret_result, char **ret_error,
			  struct error *err)
{
	const struct rpc_limits limits = { .message_bytes = (size_t)1 << 30 };
	struct rpc_parser *p = rpc_parser_new(&limits);
	struct json_object *value = NULL;
	int rc = read_message(fd, p, deadline, &value, err);

	if (!rc) {
		rc = take_answer(value, ret_result, ret_error, err);
		json_object_put(value);
	}
	rpc_parser_free(p);
	return rc;
}

int ctl_call(const char *path, const struct ctl_request *req, char **ret_result, char **ret_error,
	     struct error *err)
{
	uint64_t deadline = req->timeout_ns ? clock_mono_ns() + req->timeout_ns : UINT64_MAX;
	int fd, rc;

	*ret_result = *ret_error = NULL;
	fd = connect_by(path, deadline, err);
	if (fd < 0)
		return fd;
	rc = send_call(fd, req, deadline, err);
	if (!rc)
		rc = receive_answer(fd, deadline, ret_result, ret_error, err);
	close(fd);
	if (rc && rc != -EREMOTEIO)
		(void)error_wrap(err, "%.200s", path);
	return rc;
}

int ctl_find(const char *target, char **ret_path, struct error *err)
{
	char *name, *pidfile;
	int pid;

	if (target[0] == '/') {
		*ret_path = xstrdup(target);
		return 0;
	}
	name = xasprintf("%s.pid", target);
	pidfile = dir_file(dir_run(), name);
	pid = pidfile_read(pidfile);
	if (pid < 0)
		(void)error_set(err, -pid, NULL, "%.250s: %s", pidfile,
				pid == -ESRCH ? "its process does not run any more"
					      : strerrordesc_np(-pid));
	else
		*ret_path = xasprintf("%s/%s.%d.ctl", dir_run(), target, pid);
	free(name);
	free(pidfile);
	return MIN(pid, 0);
}
