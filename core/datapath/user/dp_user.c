/* SPDX-License-Identifier: Apache-2.0 */
#include "core/datapath/user/dp_user.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/datapath/user/user.h"

#define BUSY_POLL_US 25u

void dpu_counters_add(struct dpu_counters *dst, const struct dpu_counters *src)
{
	const uint64_t *s = (const uint64_t *)(const void *)src;
	uint64_t *t = (uint64_t *)(void *)dst;

	for (size_t i = 0; i < sizeof(*dst) / sizeof(*t); i++)
		t[i] += count_get(&s[i]);
}

/* ---- workers ---- */

static void assign_queues(struct dpu *d, struct port *port, int *rc)
{
	unsigned n = port->ops->n_rxq ? port->ops->n_rxq(port) : 1;

	for (unsigned i = 0; i < n && !*rc; i++) {
		struct dpu_worker *least = d->workers[0];

		for (unsigned j = 1; j < d->n_workers; j++) {
			if (dpu_worker_load(d->workers[j]) < dpu_worker_load(least))
				least = d->workers[j];
		}
		*rc = dpu_worker_poll(least, ++d->polls_gen, port, i);
	}
}

static void unassign_queues(struct dpu *d, const struct port *port)
{
	for (unsigned i = 0; i < d->n_workers; i++)
		dpu_worker_unpoll(d->workers[i], ++d->polls_gen, port);
}

/* A worker that is no more leaves its counts. */
static void stop_workers(struct dpu *d)
{
	for (unsigned i = 0; i < d->n_workers; i++) {
		struct dpu_worker *w = d->workers[i];

		thread_stop(&w->thread);
		lock_take(&d->count_lock);
		d->workers[i] = NULL;
		dpu_counters_add(&d->base, &w->cnt);
		lock_give(&d->count_lock);
		dpu_worker_free(w);
	}
	d->n_workers = 0;
}

static int start_workers(struct dpu *d, unsigned n)
{
	int rc = 0;

	while (d->n_workers < n && !rc) {
		struct dpu_worker *w = NULL;

		rc = dpu_worker_new(d, d->n_workers + 1, &w);
		if (rc)
			break;
		lock_take(&d->count_lock);
		d->workers[d->n_workers++] = w;
		lock_give(&d->count_lock);
	}
	for (uint32_t i = 0; d->n_workers && i < d->ports->n && !rc; i++) {
		if (d->ports->by_no[i])
			assign_queues(d, d->ports->by_no[i], &rc);
	}
	return rc;
}

/* ---- handlers ---- */

static int renew_handlers(struct dpu *d, unsigned n, unsigned n_workers)
{
	struct dpu_handlers *old = d->handlers, *hs;
	uint64_t lost;
	int rc = 0;

	hs = dpu_handlers_new(old, n, n_workers, &rc);
	if (!hs)
		return rc;
	rcu_set_pointer(&d->handlers, hs);
	rcu_wait();
	lost = dpu_handlers_retire(old, hs);
	d->n_handlers = n;
	lock_take(&d->count_lock);
	d->base.lost += lost;
	d->base.drops[DP_DROP_UPCALL_FULL] += lost;
	lock_give(&d->count_lock);
	return 0;
}

static int user_set_handlers(struct dp *dp, unsigned n)
{
	struct dpu *d = dpu_of(dp);

	if (n > DPU_MAX_HANDLERS)
		return -EINVAL;
	return renew_handlers(d, n, d->n_workers);
}

static struct dpu_handler *handler_get(struct dpu *d, unsigned i)
{
	struct dpu_handlers *hs = rcu_dereference(d->handlers);

	return hs && i < hs->n ? hs->h[i] : NULL;
}

static int user_recv(struct dp *dp, unsigned handler, struct dp_upcall *out, unsigned max)
{
	struct dpu_handler *h;
	int n = -EINVAL;

	rcu_thread_start();
	rcu_read_lock();
	h = handler_get(dpu_of(dp), handler);
	if (h)
		n = (int)dpu_upcall_recv(h, out, max);
	rcu_read_unlock();
	return n;
}

