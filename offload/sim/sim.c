/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/sim/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "offload/sim/sim_priv.h"

static CDS_LIST_HEAD(sims);

/* --- ports --- */

static struct sim_ports *ports_copy(const struct sim_ports *old, uint32_t no, struct sim_port *sp)
{
	uint32_t n = MAX(old ? old->n : 0, no + 1);
	struct sim_ports *ps = xzalloc(sizeof(*ps) + n * sizeof(struct sim_port *));

	ps->n = n;
	for (uint32_t i = 0; old && i < old->n; i++)
		ps->by_no[i] = old->by_no[i];
	ps->by_no[no] = sp;
	return ps;
}

static bool has_ports(const struct sim_ports *ps)
{
	for (uint32_t i = 0; ps && i < ps->n; i++)
		if (ps->by_no[i])
			return true;
	return false;
}

static struct sim *sim_find(const char *name)
{
	struct sim *s;

	cds_list_for_each_entry (s, &sims, node)
		if (!strcmp(s->up.name, name))
			return s;
	return NULL;
}

static const struct offload_provider_ops sim_ops;

static int sim_new(const char *args, const char *name, struct sim **sp, struct error *err)
{
	struct sim *s = xzalloc(sizeof(*s));
	char profile[PROFILE_NAME_MAX + 1];
	int rc;

	(void)snprintf(profile, sizeof(profile), "%.*s", (int)strcspn(args, "/"), args);
	rc = profile_load(profile, &s->profile, err);
	if (!rc && s->profile.probed)
		rc = error_set(err, EINVAL, profile,
			       "it tells of a NIC that was probed: sim cannot play it");
	if (rc) {
		free(s);
		return rc;
	}
	s->up.ops = &sim_ops;
	(void)snprintf(s->up.name, sizeof(s->up.name), "%s", name);
	s->table = mflow_table_new();
	s->ingress = (struct port_ingress){ .fn = sim_ingress, .ctx = s, .flush = sim_flush };
	lock_init(&s->lock);
	htable_init(&s->entries);
	s->next_handle = 1;
	s->epoch = 1;
	s->caps_generation = 1;
	cds_list_add_tail(&s->node, &sims);
	*sp = s;
	return 0;
}

/* Nobody uses it any more, a grace period ago. */
static void sim_free(struct sim *s)
{
	sim_rules_done(s);
	cds_list_del(&s->node);
	mflow_table_free(s->table);
	htable_done(&s->entries);
	lock_done(&s->lock);
	free(s->snap);
	free(s->held);
	free(s);
}

static int sim_attach(struct port *port, const char *args, struct offload_device **dev,
		      struct error *err)
{
	struct sim_ports *old;
	struct sim_port *sp;
	char name[64];
	struct sim *s;
	int rc;

	if (!args)
		return -ENODEV; /* no port is one of ours by nature */
	if (!port->ops->rx)
		return error_set(err, EOPNOTSUPP, "offload",
				 "frames of port %s do not come by here: a NIC in software needs "
				 "datapath_type=netdev",
				 port->name);
	if (strlen(args) >= sizeof(name) - sizeof("sim:"))
		return error_set(err, EINVAL, "offload", "\"%.60s…\" is too long a name", args);
	if (port->ingress)
		return error_set(err, EBUSY, "offload",
				 "port %s has a device at its ingress already", port->name);
	(void)snprintf(name, sizeof(name), "sim:%s", args);
	s = sim_find(name);
	if (!s) {
		rc = sim_new(args, name, &s, err);
		if (rc)
			return rc;
	}
	sp = xzalloc(sizeof(*sp));
	sp->port = port;
	old = s->ports;
	rcu_assign_pointer(s->ports, ports_copy(old, port->no.v, sp));
	rcu_defer_free(old);
	(void)port_set_ingress(port, &s->ingress); /* there was none */
	*dev = &s->up;
	return 0;
}

static void sim_detach(struct offload_device *dev, struct port *port)
{
	struct sim *s = sim_of(dev);
	struct sim_ports *old = s->ports;
	struct sim_port *sp = old->by_no[port->no.v];

	(void)port_set_ingress(port, NULL); /* it was ours */
	rcu_assign_pointer(s->ports, ports_copy(old, port->no.v, NULL));
	rcu_thread_start();
	rcu_wait(); /* from here on no worker has a packet of this port in our hands */
	free(old);
	free(sp);
	if (has_ports(s->ports))
		return;
	free(s->ports);
	sim_free(s);
}

/* --- what it can do --- */

static int sim_caps(struct offload_device *dev, struct offload_caps *caps)
{
	struct sim *s = sim_of(dev);

	*caps = s->profile.caps;
	caps->inner_vlan = s->profile.inner_vlan;
	lock_take(&s->lock);
	caps->generation = s->caps_generation;
	lock_give(&s->lock);
	return 0;
}

static bool has_port(void *aux, struct dp_port port)
{
	const struct sim_ports *ps = aux;

	return port.v < ps->n && ps->by_no[port.v];
}

static int sim_plan(struct offload_device *dev, const struct offload_rule *r,
		    struct offload_plan *plan)
{
	struct sim *s = sim_of(dev);
	int rc;

	rcu_thread_start();
	rcu_read_lock();
	rc = profile_plan(&s->profile, r, has_port, rcu_dereference(s->ports), plan);
	rcu_read_unlock();
	return rc;
}

static int sim_usage(struct offload_device *dev, struct offload_usage *u)
{
	struct sim *s = sim_of(dev);

	lock_take(&s->lock);
	*u = (struct offload_usage){ .entries = s->n_listed,
				     .capacity = s->profile.caps.capacity,
				     .epoch = s->epoch };
	lock_give(&s->lock);
	return 0;
}

static const struct offload_provider_ops sim_ops = {
	.type = "sim",
	.attach = sim_attach,
	.detach = sim_detach,
	.caps = sim_caps,
	.plan = sim_plan,
	.apply = sim_apply,
	.stats = sim_stats,
	.dump = sim_dump,
	.usage = sim_usage,
	.command = sim_command,
};

void sim_register(void)
{
	offload_provider_register(&sim_ops);
}
