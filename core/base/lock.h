/* SPDX-License-Identifier: Apache-2.0 */
/* Mutexes and reader-writer locks with clang's thread-safety annotations.
 *
 * Global order, outermost first (a thread that holds a later one must not take an earlier one):
 *   bridge configuration > table writer > flows > engine > provider queue > datapath tables > port
 * list > l2 (MAC) > recirculation ids > log */
#pragma once

#include <pthread.h>

#include "core/base/types.h"

#if defined(__clang__)
#define TSA(X) __attribute__((X))
#else
#define TSA(X)
#endif
#define CAPABILITY(NAME) TSA(capability(NAME))
/* For a member guarded by a lock of the same struct: clang cannot resolve that in C, so it is said
 * and not checked.  For a file's own variables it is checked. */
#define GUARDED_BY(L)
#define GUARDED_BY_STATIC(L) TSA(guarded_by(L))
#define REQUIRES(...) TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) TSA(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) TSA(acquire_capability(__VA_ARGS__))
#define RELEASE(...) TSA(release_capability(__VA_ARGS__))
#define NO_TSA TSA(no_thread_safety_analysis)

struct CAPABILITY("mutex") lock {
	pthread_mutex_t m;
};

#define LOCK_INIT                                                                                  \
	{                                                                                          \
		PTHREAD_MUTEX_INITIALIZER                                                          \
	}

static inline void lock_init(struct lock *l)
{
	pthread_mutex_init(&l->m, NULL);
}

static inline void lock_done(struct lock *l)
{
	pthread_mutex_destroy(&l->m);
}

static inline void lock_take(struct lock *l) ACQUIRE(l) NO_TSA
{
	pthread_mutex_lock(&l->m);
}

static inline void lock_give(struct lock *l) RELEASE(l) NO_TSA
{
	pthread_mutex_unlock(&l->m);
}
