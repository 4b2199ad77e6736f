/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/xalloc.h"
#include "tc/device.h"
#include "tc/meters.h"
#include "tc/samples.h"

LOG_MODULE("tc");

/* --- the registry: all ports of all devices --- */

static struct lock registry = LOCK_INIT;
static struct htable by_no = HTABLE_INIT;
static struct htable by_ifindex = HTABLE_INIT;
static CDS_LIST_HEAD(devices);

static uint64_t hash_no(bool kernel, struct dp_port no)
{
	return hash_u64(no.v, kernel);
}

static uint64_t hash_ifindex(int ifindex)
{
	return hash_u64((uint64_t)ifindex, 2);
}

void tc_ports_add(struct tc_port *p)
{
	struct tc_device *d = p->dev;

	lock_take(&registry);
	if (cds_list_empty(&d->ports))
		cds_list_add_tail(&d->node, &devices);
	cds_list_add_tail(&p->node, &d->ports);
	htable_insert(&by_no, &p->by_no, hash_no(p->kernel, p->no));
	htable_insert(&by_ifindex, &p->by_ifindex, hash_ifindex(p->ifindex));
	lock_give(&registry);
}

bool tc_ports_del(struct tc_port *p)
{
	struct tc_device *d = p->dev;
	bool last;

	lock_take(&registry);
	htable_remove(&by_no, &p->by_no);
	htable_remove(&by_ifindex, &p->by_ifindex);
	cds_list_del(&p->node);
	last = cds_list_empty(&d->ports);
	if (last)
		cds_list_del(&d->node);
	lock_give(&registry);
	return last;
}

void tc_port_put(struct tc_port *p)
{
	bool last;

	lock_take(&registry);
	last = !--p->refs;
	lock_give(&registry);
	if (!last)
		return;
	free(p->slaves);
	free(p);
}

static struct tc_port *find_no(bool kernel, struct dp_port no) REQUIRES(&registry)
{
	struct tc_port *p;

	HTABLE_FOR_EACH_WITH (p, struct tc_port, by_no, hash_no(kernel, no), &by_no)
		if (p->no.v == no.v && p->kernel == kernel)
			return p;
	return NULL;
}

static struct tc_port *find_ifindex(int ifindex) REQUIRES(&registry)
{
	struct tc_port *p;

	HTABLE_FOR_EACH_WITH (p, struct tc_port, by_ifindex, hash_ifindex(ifindex), &by_ifindex)
		if (p->ifindex == ifindex)
			return p;
	return NULL;
}

static struct tc_port *find_block(uint32_t block) REQUIRES(&registry)
{
	struct tc_port *p;

	HTABLE_FOR_EACH (p, struct tc_port, by_ifindex, &by_ifindex)
		if (p->bond && p->parent == block)
			return p;
	return NULL;
}

struct tc_port *tc_port_get(bool kernel, struct dp_port no)
{
	struct tc_port *p;

	lock_take(&registry);
	p = find_no(kernel, no);
	if (p)
		p->refs++;
	lock_give(&registry);
	return p;
}

bool tc_ports_numbered(bool kernel, struct dp_port no, tc_port_fn *fn, void *arg)
{
	struct tc_port *p;

	lock_take(&registry);
	p = find_no(kernel, no);
	if (p)
		fn(p, arg);
	lock_give(&registry);
	return p;
}

bool tc_ports_with(int ifindex, tc_port_fn *fn, void *arg)
{
	struct tc_place at = { .ifindex = ifindex };

	return tc_ports_at(&at, fn, arg);
}

bool tc_ports_at(const struct tc_place *at, tc_port_fn *fn, void *arg)
{
	struct tc_port *p;

	lock_take(&registry);
	p = at->ifindex == TC_BLOCK_IFINDEX ? find_block(at->parent) : find_ifindex(at->ifindex);
	if (p)
		fn(p, arg);
	lock_give(&registry);
	return p;
}

/* --- the slaves of bonds --- */

static bool has_slave(const struct tc_port *p, int ifindex)
{
	for (size_t i = 0; i < p->n_slaves; i++)
		if (p->slaves[i].ifindex == ifindex)
			return true;
	return false;
}

void tc_bonds_with(int ifindex, tc_port_fn *fn, void *arg)
{
	struct tc_port *p;

	lock_take(&registry);
	HTABLE_FOR_EACH (p, struct tc_port, by_ifindex, &by_ifindex)
		if (has_slave(p, ifindex))
			fn(p, arg);
	lock_give(&registry);
}

void tc_bonds_changed_by(const struct tc_link *slave, tc_port_fn *fn, void *arg)
{
	struct tc_port *p;

	lock_take(&registry);
	HTABLE_FOR_EACH (p, struct tc_port, by_ifindex, &by_ifindex) {
		bool is = p->bond && slave->master == p->ifindex &&
			  (p->backups_count || !slave->is_backup);

		if (has_slave(p, slave->ifindex) != is)
			fn(p, arg);
	}
	lock_give(&registry);
}

