/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/policy/outlook.h"

#include <math.h>
#include <string.h>

#include "core/base/clock.h"

#define KEEP 0.99     /* of what is known, over a period */
#define PRIOR_FLOWS 4 /* as many flows as the exponential average counts for */
#define NEW_PPS 1.0   /* the rate of one that has not been read: its kind's factor says the rest */
#define NEW 0         /* its kind */
#define FACTOR_MAX 8.0

static unsigned bits(uint64_t n, unsigned n_kinds)
{
	unsigned b = n ? 63 - (unsigned)__builtin_clzll(n) : 0;

	return MIN(b, n_kinds - 1);
}

static uint16_t kind_of(uint64_t last, uint64_t all)
{
	return (uint16_t)(1 + bits(last, OUTLOOK_LAST) * OUTLOOK_ALL + bits(all, OUTLOOK_ALL));
}

/* What it would be if rates only decayed. */
static double usual(unsigned silent)
{
	return exp(-(double)silent * OUTLOOK_PERIOD_NS / NSEC_PER_SEC / RATE_TAU_S);
}

static void judge(struct outlook *o, unsigned kind)
{
	/* Of flows of this kind: what is known of few is worth little. */
	double rate = kind ? 2. * (double)(UINT64_C(1) << (kind - 1) / OUTLOOK_ALL) : NEW_PPS;
	double prior = PRIOR_FLOWS * rate, least = FACTOR_MAX;

	for (unsigned s = 0; s < OUTLOOK_SILENT; s++) {
		struct outlook_line *l = &o->line[kind][s];

		l->factor = (l->came + prior * usual(s)) / (l->waited + prior);
		l->factor = least = MIN(l->factor, least);
	}
}

/* A period is over: those that were not read again were silent. */
static void turn_kind(struct outlook *o, unsigned kind)
{
	struct outlook_line *l = o->line[kind];
	double last = 0;

	for (unsigned s = 0; s < OUTLOOK_SILENT; s++) {
		double rest = MAX(l[s].now - l[s].back, 0.);

		l[s].waited = l[s].waited * KEEP + l[s].now;
		l[s].came = l[s].came * KEEP + l[s].carried;
		l[s].now = s ? last : o->entered[kind];
		if (s == OUTLOOK_SILENT - 1)
			l[s].now += rest * KEEP; /* the ends of flows are not told: they fade */
		last = rest;
		l[s].back = l[s].carried = 0;
	}
	o->entered[kind] = 0;
	judge(o, kind);
}

static void turn(struct outlook *o, uint64_t now_ns)
{
	/* After a long rest nothing is known to be pending. */
	for (unsigned n = 0; now_ns >= o->period_ns + OUTLOOK_PERIOD_NS; n++) {
		if (n > 2 * OUTLOOK_SILENT) {
			o->period_ns = now_ns;
			return;
		}
		for (unsigned kind = 0; kind < OUTLOOK_KINDS; kind++)
			turn_kind(o, kind);
		o->period_ns += OUTLOOK_PERIOD_NS;
	}
}

void outlook_init(struct outlook *o, uint64_t now_ns)
{
	memset(o, 0, sizeof(*o));
	o->period_ns = now_ns;
	for (unsigned kind = 0; kind < OUTLOOK_KINDS; kind++)
		judge(o, kind);
}

/* Whole periods, to the nearest. */
static unsigned periods(uint64_t from_ns, uint64_t to_ns)
{
	uint64_t n =
		to_ns > from_ns ? (to_ns - from_ns + OUTLOOK_PERIOD_NS / 2) / OUTLOOK_PERIOD_NS : 0;

	return (unsigned)MIN(n, (uint64_t)OUTLOOK_SILENT);
}

void outlook_begin(struct outlook *o, struct outlook_flow *f, uint64_t now_ns)
{
	*f = (struct outlook_flow){ .base = NEW_PPS, .kind = NEW };
	rate_init(&f->rate, now_ns);
	turn(o, now_ns);
	o->entered[NEW] += f->base;
}

/* It leaves its kind. */
static void returned(struct outlook *o, const struct outlook_flow *f, uint64_t packets,
		     uint64_t now_ns)
{
	unsigned n = periods(f->rate.at_ns, now_ns), s = n ? n - 1 : 0;
	struct outlook_line *l = &o->line[f->kind][s];
	double dt = (double)(now_ns - f->rate.at_ns) / NSEC_PER_SEC;
	double most = (double)OUTLOOK_PERIOD_NS / NSEC_PER_SEC;

	l->back += f->base;
	l->carried += (double)packets / MIN(dt, most);
}

void outlook_add(struct outlook *o, struct outlook_flow *f, uint64_t packets, uint64_t now_ns)
{
	uint64_t all = f->rate.packets + packets;

	if (!all)
		return;
	f->packets += packets;
	if (now_ns < f->rate.at_ns + RATE_STEP_NS) { /* added up until they are far enough apart */
		rate_add(&f->rate, packets, now_ns);
		return;
	}
	turn(o, now_ns);
	returned(o, f, all, now_ns);
	rate_add(&f->rate, packets, now_ns);
	f->base = rate_value(&f->rate, now_ns);
	f->kind = kind_of(all, f->packets);
	o->entered[f->kind] += f->base;
}

double outlook_value(const struct outlook *o, const struct outlook_flow *f, uint64_t as_of_ns)
{
	unsigned n = periods(f->rate.at_ns, as_of_ns);

	return f->base * o->line[f->kind][MIN(n, OUTLOOK_SILENT - 1u)].factor;
}
