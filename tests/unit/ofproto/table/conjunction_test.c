/* SPDX-License-Identifier: Apache-2.0 */
/* Conjunctive matches: which rule a packet hits by several others together, and what the answer
 * depended on. */
#include <stdio.h>
#include <stdlib.h>

#include "ofproto/text/flow_text.h"
#include "tests/unit/ofproto/table/fixture.h"
#include "tests/unit/seed.h"

static struct ofp_tables *t;

static void teardown(void)
{
	tables_free(t);
	rcu_settle();
	rcu_settle();
	rcu_settle();
}

static void mod(int command, const char *text)
{
	struct error err = ERROR_INIT;
	struct buf acts = BUF_INIT;
	struct ofp_flow_mod fm;

	ck_assert_msg(!flow_mod_parse(text, command, NULL, &fm, &acts, &err), "%s: %s", text,
		      err.cause);
	ck_assert_int_eq(tables_flow_mod(t, &fm, NULL), OFPERR_OK);
	buf_done(&acts);
}

/* Sources 1 and 2 may reach ports 80 and 81: 5; whoever is source 3 may reach port 90: 6.  What a
 * conjunction comes to has the priority of the rule with conj_id, not of the clauses. */
static const char *const rules[] = {
	"priority=100,ip,nw_src=10.0.0.1,actions=conjunction(5,1/2)",
	"priority=100,ip,nw_src=10.0.0.2,actions=conjunction(5,1/2)",
	"priority=100,tcp,tp_dst=80,actions=conjunction(5,2/2)",
	"priority=100,tcp,tp_dst=81,actions=conjunction(5,2/2),conjunction(6,2/2)",
	"priority=90,ip,nw_src=10.0.0.3,actions=conjunction(6,1/2)",
	"priority=90,tcp,tp_dst=90,actions=conjunction(6,2/2)",
	"priority=90,tcp,tp_dst=80,actions=output:77", /* below its conjunction in a chain */
	"conj_id=5,priority=92,ip,actions=output:5",
	"conj_id=6,priority=1,tcp,actions=output:6",
	"priority=95,tcp,nw_ttl=7,actions=output:95",
	"priority=110,tcp,nw_ttl=8,actions=output:110",
	"priority=0,actions=output:1",
};

static void setup(void)
{
	t = tables_new(NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		mod(OFPFC_ADD_, rules[i]);
}

static struct flow_key packet(uint32_t src, uint16_t port, uint8_t ttl)
{
	return (struct flow_key){ .dl_type = htons(0x0800),
				  .nw_src = htonl(0x0a000000 + src),
				  .nw_proto = 6,
				  .nw_ttl = ttl,
				  .tp_dst = htons(port) };
}

/* The port that the rule outputs to; 0: none is hit. */
static uint32_t where(const struct flow_key *key, struct flow_key *mask)
{
	struct rule *r;
	uint32_t to = 0;

	rcu_read_lock();
	r = tables_lookup(t, 0, tables_version(t), key, mask, false);
	if (r) {
		const struct ofpact *a = ofpact_first(rule_actions_get(r));

		ck_assert_int_eq(a->kind, OFPACT_OUTPUT); /* and no conjunction */
		to = ((const struct ofpact_output *)ofpact_payload(a))->port.v;
	}
	rcu_read_unlock();
	return to;
}

static const struct {
	uint32_t src;
	uint16_t port;
	uint8_t ttl;
	uint32_t to;
} packets[] = {
	{ 1, 80, 1, 5 },  { 2, 81, 1, 5 },   { 3, 90, 1, 6 },  { 1, 90, 1, 1 },
	{ 3, 80, 1, 77 }, { 3, 81, 1, 1 },   { 4, 80, 1, 77 }, { 1, 80, 7, 95 },
	{ 3, 90, 7, 95 }, { 1, 80, 8, 110 }, { 4, 90, 1, 1 },
};

START_TEST(a_packet_meets_a_rule_of_each_clause)
{
	struct flow_key key = packet(packets[_i].src, packets[_i].port, packets[_i].ttl), mask;

	memset(&mask, 0, sizeof(mask));
	ck_assert_uint_eq(where(&key, NULL), packets[_i].to);
	ck_assert_uint_eq(where(&key, &mask), packets[_i].to);
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		struct flow_key other = packet(packets[i].src, packets[i].port, packets[i].ttl);

		if (flow_key_equal_masked(&key, &other, &mask))
			ck_assert_uint_eq(packets[i].to, packets[_i].to);
	}
}
END_TEST

