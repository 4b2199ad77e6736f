/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever rule sim accepts, it does to a packet what the user datapath does, byte for byte.
 *
 * Two switches get the same random flows and the same random packets; one has a sim NIC that can do
 * everything and holds the flow, the other has none. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/packet/parse.h"
#include "core/port/fake.h"
#include "tests/unit/core/packet/random_key.h"
#include "tests/unit/offload/lab.h"

#define ROUNDS 400
#define PACKETS 8
#define FRAMES 64

/* --- random flows --- */

static void random_mask(struct rng *r, const struct flow_key *key, struct flow_key *mask)
{
	memset(mask, 0, sizeof(*mask));
	mask->in_port = mask->recirc_id = UINT32_MAX;
	mask->dl_type = UINT16_MAX;
	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = &field_table[i];

		if (i < FIELD_ETH_SRC || rng_below(r, 4) ||
		    !field_prereq_ok((enum field_prereq)f->prereq, key))
			continue;
		field_prereq_mask((enum field_prereq)f->prereq, key, mask);
		field_mask_set(f, mask);
	}
}

static void random_set(struct rng *r, const struct flow_key *key, struct buf *b)
{
	union field_value v, ones;

	for (unsigned tries = 0; tries < 20; tries++) {
		const struct field *f = &field_table[rng_below(r, FIELD_N_IDS)];

		if (f->id < FIELD_ETH_SRC || !f->writable ||
		    !field_prereq_ok((enum field_prereq)f->prereq, key))
			continue;
		memset(&v, 0, sizeof(v));
		field_ones(f, &ones);
		random_bytes(r, v.b, f->n_bytes);
		for (unsigned i = 0; i < f->n_bytes; i++)
			v.b[i] &= ones.b[i];
		if (!field_value_ok(f, &v))
			continue;
		dp_actions_put_set(b, f->id, &v, &ones);
		return;
	}
}

static void random_output(struct rng *r, struct lab *l, struct buf *b)
{
	dp_actions_put_output(b, l->no[rng_below(r, LAB_PORTS)]);
}

static void random_step(struct rng *r, struct lab *l, const struct flow_key *key, struct buf *b)
{
	struct act_push_vlan vlan = { htons(rng_below(r, 2) ? 0x8100 : 0x88a8),
				      (be16)rng_next(r) | htons(VLAN_CFI) };
	struct act_push_mpls mpls = { .ethertype = htons(0x8847), .lse = (be32)rng_next(r) };
	struct act_pop_mpls pop = { htons(0x0800) };
	struct act_trunc trunc = { 14 + (uint32_t)rng_below(r, 60) };
	size_t mark;

	switch (rng_below(r, 9)) {
	case 0: dp_actions_put(b, DP_ACT_PUSH_VLAN, &vlan, sizeof(vlan)); break;
	case 1: dp_actions_put(b, DP_ACT_POP_VLAN, NULL, 0); break;
	case 2: dp_actions_put(b, DP_ACT_PUSH_MPLS, &mpls, sizeof(mpls)); break;
	case 3: dp_actions_put(b, DP_ACT_POP_MPLS, &pop, sizeof(pop)); break;
	case 4:
		dp_actions_put(b, DP_ACT_TRUNC, &trunc, sizeof(trunc));
		random_output(r, l, b);
		break;
	case 5:
		mark = dp_actions_nest_begin(b, DP_ACT_CLONE, NULL, 0);
		random_set(r, key, b);
		random_output(r, l, b);
		dp_actions_nest_end(b, mark);
		break;
	case 6: random_output(r, l, b); break;
	default: random_set(r, key, b); break;
	}
}

static void random_actions(struct rng *r, struct lab *l, const struct flow_key *key, struct buf *b)
{
	unsigned n = (unsigned)rng_below(r, 6);

	for (unsigned i = 0; i < n; i++)
		random_step(r, l, key, b);
	if (n)
		random_output(r, l, b);
}

/* --- comparing --- */

static int by_bytes(const void *a, const void *b)
{
	const struct packet *x = *(struct packet *const *)a, *y = *(struct packet *const *)b;

	return x->len != y->len ? (x->len > y->len) - (x->len < y->len)
				: memcmp(x->data, y->data, x->len);
}

/* Sorted: how the copies of a batch that leave by one port alternate is nobody's promise. */
static unsigned collect(struct lab *l, unsigned port, struct packet *out[FRAMES])
{
	unsigned n = fake_collect(l->port[port], out, FRAMES);

	if (n)
		qsort(out, n, sizeof(struct packet *), by_bytes);
	return n;
}

