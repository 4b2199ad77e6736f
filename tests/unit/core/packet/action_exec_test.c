/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of packets: the key stays what a parse of the packet would give, and checksums stay right
 * as a full recomputation sees them. */
#include <check.h>

#include "core/base/xalloc.h"
#include "core/packet/action_exec.h"
#include "core/packet/csum.h"
#include "core/packet/parse.h"
#include "tests/unit/core/packet/random_key.h"

/* A packet of exactly its size in an allocation with headroom, and its key. */
static struct packet *random_packet(struct rng *r, struct flow_key *k)
{
	struct packet *p;
	bool nd;

	random_packet_key(r, k);
	nd = k->nd_target.d[0] || k->arp_sha.b[0];
	p = packet_compose(k, nd && flow_is_ipv6(k) ? 0 : rng_below(r, 50));
	if (rng_below(r, 8) == 0 && flow_is_ipv4(k) && k->nw_proto == 17 && !k->nw_frag)
		memset(p->data + p->l4_ofs + 6, 0, 2); /* no UDP checksum */
	ck_assert_int_eq(packet_parse(p, k, NULL), PARSE_OK);
	return p;
}

static void check_key_in_step(struct packet *p, const struct flow_key *k, const char *what)
{
	uint16_t l3 = p->l3_ofs, l4 = p->l4_ofs;
	struct flow_key parsed = *k;

	(void)packet_parse(p, &parsed, NULL);
	for (unsigned w = 0; w < FLOW_WORDS; w++)
		ck_assert_msg(flow_words(&parsed)[w] == flow_words_const(k)[w], "%s: word %u", what,
			      w);
	ck_assert_uint_eq(p->l3_ofs, l3);
	ck_assert_uint_eq(p->l4_ofs, l4);
}

static void check_sums(const struct packet *p, const char *what)
{
	struct packet *q = packet_clone(p);

	csum_fix_packet(q);
	ck_assert_msg(!memcmp(p->data, q->data, p->len), "%s: checksum", what);
	packet_free(q);
}

static void random_set(struct rng *r, struct act_set *s)
{
	const struct field *f;
	union field_value ones;

	do
		f = &field_table[rng_below(r, FIELD_N_IDS)];
	while (!dp_field_settable(f) || dp_field_is_tunnel(f->id));
	memset(s, 0, sizeof(*s));
	s->field = (uint16_t)f->id;
	field_ones(f, &ones);
	s->mask = ones;
	random_bytes(r, &s->value, sizeof(s->value));
	if (rng_below(r, 2))
		random_bytes(r, &s->mask, sizeof(s->mask));
	if (f->id == FIELD_ARP_OP)
		ones.b[0] = 0;
	for (unsigned i = 0; i < sizeof(ones.b); i++) {
		s->mask.b[i] &= ones.b[i];
		s->value.b[i] &= s->mask.b[i];
	}
	if (f->id == FIELD_VLAN_VID || f->id == FIELD_VLAN_TCI) {
		s->mask.b[0] |= 0x10;
		s->value.b[0] |= 0x10;
	}
}

static bool can_be_set(const struct field *f, const struct flow_key *k)
{
	if (!field_prereq_ok(f->prereq, k))
		return false;
	if (f->ofs == offsetof(struct flow_key, vlans[0].tci))
		return k->vlans[0].tci;
	return !(f->prereq == FIELD_PRE_SCTP && k->nw_frag);
}

START_TEST(sets_keep_key_and_checksums)
{
	struct rng r = rng_start("set");
	unsigned done = 0;

	for (int i = 0; i < 30000; i++) {
		struct flow_key k, before;
		struct packet *p = random_packet(&r, &k);
		union field_value got;
		const struct field *f;
		struct act_set s;
		uint32_t crc_bad = rng_below(&r, 2) ? 0 : (uint32_t)rng_next(&r);

		random_set(&r, &s);
		f = field_get(s.field);
		before = k;
		if (f->prereq == FIELD_PRE_SCTP && can_be_set(f, &k)) {
			uint32_t c;

			memcpy(&c, p->data + p->l4_ofs + 8, 4);
			c ^= crc_bad;
			memcpy(p->data + p->l4_ofs + 8, &c, 4);
		}
		ck_assert_msg(packet_set_field(p, &k, &s) == can_be_set(f, &before), "%s", f->name);
		check_key_in_step(p, &k, f->name);
		if (!can_be_set(f, &before)) {
			ck_assert(flow_key_equal(&k, &before));
		} else if (f->id != FIELD_ND_SLL && f->id != FIELD_ND_TLL) {
			done++;
			field_read(f, &k, &got);
			for (unsigned b = 0; b < f->n_bytes; b++)
				ck_assert_msg((got.b[b] & s.mask.b[b]) == s.value.b[b], "%s",
					      f->name);
			if (f->prereq == FIELD_PRE_SCTP) { /* a wrong CRC stays as wrong */
				uint32_t c;

				memcpy(&c, p->data + p->l4_ofs + 8, 4);
				c ^= crc_bad;
				memcpy(p->data + p->l4_ofs + 8, &c, 4);
			}
		}
		check_sums(p, f->name);
		packet_free(p);
	}
	ck_assert_uint_gt(done, 5000);
}
END_TEST

