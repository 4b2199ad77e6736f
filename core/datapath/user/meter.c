/* SPDX-License-Identifier: Apache-2.0 */
#include "core/datapath/user/meter.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/rcu.h"
#include "core/base/xalloc.h"

/* Parts of a nanosecond that buckets reckon in: at 100 Gbit/s a byte costs five of them. */
#define FINE 64u
#define MOST_FINE (UINT64_MAX / 4) /* no sum of two overflows; four years and a half */

struct band {
	uint32_t rate;
	uint64_t packet;          /* time that a packet costs: of packet meters */
	uint64_t bucket;          /* time that the whole bucket takes to fill */
	_Atomic uint64_t full_at; /* since the meter was set, and the bucket's time before it */
};

struct counts { /* a meter's and those that it is changed into; freed with the last */
	_Atomic uint64_t packets, bytes;
	struct {
		_Atomic uint64_t packets, bytes;
	} bands[DP_METER_MAX_BANDS];
};

struct dpu_meter {
	struct counts *counts;
	uint64_t set_ns;
	bool packets;
	unsigned n_bands;
	struct band bands[DP_METER_MAX_BANDS];
};

void dpu_meters_init(struct dpu_meters *ms)
{
	lock_init(&ms->lock);
	ms->tab = NULL;
}

void dpu_meters_done(struct dpu_meters *ms)
{
	for (uint32_t i = 0; ms->tab && i < DPU_METERS_MAX; i++) {
		if (!ms->tab[i])
			continue;
		free(ms->tab[i]->counts);
		free(ms->tab[i]);
	}
	free(ms->tab);
	lock_done(&ms->lock);
}

/* --- buckets --- */

/* The time that `units` (bits, or packets) take at a rate of `per_s` a second; at none, for ever.
 */
static uint64_t fine_time(uint64_t units, uint64_t per_s)
{
	unsigned __int128 t = MOST_FINE;

	if (per_s)
		t = (unsigned __int128)units * (NSEC_PER_SEC * FINE) / per_s;
	return t > MOST_FINE ? MOST_FINE : (uint64_t)t;
}

static uint64_t units_per_second(const struct dpu_meter *m, const struct band *b)
{
	return m->packets ? b->rate : (uint64_t)b->rate * 1000;
}

/* Takes a packet's worth; false: it is not there, and nothing is taken. */
static bool take(struct band *b, uint64_t cost, uint64_t now)
{
	uint64_t was = atomic_load_explicit(&b->full_at, memory_order_relaxed), next;

	do {
		next = MAX(was, now) + cost;
		if (next > now + b->bucket)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&b->full_at, &was, next, memory_order_relaxed, memory_order_relaxed));
	return true;
}

static uint64_t cost(const struct dpu_meter *m, const struct band *b, uint32_t len)
{
	return m->packets ? b->packet : fine_time((uint64_t)len * 8, units_per_second(m, b));
}

/* The band that the packet is over, the one of the highest rate; -1: none. */
static int run_bands(struct dpu_meter *m, uint32_t len, uint64_t now)
{
	int over = -1;

	for (unsigned i = 0; i < m->n_bands; i++) {
		struct band *b = &m->bands[i];

		if (!take(b, cost(m, b, len), now) && (over < 0 || b->rate > m->bands[over].rate))
			over = (int)i;
	}
	return over;
}

bool dpu_meter_pass(struct dpu_meters *ms, uint32_t id, uint32_t len, uint64_t now_ns)
{
	struct dpu_meter **tab = rcu_dereference(ms->tab);
	struct dpu_meter *m = tab && id < DPU_METERS_MAX ? rcu_dereference(tab[id]) : NULL;
	uint64_t now;
	int over;

	if (!m)
		return false;
	now = (now_ns > m->set_ns ? now_ns - m->set_ns : 0) * FINE;
	atomic_fetch_add_explicit(&m->counts->packets, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->counts->bytes, len, memory_order_relaxed);
	over = run_bands(m, len, now);
	if (over < 0)
		return true;
	atomic_fetch_add_explicit(&m->counts->bands[over].packets, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->counts->bands[over].bytes, len, memory_order_relaxed);
	return false;
}

