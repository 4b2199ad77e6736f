/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/units.h"

#include <inttypes.h>
#include <stdio.h>

/* Three significant digits of x >= 0 and the step of 1000 that it falls in. */
static struct units scaled(double x, const char *const steps[], unsigned n, const char *unit)
{
	struct units u;
	unsigned i = 0;

	while (x >= 999.5 && i + 1 < n) {
		x /= 1000;
		i++;
	}
	(void)snprintf(u.s, sizeof(u.s), "%.*f%s%s",
		       x >= 99.95   ? 0
		       : x >= 9.995 ? 1
				    : 2,
		       x, steps[i], unit);
	return u;
}

struct units units_count(uint64_t n)
{
	static const char *const steps[] = { "", "K", "M", "G", "T", "P", "E" };
	struct units u;

	if (n >= 10000)
		return scaled((double)n, steps, ARRAY_SIZE(steps), "");
	(void)snprintf(u.s, sizeof(u.s), "%" PRIu64, n);
	return u;
}

struct units units_bytes(uint64_t n)
{
	static const char *const steps[] = { " ", " k", " M", " G", " T", " P", " E" };
	struct units u;

	if (n >= 1000)
		return scaled((double)n, steps, ARRAY_SIZE(steps), "B");
	(void)snprintf(u.s, sizeof(u.s), "%" PRIu64 " B", n);
	return u;
}

struct units units_rate(double per_s)
{
	static const char *const steps[] = { "", "K", "M", "G", "T", "P", "E" };
	struct units u;

	if (per_s >= 999.5)
		return scaled(per_s, steps, ARRAY_SIZE(steps), "/s");
	if (per_s < 0.05)
		(void)snprintf(u.s, sizeof(u.s), "0/s");
	else
		(void)snprintf(u.s, sizeof(u.s), "%.*f/s", per_s < 9.95, per_s);
	return u;
}

struct units units_bits(double bits_s)
{
	static const char *const steps[] = { " ", " k", " M", " G", " T", " P", " E" };
	struct units u;

	if (bits_s >= 999.5)
		return scaled(bits_s, steps, ARRAY_SIZE(steps), "b/s");
	(void)snprintf(u.s, sizeof(u.s), "%.0f b/s", bits_s);
	return u;
}

struct units units_ms(uint64_t ms)
{
	uint64_t s = ms / 1000;
	struct units u;

	if (ms < 1000)
		(void)snprintf(u.s, sizeof(u.s), "%" PRIu64 " ms", ms);
	else if (s < 60)
		(void)snprintf(u.s, sizeof(u.s), "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
	else if (s < 3600)
		(void)snprintf(u.s, sizeof(u.s), "%" PRIu64 "m %02" PRIu64 "s", s / 60, s % 60);
	else if (s < 86400)
		(void)snprintf(u.s, sizeof(u.s), "%" PRIu64 "h %02" PRIu64 "m", s / 3600,
			       s % 3600 / 60);
	else
		(void)snprintf(u.s, sizeof(u.s), "%" PRIu64 "d %02" PRIu64 "h", s / 86400,
			       s % 86400 / 3600);
	return u;
}

struct units units_us(uint64_t us)
{
	static const char *const steps[] = { " u", " m", " " };
	struct units u;

	if (us >= 1000)
		return scaled((double)us, steps, ARRAY_SIZE(steps), "s");
	(void)snprintf(u.s, sizeof(u.s), "%" PRIu64 " us", us);
	return u;
}

struct units units_percent(uint64_t part, uint64_t whole)
{
	struct units u = { "-" };
	double p;

	if (!whole)
		return u;
	p = (double)part * 100 / (double)whole;
	if (!part || part >= whole)
		(void)snprintf(u.s, sizeof(u.s), "%s", part ? "100%" : "0%");
	else if (p < 0.1)
		(void)snprintf(u.s, sizeof(u.s), "<0.1%%");
	else if (p > 99.9)
		(void)snprintf(u.s, sizeof(u.s), ">99.9%%");
	else
		(void)snprintf(u.s, sizeof(u.s), "%.1f%%", p);
	return u;
}

const char *units_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}