/* --- the outer header --- */

#define MAX_SENT 4

struct sent_with {
	struct flow_tnl tnl[MAX_SENT];
	unsigned n;
};

static bool note_outer(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		       const struct dp_action *a)
{
	struct sent_with *s = x->aux;

	ck_assert_int_eq(a->kind, DP_ACT_OUTPUT);
	ck_assert_uint_lt(s->n, MAX_SENT);
	s->tnl[s->n++] = *p->tnl;
	return true;
}

/* SETs in a row make one outer header; the next row starts with zeros; copies have their own; what
 * the packet came in with stays in the key. */
START_TEST(outer_headers_are_written_whole)
{
	static const char acts[] =
		"set(tunnel(tun_id=0x5,src=1.1.1.1,dst=1.1.1.2,ttl=64,vxlan(gbp(id=7,flags=0x8)),"
		"flags(df|key))),1,clone(set(tunnel(dst=3.3.3.3)),2),set(tunnel(tun_id=0x6,"
		"ipv6_dst=fd00::1,tos=0x4)),3,4";
	struct sent_with s = { .n = 0 };
	struct exec_ctx x = { .side = note_outer, .aux = &s, .rng = 1 };
	struct rng r = rng_start("outer");
	struct flow_key k, before;
	struct packet *p = random_packet(&r, &k);
	struct flow_tnl tnl = { .tp_src = htons(9) };
	struct buf b = BUF_INIT;

	ck_assert_int_eq(dp_actions_parse(acts, &b, NULL), 0);
	k.tunnel.tun_id = hton64(99);
	before = k;
	p->tnl = &tnl;
	actions_exec(&x, p, &k, dp_actions_of(&b));
	ck_assert_uint_eq(s.n, 4);
	ck_assert(s.tnl[0].tun_id == hton64(5) && s.tnl[0].dst == htonl(0x01010102));
	ck_assert(s.tnl[0].gbp_id == htons(7) && s.tnl[0].gbp_flags == 8 && s.tnl[0].ttl == 64);
	ck_assert(s.tnl[0].flags == htons(FLOW_TNL_F_DF | FLOW_TNL_F_KEY) && !s.tnl[0].tp_src);
	ck_assert(!s.tnl[1].tun_id && s.tnl[1].dst == htonl(0x03030303) && !s.tnl[1].ttl);
	ck_assert(s.tnl[2].tun_id == hton64(6) && !s.tnl[2].dst && !s.tnl[2].src);
	ck_assert(s.tnl[2].tos == 4 && s.tnl[2].dst6.w[3] == htonl(1) && !s.tnl[2].gbp_id);
	ck_assert(!memcmp(&s.tnl[3], &s.tnl[2], sizeof(s.tnl[3])));
	ck_assert(flow_key_equal(&k, &before));
	p->tnl = NULL; /* nobody wants to know */
	ck_assert(packet_set_field(p, &k, dp_action_payload(dp_action_first(dp_actions_of(&b)))));
	buf_done(&b);
	packet_free(p);
}
END_TEST

/* A fragment's checksum covers bytes that are not here: it must change by the difference that the
 * whole datagram sees. */
