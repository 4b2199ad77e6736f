/* SPDX-License-Identifier: Apache-2.0 */
#include "core/io/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/io/daemon.h"

static const struct scheme {
	const char *prefix;
	enum target_kind kind;
	bool passive;
} schemes[] = {
	{ "unix:", TARGET_UNIX, false }, { "punix:", TARGET_UNIX, true },
	{ "tcp:", TARGET_TCP, false },   { "ptcp:", TARGET_TCP, true },
	{ "ssl:", TARGET_TLS, false },   { "pssl:", TARGET_TLS, true },
};

static int parse_port(const char *text, size_t len, struct target *t, struct error *err)
{
	unsigned int port = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' || i >= 5)
			port = 65536;
		else
			port = port * 10 + (unsigned int)(text[i] - '0');
	}
	if (!len || port > 65535 || (!port && !t->passive))
		return error_set(err, EINVAL, NULL, "\"%.*s\" is not a port (1 to 65535)",
				 (int)MIN(len, 64), text);
	t->port = (uint16_t)port;
	t->has_port = true;
	return 0;
}

/* Takes HOST or [HOST] from the front; returns what follows, or NULL and *err. */
static const char *parse_host(const char *text, struct target *t, struct error *err)
{
	const char *start = text, *end, *next;

	if (*text == '[') {
		start++;
		end = strchr(start, ']');
		if (!end) {
			(void)error_set(err, EINVAL, NULL, "missing \"]\" after IPv6 address");
			return NULL;
		}
		next = end + 1;
	} else {
		end = next = text + strcspn(text, ":");
	}
	if (*next && *next != ':') {
		(void)error_set(err, EINVAL, NULL, "\"%.64s\" follows the address", next);
		return NULL;
	}
	if ((size_t)(end - start) >= sizeof(t->host)) {
		(void)error_set(err, EINVAL, NULL, "host name is longer than 255 bytes");
		return NULL;
	}
	memcpy(t->host, start, (size_t)(end - start));
	t->host[end - start] = '\0';
	return next;
}

/* HOST[:PORT] */
static int parse_active(const char *rest, struct target *t, struct error *err)
{
	const char *next = parse_host(rest, t, err);

	if (!next)
		return -EINVAL;
	if (!t->host[0])
		return error_set(err, EINVAL, NULL, "a host name or address must be named");
	return *next ? parse_port(next + 1, strlen(next + 1), t, err) : 0;
}

/* [PORT][:HOST] */
static int parse_passive(const char *rest, struct target *t, struct error *err)
{
	size_t len = strcspn(rest, ":");
	int rc = len ? parse_port(rest, len, t, err) : 0;
	const char *next;

	if (rc || !rest[len])
		return rc;
	next = parse_host(rest + len + 1, t, err);
	if (!next)
		return -EINVAL;
	if (*next)
		return error_set(err, EINVAL, NULL, "\"%.64s\" follows the address", next);
	return 0;
}

static int parse_inet(const char *rest, uint16_t default_port, struct target *t, struct error *err)
{
	int rc = t->passive ? parse_passive(rest, t, err) : parse_active(rest, t, err);

	if (rc || t->has_port)
		return rc;
	if (!default_port)
		return error_set(err, EINVAL, NULL, "a port must be named");
	t->port = default_port;
	t->has_port = true;
	return 0;
}

static int parse_unix(const char *rest, struct target *t, struct error *err)
{
	if (!*rest)
		return error_set(err, EINVAL, NULL, "a path must be named");
	t->path = dir_file(dir_run(), rest);
	return 0;
}

int target_parse(const char *text, uint16_t default_port, struct target *t, struct error *err)
{
	int rc;

	*t = (struct target){ .path = NULL };
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t n = strlen(schemes[i].prefix);

		if (strncmp(text, schemes[i].prefix, n) != 0)
			continue;
		t->kind = schemes[i].kind;
		t->passive = schemes[i].passive;
		rc = t->kind == TARGET_UNIX ? parse_unix(text + n, t, err)
					    : parse_inet(text + n, default_port, t, err);
		if (rc)
			(void)error_wrap(err, "%.200s", text);
		return rc;
	}
	return error_set(
		err, EINVAL, NULL,
		"%.200s: not a connection method (unix:, tcp:, ssl:, punix:, ptcp:, pssl:)", text);
}

void target_done(struct target *t)
{
	free(t->path);
	t->path = NULL;
}
