/* SPDX-License-Identifier: Apache-2.0 */
/* The field table's rows against each other and against a plain model of bits; text both ways. */
#include <check.h>
#include <errno.h>

#include "core/packet/field.h"
#include "tests/unit/core/packet/random_key.h"

static void random_value(struct rng *r, const struct field *f, union field_value *v)
{
	union field_value ones;

	field_ones(f, &ones);
	random_bytes(r, v, sizeof(*v));
	for (unsigned i = 0; i < sizeof(v->b); i++)
		v->b[i] &= ones.b[i];
	if (f->id == FIELD_ARP_OP)
		v->b[0] = 0;
	if (f->fmt == FIELD_FMT_CT_STATE)
		v->b[0] = v->b[1] = v->b[2] = 0;
	if (f->fmt == FIELD_FMT_PACKET_TYPE)
		v->be32 = rng_below(r, 2) ? 0 : htonl(0x10800);
	if (f->id == FIELD_IN_PORT_OXM || f->id == FIELD_ACTSET_OUTPUT)
		v->b[0] = 0, v->b[1] = 1; /* neither reserved nor one that 16 bits reserve */
}

START_TEST(rows_are_consistent)
{
	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = &field_table[i];

		ck_assert_msg(f->id == i && f->name, "row %u", i);
		ck_assert_msg(f->n_bits && f->n_bits <= 8 * f->n_bytes, "%s", f->name);
		ck_assert_msg(f->size == 1 || f->size == 2 || f->size == 4 || f->size == 6 ||
				      f->size == 8 || f->size == 16,
			      "%s", f->name);
		ck_assert_uint_le(f->ofs + f->size, sizeof(struct flow_key));
		ck_assert_msg(!f->nxm || (f->nxm & 0xff) == f->n_bytes, "%s", f->name);
		ck_assert_msg(!f->oxm || (f->oxm & 0xff) == f->n_bytes, "%s", f->name);
		ck_assert_msg(!f->oxm == !f->oxm_version && !f->oxm == !f->oxm_name, "%s", f->name);
		ck_assert_msg(!f->nxm == !f->nxm_name, "%s", f->name);
		ck_assert_ptr_eq(field_by_name(f->name, strlen(f->name)), f);
		if (f->extra_name)
			ck_assert_ptr_eq(field_by_name(f->extra_name, strlen(f->extra_name)), f);
		if (f->nxm) {
			ck_assert_ptr_eq(field_by_header(f->nxm), f);
			ck_assert_ptr_eq(field_by_header(f->nxm | 0x100), f);
			ck_assert_ptr_eq(field_by_name(f->nxm_name, strlen(f->nxm_name)), f);
		}
		if (f->oxm) {
			ck_assert_ptr_eq(field_by_header(f->oxm), f);
			ck_assert_ptr_eq(field_by_name(f->oxm_name, strlen(f->oxm_name)), f);
		}
	}
	ck_assert_ptr_null(field_by_name("nw_sr", 5));
	ck_assert_ptr_null(field_by_header(0x80007e04));
	ck_assert_ptr_null(field_by_header(0xffff2a02));
}
END_TEST