START_TEST(first_fragments_are_updated_by_difference)
{
	struct rng r = rng_start("fragments");

	for (int i = 0; i < 3000; i++) {
		struct flow_key k, w;
		struct packet *whole, *frag;
		struct act_set s = { .field = FIELD_IPV4_SRC };
		uint8_t *c1, *c2;

		do
			random_packet_key(&r, &k);
		while (!flow_is_ipv4(&k) || k.nw_proto != 6);
		w = k;
		w.nw_frag = 0;
		whole = packet_compose(&w, 40);
		frag = packet_compose(&w, 40);
		frag->data[frag->l3_ofs + 6] = 0x20;
		csum_fix_packet(frag);
		(void)packet_parse(whole, &w, NULL);
		(void)packet_parse(frag, &k, NULL);
		ck_assert_uint_eq(k.nw_frag, FLOW_FRAG_ANY);
		random_bytes(&r, &s.value, 4);
		memset(&s.mask, 0xff, 4);
		ck_assert(packet_set_field(whole, &w, &s) && packet_set_field(frag, &k, &s));
		c1 = whole->data + whole->l4_ofs + 16;
		c2 = frag->data + frag->l4_ofs + 16;
		ck_assert_mem_eq(c1, c2, 2);
		packet_free(whole);
		packet_free(frag);
	}
}
END_TEST

/* What a partial checksum holds: the sum of the pseudo header, not inverted. */
static uint16_t pseudo_sum(const struct packet *p, const struct flow_key *k)
{
	uint16_t tail[2] = { htons(k->nw_proto), htons((uint16_t)(p->len - p->l4_ofs)) };
	const uint8_t *l3 = p->data + p->l3_ofs;
	uint32_t sum =
		flow_is_ipv4(k) ? csum_continue(0, l3 + 12, 8) : csum_continue(0, l3 + 8, 32);

	return (uint16_t)(csum_finish(csum_continue(sum, tail, sizeof(tail))) ^ 0xffff);
}

/* It follows the addresses and not the ports, so that finishing it gives the right one. */
START_TEST(partial_checksums_follow_the_pseudo_header)
{
	struct rng r = rng_start("partial");

	for (int i = 0; i < 5000; i++) {
		struct packet *p, *template;
		struct flow_key k;
		struct act_set s;
		uint16_t sum;
		uint8_t *at;

		do
			random_packet_key(&r, &k);
		while (!flow_is_ip(&k) || k.nw_frag || (k.nw_proto != 6 && k.nw_proto != 17));
		p = packet_compose(&k, 20);
		(void)packet_parse(p, &k, NULL);
		p->flags |= PACKET_F_CSUM_PARTIAL;
		at = p->data + p->l4_ofs + (k.nw_proto == 6 ? 16 : 6);
		sum = pseudo_sum(p, &k);
		memcpy(at, &sum, 2);
		random_set(&r, &s);
		if (packet_set_field(p, &k, &s)) {
			template = packet_compose(&k, 20);
			sum = pseudo_sum(p, &k);
			ck_assert_msg(!memcmp(at, &sum, 2), "%s", field_get(s.field)->name);
			csum_fix_packet(p);
			ck_assert(!(p->flags & PACKET_F_CSUM_PARTIAL));
			if (!k.vlans[0].tci) /* DEI bits are not composed */
				ck_assert_mem_eq(p->data, template->data, p->len);
			packet_free(template);
		}
		packet_free(p);
	}
}
END_TEST

START_TEST(tags_and_labels_keep_the_key)
{
	struct rng r = rng_start("tags");

	for (int i = 0; i < 20000; i++) {
		struct flow_key k, before;
		struct packet *p = random_packet(&r, &k), *orig;
		be16 tpid = htons(rng_below(&r, 2) ? 0x8100 : 0x88a8);
		be16 tci = htons((uint16_t)(rng_next(&r) | 0x1000));

		if (rng_below(&r, 2) == 0)
			ck_assert(packet_push_vlan(p, &k, htons(0x88a8), htons(0x1064)));
		before = k;
		orig = packet_clone(p);
		ck_assert(packet_push_vlan(p, &k, tpid, tci));
		check_key_in_step(p, &k, "push_vlan");
		ck_assert_uint_eq(k.vlans[0].tci, tci);
		ck_assert(packet_pop_vlan(p, &k));
		check_key_in_step(p, &k, "pop_vlan");
		ck_assert(flow_key_equal(&k, &before));
		ck_assert_uint_eq(p->len, orig->len);
		ck_assert_mem_eq(p->data, orig->data, p->len);
		if (before.dl_type == htons(DL_TYPE_NONE)) {
			ck_assert(!packet_push_mpls(p, &k, htons(0x8847), htonl(0x1140)));
		} else {
			be16 type = before.dl_type;

			ck_assert(
				packet_push_mpls(p, &k, htons(0x8847),
						 flow_is_mpls(&k) ? htonl(0x1040) : htonl(0x1140)));
			check_key_in_step(p, &k, "push_mpls");
			ck_assert(flow_is_mpls(&k));
			ck_assert(packet_pop_mpls(p, &k, type));
			check_key_in_step(p, &k, "pop_mpls");
			ck_assert_mem_eq(p->data, orig->data, p->len);
			ck_assert(flow_key_equal(&k, &before));
		}
		while (k.vlans[0].tci)
			ck_assert(packet_pop_vlan(p, &k));
		ck_assert(!packet_pop_vlan(p, &k));
		packet_free(p);
		packet_free(orig);
	}
}
END_TEST