START_TEST(rules_join_and_leave)
{
	struct flow_key key = packet(1, 80, 1);

	mod(OFPFC_MODIFY_STRICT_, "priority=100,ip,nw_src=10.0.0.1,actions=output:8");
	ck_assert_uint_eq(where(&key, NULL), 8);
	mod(OFPFC_MODIFY_STRICT_, "priority=100,ip,nw_src=10.0.0.1,actions=conjunction(6,1/2)");
	ck_assert_uint_eq(where(&key, NULL), 77);
	key.tp_dst = htons(81);
	ck_assert_uint_eq(where(&key, NULL), 6);
	mod(OFPFC_DELETE_, "conj_id=6");
	ck_assert_uint_eq(where(&key, NULL), 1); /* complete, but nobody says what to do */
	mod(OFPFC_DELETE_, "");
	ck_assert_uint_eq(where(&key, NULL), 0);
}
END_TEST

/* A number of clauses that rules do not agree about makes conjunctions of each number. */
START_TEST(three_of_three_are_not_two_of_two)
{
	struct flow_key key = packet(9, 80, 1);

	mod(OFPFC_DELETE_, "");
	mod(OFPFC_ADD_, "conj_id=1,priority=1,actions=output:3");
	mod(OFPFC_ADD_, "priority=10,ip,actions=conjunction(1,1/3)");
	mod(OFPFC_ADD_, "priority=10,tcp,actions=conjunction(1,2/3)");
	mod(OFPFC_ADD_, "priority=10,tcp,tp_dst=80,actions=conjunction(1,2/2)");
	ck_assert_uint_eq(where(&key, NULL), 0);
	mod(OFPFC_ADD_, "priority=10,ip,nw_ttl=1,actions=conjunction(1,3/3)");
	ck_assert_uint_eq(where(&key, NULL), 3);
}
END_TEST

START_TEST(as_many_clauses_as_there_can_be)
{
	struct flow_key key = packet(9, 80, 1);
	char text[100];

	mod(OFPFC_DELETE_, "");
	mod(OFPFC_ADD_, "conj_id=4294967295,priority=1,actions=output:64");
	for (unsigned i = 1; i <= 64; i++) {
		ck_assert_uint_eq(where(&key, NULL), 0);
		(void)snprintf(
			text, sizeof(text),
			"priority=7,in_port=0,reg0=0/%u,actions=conjunction(4294967295,%u/64)", i,
			i);
		mod(OFPFC_ADD_, text);
	}
	ck_assert_uint_eq(where(&key, NULL), 64);
}
END_TEST

/* --- against a list that is searched from end to end --- */

#define BITS 5 /* of reg0, which is all that rules look at */
#define MAX_RULES 48
#define ROUNDS 60
#define CHANGES 40

struct listed {
	bool in, soft;
	uint32_t value, mask, conj_id; /* conj_id 0: not looked at */
	uint16_t priority;
	uint32_t id[2]; /* soft: a clause of these; 0: of no other */
	unsigned clause[2];
};

struct list {
	struct listed r[MAX_RULES]; /* output to their place and one */
	struct rng rng;
};

static unsigned n_clauses(uint32_t id)
{
	return 2 + id % 2;
}

static bool listed_hits(const struct listed *r, uint32_t reg, uint32_t conj_id)
{
	return r->in && (reg & r->mask) == r->value && (!r->conj_id || r->conj_id == conj_id);
}

/* Place of the rule that says what to do; MAX_RULES: none. */
static unsigned list_hard(const struct list *l, uint32_t reg, uint32_t conj_id)
{
	unsigned best = MAX_RULES;

	for (unsigned i = 0; i < MAX_RULES; i++)
		if (!l->r[i].soft && listed_hits(&l->r[i], reg, conj_id) &&
		    (best == MAX_RULES || l->r[i].priority > l->r[best].priority))
			best = i;
	return best;
}

static bool is_whole(const struct list *l, uint32_t reg, uint32_t id, uint16_t priority)
{
	unsigned got = 0;

	for (unsigned i = 0; i < MAX_RULES; i++)
		for (unsigned k = 0; k < 2; k++)
			if (l->r[i].soft && l->r[i].id[k] == id && l->r[i].priority == priority &&
			    listed_hits(&l->r[i], reg, 0))
				got |= 1u << l->r[i].clause[k];
	return got == (1u << n_clauses(id)) - 1;
}

static unsigned list_lookup(const struct list *l, uint32_t reg)
{
	unsigned hard = list_hard(l, reg, 0);

	for (unsigned priority = 100; priority; priority--)
		for (uint32_t id = 1; id <= 4; id++) {
			unsigned r = MAX_RULES;

			if (hard < MAX_RULES && l->r[hard].priority >= priority)
				return hard;
			if (is_whole(l, reg, id, (uint16_t)priority))
				r = list_hard(l, reg, id);
			if (r < MAX_RULES)
				return r;
		}
	return hard;
}

