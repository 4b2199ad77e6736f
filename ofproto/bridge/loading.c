/* SPDX-License-Identifier: Apache-2.0 */
/* From start to loaded tables: megaflows of a former process go on forwarding until there is
 * something to check them against (ofproto/flows/adopt.c).
 *
 * With other_config:flow-restore-wait the one who restores the tables says when they stand:
 * meanwhile no upcall is taken, no controller connected, and nothing removed (ovs-vswitchd.conf.
 * db(5)).  Else a bridge's tables stand
 *   - at once, when it is a learning switch by itself (standalone, no controller);
 *   - with the first barrier of a controller, or on a secure bridge without controllers of anybody;
 *   - when it switches by itself for want of a controller (fail mode);
 *   - when adopt_wait_ms have passed. */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "ofproto/bridge/bridge_priv.h"

LOG_MODULE("bridge.loading");

static const char *tables_stand(const struct bridge *br)
{
	const struct backend *be = br->be;
	uint64_t wait_ns = be->cfg.adopt_wait_ms * NSEC_PER_MSEC;

	if (!flows_adopting(be->flows))
		return "nothing to check";
	if (!br->secure && !br->any_primary)
		return "a learning switch by itself";
	if (br->failing_open)
		return "it switches by itself";
	if (clock_mono_ns() >= be->begun_ns + wait_ns)
		return "no barrier in time";
	return NULL;
}

static void loaded(struct bridge *br, const char *why)
{
	br->loaded = true;
	backend_mark(br->be);
	if (flows_adopting(br->be->flows))
		log_info("bridge %s: adopted megaflows are checked: %s", br->name, why);
}

void bridge_update_loading(struct bridge *br)
{
	const char *why;

	if (br->loaded || !br->configured || br->be->cfg.restore_wait || !br->be->begun_ns)
		return;
	why = tables_stand(br);
	if (why)
		loaded(br, why);
}

void bridge_barrier(void *bridge, bool primary)
{
	struct bridge *br = bridge;

	if (!br->loaded && !br->be->cfg.restore_wait && br->be->begun_ns &&
	    primary == br->any_primary)
		loaded(br, "a barrier");
}

void backend_configure(struct backend *be, const struct backend_config *cfg)
{
	bool restored = be->cfg.restore_wait && !cfg->restore_wait;
	struct bridge *br;

	be->cfg = *cfg;
	if (!restored)
		return;
	cds_list_for_each_entry (br, &be->bridges, node)
		loaded(br, "tables have been restored");
}

int backend_begin(struct backend *be)
{
	struct bridge *br;
	int rc;

	if (be->begun_ns)
		return 0;
	be->begun_ns = clock_mono_ns();
	keep_begin(be);
	rc = flows_begin(be->flows);
	cds_list_for_each_entry (br, &be->bridges, node)
		bridge_update_loading(br);
	return rc;
}

void backend_leave(struct backend *be)
{
	be->leaving = true;
	flows_stop(be->flows);
	keep_save(be);
}
