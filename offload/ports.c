/* SPDX-License-Identifier: Apache-2.0 */
/* Ports and the devices that they belong to. */
#include <errno.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

LOG_MODULE("offload");

#define LEAVE_S 10 /* how long a device may take to let go of a port's rules */

struct engine_port *port_find(struct engine *e, struct dp_port no)
{
	struct engine_port *p;

	HTABLE_FOR_EACH_WITH (p, struct engine_port, node, hash_u64(no.v, 0), &e->ports)
		if (p->no.v == no.v)
			return p;
	return NULL;
}

/* --- coming --- */

static bool is_auto(const char *provider)
{
	return !provider || !*provider || !strcmp(provider, "auto") ||
	       !strncmp(provider, "auto:", 5);
}

/* To those that are named, in their order, or to all. */
static void offer(struct port *port, const char *order, struct offload_device **od)
{
	const struct offload_provider_ops *ops;

	if (!order || !*order) {
		for (unsigned i = 0; (ops = offload_provider_at(i)); i++)
			if (!ops->attach(port, NULL, od, NULL))
				return;
		return;
	}
	while (*(order += strspn(order, ", "))) {
		size_t len = strcspn(order, ", ");

		ops = offload_provider_find(order, len);
		if (ops && !ops->attach(port, NULL, od, NULL))
			return;
		order += len;
	}
}

static int attach(struct port *port, const char *provider, struct offload_device **od,
		  struct error *err)
{
	const struct offload_provider_ops *ops;
	const char *args;
	size_t len;

	if (is_auto(provider)) {
		offer(port, provider && strlen(provider) > 5 ? provider + 5 : NULL, od);
		return 0;
	}
	if (!strcmp(provider, "none"))
		return 0;
	len = strcspn(provider, ":");
	args = provider[len] ? provider + len + 1 : "";
	ops = offload_provider_find(provider, len);
	if (!ops)
		return error_set(err, ENOENT, "offload", "no offload provider \"%.*s\"", (int)len,
				 provider);
	return ops->attach(port, args, od, err);
}

static void keep_text(struct engine_port *p, const char *provider)
{
	free(p->provider);
	p->provider = provider ? xstrdup(provider) : NULL;
}

static struct engine_port *new_port(struct engine *e, struct port *port)
{
	struct engine_port *p = xzalloc(sizeof(*p));

	p->no = port->no;
	p->port = port_ref(port);
	p->enabled = true;
	p->policy = p->placement = -1;
	p->slot = UINT32_MAX;
	shelf_init(&p->out[0]);
	shelf_init(&p->out[1]);
	lock_take(&e->lock);
	past_take(e, p);
	htable_insert(&e->ports, &p->node, hash_u64(p->no.v, 0));
	lock_give(&e->lock);
	return p;
}

static int join_device(struct engine *e, struct engine_port *p, struct offload_device *od,
		       struct error *err)
{
	struct engine_dev *d = od->engine_priv;
	bool first = !d;

	if (d && d->stray) { /* another port of it */
		od->ops->detach(od, p->port);
		p->lost = true;
		return error_set(err, EBUSY, "offload", "%s does not answer", od->name);
	}
	if (first) {
		d = device_start(e, od, err);
		if (!d) {
			od->ops->detach(od, p->port);
			return -EIO;
		}
	}
	lock_take(&e->lock);
	if (first)
		cds_list_add_tail(&d->node, &e->devs);
	d->n_ports++;
	p->dev = d;
	beside_begin(e, p);
	divide_entries(e);
	lock_give(&e->lock);
	log_info("%s: port %s attached", od->name, p->port->name);
	return 0;
}

/* Every flow may have a new device now, or a way out of one. */
static void reconsider(struct engine *e)
{
	struct engine_flow *f;

	lock_take(&e->lock);
	HTABLE_FOR_EACH (f, struct engine_flow, by_ufid, &e->flows) {
		bool moved = !f->port || (!f->dev && f->port->dev);

		if (moved)
			flow_assign(e, f);
		/* Who is being asked about it may not have known the port yet. */
		if (moved || f->busy || f->why.reason == OFFLOAD_OUT_DEVICE)
			place_flow(e, f);
	}
	lock_give(&e->lock);
}

static int join(struct engine *e, struct engine_port *p, const char *provider, struct error *err)
{
	struct offload_device *od = NULL;
	char name[64];
	int rc;

	keep_text(p, provider);
	(void)hang_reap(e); /* others may go on as they are */
	p->lost = hang_has_port(e, p->port, name);
	if (p->lost)
		return error_set(err, EBUSY, "offload", "%s does not answer", name);
	rc = attach(p->port, provider, &od, err);
	if (!rc && od)
		rc = join_device(e, p, od, err);
	reconsider(e);
	return rc;
}

