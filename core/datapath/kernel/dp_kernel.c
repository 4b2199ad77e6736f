/* SPDX-License-Identifier: Apache-2.0 */
#include "core/datapath/kernel/dp_kernel.h"

#include <errno.h>
#include <linux/openvswitch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "core/datapath/kernel/kernel.h"

#define MAX_CPUS 4096u

bool kdp_may_per_cpu = true;

/* ---- the datapath in the kernel ---- */

/* Looks it up by name (`cmd` GET) or makes it (NEW). */
static int ask(struct kdp *d, struct kdp_work *w, uint8_t cmd, struct error *err)
{
	char what[96];
	int rc;

	(void)snprintf(what, sizeof(what), "datapath %s", d->up.name);
	nl_batch_clear(&w->batch);
	(void)kdp_add(&w->batch, d, &d->fam->datapath, cmd, NLM_F_ECHO);
	nlattr_put_str(&w->batch.buf, OVS_DP_ATTR_NAME, d->up.name);
	if (cmd == OVS_DP_CMD_NEW) {
		nlattr_put_u32(&w->batch.buf, OVS_DP_ATTR_UPCALL_PID, 0);
		nlattr_put_u32(&w->batch.buf, OVS_DP_ATTR_USER_FEATURES,
			       OVS_DP_F_UNALIGNED | OVS_DP_F_VPORT_PIDS);
	}
	rc = nl_chan_do(w->chan, &w->batch);
	return rc ? error_set(err, -rc, NULL, "%s: %s", what, strerrordesc_np(-rc))
		  : nl_batch_error(&w->batch, 0, err, what);
}

/* The answer's header says the number. */
static int take_number(struct kdp *d, const struct nlmsghdr *h)
{
	struct ovs_header oh;
	size_t len;
	const uint8_t *p = h ? kdp_attrs(d, &d->fam->datapath, h, &len) : NULL;

	if (!p)
		return -EBADMSG;
	memcpy(&oh, p - NLMSG_ALIGN(sizeof(oh)), sizeof(oh));
	d->ifindex = (uint32_t)oh.dp_ifindex;
	return d->ifindex ? 0 : -EBADMSG;
}

static int find_or_make(struct kdp *d, struct error *err)
{
	struct kdp_work *w;
	int rc;

	w = kdp_work_get(d, &rc);
	if (!w)
		return error_set(err, -rc, NULL, "no netlink socket: %s", strerrordesc_np(-rc));
	rc = ask(d, w, OVS_DP_CMD_GET, NULL);
	if (rc == -ENODEV)
		rc = ask(d, w, OVS_DP_CMD_NEW, err);
	if (!rc)
		rc = take_number(d, nl_batch_data(&w->batch, 0));
	kdp_work_put(d, w);
	return rc ? error_set(err, -rc, NULL, "datapath %s: %s", d->up.name, strerrordesc_np(-rc))
		  : 0;
}

static int set_features(struct kdp *d, struct kdp_work *w, uint32_t features)
{
	int rc;

	nl_batch_clear(&w->batch);
	(void)kdp_add(&w->batch, d, &d->fam->datapath, OVS_DP_CMD_SET, 0);
	nlattr_put_u32(&w->batch.buf, OVS_DP_ATTR_USER_FEATURES, features);
	if (features & OVS_DP_F_DISPATCH_UPCALL_PER_CPU) {
		unsigned n = (unsigned)MIN(MAX(sysconf(_SC_NPROCESSORS_CONF), 1L), (long)MAX_CPUS);
		uint32_t *pids = nlattr_put_zeros(&w->batch.buf, OVS_DP_ATTR_PER_CPU_PIDS,
						  n * sizeof(*pids));

		kdp_upcall_pids(d, pids, n);
	}
	rc = nl_chan_do(w->chan, &w->batch);
	if (!rc)
		rc = nl_batch_code(&w->batch, 0);
	if (!rc)
		d->user_features = features;
	return rc;
}

