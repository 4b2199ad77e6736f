/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are cut, that lie, and that come back. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "ofproto/wire/nx_match.h"
#include "tests/unit/core/packet/random_key.h"
#include "tests/unit/ofproto/wire/decode_all.h"
#include "tests/unit/ofproto/wire/samples.h"
#include "tests/unit/seed.h"

typedef void sample_fn(const uint8_t *msg, size_t len, struct rng *r);

static void for_each_sample(sample_fn *fn, struct rng *r)
{
	struct buf b = BUF_INIT;

	samples(&b);
	for (size_t at = 0; at < b.len;) {
		int n = ofp_frame_len(b.data + at, b.len - at);

		ck_assert_int_ge(n, OFP_HEADER_LEN);
		fn(b.data + at, (size_t)n, r);
		at += (size_t)n;
	}
	buf_done(&b);
}

/* A copy of exactly this size, so that a read beyond it is seen. */
static void decode_copy(const uint8_t *msg, size_t len, bool fix_length)
{
	uint8_t *copy = xmemdup(msg, len ? len : 1);

	if (fix_length && len >= 4) {
		copy[2] = (uint8_t)(len >> 8);
		copy[3] = (uint8_t)len;
	}
	decode_all(copy, len);
	free(copy);
}

static void whole(const uint8_t *msg, size_t len, struct rng *r)
{
	struct str s = STR_INIT;
	struct ofp_msg m;

	(void)r;
	ck_assert_int_eq(ofp_msg_identify(msg, len, &m), 0);
	ofp_msg_format(msg, len, &s);
	ck_assert_msg(!strstr(str_cstr(&s), "***"), "%s", str_cstr(&s));
	str_done(&s);
	decode_copy(msg, len, false);
}

START_TEST(samples_decode)
{
	for_each_sample(whole, NULL);
}
END_TEST

static void cut(const uint8_t *msg, size_t len, struct rng *r)
{
	(void)r;
	for (size_t n = 0; n < len; n++) {
		struct ofp_msg m;

		ck_assert_int_eq(ofp_msg_identify(msg, n, &m), OFPERR_BAD_LEN);
		decode_copy(msg, n, true);
	}
}

START_TEST(every_truncation)
{
	for_each_sample(cut, NULL);
}
END_TEST

/* Every byte pair with the values that a lying length would have. */
static void lie(const uint8_t *msg, size_t len, struct rng *r)
{
	static const uint16_t lies[] = { 0, 1, 3, 4, 7, 8, 16, 0x7fff, 0xffff };
	uint8_t *copy = xmemdup(msg, len);

	(void)r;
	for (size_t at = OFP_HEADER_LEN; at + 2 <= len; at++) {
		for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
			copy[at] = (uint8_t)(lies[i] >> 8);
			copy[at + 1] = (uint8_t)lies[i];
			decode_copy(copy, len, false);
		}
		copy[at] = msg[at];
		copy[at + 1] = msg[at + 1];
	}
	free(copy);
}

START_TEST(every_lying_length)
{
	for_each_sample(lie, NULL);
}
END_TEST

static void damage(const uint8_t *msg, size_t len, struct rng *r)
{
	uint8_t *copy = xmemdup(msg, len);

	for (unsigned i = 0; i < 2000; i++) {
		memcpy(copy, msg, len);
		for (uint64_t n = 1 + rng_below(r, 4); n; n--)
			copy[rng_below(r, len)] = (uint8_t)rng_next(r);
		decode_copy(copy, len, true);
	}
	free(copy);
}

START_TEST(random_damage)
{
	struct rng r = rng_start("random_damage");

	for_each_sample(damage, &r);
}
END_TEST

/* --- matches -----------------------------------------------------------------------------------
 */

static void random_field(struct rng *r, const struct field *f, const struct flow_key *key,
			 struct match *m)
{
	union field_value v = { .b = { 0 } }, mask = { .b = { 0 } };
	bool metadata = f->id < FIELD_ETH_SRC;

