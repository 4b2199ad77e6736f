/* SPDX-License-Identifier: Apache-2.0 */
/* Threads: named, registered with RCU, joined on purpose, and told to stop by a flag and an
 * eventfd. */
#pragma once

#include <pthread.h>

#include "core/base/types.h"

struct thread {
	pthread_t id;
	char name[16];
	_Atomic bool stop; /* the thread looks at it each turn */
	int wake_fd;       /* eventfd: readable when stop was set or thread_wake() called */
	bool running;
	void (*fn)(struct thread *t, void *arg);
	void *arg;
};

/* Starts fn(t, arg) under `name` (shown in log lines and in ps).  0 or -errno. */
int thread_start(struct thread *t, const char *name, void (*fn)(struct thread *, void *),
		 void *arg) MUST_CHECK;
/* Sets stop, wakes, joins.  Safe when it never started. */
void thread_stop(struct thread *t);
void thread_wake(struct thread *t);
/* Drains wake_fd; the thread itself calls it when it has been woken. */
void thread_woken(struct thread *t);