START_TEST(no_headroom_is_an_answer)
{
	struct rng r = rng_start("headroom");
	struct flow_key k, before;
	struct packet *p = random_packet(&r, &k);

	p->headroom = 3;
	before = k;
	ck_assert(!packet_push_vlan(p, &k, htons(0x8100), htons(0x1001)));
	ck_assert(!packet_push_mpls(p, &k, htons(0x8847), htonl(0x140)));
	ck_assert(flow_key_equal(&k, &before));
	packet_free(p);
}
END_TEST

/* Edits of frames that are cut or full of noise stay inside of them. */
START_TEST(edits_of_noise_stay_inside)
{
	struct rng r = rng_start("edit noise");

	for (int i = 0; i < 30000; i++) {
		struct flow_key k;
		struct packet *p = random_packet(&r, &k), *q;
		struct act_set s;

		for (unsigned n = (unsigned)rng_below(&r, 4); n--;)
			p->data[rng_below(&r, p->len)] = (uint8_t)rng_next(&r);
		q = packet_new(p->data, rng_below(&r, 2) ? p->len : rng_below(&r, p->len + 1), 0);
		memset(&k, 0, sizeof(k));
		(void)packet_parse(q, &k, NULL);
		for (unsigned n = 0; n < 3; n++) {
			random_set(&r, &s);
			(void)packet_set_field(q, &k, &s);
		}
		(void)packet_push_mpls(q, &k, htons(0x8847), htonl(0x140));
		(void)packet_pop_vlan(q, &k);
		(void)packet_pop_mpls(q, &k, htons(0x0800));
		(void)packet_push_vlan(q, &k, htons(0x8100), htons(0x1001));
		check_key_in_step(q, &k, "noise");
		packet_free(p);
		packet_free(q);
	}
}
END_TEST

/* --- lists --- */

struct seen {
	unsigned n;
	struct {
		uint32_t port, len, ttl;
	} out[8];
};

static bool record(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		   const struct dp_action *a)
{
	struct seen *s = x->aux;
	const struct act_output *o = dp_action_payload(a);

	if (a->kind != DP_ACT_OUTPUT)
		return a->kind != DP_ACT_METER;
	ck_assert_uint_lt(s->n, 8);
	s->out[s->n].port = o->port.v;
	s->out[s->n].len = p->len;
	s->out[s->n++].ttl = key->nw_ttl;
	return true;
}

static void put_ttl(struct buf *b, uint8_t ttl)
{
	dp_actions_put_set(b, FIELD_IP_TTL, &(union field_value){ .b = { ttl } },
			   &(union field_value){ .b = { 0xff } });
}

static void put_out(struct buf *b, uint32_t port)
{
	dp_actions_put_output(b, (struct dp_port){ port });
}

static void run(struct buf *b, struct seen *s, uint32_t *dropped)
{
	struct flow_key k;
	struct packet *p;
	struct exec_ctx x = { .side = record, .aux = s, .rng = 1 };

	memset(s, 0, sizeof(*s));
	memset(&k, 0, sizeof(k));
	k.dl_type = htons(0x0800);
	k.nw_proto = 17;
	k.nw_ttl = 64;
	p = packet_compose(&k, 58); /* 100 bytes */
	(void)packet_parse(p, &k, NULL);
	ck_assert(!dp_actions_check(dp_actions_of(b), NULL));
	actions_exec(&x, p, &k, dp_actions_of(b));
	*dropped = x.dropped;
	packet_free(p);
	buf_done(b);
	buf_init(b);
}