	field_read(f, key, &v);
	field_ones(f, &mask);
	if (metadata)
		random_bytes(r, &v, f->n_bytes);
	for (unsigned i = 0; i < f->n_bytes; i++) {
		if (f->maskable && rng_below(r, 3) == 0)
			mask.b[i] &= (uint8_t)rng_next(r);
		v.b[i] &= mask.b[i];
	}
	if (field_value_ok(f, &v) && !field_value_is_zero(f, &mask))
		match_set(m, f, &v, &mask);
}

/* A random match that fulfils its own prerequisites. */
static void random_match(struct rng *r, struct match *m)
{
	struct flow_key key;

	random_packet_key(r, &key);
	match_init_catchall(m);
	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = field_get((enum field_id)i);
		bool often = i == FIELD_ETH_TYPE || i == FIELD_IP_PROTO || i == FIELD_VLAN_VID;

		if (nx_field_encodable(f, OFP13) && rng_below(r, often ? 5 : 8) < (often ? 4 : 1) &&
		    field_prereq_ok((enum field_prereq)f->prereq, &key))
			random_field(r, f, &key, m);
	}
	if (m->mask.in_port) {
		m->mask.in_port = UINT32_MAX;
		m->key.in_port = htonl((uint32_t)rng_below(r, 0xff00));
	}
	if (m->mask.vlans[0].tci == htons(0x1fff) && !m->key.vlans[0].tci)
		m->mask.vlans[0].tci = htons(0xffff); /* the one form of "no tag" */
	(void)match_normalize(m);
}

static void round_trip(const struct match *m, uint8_t version)
{
	struct buf b = BUF_INIT;
	struct match back;
	enum ofperr e;

	nx_match_encode(m, version, NULL, &b);
	e = nx_match_decode(cursor_init(b.data, b.len), NX_MATCH_STRICT, &back, NULL);
	if (e || !match_equal(m, &back)) {
		struct str s = STR_INIT;

		str_printf(&s, "version %u, %s: ", version, ofperr_name(e));
		match_format(m, NULL, NULL, &s);
		str_puts(&s, "  became  ");
		match_format(&back, NULL, NULL, &s);
		ck_abort_msg("%s", str_cstr(&s));
	}
	buf_done(&b);
}

START_TEST(random_matches)
{
	struct rng r = rng_start("random_matches");

	for (unsigned i = 0; i < 20000; i++) {
		struct match m;

		random_match(&r, &m);
		if (match_check(&m, NULL))
			continue;
		round_trip(&m, OFP10);
		round_trip(&m, OFP13);
	}
}
END_TEST

/* What 1.0's struct can say comes back; what it cannot is found out. */
START_TEST(random_of10_matches)
{
	struct rng r = rng_start("random_of10_matches");

	for (unsigned i = 0; i < 20000; i++) {
		struct buf b = BUF_INIT;
		struct match m, again;
		struct cursor c;

		buf_put_zeros(&b, 40);
		for (unsigned j = 0; j < 40; j++)
			b.data[j] = (uint8_t)rng_next(&r);
		b.data[4] = 0; /* a port */
		if (rng_below(&r, 2)) {
			b.data[22] = 8; /* IPv4 */
			b.data[23] = 0;
			b.data[25] = (uint8_t)(rng_below(&r, 2) ? 6 : 1);
		}
		c = cursor_init(b.data, 40);
		ck_assert_int_eq(of10_match_decode(&c, &m), 0);
		ck_assert(of10_match_fits(&m));
		buf_clear(&b);
		of10_match_encode(&m, &b);
		ck_assert_uint_eq(b.len, 40);
		c = cursor_init(b.data, 40);
		ck_assert_int_eq(of10_match_decode(&c, &again), 0);
		ck_assert(match_equal(&m, &again));
		ck_assert_int_eq(match_check(&m, NULL), 0);
		round_trip(&m, OFP10);
		buf_done(&b);
	}
}
END_TEST

static enum ofperr decode_hex(const char *hex, struct match *m)
{
	uint8_t bytes[128];
	size_t n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		const char two[3] = { hex[0], hex[1], '\0' };

		bytes[n++] = (uint8_t)strtoul(two, NULL, 16);
	}
	return nx_match_decode(cursor_init(bytes, n), NX_MATCH_STRICT, m, NULL);
}

