/* SPDX-License-Identifier: Apache-2.0 */
/* The parser against frames composed from random keys, cut at every length, and by hand. */
#include <check.h>

#include "core/base/xalloc.h"
#include "core/packet/csum.h"
#include "core/packet/parse.h"
#include "tests/unit/core/packet/random_key.h"

#define FIRST_PARSED FLOW_L2_WORD

/* Words that packet_parse() must not touch keep this. */
static void poison(struct flow_key *k)
{
	memset(k, 0xa5, sizeof(*k));
}

static void check_metadata_untouched(const struct flow_key *k)
{
	for (unsigned i = 0; i < FIRST_PARSED; i++)
		ck_assert_uint_eq(flow_words_const(k)[i], 0xa5a5a5a5a5a5a5a5u);
}

static uint64_t parsed_map(const struct flow_key *k)
{
	return flow_map_of(k) & ~((UINT64_C(1) << FIRST_PARSED) - 1);
}

START_TEST(compose_then_parse_gives_the_key)
{
	struct rng r = rng_start("parse");

	for (int i = 0; i < 20000; i++) {
		struct flow_key want, got;
		struct packet *p;
		uint64_t map;

		random_packet_key(&r, &want);
		/* behind a neighbor message there are options, not a payload */
		p = packet_compose(&want, want.nd_target.d[0] ? 0 : rng_below(&r, 100));
		poison(&got);
		ck_assert_int_eq(packet_parse(p, &got, &map), PARSE_OK);
		check_metadata_untouched(&got);
		for (unsigned w = FIRST_PARSED; w < FLOW_WORDS; w++)
			ck_assert_msg(flow_words(&got)[w] == flow_words(&want)[w],
				      "round %d word %u: %016llx, not %016llx", i, w,
				      (unsigned long long)ntoh64(flow_words(&got)[w]),
				      (unsigned long long)ntoh64(flow_words(&want)[w]));
		ck_assert_uint_eq(map, parsed_map(&got));
		packet_free(p);
	}
}
END_TEST

/* The bytes are in an allocation of exactly their size, so that a sanitizer sees any read behind
 * them. */
static enum parse_result parse_exact(const uint8_t *data, uint32_t len, struct flow_key *k,
				     struct packet *p)
{
	uint8_t *copy = xmalloc(len ? len : 1);
	enum parse_result res;
	uint64_t map;

	memcpy(copy, data, len);
	memset(p, 0, sizeof(*p));
	p->data = copy;
	p->len = len;
	poison(k);
	res = packet_parse(p, k, &map);
	check_metadata_untouched(k);
	ck_assert_uint_eq(map, parsed_map(k));
	csum_fix_packet(p);
	free(copy);
	p->data = NULL;
	return res;
}

START_TEST(every_truncation_is_survived)
{
	struct rng r = rng_start("truncate");

	for (int i = 0; i < 300; i++) {
		struct flow_key k, got;
		struct packet *full, p;

		random_packet_key(&r, &k);
		full = packet_compose(&k, rng_below(&r, 20));
		for (uint32_t n = 0; n < full->len; n++) {
			enum parse_result res = parse_exact(full->data, n, &got, &p);

			if (n < 14)
				ck_assert_int_eq(res, PARSE_SHORT_ETH);
			else if (flow_is_ip(&k))
				ck_assert_int_ne(res, PARSE_OK);
		}
		packet_free(full);
	}
}
END_TEST

START_TEST(noise_is_survived)
{
	struct rng r = rng_start("noise");

	for (int i = 0; i < 50000; i++) {
		struct flow_key k, got;
		struct packet *full, p;

		random_packet_key(&r, &k);
		full = packet_compose(&k, rng_below(&r, 64));
		for (unsigned n = 1 + (unsigned)rng_below(&r, 6); n--;)
			full->data[rng_below(&r, full->len)] = (uint8_t)rng_next(&r);
		(void)parse_exact(full->data, full->len, &got, &p);
		packet_free(full);
	}
}
END_TEST

struct sample {
	const char *hex;
	enum parse_result result;
	const char *what;
};