/* What a kernel lacks it refuses as a whole: the best that it takes. */
int kdp_set_dispatch(struct kdp *d, struct error *err)
{
	static const uint32_t wishes[] = {
		OVS_DP_F_DISPATCH_UPCALL_PER_CPU | OVS_DP_F_TC_RECIRC_SHARING,
		OVS_DP_F_DISPATCH_UPCALL_PER_CPU,
		OVS_DP_F_VPORT_PIDS | OVS_DP_F_TC_RECIRC_SHARING,
		OVS_DP_F_VPORT_PIDS,
	};
	struct kdp_work *w;
	int rc;

	w = kdp_work_get(d, &rc);
	for (size_t i = 0; w && i < ARRAY_SIZE(wishes); i++) {
		if (wishes[i] & OVS_DP_F_DISPATCH_UPCALL_PER_CPU && !kdp_may_per_cpu)
			continue;
		rc = set_features(d, w, OVS_DP_F_UNALIGNED | wishes[i]);
		if (!rc || rc == -EPERM)
			break;
	}
	if (w)
		kdp_work_put(d, w);
	d->per_cpu = d->user_features & OVS_DP_F_DISPATCH_UPCALL_PER_CPU;
	return rc ? error_set(err, -rc, NULL, "datapath %s takes no settings: %s", d->up.name,
			      strerrordesc_np(-rc))
		  : 0;
}

int kdp_ensure(struct kdp *d, struct error *err)
{
	uint32_t was = d->ifindex;
	int rc;

	d->ifindex = 0;
	rc = find_or_make(d, err);
	if (rc)
		d->ifindex = was;
	if (rc || d->ifindex == was)
		return rc;
	return kdp_set_dispatch(d, err);
}

static void remove_datapath(struct kdp *d)
{
	int rc;
	struct kdp_work *w = kdp_work_get(d, &rc);

	if (!w)
		return;
	(void)kdp_add(&w->batch, d, &d->fam->datapath, OVS_DP_CMD_DEL, 0);
	(void)nl_chan_do(w->chan, &w->batch); /* gone already is as well */
	kdp_work_put(d, w);
}

/* ---- statistics ---- */

static void take_stats(struct kdp *d, const struct nlmsghdr *h, struct dp_stats *st)
{
	static const struct nlattr_policy policy[] = {
		[OVS_DP_ATTR_STATS] = { sizeof(struct ovs_dp_stats), UINT16_MAX },
		[OVS_DP_ATTR_MEGAFLOW_STATS] = { sizeof(struct ovs_dp_megaflow_stats), UINT16_MAX },
	};
	const struct nlattr *a[ARRAY_SIZE(policy)];
	struct ovs_dp_megaflow_stats mega;
	struct ovs_dp_stats s;
	size_t len;
	const void *p = h ? kdp_attrs(d, &d->fam->datapath, h, &len) : NULL;

	if (!p || nlattr_parse(p, len, policy, ARRAY_SIZE(policy), a) < 0)
		return;
	if (a[OVS_DP_ATTR_STATS]) {
		memcpy(&s, nlattr_data(a[OVS_DP_ATTR_STATS]), sizeof(s));
		st->hits = s.n_hit;
		st->misses = s.n_missed;
		st->lost = s.n_lost;
		st->n_flows = s.n_flows;
	}
	if (a[OVS_DP_ATTR_MEGAFLOW_STATS]) {
		memcpy(&mega, nlattr_data(a[OVS_DP_ATTR_MEGAFLOW_STATS]), sizeof(mega));
		st->mask_probes = mega.n_mask_hit;
		st->n_masks = mega.n_masks;
		st->cache_hits = mega.n_cache_hit;
	}
}

bool kdp_ask_stats(struct kdp *d, struct dp_stats *st)
{
	struct kdp_work *w;
	bool told;
	int rc;

	memset(st, 0, sizeof(*st));
	w = kdp_work_get(d, &rc);
	if (!w)
		return false;
	(void)kdp_add(&w->batch, d, &d->fam->datapath, OVS_DP_CMD_GET, 0);
	told = !nl_chan_do(w->chan, &w->batch) && !nl_batch_code(&w->batch, 0);
	if (told)
		take_stats(d, nl_batch_data(&w->batch, 0), st);
	kdp_work_put(d, w);
	return told;
}

