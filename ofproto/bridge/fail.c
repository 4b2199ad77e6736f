/* SPDX-License-Identifier: Apache-2.0 */
/* Fail mode (ovs-vswitchd.conf.db(5), Bridge fail_mode): what the bridge does without a controller.
 *
 * No controller configured, standalone: one ordinary rule of priority 0 makes it a learning switch;
 * a secure bridge starts empty.  Controllers configured but none connected for three probe
 * intervals (at least 15 s), standalone: every packet is switched by NORMAL, whatever the tables
 * hold, until a controller is back; the tables are left as they are. */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "ofproto/bridge/bridge_priv.h"

LOG_MODULE("fail_open");

#define FAIL_OPEN_MIN_MS 15000

static void add_default_rule(struct bridge *br)
{
	struct ofpact_output normal = { .port = { OFPP_NORMAL_ } };
	struct buf acts = BUF_INIT;
	struct ofp_flow_mod fm = {
		.command = OFPFC_ADD_,
		.buffer_id = OFP_NO_BUFFER_,
		.out_port = { OFPP_NONE_ },
		.out_group = OFPG_ANY_,
	};

	match_init_catchall(&fm.match);
	ofpact_put(&acts, OFPACT_OUTPUT, &normal, sizeof(normal));
	fm.actions = ofpacts_of(&acts);
	if (tables_flow_mod(br->tables, &fm, NULL))
		log_err("bridge %s: cannot add the default rule", br->name);
	buf_done(&acts);
}

static bool must_fail_open(const struct bridge *br)
{
	uint64_t lost = ofconns_primary_lost_ns(br->conns);
	uint64_t wait_ms = MAX(3 * ofconns_probe_ms(br->conns), FAIL_OPEN_MIN_MS);

	if (br->secure || !ofconns_any_primary(br->conns) || ofconns_primary_connected(br->conns))
		return false;
	return lost && clock_mono_ns() - lost >= wait_ms * NSEC_PER_MSEC;
}

static void update_open(struct bridge *br)
{
	bool open = must_fail_open(br);

	if (open == br->failing_open)
		return;
	br->failing_open = open;
	if (open)
		log_warn("bridge %s: no controller: switching as a learning switch until one is "
			 "back",
			 br->name);
	else
		log_info("bridge %s: a controller decides again", br->name);
	mac_flush(br->macs);
	backend_mark(br->be);
}

/* When controllers come or go as a configuration, the tables start anew, as they do in Open
 * vSwitch. */
static void update_default(struct bridge *br)
{
	enum default_rule want = br->secure || br->any_primary ? DEFAULT_ABSENT : DEFAULT_PRESENT;

	if (br->default_rule == want)
		return;
	if (want == DEFAULT_PRESENT) {
		tables_flush(br->tables, true);
		add_default_rule(br);
	} else if (br->default_rule == DEFAULT_PRESENT && !br->secure) {
		tables_flush(br->tables, true);
	}
	br->default_rule = want;
}

void bridge_update_fail_mode(struct bridge *br)
{
	if (!br->configured || br->going)
		return;
	update_default(br);
	update_open(br);
}