#define MACS "020000000001020000000002"
#define IP4_ADDRS "0a0000010a000002"
#define IP6_ADDRS "fe800000000000000000000000000001fe800000000000000000000000000002"
static const struct sample samples[] = {
	{ MACS "0800450000200000000040110000" IP4_ADDRS "0001000200080000", PARSE_SHORT_IPV4,
	  "total length behind the end" },
	{ MACS "0800350000140000000040110000" IP4_ADDRS, PARSE_BAD_IPV4, "version 3" },
	{ MACS "0800440000140000000040110000" IP4_ADDRS, PARSE_BAD_IPV4, "IHL 4" },
	{ MACS "08004f0000140000000040110000" IP4_ADDRS, PARSE_SHORT_IPV4,
	  "IHL behind total length" },
	{ MACS "0800450000180000000040110000" IP4_ADDRS "0001000200000000", PARSE_SHORT_L4,
	  "UDP header in padding" },
	{ MACS "810000", PARSE_SHORT_VLAN, "cut tag" },
	{ MACS "884700001040", PARSE_SHORT_MPLS, "stack without bottom" },
	{ MACS "08060001080006040001", PARSE_SHORT_ARP, "cut ARP" },
	{ MACS "080600060800060400010000000000000000000000000000000000000000", PARSE_OK,
	  "ARP of other hardware" },
	{ MACS "86dd6000000000083aff" IP6_ADDRS "80000000", PARSE_SHORT_IPV6,
	  "payload length behind the end" },
	{ MACS "86dd60000000000800ff" IP6_ADDRS "3a01000000000000", PARSE_BAD_IPV6,
	  "extension header too long" },
	{ MACS "86dd50000000000811ff" IP6_ADDRS "3a01000000000000", PARSE_BAD_IPV6, "version 5" },
	{ MACS "001caaaa0300000008004500001400000000403b0000" IP4_ADDRS, PARSE_OK, "SNAP" },
};

static uint32_t unhex(const char *hex, uint8_t *out)
{
	uint32_t n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		char two[3] = { hex[0], hex[1], 0 };

		out[n++] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

START_TEST(bad_headers_have_their_reasons)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		uint8_t b[256];
		uint32_t n = unhex(samples[i].hex, b);
		struct flow_key k;
		struct packet p;

		ck_assert_msg(parse_exact(b, n, &k, &p) == samples[i].result, "%s",
			      samples[i].what);
		ck_assert_uint_eq(k.tp_src, 0);
		for (uint32_t len = 0; len < n; len++)
			(void)parse_exact(b, len, &k, &p);
	}
}
END_TEST

START_TEST(snap_shows_the_type_inside)
{
	const struct sample *s = &samples[ARRAY_SIZE(samples) - 1];
	uint8_t b[256];
	struct flow_key k;
	struct packet p;

	(void)parse_exact(b, unhex(s->hex, b), &k, &p);
	ck_assert_uint_eq(k.dl_type, htons(0x0800));
	ck_assert_uint_eq(k.nw_src, htonl(0x0a000001));
	ck_assert_uint_eq(p.l3_ofs, 22);
	ck_assert_uint_eq(p.l4_ofs, 42);
}
END_TEST

START_TEST(ipv6_extension_headers_are_skipped)
{
	/* hop-by-hop, routing, destination options, first fragment, UDP */
	static const char hex[] = MACS "86dd60000000002800ff" IP6_ADDRS
				       "2b000104000000003c000000000000002c00010400000000"
				       "1100000100000001"
				       "1234567800080000";
	uint8_t b[256];
	struct flow_key k;
	struct packet p;

	ck_assert_int_eq(parse_exact(b, unhex(hex, b), &k, &p), PARSE_OK);
	ck_assert_uint_eq(k.nw_proto, 17);
	ck_assert_uint_eq(k.nw_frag, FLOW_FRAG_ANY);
	ck_assert_uint_eq(k.tp_src, htons(0x1234));
	ck_assert_uint_eq(k.tp_dst, htons(0x5678));
	ck_assert_uint_eq(p.l4_ofs, 14 + 40 + 32);
}
END_TEST

START_TEST(composed_checksums_are_right)
{
	struct rng r = rng_start("composed checksums");

	for (int i = 0; i < 3000; i++) {
		struct flow_key k;
		struct packet *p, *q;

		random_packet_key(&r, &k);
		p = packet_compose(&k, rng_below(&r, 70));
		(void)packet_parse(p, &k, NULL);
		q = packet_clone(p);
		csum_fix_packet(q);
		ck_assert_mem_eq(p->data, q->data, p->len);
		if (flow_is_ipv4(&k))
			ck_assert_uint_eq(csum(p->data + p->l3_ofs, 20), 0);
		packet_free(p);
		packet_free(q);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("parse");
	TCase *tc = tcase_create("parse");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, compose_then_parse_gives_the_key);
	tcase_add_test(tc, every_truncation_is_survived);
	tcase_add_test(tc, noise_is_survived);
	tcase_add_test(tc, bad_headers_have_their_reasons);
	tcase_add_test(tc, snap_shows_the_type_inside);
	tcase_add_test(tc, ipv6_extension_headers_are_skipped);
	tcase_add_test(tc, composed_checksums_are_right);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
