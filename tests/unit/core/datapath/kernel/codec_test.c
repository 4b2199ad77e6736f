/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, masks and actions in the kernel's words and back. */
#include <check.h>
#include <errno.h>
#include <linux/openvswitch.h>

#include "core/datapath/kernel/acts.h"
#include "core/datapath/kernel/key.h"
#include "tests/unit/core/packet/random_key.h"

/* ---- tables ---- */

START_TEST(every_field_has_its_row)
{
	for (unsigned id = 0; id < FIELD_N_IDS; id++) {
		const struct kdp_field *f = &kdp_field_table[id];

		ck_assert_msg((f->attr != 0) != (f->why != NULL), "%s", field_get(id)->name);
		ck_assert_msg(!f->set || dp_field_settable(field_get(id)), "%s",
			      field_get(id)->name);
	}
}
END_TEST

START_TEST(every_action_has_its_row)
{
	for (unsigned kind = 0; kind < DP_ACT_N_KINDS; kind++)
		ck_assert_msg((kdp_action_table[kind].attr != 0) !=
				      (kdp_action_table[kind].why != NULL),
			      "%s", dp_action_table[kind].name);
}
END_TEST

/* ---- keys ---- */

static void random_tunnel(struct rng *r, struct flow_tnl *t)
{
	if (rng_below(r, 2)) {
		t->src = (be32)rng_next(r);
		t->dst = (be32)rng_next(r) | htonl(1);
	} else {
		random_bytes(r, &t->src6, sizeof(t->src6));
		random_bytes(r, &t->dst6, sizeof(t->dst6));
		t->dst6.b[15] |= 1;
	}
	t->flags = htons((uint16_t)rng_below(r, 16));
	if (t->flags & htons(FLOW_TNL_F_KEY))
		t->tun_id = (be64)rng_next(r);
	t->tos = (uint8_t)rng_next(r);
	t->ttl = (uint8_t)(1 + rng_below(r, 255));
	t->tp_src = (be16)rng_next(r);
	t->tp_dst = (be16)rng_next(r);
	if (rng_below(r, 2)) {
		t->gbp_id = (be16)rng_next(r);
		t->gbp_flags = (uint8_t)rng_next(r);
	}
}

static void random_key(struct rng *r, struct flow_key *k)
{
	random_packet_key(r, k);
	k->igmp_group = 0; /* the kernel does not look there */
	if (flow_is_ipv4(k) && k->nw_proto == 2)
		k->tp_src = k->tp_dst = 0;
	k->in_port = htonl((uint32_t)rng_below(r, 3));
	k->recirc_id = htonl((uint32_t)rng_below(r, 3));
	k->skb_priority = rng_below(r, 2) ? (be32)rng_next(r) : 0;
	k->pkt_mark = rng_below(r, 2) ? (be32)rng_next(r) : 0;
	k->dp_hash = rng_below(r, 2) ? (be32)rng_next(r) : 0;
	if (rng_below(r, 3) == 0)
		random_tunnel(r, &k->tunnel);
	if (rng_below(r, 2) == 0)
		return;
	k->ct_state = htonl(CT_TRK | (uint32_t)rng_below(r, 256));
	k->ct_zone = (be16)rng_next(r);
	k->ct_mark = (be32)rng_next(r);
	random_bytes(r, &k->ct_label, 16);
	if (flow_is_ipv4(k)) {
		k->ct_tp_src = (be16)rng_next(r);
		k->ct_tp_dst = (be16)rng_next(r);
		k->ct_nw_src = (be32)rng_next(r);
		k->ct_nw_dst = (be32)rng_next(r);
		k->ct_nw_proto = (uint8_t)(1 + rng_below(r, 255));
	}
}

