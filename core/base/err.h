/* SPDX-License-Identifier: Apache-2.0 */
/* Errors that a person or a controller reads.
 *
 * A function returns 0 (or a count) or a negative errno; where the reason matters it also takes a
 * last `struct error *err` (may be NULL).  The struct is plain storage owned by the caller: nothing
 * to free, and valid after the function that filled it has returned.  The first cause wins:
 * error_set() on an error that is already set keeps the older message, error_wrap() puts context in
 * front of it. */
#pragma once

#include "core/base/types.h"

struct error {
	int code;        /* positive errno; 0 = nothing set */
	char field[64];  /* the column, field, key, file:line or action at fault; "" when not one
			    place */
	char cause[320]; /* one sentence, no full stop, says what is wrong and what to do */
};

#define ERROR_INIT                                                                                 \
	{                                                                                          \
		0, "", ""                                                                          \
	}

/* Fills *err (when not NULL and not set yet) and returns -code, so that `return error_set(err,
 * EINVAL, "in_port", "…")` reads as one step.  `field` may be NULL. */
int error_set(struct error *err, int code, const char *field, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* Puts "context: " before the cause, truncating at the end.  Returns -err->code (-EIO when err is
 * NULL). */
int error_wrap(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "field: cause", or the errno's text when nothing was said.  Returns err's own storage or a static
 * string. */
const char *error_text(const struct error *err, char *buf, size_t size);
void error_clear(struct error *err);
