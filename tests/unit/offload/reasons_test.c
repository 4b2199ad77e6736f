/* SPDX-License-Identifier: Apache-2.0 */
/* Each row of offload_reason_table is made to happen, and what it must name is with it.
 *
 * A row without a maker fails the test: a reason that nothing brings about is no reason.  Makers
 * use the sim NIC, or the NIC in memory of tests/fake/survivor.h, which says what the kernel's TC
 * would say; where only TC can say it, the maker names the test that makes TC say it. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "tc/device.h"
#include "tests/unit/offload/lab.h"
#include "tests/unit/offload/rig.h"

#define WAIT_MS 20000

static struct rig r;
static struct lab *l;
static struct offload_refusal seen;

/* --- waiting for it --- */

static bool has_been(const struct engine_flow_info *i, enum offload_reason reason)
{
	unsigned n = MIN(i->n_events, (unsigned)ENGINE_HISTORY);

	for (unsigned k = 0; k < n; k++)
		if (i->history[k].why.reason == reason) {
			seen = i->history[k].why;
			return true;
		}
	if (i->why.reason != reason)
		return false;
	seen = i->why;
	return true;
}

static bool look(struct engine *e, struct ufid u, enum offload_reason reason)
{
	struct engine_flow_info *i = xmalloc(sizeof(*i));
	bool found;

	ck_assert_int_eq(engine_flow_info(e, u, i), 0);
	engine_flow_info_done(i);
	found = has_been(i, reason);
	free(i);
	return found;
}

static void wait_for(struct engine *e, struct ufid u, enum offload_reason reason)
{
	for (unsigned ms = 0; ms < WAIT_MS; ms += 5) {
		if (look(e, u, reason))
			return;
		(void)usleep(5000);
	}
	ck_abort_msg("it never came to %s", offload_reason_table[reason].name);
}

/* --- with the sim NIC --- */

#define PROFILE                                                                                    \
	"fields = eth_type ip_proto ip_frag ip_src ip_dst udp_src udp_dst\n"                       \
	"actions = output push_vlan set\nset_fields = eth_dst\nmax_outputs = 1\n"

static void lab_begin(const char *profile, unsigned n_sim, void (*tune)(struct engine_config *))
{
	lab_profile("r", profile);
	l = lab_open("r", "sim:r", n_sim, true, tune);
}

/* One flow with these actions on a NIC of this profile. */
static void one_flow(const char *profile, unsigned n_sim, void (*tune)(struct engine_config *),
		     void (*change)(struct match *m), const char *actions, bool hw_ok,
		     enum offload_reason reason)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	lab_begin(profile, n_sim, tune);
	lab_udp(l, 0, 1, &m);
	if (change)
		change(&m);
	f = lab_put(l, &m, actions, hw_ok, &u);
	wait_for(l->e, u, reason);
	lab_del(l, f);
	lab_close(l);
}

static void make_ok(void)
{
	one_flow(PROFILE "table_size = 9\n", LAB_PORTS, NULL, NULL, "%1", true, OFFLOAD_OK);
}

static void tune_off(struct engine_config *cfg)
{
	cfg->hw_offload = false;
}

static void make_disabled(void)
{
	one_flow(PROFILE "table_size = 9\n", LAB_PORTS, tune_off, NULL, "%1", true,
		 OFFLOAD_DISABLED);
}

static void tune_skip_hw(struct engine_config *cfg)
{
	cfg->policy = OFFLOAD_POLICY_SKIP_HW;
}

static void make_tc_policy(void)
{
	one_flow(PROFILE "table_size = 9\n", LAB_PORTS, tune_skip_hw, NULL, "%1", true,
		 OFFLOAD_TC_POLICY);
}

static void make_no_device(void)
{
	one_flow(PROFILE "table_size = 9\n", 0, NULL, NULL, "%1", true, OFFLOAD_NO_DEVICE);
}

static void make_slow_path(void)
{
	one_flow(PROFILE "table_size = 9\n", LAB_PORTS, NULL, NULL, "userspace(controller),%1",
		 false, OFFLOAD_SLOW_PATH);
}

static void make_out_device(void)
{
	one_flow(PROFILE "table_size = 9\n", 2, NULL, NULL, "%3", true, OFFLOAD_OUT_DEVICE);
}

