/* SPDX-License-Identifier: Apache-2.0 */
/* A growing text buffer.  Memory grows by doubling; an allocation failure ends the process (see
 * xalloc.h), so none of these return errors.  Not thread-safe; one owner. */
#pragma once

#include <stdarg.h>

#include "core/base/types.h"

struct str {
	char *s;    /* owned; NUL-terminated whenever not NULL */
	size_t len; /* bytes, without the NUL */
	size_t cap;
};

#define STR_INIT                                                                                   \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

void str_init(struct str *s);
void str_done(struct str *s);
void str_clear(struct str *s); /* keeps the memory */
void str_put(struct str *s, const void *data, size_t n);
void str_puts(struct str *s, const char *text);
void str_putc(struct str *s, char c);
void str_printf(struct str *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void str_vprintf(struct str *s, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* Removes `suffix` from the end when it is there (a trailing separator). */
void str_chomp(struct str *s, const char *suffix);
/* The text, never NULL; borrowed until the next call on s. */
const char *str_cstr(const struct str *s);
/* Hands the text out (free() it) and leaves s empty; never NULL. */
char *str_steal(struct str *s);
