/* SPDX-License-Identifier: Apache-2.0 */
/* Translation is right: the datapath actions of a packet send the packets that a dumb reading of
 * the OpenFlow tables sends, to the same ports, in the same order. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/rcu.h"
#include "core/packet/action_exec.h"
#include "core/packet/parse.h"
#include "core/packet/sflow_cookie.h"
#include "tests/unit/ofproto/xlate/model.h"

#define ROUNDS 80
#define CHANGES 40
#define PACKETS 80

/* What a datapath does with a packet, pass by pass; what it sends. */
struct sent {
	const struct xl_snapshot *snap;
	struct model_output out[MODEL_OUTPUTS];
	unsigned n, n_rounds;
	bool failed;
	bool cut;           /* a tag may be cut off */
	bool choice;        /* what is sent depends on more than the flow */
	unsigned n_samples; /* and what the last one says */
	struct sflow_cookie sample;
	struct flow_key sampled;
};

static void one_pass(struct sent *s, struct packet *p, struct flow_key *key);

static void send_round(struct sent *s, const struct packet *p, const struct flow_key *key,
		       uint32_t id)
{
	struct packet *copy = packet_clone(p);
	struct flow_key k = *key;

	s->n_rounds++;
	k.recirc_id = htonl(id);
	one_pass(s, copy, &k);
	packet_free(copy);
}

static void send_out(struct sent *s, const struct packet *p, uint32_t port)
{
	struct packet *copy = packet_clone(p);
	struct model_output *o = &s->out[s->n++];

	memset(o, 0, sizeof(*o));
	o->dp_port = port;
	if (port == WORLD_TUNNEL_DP)
		o->outer = *p->tnl;
	o->len = p->len;
	(void)packet_parse(copy, &o->key, NULL);
	memcpy(&o->key.dl_dst, copy->data, sizeof(o->key.dl_dst)); /* of what was cut, too */
	memcpy(&o->key.dl_src, copy->data + sizeof(o->key.dl_dst), sizeof(o->key.dl_src));
	packet_free(copy);
}

static void take_sample(struct sent *s, const struct act_userspace *u, const struct flow_key *key)
{
	if (u->kind != UPCALL_SFLOW)
		return;
	ck_assert(sflow_cookie_unpack(u->cookie, &s->sample));
	ck_assert_uint_eq(u->max_len, 128);
	s->sampled = *key;
	s->n_samples++;
}

static bool capture(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		    const struct dp_action *a)
{
	struct sent *s = x->aux;
	const void *payload = dp_action_payload(a);

	if (a->kind == DP_ACT_OUTPUT && s->n < MODEL_OUTPUTS)
		send_out(s, p, ((const struct act_output *)payload)->port.v);
	else if (a->kind == DP_ACT_CT)
		world_track(key, payload, p);
	else if (a->kind == DP_ACT_USERSPACE)
		take_sample(s, payload, key);
	else if (a->kind == DP_ACT_RECIRC)
		send_round(s, p, key, ((const struct act_recirc *)payload)->id);
	return a->kind != DP_ACT_METER ||
	       world_meter_passes(((const struct act_meter *)payload)->id);
}

static bool chooses(const struct dp_action *a)
{
	return a->kind == DP_ACT_METER || a->kind == DP_ACT_CHECK_PKT_LEN ||
	       a->kind == DP_ACT_DROP || a->kind == DP_ACT_RECIRC;
}

static bool cuts(const struct dp_action *a)
{
	return a->kind == DP_ACT_TRUNC || a->kind == DP_ACT_CHECK_PKT_LEN;
}

static bool has(struct dp_actions list, bool (*is)(const struct dp_action *a))
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, list)
		if (is(a) || (a->kind == DP_ACT_CLONE && has(dp_action_nested(a, 0), is)))
			return true;
	return false;
}

static void one_pass(struct sent *s, struct packet *p, struct flow_key *key)
{
	struct xlate_in in = { .snap = s->snap, .key = *key };
	struct exec_ctx x = { .side = capture, .aux = s, .rng = 1 };
	struct xlate_out out;

	xlate(&in, &out);
	s->failed |= out.error != XLATE_OK;
	s->cut |= has(dp_actions_of(&out.actions), cuts);
	s->choice |= has(dp_actions_of(&out.actions), chooses);
	actions_exec(&x, p, key, xlate_actions_for_packet(&out));
	xlate_out_done(&out);
}

static bool same_output(const struct model_output *a, const struct model_output *b)
{
	size_t from = offsetof(struct flow_key, dl_dst);
	size_t n = a->cut ? 2 * sizeof(a->key.dl_dst) : sizeof(a->key) - from;

	return a->dp_port == b->dp_port && a->len == b->len &&
	       !memcmp(&a->key.dl_dst, &b->key.dl_dst, n) &&
	       !memcmp(&a->outer, &b->outer, sizeof(a->outer));
}