static void match_ttl(struct match *m)
{
	m->mask.nw_ttl = UINT8_MAX;
}

static void make_field(void)
{
	one_flow(PROFILE "table_size = 9\n", LAB_PORTS, NULL, match_ttl, "%1", true, OFFLOAD_FIELD);
	ck_assert_int_eq(seen.field, FIELD_IP_TTL);
}

static void match_prefix(struct match *m)
{
	m->mask.nw_src = htonl(0xffffff00);
}

static void make_mask(void)
{
	one_flow(PROFILE "table_size = 9\n", LAB_PORTS, NULL, match_prefix, "%1", true,
		 OFFLOAD_MASK);
	ck_assert_int_eq(seen.field, FIELD_IPV4_SRC);
}

static void make_action(void)
{
	one_flow(PROFILE "table_size = 9\n", LAB_PORTS, NULL, NULL, "pop_vlan,%1", true,
		 OFFLOAD_ACTION);
	ck_assert_int_eq(seen.action, DP_ACT_POP_VLAN);
}

static void make_set_field(void)
{
	one_flow(PROFILE "table_size = 9\n", LAB_PORTS, NULL, NULL, "set(ipv4(ttl=9)),%1", true,
		 OFFLOAD_SET_FIELD);
	ck_assert_int_eq(seen.field, FIELD_IP_TTL);
}

static void make_n_actions(void)
{
	one_flow(PROFILE "table_size = 9\n", LAB_PORTS, NULL, NULL, "%1,%2", true,
		 OFFLOAD_N_ACTIONS);
	ck_assert_uint_eq(seen.limit, 1);
}

static void make_recirc(void)
{
	one_flow(PROFILE "table_size = 9\n", LAB_PORTS, NULL, NULL, "recirc(0x7)", true,
		 OFFLOAD_RECIRC);
}

static void tune_queue(struct engine_config *cfg)
{
	cfg->queue_max = 1;
}

/* The last of them finds the queue full, or one that carries less leaves it. */
static void make_queue_full(void)
{
	struct engine_flow *f[20];
	struct ufid u[20];
	struct match m;
	bool shed = false;

	lab_begin(PROFILE "table_size = 99\nbatch = 1\n", LAB_PORTS, tune_queue);
	lab_fault(l, 0, "fault slow 100");
	for (unsigned i = 0; i < 20; i++) {
		lab_udp(l, 0, i, &m);
		f[i] = lab_put(l, &m, "%1", true, &u[i]);
	}
	for (unsigned i = 0; i < 20 && !shed; i++)
		shed = look(l->e, u[i], OFFLOAD_QUEUE_FULL);
	ck_assert(shed);
	ck_assert_uint_eq(seen.limit, 1);
	lab_fault(l, 0, "fault clear");
	for (unsigned i = 0; i < 20; i++)
		lab_del(l, f[i]);
	lab_close(l);
}

static void make_pending(void)
{
	one_flow(PROFILE "table_size = 9\n", LAB_PORTS, NULL, NULL, "%1", true, OFFLOAD_PENDING);
}

static void make_replacing(void)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	lab_begin(PROFILE "table_size = 9\n", LAB_PORTS, NULL);
	lab_udp(l, 0, 1, &m);
	f = lab_put(l, &m, "%1", true, &u);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
	lab_modify(l, f, "%2", true);
	wait_for(l->e, u, OFFLOAD_REPLACING);
	lab_del(l, f);
	lab_close(l);
}

/* A table of one entry: the second flow finds it full and is not worth it; then it carries more,
 * and the first makes room. */
static void full_table(enum offload_reason reason)
{
	struct engine_flow *f[2];
	struct match m[2];
	struct ufid u[2];

	lab_begin(PROFILE "table_size = 1\n", LAB_PORTS, NULL);
	for (unsigned i = 0; i < 2; i++) {
		lab_udp(l, 0, i, &m[i]);
		f[i] = lab_put(l, &m[i], "%1", true, &u[i]);
		lab_wait_state(l, u[i], i ? OFFLOAD_ST_REFUSED : OFFLOAD_ST_HARDWARE, -1);
	}
	for (unsigned turn = 0; reason == OFFLOAD_EVICTED && turn < 2000; turn++) {
		lab_send(l, 0, &m[1].key, 0, 50);
		lab_sleep_ms(5);
		engine_refresh(l->e);
		if (look(l->e, u[0], reason))
			break;
	}
	wait_for(l->e, u[reason == OFFLOAD_EVICTED ? 0 : 1], reason);
	for (unsigned i = 0; i < 2; i++)
		lab_del(l, f[i]);
	lab_close(l);
}

