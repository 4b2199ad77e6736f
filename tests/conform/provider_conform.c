/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conform/provider_conform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "offload/caps.h"

static const struct provider_env *env;
static const struct offload_provider_ops *ops;
static struct port *ports[2];
static struct offload_device *dev;

static void setup(void)
{
	struct offload_device *second = NULL;
	struct error err = ERROR_INIT;

	ops = env->ops();
	env->open(ports);
	ck_assert_msg(!ops->attach(ports[0], env->args, &dev, &err), "%s", err.cause);
	ck_assert_msg(!ops->attach(ports[1], env->args, &second, &err), "%s", err.cause);
	ck_assert_ptr_eq(second, dev); /* ports of one NIC share its device */
	ck_assert_ptr_eq(dev->ops, ops);
	ck_assert(*dev->name);
}

static void teardown(void)
{
	ops->detach(dev, ports[0]);
	ops->detach(dev, ports[1]);
	env->close();
}

/* --- rules --- */

struct rule {
	struct match m;
	struct buf acts;
	struct offload_rule r;
};

/* UDP from the first port to the second, told apart by id. */
static void rule_init(struct rule *x, uint32_t id)
{
	struct flow_key *k = &x->m.key, *m = &x->m.mask;

	memset(x, 0, sizeof(*x));
	k->in_port = htonl(ports[0]->no.v);
	k->dl_dst.b[5] = 1;
	k->dl_src.b[5] = 2;
	k->dl_type = htons(0x0800);
	k->nw_proto = 17;
	k->nw_ttl = 64;
	k->nw_src = htonl(id);
	k->tp_src = htons(1);
	k->tp_dst = htons(2);
	m->in_port = m->recirc_id = m->nw_src = UINT32_MAX;
	m->dl_type = UINT16_MAX;
	m->nw_proto = UINT8_MAX;
	dp_actions_put_output(&x->acts, ports[1]->no);
	x->r = (struct offload_rule){ .ufid = { { id, ~(uint64_t)id } },
				      .key = k,
				      .mask = m,
				      .actions = dp_actions_of(&x->acts) };
}

static void rule_done(struct rule *x)
{
	buf_done(&x->acts);
}

static int one(struct offload_req *q, enum offload_req_kind kind, const struct rule *x,
	       uint64_t handle)
{
	memset(q, 0, sizeof(*q));
	offload_refusal_set(&q->refusal, OFFLOAD_OK);
	q->kind = kind;
	q->rule = x->r;
	q->handle = handle;
	ck_assert_uint_eq(ops->apply(dev, q, 1), q->result < 0);
	return q->result;
}

static uint64_t install(const struct rule *x)
{
	struct offload_req q;

	ck_assert_int_eq(one(&q, OFFLOAD_INSTALL, x, 0), 0);
	ck_assert(q.in_hw == !env->software);
	ck_assert_uint_ne(q.handle, 0);
	return q.handle;
}

static void remove_rule(const struct rule *x, uint64_t handle, uint64_t packets)
{
	struct offload_req q;

	ck_assert_int_eq(one(&q, OFFLOAD_REMOVE, x, handle), 0);
	ck_assert(q.final_ok);
	ck_assert_uint_eq(q.final.packets, packets);
}

/* The handle's reading in one whole pass; false when it has none, which leaves *st: nothing new. */
static bool reading(uint64_t handle, struct flow_stats *st)
{
	struct offload_stat recs[3]; /* few, so that the cursor is used */
	uint64_t cursor = 0;
	bool found = false;
	int n;

	while ((n = ops->stats(dev, &cursor, recs, ARRAY_SIZE(recs))) > 0)
		for (int i = 0; i < n; i++)
			if (recs[i].handle == handle) {
				ck_assert(!found);
				*st = recs[i].stats;
				found = true;
			}
	ck_assert_int_eq(n, 0);
	return found;
}

static size_t held(uint64_t handle, uint64_t *digest)
{
	struct offload_dump_rec recs[3];
	uint64_t cursor = 0;
	size_t all = 0;
	int n;

	*digest = 0;
	while ((n = ops->dump(dev, &cursor, recs, ARRAY_SIZE(recs))) > 0)
		for (int i = 0; i < n; i++, all++)
			if (recs[i].handle == handle)
				*digest = recs[i].digest;
	ck_assert_int_eq(n, 0);
	return all;
}

/* --- tests --- */

