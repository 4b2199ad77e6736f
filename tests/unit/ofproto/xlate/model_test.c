/* SPDX-License-Identifier: Apache-2.0 */
/* Translation is right: the datapath actions of a packet send the packets that a dumb reading of
 * the OpenFlow tables sends, to the same ports, in the same order. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/rcu.h"
#include "core/packet/action_exec.h"
#include "core/packet/parse.h"
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

static bool capture(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		    const struct dp_action *a)
{
	struct sent *s = x->aux;
	const void *payload = dp_action_payload(a);

	if (a->kind == DP_ACT_OUTPUT && s->n < MODEL_OUTPUTS)
		send_out(s, p, ((const struct act_output *)payload)->port.v);
	else if (a->kind == DP_ACT_CT)
		world_track(key, payload, p);
	else if (a->kind == DP_ACT_RECIRC)
		send_round(s, p, key, ((const struct act_recirc *)payload)->id);
	return a->kind != DP_ACT_METER ||
	       world_meter_passes(((const struct act_meter *)payload)->id);
}

static void one_pass(struct sent *s, struct packet *p, struct flow_key *key)
{
	struct xlate_in in = { .snap = s->snap, .key = *key };
	struct exec_ctx x = { .side = capture, .aux = s, .rng = 1 };
	struct xlate_out out;

	xlate(&in, &out);
	s->failed |= out.error != XLATE_OK;
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
	s.failed = false;
	model_run(&m, w->snap, key, p);
	one_pass(&s, p, &k);
	*n_rounds += s.n_rounds;
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
