/* SPDX-License-Identifier: Apache-2.0 */
/* Soundness of translation: every packet that a megaflow covers gets exactly the actions of its own
 * fresh translation. Random tables, groups and packets; what differs is shrunk no further than one
 * rule set and two keys. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/rcu.h"
#include "core/base/xalloc.h"
#include "core/packet/action_exec.h"
#include "core/packet/parse.h"
#include "tests/unit/ofproto/xlate/world.h"

#define ROUNDS 60
#define CHANGES 40
#define PACKETS 60
#define MUTANTS 12

static void describe(const struct flow_key *key, const struct xlate_out *o, const char *title)
{
	struct str s = STR_INIT;

	match_format_dp(key, NULL, NULL, NULL, &s);
	str_puts(&s, "\n  mask ");
	match_format_dp(key, &o->mask, NULL, NULL, &s);
	str_puts(&s, "\n  actions ");
	dp_actions_format(dp_actions_of(&o->actions), NULL, NULL, &s);
	printf("%s: %s\n", title, str_cstr(&s));
	str_done(&s);
}

/* What differs, for the reader of a failure. */
static void explain(const struct xlate_out *a, const struct xlate_out *b)
{
	for (unsigned i = 0; i < FLOW_WORDS; i++)
		if (flow_words_const(&a->mask)[i] != flow_words_const(&b->mask)[i])
			printf("mask word %u: %016llx, %016llx\n", i,
			       (unsigned long long)ntoh64(flow_words_const(&a->mask)[i]),
			       (unsigned long long)ntoh64(flow_words_const(&b->mask)[i]));
	printf("actions %s, errors %d %d, controller %d %d, effects %zu %zu\n",
	       dp_actions_equal(dp_actions_of(&a->actions), dp_actions_of(&b->actions)) ? "equal"
											: "differ",
	       a->error, b->error, a->to_controller, b->to_controller, a->effects.n, b->effects.n);
}

static bool same_effects(const struct effects *a, const struct effects *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct effect *x = &a->e[i], *y = &b->e[i];

		if (x->kind != y->kind)
			return false;
		if (x->kind == EFFECT_RULE && x->rule != y->rule)
			return false;
		if (x->kind == EFFECT_GROUP &&
		    (x->group.group != y->group.group || x->group.bucket != y->group.bucket))
			return false;
		if (x->kind == EFFECT_MAC &&
		    (memcmp(&x->mac.addr, &y->mac.addr, 6) || x->mac.vlan != y->mac.vlan ||
		     x->mac.bundle != y->mac.bundle))
			return false;
		if (x->kind == EFFECT_PORTS &&
		    (x->ports.rx != y->ports.rx || x->ports.tx != y->ports.tx))
			return false;
		if (x->kind == EFFECT_LEARN &&
		    (!match_equal(&x->learn.l->fm.match, &y->learn.l->fm.match) ||
		     !ofpacts_equal(x->learn.l->fm.actions, y->learn.l->fm.actions)))
			return false;
	}
	return true;
}

static bool record(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		   const struct dp_action *a)
{
	uint64_t *h = x->aux;

	*h = hash_bytes(dp_action_payload(a), a->len, *h + a->kind);
	*h = hash_bytes(p->data, p->len, *h);
	return true;
}

/* What the actions do to a packet of this key, and in which order. */
static uint64_t doings(const struct xlate_out *o, const struct flow_key *key)
{
	struct packet *p = packet_compose(key, 30);
	uint64_t h = 0;
	struct exec_ctx x = { .side = record, .aux = &h, .rng = 1 };
	struct flow_key k = *key;

	(void)packet_parse(p, &k, NULL); /* what cannot be read is not there */
	actions_exec(&x, p, &k, dp_actions_of(&o->actions));
	packet_free(p);
	return h;
}

/* Not the mask: which of two sufficient reasons a lookup finds first may depend on bits outside it,
 * and a write that the mask makes needless is left out. */