START_TEST(capabilities_are_stable)
{
	struct offload_caps a, b;
	struct offload_usage u;

	ck_assert_int_eq(ops->caps(dev, &a), 0);
	ck_assert_int_eq(ops->caps(dev, &b), 0);
	ck_assert_uint_eq(a.generation, b.generation);
	ck_assert(a.actions >> DP_ACT_OUTPUT & 1);
	ck_assert(a.software || !env->software);
	ck_assert_int_eq(ops->usage(dev, &u), 0);
	ck_assert_uint_eq(u.entries, 0);
	ck_assert_uint_eq(u.capacity, a.capacity);
}
END_TEST

START_TEST(a_plan_says_cost_or_reason)
{
	struct offload_plan plan;
	struct rule x;

	rule_init(&x, 1);
	memset(&plan, 0, sizeof(plan));
	ck_assert_int_eq(ops->plan(dev, &x.r, &plan), 0);
	ck_assert_uint_ge(plan.cost, 1);
	x.m.key.tunnel.tun_id = 1;
	x.m.mask.tunnel.tun_id = UINT64_MAX;
	ck_assert_int_eq(ops->plan(dev, &x.r, &plan), -EOPNOTSUPP);
	ck_assert_int_eq(plan.refusal.reason, OFFLOAD_FIELD);
	ck_assert_int_eq(plan.refusal.field, FIELD_TUN_ID);
	x.m.mask.tunnel.tun_id = 0;
	dp_actions_put_output(&x.acts, (struct dp_port){ 60000 });
	x.r.actions = dp_actions_of(&x.acts);
	ck_assert_int_eq(ops->plan(dev, &x.r, &plan), -EOPNOTSUPP);
	ck_assert(plan.refusal.reason == OFFLOAD_OUT_DEVICE ||
		  plan.refusal.reason == OFFLOAD_N_ACTIONS);
	rule_done(&x);
}
END_TEST

START_TEST(a_rule_counts_and_its_last_reading_is_exact)
{
	struct flow_stats st = { .packets = 0 };
	struct offload_req q;
	struct offload_usage u;
	struct offload_caps caps;
	uint64_t handle, before = 0;
	struct rule x;

	rule_init(&x, 1);
	handle = install(&x);
	(void)reading(handle, &st);
	ck_assert_uint_eq(st.packets, 0);
	env->traffic(x.r.key, 10);
	ck_assert_int_eq(ops->caps(dev, &caps), 0);
	for (unsigned ms = 0; ms <= 2 * caps.counter_lag_ms + 500 && st.packets < 10; ms += 10) {
		(void)reading(handle, &st);
		ck_assert_uint_ge(st.packets, before);
		before = st.packets;
		(void)usleep(10000);
	}
	ck_assert_uint_eq(st.packets, 10);
	ck_assert_uint_ge(st.bytes, 10 * 42);
	ck_assert_uint_ne(st.used_ns, 0);
	env->traffic(x.r.key, 7);
	remove_rule(&x, handle, 17);
	ck_assert(!reading(handle, &st));
	ck_assert_int_eq(one(&q, OFFLOAD_REMOVE, &x, handle), -ENOENT);
	ck_assert(!q.final_ok);
	ck_assert_int_eq(ops->usage(dev, &u), 0);
	ck_assert_uint_eq(u.entries, 0);
	rule_done(&x);
}
END_TEST

START_TEST(a_replacement_starts_a_new_count)
{
	struct offload_req q;
	uint64_t old, digest;
	struct rule x;

	rule_init(&x, 1);
	old = install(&x);
	env->traffic(x.r.key, 5);
	x.r.actions.len = 0; /* drop */
	ck_assert_int_eq(one(&q, OFFLOAD_REPLACE, &x, old), 0);
	ck_assert(q.in_hw == !env->software);
	ck_assert(q.final_ok);
	ck_assert_uint_eq(q.final.packets, 5);
	ck_assert_uint_ne(q.handle, old);
	ck_assert_uint_eq(held(q.handle, &digest), 1);
	ck_assert_uint_eq(digest, offload_rule_digest(x.r.key, x.r.mask, x.r.actions));
	env->traffic(x.r.key, 3);
	remove_rule(&x, q.handle, 3);
	ck_assert_int_lt(one(&q, OFFLOAD_REPLACE, &x, old), 0);
	rule_done(&x);
}
END_TEST