START_TEST(codes_are_those_of_the_manual)
{
	static const struct {
		enum field_id id;
		uint8_t version;
		uint32_t header;
	} want[] = {
		{ FIELD_IN_PORT, 1, 0x00000002 },    { FIELD_IN_PORT_OXM, 4, 0x80000004 },
		{ FIELD_IN_PORT_OXM, 1, 0 },         { FIELD_ETH_TYPE, 4, 0x80000a02 },
		{ FIELD_IPV4_SRC, 1, 0x00000e04 },   { FIELD_IPV4_SRC, 4, 0x80001604 },
		{ FIELD_TCP_FLAGS, 4, 0x00014402 },  { FIELD_TCP_FLAGS, 6, 0x80005402 },
		{ FIELD_TUN_ID, 3, 0x00012008 },     { FIELD_TUN_ID, 4, 0x80004c08 },
		{ FIELD_XREG0 + 3, 4, 0x80010608 },  { FIELD_REG_LAST, 4, 0x00011e04 },
		{ FIELD_XXREG_LAST, 4, 0x0001e410 }, { FIELD_METADATA, 1, 0 },
		{ FIELD_METADATA, 4, 0x80000408 },   { FIELD_CT_STATE, 4, 0x0001d204 },
		{ FIELD_ND_TLL, 4, 0x80004206 },     { FIELD_SKB_PRIORITY, 4, 0 },
		{ FIELD_ACTSET_OUTPUT, 4, 0 },       { FIELD_ACTSET_OUTPUT, 6, 0x80005604 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		ck_assert_msg(
			field_header(field_get(want[i].id), want[i].version) == want[i].header,
			"%s in version %u: %08x", field_get(want[i].id)->name, want[i].version,
			field_header(field_get(want[i].id), want[i].version));
}
END_TEST

START_TEST(write_then_read_touches_nothing_else)
{
	struct rng r = rng_start("field");

	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < FIELD_N_IDS; i++) {
			const struct field *f = &field_table[i];
			struct flow_key before, k, mask;
			union field_value v, got;

			random_bytes(&r, &before, sizeof(before));
			k = before;
			random_value(&r, f, &v);
			field_write(f, &v, &k);
			field_read(f, &k, &got);
			ck_assert_msg(!memcmp(&got, &v, f->n_bytes), "%s", f->name);
			memset(&mask, 0, sizeof(mask));
			ck_assert(field_mask_is_zero(f, &mask));
			field_mask_set(f, &mask);
			ck_assert_msg(field_mask_is_exact(f, &mask), "%s", f->name);
			for (unsigned w = 0; w < FLOW_WORDS; w++)
				ck_assert_msg(!((flow_words(&before)[w] ^ flow_words(&k)[w]) &
						~flow_words(&mask)[w]),
					      "%s", f->name);
		}
	}
}
END_TEST

START_TEST(sub_fields_agree_with_single_bits)
{
	struct rng r = rng_start("sub-field");

	for (unsigned round = 0; round < 3000; round++) {
		const struct field *f = &field_table[rng_below(&r, FIELD_N_IDS)];
		unsigned ofs = (unsigned)rng_below(&r, f->n_bits);
		unsigned n = 1 + (unsigned)rng_below(&r, MIN(64u, f->n_bits - ofs));
		uint64_t x = rng_next(&r) & (n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1);
		struct flow_key k;

		if (f->id == FIELD_IN_PORT || f->id == FIELD_ARP_OP || f->id == FIELD_IP_DSCP)
			continue; /* not all of their bits are kept */
		random_bytes(&r, &k, sizeof(k));
		field_write_bits(f, ofs, n, x, &k);
		ck_assert_msg(field_read_bits(f, &k, ofs, n) == x, "%s[%u..%u]", f->name, ofs,
			      ofs + n - 1);
		for (unsigned b = 0; b < n; b++)
			ck_assert_uint_eq(field_read_bits(f, &k, ofs + b, 1), x >> b & 1);
	}
}
END_TEST

START_TEST(reserved_ports_widen)
{
	const struct field *f = field_get(FIELD_IN_PORT);
	union field_value v = { .be16 = htons(0xfffe) };
	struct flow_key k;

	memset(&k, 0, sizeof(k));
	field_write(f, &v, &k);
	ck_assert_uint_eq(flow_in_ofp(&k).v, 0xfffffffe);
	v.be16 = htons(0xfeff);
	field_write(f, &v, &k);
	ck_assert_uint_eq(flow_in_ofp(&k).v, 0xfeff);
	memset(&k, 0, sizeof(k));
	field_mask_set(f, &k);
	ck_assert_uint_eq(k.in_port, UINT32_MAX);
}
END_TEST

