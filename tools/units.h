/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as a person reads them: three digits that matter and a unit, powers of 1000.
 *
 * Rounding never claims more than is so: a share that is not the whole is never "100%", one that is
 * not nothing never "0%".  Exact numbers are what --json is for.  Each call returns its text by
 * value, so that several fit one printf().  Any thread. */
#pragma once

#include "core/base/types.h"

struct units {
	char s[24];
};

struct units units_count(uint64_t n);   /* 9999, 12.3K, 4.56M */
struct units units_bytes(uint64_t n);   /* 640 B, 1.23 kB */
struct units units_rate(double per_s);  /* 0.4/s, 12/s, 1.23K/s; below 0.05 it is 0/s */
struct units units_bits(double bits_s); /* 0 b/s, 1.23 Gb/s */
struct units units_ms(uint64_t ms);     /* 12 ms, 1.2 s, 3m 12s, 2h 05m, 3d 04h */
struct units units_us(uint64_t us);     /* 64 us, 1.02 ms, 1.05 s */
struct units units_percent(uint64_t part, uint64_t whole); /* "-" when the whole is 0 */
/* "s" where a word of which there are n takes one: "1 flow", "2 flows". */
const char *units_s(uint64_t n);
