/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel has no memory: whatever is asked of its datapath is asked again and again, each time
 * with the next one of the allocations that it takes failing, until none of them does.  Each time
 * it is done or it has failed with a reason, it works the next time, and nothing is left over:
 * neither a flow that nobody knows of, nor a descriptor, nor memory.
 *
 * Devices are not made here: of those the kernel itself complains in its log. */
#include "core/datapath/dp_ct.h"
#include "core/datapath/dp_meter.h"
#include "tests/kernel/rig.h"
#include "tests/kernel/sweep.h"

#define FLOWS 6u

static struct dp_flow_op flow_op(enum dp_flow_op_kind kind, unsigned n, const struct flow_key *key,
				 const struct flow_key *mask, const struct buf *acts)
{
	struct dp_flow_op op = { .kind = kind, .ufid = { { 4, n } }, .key = key, .mask = mask };

	if (acts)
		op.actions = dp_actions_of(acts);
	return op;
}

static int one(enum dp_flow_op_kind kind, unsigned n)
{
	struct dp_flow_op op = flow_op(kind, n, NULL, NULL, NULL);

	return dp_flow_do(rig_dp, &op);
}

/* FLOWS of them in one batch; the results. */
static void flows(enum dp_flow_op_kind kind, const char *actions, int results[FLOWS])
{
	struct buf acts = rig_acts(actions);
	struct dp_flow_op ops[FLOWS];
	struct flow_key key[FLOWS], mask;

	memset(&mask, 0, sizeof(mask));
	mask.tp_src = UINT16_MAX;
	for (unsigned i = 0; i < FLOWS; i++) {
		key[i] = rig_key(0, i);
		ops[i] = flow_op(kind, i, kind == DP_FLOW_PUT ? &key[i] : NULL, &mask, &acts);
	}
	(void)rig_dp->ops->flow_batch(rig_dp, ops, FLOWS); /* each has its result */
	for (unsigned i = 0; i < FLOWS; i++)
		results[i] = ops[i].result;
	buf_done(&acts);
}

/* --- scenarios: `before` and `after` undisturbed, `during` with failures --- */

static int results[FLOWS];

static void put_all(void)
{
	flows(DP_FLOW_PUT, "1", results);
	for (unsigned i = 0; i < FLOWS; i++)
		ck_assert_int_eq(results[i], 0);
}

static void del_all(void)
{
	for (unsigned i = 0; i < FLOWS; i++)
		(void)one(DP_FLOW_DEL, i); /* those that are there */
	ck_assert_int_eq(one(DP_FLOW_DEL, 0), -ENOENT);
}

static int weigh_results(void)
{
	int worst = 0;

	for (unsigned i = 0; i < FLOWS; i++) {
		int rc = sweep_weigh(results[i]);

		worst = rc ? rc : worst;
	}
	return worst;
}

static int put(void)
{
	flows(DP_FLOW_PUT, "1", results);
	return weigh_results();
}

/* What was refused is not there, what was done is. */
static void after_put(void)
{
	for (unsigned i = 0; i < FLOWS; i++) {
		int there = one(DP_FLOW_GET, i);

		if (!results[i])
			ck_assert_int_eq(there, 0);
		else if (results[i] == -ENOMEM)
			ck_assert_int_eq(there, -ENOENT);
	}
	del_all();
}

static int modify(void)
{
	flows(DP_FLOW_MODIFY, "2", results);
	return weigh_results();
}

static int del(void)
{
	flows(DP_FLOW_DEL, "1", results);
	return weigh_results();
}

static void after_del(void)
{
	for (unsigned i = 0; i < FLOWS; i++)
		if (!results[i])
			ck_assert_int_eq(one(DP_FLOW_GET, i), -ENOENT);
	del_all();
}

static int dump(void)
{
	struct dp_dump cur = { .flags = DP_DUMP_FULL };
	struct dp_flow_rec recs[4];
	unsigned seen = 0;
	int n;

	while ((n = rig_dp->ops->flow_dump(rig_dp, &cur, recs, 4)) > 0)
		seen += (unsigned)n;
	rig_dp->ops->flow_dump_end(rig_dp, &cur);
	ck_assert_uint_le(seen, FLOWS);
	if (!n)
		ck_assert_uint_eq(seen, FLOWS);
	return sweep_weigh(n);
}