static void random_mask(struct rng *r, struct flow_key *m)
{
	uint8_t *b = (uint8_t *)m;
	unsigned dense = (unsigned)rng_below(r, 4);

	memset(m, 0, sizeof(*m));
	for (unsigned id = 0; id < FIELD_N_IDS; id++) {
		const struct field *f = field_get(id);

		if (kdp_field_table[id].attr && rng_below(r, 4) < dense)
			field_mask_set(f, m);
	}
	for (size_t i = offsetof(struct flow_key, tunnel); i < sizeof(*m) && dense == 3; i++)
		b[i] &= rng_below(r, 8) ? UINT8_MAX : (uint8_t)rng_next(r);
}

static struct buf put_key(const struct flow_key *k, const struct flow_key *fit)
{
	struct buf b = BUF_INIT;

	kdp_key_put(&b, k, fit);
	return b;
}

static struct buf put_mask(const struct flow_key *k, const struct flow_key *fit)
{
	struct buf b = BUF_INIT;

	kdp_key_put_mask(&b, k, fit);
	return b;
}

static void check_keys(const struct flow_key *want, const struct flow_key *got)
{
	for (unsigned w = 0; w < FLOW_WORDS; w++)
		ck_assert_msg(flow_words_const(want)[w] == flow_words_const(got)[w],
			      "word %u: %016llx, not %016llx", w,
			      (unsigned long long)ntoh64(flow_words_const(got)[w]),
			      (unsigned long long)ntoh64(flow_words_const(want)[w]));
}

START_TEST(keys_round_trip)
{
	struct rng r = rng_start("keys");
	static const struct flow_key none;

	for (unsigned i = 0; i < 20000; i++) {
		struct flow_key k, back;
		struct buf b;

		random_key(&r, &k);
		b = put_key(&k, &none);
		ck_assert_int_eq(kdp_key_get(b.data, b.len, &back), 0);
		check_keys(&k, &back);
		buf_done(&b);
	}
}
END_TEST

/* A packet that differs from k by the fields of another one of its kind, and is one that there can
 * be. */
static struct flow_key neighbour(struct rng *r, const struct flow_key *k)
{
	struct flow_key n = *k, other;

	if (rng_below(r, 4) == 0) {
		random_key(r, &n);
		n.in_port = k->in_port; /* which says whether there is a tunnel */
		if (!n.tunnel.ttl != !k->tunnel.ttl)
			n.tunnel = k->tunnel;
		return n;
	}
	random_key(r, &other);
	for (unsigned id = 0; id < FIELD_N_IDS; id++) {
		union field_value v;

		if (!kdp_field_table[id].set || rng_below(r, 6) || id == FIELD_MPLS_BOS ||
		    !field_prereq_ok(field_get(id)->prereq, k) ||
		    kdp_field_table[id].attr == OVS_KEY_ATTR_TUNNEL)
			continue;
		field_read(field_get(id), &other, &v);
		field_write(field_get(id), &v, &n);
	}
	return n;
}

/* The kernel's flow has the packet that made it, and no packet that ours has not. */
START_TEST(masks_are_never_wider)
{
	struct rng r = rng_start("masks");
	unsigned taken = 0, hits = 0;

	for (unsigned i = 0; i < 4000; i++) {
		struct flow_key k, m, fit, kk, km;
		struct buf a, b;

		random_key(&r, &k);
		random_mask(&r, &m);
		if (kdp_key_fit(&k, &m, &fit))
			continue;
		taken++;
		a = put_key(&k, &fit);
		b = put_mask(&k, &fit);
		ck_assert_int_eq(kdp_key_get(a.data, a.len, &kk), 0);
		ck_assert_int_eq(kdp_key_get_mask(b.data, b.len, &kk, &km), 0);
		ck_assert(flow_key_equal_masked(&k, &kk, &km));
		for (unsigned j = 0; j < 10; j++) {
			struct flow_key n = neighbour(&r, &k);

			if (!flow_key_equal_masked(&n, &kk, &km))
				continue;
			hits++;
			for (unsigned w = 0; w < FLOW_WORDS; w++)
				ck_assert_msg(
					!((flow_words_const(&n)[w] ^ flow_words_const(&k)[w]) &
					  flow_words_const(&m)[w]),
					"word %u: type %04x proto %u", w, flow_dl_type(&k),
					k.nw_proto);
		}
		buf_done(&a);
		buf_done(&b);
	}
	ck_assert_uint_gt(taken, 2000);
	ck_assert_uint_gt(hits, 200);
}
END_TEST

