/* SPDX-License-Identifier: Apache-2.0 */
/* Outer headers: what is written reads back, by the frame parser and by VXLAN's own reader. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/packet/csum.h"
#include "core/packet/parse.h"
#include "core/packet/vxlan.h"
#include "tests/unit/core/packet/random_key.h"

static void random_outer(struct rng *r, struct flow_tnl *t)
{
	memset(t, 0, sizeof(*t));
	t->tun_id = hton64(rng_below(r, 1 << 24));
	if (rng_below(r, 2)) {
		t->src = htonl((uint32_t)(1 + rng_below(r, 1 << 30)));
		t->dst = htonl((uint32_t)(1 + rng_below(r, 1 << 30)));
	} else {
		random_bytes(r, &t->src6, sizeof(t->src6));
		random_bytes(r, &t->dst6, sizeof(t->dst6));
	}
	t->tos = (uint8_t)rng_next(r);
	t->ttl = (uint8_t)rng_next(r);
	t->tp_dst = htons((uint16_t)(1 + rng_below(r, 65535)));
	t->flags = htons((uint16_t)rng_below(r, 16));
	t->gbp_id = (be16)rng_next(r);
	t->gbp_flags = (uint8_t)rng_next(r) & 0x48;
}

/* A frame of the room that headers need and a random inner frame. */
static struct packet *random_inner(struct rng *r)
{
	struct flow_key k;
	struct packet *p;

	random_packet_key(r, &k);
	p = packet_compose(&k, rng_below(r, 200));
	(void)packet_parse(p, &k, NULL);
	csum_fix_packet(p);
	return p;
}

static void check_key(const struct flow_key *k, const struct flow_tnl *t,
		      const struct vxlan_outer *o)
{
	ck_assert(eth_addr_equal(k->dl_dst, o->dl_dst) && eth_addr_equal(k->dl_src, o->dl_src));
	ck_assert_uint_eq(flow_dl_type(k), t->dst ? 0x0800 : 0x86dd);
	if (t->dst) {
		ck_assert(k->nw_src == t->src && k->nw_dst == t->dst);
	} else {
		ck_assert(!memcmp(&k->ipv6_src, &t->src6, 16));
		ck_assert(!memcmp(&k->ipv6_dst, &t->dst6, 16));
	}
	ck_assert(k->nw_tos == t->tos && k->nw_ttl == t->ttl && k->nw_proto == 17);
	ck_assert(!k->nw_frag && k->tp_src == o->sport && k->tp_dst == t->tp_dst);
}

static void check_frame(struct packet *p, const struct flow_tnl *t, const struct vxlan_outer *o)
{
	struct packet *again;
	struct flow_key k;
	uint8_t *l3;
	bool csum;

	memset(&k, 0, sizeof(k));
	ck_assert_int_eq(packet_parse(p, &k, NULL), PARSE_OK);
	check_key(&k, t, o);
	l3 = p->data + p->l3_ofs;
	csum = p->data[p->l4_ofs + 6] | p->data[p->l4_ofs + 7];
	ck_assert_int_eq(csum, !!(t->flags & htons(FLOW_TNL_F_CSUM)));
	if (t->dst)
		ck_assert_int_eq(l3[6] >> 6 & 1, !!(t->flags & htons(FLOW_TNL_F_DF)));
	if (!csum && !t->dst)
		return; /* a checksum that may be left out in IPv6 is RFC 6935's exception */
	again = packet_clone(p);
	csum_fix_packet(again);
	ck_assert(!memcmp(again->data, p->data, p->len));
	packet_free(again);
}

START_TEST(headers_read_back)
{
	struct rng r = rng_start("vxlan");

	for (int i = 0; i < 5000; i++) {
		struct packet *p = random_inner(&r), *was = packet_clone(p);
		struct flow_tnl t, got = { .ttl = 0 };
		struct vxlan_outer o = { .tnl = &t,
					 .sport = vxlan_sport((uint32_t)rng_next(&r)),
					 .ip_id = (uint16_t)rng_next(&r),
					 .gbp = rng_below(&r, 2) };
		unsigned n;

		random_outer(&r, &t);
		random_bytes(&r, &o.dl_dst, sizeof(o.dl_dst));
		random_bytes(&r, &o.dl_src, sizeof(o.dl_src));
		n = vxlan_overhead(&t);
		ck_assert_ptr_eq(vxlan_push(p->data, p->len, &o), p->data - n);
		ck_assert(packet_push(p, n));
		check_frame(p, &t, &o);
		ck_assert_uint_eq(vxlan_parse(p->data + n - 8, p->len - n + 8, o.gbp, &got), 8);
		ck_assert(got.tun_id == t.tun_id && got.flags == htons(FLOW_TNL_F_KEY));
		ck_assert(got.gbp_id == (o.gbp ? t.gbp_id : 0));
		ck_assert(got.gbp_flags == (o.gbp ? t.gbp_flags : 0));
		ck_assert_uint_eq(p->len - n, was->len);
		ck_assert(!memcmp(p->data + n, was->data, was->len));
		packet_free(p);
		packet_free(was);
	}
}
END_TEST

START_TEST(other_payloads_are_refused)
{
	uint8_t d[8] = { 0x08, 0, 0, 0, 0, 0, 5, 0xff };
	struct flow_tnl t = { .ttl = 1 };

	ck_assert_uint_eq(vxlan_parse(d, 7, false, &t), 0);
	d[0] = 0xf7;
	ck_assert_uint_eq(vxlan_parse(d, 8, true, &t), 0);
	ck_assert(!t.tun_id && !t.flags);
	d[0] = 0x7f; /* reserved bits are not looked at, and policies only where they are spoken */
	d[2] = 1;
	ck_assert_uint_eq(vxlan_parse(d, 8, true, &t), 8);
	ck_assert(t.tun_id == hton64(5) && !t.gbp_id);
	d[0] |= 0x80;
	ck_assert_uint_eq(vxlan_parse(d, 8, false, &t), 8);
	ck_assert(!t.gbp_id);
	ck_assert_uint_eq(vxlan_parse(d, 8, true, &t), 8);
	ck_assert(t.gbp_id == htons(0x0100));
}
END_TEST

/* One flow, one source port; many flows, many ports. */
START_TEST(source_ports_follow_flows)
{
	struct rng r = rng_start("sport");
	unsigned differ = 0;

	for (int i = 0; i < 2000; i++) {
		struct packet *p = random_inner(&r), *q = packet_clone(p), *o = random_inner(&r);
		uint16_t sport = ntohs(vxlan_sport(packet_flow_hash(p)));

		ck_assert_uint_ge(sport, VXLAN_SPORT_MIN);
		if (q->l4_ofs != PACKET_NO_OFS && q->len > q->l4_ofs + 8u)
			q->data[q->len - 1] ^= 1; /* behind the ports */
		ck_assert_uint_eq(packet_flow_hash(p), packet_flow_hash(q));
		differ += packet_flow_hash(p) != packet_flow_hash(o);
		packet_free(p);
		packet_free(q);
		packet_free(o);
	}
	ck_assert_uint_gt(differ, 1900);
	ck_assert_uint_eq(ntohs(vxlan_sport(0)), VXLAN_SPORT_MIN);
	ck_assert_uint_eq(ntohs(vxlan_sport(UINT32_MAX)), VXLAN_SPORT_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vxlan");
	TCase *tc = tcase_create("vxlan");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, headers_read_back);
	tcase_add_test(tc, other_payloads_are_refused);
	tcase_add_test(tc, source_ports_follow_flows);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