START_TEST(a_dump_shows_what_was_asked_for)
{
	uint64_t handles[7], digest;
	struct rule x[7];

	for (uint32_t i = 0; i < 7; i++) {
		rule_init(&x[i], i);
		handles[i] = install(&x[i]);
		for (uint32_t k = 0; k < i; k++)
			ck_assert_uint_ne(handles[i], handles[k]);
	}
	for (unsigned i = 0; i < 7; i++) {
		ck_assert_uint_eq(held(handles[i], &digest), 7);
		ck_assert_uint_eq(digest,
				  offload_rule_digest(x[i].r.key, x[i].r.mask, x[i].r.actions));
	}
	for (unsigned i = 0; i < 7; i++) {
		remove_rule(&x[i], handles[i], 0);
		ck_assert_uint_eq(held(handles[i], &digest), 6 - i);
		ck_assert_uint_eq(digest, 0);
		rule_done(&x[i]);
	}
}
END_TEST

START_TEST(a_batch_is_done_in_order)
{
	struct offload_req *q = xcalloc(4, sizeof(*q));
	struct rule x;

	rule_init(&x, 1);
	q[0].kind = OFFLOAD_REMOVE;
	q[0].handle = install(&x);
	q[1].kind = OFFLOAD_INSTALL; /* the same match: only behind the removal */
	q[2].kind = OFFLOAD_INSTALL; /* and again: refused */
	q[3].kind = OFFLOAD_REMOVE;  /* of nothing */
	q[3].handle = UINT64_MAX;
	for (unsigned i = 0; i < 4; i++)
		q[i].rule = x.r;
	ck_assert_uint_eq(ops->apply(dev, q, 4), 2);
	ck_assert_int_eq(q[0].result, 0);
	ck_assert(q[0].final_ok);
	ck_assert_int_eq(q[1].result, 0);
	ck_assert_int_eq(q[2].result, -EEXIST);
	ck_assert_int_eq(q[3].result, -ENOENT);
	env->traffic(x.r.key, 4);
	remove_rule(&x, q[1].handle, 4);
	rule_done(&x);
	free(q);
}
END_TEST

START_TEST(a_full_table_says_so)
{
	uint64_t *handles = xcalloc(env->fill + 1, sizeof(*handles));
	struct rule *x = xcalloc(env->fill + 1, sizeof(*x));
	struct offload_usage u;
	struct offload_req q;

	for (uint32_t i = 0; i < env->fill; i++) {
		rule_init(&x[i], i);
		handles[i] = install(&x[i]);
	}
	ck_assert_int_eq(ops->usage(dev, &u), 0);
	ck_assert_uint_eq(u.entries, env->fill);
	rule_init(&x[env->fill], env->fill);
	ck_assert_int_eq(one(&q, OFFLOAD_INSTALL, &x[env->fill], 0), -ENOSPC);
	ck_assert_int_eq(q.refusal.reason, OFFLOAD_TABLE_FULL);
	x[0].r.actions.len = 0; /* a replacement needs no room of its own */
	ck_assert_int_eq(one(&q, OFFLOAD_REPLACE, &x[0], handles[0]), 0);
	remove_rule(&x[0], q.handle, 0);
	handles[0] = install(&x[env->fill]);
	for (uint32_t i = 0; i < env->fill; i++)
		remove_rule(&x[i], handles[i], 0);
	for (uint32_t i = 0; i <= env->fill; i++)
		rule_done(&x[i]);
	free(x);
	free(handles);
}
END_TEST

START_TEST(a_reset_leaves_last_readings_once)
{
	struct offload_usage before, after;
	struct flow_stats st;
	struct offload_req q;
	uint64_t handle, digest;
	struct rule x;

	rule_init(&x, 1);
	handle = install(&x);
	(void)reading(handle, &st);
	env->traffic(x.r.key, 6);
	ck_assert_int_eq(ops->usage(dev, &before), 0);
	env->reset(dev);
	ck_assert_int_eq(ops->usage(dev, &after), 0);
	ck_assert_uint_ne(before.epoch, after.epoch);
	ck_assert_uint_eq(after.entries, 0);
	ck_assert_uint_eq(held(handle, &digest), 0);
	ck_assert(reading(handle, &st));
	ck_assert_uint_eq(st.packets, 6);
	ck_assert(!reading(handle, &st));
	ck_assert_int_eq(one(&q, OFFLOAD_REMOVE, &x, handle), -ENOENT);
	handle = install(&x);
	env->traffic(x.r.key, 2);
	remove_rule(&x, handle, 2);
	rule_done(&x);
}
END_TEST