static bool same_result(const struct xlate_out *a, const struct xlate_out *b,
			const struct flow_key *key)
{
	return (dp_actions_equal(dp_actions_of(&a->actions), dp_actions_of(&b->actions)) ||
		doings(a, key) == doings(b, key)) &&
	       a->error == b->error && a->to_controller == b->to_controller &&
	       same_effects(&a->effects, &b->effects);
}

struct ring { /* packets that the datapath sends round */
	struct packet *p[64];
	struct flow_key key[64];
	unsigned n;
};

static bool catch_round(struct exec_ctx *x, struct packet *p, struct flow_key *key,
			const struct dp_action *a)
{
	struct ring *r = x->aux;

	if (a->kind == DP_ACT_RECIRC && r->n < ARRAY_SIZE(r->p)) {
		r->p[r->n] = packet_clone(p);
		r->key[r->n] = *key;
		r->key[r->n++].recirc_id =
			htonl(((const struct act_recirc *)dp_action_payload(a))->id);
	}
	if (a->kind == DP_ACT_CT)
		world_track(key, dp_action_payload(a), p);
	return true;
}

static void send_round(const struct flow_key *key, const struct packet *packet,
		       const struct xlate_out *out, struct ring *ring)
{
	struct exec_ctx x = { .side = catch_round, .aux = ring, .rng = 1 };
	struct packet *p = packet_clone(packet);
	struct flow_key k = *key;

	actions_exec(&x, p, &k, xlate_actions_for_packet(out));
	packet_free(p);
}

/* One pass, and then those that it sends the packet to; *n_rounds counts these. */
static void check_megaflow(struct world *w, const struct flow_key *key, const struct packet *packet,
			   unsigned *n_rounds)
{
	struct xlate_in in = { .snap = w->snap, .key = *key, .packet = packet };
	struct ring *ring = xzalloc(sizeof(*ring));
	struct xlate_out out, fresh;

	xlate(&in, &out);
	ck_assert_int_ne(out.error, XLATE_NO_RECIRC);
	in.packet = NULL; /* having a packet in hand must change nothing */
	for (unsigned i = 0; i < MUTANTS; i++) {
		in.key = *key;
		if (i == 1) /* as the revalidator has it: the rest is zero */
			flow_key_mask(&in.key, key, &out.mask);
		else if (i)
			world_mutate(w, &in.key, &out.mask);
		xlate(&in, &fresh);
		if (!same_result(&out, &fresh, &in.key)) {
			describe(key, &out, "megaflow");
			describe(&in.key, &fresh, "fresh");
			explain(&out, &fresh);
			ck_abort_msg("a packet of the megaflow is translated otherwise");
		}
		xlate_out_done(&fresh);
	}
	send_round(key, packet, &out, ring);
	*n_rounds += ring->n;
	for (unsigned i = 0; i < ring->n; i++) {
		check_megaflow(w, &ring->key[i], ring->p[i], n_rounds);
		packet_free(ring->p[i]);
	}
	xlate_out_done(&out);
	free(ring);
}

START_TEST(megaflows_are_sound)
{
	struct rng r = rng_start("sound_test");
	unsigned n_rounds = 0;

	rcu_thread_start();
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct world w;

		r.state += 1000003 * round;
		world_init(&w, r);
		if (round % 2)
			world_add_tunnels(&w);
		for (unsigned i = 0; i < CHANGES; i++)
			world_change(&w);
		for (unsigned i = 0; i < PACKETS; i++) {
			struct packet *p;
			struct flow_key key;

			world_packet(&w, &key, &p);
			rcu_read_lock();
			check_megaflow(&w, &key, p, &n_rounds);
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
	Suite *s = suite_create("xlate soundness");
	TCase *c = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(c, 300);
	tcase_add_test(c, megaflows_are_sound);
	suite_add_tcase(s, c);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