static void compare_port(struct lab *a, struct lab *b, unsigned port, unsigned round)
{
	struct packet *x[FRAMES], *y[FRAMES];
	unsigned n = collect(a, port, x), m = collect(b, port, y);

	ck_assert_msg(n == m, "round %u, port %u: %u frames, with sim %u", round, port, n, m);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_msg(x[i]->len == y[i]->len && !memcmp(x[i]->data, y[i]->data, x[i]->len),
			      "round %u, port %u: frame %u of %u differs (%u and %u bytes)", round,
			      port, i, n, x[i]->len, y[i]->len);
		packet_free(x[i]);
		packet_free(y[i]);
	}
}

/* What a payload looks like may make another packet of it (neighbour discovery's options). */
static bool is_of_flow(const struct flow_key *key, size_t payload, const struct match *m)
{
	struct packet *p = packet_compose(key, payload);
	struct flow_key got;
	bool ok;

	memset(&got, 0, sizeof(got));
	ok = packet_parse(p, &got, NULL) == PARSE_OK;
	got.in_port = key->in_port;
	packet_free(p);
	return ok && flow_key_equal_masked(&got, &m->key, &m->mask);
}

/* Packets of the flow: what the mask leaves open changes.  Returns how many there are. */
static unsigned random_packets(struct rng *r, struct lab *a, struct lab *b, const struct match *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PACKETS; i++) {
		struct flow_key key = m->key;
		size_t payload = rng_below(r, 80);

		if (!m->mask.nw_src && flow_is_ipv4(&key))
			key.nw_src = (be32)rng_next(r);
		if (!m->mask.nw_ttl && flow_is_ip(&key))
			key.nw_ttl = (uint8_t)rng_next(r);
		if (!is_of_flow(&key, payload, m))
			continue;
		n++;
		lab_send(a, 0, &key, payload, 1);
		lab_send(b, 0, &key, payload, 1);
	}
	return n;
}

static bool one_round(struct rng *r, struct lab *a, struct lab *b, unsigned round)
{
	struct engine_flow *fa, *fb;
	struct engine_flow_info info;
	struct buf acts = BUF_INIT;
	struct flow_key key, mask;
	struct match m;
	struct ufid u;
	unsigned n;
	bool hw;

	random_packet_key(r, &key);
	key.in_port = htonl(a->no[0].v);
	random_mask(r, &key, &mask);
	m.key = key;
	m.mask = mask;
	random_actions(r, a, &key, &acts);
	fa = lab_put_actions(a, &m, dp_actions_of(&acts), false, NULL);
	fb = lab_put_actions(b, &m, dp_actions_of(&acts), true, &u);
	ck_assert(engine_quiesce(b->e, 5000));
	lab_info(b, u, &info);
	engine_flow_info_done(&info);
	hw = info.state == OFFLOAD_ST_HARDWARE;
	n = random_packets(r, a, b, &m);
	lab_wait_packets(a, fa, n);
	lab_wait_packets(b, fb, n);
	if (hw)
		ck_assert_uint_eq(lab_tier(b, u, LEDGER_HARDWARE), n);
	lab_del(a, fa);
	lab_del(b, fb);
	ck_assert(engine_quiesce(b->e, 5000));
	for (unsigned i = 0; i < LAB_PORTS; i++)
		compare_port(a, b, i, round);
	buf_done(&acts);
	return hw;
}

static void quick_stats(struct engine_config *cfg)
{
	cfg->stats_period_ms = 1;
}

START_TEST(sim_does_what_the_datapath_does)
{
	struct rng r = rng_start("sim_does_what_the_datapath_does");
	unsigned in_hw = 0;
	struct lab *a, *b;

	lab_profile_generic("agree", 1000, 0, 0);
	a = lab_open("x", NULL, 0, false, quick_stats);
	b = lab_open("y", "sim:agree", LAB_PORTS, false, quick_stats);
	for (unsigned i = 0; i < LAB_PORTS; i++)
		ck_assert_uint_eq(a->no[i].v, b->no[i].v);
	for (unsigned i = 0; i < ROUNDS; i++)
		in_hw += one_round(&r, a, b, i);
	ck_assert_uint_gt(in_hw, ROUNDS / 4);
	printf("%u of %u rules in sim\n", in_hw, ROUNDS);
	lab_close(b);
	lab_close(a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim agrees");
	TCase *t = tcase_create("agree");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_test(t, sim_does_what_the_datapath_does);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