/* --- what a former process left --- */

#define LEFT 5

static void ports_attach(void)
{
	struct error err = ERROR_INIT;

	for (unsigned i = 0; i < 2; i++)
		ck_assert_msg(!ops->attach(ports[i], env->args, &dev, &err), "%s", err.cause);
}

static void check_left(const struct rule x[], const struct offload_held *h, uint64_t handles[])
{
	uint32_t id = (uint32_t)h->ufid.u[0];
	struct match held, wanted;

	ck_assert_uint_lt(id, LEFT);
	ck_assert_uint_eq(h->ufid.u[1], x[id].r.ufid.u[1]);
	ck_assert_uint_eq(handles[id], 0); /* each once */
	handles[id] = h->handle;
	match_init(&held, &h->key, &h->mask);
	match_init(&wanted, &x[id].m.key, &x[id].m.mask); /* the rule's key is a packet's */
	wanted.mask.vlans[0].tci |= held.mask.vlans[0].tci & htons(VLAN_CFI); /* by its EtherType */
	ck_assert(caps_same_frames(&held, &wanted));
	ck_assert(dp_actions_equal(h->actions, x[id].r.actions));
	ck_assert(h->in_hw == !env->software);
	ck_assert_uint_ge(h->cost, 1);
	ck_assert_uint_eq(h->stats.packets, id == 2 ? 7 : 0);
}

START_TEST(what_is_left_is_read_back)
{
	struct offload_held *held_recs;
	uint64_t handles[LEFT] = { 0 }, cursor = 0, digest;
	struct rule x[LEFT];
	size_t all = 0;
	int n;

	if (!ops->read_back)
		return;
	held_recs = xcalloc(3, sizeof(*held_recs));
	for (uint32_t i = 0; i < LEFT; i++) {
		rule_init(&x[i], i);
		(void)install(&x[i]);
	}
	env->traffic(x[2].r.key, 7);
	ops->detach(dev, ports[0]);
	ops->detach(dev, ports[1]);
	ports_attach();
	while ((n = ops->read_back(dev, &cursor, held_recs, 3)) > 0)
		for (int i = 0; i < n; i++, all++)
			check_left(x, &held_recs[i], handles);
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(all, LEFT);
	ck_assert_uint_eq(held(handles[1], &digest), LEFT);
	env->traffic(x[2].r.key, 3); /* and they are as good as any */
	for (unsigned i = 0; i < LEFT; i++) {
		remove_rule(&x[i], handles[i], i == 2 ? 10 : 0);
		rule_done(&x[i]);
	}
	free(held_recs);
}
END_TEST

START_TEST(nonsense_is_refused_with_a_cause)
{
	static const char *const words[] = { "nonsense" };
	struct str out = STR_INIT;
	struct error err = ERROR_INIT;

	if (!ops->command)
		return;
	ck_assert_int_eq(ops->command(dev, 1, words, &out, &err), -EINVAL);
	ck_assert(*err.cause);
	error_clear(&err);
	ck_assert_int_eq(ops->command(dev, 0, words, &out, &err), -EINVAL);
	str_done(&out);
}
END_TEST

static Suite *conform_suite(const struct provider_env *e)
{
	Suite *s = suite_create(e->name);
	TCase *t = tcase_create("provider");

	env = e;
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, capabilities_are_stable);
	tcase_add_test(t, a_plan_says_cost_or_reason);
	tcase_add_test(t, a_rule_counts_and_its_last_reading_is_exact);
	tcase_add_test(t, a_replacement_starts_a_new_count);
	tcase_add_test(t, a_dump_shows_what_was_asked_for);
	tcase_add_test(t, a_batch_is_done_in_order);
	if (e->fill)
		tcase_add_test(t, a_full_table_says_so);
	if (e->reset)
		tcase_add_test(t, a_reset_leaves_last_readings_once);
	tcase_add_test(t, what_is_left_is_read_back);
	tcase_add_test(t, nonsense_is_refused_with_a_cause);
	suite_add_tcase(s, t);
	return s;
}

int provider_conform_run(const struct provider_env *e)
{
	SRunner *r = srunner_create(conform_suite(e));
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