/* --- as writers see them --- */

static int check(uint32_t id, const struct dp_meter *c, struct error *err)
{
	if (id >= DPU_METERS_MAX)
		return error_set(err, EFBIG, "meter", "numbers are below %u", DPU_METERS_MAX);
	if (c->n_bands > DP_METER_MAX_BANDS)
		return error_set(err, EINVAL, "bands", "%u of them, %u at most", c->n_bands,
				 DP_METER_MAX_BANDS);
	for (unsigned i = 0; i < c->n_bands; i++)
		if (!c->bands[i].rate)
			return error_set(err, EINVAL, "rate", "it is zero");
	return 0;
}

static struct dpu_meter *meter_new(const struct dp_meter *c, uint64_t now_ns)
{
	struct dpu_meter *m = xzalloc(sizeof(*m));

	m->set_ns = now_ns;
	m->packets = c->packets;
	m->n_bands = c->n_bands;
	for (unsigned i = 0; i < c->n_bands; i++) {
		struct band *b = &m->bands[i];
		uint64_t burst = c->bands[i].burst ? c->bands[i].burst : c->bands[i].rate;

		b->rate = c->bands[i].rate;
		b->packet = fine_time(1, b->rate);
		b->bucket = fine_time(c->packets ? burst : burst * 1000, units_per_second(m, b));
	}
	return m;
}

static void put(struct dpu_meters *ms, uint32_t id, struct dpu_meter *m) REQUIRES(&ms->lock)
{
	struct dpu_meter *old;

	if (!ms->tab)
		rcu_assign_pointer(ms->tab, xcalloc(DPU_METERS_MAX, sizeof(struct dpu_meter *)));
	old = ms->tab[id];
	m->counts = old ? old->counts : xzalloc(sizeof(*m->counts));
	rcu_assign_pointer(ms->tab[id], m);
	if (old)
		rcu_defer_free(old);
}

int dpu_meter_set(struct dpu_meters *ms, uint32_t id, const struct dp_meter *c, uint64_t now_ns,
		  struct error *err)
{
	int rc = check(id, c, err);

	if (rc)
		return rc;
	lock_take(&ms->lock);
	put(ms, id, meter_new(c, now_ns));
	lock_give(&ms->lock);
	return 0;
}

static void read_counts(const struct dpu_meter *m, struct dp_meter_stats *st)
{
	*st = (struct dp_meter_stats){ .packets = m->counts->packets,
				       .bytes = m->counts->bytes,
				       .n_bands = m->n_bands };
	for (unsigned i = 0; i < m->n_bands; i++) {
		st->bands[i].packets = m->counts->bands[i].packets;
		st->bands[i].bytes = m->counts->bands[i].bytes;
	}
}

/* Under the lock no other writer takes it away. */
static struct dpu_meter *find(const struct dpu_meters *ms, uint32_t id)
{
	return ms->tab && id < DPU_METERS_MAX ? ms->tab[id] : NULL;
}

int dpu_meter_get(struct dpu_meters *ms, uint32_t id, struct dp_meter_stats *st)
{
	const struct dpu_meter *m;

	lock_take(&ms->lock);
	m = find(ms, id);
	if (m)
		read_counts(m, st);
	lock_give(&ms->lock);
	return m ? 0 : -ENOENT;
}

int dpu_meter_del(struct dpu_meters *ms, uint32_t id, struct dp_meter_stats *last)
{
	struct dpu_meter *m;

	lock_take(&ms->lock);
	m = find(ms, id);
	if (m)
		rcu_assign_pointer(ms->tab[id], NULL);
	lock_give(&ms->lock);
	if (!m)
		return -ENOENT;
	if (last) { /* which whoever found it before must have added to */
		rcu_wait();
		read_counts(m, last);
	}
	rcu_defer_free(m->counts);
	rcu_defer_free(m);
	return 0;
}
