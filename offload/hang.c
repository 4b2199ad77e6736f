/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that do not come back from a call.
 *
 * Each device has a thread of its own, so that a call that lasts blocks that device alone.  When
 * one lasts longer than hang_ms, the device is cut off: nothing waits for it any more.  Its flows
 * are switched in software (OFFLOAD_HUNG) but for those whose rules it holds, which it goes on with
 * as far as anybody can tell; deleted ones are given up with what they had counted.  When the call
 * returns, its results count for flows that are still there, and an audit brings the rest together.
 *
 * A port that leaves a device that hangs leaves it at once, and with it all others: what is left is
 * a *stray*, a thread in a call, which engine_tend() takes down when the call returns; then the
 * ports that lost the device join it again. */
#include <errno.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

LOG_MODULE("offload.hang");

#define LOOK_NS ((long)(50 * NSEC_PER_MSEC)) /* how often somebody who waits looks for hangs */

uint64_t device_call(struct engine_dev *d)
{
	uint64_t now;

	lock_take(&d->io);
	now = clock_mono_ns();
	d->call_ns = now;
	return now;
}

void device_called(struct engine_dev *d)
{
	d->call_ns = 0;
	lock_give(&d->io);
}

/* --- cutting off and coming back --- */

static void give_up(struct engine_dev *d, struct engine_flow *f, struct gone_list *g)
	REQUIRES(&d->e->lock)
{
	queue_drop(&d->queue, &f->queued);
	if (f->handle)
		batch_rule_gone(d, f, false);
	if (f->deleted && !f->sw_open)
		gone_add(d->e, g, f);
}

void hang_give_up(struct engine *e, struct engine_flow *f) NO_TSA /* f->dev->e is e */
{
	(void)e;
	if (f->dev && f->dev->hung && f->handle)
		batch_rule_gone(f->dev, f, false);
}

static void cut_off_device(struct engine_dev *d, struct gone_list *g) REQUIRES(&d->e->lock)
{
	struct engine_flow *f, *next;

	d->hung = true;
	d->stat.hangs++;
	batch_abandon(d, g);
	cds_list_for_each_entry_safe (f, next, &d->hw, place)
		if (f->deleted)
			give_up(d, f, g);
	place_all(d->e, NULL, d);
	pthread_cond_broadcast(&d->e->changed);
	log_warn("%s: does not answer: cut off, its new flows are switched in software",
		 d->od->name);
}

void hang_check_locked(struct engine *e, struct gone_list *g) NO_TSA /* d->e is e */
{
	uint64_t now = clock_mono_ns(), limit = e->cfg.hang_ms * NSEC_PER_MSEC;
	struct engine_dev *d;

	cds_list_for_each_entry (d, &e->devs, node) {
		uint64_t since = d->call_ns;

		if (limit && since && now > since + limit && !d->hung)
			cut_off_device(d, g);
	}
}

void hang_check(struct engine *e)
{
	struct gone_list gone = { NULL, 0, 0 };

	lock_take(&e->lock);
	hang_check_locked(e, &gone);
	lock_give(&e->lock);
	gone_call(e, &gone);
}

void hang_wait(struct engine *e, struct gone_list *g)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until); /* cannot fail for this clock */
	until.tv_nsec += LOOK_NS;
	if (until.tv_nsec >= (long)NSEC_PER_SEC) {
		until.tv_nsec -= (long)NSEC_PER_SEC;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(&e->changed, &e->lock.m, &until);
	hang_check_locked(e, g);
}

void hang_recover(struct engine_dev *d)
{
	bool hung;

	lock_take(&d->e->lock);
	hung = d->hung && !d->stray;
	lock_give(&d->e->lock);
	if (!hung)
		return;
	audit_run(d);
	lock_take(&d->e->lock);
	d->hung = false;
	place_all(d->e, NULL, d);
	lock_give(&d->e->lock);
	log_info("%s: answers again", d->od->name);
}

/* --- strays --- */

static void forget_flow(struct engine *e, struct engine_flow *f, void *arg) NO_TSA /* d->e is e */
{
	struct why w = why_of(OFFLOAD_HUNG);
	struct engine_dev *d = arg;

	if (f->dev != d)
		return;
	place_unwait(f);
	queue_drop(&d->queue, &f->queued);
	flow_assign(e, f); /* its port has no device any more */
	flow_set_state(e, f, OFFLOAD_ST_SOFTWARE, &w);
}

static void forget_flows(struct engine *e, struct engine_dev *d, struct gone_list *g)
	ENGINE_LOCKED(e) NO_TSA /* d->e is e */
{
	struct engine_flow *f, *next;

	batch_abandon(d, g);
	cds_list_for_each_entry_safe (f, next, &d->hw, place)
		give_up(d, f, g);
	flow_each(e, forget_flow, d);
}

void hang_stray(struct engine *e, struct engine_dev *d, struct gone_list *g)
{
	struct engine_port *p;

	d->stray = true;
	d->leaving = NULL;
	d->stray_ports = xcalloc(d->n_ports, sizeof(struct port *));
	HTABLE_FOR_EACH (p, struct engine_port, node, &e->ports) {
		if (p->dev != d)
			continue;
		p->dev = NULL;
		p->lost = true;
		d->stray_ports[d->n_stray_ports++] = port_ref(p->port);
	}
	d->n_ports = 0;
	forget_flows(e, d, g);
	cds_list_del(&d->node);
	cds_list_add_tail(&d->node, &e->strays);
	d->thread.stop = true; /* looked at when the call returns */
}

bool hang_has_port(struct engine *e, const struct port *port, char name[64])
{
	struct engine_dev *d;
	bool found = false;

	lock_take(&e->lock);
	cds_list_for_each_entry (d, &e->strays, node)
		for (unsigned i = 0; i < d->n_stray_ports; i++)
			if (d->stray_ports[i] == port) {
				memcpy(name, d->od->name, 64);
				found = true;
			}
	lock_give(&e->lock);
	return found;
}

static struct engine_dev *ended_stray(struct engine *e)
{
	struct engine_dev *d, *found = NULL;

	lock_take(&e->lock);
	cds_list_for_each_entry (d, &e->strays, node)
		if (d->ended)
			found = d;
	if (found)
		cds_list_del(&found->node);
	lock_give(&e->lock);
	return found;
}

bool hang_reap(struct engine *e)
{
	struct engine_dev *d;
	bool none;

	while ((d = ended_stray(e))) {
		struct offload_device *od = d->od;

		notify_stop(d);
		thread_stop(&d->thread);
		od->engine_priv = NULL;
		for (unsigned i = 0; i < d->n_stray_ports; i++) { /* the last frees the device */
			od->ops->detach(od, d->stray_ports[i]);
			port_unref(d->stray_ports[i]);
		}
		free(d->stray_ports);
		device_stop(d);
	}
	lock_take(&e->lock);
	none = cds_list_empty(&e->strays);
	lock_give(&e->lock);
	return none;
}