static void list_format(const struct listed *r, unsigned place, char *text, size_t size)
{
	int n = snprintf(text, size, "priority=%u,reg0=%u/%u", r->priority, r->value, r->mask);

	if (r->conj_id)
		n += snprintf(text + n, size - (size_t)n, ",conj_id=%u", r->conj_id);
	if (!r->soft)
		n += snprintf(text + n, size - (size_t)n, ",actions=output:%u", place + 1);
	for (unsigned k = 0; r->soft && k < 2 && r->id[k]; k++)
		n += snprintf(text + n, size - (size_t)n, "%sconjunction(%u,%u/%u)",
			      k ? "," : ",actions=", r->id[k], r->clause[k] + 1,
			      n_clauses(r->id[k]));
	ck_assert_int_lt(n, (int)size);
}

/* Those that say what to do have a priority each, since which of equals is hit is nobody's. */
static struct listed list_random(struct list *l, unsigned place)
{
	struct listed r = { .in = true, .soft = rng_below(&l->rng, 2) };

	r.mask = (uint32_t)(rng_next(&l->rng) & rng_next(&l->rng)) % (1u << BITS);
	r.value = (uint32_t)rng_next(&l->rng) & r.mask;
	r.priority = (uint16_t)(r.soft ? 20 + 20 * rng_below(&l->rng, 3) : place + 1);
	if (!r.soft && rng_below(&l->rng, 2))
		r.conj_id = 1 + rng_below(&l->rng, 4);
	for (unsigned k = 0; r.soft && k < 1 + rng_below(&l->rng, 2); k++) {
		r.id[k] = 1 + rng_below(&l->rng, 4);
		r.clause[k] = rng_below(&l->rng, n_clauses(r.id[k]));
	}
	return r;
}

static bool is_there(const struct list *l, const struct listed *r)
{
	for (unsigned i = 0; i < MAX_RULES; i++)
		if (l->r[i].in && l->r[i].value == r->value && l->r[i].mask == r->mask &&
		    l->r[i].conj_id == r->conj_id && l->r[i].priority == r->priority)
			return true;
	return false;
}

static void list_change(struct list *l)
{
	unsigned place = rng_below(&l->rng, MAX_RULES);
	struct listed *r = &l->r[place], new = list_random(l, place);
	char text[200];

	if (r->in) {
		list_format(r, place, text, sizeof(text));
		*strstr(text, ",actions") = '\0';
		mod(OFPFC_DELETE_STRICT_, text);
		r->in = false;
	} else if (!is_there(l, &new)) {
		*r = new;
		list_format(r, place, text, sizeof(text));
		mod(OFPFC_ADD_, text);
	}
}

/* Answers right, with and without a mask, and the same for packets that agree on the mask. */
static void list_check(const struct list *l)
{
	for (uint32_t reg = 0; reg < 1u << BITS; reg++) {
		struct flow_key key = { .regs[0] = htonl(reg) }, mask;
		unsigned want = list_lookup(l, reg);

		memset(&mask, 0, sizeof(mask));
		ck_assert_uint_eq(where(&key, &mask), want < MAX_RULES ? want + 1 : 0);
		ck_assert_uint_eq(where(&key, NULL), want < MAX_RULES ? want + 1 : 0);
		for (uint32_t other = 0; other < 1u << BITS; other++)
			if (!((other ^ reg) & ntohl(mask.regs[0])))
				ck_assert_uint_eq(list_lookup(l, other), want);
	}
}

START_TEST(random_conjunctions_are_as_the_list_says)
{
	static struct list l;

	l.rng = rng_start("conjunctions");
	for (unsigned round = 0; round < ROUNDS; round++) {
		mod(OFPFC_DELETE_, "");
		memset(l.r, 0, sizeof(l.r));
		for (unsigned i = 0; i < CHANGES; i++)
			list_change(&l);
		list_check(&l);
		for (unsigned i = 0; i < CHANGES / 8; i++)
			list_change(&l);
		list_check(&l);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ofproto/table/conjunction");
	TCase *tc = tcase_create("conjunctions");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_packet_meets_a_rule_of_each_clause, 0, ARRAY_SIZE(packets));
	tcase_add_test(tc, rules_join_and_leave);
	tcase_add_test(tc, three_of_three_are_not_two_of_two);
	tcase_add_test(tc, as_many_clauses_as_there_can_be);
	tcase_add_test(tc, random_conjunctions_are_as_the_list_says);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