/* The kernel knows hits, misses and what it could not send up; why else it drops a packet it does
 * not say. */
static void kernel_stats(struct dp *dp, struct dp_stats *st)
{
	struct kdp *d = kdp_of(dp);

	if (!kdp_ask_stats(d, st))
		return;
	d->n_flows = st->n_flows;
	for (unsigned i = 0; i < UPCALL_N_KINDS; i++)
		st->upcalls[i] = d->upcalls[i];
	st->drops[DP_DROP_UPCALL_FULL] = st->lost + d->lost;
	st->drops[DP_DROP_UPCALL_RATE] = d->over_share;
	st->lost += d->lost + d->over_share;
	st->overruns = d->overruns;
	st->upcalls[UPCALL_MISS] = st->misses > st->lost ? st->misses - st->lost : 0;
}

/* ---- life ---- */

static int kernel_configure(struct dp *dp, const struct dp_config *cfg, struct error *err UNUSED)
{
	struct kdp *d = kdp_of(dp);

	d->flow_limit = cfg->flow_limit ? cfg->flow_limit : KDP_FLOW_LIMIT;
	if (cfg->settled)
		kdp_vports_drop_stale(d);
	return 0;
}

static void destroy(struct kdp *d)
{
	kdp_handlers_free(d);
	kdp_works_free(d);
	lock_done(&d->works_lock);
	lock_done(&d->ports_lock);
	lock_done(&d->heal_lock);
	free(d->ports);
	free(d);
}

static void kernel_close(struct dp *dp, bool leave)
{
	struct kdp *d = kdp_of(dp);

	kdp_vports_free(d, leave);
	if (!leave)
		remove_datapath(d);
	destroy(d);
}

static const struct dp_ops kernel_ops;

static struct kdp *new_kdp(const char *name, const struct kdp_families *fam)
{
	struct kdp *d = xzalloc(sizeof(*d));

	d->up.ops = &kernel_ops;
	(void)snprintf(d->up.name, sizeof(d->up.name), "%s",
		       strcmp(name, "system") ? name : "ovs-system");
	d->fam = fam;
	d->flow_limit = KDP_FLOW_LIMIT;
	lock_init(&d->works_lock);
	lock_init(&d->ports_lock);
	lock_init(&d->heal_lock);
	return d;
}

static int kernel_open(const char *name, struct dp **dpp, struct error *err)
{
	const struct kdp_families *fam;
	int rc = kdp_families(&fam, err);
	struct dp_stats st;
	struct kdp *d;

	if (rc)
		return rc;
	d = new_kdp(name, fam);
	rc = kdp_probe(d, err);
	if (!rc)
		rc = find_or_make(d, err);
	if (!rc)
		rc = kdp_vports_load(d, err);
	if (!rc)
		rc = kdp_set_dispatch(d, err);
	if (rc) {
		kdp_vports_free(d, true);
		destroy(d);
		return rc;
	}
	kernel_stats(&d->up, &st); /* n_flows */
	*dpp = &d->up;
	return 0;
}

static const struct dp_ops kernel_ops = {
	.type = "system",
	.shared = true,
	.open = kernel_open,
	.close = kernel_close,
	.port_add = kdp_port_add,
	.port_del = kdp_port_del,
	.port_get = kdp_port_get,
	.flow_batch = kdp_flow_batch,
	.flow_dump = kdp_flow_dump,
	.flow_dump_end = kdp_flow_dump_end,
	.execute = kdp_execute,
	.set_handlers = kdp_set_handlers,
	.recv = kdp_recv,
	.recv_fd = kdp_recv_fd,
	.stats = kernel_stats,
	.configure = kernel_configure,
	.meters = &kdp_meter_ops,
	.ct = &kdp_ct_ops,
};

bool dp_kernel_there(void)
{
	const struct kdp_families *fam;

	return !kdp_families(&fam, NULL);
}

void dp_kernel_init(void)
{
	dp_register(&kernel_ops, dp_kernel_there);
}
