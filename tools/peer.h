/* SPDX-License-Identifier: Apache-2.0 */
/* The switch at the other end: finding its control socket and asking it. */
#pragma once

#include "core/base/str.h"
#include "core/base/types.h"

struct args;

/* Asks once.  Returns an exit status (commands.h); EXIT_OK: *ret_text is the answer, the caller's
 * to free; else `why` says what went wrong and, where no switch was reached, what to do about it.
 * Blocks, at most for a->timeout_s. */
int peer_call(const struct args *a, const char *method, int argc, const char *const argv[],
	      char **ret_text, struct str *why);