START_TEST(bad_matches)
{
	static const struct {
		const char *hex;
		enum ofperr error;
	} rows[] = {
		{ "00000602"
		  "0800",
		  OFPERR_OK }, /* eth_type */
		{ "000006", OFPERR_MATCH_BAD_LEN },
		{ "00000602"
		  "08",
		  OFPERR_MATCH_BAD_LEN },
		{ "00000603"
		  "080000",
		  OFPERR_MATCH_BAD_LEN },
		{ "0000fe02"
		  "0800",
		  OFPERR_MATCH_BAD_FIELD },
		{ "1234fe02"
		  "0800",
		  OFPERR_MATCH_BAD_FIELD },
		{ "00000602"
		  "0800"
		  "00000602"
		  "0800",
		  OFPERR_MATCH_DUP_FIELD },
		{ "80000a02"
		  "0800"
		  "00000602"
		  "0800",
		  OFPERR_MATCH_DUP_FIELD },
		{ "00000c01"
		  "06",
		  OFPERR_MATCH_BAD_PREREQ }, /* nw_proto without a type */
		{ "00000704"
		  "0800"
		  "ff00",
		  OFPERR_MATCH_BAD_MASK }, /* no masks on types */
		{ "00000704"
		  "0800"
		  "ffff",
		  OFPERR_OK },
		{ "00010104"
		  "0001"
		  "0000",
		  OFPERR_MATCH_BAD_LEN }, /* reg0 has four bytes */
		{ "00010108"
		  "00000002"
		  "00000001",
		  OFPERR_MATCH_BAD_WILDCARDS },
		{ "00000602"
		  "0800"
		  "8000100140",
		  OFPERR_MATCH_BAD_VALUE }, /* DSCP above 63 */
		{ "00013c08"
		  "0000000000000001",
		  OFPERR_MATCH_BAD_FIELD }, /* a cookie here */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct match m;
		enum ofperr e = decode_hex(rows[i].hex, &m);

		ck_assert_msg(e == rows[i].error, "%s: %s", rows[i].hex, ofperr_name(e));
	}
}
END_TEST

/* --- framing -----------------------------------------------------------------------------------
 */

START_TEST(stats_in_parts)
{
	struct sample_flow s;
	struct ofp_multipart mp;
	struct buf b = BUF_INIT, acts = BUF_INIT;
	struct ofp_flow_stats fs = { .table = 1, .priority = 5 };
	unsigned n = 0, parts = 0;
	bool more = true;

	sample_flow(&s, SAMPLE_FLOW);
	fs.match = s.fm.match;
	fs.actions = s.fm.actions;
	ofp_multipart_begin(&mp, &b, OFP_NXST_FLOW_REPLY, OFP10, 77);
	for (fs.packets = 0; fs.packets < 2000; fs.packets++)
		ofp_put_flow_stats(&mp, &fs);
	ck_assert_uint_eq(ofp_multipart_end(&mp), 0);
	for (size_t at = 0; at < b.len; parts++) {
		int len = ofp_frame_len(b.data + at, b.len - at);
		struct ofp_flow_stats one;
		struct cursor body;
		struct ofp_msg m;
		bool done = false;

		ck_assert(more);
		ck_assert_int_eq(ofp_msg_identify(b.data + at, (size_t)len, &m), 0);
		ck_assert_uint_eq(m.xid, 77);
		more = m.more;
		for (body = m.body; !done; n += !done) {
			ck_assert_int_eq(ofp_decode_flow_stats(&m, &body, &one, &acts, &done), 0);
			if (!done)
				ck_assert_uint_eq(one.packets, n);
		}
		at += (size_t)len;
	}
	ck_assert(!more);
	ck_assert_uint_eq(n, 2000);
	ck_assert_uint_gt(parts, 4);
	buf_done(&b);
	buf_done(&acts);
	buf_done(&s.acts);
}
END_TEST