static void random_mask(struct rng *r, const struct field *f, union field_value *m)
{
	union field_value ones;

	field_ones(f, &ones);
	*m = ones;
	if (!f->maskable || rng_below(r, 3) == 0)
		return;
	random_bytes(r, m, sizeof(*m));
	for (unsigned i = 0; i < sizeof(m->b); i++)
		m->b[i] &= ones.b[i];
	if (f->fmt == FIELD_FMT_FRAG)
		m->b[0] = 3;
	if (f->fmt == FIELD_FMT_CT_STATE) {
		m->b[0] = m->b[1] = m->b[2] = 0;
		m->b[3] |= 1;
	}
	if (field_value_is_zero(f, m))
		m->b[f->n_bytes - 1] = 1;
}

START_TEST(text_round_trip)
{
	struct rng r = rng_start("field text");

	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < FIELD_N_IDS; i++) {
			const struct field *f = &field_table[i];
			union field_value v, m, v2, m2;
			struct error err = ERROR_INIT;
			struct str s = STR_INIT;

			random_value(&r, f, &v);
			random_mask(&r, f, &m);
			for (unsigned b = 0; b < sizeof(v.b); b++)
				v.b[b] &= m.b[b];
			if (f->fmt == FIELD_FMT_FRAG && v.b[0] == 2)
				v.b[0] = 3;
			field_format(f, &v, &m, &s);
			ck_assert_msg(!field_parse(f, str_cstr(&s), &v2, &m2, &err), "%s=%s: %s",
				      f->name, str_cstr(&s), err.cause);
			ck_assert_msg(!memcmp(&v, &v2, f->n_bytes) && !memcmp(&m, &m2, f->n_bytes),
				      "%s=%s", f->name, str_cstr(&s));
			str_done(&s);
		}
	}
}
END_TEST

