/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/counter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/lock.h"
#include "core/base/str.h"
#include "core/base/xalloc.h"

#define TICK_S 5
#define TICKS_PER_MINUTE 12
#define MINUTES 60

__thread struct counter_shard *counter_shard;

static struct lock counter_lock = LOCK_INIT;
static struct counter *counters GUARDED_BY_STATIC(counter_lock);
static struct counter_shard *shards GUARDED_BY_STATIC(counter_lock);
static uint64_t retired[COUNTER_MAX] GUARDED_BY_STATIC(counter_lock); /* of threads that ended */
static uint32_t n_counters GUARDED_BY_STATIC(counter_lock);
static uint32_t ticks GUARDED_BY_STATIC(counter_lock);

void counter_register(struct counter *c)
{
	struct counter **p = &counters;

	lock_take(&counter_lock);
	assert(n_counters < COUNTER_MAX);
	c->id = n_counters++;
	while (*p && strcmp((*p)->name, c->name) < 0)
		p = &(*p)->next;
	c->next = *p;
	*p = c;
	lock_give(&counter_lock);
}

/* ---- A thread's share --------------------------------------------------------------------- */

static void retire_shard(void *arg)
{
	struct counter_shard *s = arg, **p = &shards;

	lock_take(&counter_lock);
	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	for (uint32_t i = 0; i < n_counters; i++)
		retired[i] += __atomic_load_n(&s->v[i], __ATOMIC_RELAXED);
	lock_give(&counter_lock);
	counter_shard = NULL;
	free(s);
}

static pthread_key_t shard_key;
static pthread_once_t shard_once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
	if (pthread_key_create(&shard_key, retire_shard))
		abort();
}

struct counter_shard *counter_shard_new(void)
{
	struct counter_shard *s = xzalloc_cacheline(sizeof(*s));

	(void)pthread_once(&shard_once, make_key);
	(void)pthread_setspecific(shard_key, s); /* without it the share lives on, still counted */
	lock_take(&counter_lock);
	s->next = shards;
	shards = s;
	lock_give(&counter_lock);
	counter_shard = s;
	return s;
}

/* ---- Reading ------------------------------------------------------------------------------ */

static uint64_t total_of(const struct counter *c) REQUIRES(counter_lock)
{
	uint64_t sum = retired[c->id];

	for (struct counter_shard *s = shards; s; s = s->next)
		sum += __atomic_load_n(&s->v[c->id], __ATOMIC_RELAXED);
	return sum;
}

uint64_t counter_read(const struct counter *c)
{
	uint64_t sum;

	lock_take(&counter_lock);
	sum = total_of(c);
	lock_give(&counter_lock);
	return sum;
}

bool counter_find(const char *name, uint64_t *ret_total)
{
	uint64_t sum = 0;
	bool found = false;

	lock_take(&counter_lock);
	for (struct counter *c = counters; c; c = c->next) {
		if (strcmp(c->name, name) != 0)
			continue;
		found = true;
		sum += total_of(c);
	}
	lock_give(&counter_lock);
	if (found)
		*ret_total = sum;
	return found;
}

void counter_each(void (*fn)(const char *name, uint64_t total, void *arg), void *arg)
{
	const struct counter *c;
	uint64_t total;

	lock_take(&counter_lock);
	c = counters;
	lock_give(&counter_lock);
	/* Counters are never removed, so the list may be walked without the lock. */
	for (; c; c = c->next) {
		total = counter_read(c);
		fn(c->name, total, arg);
	}
}

static void tick(struct counter *c) REQUIRES(counter_lock)
{
	uint64_t now = total_of(c), step = now - c->last, minute = 0;

	c->last = now;
	c->per_tick[ticks % TICKS_PER_MINUTE] = (uint32_t)MIN(step, UINT32_MAX);
	if (ticks % TICKS_PER_MINUTE != TICKS_PER_MINUTE - 1)
		return;
	for (size_t i = 0; i < TICKS_PER_MINUTE; i++)
		minute += c->per_tick[i];
	c->per_minute[ticks / TICKS_PER_MINUTE % MINUTES] = minute;
}

void counter_tick(void)
{
	lock_take(&counter_lock);
	for (struct counter *c = counters; c; c = c->next)
		tick(c);
	ticks++;
	lock_give(&counter_lock);
}

static void show_row(struct str *out, const struct counter *c, uint64_t total)
	REQUIRES(counter_lock)
{
	uint64_t minute = 0, hour = 0, step = 0;

	if (ticks)
		step = c->per_tick[(ticks - 1) % TICKS_PER_MINUTE];
	for (size_t i = 0; i < TICKS_PER_MINUTE; i++)
		minute += c->per_tick[i];
	for (size_t i = 0; i < MINUTES; i++)
		hour += c->per_minute[i];
	str_printf(out, "%-24s %5.1f/sec %9.3f/sec %13.4f/sec   total: %llu\n", c->name,
		   (double)step / TICK_S, (double)minute / (TICK_S * TICKS_PER_MINUTE),
		   (double)hour / (TICK_S * TICKS_PER_MINUTE * MINUTES), (unsigned long long)total);
}

void counter_show(struct str *out)
{
	struct str rows = STR_INIT;
	uint64_t hash = 0, total;
	unsigned int never = 0;

	lock_take(&counter_lock);
	for (const struct counter *c = counters; c; c = c->next) {
		total = total_of(c);
		if (!total) {
			never++;
			continue;
		}
		/* The same events in the same orders of magnitude give the same hash. */
		hash = hash_add64(hash, hash_string(c->name, (uint64_t)__builtin_clzll(total)));
		show_row(&rows, c, total);
	}
	lock_give(&counter_lock);
	str_printf(out,
		   "Event coverage, avg rate over last: %d seconds, last minute, last hour,  "
		   "hash=%08x:\n%s%u events never hit\n",
		   TICK_S, (unsigned int)hash, str_cstr(&rows), never);
	str_done(&rows);
}