START_TEST(hello_negotiation)
{
	static const uint8_t elements[] = { 6, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x52 };
	static const uint8_t plain[] = { 2, 0, 0, 8, 0, 0, 0, 1 };
	struct buf b = BUF_INIT;
	uint32_t versions;
	struct ofp_msg m;

	ck_assert_int_eq(ofp_msg_identify(elements, sizeof(elements), &m), 0);
	ck_assert_int_eq(ofp_decode_hello(&m, &versions), 0);
	ck_assert_uint_eq(versions, 0x52);
	ck_assert_uint_eq(ofp_negotiate(OFP_VERSIONS, versions), OFP13);
	ck_assert_int_eq(ofp_msg_identify(plain, sizeof(plain), &m), 0);
	ck_assert_int_eq(ofp_decode_hello(&m, &versions), 0);
	ck_assert_uint_eq(ofp_negotiate(OFP_VERSIONS, versions), OFP10);
	ck_assert_uint_eq(ofp_negotiate(OFP_VERSION_BIT(OFP13), versions), 0);
	ofp_put_hello(&b, OFP_VERSION_BIT(OFP10), 1);
	ck_assert_uint_eq(b.len, 8); /* 1.0 alone needs no bitmap */
	buf_done(&b);
}
END_TEST

START_TEST(unknown_messages)
{
	static const struct {
		uint8_t bytes[24];
		uint8_t len;
		enum ofperr error;
	} rows[] = {
		{ { 1, 99, 0, 8 }, 8, OFPERR_BAD_TYPE },
		{ { 5, 14, 0, 8 }, 8, OFPERR_BAD_VERSION },
		{ { 1, 14, 0, 9 }, 8, OFPERR_BAD_LEN },
		{ { 1, 18, 0, 9 }, 9, OFPERR_BAD_LEN }, /* a barrier has no body */
		{ { 1, 16, 0, 12, 0, 0, 0, 1, 0, 99 }, 12, OFPERR_BAD_STAT },
		{ { 4, 4, 0, 16, 0, 0, 0, 1, 0, 0, 0x99, 0x99, 0, 0, 0, 1 },
		  16,
		  OFPERR_BAD_EXPERIMENTER },
		{ { 4, 4, 0, 16, 0, 0, 0, 1, 0, 0, 0x23, 0x20, 0, 0, 0, 99 },
		  16,
		  OFPERR_BAD_EXP_TYPE },
		{ { 4, 18, 0, 16, 0, 0, 0, 1, 0, 3, 0, 1 }, 16, OFPERR_MULTIPART_OVERFLOW },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ofp_msg m;
		enum ofperr e = ofp_msg_identify(rows[i].bytes, rows[i].len, &m);

		ck_assert_msg(e == rows[i].error, "row %zu: %s", i, ofperr_name(e));
	}
	ck_assert_int_lt(ofp_frame_len("\1\16\0\7\0\0\0\0", 8), 0);
	ck_assert_int_eq(ofp_frame_len("\1\16\0\11", 4), 0);
}
END_TEST

START_TEST(error_numbers)
{
	for (unsigned v = OFP10; v <= OFP13; v += OFP13 - OFP10)
		for (unsigned e = 1; e < OFPERR_N; e++) {
			struct ofperr_number n = ofperr_to_wire((enum ofperr)e, (uint8_t)v);
			struct ofperr_number back;

			ck_assert_ptr_nonnull(ofperr_name((enum ofperr)e));
			back = ofperr_to_wire(ofperr_from_wire(n, (uint8_t)v), (uint8_t)v);
			ck_assert_mem_eq(&n, &back, sizeof(n));
		}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("codec");
	TCase *t = tcase_create("codec");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 600);
	tcase_add_test(t, samples_decode);
	tcase_add_test(t, every_truncation);
	tcase_add_test(t, every_lying_length);
	tcase_add_test(t, random_damage);
	tcase_add_test(t, random_matches);
	tcase_add_test(t, random_of10_matches);
	tcase_add_test(t, bad_matches);
	tcase_add_test(t, stats_in_parts);
	tcase_add_test(t, hello_negotiation);
	tcase_add_test(t, unknown_messages);
	tcase_add_test(t, error_numbers);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