static void make_table_full(void)
{
	full_table(OFFLOAD_TABLE_FULL);
	ck_assert_uint_eq(seen.limit, 1);
}

static void make_not_worth(void)
{
	full_table(OFFLOAD_NOT_WORTH);
	ck_assert_uint_eq(seen.limit, 1);
}

static void make_evicted(void)
{
	full_table(OFFLOAD_EVICTED);
}

/* Two flows are in hardware, and one may stay. */
static void make_over_limit(void)
{
	struct engine_config cfg;
	struct engine_flow *f[2];
	struct match m[2];
	struct ufid u[2];

	lab_begin(PROFILE "table_size = 9\n", LAB_PORTS, NULL);
	for (unsigned i = 0; i < 2; i++) {
		lab_udp(l, 0, i, &m[i]);
		f[i] = lab_put(l, &m[i], "%1", true, &u[i]);
		lab_wait_state(l, u[i], OFFLOAD_ST_HARDWARE, -1);
	}
	for (unsigned n = 1; n <= 20; n++) { /* readings far enough apart to tell a rate */
		lab_send(l, 0, &m[0].key, 0, 20);
		lab_wait_packets(l, f[0], 20 * n);
		lab_sleep_ms(5);
	}
	engine_config_default(&cfg);
	cfg.min_residency_ms = 0;
	cfg.max_entries = 1;
	engine_configure(l->e, &cfg);
	wait_for(l->e, u[1], OFFLOAD_OVER_LIMIT);
	for (unsigned i = 0; i < 2; i++)
		lab_del(l, f[i]);
	lab_close(l);
}

/* Two flows and one entry; what keeps the second out is what `reason` says. */
static void contend(enum offload_reason reason, void (*tune)(struct engine_config *cfg),
		    const struct engine_port_placement *pl, const char *size)
{
	struct engine_flow *f[2];
	struct match m[2];
	struct ufid u[2];
	char *profile = xasprintf("%stable_size = %s\n", PROFILE, size);

	lab_begin(profile, LAB_PORTS, tune);
	if (pl)
		engine_port_placement(l->e, l->no[0], pl);
	for (unsigned i = 0; i < 2; i++) {
		lab_udp(l, 0, i, &m[i]);
		f[i] = lab_put(l, &m[i], "%1", true, &u[i]);
		engine_pin(l->e, f[i], reason == OFFLOAD_PINNED_OVER);
		lab_wait_state(l, u[i], i ? OFFLOAD_ST_REFUSED : OFFLOAD_ST_HARDWARE, -1);
	}
	for (unsigned turn = 0; reason == OFFLOAD_CHURN && turn < 2000; turn++) {
		lab_send(l, 0, &m[1].key, 0, 50);
		lab_sleep_ms(5);
		engine_refresh(l->e);
		if (look(l->e, u[1], reason))
			break;
	}
	wait_for(l->e, u[1], reason);
	for (unsigned i = 0; i < 2; i++)
		lab_del(l, f[i]);
	lab_close(l);
	free(profile);
}

static void tune_churn(struct engine_config *cfg)
{
	cfg->max_churn_per_s = 0;
	cfg->min_residency_ms = 0;
}

static void make_churn(void)
{
	contend(OFFLOAD_CHURN, tune_churn, NULL, "1");
}

static void make_port_limit(void)
{
	static const struct engine_port_placement one = { .placement = -1, .max_entries = 1 };

	contend(OFFLOAD_PORT_LIMIT, NULL, &one, "9");
	ck_assert_uint_eq(seen.limit, 1);
}

static void tune_pinned(struct engine_config *cfg)
{
	cfg->placement = PLACEMENT_PINNED;
}

