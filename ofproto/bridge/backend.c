/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "ofproto/bridge/bridge_priv.h"

static void publish_deferred(void *arg)
{
	backend_publish(arg);
}

void backend_mark(struct backend *be)
{
	if (be->dirty)
		return;
	be->dirty = true;
	loop_defer(be->loop, publish_deferred, be);
}

void backend_publish(struct backend *be)
{
	if (!be->dirty)
		return;
	be->dirty = false;
	loop_defer_cancel(be->loop, publish_deferred, be);
	flows_set_snapshot(be->flows, backend_build(be));
	if (be->changed)
		be->changed(be->changed_arg);
}

void backend_on_change(struct backend *be, void (*fn)(void *arg), void *arg)
{
	be->changed = fn;
	be->changed_arg = arg;
}

/* Rules and addresses whose time is up; fail mode that waits for its time. */
static void tick(void *arg)
{
	struct backend *be = arg;
	uint64_t now = clock_mono_ns(), counted = flows_counted_ns(be->flows);
	struct bridge *br;

	keep_tick(be);
	engine_tend(flows_engine(be->flows));
	backend_ct_tick(be, now);
	cds_list_for_each_entry (br, &be->bridges, node) {
		/* looked at each tick, so the next time is not needed */
		(void)tables_expire(br->tables, now, counted);
		(void)mac_expire(br->macs, now);
		bridge_update_fail_mode(br);
		bridge_update_loading(br);
	}
}

struct backend *backend_new(struct loop *loop, const char *datapath_type,
			    const struct flows_config *cfg, struct error *err)
{
	static const struct flows_ops ops = { .packet_in = backend_packet_in,
					      .sample = backend_sample };
	const struct dp_ops *dp_ops = dp_type_find(datapath_type);
	struct flows_config held = *cfg;
	struct backend *be;

	if (!dp_ops) {
		error_set(err, EAFNOSUPPORT, "datapath_type",
			  "there is no datapath of type \"%s\" here: use \"netdev\"",
			  datapath_type);
		return NULL;
	}
	held.hold = true;
	be = xzalloc(sizeof(*be));
	be->loop = loop;
	be->cfg.adopt_wait_ms = 60000;
	CDS_INIT_LIST_HEAD(&be->bridges);
	CDS_INIT_LIST_HEAD(&be->tunnels);
	lock_init(&be->pin_lock);
	be->pins_tail = &be->pins;
	backend_samples_init(be);
	if (dp_ops->open(*datapath_type ? datapath_type : dp_ops->type, &be->dp, err))
		goto fail;
	backend_meters_init(be);
	backend_ct_init(be);
	keep_init(be);
	be->flows = flows_new(be->dp, &ops, be, &held, err);
	if (!be->flows)
		goto fail_meters;
	be->tick = loop_timer_new(loop, tick, be);
	loop_timer_every(be->tick, NSEC_PER_SEC / 4);
	return be;

fail_meters:
	backend_meters_done(be);
	be->dp->ops->close(be->dp, false);
fail:
	backend_samples_done(be);
	lock_done(&be->pin_lock);
	free(be);
	return NULL;
}

static void destroy(void *arg)
{
	struct backend *be = arg;

	xlate_packet_in_free(be->pins);
	backend_samples_done(be);
	lock_done(&be->pin_lock);
	free(be);
}

void backend_free(struct backend *be, bool leave)
{
	if (!be)
		return;
	loop_defer_cancel(be->loop, publish_deferred, be);
	loop_timer_free(be->tick);
	flows_free(be->flows, leave);
	be->leaving = leave;
	keep_done(be);
	backend_meters_done(be);
	backend_ct_done(be);
	be->dp->ops->close(be->dp, leave);
	loop_post(be->loop, destroy, be); /* behind the packet-ins that are posted already */
}

struct flows *backend_flows(struct backend *be)
{
	return be->flows;
}

struct dp *backend_dp(struct backend *be)
{
	return be->dp;
}

uint64_t backend_packet_ins_dropped(const struct backend *be)
{
	return be->pins_dropped;
}

struct bridge *backend_bridge_by_id(struct backend *be, uint64_t id)
{
	struct bridge *br;

	cds_list_for_each_entry (br, &be->bridges, node)
		if (br->id == id)
			return br;
	return NULL;
}

struct bridge *backend_bridge_next(struct backend *be, struct bridge *prev)
{
	struct cds_list_head *n = prev ? prev->node.next : be->bridges.next;

	return n == &be->bridges ? NULL : cds_list_entry(n, struct bridge, node);
}