static int user_recv_fd(struct dp *dp, unsigned handler)
{
	struct dpu_handler *h;
	int fd;

	rcu_thread_start();
	rcu_read_lock();
	h = handler_get(dpu_of(dp), handler);
	fd = h ? h->fd : -EINVAL;
	rcu_read_unlock();
	return fd;
}

/* ---- configuration ---- */

/* Workers first stop, so that the upcall rings have no producers while they change hands. */
static int resize(struct dpu *d, unsigned n)
{
	int rc;

	stop_workers(d);
	rc = d->n_handlers ? renew_handlers(d, d->n_handlers, n) : 0;
	return rc ? rc : start_workers(d, n);
}

static int user_configure(struct dp *dp, const struct dp_config *cfg, struct error *err)
{
	struct dpu *d = dpu_of(dp);
	unsigned n = cfg->n_workers ? cfg->n_workers : 1, was = d->n_workers;
	int rc;

	if (n > DPU_MAX_WORKERS)
		return error_set(err, EINVAL, "n_workers", "at most %u workers", DPU_MAX_WORKERS);
	d->flow_limit = cfg->flow_limit ? cfg->flow_limit : DPU_FLOW_LIMIT;
	d->busy_ns = (uint32_t)MIN(cfg->busy_poll_us ? cfg->busy_poll_us : BUSY_POLL_US, 1000000u) *
		     1000;
	if (n == was)
		return 0;
	rc = resize(d, n);
	if (!rc)
		return 0;
	if (was && resize(d, was))
		return error_set(err, EIO, NULL, "the workers could not be started again: %s",
				 strerror(-rc));
	return error_set(err, -rc, "n_workers", "%u workers could not be started: %s", n,
			 strerror(-rc));
}

/* ---- ports ---- */

/* A copy of the map with `port` at `no` (NULL: nothing there). */
static struct dpu_ports *ports_with(const struct dpu_ports *old, uint32_t no, struct port *port)
{
	uint32_t n = MAX(old->n, no + 1);
	struct dpu_ports *ps = xzalloc(sizeof(*ps) + n * sizeof(struct port *));

	memcpy(ps->by_no, old->by_no, old->n * sizeof(struct port *));
	ps->by_no[no] = port;
	ps->n = n;
	return ps;
}

static void ports_publish(struct dpu *d, struct dpu_ports *ps)
{
	rcu_defer_free(rcu_xchg_pointer(&d->ports, ps));
}

static int choose_number(const struct dpu *d, struct dp_port wanted, const char *name, uint32_t *no,
			 struct error *err)
{
	const struct dpu_ports *ps = d->ports;

	for (uint32_t i = 0; i < ps->n; i++) {
		if (ps->by_no[i] && !strcmp(ps->by_no[i]->name, name))
			return error_set(err, EEXIST, "name", "port %s is there already, as %u",
					 name, i);
	}
	*no = wanted.v;
	if (wanted.v == DP_PORT_NONE) {
		for (*no = 1; *no < ps->n && ps->by_no[*no]; (*no)++)
			;
	}
	if (*no >= DPU_MAX_PORTS)
		return error_set(err, ENOSPC, NULL, "port numbers end at %u", DPU_MAX_PORTS - 1);
	if (*no < ps->n && ps->by_no[*no])
		return error_set(err, EBUSY, NULL, "port number %u is taken by %s", *no,
				 ps->by_no[*no]->name);
	return 0;
}

static void port_out(struct dpu *d, struct port *port)
{
	struct port_stats st;

	ports_publish(d, ports_with(d->ports, port->no.v, NULL));
	unassign_queues(d, port);
	rcu_wait();
	(void)port->ops->stats(port, &st); /* the drops are right whatever it says */
	lock_take(&d->count_lock);
	for (unsigned i = PORT_DROP_TX_RING; i < PORT_N_DROPS; i++)
		d->gone_tx_drops += st.drops[i];
	lock_give(&d->count_lock);
	port_release(port);
}

