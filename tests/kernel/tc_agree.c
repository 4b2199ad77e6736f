/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernel/tc_agree.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/packet/action_exec.h"
#include "core/packet/dp_text.h"
#include "core/packet/match.h"
#include "core/packet/parse.h"
#include "tc/tc.h"
#include "tests/kernel/tc_lab.h"
#include "tests/unit/tc/near.h"

#define PACKETS 6
#define PORTS TC_AGREE_PORTS

static const struct tc_agree_env *env;
static const struct offload_provider_ops *ops;
static struct offload_device *dev;
static struct tc_lab_port ports[PORTS];
static int listeners[PORTS], marks[PORTS];

static void setup(void)
{
	struct error err = ERROR_INIT;
	struct offload_caps caps;

	tc_register();
	ops = offload_provider_find("tc", 2);
	env->open();
	for (unsigned i = 0; i < PORTS; i++) {
		tc_lab_port_open(&ports[i], i + 1, env->near[i], env->user);
		listeners[i] = tc_lab_listen(env->far[i]);
		marks[i] = tc_lab_marks(env->near[i]);
		ck_assert_msg(!ops->attach(&ports[i].up, "", &dev, &err), "%s", err.cause);
	}
	ck_assert_int_eq(ops->caps(dev, &caps), 0);
}

static void teardown(void)
{
	for (unsigned i = 0; i < PORTS; i++) {
		ops->detach(dev, &ports[i].up);
		(void)close(listeners[i]);
		(void)close(marks[i]);
	}
	env->close();
}

/* --- frames: what came out, or should --- */

struct frames { /* by port, in order */
	struct buf at[PORTS];
};

static void frames_start(struct frames *f)
{
	for (unsigned i = 0; i < PORTS; i++)
		buf_init(&f->at[i]);
}

static void frames_done(struct frames *f)
{
	for (unsigned i = 0; i < PORTS; i++)
		buf_done(&f->at[i]);
}

static void add_frame(struct frames *f, unsigned port, const void *data, size_t len)
{
	buf_put_be32(&f->at[port], (uint32_t)len);
	buf_put(&f->at[port], data, len);
}

static bool output(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		   const struct dp_action *a)
{
	const struct act_output *o = dp_action_payload(a);

	(void)key;
	if (a->kind == DP_ACT_OUTPUT)
		add_frame(x->aux, o->port.v - 1, p->data, p->len);
	return true;
}

static void expect(const struct packet *p, const struct flow_key *key, struct dp_actions acts,
		   struct frames *f)
{
	struct packet *copy = packet_clone(p);
	struct flow_key k = *key;
	struct exec_ctx x = { .side = output, .aux = f, .rng = 1 };

	(void)packet_parse(copy, &k, NULL);
	actions_exec(&x, copy, &k, acts);
	packet_free(copy);
}

static void collect(struct frames *f)
{
	uint8_t frame[2048];
	size_t n;

	for (unsigned i = 0; i < PORTS; i++)
		while ((n = tc_lab_receive(listeners[i], frame, sizeof(frame))))
			add_frame(f, i, frame, n);
}

static bool same(const struct frames *a, const struct frames *b)
{
	for (unsigned i = 0; i < PORTS; i++)
		if (a->at[i].len != b->at[i].len ||
		    (a->at[i].len && memcmp(a->at[i].data, b->at[i].data, a->at[i].len)))
			return false;
	return true;
}

static bool none(const struct frames *a)
{
	for (unsigned i = 0; i < PORTS; i++)
		if (a->at[i].len)
			return false;
	return true;
}

/* --- words for what went wrong --- */

static void hex(struct str *s, const char *what, const void *data, size_t len)
{
	str_printf(s, "\n%s", what);
	for (size_t i = 0; i < len; i++)
		str_printf(s, "%02x", ((const uint8_t *)data)[i]);
}

static void say_rule(struct str *s, const struct offload_rule *r)
{
	str_puts(s, "megaflow ");
	match_format_dp(r->key, r->mask, NULL, NULL, s);
	str_puts(s, ", actions:");
	dp_actions_format(r->actions, NULL, NULL, s);
}

static void complain(const struct offload_rule *r, const struct packet *p,
		     const struct frames *want, const struct frames *got, const char *what)
{
	struct str s = STR_INIT;

	str_printf(&s, "%s\n", what);
	say_rule(&s, r);
	hex(&s, "sent     ", p->data, p->len);
	for (unsigned i = 0; i < PORTS; i++) {
		if (want->at[i].len)
			hex(&s, "expected ", want->at[i].data, want->at[i].len);
		if (got->at[i].len)
			hex(&s, "came     ", got->at[i].data, got->at[i].len);
	}
	puts(tc_lab_read("tc -s filter show dev %s ingress", env->near[flow_in_dp(r->key).v - 1]));
	ck_abort_msg("%s", str_cstr(&s));
}

/* --- one rule --- */