/* What was read is written again as the same bytes: a flow that is adopted stays the same flow. */
START_TEST(masks_settle)
{
	struct rng r = rng_start("settle");

	for (unsigned i = 0; i < 4000; i++) {
		struct flow_key k, m, fit, kk, km, again;
		struct buf b, c;

		random_key(&r, &k);
		random_mask(&r, &m);
		if (kdp_key_fit(&k, &m, &fit))
			continue;
		/* The kernel tells keys without what they do not match. */
		flow_key_mask(&kk, &k, &fit);
		kk.tunnel = k.tunnel;
		b = put_mask(&kk, &fit);
		ck_assert_int_eq(kdp_key_get_mask(b.data, b.len, &kk, &km), 0);
		ck_assert_int_eq(kdp_key_fit(&kk, &km, &again), 0);
		c = put_mask(&kk, &again);
		ck_assert_uint_eq(b.len, c.len);
		ck_assert(!memcmp(b.data, c.data, b.len));
		buf_done(&b);
		buf_done(&c);
	}
}
END_TEST

START_TEST(what_cannot_be_matched_is_refused)
{
	struct flow_key k = { .dl_type = htons(0x0800), .nw_proto = 2 }, m = { 0 }, fit;

	m.regs[0] = 1;
	ck_assert_int_eq(kdp_key_fit(&k, &m, &fit), -EINVAL);
	m.regs[0] = 0;
	m.tp_src = htons(0xff); /* IGMP's type */
	ck_assert_int_eq(kdp_key_fit(&k, &m, &fit), -EOPNOTSUPP);
	k.nw_proto = 17;
	ck_assert_int_eq(kdp_key_fit(&k, &m, &fit), 0);
	ck_assert_uint_eq(fit.nw_proto, 0xff);
	ck_assert_uint_eq(fit.dl_type, 0xffff);
}
END_TEST

/* ---- actions ---- */

static const char *const lists[] = {
	"1,2,3",
	"push_vlan(vid=5,pcp=3),1,pop_vlan,2",
	"set(eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)),1",
	"set(eth(src=02:00:00:00:00:01/ff:ff:00:00:00:00)),1",
	"set(ipv4(src=1.2.3.4,ttl=3)),set(tcp(src=8)),2",
	"set(ipv4(tos=0x10/0xfc)),2",
	"set(skb_priority(0x1)),set(skb_mark(0x5/0xf)),1",
	"set(tunnel(tun_id=0x7,src=1.1.1.1,dst=2.2.2.2,ttl=64,flags(df|key))),3",
	"push_mpls(label=5,tc=1,ttl=7,bos=1,eth_type=0x8847),set(mpls(ttl=3)),1",
	"recirc(0x4)",
	"hash(l4(3)),recirc(0x9)",
	"sample(sample=50.0%,actions(1,set(ipv4(ttl=1)),2)),3",
	"sample(sample=100.0%,actions(userspace(sFlow(vid=5,output=3,rate=1),max_len=128))),3",
	"sample(sample=50.0%,actions(userspace(sFlow(output=2147483650,rate=2)))),pop_vlan,3",
	"clone(clone(1),set(udp(dst=9)),2),set(ipv4(ttl=9)),4",
	"trunc(100),1,2",
	"meter(3),1",
	"ct_clear,1",
	"ct(commit,zone=5,mark=0x1/0xff,label=0x1/0x1),1",
	"ct(force_commit,zone=7,nat(src=10.0.0.1-10.0.0.9:100-200,random)),recirc(0x2)",
	"ct(zone=1,nat),recirc(0x3)",
	"check_pkt_len(size=1400,gt(1),le(2,3)),4",
};