static void make_pinned_over(void)
{
	contend(OFFLOAD_PINNED_OVER, tune_pinned, NULL, "1");
}

static void tune_audit(struct engine_config *cfg)
{
	cfg->audit_period_ms = 50;
}

static void fault(const char *words, enum offload_reason reason)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	lab_begin(PROFILE "table_size = 9\n", LAB_PORTS, tune_audit);
	lab_udp(l, 0, 1, &m);
	if (reason == OFFLOAD_DRIVER_REFUSED)
		lab_fault(l, 0, words);
	f = lab_put(l, &m, "%1", true, &u);
	if (reason != OFFLOAD_DRIVER_REFUSED) {
		lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
		lab_fault(l, 0, words);
	}
	wait_for(l->e, u, reason);
	lab_del(l, f);
	lab_close(l);
}

static void make_driver_refused(void)
{
	fault("fault refuse field udp_dst", OFFLOAD_DRIVER_REFUSED);
	ck_assert_str_ne(seen.driver, "");
}

static void make_shape_refused(void)
{
	struct engine_flow *f[2];
	struct match m;
	struct ufid u[2];

	lab_begin(PROFILE "table_size = 9\n", LAB_PORTS, NULL);
	lab_fault(l, 0, "fault refuse field udp_dst");
	for (unsigned i = 0; i < 2; i++) {
		lab_udp(l, 0, i, &m);
		f[i] = lab_put(l, &m, "%1", true, &u[i]);
		lab_wait_state(l, u[i], OFFLOAD_ST_REFUSED, -1);
	}
	wait_for(l->e, u[1], OFFLOAD_SHAPE_REFUSED);
	ck_assert_str_ne(seen.driver, ""); /* the words of the first time */
	for (unsigned i = 0; i < 2; i++)
		lab_del(l, f[i]);
	lab_close(l);
}

static void make_reset(void)
{
	fault("fault reset", OFFLOAD_RESET);
}

static void make_forgotten(void)
{
	fault("fault forget any", OFFLOAD_FORGOTTEN);
}

/* Shown as held, and never hit, while packets of the flow come. */
static void make_mute(void)
{
	struct engine_flow *f;
	struct match m;
	struct ufid u;

	lab_begin(PROFILE "table_size = 9\n", LAB_PORTS, tune_audit);
	lab_udp(l, 0, 1, &m);
	f = lab_put(l, &m, "%1", true, &u);
	lab_wait_state(l, u, OFFLOAD_ST_HARDWARE, -1);
	lab_fault(l, 0, "fault mute any");
	for (unsigned ms = 0; ms < WAIT_MS && !look(l->e, u, OFFLOAD_MUTE); ms += 20) {
		lab_send(l, 0, &m.key, 0, 10);
		lab_sleep_ms(20);
		engine_refresh(l->e);
	}
	wait_for(l->e, u, OFFLOAD_MUTE);
	lab_del(l, f);
	lab_close(l);
}

static void make_altered(void)
{
	fault("fault alter any", OFFLOAD_ALTERED);
}

/* --- with the NIC in memory --- */

static struct engine_flow *rig_one(const char *actions, struct ufid *u)
{
	struct match m;

	rig_match(&r, 0, 1, 0, &m);
	return rig_put(&r, &m, actions, u);
}

static void rig_done(struct engine_flow *f)
{
	rig_del(&r, f);
	rig_close(&r, false);
	rig_end(&r);
}

static void make_adopted(void)
{
	struct engine_flow *f;
	struct ufid u;

	rig_open(&r, false);
	f = rig_one("%1", &u);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	engine_flow_unref(f);
	rig_close(&r, true);
	rig_open(&r, true);
	wait_for(r.e, u, OFFLOAD_ADOPTED);
	rig_close(&r, false);
	rig_end(&r);
}

static void make_chain(void)
{
	struct engine_flow *f;
	struct ufid u;

	rig_open(&r, false);
	f = rig_one("recirc(0x7)", &u);
	wait_for(r.e, u, OFFLOAD_CHAIN);
	ck_assert_uint_eq(seen.limit, 7);
	rig_done(f);
}

