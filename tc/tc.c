/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/tc.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "core/port/linux_link.h"
#include "tc/device.h"
#include "tc/kernel.h"
#include "tc/meters.h"
#include "tc/paths.h"
#include "tc/samples.h"

LOG_MODULE("tc");

static const struct offload_provider_ops tc_ops;

/* The main thread's channel, while there is a device. */
static struct nl_chan *main_chan; /* owned */
static unsigned n_devices;
static _Atomic uint32_t main_portid;

uint32_t tc_main_portid(void)
{
	return atomic_load(&main_portid);
}

/* --- coming to life with the first port, and its end --- */

static int start(struct error *err)
{
	int rc;

	if (main_chan)
		return 0;
	rc = nl_chan_open(NETLINK_ROUTE, &main_chan, err);
	if (rc)
		return rc;
	atomic_store(&main_portid, nl_chan_portid(main_chan));
	return tc_meters_start(err);
}

static void stop(void)
{
	if (n_devices)
		return;
	tc_samples_stop();
	tc_watch_stop();
	tc_paths_stop();
	tc_meters_stop();
	nl_chan_close(main_chan);
	main_chan = NULL;
	atomic_store(&main_portid, 0);
}

/* --- devices --- */

static int device_new(const char *name, const struct tc_port *first, bool asked,
		      struct tc_device **ret, struct error *err)
{
	struct tc_device *d = xzalloc(sizeof(*d));
	int rc = nl_chan_open(NETLINK_ROUTE, &d->chan, err);

	if (rc) {
		free(d);
		return rc;
	}
	d->up.ops = &tc_ops;
	(void)snprintf(d->up.name, sizeof(d->up.name), "%s", name);
	CDS_INIT_LIST_HEAD(&d->ports);
	d->kernel = first->kernel;
	d->may_offload = first->offloads || first->bond;
	d->driver_only = first->bond && !asked;
	d->tunnels = !first->offloads && first->kind >= FLOWER_PORT_VXLAN;
	d->tunnel_df = tc_kernel_tunnel_df(main_chan);
	d->recirc = first->kernel && tc_kernel_shares_chains();
	atomic_store(&d->stale, true);
	nl_batch_init(&d->batch);
	nl_batch_init(&d->side);
	buf_init(&d->scratch);
	buf_init(&d->actions);
	lock_init(&d->lock);
	htable_init(&d->rules);
	htable_init(&d->matches);
	htable_init(&d->chains);
	id_pool_init(&d->numbers, 1, TC_NUMBER_MASK);
	tc_prios_init(&d->prios);
	d->epoch = 1;
	n_devices++;
	*ret = d;
	return 0;
}

static void device_free(struct tc_device *d)
{
	tc_meter_trial_end(d);
	tc_back_done(d);
	free(d->stats);
	tc_counts_done(&d->counts);
	free(d->held);
	tc_prios_done(&d->prios);
	id_pool_done(&d->numbers);
	htable_done(&d->chains);
	htable_done(&d->matches);
	htable_done(&d->rules);
	lock_done(&d->lock);
	buf_done(&d->actions);
	buf_done(&d->scratch);
	nl_batch_done(&d->side);
	nl_batch_done(&d->batch);
	nl_chan_close(d->chan);
	free(d);
	n_devices--;
}

/* Whose table the port's rules are in. */
static void name_device(const struct tc_port *p, const struct port_state *st, char *name,
			size_t size)
{
	if (p->bond && !st->phys_switch_id[0])
		(void)snprintf(name, size, "tc:%.60s", p->name);
	else if (!p->offloads)
		(void)snprintf(name, size,
			       p->kind < FLOWER_PORT_VXLAN ? "tc:software" : "tc:tunnels");
	else if (st->phys_switch_id[0])
		(void)snprintf(name, size, "tc:%s%s", st->phys_switch_id, p->kernel ? "" : "u");
	else
		(void)snprintf(name, size, "tc:%.60s", p->name);
}

/* --- attach, detach --- */

struct members {
	int bond;
	struct port_state *st; /* the switch id that all slaves have */
	unsigned n;
	bool offload; /* all of them */
};

static void add_member(const struct tc_link *l, void *arg)
{
	struct members *m = arg;
	struct port_state st;

	m->offload &= tc_link_offloads(l->ifindex);
	if (linux_link_state(l->ifindex, &st))
		st.phys_switch_id[0] = '\0';
	if (!m->n++)
		(void)snprintf(m->st->phys_switch_id, sizeof(m->st->phys_switch_id), "%s",
			       st.phys_switch_id);
	else if (strcmp(m->st->phys_switch_id, st.phys_switch_id) != 0)
		m->st->phys_switch_id[0] = '\0';
}

static int list_members(void *arg)
{
	struct members *m = arg;

	m->n = 0;
	m->offload = true;
	return tc_links_each(main_chan, m->bond, add_member, m);
}

/* A bond is of the NIC that all of its slaves are of. */
static int look_at_slaves(struct tc_port *p, struct port_state *st)
{
	struct members m = { .bond = p->ifindex, .st = st };
	int rc = tc_read_list(list_members, &m);

	p->offloads = m.n && m.offload;
	if (!p->offloads)
		st->phys_switch_id[0] = '\0';
	return rc == -EINTR ? 0 : rc; /* whoever joins or leaves is told of */
}

static int look_at(struct port *port, struct tc_port *p, struct port_state *st, bool asked,
		   struct error *err)
{
	struct tc_link link;
	int rc;