static int put_acts(struct buf *b, const struct buf *acts, struct kdp_acts_ctx *ctx)
{
	return kdp_acts_put(b, dp_actions_of(acts), ctx);
}

static void same_text(struct dp_actions a, struct dp_actions b)
{
	struct str s = STR_INIT, t = STR_INIT;

	dp_actions_format(a, NULL, NULL, &s);
	dp_actions_format(b, NULL, NULL, &t);
	ck_assert_str_eq(str_cstr(&s), str_cstr(&t));
	str_done(&s);
	str_done(&t);
}

START_TEST(actions_round_trip)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct kdp_acts_ctx ctx = { .dl_type = htons(0x0800), .pid = 7 };
		struct buf acts = BUF_INIT, b = BUF_INIT, back = BUF_INIT;
		struct error err = ERROR_INIT;

		ck_assert_msg(!dp_actions_parse(lists[i], &acts, &err), "%s: %s", lists[i],
			      err.cause);
		ck_assert_msg(!put_acts(&b, &acts, &ctx), "%s", lists[i]);
		ck_assert_msg(!kdp_acts_get(b.data, b.len, &back), "%s", lists[i]);
		same_text(dp_actions_of(&acts), dp_actions_of(&back));
		buf_done(&acts);
		buf_done(&b);
		buf_done(&back);
	}
}
END_TEST

START_TEST(every_settable_field_round_trips)
{
	struct rng r = rng_start("sets");

	for (unsigned id = 0; id < FIELD_N_IDS; id++) {
		const struct field *f = field_get(id);
		struct buf acts = BUF_INIT, b = BUF_INIT, back = BUF_INIT;
		struct kdp_acts_ctx ctx = { .dl_type = htons(0x0800), .pid = 7 };
		union field_value v, m;
		unsigned attr = kdp_field_table[id].attr;

		if (attr == OVS_KEY_ATTR_IPV6 ||
		    (attr == OVS_KEY_ATTR_IPV4 && rng_below(&r, 2) && f->prereq == FIELD_PRE_IP))
			ctx.dl_type = htons(0x86dd);
		if (attr == OVS_KEY_ATTR_MPLS)
			ctx.dl_type = htons(0x8847);
		field_ones(f, &m);
		random_bytes(&r, &v, sizeof(v));
		for (unsigned i = 0; i < sizeof(v); i++)
			v.b[i] &= m.b[i];
		dp_actions_put_set(&acts, id, &v, &m);
		if (!kdp_field_table[id].set || attr == OVS_KEY_ATTR_TUNNEL ||
		    id == FIELD_IP_DSCP_SHIFTED) {
			if (attr != OVS_KEY_ATTR_TUNNEL && id != FIELD_IP_DSCP_SHIFTED)
				ck_assert_int_eq(put_acts(&b, &acts, &ctx), -EOPNOTSUPP);
		} else {
			ck_assert_msg(!put_acts(&b, &acts, &ctx), "%s", f->name);
			ck_assert_msg(!kdp_acts_get(b.data, b.len, &back), "%s", f->name);
			ck_assert_msg(dp_actions_equal(dp_actions_of(&acts), dp_actions_of(&back)),
				      "%s", f->name);
		}
		buf_done(&acts);
		buf_done(&b);
		buf_done(&back);
	}
}
END_TEST

static void put_userspace(struct buf *b, uint32_t max_len)
{
	struct act_userspace u = { .kind = UPCALL_CONTROLLER,
				   .max_len = max_len,
				   .cookie = { 1, 2, 3, UINT64_MAX } };

	dp_actions_put(b, DP_ACT_USERSPACE, &u, sizeof(u));
}