static void make_hung(void)
{
	struct engine_flow *f;
	struct ufid u;

	rig_open(&r, false);
	r.cfg.hang_ms = 200;
	rig_configure(&r);
	r.w->hangs = true;
	f = rig_one("%1", &u);
	for (unsigned ms = 0; ms < WAIT_MS && !look(r.e, u, OFFLOAD_HUNG); ms += 5) {
		engine_refresh(r.e); /* as the revalidator does */
		(void)usleep(5000);
	}
	wait_for(r.e, u, OFFLOAD_HUNG);
	r.w->hangs = false;
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	rig_done(f);
}

static void make_gone(void)
{
	static const struct offload_event ev = { .kind = OFFLOAD_EV_GONE, .words = "unplugged" };
	struct engine_flow *f;
	struct ufid u;

	rig_open(&r, false);
	f = rig_one("%1", &u);
	rig_wait(&r, u, OFFLOAD_ST_HARDWARE, -1);
	survivor_tell(&ev);
	wait_for(r.e, u, OFFLOAD_GONE);
	rig_done(f);
}

static void make_not_in_hw(void)
{
	struct engine_flow *f;
	struct ufid u;

	rig_open(&r, false);
	r.w->hw_silent = true;
	f = rig_one("%1", &u);
	wait_for(r.e, u, OFFLOAD_NOT_IN_HW);
	rig_done(f);
}

/* As a driver says it. */
static void said(enum offload_reason reason, int code)
{
	struct engine_flow *f;
	struct ufid u;

	rig_open(&r, false);
	r.w->says_reason = (int)reason;
	r.w->says_code = code;
	f = rig_one("%1", &u);
	wait_for(r.e, u, reason);
	ck_assert_str_eq(seen.driver, "survivor: so be it");
	r.w->says_code = 0;
	rig_done(f);
}

static void make_prio_full(void)
{
	said(OFFLOAD_PRIO_FULL, -ENOSPC);
}

static void make_block_full(void)
{
	said(OFFLOAD_BLOCK_FULL, -ENOSPC);
}

static void make_qdisc(void)
{
	said(OFFLOAD_QDISC, -EBUSY);
}

static void make_kernel_lacks(void)
{
	said(OFFLOAD_KERNEL_LACKS, -EOPNOTSUPP);
}

static void make_meter(void)
{
	said(OFFLOAD_METER, -EOPNOTSUPP);
}

static void make_no_next_hop(void)
{
	said(OFFLOAD_NO_NEXT_HOP, -EOPNOTSUPP);
}

static void make_covered(void)
{
	said(OFFLOAD_COVERED, -EEXIST);
}

static void make_io_error(void)
{
	said(OFFLOAD_IO_ERROR, -ENOBUFS);
}

static void make_echo_differs(void)
{
	said(OFFLOAD_ECHO_DIFFERS, -EIO);
}

/* --- somebody else's hand in the datapath --- */

static void tampered(bool (*by)(struct ufid u), enum offload_reason reason)
{
	struct engine_flow *f;
	struct ufid u;

	rig_open(&r, false);
	r.cfg.audit_period_ms = 20;
	rig_configure(&r);
	f = rig_one("%1", &u);
	ck_assert(by(u));
	for (unsigned ms = 0; ms < WAIT_MS && !look(r.e, u, reason); ms += 5) {
		(void)usleep(5000);
		engine_refresh(r.e);
	}
	wait_for(r.e, u, reason);
	rig_done(f);
}

static bool take_out(struct ufid u)
{
	struct dp_flow_op op = { .kind = DP_FLOW_DEL, .ufid = u };

	return !dp_flow_do(r.dp, &op);
}

static bool make_drop(struct ufid u)
{
	return survivor_change(r.w, u, (struct dp_actions){ 0 });
}

static void make_put_again(void)
{
	tampered(take_out, OFFLOAD_PUT_AGAIN);
}

static void make_changed_back(void)
{
	tampered(make_drop, OFFLOAD_CHANGED_BACK);
}

