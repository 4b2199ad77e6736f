/* SPDX-License-Identifier: Apache-2.0 */
/* How one log line is laid out: the patterns of ovs-appctl(8), `vlog/set PATTERN:dest:pattern`.
 *
 * %A program  %c module  %d{F} local time  %D{F} UTC (strftime(3), each # a digit of the fraction)
 * %E host name  %m message  %N sequence number  %n newline  %p level  %P process  %r ms since start
 * %t thread  %T "(thread)", nothing for the main thread  %% a percent sign.  Between % and the
 * letter may stand `-` (left-adjusted), `0` (zero-padded) and a width of at most 99.  An escape
 * that is none of these stays as it is. Pure functions: any thread. */
#pragma once

#include "core/base/types.h"

struct str;

struct log_line {
	const char *program, *module, *thread, *level, *message; /* borrowed */
	unsigned int seq;
	uint64_t wall_ns;  /* since 1970 */
	uint64_t since_ns; /* since the program started */
};

void log_pattern_format(struct str *out, const char *pattern, const struct log_line *line);