	memset(st, 0, sizeof(*st));
	if (!port->ops->state || port->ops->state(port, st) || !st->ifindex)
		return -ENODEV; /* no network device */
	(void)snprintf(p->name, sizeof(p->name), "%s", port->name);
	p->no = port->no;
	p->ifindex = st->ifindex;
	p->kernel = !port->ops->rx;
	p->offloads = tc_link_offloads(p->ifindex);
	rc = start(err);
	if (!rc)
		rc = tc_link_get(main_chan, p->ifindex, &link);
	if (rc)
		return rc;
	p->bond = link.is_bond;
	if (p->bond)
		rc = look_at_slaves(p, st);
	if (rc)
		return rc;
	if (!p->kernel && !p->offloads)
		return asked ? error_set(err, EOPNOTSUPP, "offload",
					 "%s: hw-tc-offload is off or its driver has none (ethtool "
					 "-K %s hw-tc-offload on)",
					 port->name, port->name)
			     : -ENODEV;
	if (!asked && !p->offloads && !p->bond && link.kind < FLOWER_PORT_VXLAN)
		return -ENODEV; /* the kernel's datapath does it as well */
	p->kind = link.kind;
	p->udp_port = link.udp_port;
	p->mac = link.mac;
	p->parent = p->bond                             ? 0
		    : link.kind == FLOWER_PORT_INTERNAL ? TC_PARENT_EGRESS
							: TC_PARENT_INGRESS;
	atomic_store(&p->look, p->bond);
	rc = tc_watch_start(err);
	return rc ? rc : tc_paths_start(tc_follow_changed, err);
}

static int tc_attach(struct port *port, const char *args, struct offload_device **dev,
		     struct error *err)
{
	struct tc_port *p = xzalloc(sizeof(*p));
	struct tc_device *d = NULL;
	struct port_state st = { .ifindex = 0 };
	struct error why = ERROR_INIT;
	char name[64];
	int rc;

	p->refs = 1;
	rc = args && *args ? error_set(err, EINVAL, "offload", "\"tc\" takes nothing behind it")
			   : look_at(port, p, &st, args, err);
	if (!rc && !p->kernel && port->ingress)
		rc = error_set(err, EBUSY, "offload", "port %s has a device at its ingress already",
			       port->name);
	if (rc)
		goto err_look;
	name_device(p, &st, name, sizeof(name));
	d = tc_device_find(name);
	if (!d)
		rc = device_new(name, p, args, &d, err);
	if (rc)
		goto err_look;
	p->dev = d;
	if (!p->bond && tc_port_qdisc(p, main_chan, &why))
		error_clear(&why); /* the first rule will say so */
	atomic_fetch_add(&d->n_ports, 1);
	if (p->bond)
		atomic_store(&d->stale, true); /* its slaves are to be listed */
	tc_ports_add(p);
	tc_watch_own();
	*dev = &d->up;
	return 0;

err_look:
	free(p);
	stop();
	return rc;
}

static void tc_detach(struct offload_device *dev, struct port *port)
{
	struct tc_device *d = tc_of(dev);
	struct tc_port *p = tc_port_get(d->kernel, port->no);
	bool last;

	last = tc_ports_del(p); /* it is there: it was attached */
	atomic_fetch_sub(&d->n_ports, 1);
	tc_port_leave(p, main_chan);
	tc_rules_drop_port(d, p);
	tc_port_put(p);
	tc_port_put(p); /* and the registry's own */
	if (last)
		device_free(d);
	tc_watch_own();
	stop();
}

/* --- looking at it --- */

static int add_entries(struct tc_port *p, void *arg)
{
	uint64_t *n = arg;

	*n += (uint64_t)atomic_load(&p->n_rules) * tc_port_cost(p);
	return 0;
}

static int tc_usage(struct offload_device *dev, struct offload_usage *u)
{
	struct tc_device *d = tc_of(dev);
	uint64_t n = 0;

	(void)tc_ports_each(d, add_entries, &n); /* never fails */
	tc_look_again(d);
	tc_meters_tidy();
	tc_meter_trial_end(d);
	lock_take(&d->lock);
	*u = (struct offload_usage){ .entries = n, .epoch = d->epoch };
	lock_give(&d->lock);
	return 0;
}

static int status_port(struct tc_port *p, void *arg)
{
	struct str *out = arg;

	str_printf(out, "  %s: %u rules, %s\n", p->name, (unsigned)atomic_load(&p->n_rules),
		   atomic_load(&p->ready) ? "with a qdisc" : "no qdisc");
	if (p->bond)
		tc_bond_status(p, out);
	return 0;
}

static int tc_command(struct offload_device *dev, int argc, const char *const argv[],
		      struct str *out, struct error *err)
{
	struct tc_device *d = tc_of(dev);

	if (argc != 1 || strcmp(argv[0], "status") != 0)
		return error_set(err, EINVAL, NULL, "tc knows the command \"status\"");
	lock_take(&d->lock);
	str_printf(out, "%s: %zu rules of the %s datapath; %s\n", dev->name, d->rules.n,
		   d->kernel ? "kernel" : "user",
		   d->offloads ? "the driver takes rules" : tc_no_driver(d));
	lock_give(&d->lock);
	(void)tc_ports_each(d, status_port, out); /* never fails */
	return 0;
}

static const struct offload_provider_ops tc_ops = {
	.type = "tc",
	.attach = tc_attach,
	.detach = tc_detach,
	.caps = tc_caps,
	.plan = tc_plan,
	.apply = tc_apply,
	.stats = tc_stats,
	.dump = tc_dump,
	.read_back = tc_read_back,
	.usage = tc_usage,
	.command = tc_command,
	.meters = &tc_meter_ops,
};

void tc_register(void)
{
	offload_provider_register(&tc_ops);
}
