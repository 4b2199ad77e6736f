/* SPDX-License-Identifier: Apache-2.0 */
/* A network namespace of the test's own, so that nothing outside is touched. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEST_SKIPPED 77 /* automake's */

static inline void netns_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	(void)!dprintf(fd, "%s", text);
	close(fd);
}

/* Moves this (single-threaded) process into a new namespace; without privilege into a user
 * namespace of its own first.  Skips the test where neither is allowed. */
static inline void netns_enter(void)
{
	char map[32];
	uid_t uid = getuid();

	if (unshare(CLONE_NEWNET)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
			(void)fprintf(stderr, "skipped: no network namespace can be made here\n");
			exit(TEST_SKIPPED);
		}
		(void)snprintf(map, sizeof(map), "0 %u 1", uid);
		netns_write("/proc/self/uid_map", map);
	}
	netns_write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	netns_write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
}

/* Runs a shell command that must succeed. */
static inline void must(const char *command)
{
	if (system(command)) {
		(void)fprintf(stderr, "failed: %s\n", command);
		abort();
	}
}
