/* SPDX-License-Identifier: Apache-2.0 */
/* Traces after published measurements of data centres.
 *
 * Sizes and durations are those of the papers that `source` names; what these do not tell, and
 * is chosen here: the rate at which one flow sends (log-normal), its unsteadiness from step to step
 * (log-normal factor, and a third of the flows pause: Benson et al., IMC 2010, section 5.2, find
 * ON/OFF sources with log-normal periods), frame sizes, and how flows are spread over ports (Zipf:
 * the first of 16 ports has 30 % of the flows, the last 2 %).  Arrivals are Poisson. */
#include <stdlib.h>
#include <string.h>

#include "bench/placement.h"

struct point {
	double x, p; /* P(X <= x) */
};

struct kind {
	const char *name, *source;
	double per_s;                 /* arrivals at scale 1 */
	const struct point *size;     /* bytes; NULL: none, by duration and rate */
	const struct point *duration; /* s; NULL: by size and rate */
	double rate_bps, rate_sigma;  /* of one flow: median, and sigma of its logarithm */
	unsigned n_lasting;           /* flows that are there from the start and stay */
};

/* Web search: Alizadeh et al., "Data Center TCP (DCTCP)", SIGCOMM 2010, figure 4; in the form in
 * which pFabric (SIGCOMM 2013) and its successors use it. */
static const struct point web_search[] = {
	{ 6e3, 0 },  { 1e4, .15 }, { 2e4, .2 }, { 3e4, .3 }, { 5e4, .4 },  { 8e4, .53 },
	{ 2e5, .6 }, { 1e6, .7 },  { 2e6, .8 }, { 5e6, .9 }, { 1e7, .97 }, { 3e7, 1 },
};
/* Data mining: Greenberg et al., "VL2", SIGCOMM 2009, figure 2; likewise.  Held
 * against a published table for traffic generators, not against the paper: the same from the 8th
 * decile on, within a third at the median. */
static const struct point data_mining[] = {
	{ 100, 0 },     { 1460, .5 },     { 2920, .6 },      { 4380, .7 },     { 10220, .8 },
	{ 389820, .9 }, { 3076220, .95 }, { 97333820, .99 }, { 973333820, 1 },
};
/* "80 % of the flows last less than ten seconds and fewer than 0.1 % last longer than 200 s":
 * Kandula et al., "The Nature of Datacenter Traffic", IMC 2009, section 4.3. */
static const struct point kandula_duration[] = {
	{ .01, 0 },  { .1, .2 },    { 1, .5 },     { 10, .8 },
	{ 30, .95 }, { 100, .995 }, { 200, .999 }, { 600, 1 },
};
/* "80 % of the flows are smaller than 10 KB" and most of the bytes are in the top 10 % of flows:
 * Benson et al., "Network Traffic Characteristics of Data Centers in the Wild", IMC 2010, section
 * 5.1. */
static const struct point benson_size[] = {
	{ 64, 0 },    { 1e3, .4 },   { 1e4, .8 },    { 1e5, .9 },
	{ 1e6, .97 }, { 1e7, .995 }, { 1e8, .9998 }, { 1e9, 1 },
};
/* Hadoop: median below 1 KB and one second, 70 % below 10 KB and ten seconds, less than 5 % above 1
 * MB or 100 s, hardly any beyond ten minutes: Roy et al., "Inside the Social Network's (Datacenter)
 * Network", SIGCOMM 2015, section 5.1.  From memory: the section could not be checked. */
static const struct point roy_hadoop_size[] = {
	{ 64, 0 },     { 1e3, .5 },  { 1e4, .7 },   { 1e5, .88 },
	{ 1e6, .955 }, { 1e7, .99 }, { 1e8, .999 }, { 1e9, 1 },
};
static const struct point roy_hadoop_duration[] = {
	{ .01, 0 }, { 1, .5 }, { 10, .7 }, { 100, .955 }, { 600, 1 },
};

/* Web servers: hardly any flow above 100 KB. */
static const struct point roy_web_size[] = {
	{ 64, 0 }, { 1e3, .5 }, { 1e4, .9 }, { 1e5, .99 }, { 1e6, 1 },
};

/* Storage: the distribution "AliStorage2019", of a distributed storage system of Alibaba's, beside
 * the simulator of "HPCC", SIGCOMM 2019.  Nothing of the policy was chosen on it. */
static const struct point ali_storage[] = {
	{ 64, 0 },       { 4000, .2293 },  { 8000, .6921 },  { 16e3, .8061 }, { 32e3, .9047 },
	{ 64e3, .9353 }, { 128e3, .9677 }, { 256e3, .9753 }, { 2e6, 1 },
};

