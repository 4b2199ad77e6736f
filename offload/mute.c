/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that are in hardware and never hit there, while software sees their packets.
 *
 * The audit finds them (audit.c).  Such a flow is a fault of the device: it claims a rule that it
 * does not have in its way.  The fault is raised with its evidence (since when, and what the two
 * counters did meanwhile), stays open while the rule is taken out and placed again, and is healed
 * when hardware counts a packet of the flow, or ends with the flow.  The last ENGINE_FAULTS are
 * kept; those that are open leave last. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "offload/engine_priv.h"

LOG_MODULE("offload.mute");

static bool is_of(const struct engine_fault *x, const struct engine_flow *f)
{
	return x->ufid.u[0] == f->ufid.u[0] && x->ufid.u[1] == f->ufid.u[1];
}

/* The newest of the flow; NULL. */
static struct engine_fault *newest(struct engine *e, const struct engine_flow *f) ENGINE_LOCKED(e)
{
	for (unsigned i = e->n_faults; i-- > 0;)
		if (is_of(&e->faults[i], f))
			return &e->faults[i];
	return NULL;
}

/* Room for one more, at the end. */
static struct engine_fault *more(struct engine *e) ENGINE_LOCKED(e)
{
	unsigned out = 0;

	if (e->n_faults == ENGINE_FAULTS) {
		for (unsigned i = 0; i < ENGINE_FAULTS; i++)
			if (e->faults[i].ended_ns) {
				out = i;
				break;
			}
		memmove(&e->faults[out], &e->faults[out + 1],
			(ENGINE_FAULTS - 1 - out) * sizeof(e->faults[0]));
		e->n_faults--;
	}
	memset(&e->faults[e->n_faults], 0, sizeof(e->faults[0]));
	return &e->faults[e->n_faults++];
}

void mute_raise(struct engine_dev *d, struct engine_flow *f, uint64_t window_ns, uint64_t hw,
		uint64_t sw)
{
	struct engine_fault *x = f->mute ? newest(d->e, f) : NULL;
	uint64_t now = clock_wall_ns();
	char text[UFID_TEXT_LEN + 1];

	if (!x || x->ended_ns) {
		x = more(d->e);
		x->ufid = f->ufid;
		memcpy(x->device, d->od->name, sizeof(x->device));
		x->since_ns = now - window_ns;
	}
	f->mute = true;
	x->times++;
	x->last_ns = now;
	x->window_ms = window_ns / NSEC_PER_MSEC;
	x->hw_packets = hw;
	x->sw_packets = sw;
	log_warn_rl("%s: flow %s is in hardware and never hit: its counter stands at %llu packets "
		    "for %.1f s, in which software counted %llu",
		    x->device, offload_ufid_print(f->ufid, text), (unsigned long long)hw,
		    (double)window_ns / NSEC_PER_SEC, (unsigned long long)sw);
}

static void end(struct engine *e, struct engine_flow *f, bool healed) ENGINE_LOCKED(e)
{
	struct engine_fault *x = newest(e, f);
	char text[UFID_TEXT_LEN + 1];

	f->mute = false;
	if (!x || x->ended_ns)
		return;
	x->ended_ns = clock_wall_ns();
	x->healed = healed;
	if (healed)
		log_info("%s: flow %s is hit in hardware again", x->device,
			 offload_ufid_print(f->ufid, text));
}

void mute_hit(struct engine *e, struct engine_flow *f)
{
	end(e, f, true);
}

void mute_gone(struct engine *e, struct engine_flow *f)
{
	end(e, f, false);
}

bool mute_of(struct engine *e, const struct engine_flow *f, struct engine_fault *fault)
{
	const struct engine_fault *x = e->n_faults ? newest(e, f) : NULL;

	if (x)
		*fault = *x;
	return x;
}

size_t engine_faults(struct engine *e, struct engine_fault *out, size_t max)
{
	size_t n;

	lock_take(&e->lock);
	n = e->n_faults;
	for (size_t i = 0; i < MIN(n, max); i++)
		out[i] = e->faults[n - 1 - i];
	lock_give(&e->lock);
	return n;
}
