/* SPDX-License-Identifier: Apache-2.0 */
/* Readings of devices' counters that somebody waits for. */
#include "core/base/clock.h"
#include "offload/engine_priv.h"

uint64_t engine_ask_readings(struct engine *e)
{
	uint64_t now = clock_mono_ns();
	struct engine_dev *d;

	lock_take(&e->lock);
	cds_list_for_each_entry (d, &e->devs, node) {
		d->asked_ns = now;
		place_wake(d);
	}
	lock_give(&e->lock);
	return now;
}

static bool counts(const struct engine_dev *d)
{
	return !d->hung && (d->rules.n || d->n_busy);
}

uint64_t engine_readings_ns(struct engine *e)
{
	uint64_t oldest = UINT64_MAX;
	struct engine_dev *d;

	lock_take(&e->lock);
	cds_list_for_each_entry (d, &e->devs, node)
		if (counts(d))
			oldest = MIN(oldest, d->read_ns);
	lock_give(&e->lock);
	return oldest;
}