static int user_port_add(struct dp *dp, const struct port_config *cfg, struct dp_port wanted,
			 struct dp_port *no, struct error *err)
{
	struct dpu *d = dpu_of(dp);
	struct port *port = NULL;
	uint32_t chosen = 0;
	int rc = choose_number(d, wanted, cfg->name, &chosen, err);

	if (!rc)
		rc = port_open(cfg, &port, err);
	if (rc)
		return rc;
	port->no.v = chosen;
	ports_publish(d, ports_with(d->ports, chosen, port));
	assign_queues(d, port, &rc);
	if (rc) {
		port_out(d, port);
		return error_set(err, -rc, NULL, "%s cannot be polled: %s", cfg->name,
				 strerror(-rc));
	}
	no->v = chosen;
	return 0;
}

static int user_port_del(struct dp *dp, struct dp_port no)
{
	struct dpu *d = dpu_of(dp);
	struct port *port = dpu_port(d, no.v);

	if (!port)
		return -ENODEV;
	port_out(d, port);
	return 0;
}

static void fill_info(struct port *port, struct dp_port_info *info)
{
	memset(info, 0, sizeof(*info));
	info->no = port->no;
	(void)snprintf(info->name, sizeof(info->name), "%s", port->name);
	(void)snprintf(info->type, sizeof(info->type), "%s", port->ops->type);
	info->port = port;
}

static int user_port_get(struct dp *dp, struct dp_port no, struct dp_port_info *info)
{
	struct dpu *d = dpu_of(dp);
	struct port *port;

	rcu_thread_start();
	rcu_read_lock();
	port = port_ref(dpu_port(d, no.v));
	rcu_read_unlock();
	if (!port)
		return -ENODEV;
	fill_info(port, info);
	/* A device that is gone has the zeros of memset: the caller sees carrier and ifindex. */
	(void)port->ops->state(port, &info->state);
	(void)port->ops->stats(port, &info->stats);
	return 0;
}

/* ---- statistics ---- */

static uint64_t tx_drops(const struct dpu *d)
{
	const struct dpu_ports *ps;
	struct port_stats st;
	uint64_t n = 0;

	rcu_read_lock();
	ps = rcu_dereference(d->ports);
	for (uint32_t i = 0; i < ps->n; i++) {
		struct port *p = ps->by_no[i];

		if (!p)
			continue;
		(void)p->ops->stats(p, &st); /* the drops are right whatever it says */
		for (unsigned j = PORT_DROP_TX_RING; j < PORT_N_DROPS; j++)
			n += st.drops[j];
	}
	rcu_read_unlock();
	return n;
}

static void user_stats(struct dp *dp, struct dp_stats *st)
{
	struct dpu *d = dpu_of(dp);
	struct dpu_counters c = { 0 };

	memset(st, 0, sizeof(*st));
	rcu_thread_start();
	lock_take(&d->count_lock);
	dpu_counters_add(&c, &d->base);
	for (unsigned i = 0; i < DPU_MAX_WORKERS; i++) {
		if (d->workers[i])
			dpu_counters_add(&c, &d->workers[i]->cnt);
	}
	c.drops[DP_DROP_TX] = d->gone_tx_drops;
	lock_give(&d->count_lock);
	c.drops[DP_DROP_TX] += tx_drops(d);
	st->hits = c.hits;
	st->cache_hits = c.cache_hits;
	st->misses = c.misses;
	st->lost = c.lost;
	st->mask_probes = c.mask_probes;
	memcpy(st->drops, c.drops, sizeof(st->drops));
	memcpy(st->parse, c.parse, sizeof(st->parse));
	memcpy(st->upcalls, c.upcalls, sizeof(st->upcalls));
	st->n_flows = mflow_count(d->table);
	st->n_masks = mflow_n_masks(d->table);
}

/* ---- life ---- */