#define MBPS 1e6
static const struct kind kinds[SYNTH_N] = {
	{ "websearch", "DCTCP, SIGCOMM 2010", 4000, web_search, NULL, 20 * MBPS, 1, 0 },
	{ "datamining", "VL2, SIGCOMM 2009", 2000, data_mining, NULL, 50 * MBPS, 1, 0 },
	{ "enterprise", "Benson IMC 2010, Kandula IMC 2009", 10000, benson_size, kandula_duration,
	  0, 0, 0 },
	{ "hadoop", "Roy SIGCOMM 2015", 20000, roy_hadoop_size, roy_hadoop_duration, 0, 0, 0 },
	/* Section 5.1: cache servers talk over pooled connections that last, beside the short ones
	 * of web servers. */
	{ "cache", "Roy SIGCOMM 2015", 30000, roy_web_size, NULL, 2 * MBPS, 1.5, 20000 },
	{ "storage", "AliStorage2019, HPCC", 10000, ali_storage, NULL, 2 * MBPS, 1.5, 0 },
};
const char *const synth_name[SYNTH_N] = { "websearch", "datamining", "enterprise",
					  "hadoop",    "cache",      "storage" };

struct gen {
	uint64_t state;
	double port[16]; /* cumulated */
};

static double uniform(struct gen *g) /* (0, 1) */
{
	return ((double)(hash_u64(g->state++, 0x7ace) >> 11) + .5) / 9007199254740992.0;
}

static double normal(struct gen *g)
{
	return sqrt(-2 * log(uniform(g))) * cos(2 * M_PI * uniform(g));
}

static uint32_t poisson(struct gen *g, double mean)
{
	double p = 1, limit;
	uint32_t n = 0;

	if (mean > 30)
		return (uint32_t)fmax(0, mean + sqrt(mean) * normal(g) + .5);
	for (limit = exp(-mean); (p *= uniform(g)) > limit;)
		n++;
	return n;
}

/* The value of X at quantile u, straight between the points on a logarithmic scale. */
static double quantile(const struct point *d, double u)
{
	while (d[1].p < u)
		d++;
	return d[0].x * pow(d[1].x / d[0].x, (u - d[0].p) / (d[1].p - d[0].p));
}

struct live {
	uint32_t id;
	double rate, left; /* packets a step, packets */
	bool pauses, off;
};

struct lives {
	struct live *v;
	size_t n, cap;
};

static uint32_t pick_port(struct gen *g)
{
	double u = uniform(g);
	uint32_t p = 0;

	while (p < 15 && g->port[p] < u)
		p++;
	return p;
}

static void born(struct trace *t, struct gen *g, struct lives *l, const struct kind *k,
		 bool lasting)
{
	double u = uniform(g), bytes, s, bps = k->rate_bps * exp(k->rate_sigma * normal(g));
	uint16_t frame;
	struct live n;

	if (lasting) {
		bytes = 1e12;
		s = bytes * 8 / bps;
	} else {
		bytes = quantile(k->size, u);
		/* Large ones last, but not strictly so. */
		s = k->duration
			    ? quantile(k->duration, fmin(fmax(u + .15 * normal(g), 1e-4), .9999))
			    : bytes * 8 / bps;
	}
	frame = (uint16_t)fmin(fmax(bytes, 64), uniform(g) < .5 ? 1514 : 512 + 900 * uniform(g));
	n = (struct live){ .left = fmax(1, bytes / frame), .pauses = uniform(g) < .33 };
	n.rate = n.left / fmax(s / STEP_S, 1);
	n.id = trace_flow(t, pick_port(g), frame, uniform(g) < .1 ? 2 : 1, t->n_steps);
	if (l->n == l->cap)
		l->v = xgrow(l->v, &l->cap, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = n;
}

/* False when it has sent all. */
static bool lives_on(struct trace *t, struct gen *g, struct live *l)
{
	double mean = l->rate;
	uint32_t n;

	if (l->pauses) {
		l->off = l->off ? uniform(g) < .7 : uniform(g) < .1;
		mean = l->off ? 0 : mean * 4 / 3;
	}
	n = mean > 0 ? poisson(g, mean * exp(.5 * normal(g) - .125)) : 0;
	if (t->flows[l->id].first == t->n_steps) /* the one that made the flow */
		n = MAX(n, 1u);
	n = (uint32_t)fmin(n, ceil(l->left));
	l->left -= n;
	if (n)
		trace_count(t, l->id, n);
	return l->left > 0;
}

static void spread(struct gen *g)
{
	double sum = 0, at = 0;

	for (unsigned i = 0; i < 16; i++)
		sum += 1. / (i + 1);
	for (unsigned i = 0; i < 16; i++)
		g->port[i] = at += 1. / (i + 1) / sum;
}

void synth(struct trace *t, unsigned which, double seconds, double scale, uint64_t seed)
{
	const struct kind *k = &kinds[which];
	struct gen g = { .state = hash_u64(seed, which) };
	struct lives l = { 0 };

	trace_init(t, k->name);
	t->source = k->source;
	spread(&g);
	for (unsigned i = 0; i < k->n_lasting * scale; i++)
		born(t, &g, &l, k, true);
	while (t->n_steps < seconds * STEPS_A_S) {
		for (uint32_t n = poisson(&g, k->per_s * scale * STEP_S); n; n--)
			born(t, &g, &l, k, false);
		for (size_t i = 0; i < l.n;)
			if (lives_on(t, &g, &l.v[i]))
				i++;
			else
				l.v[i] = l.v[--l.n];
		trace_step_end(t);
	}
	free(l.v);
}
