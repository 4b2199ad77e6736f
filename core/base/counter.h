/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of events, by name, for coverage/show: how often did this happen, and how fast now?
 *
 *	COUNTER_DEFINE(upcall_queue_full);
 *	...
 *	counter_inc(upcall_queue_full);
 *
 * Each thread adds in memory of its own (one load and one store, no lock, no shared line), so
 *packet workers may count; a read adds the threads' shares up.  What a thread counted stays when it
 *ends. At most COUNTER_MAX counters.  Counting: any thread.  counter_tick(): one thread, each 5 s.
 */
#pragma once

#include "core/base/types.h"

#define COUNTER_MAX 1024

struct counter {
	const char *name;
	struct counter *next; /* registry, by name */
	uint32_t id;
	uint64_t last;           /* at the last tick */
	uint32_t per_tick[12];   /* a minute, in 5 s steps, newest at tick % 12 */
	uint64_t per_minute[60]; /* an hour */
};

struct counter_shard {
	uint64_t v[COUNTER_MAX]; /* by counter id; written by one thread, __atomic */
	struct counter_shard *next;
};

extern __thread struct counter_shard *counter_shard; /* NULL until the thread counts */

void counter_register(struct counter *c);
struct counter_shard *counter_shard_new(void); /* this thread's */

#define COUNTER_DEFINE(NAME)                                                                       \
	static struct counter counter_##NAME = { .name = #NAME };                                  \
	static void __attribute__((constructor)) counter_register_##NAME(void)                     \
	{                                                                                          \
		counter_register(&counter_##NAME);                                                 \
	}                                                                                          \
	struct counter_semicolon_##NAME

static inline void counter_bump(const struct counter *c, uint64_t n)
{
	struct counter_shard *s = counter_shard;
	uint64_t old;

	if (unlikely(!s))
		s = counter_shard_new();
	old = __atomic_load_n(&s->v[c->id], __ATOMIC_RELAXED);
	__atomic_store_n(&s->v[c->id], old + n, __ATOMIC_RELAXED);
}

#define counter_add(NAME, N) counter_bump(&counter_##NAME, (N))
#define counter_inc(NAME) counter_bump(&counter_##NAME, 1)

uint64_t counter_read(const struct counter *c);
/* By name, over all counters of that name; false: there is none. */
bool counter_find(const char *name, uint64_t *ret_total);
void counter_each(void (*fn)(const char *name, uint64_t total, void *arg), void *arg);

/* The end of a 5 s step: rates are of whole steps. */
void counter_tick(void);
struct str;
/* The table of coverage/show: name, rate over 5 s, a minute, an hour, total; counters that never
 * counted are only counted themselves. */
void counter_show(struct str *out);