static void user_close(struct dp *dp, bool leave UNUSED)
{
	struct dpu *d = dpu_of(dp);

	stop_workers(d);
	for (uint32_t i = 0; i < d->ports->n; i++) {
		if (d->ports->by_no[i])
			port_release(d->ports->by_no[i]);
	}
	ports_settle();
	dpu_flows_clear(d);
	(void)dpu_handlers_retire(d->handlers, NULL); /* nobody asks for the counts any more */
	mflow_table_free(d->table);
	dpu_meters_done(&d->meters);
	htable_done(&d->by_ufid);
	free(d->slots);
	free(d->ports);
	lock_done(&d->lock);
	lock_done(&d->count_lock);
	free(d);
}

static const struct dp_ops user_ops;

static const struct dp_features user_features = {
	.actions = UINT32_MAX >> (32 - DP_ACT_N_KINDS) & ~(1u << DP_ACT_CT | 1u << DP_ACT_CT_CLEAR),
	.max_vlans = FLOW_N_VLANS,
	.max_mpls = FLOW_N_MPLS,
	.sample_depth = DP_ACTIONS_MAX_DEPTH,
	.max_hash_alg = DP_HASH_SYM_L4,
	.set_masked = true,
	.ufid = true,
	.recirc = true,
};

static int user_open(const char *name, struct dp **dpp, struct error *err)
{
	struct dpu *d = xzalloc(sizeof(*d));
	int rc;

	d->up.ops = &user_ops;
	d->up.features = user_features;
	(void)snprintf(d->up.name, sizeof(d->up.name), "%s", name);
	d->table = mflow_table_new();
	d->ports = xzalloc(sizeof(*d->ports));
	d->flow_limit = DPU_FLOW_LIMIT;
	d->busy_ns = BUSY_POLL_US * 1000;
	d->free_slot = UINT32_MAX;
	htable_init(&d->by_ufid);
	lock_init(&d->lock);
	lock_init(&d->count_lock);
	dpu_meters_init(&d->meters);
	rc = start_workers(d, 1);
	if (rc) {
		user_close(&d->up, false);
		return error_set(err, -rc, NULL, "no packet thread: %s", strerror(-rc));
	}
	*dpp = &d->up;
	return 0;
}

/* ---- meters ---- */

static void meter_caps(struct dp *dp, struct dp_meter_caps *caps)
{
	*caps = (struct dp_meter_caps){ .max_meters = DPU_METERS_MAX,
					.max_bands = DP_METER_MAX_BANDS,
					.packets = true };
}

static int meter_set(struct dp *dp, uint32_t id, const struct dp_meter *m,
		     struct dp_meter_stats *lost, struct error *err)
{
	if (lost)
		memset(lost, 0, sizeof(*lost));
	return dpu_meter_set(&dpu_of(dp)->meters, id, m, clock_mono_ns(), err);
}

static int meter_get(struct dp *dp, uint32_t id, struct dp_meter_stats *st)
{
	return dpu_meter_get(&dpu_of(dp)->meters, id, st);
}

static int meter_del(struct dp *dp, uint32_t id, struct dp_meter_stats *last)
{
	return dpu_meter_del(&dpu_of(dp)->meters, id, last);
}

static const struct dp_meter_ops user_meter_ops = {
	.caps = meter_caps,
	.set = meter_set,
	.get = meter_get,
	.del = meter_del,
};

static const struct dp_ops user_ops = {
	.type = "netdev",
	.open = user_open,
	.close = user_close,
	.port_add = user_port_add,
	.port_del = user_port_del,
	.port_get = user_port_get,
	.flow_batch = dpu_flow_batch,
	.flow_dump = dpu_flow_dump,
	.flow_dump_end = dpu_flow_dump_end,
	.execute = dpu_execute,
	.set_handlers = user_set_handlers,
	.recv = user_recv,
	.recv_fd = user_recv_fd,
	.stats = user_stats,
	.configure = user_configure,
	.meters = &user_meter_ops,
};

void dp_user_init(void)
{
	dp_register(&user_ops, NULL);
}
