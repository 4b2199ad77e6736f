/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/rcu.h"

#include <stdlib.h>

#include "core/base/xalloc.h"

/* liburcu must not be told twice about a thread. */
static __thread bool registered;

void rcu_thread_start(void)
{
	if (registered)
		return;
	rcu_register_thread();
	registered = true;
}

void rcu_thread_stop(void)
{
	if (!registered)
		return;
	rcu_unregister_thread();
	registered = false;
}

/* The main thread reads and defers from its first line on. */
static void __attribute__((constructor)) register_main_thread(void)
{
	rcu_thread_start();
}

#ifdef RCU_TSAN
char rcu_tsan_order;

/* liburcu's own accesses are its own business. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:liburcu\n";
}

static void tsan_before_grace_period(void)
{
	__tsan_release(&rcu_tsan_order);
}

static void tsan_after_grace_period(void)
{
	__tsan_acquire(&rcu_tsan_order);
}
#else
static void tsan_before_grace_period(void)
{
}

static void tsan_after_grace_period(void)
{
}
#endif

struct deferred {
	struct rcu_head head;
	void (*fn)(void *arg);
	void *arg;
};

static void run_deferred(struct rcu_head *head)
{
	struct deferred *d = container_of(head, struct deferred, head);

	/* liburcu registered its own thread; what runs there may read and defer too. */
	registered = true;
	tsan_after_grace_period();
	d->fn(d->arg);
	free(d);
	tsan_before_grace_period(); /* for rcu_settle() */
}

void rcu_defer(void (*fn)(void *arg), void *arg)
{
	struct deferred *d = xmalloc(sizeof(*d));

	/* call_rcu() reads under RCU itself, so a foreign thread is registered on its way. */
	rcu_thread_start();
	d->fn = fn;
	d->arg = arg;
	tsan_before_grace_period();
	call_rcu(&d->head, run_deferred);
}

void rcu_defer_free(void *p)
{
	if (p)
		rcu_defer(free, p);
}

void rcu_wait(void)
{
	rcu_thread_start();
	synchronize_rcu();
	tsan_after_grace_period();
}

void rcu_settle(void)
{
	rcu_thread_start();
	rcu_barrier();
	tsan_after_grace_period();
}
