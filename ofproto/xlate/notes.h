/* SPDX-License-Identifier: Apache-2.0 */
/* The trace of a translation: one line of text with a depth for each step.  NULL notes cost one
 * test a step. */
#pragma once

#include "core/base/str.h"

struct notes {
	struct str text; /* finished lines */
};

/* A line at `depth` (0: a bridge's or table's headline, deeper: what follows from it).  n may be
 * NULL. */
void note(struct notes *n, unsigned depth, const char *fmt, ...) PRINTF_LIKE(3, 4);
