/* SPDX-License-Identifier: Apache-2.0 */
/* The text that names a peer or a listener, taken apart (ovsdb(7), "Connection methods").
 *
 * unix:PATH  tcp:HOST[:PORT]  ssl:HOST[:PORT]  punix:PATH  ptcp:[PORT][:HOST]  pssl:[PORT][:HOST]
 * A HOST that is an IPv6 address stands in brackets.  A PATH that is not absolute is below the run
 * directory.  Pure; any thread. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

enum target_kind { TARGET_UNIX, TARGET_TCP, TARGET_TLS };

struct target {
	enum target_kind kind;
	bool passive;
	bool has_port;
	uint16_t port;
	char host[256]; /* "" : any (passive only) */
	char *path;     /* owned; unix only */
};

/* `default_port` 0: a port must be named.  0, or -EINVAL and *err with t left empty. */
int target_parse(const char *text, uint16_t default_port, struct target *t,
		 struct error *err) MUST_CHECK;
void target_done(struct target *t);