void tc_port_set_slaves(struct tc_port *p, struct tc_slave *v, unsigned n, bool backups_count)
{
	struct tc_slave *old;

	lock_take(&registry);
	old = p->slaves;
	p->slaves = v;
	atomic_store(&p->n_slaves, n);
	p->backups_count = backups_count;
	lock_give(&registry);
	free(old);
}

void tc_bond_status(struct tc_port *p, struct str *out)
{
	lock_take(&registry);
	for (unsigned i = 0; i < p->n_slaves; i++)
		str_printf(out, "    slave %s: %s\n", p->slaves[i].name,
			   p->slaves[i].bound      ? "bound"
			   : p->slaves[i].words[0] ? p->slaves[i].words
						   : "not bound");
	lock_give(&registry);
}

bool tc_port_set_mac(const struct tc_link *l)
{
	struct tc_port *p;
	bool other;

	lock_take(&registry);
	p = find_ifindex(l->ifindex);
	other = p && p->kind == FLOWER_PORT_INTERNAL && !eth_addr_equal(p->mac, l->mac);
	if (other)
		p->mac = l->mac;
	lock_give(&registry);
	return other;
}

void tc_port_set_block(struct tc_port *p, uint32_t block)
{
	lock_take(&registry);
	p->parent = block;
	lock_give(&registry);
}

void tc_devices_each(void (*fn)(struct tc_device *d, void *arg), void *arg)
{
	struct tc_device *d;

	lock_take(&registry);
	cds_list_for_each_entry (d, &devices, node)
		fn(d, arg);
	lock_give(&registry);
}

struct tc_device *tc_device_find(const char *name)
{
	struct tc_device *d, *found = NULL;

	lock_take(&registry);
	cds_list_for_each_entry (d, &devices, node)
		if (!strcmp(d->up.name, name))
			found = d;
	lock_give(&registry);
	return found;
}

static struct tc_port **ports_of(struct tc_device *d, size_t *n)
{
	struct tc_port **v = NULL, *p;
	size_t cap = 0;

	*n = 0;
	lock_take(&registry);
	cds_list_for_each_entry (p, &d->ports, node) {
		if (*n == cap)
			v = xgrow(v, &cap, *n + 1, sizeof(struct tc_port *));
		p->refs++;
		v[(*n)++] = p;
	}
	lock_give(&registry);
	return v;
}

int tc_ports_each(struct tc_device *d, int (*fn)(struct tc_port *p, void *arg), void *arg)
{
	size_t n;
	struct tc_port **v = ports_of(d, &n);
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		if (!rc)
			rc = fn(v[i], arg);
		tc_port_put(v[i]);
	}
	free(v);
	return rc;
}

/* --- what the translators ask --- */

static bool env_port(const void *ctx, struct dp_port no, struct flower_port *ret)
{
	const struct tc_device *d = ctx;
	struct tc_port *p;

	lock_take(&registry);
	p = find_no(d->kernel, no);
	if (p) {
		ret->ifindex = p->ifindex;
		ret->kind = p->kind;
		ret->udp_port = p->udp_port;
		ret->mac = p->mac;
	}
	lock_give(&registry);
	return p;
}

static bool env_port_no(const void *ctx, int ifindex, struct dp_port *ret)
{
	const struct tc_device *d = ctx;
	struct tc_port *p;

	lock_take(&registry);
	p = find_ifindex(ifindex);
	if (p && p->kernel == d->kernel)
		*ret = p->no;
	else
		p = NULL;
	lock_give(&registry);
	return p;
}

static bool env_meter(const void *ctx, uint32_t id, bool hw, uint32_t *index, const char **why)
{
	return tc_meter_index(ctx, id, hw, index, why);
}

static bool env_meter_id(const void *ctx, uint32_t index, uint32_t *id)
{
	return tc_meter_id(ctx, index, id);
}

static uint32_t env_sample(const void *ctx, struct dp_port in, const struct sflow_cookie *what,
			   const char **why)
{
	const struct tc_device *d = ctx;

	return tc_sample_group(d->kernel, in, what, why);
}

void tc_env(const struct tc_device *d, enum offload_policy policy, struct flower_env *env)
{
	*env = (struct flower_env){ .port = env_port,
				    .port_no = env_port_no,
				    .meter = env_meter,
				    .meter_id = env_meter_id,
				    .sample = env_sample,
				    .ctx = d,
				    .features = FLOWER_F_NUM_VLANS };
	if (d->kernel && policy != OFFLOAD_POLICY_SKIP_SW)
		env->features |= FLOWER_F_SOFTWARE;
	if ((d->offloads || d->tunnels) && policy != OFFLOAD_POLICY_SKIP_HW)
		env->features |= FLOWER_F_DRIVER;
	if (d->tunnel_df)
		env->features |= FLOWER_F_TUNNEL_DF;
	if (d->recirc)
		env->features |= FLOWER_F_RECIRC;
}