/* A cut is for the next output; the kernel's would be used up by what goes up before it. */
START_TEST(cuts_and_userspace)
{
	struct kdp_acts_ctx ctx = { .dl_type = htons(0x0800), .pid = 7 };
	struct buf acts = BUF_INIT, b = BUF_INIT, back = BUF_INIT, want = BUF_INIT;
	struct act_trunc cut = { 60 };

	dp_actions_put(&acts, DP_ACT_TRUNC, &cut, sizeof(cut));
	put_userspace(&acts, 50);
	put_userspace(&acts, UINT32_MAX);
	dp_actions_put_output(&acts, (struct dp_port){ 1 });
	put_userspace(&want, 50);
	put_userspace(&want, UINT32_MAX);
	dp_actions_put(&want, DP_ACT_TRUNC, &cut, sizeof(cut));
	dp_actions_put_output(&want, (struct dp_port){ 1 });
	ck_assert_int_eq(put_acts(&b, &acts, &ctx), 0);
	ck_assert_int_eq(kdp_acts_get(b.data, b.len, &back), 0);
	ck_assert(dp_actions_equal(dp_actions_of(&want), dp_actions_of(&back)));
	buf_done(&acts);
	buf_done(&b);
	buf_done(&back);
	buf_done(&want);
}
END_TEST

/* What the kernel keeps beside the packet it does not cut. */
START_TEST(cuts_know_of_tags)
{
	struct flow_key key = { .vlans[0] = { htons(0x8100), htons(VLAN_CFI) },
				.dl_type = htons(0x0800) };
	struct kdp_acts_ctx ctx = { .dl_type = key.dl_type, .n_tags = kdp_acts_tags(&key) };
	struct buf acts = BUF_INIT, b = BUF_INIT, back = BUF_INIT, want = BUF_INIT;

	ck_assert_uint_eq(ctx.n_tags, 1);
	ck_assert_int_eq(dp_actions_parse("trunc(60),1,pop_vlan,trunc(60),2,push_vlan(vid=1,pcp=0),"
					  "trunc(60),3",
					  &acts, NULL),
			 0);
	ck_assert_int_eq(dp_actions_parse("trunc(56),1,pop_vlan,trunc(60),2,push_vlan(vid=1,pcp=0),"
					  "trunc(56),3",
					  &want, NULL),
			 0);
	ck_assert_int_eq(put_acts(&b, &acts, &ctx), 0);
	ck_assert_int_eq(kdp_acts_get(b.data, b.len, &back), 0);
	same_text(dp_actions_of(&want), dp_actions_of(&back));
	buf_clear(&acts);
	buf_clear(&b);
	ck_assert_int_eq(dp_actions_parse("trunc(17),1", &acts, NULL), 0);
	ck_assert_int_eq(put_acts(&b, &acts, &ctx), -EOPNOTSUPP);
	buf_done(&acts);
	buf_done(&b);
	buf_done(&back);
	buf_done(&want);
}
END_TEST

/* Sets side by side make one outer header; after another action a new one begins, which takes
 * nothing from the first. */
START_TEST(tunnel_sets_are_whole)
{
	struct kdp_acts_ctx ctx = { .dl_type = htons(0x0800), .pid = 7 };
	struct buf acts = BUF_INIT, b = BUF_INIT, back = BUF_INIT, want = BUF_INIT;

	ck_assert_int_eq(dp_actions_parse("set(tunnel(tun_id=0x1,dst=1.1.1.1,ttl=64)),1,"
					  "set(tunnel(tun_id=0x2,dst=2.2.2.2)),2",
					  &acts, NULL),
			 0);
	ck_assert_int_eq(put_acts(&b, &acts, &ctx), 0);
	ck_assert_int_eq(kdp_acts_get(b.data, b.len, &back), 0);
	ck_assert_int_eq(dp_actions_parse("set(tunnel(tun_id=0x1,dst=1.1.1.1,ttl=64,flags(key))),1,"
					  "set(tunnel(tun_id=0x2,dst=2.2.2.2,flags(key))),2",
					  &want, NULL),
			 0);
	same_text(dp_actions_of(&want), dp_actions_of(&back));
	buf_clear(&acts);
	buf_clear(&b);
	ck_assert_int_eq(dp_actions_parse("set(tunnel(tun_id=0x1,dst=1.1.1.1)),1,"
					  "set(tunnel(tun_id=0x2)),2",
					  &acts, NULL),
			 0);
	ck_assert_int_eq(put_acts(&b, &acts, &ctx), -EINVAL); /* where to? */
	buf_done(&acts);
	buf_done(&b);
	buf_done(&back);
	buf_done(&want);
}
END_TEST