int engine_port_add(struct engine *e, struct port *port, const char *provider, struct error *err)
{
	return join(e, new_port(e, port), provider, err);
}

void engine_port_enable(struct engine *e, struct dp_port port, bool on)
{
	struct engine_port *p;

	lock_take(&e->lock);
	p = port_find(e, port);
	if (p && p->enabled != on) {
		p->enabled = on;
		place_all(e, p, NULL);
	}
	lock_give(&e->lock);
}

void engine_port_policy(struct engine *e, struct dp_port port, int policy)
{
	struct engine_port *p;

	lock_take(&e->lock);
	p = port_find(e, port);
	if (p && p->policy != policy) {
		p->policy = (int8_t)policy;
		place_all(e, p, NULL);
	}
	lock_give(&e->lock);
}

void engine_port_placement(struct engine *e, struct dp_port port,
			   const struct engine_port_placement *pl)
{
	static const struct engine_port_placement as_the_switch = { .placement = -1 };
	struct engine_port *p;

	pl = pl ? pl : &as_the_switch;
	lock_take(&e->lock);
	p = port_find(e, port);
	if (p && (p->placement != pl->placement || p->pinned != pl->pinned ||
		  p->max_entries != pl->max_entries)) {
		p->placement = (int8_t)pl->placement;
		p->pinned = pl->pinned;
		p->max_entries = pl->max_entries;
		place_reshelve(e, p);
	}
	lock_give(&e->lock);
}

/* --- leaving --- */

static bool leads_to(struct dp_actions acts, struct dp_port no)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts) {
		const struct act_output *out = dp_action_payload(a);
		unsigned n_lists = a->kind == DP_ACT_CHECK_PKT_LEN ? 2 : 1;

		if (a->kind == DP_ACT_OUTPUT && out->port.v == no.v)
			return true;
		for (unsigned i = 0; dp_action_table[a->kind].nested && i < n_lists; i++)
			if (leads_to(dp_action_nested(a, i), no))
				return true;
	}
	return false;
}

bool port_touches(const struct engine_port *p, const struct engine_flow *f)
{
	return f->port == p || (f->hw_acts && leads_to(flow_acts_list(f->hw_acts), p->no)) ||
	       leads_to(flow_acts_list(f->acts), p->no);
}

/* Rules of deleted flows included. */
static bool still_there(const struct engine_dev *d, const struct engine_port *p)
{
	const struct engine_flow *f;

	cds_list_for_each_entry (f, &d->hw, place)
		if (port_touches(p, f))
			return true;
	return batch_works_on(d, p);
}

static void ask_out(struct engine *e, struct engine_port *p) ENGINE_LOCKED(e)
{
	struct why w = why_of(OFFLOAD_NO_DEVICE);
	struct engine_flow *f;

	HTABLE_FOR_EACH (f, struct engine_flow, by_ufid, &e->flows) {
		if (f->dev != p->dev || !port_touches(p, f))
			continue;
		f->want = false;
		place_unwait(f);
		if (f->queued.place == QUEUE_INSTALLS) {
			queue_drop(&f->dev->queue, &f->queued);
			flow_set_state(e, f, OFFLOAD_ST_SOFTWARE, &w);
		}
		if ((f->handle || f->busy) && !f->stuck)
			place_remove(e, f, AFTER_SOFTWARE, OFFLOAD_ST_EVICTING, &w);
	}
}

/* Those that entered by it lose the device (and the port, when it is no longer in the table); those
 * that only left by it may try again (and will hear that the output is on no device). */
static void cut_off(struct engine *e, struct engine_flow *f, void *arg) NO_TSA /* e is locked */
{
	struct why w = why_of(OFFLOAD_NO_DEVICE);
	const struct engine_port *p = arg;

	if (f->port != p) {
		if (p->dev && f->dev == p->dev && !f->want && f->hw_ok && !f->deleted)
			place_flow(e, f);
		return;
	}
	place_unwait(f);
	if (p->dev)
		queue_drop(&p->dev->queue, &f->queued);
	flow_assign(e, f);
	flow_set_state(e, f, OFFLOAD_ST_SOFTWARE, &w);
}

/* Rules that stay in the device without us, or that it would not let go. */
static void abandon(struct engine *e, struct engine_dev *d, const struct engine_port *p,
		    struct gone_list *g) ENGINE_LOCKED(e) NO_TSA /* d->e is e */
{
	struct engine_flow *f, *next;