static void print_output(const char *title, const struct model_output *o)
{
	struct flow_key k = o->key;
	struct str s = STR_INIT;

	k.tunnel = o->outer;
	match_format_dp(&k, NULL, NULL, NULL, &s);
	printf("  %s to %u: %s\n", title, o->dp_port, str_cstr(&s));
	str_done(&s);
}

static void fail_with_trace(struct world *w, const struct flow_key *key, const struct packet *p,
			    const struct model *m, const struct sent *s)
{
	const struct xlate_trace_in in = { .snap = w->snap, .key = key, .packet = p };
	struct str out = STR_INIT;
	unsigned first = 0;

	(void)!xlate_trace(&in, &out, NULL);
	printf("%s\n", str_cstr(&out));
	while (first < m->n_out && first < s->n && same_output(&m->out[first], &s->out[first]))
		first++;
	printf("outputs %u and %u, the first %u agree\n", m->n_out, s->n, first);
	for (unsigned i = first; i < MIN(m->n_out, first + 3); i++)
		print_output("model", &m->out[i]);
	for (unsigned i = first; i < MIN(s->n, first + 3); i++)
		print_output("datapath", &s->out[i]);
	str_done(&out);
	ck_abort_msg("the datapath actions send something else than the tables say");
}

/* A packet is sampled once, as it came in, where the bridge that it came into samples; and what the
 * sample says of the outputs they are, as far as one pass knows. */
static void check_sample(const struct world *w, const struct flow_key *key, const struct sent *s)
{
	struct flow_key ignored = { 0 };
	const struct xl_port *in = xl_port_of_packet(w->snap, key, &ignored);
	bool wanted = in && in->bridge->sflow.rate && !s->failed;
	const struct flow_vlan *tag = &s->out[0].key.vlans[0];

	ck_assert_uint_eq(s->n_samples, wanted ? 1 : s->failed ? s->n_samples : 0);
	if (!wanted || s->n_rounds)
		return;
	ck_assert(!memcmp(&s->sampled.dl_dst, &key->dl_dst,
			  sizeof(*key) - offsetof(struct flow_key, dl_dst)));
	ck_assert_uint_eq(s->sample.rate, 1);
	if (s->n == 1 && s->sample.output == s->out[0].dp_port && !s->cut)
		ck_assert_uint_eq(s->sample.retagged ? s->sample.tci
						     : ntohs(key->vlans[0].tci) & SFLOW_COOKIE_TCI,
				  ntohs(tag->tci) & SFLOW_COOKIE_TCI);
}

/* No meter and no choice by length in between: then all that is planned is sent. */
static bool is_plain(const struct sent *s)
{
	return !s->n_rounds && !s->choice;
}

static void check_planned(const struct sent *s)
{
	if (!s->n_samples || !is_plain(s) || s->n >= MODEL_OUTPUTS)
		return;
	if (s->n == 1)
		ck_assert_uint_eq(s->sample.output, s->out[0].dp_port);
	else
		ck_assert_uint_eq(s->sample.output,
				  s->n ? SFLOW_OUT_MULTIPLE | s->n : SFLOW_DROPPED_UNKNOWN);
}

static void check_packet(struct world *w, const struct flow_key *key, struct packet *p,
			 unsigned *n_rounds)
{
	static struct model m;
	static struct sent s;
	struct flow_key k = *key;
	struct flow_tnl tnl = { 0 };

	p->tnl = &tnl;
	s.snap = w->snap;
	s.n = s.n_rounds = 0;
	s.failed = s.choice = s.cut = false;
	s.n_samples = 0;
	model_run(&m, w->snap, key, p);
	one_pass(&s, p, &k);
	*n_rounds += s.n_rounds;
	check_sample(w, key, &s);
	check_planned(&s);
	if (m.unknown || ((s.n_rounds || m.dropped) && (s.failed || m.failed)))
		return; /* what went out before is out */
	if (m.n_out != s.n)
		fail_with_trace(w, key, p, &m, &s);
	for (unsigned i = 0; i < s.n; i++)
		if (!same_output(&m.out[i], &s.out[i]))
			fail_with_trace(w, key, p, &m, &s);
}

START_TEST(actions_do_what_tables_say)
{
	struct rng r = rng_start("xlate/model_test");
	unsigned n_rounds = 0;

	rcu_thread_start();
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct world w;

		world_init(&w, (struct rng){ rng_next(&r) });
		if (round % 2)
			world_add_tunnels(&w);
		w.plain = true;
		for (unsigned i = 0; i < CHANGES; i++)
			world_change(&w);
		for (unsigned i = 0; i < PACKETS; i++) {
			struct packet *p;
			struct flow_key key;

			world_packet(&w, &key, &p);
			rcu_read_lock();
			check_packet(&w, &key, p, &n_rounds);
			rcu_read_unlock();
			packet_free(p);
		}
		world_done(&w);
	}
	printf("%u recirculations\n", n_rounds);
	ck_assert_uint_gt(n_rounds, 0);
	rcu_settle();
	rcu_thread_stop();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("translation against a dumb model");
	TCase *c = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(c, 300);
	tcase_add_test(c, actions_do_what_tables_say);
	suite_add_tcase(s, c);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
