/* SPDX-License-Identifier: Apache-2.0 */
/* Pidfiles: taking one, and asking whose it is. */
#pragma once

#include "core/base/err.h"
#include "core/base/types.h"

/* Creates and locks `path` and writes this process into it; the lock lasts as long as the
 * descriptor that is returned, and ends when the process opens and closes the file elsewhere.
 * -EAGAIN: another process holds it (unless `overwrite`); another -errno and *err. */
int pidfile_take(const char *path, bool overwrite, struct error *err) MUST_CHECK;

/* The process that a pidfile names and that holds its lock: > 0; -ENOENT no file, -ESRCH stale. */
int pidfile_read(const char *path);
