/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's n-th allocation from now on, by this thread, fails (/proc/thread-self/fail-nth and
 * failslab, Documentation/fault-injection of the kernel; CONFIG_FAILSLAB, which the lab's own
 * kernel has).  Allocations in interrupts, where packets are switched, are not counted. */
#pragma once

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FAIL_NTH_SETTINGS "/sys/kernel/debug/failslab/"

static int fail_nth_fd = -1;

static inline bool fail_nth_set(const char *name, const char *value)
{
	char path[64];
	int fd;
	bool ok;

	(void)snprintf(path, sizeof(path), FAIL_NTH_SETTINGS "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ok = fd >= 0 && write(fd, value, strlen(value)) > 0;
	if (fd >= 0)
		(void)close(fd);
	return ok;
}

/* Once, in main(); false: this kernel cannot. */
static inline bool fail_nth_there(void)
{
	return !access("/proc/thread-self/fail-nth", W_OK) &&
	       fail_nth_set("ignore-gfp-wait", "N") && fail_nth_set("verbose", "0");
}

/* In the thread whose allocations are meant. */
static inline void fail_nth_open(void)
{
	fail_nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fail_nth_fd, 0);
}

static inline void fail_nth_arm(unsigned n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	ck_assert_int_eq(pwrite(fail_nth_fd, text, (size_t)len, 0), len);
}

/* Ends it; whether one has failed. */
static inline bool fail_nth_hit(void)
{
	char text[16] = "";

	ck_assert_int_gt(pread(fail_nth_fd, text, sizeof(text) - 1, 0), 0);
	fail_nth_arm(0);
	return !atoi(text);
}
