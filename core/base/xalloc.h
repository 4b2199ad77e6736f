/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that cannot fail: out of memory ends the process with a message.  Sizes come from our
 * own structs and from lengths that a boundary has already limited, never straight from a peer. */
#pragma once

#include "core/base/types.h"

/* For a program that holds megaflows, before its first thread.  A heap for each thread grows by a
 * system call a page, and megaflows are made by one thread and freed by another: one heap that
 * grows in large steps is quicker and smaller. */
void heap_set_up(void);

void *xmalloc(size_t n) __attribute__((malloc, returns_nonnull));
void *xzalloc(size_t n) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t n) __attribute__((returns_nonnull));
void *xmemdup(const void *p, size_t n) __attribute__((malloc, returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((malloc, returns_nonnull));
/* Aligned to a cache line and padded to whole lines; free() frees it. */
void *xzalloc_cacheline(size_t n) __attribute__((malloc, returns_nonnull));

/* Doubles *cap (at least to `need`) elements of `size` bytes. */
void *xgrow(void *p, size_t *cap, size_t need, size_t size) __attribute__((returns_nonnull));