	cds_list_for_each_entry_safe (f, next, &d->hw, place) {
		if (!port_touches(p, f))
			continue;
		queue_drop(&d->queue, &f->queued);
		batch_rule_gone(d, f, false);
		if (f->deleted && !f->sw_open)
			gone_add(e, g, f);
	}
}

/* Waits until no rule touches the port, asking again and again, as new ones may have come. */
static void empty_port(struct engine *e, struct engine_port *p, bool leave, struct gone_list *g)
	ENGINE_LOCKED(e)
{
	struct engine_dev *d = p->dev;
	uint64_t until = clock_mono_ns() + LEAVE_S * NSEC_PER_SEC;

	while (!leave && !d->hung) {
		ask_out(e, p);
		if (!still_there(d, p) || clock_mono_ns() > until)
			break;
		hang_wait(e, g);
	}
	while (!d->hung && (d->n_users || batch_works_on(d, p)))
		hang_wait(e, g);
}

/* The rules that touch the port leave the device; then the port does, and with its last port the
 * device.  `leave`: the rules stay in the device, and only our memory of them goes.  `forget`: the
 * engine no longer knows the port either. */
static void leave_device(struct engine *e, struct engine_port *p, bool leave, bool forget)
	EXCLUDES(e->lock)
{
	struct gone_list gone = { NULL, 0, 0 };
	struct engine_dev *d = p->dev;
	bool last = false, stray = false;

	lock_take(&e->lock);
	p->leaving = true;
	if (d) {
		d->leaving = p;
		empty_port(e, p, leave, &gone);
		stray = d->hung;
	}
	if (stray) {
		hang_stray(e, d, &gone);
		d = NULL; /* engine_tend()'s */
	} else if (d) {
		abandon(e, d, p, &gone);
		last = !--d->n_ports;
	}
	if (forget)
		htable_remove(&e->ports, &p->node);
	flow_each(e, cut_off, p);
	p->dev = NULL;
	if (last)
		cds_list_del(&d->node);
	lock_give(&e->lock);
	gone_call(e, &gone);
	if (last) {
		notify_stop(d);
		thread_stop(&d->thread);
	}
	if (d)
		d->od->ops->detach(d->od, p->port);
	if (last)
		device_stop(d);
	lock_take(&e->lock);
	p->leaving = false;
	if (d && !last)
		d->leaving = NULL;
	lock_give(&e->lock);
}

void port_forget(struct engine *e, struct engine_port *p, bool leave)
{
	leave_device(e, p, leave, true);
	lock_take(&e->lock);
	past_keep(e, p);
	beside_end(e, p);
	lock_give(&e->lock);
	port_unref(p->port);
	free(p->provider);
	free(p);
}

int engine_port_move(struct engine *e, struct port *port, const char *provider, struct error *err)
{
	struct engine_port *p;

	lock_take(&e->lock);
	p = port_find(e, port->no);
	lock_give(&e->lock);
	if (!p)
		return error_set(err, ENODEV, NULL, "port %s is not known to the engine",
				 port->name);
	if (p->dev) {
		log_info("%s: port %s leaves", p->dev->od->name, port->name);
		leave_device(e, p, false, false);
	}
	return join(e, p, provider, err);
}

void engine_port_del(struct engine *e, struct port *port)
{
	struct engine_port *p;

	lock_take(&e->lock);
	p = port_find(e, port->no);
	lock_give(&e->lock);
	if (p)
		port_forget(e, p, false);
}

/* Ports whose device hung, when it is back. */
static struct engine_port *lost_port(struct engine *e)
{
	struct engine_port *p, *found = NULL;

	lock_take(&e->lock);
	HTABLE_FOR_EACH (p, struct engine_port, node, &e->ports)
		if (p->lost)
			found = p;
	lock_give(&e->lock);
	return found;
}

void engine_tend(struct engine *e)
{
	struct engine_port *p;

	while (hang_reap(e) && (p = lost_port(e))) {
		struct error why = ERROR_INIT;
		char *text = p->provider ? xstrdup(p->provider) : NULL;

		p->lost = false;
		if (join(e, p, text, &why))
			log_warn("port %s: its device is back, but not for it: %s", p->port->name,
				 why.cause);
		free(text);
	}
}

/* --- commands --- */

int engine_device_command(struct engine *e, const char *device, int argc, const char *const argv[],
			  struct str *out, struct error *err)
{
	struct engine_dev *d = device_use(e, device);
	int rc;

	if (!d)
		return error_set(err, ENODEV, NULL, "no offload device \"%.60s\"", device);
	if (d->od->ops->command)
		rc = d->od->ops->command(d->od, argc, argv, out, err);
	else
		rc = error_set(err, EOPNOTSUPP, NULL, "%s takes no commands", device);
	device_release(e, d);
	return rc;
}