static void request(struct offload_req *q, enum offload_req_kind kind, const struct offload_rule *r,
		    uint64_t handle)
{
	memset(q, 0, sizeof(*q));
	offload_refusal_set(&q->refusal, OFFLOAD_OK);
	q->kind = kind;
	q->rule = *r;
	q->handle = handle;
	(void)ops->apply(dev, q, 1);
}

/* False: the driver will not have it. */
static bool install(const struct offload_rule *r, uint64_t *handle)
{
	struct str s = STR_INIT;
	struct offload_req q;

	request(&q, OFFLOAD_INSTALL, r, 0);
	*handle = q.handle;
	if (env->hardware && q.result == -EOPNOTSUPP && q.refusal.driver[0])
		return false;
	if (q.result) {
		str_printf(&s, "%d: ", q.result);
		offload_refusal_format(&q.refusal, &s);
		str_puts(&s, "\n");
		say_rule(&s, r);
		ck_abort_msg("%s", str_cstr(&s));
	}
	ck_assert(q.in_hw == env->hardware);
	return true;
}

static void reading(uint64_t handle, struct flow_stats *st)
{
	struct offload_stat rec;
	uint64_t cursor = 0;

	memset(st, 0, sizeof(*st));
	while (ops->stats(dev, &cursor, &rec, 1) > 0)
		if (rec.handle == handle)
			*st = rec.stats;
}

struct tally {
	unsigned rules, refused, frames, hits;
};

static void one_frame(struct rng *r, const struct offload_rule *rule, uint64_t handle,
		      struct tally *t)
{
	struct flow_stats before, after;
	struct frames want, got;
	struct flow_key k;
	struct packet *p;
	unsigned in;
	bool hit;

	near_rule(r, rule, &k);
	if (k.dl_type == htons(DL_TYPE_NONE))
		return;
	memset(&k.tunnel, 0, offsetof(struct flow_key, dl_dst) - offsetof(struct flow_key, tunnel));
	k.in_port = rule->key->in_port;
	p = packet_compose(&k, 40 + rng_below(r, 60));
	frames_start(&want);
	frames_start(&got);
	reading(handle, &before);
	in = ntohl(k.in_port) - 1;
	tc_lab_send(env->far[in], p->data, p->len);
	tc_lab_settle(env->far[in], marks[in]);
	collect(&got);
	reading(handle, &after);
	hit = after.packets != before.packets;
	t->frames++;
	t->hits += hit;
	if (hit) {
		if (!flow_key_equal_masked(&k, rule->key, rule->mask))
			complain(rule, p, &want, &got, "a frame of another megaflow was taken");
		expect(p, &k, rule->actions, &want);
		if (!same(&want, &got))
			complain(rule, p, &want, &got, "other frames came than were expected");
		ck_assert_uint_eq(after.packets, before.packets + 1);
		ck_assert_uint_eq(after.bytes, before.bytes + p->len);
	} else if (!none(&got)) {
		complain(rule, p, &want, &got, "a frame was not counted, and came out");
	}
	frames_done(&want);
	frames_done(&got);
	packet_free(p);
}

/* What frames can be sent for: no metadata, no conntrack. */
static bool usable(const struct offload_rule *r)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, r->actions)
		if (a->kind == DP_ACT_CT || a->kind == DP_ACT_RECIRC)
			return false;
	return !r->key->recirc_id;
}

static void one_rule(struct rng *r, const struct offload_rule *rule, struct tally *t)
{
	struct offload_plan plan;
	struct offload_req q;
	uint64_t handle;

	memset(&plan, 0, sizeof(plan));
	if (!usable(rule) || ops->plan(dev, rule, &plan))
		return;
	if (!install(rule, &handle)) {
		t->refused++;
		return;
	}
	t->rules++;
	for (unsigned i = 0; i < PACKETS; i++)
		one_frame(r, rule, handle, t);
	request(&q, OFFLOAD_REMOVE, rule, handle);
	ck_assert_int_eq(q.result, 0);
	ck_assert(q.final_ok);
}

START_TEST(the_kernel_agrees)
{
	struct rng r = rng_start("the_kernel_agrees");
	struct tally t = { 0, 0, 0, 0 };
	struct random_rule x;

	random_rule_start(&x);
	while (t.rules < env->rules) {
		random_rule(&r, &x);
		one_rule(&r, &x.rule, &t);
	}
	random_rule_done(&x);
	printf("%u rules (%u refused by the driver), %u frames, %u of them hit\n", t.rules,
	       t.refused, t.frames, t.hits);
	ck_assert_uint_gt(t.hits, t.rules);
}
END_TEST

int tc_agree_main(const struct tc_agree_env *e)
{
	Suite *s = suite_create(e->name);
	TCase *c = tcase_create("agree");
	SRunner *run;
	int failed;

	if (!tc_lab_in_guest())
		return 77;
	env = e;
	run = srunner_create(s);
	tcase_set_timeout(c, 300);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, the_kernel_agrees);
	suite_add_tcase(s, c);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