/* TC beside the user datapath.  It needs no kernel to say so. */
static void make_needs_software(void)
{
	struct tc_device *d = xzalloc(sizeof(*d));
	struct buf acts = BUF_INIT;
	struct offload_plan plan;
	struct flow_key key, mask;
	struct offload_rule rule = { .key = &key, .mask = &mask };
	struct error err = ERROR_INIT;

	memset(&key, 0, sizeof(key));
	memset(&mask, 0, sizeof(mask));
	ck_assert_int_eq(dp_actions_parse("ct(commit),1", &acts, &err), 0);
	rule.actions = dp_actions_of(&acts);
	ck_assert_int_eq(tc_plan(&d->up, &rule, &plan), -EOPNOTSUPP);
	seen = plan.refusal;
	buf_done(&acts);
	free(d);
}

/* --- all of them --- */

enum { FIELD_TOO = 1, ACTION_TOO = 2, LIMIT_TOO = 4, DRIVER_TOO = 8 };

static const struct maker {
	void (*make)(void);
	unsigned names;     /* what must be with it */
	const char *also;   /* the test that has the kernel say it; NULL: none is needed */
	const char *phrase; /* by which it is known there */
} makers[OFFLOAD_N_REASONS] = {
	[OFFLOAD_OK] = { make_ok, 0, NULL, NULL },
	[OFFLOAD_DISABLED] = { make_disabled, 0, NULL, NULL },
	[OFFLOAD_TC_POLICY] = { make_tc_policy, 0, NULL, NULL },
	[OFFLOAD_NO_DEVICE] = { make_no_device, 0, NULL, NULL },
	[OFFLOAD_SLOW_PATH] = { make_slow_path, ACTION_TOO, NULL, NULL },
	[OFFLOAD_OUT_DEVICE] = { make_out_device, ACTION_TOO, NULL, NULL },
	[OFFLOAD_NOT_WORTH] = { make_not_worth, LIMIT_TOO, NULL, NULL },
	[OFFLOAD_CHURN] = { make_churn, 0, NULL, NULL },
	[OFFLOAD_PORT_LIMIT] = { make_port_limit, LIMIT_TOO, NULL, NULL },
	[OFFLOAD_PINNED_OVER] = { make_pinned_over, LIMIT_TOO, NULL, NULL },
	[OFFLOAD_QUEUE_FULL] = { make_queue_full, LIMIT_TOO, NULL, NULL },
	[OFFLOAD_PENDING] = { make_pending, 0, NULL, NULL },
	[OFFLOAD_ADOPTED] = { make_adopted, 0, NULL, NULL },
	[OFFLOAD_CHAIN] = { make_chain, LIMIT_TOO, NULL, NULL },
	[OFFLOAD_HUNG] = { make_hung, 0, NULL, NULL },
	[OFFLOAD_FIELD] = { make_field, FIELD_TOO, NULL, NULL },
	[OFFLOAD_MASK] = { make_mask, FIELD_TOO, NULL, NULL },
	[OFFLOAD_ACTION] = { make_action, ACTION_TOO, NULL, NULL },
	[OFFLOAD_SET_FIELD] = { make_set_field, FIELD_TOO, NULL, NULL },
	[OFFLOAD_N_ACTIONS] = { make_n_actions, ACTION_TOO | LIMIT_TOO, NULL, NULL },
	[OFFLOAD_RECIRC] = { make_recirc, ACTION_TOO, NULL, NULL },
	[OFFLOAD_METER] = { make_meter, DRIVER_TOO, "tests/kernel/metered.sh", "reason meter" },
	[OFFLOAD_NEEDS_SOFTWARE] = { make_needs_software, ACTION_TOO, NULL, NULL },
	[OFFLOAD_KERNEL_LACKS] = { make_kernel_lacks, DRIVER_TOO, "tests/kernel/lacking_test.sh",
				   "kernel_lacks" },
	[OFFLOAD_TABLE_FULL] = { make_table_full, LIMIT_TOO, NULL, NULL },
	[OFFLOAD_PRIO_FULL] = { make_prio_full, DRIVER_TOO, "tests/unit/tc/prio_test.c",
				"-ENOSPC" },
	[OFFLOAD_BLOCK_FULL] = { make_block_full, DRIVER_TOO, "tests/kernel/bond_test.sh",
				 "block_full" },
	[OFFLOAD_QDISC] = { make_qdisc, DRIVER_TOO, "tests/kernel/bond_test.sh", "foreign_qdisc" },
	[OFFLOAD_NOT_IN_HW] = { make_not_in_hw, 0, "tests/nic/exact_test.sh", "not_in_hw" },
	[OFFLOAD_DRIVER_REFUSED] = { make_driver_refused, DRIVER_TOO, NULL, NULL },
	[OFFLOAD_SHAPE_REFUSED] = { make_shape_refused, DRIVER_TOO, NULL, NULL },
	[OFFLOAD_NO_NEXT_HOP] = { make_no_next_hop, DRIVER_TOO, "tests/nic/vxlan_neigh_test.sh",
				  "the way to the tunnel's other end is not known" },
	[OFFLOAD_COVERED] = { make_covered, DRIVER_TOO, "tests/kernel/tc_covered_test.c",
			      "OFFLOAD_COVERED" },
	[OFFLOAD_IO_ERROR] = { make_io_error, DRIVER_TOO, "tests/kernel/tc_enomem_test.c",
			       "IO_ERROR" },
	[OFFLOAD_ECHO_DIFFERS] = { make_echo_differs, DRIVER_TOO, "tests/kernel/tc_enomem_test.c",
				   "ECHO_DIFFERS" },
	[OFFLOAD_EVICTED] = { make_evicted, 0, NULL, NULL },
	[OFFLOAD_OVER_LIMIT] = { make_over_limit, 0, NULL, NULL },
	[OFFLOAD_RESET] = { make_reset, 0, NULL, NULL },
	[OFFLOAD_FORGOTTEN] = { make_forgotten, 0, NULL, NULL },
	[OFFLOAD_MUTE] = { make_mute, 0, NULL, NULL },
	[OFFLOAD_ALTERED] = { make_altered, 0, NULL, NULL },
	[OFFLOAD_REPLACING] = { make_replacing, 0, NULL, NULL },
	[OFFLOAD_GONE] = { make_gone, 0, NULL, NULL },
	[OFFLOAD_PUT_AGAIN] = { make_put_again, 0, NULL, NULL },
	[OFFLOAD_CHANGED_BACK] = { make_changed_back, 0, NULL, NULL },
};