START_TEST(clones_do_not_leak_and_cuts_end)
{
	struct buf b = BUF_INIT;
	struct seen s;
	uint32_t dropped;
	size_t mark;

	put_out(&b, 1);
	mark = dp_actions_nest_begin(&b, DP_ACT_CLONE, NULL, 0);
	put_ttl(&b, 5);
	put_out(&b, 2);
	dp_actions_nest_end(&b, mark);
	put_out(&b, 3);
	dp_actions_put(&b, DP_ACT_TRUNC, &(struct act_trunc){ 60 }, 4);
	put_out(&b, 4);
	put_out(&b, 5);
	mark = dp_actions_nest_begin(&b, DP_ACT_CLONE, NULL, 0);
	put_ttl(&b, 6);
	put_out(&b, 6);
	dp_actions_nest_end(&b, mark);
	run(&b, &s, &dropped);
	ck_assert_uint_eq(s.n, 6);
	for (unsigned i = 0; i < 6; i++) {
		ck_assert_uint_eq(s.out[i].port, i + 1);
		ck_assert_uint_eq(s.out[i].ttl, i == 1 ? 5 : i == 5 ? 6 : 64);
		ck_assert_uint_eq(s.out[i].len, i == 3 ? 60 : 100);
	}
	ck_assert_uint_eq(dropped, 0);
}
END_TEST

START_TEST(lists_end_where_they_must)
{
	struct buf b = BUF_INIT;
	struct seen s;
	uint32_t dropped;

	put_out(&b, 1);
	dp_actions_put_set(&b, FIELD_ARP_OP, &(union field_value){ .b = { 0, 1 } },
			   &(union field_value){ .b = { 0xff, 0xff } });
	put_out(&b, 2);
	run(&b, &s, &dropped);
	ck_assert_uint_eq(s.n, 1);
	ck_assert_uint_eq(dropped, 1);
	dp_actions_put(&b, DP_ACT_METER, NULL, sizeof(struct act_meter));
	put_out(&b, 2);
	run(&b, &s, &dropped);
	ck_assert_uint_eq(s.n, 0);
	ck_assert_uint_eq(dropped, 0);
	put_out(&b, 1);
	dp_actions_put(&b, DP_ACT_DROP, NULL, sizeof(struct act_drop));
	put_out(&b, 2);
	run(&b, &s, &dropped);
	ck_assert_uint_eq(s.n, 1);
}
END_TEST

START_TEST(length_and_chance_choose)
{
	struct act_check_len longer = { .len = 99 }, shorter = { .len = 100 };
	struct act_sample always = { .probability = UINT32_MAX }, never = { .probability = 0 };
	struct buf b = BUF_INIT;
	struct seen s;
	uint32_t dropped;
	size_t mark;

	for (int i = 0; i < 2; i++) {
		mark = dp_actions_nest_begin(&b, DP_ACT_CHECK_PKT_LEN, i ? &shorter : &longer,
					     sizeof(longer));
		put_out(&b, 1);
		dp_actions_nest_else(&b, mark);
		put_out(&b, 2);
		dp_actions_nest_end(&b, mark);
		mark = dp_actions_nest_begin(&b, DP_ACT_SAMPLE, i ? &always : &never,
					     sizeof(always));
		put_out(&b, 3);
		dp_actions_nest_end(&b, mark);
		put_out(&b, 4);
		run(&b, &s, &dropped);
		ck_assert_uint_eq(s.n, i ? 3 : 2);
		ck_assert_uint_eq(s.out[0].port, i ? 2 : 1);
		ck_assert_uint_eq(s.out[s.n - 1].port, 4);
	}
}
END_TEST

START_TEST(settable_fields_have_an_edit)
{
	struct rng r = rng_start("settable");

	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		bool done = false;

		for (int n = 0; n < 3000 && !done; n++) {
			struct flow_key k;
			struct packet *p = random_packet(&r, &k);
			struct act_set s = { .field = (uint16_t)i };

			done = packet_set_field(p, &k, &s);
			packet_free(p);
		}
		ck_assert_msg(done == dp_field_settable(&field_table[i]), "%s",
			      field_table[i].name);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("action_exec");
	TCase *tc = tcase_create("action_exec");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, sets_keep_key_and_checksums);
	tcase_add_test(tc, first_fragments_are_updated_by_difference);
	tcase_add_test(tc, partial_checksums_follow_the_pseudo_header);
	tcase_add_test(tc, tags_and_labels_keep_the_key);
	tcase_add_test(tc, no_headroom_is_an_answer);
	tcase_add_test(tc, outer_headers_are_written_whole);
	tcase_add_test(tc, edits_of_noise_stay_inside);
	tcase_add_test(tc, clones_do_not_leak_and_cuts_end);
	tcase_add_test(tc, lists_end_where_they_must);
	tcase_add_test(tc, length_and_chance_choose);
	tcase_add_test(tc, settable_fields_have_an_edit);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