void tc_env_hw_only(const struct tc_device *d, enum offload_policy policy, struct flower_env *env)
{
	tc_env(d, policy, env);
	env->features |= FLOWER_F_SKIP_SW;
}

/* --- qdiscs --- */

struct sweep {
	struct nl_batch batch; /* deletions */
	size_t n;              /* filters that are there, whomsoever's */
	bool ours;             /* ours, too, are wanted out */
};

static void sweep_one(struct tc_port *p, const struct tc_filter *f, void *arg)
{
	struct sweep *s = arg;

	s->n++;
	if (s->ours && f->ours)
		(void)tc_place_put(&s->batch, &f->at, RTM_DELTFILTER, 0);
}

/* Takes what a former process left out, so that nothing answers for packets that we do not know of.
 */
static int sweep(struct tc_port *p, struct nl_chan *c)
{
	struct sweep s = { .ours = true };
	int rc;

	nl_batch_init(&s.batch);
	rc = tc_filters_dump(p, c, true, sweep_one, &s);
	if (!rc && s.batch.n) {
		log_info("%s: takes out %zu rules that a former process left", p->name, s.batch.n);
		rc = nl_chan_do(c, &s.batch);
	}
	nl_batch_done(&s.batch);
	return rc;
}

static int make_qdisc(struct tc_port *p, struct nl_chan *c, struct error *err)
{
	struct tc_qdisc_at q;
	int rc = tc_qdisc_add(c, p->ifindex, 0, err);

	p->made = !rc;
	if (rc != -EEXIST)
		return rc;
	error_clear(err);
	rc = tc_qdisc_find(c, p->ifindex, &q);
	if (rc)
		return rc;
	if (q.kind == TC_QDISC_INGRESS && p->parent == TC_PARENT_EGRESS)
		return error_set(err, EBUSY, NULL, "%s has an ingress qdisc, which has no egress",
				 p->name);
	if (q.block && p->parent == TC_PARENT_INGRESS)
		return error_set(err, EBUSY, NULL,
				 "%s shares block %u of filters with other devices", p->name,
				 q.block);
	return q.kind == TC_QDISC_NONE ? -EBUSY : 0; /* gone by now: an instant later */
}

/* A qdisc that comes or goes has the kernel stop the device's transmission for a grace period
 * (qdisc_graft()): what others send out there meanwhile is lost.  So it comes with the port, before
 * there is traffic, and stays as long as the port. */
int tc_port_qdisc(struct tc_port *p, struct nl_chan *c, struct error *err)
{
	int rc;

	if (atomic_load(&p->ready))
		return 0;
	rc = p->bond ? tc_bond_bind(p, err) : make_qdisc(p, c, err);
	if (rc)
		return error_set(err, -rc, NULL, "%s: %s", p->name, strerror(-rc));
	atomic_store(&p->ready, true);
	return 0;
}

int tc_port_ready(struct tc_port *p, struct error *err)
{
	int rc = tc_port_qdisc(p, p->dev->chan, err);

	if (rc || p->swept)
		return rc;
	rc = sweep(p, p->dev->chan);
	if (rc)
		return error_set(err, -rc, NULL, "%s: cannot list filters: %s", p->name,
				 strerror(-rc));
	p->swept = true;
	return 0;
}

/* Nobody has anything on it, neither at ingress nor at egress. */
static bool device_is_idle(const struct tc_port *p, int ifindex, struct nl_chan *c)
{
	struct tc_port at = { .ifindex = ifindex, .dev = p->dev };
	struct sweep s = { .ours = false };

	for (at.parent = TC_PARENT_INGRESS; at.parent <= TC_PARENT_EGRESS; at.parent++)
		if (tc_filters_dump(&at, c, true, sweep_one, &s) || s.n)
			return false;
	return true;
}

static bool qdisc_is_idle(const struct tc_port *p, struct nl_chan *c)
{
	bool idle = true;

	if (!p->bond)
		return device_is_idle(p, p->ifindex, c);
	for (size_t i = 0; i < p->n_slaves; i++)
		idle &= !p->slaves[i].bound || device_is_idle(p, p->slaves[i].ifindex, c);
	return idle;
}

static void take_qdisc(struct tc_port *p, struct nl_chan *c)
{
	if (p->bond)
		tc_bond_release(p, c);
	else
		(void)tc_qdisc_del(c, p->ifindex); /* else it stays, and does no harm */
}

void tc_port_leave(struct tc_port *p, struct nl_chan *c)
{
	if (p->made && !atomic_load(&p->n_rules) && qdisc_is_idle(p, c))
		take_qdisc(p, c); /* the device may be gone, too */
	if (p->bond)
		tc_bond_end(p);
}
