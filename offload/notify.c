/* SPDX-License-Identifier: Apache-2.0 */
/* What a provider tells of its own accord: remembered at once, from any thread, and acted on by the
 * device's thread.  A rule that somebody took out or changed is placed again; what cannot be told
 * rule by rule is found by an audit. */
#include <stdio.h>

#include "core/base/log.h"
#include "offload/engine_priv.h"

LOG_MODULE("offload.notify");

static void note_rule(struct engine_dev *d, const struct offload_event *ev)
{
	struct device_note *n;

	if (d->n_notes == DEVICE_NOTES && ev->kind == OFFLOAD_EV_RULE_STALE) {
		d->all_stale = true;
		d->noted |= 1u << OFFLOAD_EV_RULE_STALE;
		return;
	}
	if (d->n_notes == DEVICE_NOTES) {
		d->noted |= 1u << OFFLOAD_EV_RULES;
		return;
	}
	n = &d->notes[d->n_notes++];
	n->handle = ev->handle;
	n->kind = ev->kind;
	(void)snprintf(n->words, sizeof(n->words), "%s", ev->words ? ev->words : "");
	d->noted |= 1u << ev->kind;
}

void offload_device_notify(struct offload_device *dev, const struct offload_event *ev)
{
	struct engine_dev *d = dev->engine_priv;

	if (!d) /* not known yet: everything about it will be asked for */
		return;
	lock_take(&d->notes_lock);
	if (!d->deaf) {
		d->noted_n[ev->kind]++;
		if (ev->kind == OFFLOAD_EV_RULE_GONE || ev->kind == OFFLOAD_EV_RULE_ALTERED ||
		    ev->kind == OFFLOAD_EV_RULE_STALE)
			note_rule(d, ev);
		else
			d->noted |= 1u << ev->kind;
		thread_wake(&d->thread);
	}
	lock_give(&d->notes_lock);
}

void offload_device_sampled(struct offload_device *dev, const struct dp_upcall *up)
{
	struct engine_dev *d = dev->engine_priv;

	if (d && d->e->ops.sampled)
		d->e->ops.sampled(d->e->ctx, up);
	else
		packet_free(up->packet);
}

bool notify_pending(struct engine_dev *d)
{
	bool any;

	lock_take(&d->notes_lock);
	any = d->noted != 0;
	lock_give(&d->notes_lock);
	return any;
}

void notify_stop(struct engine_dev *d)
{
	lock_take(&d->notes_lock);
	d->deaf = true;
	lock_give(&d->notes_lock);
}

struct notes {
	uint32_t kinds;
	bool all_stale;
	uint32_t count[OFFLOAD_N_EVENTS];
	unsigned n;
	struct device_note v[DEVICE_NOTES];
};

static void take(struct engine_dev *d, struct notes *t)
{
	lock_take(&d->notes_lock);
	t->kinds = d->noted;
	t->n = d->n_notes;
	t->all_stale = d->all_stale;
	memcpy(t->count, d->noted_n, sizeof(t->count));
	memcpy(t->v, d->notes, t->n * sizeof(t->v[0]));
	d->noted = 0;
	d->n_notes = 0;
	d->all_stale = false;
	memset(d->noted_n, 0, sizeof(d->noted_n));
	lock_give(&d->notes_lock);
}

static void lose_noted(struct engine_dev *d, const struct notes *t) REQUIRES(&d->e->lock)
{
	for (unsigned i = 0; i < t->n; i++) {
		struct engine_flow *f = device_flow_of(d, t->v[i].handle);

		if (!f || !flow_placed(f) || t->v[i].kind == OFFLOAD_EV_RULE_STALE)
			continue;
		if (t->v[i].kind == OFFLOAD_EV_RULE_GONE)
			d->stat.audit_missing++;
		else
			d->stat.audit_altered++;
		audit_lose(d, f,
			   t->v[i].kind == OFFLOAD_EV_RULE_GONE ? OFFLOAD_FORGOTTEN
								: OFFLOAD_ALTERED,
			   why_words(d->e, t->v[i].words));
	}
}

/* Each is replaced where it stands.  What the driver refused may have had to do with what has
 * changed. */
static void renew_stale(struct engine_dev *d, const struct notes *t) REQUIRES(&d->e->lock)
{
	struct engine_flow *f;

	if (!(t->kinds & 1u << OFFLOAD_EV_RULE_STALE))
		return;
	shapes_forget(d->shapes);
	if (t->all_stale)
		cds_list_for_each_entry (f, &d->hw, place)
			place_anew(f);
	for (unsigned i = 0; i < t->n; i++) {
		f = t->v[i].kind == OFFLOAD_EV_RULE_STALE ? device_flow_of(d, t->v[i].handle)
							  : NULL;
		if (f && flow_placed(f))
			place_anew(f);
	}
}

void notify_answer(struct engine_dev *d)
{
	struct notes t;

	take(d, &t);
	if (!t.kinds)
		return;
	lock_take(&d->e->lock);
	for (unsigned k = 0; k < OFFLOAD_N_EVENTS; k++)
		d->stat.events[k] += t.count[k];
	lose_noted(d, &t);
	renew_stale(d, &t);
	if (t.kinds & 1u << OFFLOAD_EV_GONE) { /* until it says that it is back */
		d->away = true;
		place_all(d->e, NULL, d);
	}
	if (t.kinds & 1u << OFFLOAD_EV_CAPACITY)
		d->budget.retry_ns = 0;
	lock_give(&d->e->lock);
	for (unsigned k = 0; k < OFFLOAD_N_EVENTS; k++)
		if (t.kinds & 1u << k && k != OFFLOAD_EV_CAPS && k != OFFLOAD_EV_CAPACITY &&
		    k != OFFLOAD_EV_RULE_STALE)
			log_warn_rl("%s: %s (%u): %s", d->od->name, offload_event_name[k],
				    t.count[k],
				    k == OFFLOAD_EV_GONE ? "its flows are switched in software"
							 : "put right");
	if (t.kinds & (1u << OFFLOAD_EV_RESET | 1u << OFFLOAD_EV_CAPS | 1u << OFFLOAD_EV_CAPACITY))
		device_look(d);
	if (t.kinds & 1u << OFFLOAD_EV_RULES)
		audit_hurry(d);
}
