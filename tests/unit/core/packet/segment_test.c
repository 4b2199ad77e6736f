/* SPDX-License-Identifier: Apache-2.0 */
/* Large segments cut into frames: together they say what the whole said, and each is sound. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/packet/csum.h"
#include "core/packet/parse.h"
#include "core/packet/segment.h"
#include "tests/unit/core/packet/random_key.h"

#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80

/* A TCP or UDP frame with `n` bytes of payload, as a local stack would leave it. */
static struct packet *random_whole(struct rng *r, struct flow_key *k, size_t n)
{
	struct packet *p;

	do
		random_packet_key(r, k);
	while (!flow_is_ip(k) || k->nw_frag || (k->nw_proto != 6 && k->nw_proto != 17));
	p = packet_compose(k, n);
	for (size_t i = 0; i < n; i++)
		p->data[p->len - n + i] = (uint8_t)rng_next(r);
	(void)packet_parse(p, k, NULL);
	p->flags |= PACKET_F_CSUM_PARTIAL;
	p->gso_size = (uint16_t)(1 + rng_below(r, 400));
	return p;
}

static uint32_t word(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Frame number `i` of the whole, that starts at `at` of its payload. */
static void check_frame(const struct packet *whole, const struct packet *p, unsigned i, uint32_t at,
			bool last)
{
	const uint8_t *l4 = p->data + p->l4_ofs, *was = whole->data + whole->l4_ofs;
	struct packet *again = packet_clone(p);

	csum_fix_packet(again);
	ck_assert(!memcmp(again->data, p->data, p->len));
	packet_free(again);
	ck_assert_uint_eq(p->l4_ofs, whole->l4_ofs);
	ck_assert(!memcmp(l4, was, 4));
	if (p->data[p->l3_ofs] >> 4 == 4)
		ck_assert_uint_eq(
			(uint16_t)(p->data[p->l3_ofs + 4] << 8 | p->data[p->l3_ofs + 5]),
			(uint16_t)((whole->data[p->l3_ofs + 4] << 8 | whole->data[p->l3_ofs + 5]) +
				   i));
	if (p->data[p->l4_ofs + 12] == was[12] && word(l4 + 8) == word(was + 8)) {
		ck_assert_uint_eq(word(l4 + 4), (uint32_t)(word(was + 4) + at));
		ck_assert_uint_eq(l4[13] & (TCP_FIN | TCP_PSH),
				  last ? was[13] & (TCP_FIN | TCP_PSH) : 0);
		ck_assert_uint_eq(l4[13] & TCP_CWR, i ? 0 : was[13] & TCP_CWR);
	}
}

static void check_cut(struct rng *r)
{
	size_t n = rng_below(r, 3000), at = 0;
	struct flow_key k;
	struct packet *whole = random_whole(r, &k, n), *was = packet_clone(whole);
	uint32_t headers = whole->len - (uint32_t)n, len;
	uint8_t *out = malloc(65536);
	struct segmenter s;
	unsigned i = 0;

	ck_assert(segment_begin(&s, whole));
	while ((len = segment_next(&s, out))) {
		struct flow_key key;
		struct packet *p = packet_new(out, len, 0);

		memset(&key, 0, sizeof(key));
		ck_assert_int_eq(packet_parse(p, &key, NULL), PARSE_OK);
		ck_assert_uint_le(len, segment_max_len(&s));
		ck_assert(!memcmp(out + headers, whole->data + headers + at, len - headers));
		at += len - headers;
		ck_assert_uint_le(len - headers, whole->gso_size);
		if (k.nw_proto == 6)
			check_frame(whole, p, i, (uint32_t)(at - (len - headers)), at == n);
		i++;
		packet_free(p);
	}
	ck_assert_uint_eq(at, n);
	ck_assert_uint_eq(i, n ? DIV_ROUND_UP(n, whole->gso_size) : 1);
	ck_assert(!memcmp(whole->data, was->data, was->len));
	free(out);
	packet_free(whole);
	packet_free(was);
}

START_TEST(frames_say_what_the_whole_said)
{
	struct rng r = rng_start("segment");

	for (int i = 0; i < 3000; i++)
		check_cut(&r);
}
END_TEST

START_TEST(others_are_not_cut)
{
	struct rng r = rng_start("segment others");

	for (int i = 0; i < 3000; i++) {
		struct segmenter s;
		struct flow_key k;
		struct packet *p;
		bool tcp_udp;

		random_packet_key(&r, &k);
		p = packet_compose(&k, 100);
		(void)packet_parse(p, &k, NULL);
		ck_assert(!segment_begin(&s, p)); /* no gso_size */
		p->gso_size = 50;
		tcp_udp = flow_is_ip(&k) && !k.nw_frag && (k.nw_proto == 6 || k.nw_proto == 17);
		ck_assert_int_eq(segment_begin(&s, p), tcp_udp);
		packet_free(p);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("segment");
	TCase *tc = tcase_create("segment");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, frames_say_what_the_whole_said);
	tcase_add_test(tc, others_are_not_cut);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