START_TEST(features_are_heeded)
{
	struct dp_features f = { .actions = 1u << DP_ACT_OUTPUT };
	struct kdp_acts_ctx ctx = { .dl_type = htons(0x0800), .pid = 7, .features = &f };
	struct buf acts = BUF_INIT, b = BUF_INIT;

	ck_assert_int_eq(dp_actions_parse("1,clone(2)", &acts, NULL), 0);
	ck_assert_int_eq(put_acts(&b, &acts, &ctx), -EOPNOTSUPP);
	f.actions |= 1u << DP_ACT_CLONE;
	ck_assert_int_eq(put_acts(&b, &acts, &ctx), 0);
	buf_done(&acts);
	buf_done(&b);
}
END_TEST

/* ---- noise ---- */

static void read_noise(const uint8_t *p, size_t len)
{
	struct flow_key k, m;
	struct buf acts = BUF_INIT;

	if (!kdp_key_get(p, len, &k))
		(void)!kdp_key_get_mask(p, len, &k, &m);
	if (!kdp_acts_get(p, len, &acts))
		ck_assert_int_eq(dp_actions_check(dp_actions_of(&acts), NULL), 0);
	buf_done(&acts);
}

START_TEST(noise_is_read_safely)
{
	struct rng r = rng_start("noise");
	static const struct flow_key none;

	for (unsigned i = 0; i < 20000; i++) {
		struct kdp_acts_ctx ctx = { .dl_type = htons(0x0800), .pid = 7 };
		struct buf b = BUF_INIT, acts = BUF_INIT;
		struct flow_key k;
		uint8_t *copy;

		if (i % 2) {
			random_key(&r, &k);
			kdp_key_put(&b, &k, &none);
		} else {
			ck_assert_int_eq(dp_actions_parse(lists[rng_below(&r, ARRAY_SIZE(lists))],
							  &acts, NULL),
					 0);
			ck_assert_int_eq(put_acts(&b, &acts, &ctx), 0);
		}
		for (unsigned j = 0; j < 1 + rng_below(&r, 4) && b.len; j++)
			b.data[rng_below(&r, b.len)] = (uint8_t)rng_next(&r);
		b.len -= rng_below(&r, b.len + 1) * !rng_below(&r, 3);
		copy = malloc(b.len + 1); /* the sanitizers see its end */
		memcpy(copy, b.data, b.len);
		read_noise(copy, b.len);
		free(copy);
		buf_done(&b);
		buf_done(&acts);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel codec");
	TCase *t = tcase_create("codec");
	SRunner *run;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, every_field_has_its_row);
	tcase_add_test(t, every_action_has_its_row);
	tcase_add_test(t, keys_round_trip);
	tcase_add_test(t, masks_are_never_wider);
	tcase_add_test(t, masks_settle);
	tcase_add_test(t, what_cannot_be_matched_is_refused);
	tcase_add_test(t, actions_round_trip);
	tcase_add_test(t, every_settable_field_round_trips);
	tcase_add_test(t, cuts_and_userspace);
	tcase_add_test(t, cuts_know_of_tags);
	tcase_add_test(t, tunnel_sets_are_whole);
	tcase_add_test(t, features_are_heeded);
	tcase_add_test(t, noise_is_read_safely);
	suite_add_tcase(s, t);
	run = srunner_create(s);
	srunner_run_all(run, CK_ENV);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
