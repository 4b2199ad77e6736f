/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/rcu.h"

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	(void)pthread_setname_np(pthread_self(), t->name); /* cosmetic: names ps shows */
	log_set_thread(t->name);
	rcu_thread_start();
	t->fn(t, t->arg);
	rcu_thread_stop();
	return NULL;
}

/* Signals are the main loop's: a new thread starts with all of them blocked. */
static int create_without_signals(struct thread *t)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&t->id, NULL, thread_main, t);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -rc;
}

int thread_start(struct thread *t, const char *name, void (*fn)(struct thread *, void *), void *arg)
{
	int rc;

	*t = (struct thread){ .fn = fn, .arg = arg };
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	t->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (t->wake_fd < 0)
		return -errno;
	rc = create_without_signals(t);
	if (rc) {
		close(t->wake_fd);
		t->wake_fd = -1;
		return rc;
	}
	t->running = true;
	return 0;
}

void thread_stop(struct thread *t)
{
	if (!t->running)
		return;
	t->stop = true;
	thread_wake(t);
	(void)pthread_join(t->id, NULL);
	close(t->wake_fd);
	t->wake_fd = -1;
	t->running = false;
}

void thread_wake(struct thread *t)
{
	uint64_t one = 1;

	/* EAGAIN means the counter is full, so the thread is being woken anyhow. */
	(void)!write(t->wake_fd, &one, sizeof(one));
}

void thread_woken(struct thread *t)
{
	uint64_t n;

	(void)!read(t->wake_fd, &n, sizeof(n));
}
