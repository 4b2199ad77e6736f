/* SPDX-License-Identifier: Apache-2.0 */
/* RCU: immutable snapshots, exchanged whole (liburcu, "memb" flavour: a read section costs a
 * compiler barrier).
 *
 * Every thread that reads calls rcu_thread_start() first (thread_start() in thread.h does). Readers
 * keep nothing across a section.  Writers never wait for a grace period under a lock or in a
 * worker: they hand the old object to rcu_defer(). */
#pragma once

#define URCU_INLINE_SMALL_FUNCTIONS 1
#define RCU_MEMBARRIER
#include <urcu.h>

#include "core/base/list.h"
#include "core/base/types.h"

/* ThreadSanitizer does not see into liburcu: it is told what orders a reader, or whoever defers,
 * before what runs after the grace period. */
#if defined(__SANITIZE_THREAD__)
#define RCU_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RCU_TSAN 1
#endif
#endif
#ifdef RCU_TSAN
#include <sanitizer/tsan_interface.h>
extern char rcu_tsan_order;
#undef rcu_read_unlock
static inline void rcu_read_unlock(void)
{
	__tsan_release(&rcu_tsan_order);
	urcu_memb_read_unlock();
}
/* Nor does it know that a pointer's reader is ordered by the pointer. */
#undef rcu_dereference
#define rcu_dereference(P) __atomic_load_n(&(P), __ATOMIC_ACQUIRE)
#undef rcu_set_pointer
#define rcu_set_pointer(P, V) __atomic_store_n((P), (V), __ATOMIC_RELEASE)
#undef rcu_xchg_pointer
#define rcu_xchg_pointer(P, V) __atomic_exchange_n((P), (V), __ATOMIC_ACQ_REL)
#endif

void rcu_thread_start(void);
void rcu_thread_stop(void);
/* Calls fn(arg) after a grace period, on liburcu's own thread.  Any thread, never blocks. */
void rcu_defer(void (*fn)(void *arg), void *arg);
void rcu_defer_free(void *p); /* free(p) after a grace period */
/* Waits for a grace period.  Not in a read section, not under a lock, not in a packet worker. */
void rcu_wait(void);
/* Waits until every rcu_defer() made before has run.  At shutdown and in tests only. */
void rcu_settle(void);
