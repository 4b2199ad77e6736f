/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums against the definitions written out slowly. */
#include <check.h>

#include "core/packet/csum.h"
#include "core/packet/parse.h"
#include "tests/unit/core/packet/random_key.h"

static uint16_t slow_csum(const uint8_t *p, size_t n)
{
	uint32_t s = 0;

	for (size_t i = 0; i < n; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static uint32_t slow_crc32c(const void *data, size_t n)
{
	const uint8_t *p = data;
	uint32_t c = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		c ^= p[i];
		for (int b = 0; b < 8; b++)
			c = c & 1 ? (c >> 1) ^ 0x82f63b78 : c >> 1;
	}
	return ~c;
}

START_TEST(sums_agree_with_the_definition)
{
	struct rng r = rng_start("csum");
	uint8_t b[300];

	for (int i = 0; i < 3000; i++) {
		size_t n = rng_below(&r, 280), ofs = rng_below(&r, 16), cut;
		uint32_t sum;

		for (size_t j = 0; j < sizeof(b); j++)
			b[j] = rng_below(&r, 4) ? (uint8_t)rng_next(&r) : 0xff;
		ck_assert_uint_eq(ntohs(csum(b + ofs, n)), slow_csum(b + ofs, n));
		cut = rng_below(&r, n / 2 + 1) * 2;
		sum = csum_continue(csum_continue(0, b + ofs, cut), b + ofs + cut, n - cut);
		ck_assert_uint_eq(csum_finish(sum), csum(b + ofs, n));
		ck_assert_uint_eq(le32toh(crc32c(b + ofs, n)), slow_crc32c(b + ofs, n));
	}
	ck_assert_uint_eq(slow_crc32c("123456789", 9), 0xe3069283);
}
END_TEST

START_TEST(updates_agree_with_recomputing)
{
	struct rng r = rng_start("csum update");

	for (int i = 0; i < 5000; i++) {
		union {
			be16 h[24];
			be32 w[12];
			struct be128 q[3];
		} b, a;
		be16 c;

		for (int j = 0; j < 12; j++)
			b.w[j] = (be32)rng_next(&r);
		a = b;
		c = csum(&b, sizeof(b));
		a.h[1] = (be16)rng_next(&r);
		c = csum_update16(c, b.h[1], a.h[1]);
		a.w[2] = (be32)rng_next(&r);
		c = csum_update32(c, b.w[2], a.w[2]);
		a.q[2].w[0] = (be32)rng_next(&r);
		a.q[2].w[3] = (be32)rng_next(&r);
		c = csum_update128(c, &b.q[2], &a.q[2]);
		ck_assert_uint_eq(c, csum(&a, sizeof(a)));
	}
}
END_TEST

/* A checksum that a stack has left to a device is found as such, and finishing it gives the right
 * one; nothing else is taken for it. */
START_TEST(unfinished_checksums_are_found)
{
	struct rng r = rng_start("csum partial");
	unsigned found = 0;

	for (int i = 0; i < 5000; i++) {
		struct flow_key k;
		struct packet *p, *was;
		uint32_t ofs, end;
		be16 pseudo;

		random_packet_key(&r, &k);
		p = packet_compose(&k, rng_below(&r, 50));
		(void)packet_parse(p, &k, NULL);
		csum_fix_packet(p);
		was = packet_clone(p);
		csum_note_partial(p);
		if (!flow_is_ip(&k) || k.nw_frag || (k.nw_proto != 6 && k.nw_proto != 17)) {
			ck_assert(!(p->flags & PACKET_F_CSUM_PARTIAL));
			goto next;
		}
		/* The right checksum, summed with what it covers, leaves the pseudo-header's, whose
		 * zero is the other one: no sum of what is not all zero is 0. */
		ofs = p->l4_ofs + (k.nw_proto == 6 ? 16u : 6u);
		end = p->len;
		pseudo = csum(p->data + p->l4_ofs, end - p->l4_ofs);
		if (!pseudo)
			pseudo = UINT16_MAX;
		p->flags = 0;
		memcpy(p->data + ofs, &pseudo, sizeof(pseudo));
		csum_note_partial(p);
		ck_assert(p->flags & PACKET_F_CSUM_PARTIAL);
		ck_assert_uint_eq(p->csum_start, p->l4_ofs);
		ck_assert_uint_eq(p->csum_start + p->csum_ofs, ofs);
		csum_fix_packet(p);
		ck_assert(!memcmp(p->data, was->data, was->len));
		found++;
	next:
		packet_free(p);
		packet_free(was);
	}
	ck_assert_uint_gt(found, 200);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("csum");
	TCase *tc = tcase_create("csum");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, sums_agree_with_the_definition);
	tcase_add_test(tc, updates_agree_with_recomputing);
	tcase_add_test(tc, unfinished_checksums_are_found);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
