/* SPDX-License-Identifier: Apache-2.0 */
/* Unix stream sockets by path: of any length (sockaddr_un holds 107 bytes; a longer path goes
 * through /proc/self/fd of its directory), with stale files replaced.  Any thread. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

/* A connected socket (close-on-exec; non-blocking if asked), or -errno and *err.  -EAGAIN: the
 * server's queue is full. */
int unix_sock_connect(const char *path, bool nonblock, struct error *err) MUST_CHECK;
/* A listening, non-blocking socket whose file has permissions `mode`, or -errno and *err:
 * -EADDRINUSE when something answers there, or when the file is no socket. */
int unix_sock_listen(const char *path, unsigned int mode, struct error *err) MUST_CHECK;