/* The other test is there and still knows the phrase. */
static void check_also(const struct maker *m)
{
	const char *src = getenv("srcdir");
	char *path = xasprintf("%s/%s", src ? src : ".", m->also);
	char *text = xzalloc(65536);
	FILE *f = fopen(path, "re");

	ck_assert_msg(f != NULL, "no %s", path);
	ck_assert_uint_gt(fread(text, 1, 65535, f), 0);
	(void)fclose(f);
	ck_assert_msg(strstr(text, m->phrase) != NULL, "%s does not make %s", path, m->phrase);
	free(text);
	free(path);
}

/* Every maker is run with the time that it has of its own: START_LOOP_TEST. */
START_TEST(each_reason_can_be_made)
{
	const struct offload_reason_info *row = &offload_reason_table[_i];
	const struct maker *m = &makers[_i];
	struct str s = STR_INIT;

	ck_assert_msg(m->make != NULL, "nothing makes the reason \"%s\": delete it, or make it",
		      row->name);
	memset(&seen, 0, sizeof(seen));
	m->make();
	ck_assert_int_eq(seen.reason, _i);
	ck_assert_uint_gt(seen.at_ns, 0);
	ck_assert_msg(!(m->names & FIELD_TOO) || seen.field >= 0, "%s: no field", row->name);
	ck_assert_msg(!(m->names & ACTION_TOO) || seen.action >= 0, "%s: no action", row->name);
	ck_assert_msg(!(m->names & LIMIT_TOO) || seen.limit, "%s: no limit", row->name);
	ck_assert_msg(!(m->names & DRIVER_TOO) || *seen.driver, "%s: no words", row->name);
	if (row->retry == OFFLOAD_RETRY_BACKOFF)
		ck_assert_msg(seen.retry_ns > 0, "%s: no next try", row->name);
	offload_refusal_format(&seen, &s);
	ck_assert_ptr_nonnull(strstr(str_cstr(&s), row->text));
	str_done(&s);
	if (m->also)
		check_also(m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reasons");
	TCase *t = tcase_create("reasons");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, each_reason_can_be_made, 0, OFFLOAD_N_REASONS);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
