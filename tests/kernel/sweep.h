/* SPDX-License-Identifier: Apache-2.0 */
/* Scenarios in which one allocation of the kernel fails, the first, then the second, and so on
 * until the scenario takes no more.  Twice: once to see that it survives, once more to see that
 * neither memory nor descriptors have become fewer. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "core/base/err.h"
#include "tests/kernel/fail_nth.h"

#define SWEEP_MOST 5000u

struct scenario {
	const char *name;
	void (*before)(void); /* undisturbed; NULL: nothing */
	int (*during)(void);  /* what sweep_weigh() says of it */
	void (*after)(void);  /* undisturbed: looks, and puts everything back */
};

static unsigned sweep_refused, sweep_lost; /* the kernel said so; an answer was lost */

/* Passes the code on when it is one that lack of memory explains. */
static inline int sweep_weigh(int rc)
{
	switch (-rc) {
	case 0: return 0;
	case ENOMEM: sweep_refused++; return rc;
	case ENOBUFS: /* of a socket: nobody knows whether it was done */
	case EBADMSG: /* done, and no memory to say more */
	case EFAULT:  /* of a page of ours */
	case ENFILE: sweep_lost++; return rc;
	default: ck_abort_msg("%s", strerrordesc_np(-rc));
	}
}

/* Where a device or module of the kernel says what it likes: a cause comes with it. */
static inline int sweep_explained(int rc, const struct error *err)
{
	ck_assert_msg(err->cause[0] || !rc, "%s", strerrordesc_np(-rc));
	sweep_refused += rc != 0;
	return rc;
}

static inline unsigned sweep_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

static inline bool sweep_step(const struct scenario *s, unsigned n)
{
	bool hit;
	int rc;

	if (s->before)
		s->before();
	fail_nth_arm(n);
	rc = s->during();
	hit = fail_nth_hit();
	if (s->after)
		s->after();
	if (!hit)
		ck_assert_int_eq(rc, 0);
	return hit;
}

/* How many allocations there were to fail. */
static inline unsigned sweep_once(const struct scenario *s)
{
	unsigned n = 1;

	sweep_refused = sweep_lost = 0;
	while (sweep_step(s, n)) {
		n++;
		ck_assert_uint_lt(n, SWEEP_MOST);
	}
	return n - 1;
}

#define SWEEP_RUNS 3

/* What leaks does so in each run; a table may grow, or a line of the log be kept, in one of them.
 */
static inline void sweep(const struct scenario *s)
{
	unsigned tried, fds, runs = 0;
	size_t bytes;

	fail_nth_open();
	(void)sweep_once(s); /* buffers have grown to their size */
	fds = sweep_descriptors();
	do {
		bytes = mallinfo2().uordblks;
		tried = sweep_once(s);
		printf("%s: %u allocations failed: %u refusals, %u answers lost\n", s->name, tried,
		       sweep_refused, sweep_lost);
		ck_assert_uint_gt(tried, 0);
		ck_assert_uint_eq(sweep_descriptors(), fds);
	} while (mallinfo2().uordblks >= bytes + 1024 && ++runs < SWEEP_RUNS);
	ck_assert_uint_lt(mallinfo2().uordblks, bytes + 1024);
}