static int execute(void)
{
	struct flow_key key = rig_key(0, 7);
	struct buf acts = rig_acts("push_vlan(vid=5,pcp=0),1");
	struct dp_execute ex = { .packet = packet_compose(&key, 20),
				 .key = key,
				 .actions = dp_actions_of(&acts) };

	(void)rig_dp->ops->execute(rig_dp, &ex, 1); /* it has its result */
	packet_free(ex.packet);
	buf_done(&acts);
	return sweep_weigh(ex.result);
}

static int port(void)
{
	struct port_config cfg = { .name = "extra", .type = "" };
	struct error err = ERROR_INIT;
	struct dp_port no;
	int rc = rig_dp->ops->port_add(rig_dp, &cfg, (struct dp_port){ DP_PORT_NONE }, &no, &err);

	if (rc)
		return sweep_explained(rc, &err);
	return sweep_weigh(rig_dp->ops->port_del(rig_dp, no));
}

/* No port of that name is in the way. */
static void after_port(void)
{
	ck_assert_int_eq(port(), 0);
}

static int look(void)
{
	struct dp_port_info info;
	struct dp_stats st;
	int rc = rig_dp->ops->port_get(rig_dp, rig_port[0], &info);

	if (!rc)
		port_unref(info.port);
	rig_dp->ops->stats(rig_dp, &st);
	return sweep_weigh(rc);
}

static int handlers(void)
{
	return sweep_weigh(rig_dp->ops->set_handlers(rig_dp, 2));
}

static void after_handlers(void)
{
	ck_assert_int_eq(rig_dp->ops->set_handlers(rig_dp, 1), 0);
}

static int meter(void)
{
	struct dp_meter m = { .packets = true, .n_bands = 1, .bands = { { .rate = 9 } } };
	struct dp_meter_stats st;
	struct error err = ERROR_INIT;
	int rc = sweep_weigh(rig_dp->ops->meters->set(rig_dp, 3, &m, &st, &err));

	if (rc)
		ck_assert(err.cause[0]);
	return rc;
}

static void after_meter(void)
{
	(void)rig_dp->ops->meters->del(rig_dp, 3, NULL); /* when it is there */
}

static bool ignore(const struct dp_ct_entry *e UNUSED, void *arg UNUSED)
{
	return true;
}

static int connections(void)
{
	struct dp_ct_filter all = { .zone = DP_CT_ANY_ZONE };
	int rc = sweep_weigh(rig_dp->ops->ct->dump(rig_dp, &all, ignore, NULL));

	return rc ? rc : sweep_weigh(rig_dp->ops->ct->flush(rig_dp, NULL));
}

static int limit(void)
{
	struct dp_ct_limit l = { .zone = 4, .limit = 2 };
	struct error err = ERROR_INIT;

	return sweep_weigh(rig_dp->ops->ct->limit_set(rig_dp, &l, &err));
}

static void after_limit(void)
{
	(void)rig_dp->ops->ct->limit_del(rig_dp, 4, NULL); /* when it is there */
}

static const struct scenario scenarios[] = {
	{ "put", NULL, put, after_put },       { "modify", put_all, modify, del_all },
	{ "del", put_all, del, after_del },    { "dump", put_all, dump, del_all },
	{ "execute", NULL, execute, NULL },    { "port", NULL, port, after_port },
	{ "look", NULL, look, NULL },          { "handlers", NULL, handlers, after_handlers },
	{ "meter", NULL, meter, after_meter }, { "connections", NULL, connections, NULL },
	{ "limit", NULL, limit, after_limit },
};

START_TEST(nothing_is_left_of_what_fails)
{
	sweep(&scenarios[_i]);
}
END_TEST

int main(void)
{
	TCase *t;

	rig_devices();
	must("ip link add extra type veth peer name extra1");
	if (!fail_nth_there()) {
		puts("skipped: this kernel cannot make allocations fail (CONFIG_FAILSLAB)");
		return 77;
	}
	t = tcase_create("no memory");
	tcase_add_loop_test(t, nothing_is_left_of_what_fails, 0, ARRAY_SIZE(scenarios));
	return rig_run("kernel datapath without memory", t);
}