START_TEST(text_as_people_write_it)
{
	static const struct {
		const char *field, *in, *out; /* out NULL: refused */
	} cases[] = {
		{ "nw_src", "10.0.0.1/8", "10.0.0.0/8" },
		{ "nw_src", "10.0.0.1/255.0.255.0", "10.0.0.0/255.0.255.0" },
		{ "nw_src", "10.0.0.1/32", "10.0.0.1" },
		{ "nw_src", "10.0.0", NULL },
		{ "nw_src", "10.0.0.1/33", NULL },
		{ "ipv6_src", "fe80::1/ffff::", "fe80::/16" },
		{ "ipv6_dst", "::1.2.3.4", "::1.2.3.4" },
		{ "ipv6_dst", "1::/129", NULL },
		{ "eth_src", "1:2:3:4:5:6", "01:02:03:04:05:06" },
		{ "dl_dst", "01:02:03:04:05", NULL },
		{ "dl_dst", "01:02:03:04:05:06:07", NULL },
		{ "reg0", "0x10/0xff", "0x10/0xff" },
		{ "reg0", "16", "0x10" },
		{ "reg0", "0", "0" },
		{ "reg0", "0x100000000", NULL },
		{ "reg0", "-1", NULL },
		{ "reg0", "", NULL },
		{ "reg0", "0x", NULL },
		{ "ct_label", "0x123456789abcdef0123456789abcdef0",
		  "0x123456789abcdef0123456789abcdef0" },
		{ "tcp_src", "0x10/0xfff0", "16/0xfff0" },
		{ "tcp_src", "65536", NULL },
		{ "icmp_type", "8/0xf", NULL },
		{ "icmp_type", "8/0xff", "8" },
		{ "nw_tos", "35", "32" },
		{ "ip_dscp", "64", NULL },
		{ "dl_vlan", "0xffff", "65535" },
		{ "dl_vlan", "4096", NULL },
		{ "vlan_vid", "0x1005/0x1fff", "4101" },
		{ "tcp_flags", "+syn-ack", "+syn-ack" },
		{ "tcp_flags", "syn|ack", "syn|ack" },
		{ "tcp_flags", "0x12/0x12", "+syn+ack" },
		{ "tcp_flags", "+[200]", "+[200]" },
		{ "tcp_flags", "0", "0" },
		{ "tcp_flags", "+syn+syn", NULL },
		{ "tcp_flags", "+xyz", NULL },
		{ "tcp_flags", "+", NULL },
		{ "tcp_flags", "syn|", NULL },
		{ "ct_state", "+trk-new", "-new+trk" },
		{ "ct_state", "0x100/0x100", NULL },
		{ "tun_flags", "+oam", "+oam" },
		{ "nw_frag", "not_later", "not_later" },
		{ "ip_frag", "YES", "yes" },
		{ "ip_frag", "1/1", "yes" },
		{ "ip_frag", "perhaps", NULL },
		{ "in_port", "local", "LOCAL" },
		{ "in_port", "65534", "LOCAL" },
		{ "in_port", "4294967294", "LOCAL" },
		{ "in_port", "65536", NULL },
		{ "in_port", "eth0", NULL },
		{ "in_port_oxm", "LOCAL", "LOCAL" },
		{ "packet_type", "(1,0x800)", "(1,0x800)" },
		{ "packet_type", "(0,1)", NULL },
		{ "arp_op", "256", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct field *f = field_by_name(cases[i].field, strlen(cases[i].field));
		union field_value v, m;
		struct error err = ERROR_INIT;
		struct str s = STR_INIT;
		int r;

		ck_assert_ptr_nonnull(f);
		r = field_parse(f, cases[i].in, &v, &m, &err);
		ck_assert_msg(!r == !!cases[i].out, "%s=%s: %s", cases[i].field, cases[i].in,
			      err.cause);
		if (r) {
			ck_assert_int_eq(r, -EINVAL);
			ck_assert_str_eq(err.field, f->name);
		} else {
			field_format(f, &v, &m, &s);
			ck_assert_str_eq(str_cstr(&s), cases[i].out);
		}
		str_done(&s);
	}
}
END_TEST

START_TEST(prerequisites_of_packets_and_masks_agree)
{
	struct rng r = rng_start("prerequisites");

	for (unsigned i = 0; i < 20000; i++) {
		struct flow_key k, mask, other;
		unsigned p = (unsigned)rng_below(&r, FIELD_PRE_CT + 1);
		const uint64_t *kw, *mw;
		uint64_t *ow;
		bool ok;

		random_packet_key(&r, &k);
		k.ct_state = htonl((uint32_t)rng_below(&r, 256));
		memset(&mask, 0, sizeof(mask));
		field_prereq_mask(p, &k, &mask);
		ok = field_prereq_ok(p, &k);
		/* whoever agrees on the mask has the same answer */
		random_packet_key(&r, &other);
		kw = flow_words_const(&k);
		mw = flow_words_const(&mask);
		ow = flow_words(&other);
		for (unsigned w = 0; w < FLOW_WORDS; w++)
			ow[w] = (ow[w] & ~mw[w]) | (kw[w] & mw[w]);
		ck_assert_msg(field_prereq_ok(p, &other) == ok, "prerequisite %u", p);
		/* a match on exactly these bits guarantees it */
		flow_key_mask(&k, &k, &mask);
		if (p != FIELD_PRE_CT)
			ck_assert_msg(field_prereq_matched(p, &k, &mask) == ok, "prerequisite %u",
				      p);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("field");
	TCase *tc = tcase_create("field");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, rows_are_consistent);
	tcase_add_test(tc, codes_are_those_of_the_manual);
	tcase_add_test(tc, write_then_read_touches_nothing_else);
	tcase_add_test(tc, sub_fields_agree_with_single_bits);
	tcase_add_test(tc, reserved_ports_widen);
	tcase_add_test(tc, text_round_trip);
	tcase_add_test(tc, text_as_people_write_it);
	tcase_add_test(tc, prerequisites_of_packets_and_masks_agree);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
