/* SPDX-License-Identifier: Apache-2.0 */
/* Datapath text, keys and actions: both ways, as people write it, and with noise in it. */
#include <check.h>
#include <errno.h>

#include "core/base/xalloc.h"
#include "core/packet/action.h"
#include "core/packet/match.h"
#include "tests/unit/core/packet/random_key.h"

static void random_metadata(struct rng *r, struct flow_key *k)
{
	k->in_port = htonl((uint32_t)rng_below(r, 100));
	if (rng_below(r, 2))
		k->recirc_id = (be32)rng_next(r);
	if (rng_below(r, 2)) {
		k->ct_state = htonl((uint32_t)rng_below(r, 256));
		random_bytes(r, &k->ct_label, 16);
		k->ct_mark = (be32)rng_next(r);
		k->ct_zone = (be16)rng_next(r);
	}
	if (rng_below(r, 3) == 0) {
		random_bytes(r, &k->tunnel.tun_id, 16);
		k->tunnel.flags = htons((uint16_t)rng_below(r, 16));
		random_bytes(r, &k->tunnel.tos, 9);
	}
	if (rng_below(r, 3) == 0)
		random_bytes(r, &k->dp_hash, 12);
}

static void check_keys(const struct flow_key *want, const struct flow_key *got, const char *text)
{
	for (unsigned w = 0; w < FLOW_WORDS; w++)
		ck_assert_msg(flow_words_const(want)[w] == flow_words_const(got)[w],
			      "word %u: %016llx, not %016llx: %s", w,
			      (unsigned long long)ntoh64(flow_words_const(got)[w]),
			      (unsigned long long)ntoh64(flow_words_const(want)[w]), text);
}

START_TEST(keys_round_trip)
{
	struct rng r = rng_start("dp text");

	for (int i = 0; i < 5000; i++) {
		struct error err = ERROR_INIT;
		struct flow_key k, back, mask;
		struct str s = STR_INIT;

		random_packet_key(&r, &k);
		random_metadata(&r, &k);
		match_format_dp(&k, NULL, NULL, NULL, &s);
		ck_assert_msg(!match_parse_dp(&back, &mask, str_cstr(&s), &err), "%s: %s: %s",
			      err.field, err.cause, str_cstr(&s));
		check_keys(&k, &back, str_cstr(&s));
		ck_assert(flow_mask_within(&k, &mask));
		str_done(&s);
	}
}
END_TEST

START_TEST(masks_round_trip)
{
	struct rng r = rng_start("dp text masks");

	for (int i = 0; i < 5000; i++) {
		struct error err = ERROR_INIT;
		struct flow_key k, back, mask, mask_back;
		struct str s = STR_INIT;

		random_packet_key(&r, &k);
		random_metadata(&r, &k);
		match_format_dp(&k, NULL, NULL, NULL, &s);
		ck_assert(!match_parse_dp(&back, &mask, str_cstr(&s), NULL));
		/* fewer bits, but for those that say which headers there are */
		for (unsigned w = 0; w < FLOW_WORDS; w++)
			if (w != FLOW_WORD(dl_type) && w != FLOW_WORD(vlans) &&
			    w != FLOW_WORD(nw_proto) && w != FLOW_WORD(ct_state) &&
			    w != FLOW_WORD(in_port) && rng_below(&r, 2))
				flow_words(&mask)[w] &= rng_next(&r);
		if (field_prereq_ok(FIELD_PRE_ICMPV6, &k)) /* whether it is ND */
			mask.tp_src = mask.tp_dst = htons(0xff);
		flow_key_mask(&k, &k, &mask);
		str_clear(&s);
		match_format_dp(&k, &mask, NULL, NULL, &s);
		ck_assert_msg(!match_parse_dp(&back, &mask_back, str_cstr(&s), &err), "%s: %s: %s",
			      err.field, err.cause, str_cstr(&s));
		check_keys(&k, &back, str_cstr(&s));
		/* a tunnel of zeros, or a tuple of them, is not printed */
		if (!k.tunnel.tun_id && !k.tunnel.src && !k.tunnel.dst)
			memset(&mask.tunnel, 0, sizeof(mask.tunnel)),
				memset(&mask_back.tunnel, 0, sizeof(mask.tunnel));
		check_keys(&mask, &mask_back, str_cstr(&s));
		str_done(&s);
	}
}
END_TEST

static const struct {
	const char *in, *out; /* out NULL: refused */
} keys[] = {
	{ "recirc_id(0),in_port(2),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),"
	  "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.0/8,proto=6,tos=0/0xfc,ttl=64,frag=no),"
	  "tcp(src=1000,dst=80/0xfff0),tcp_flags(+syn-ack)",
	  "recirc_id(0),in_port(2),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),"
	  "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.0/8,proto=6,tos=0/0xfc,ttl=64,frag=no),"
	  "tcp(src=1000,dst=80/0xfff0),tcp_flags(+syn-ack)" },
	{ "recirc_id(0x5),in_port(1),eth_type(0x8100),vlan(vid=1,pcp=0),encap(eth_type(0x0806),"
	  "arp(sip=10.0.0.1,op=1))",
	  "recirc_id(0x5),in_port(1),eth_type(0x8100),vlan(vid=1,pcp=0),encap(eth_type(0x0806),"
	  "arp(sip=10.0.0.1,op=1))" },
	{ "in_port(1), eth_type(0x88a8),vlan(vid=5),encap(eth_type(0x8100),vlan(vid=6/0xf),"
	  "encap(eth_type(0x86dd),ipv6(src=fe80::/10,proto=58,tclass=0/0x3,hlimit=1,frag=later)))",
	  "in_port(1),eth_type(0x88a8),vlan(vid=5),encap(eth_type(0x8100),vlan(vid=6/0xf),"
	  "encap(eth_type(0x86dd),ipv6(src=fe80::/10,proto=58,tclass=0/"
	  "0x3,hlimit=1,frag=later)))" },
	{ "tunnel(tun_id=0x7,src=1.1.1.1,dst=2.2.2.2,ttl=64,tp_dst=4789,flags(-df+csum+key)),"
	  "in_port(3),ct_state(-new+est+trk),ct_zone(0x5),ct_mark(0x1/0x1),ct_label(0x1)",
	  "tunnel(tun_id=0x7,src=1.1.1.1,dst=2.2.2.2,ttl=64,tp_dst=4789,flags(-df+csum+key)),"
	  "in_port(3),ct_state(-new+est+trk),ct_zone(0x5),ct_mark(0x1/0x1),ct_label(0x1)" },
	{ "ufid:1234-5678, recirc_id(0),packet_type(ns=0,id=0),eth_type(0x8847),"
	  "mpls(label=100,tc=0,ttl=64,bos=1)",
	  "recirc_id(0),eth_type(0x8847),mpls(label=100,tc=0,ttl=64,bos=1)" },
	{ "in_port=1,tcp,tp_dst=80", "in_port(1),eth_type(0x0800),ipv4(proto=6),tcp(dst=80)" },
	{ "in_port(1),nosuch(1)", NULL },
	{ "in_port(1", NULL },
	{ "in_port(1))", NULL },
	{ "in_port(1)in_port(2)", NULL },
	{ "in_port(x)", NULL },
	{ "ipv4(nosuch=1)", NULL },
	{ "ipv4(src=1.2.3.4,src)", NULL },
	{ "ipv4(src(1.2.3.4))", NULL },
	{ "vlan(vid=1)", NULL },
	{ "eth_type(0x8100),vlan(vid=4096)", NULL },
	{ "encap(encap(encap(encap(eth_type(0x0800)))))", NULL },
	{ "packet_type(ns=1,id=0x800)", NULL },
};

START_TEST(keys_as_people_write_them)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct error err = ERROR_INIT;
		struct str s = STR_INIT;
		struct flow_key k, m;
		int r = match_parse_dp(&k, &m, keys[i].in, &err);

		ck_assert_msg(!r == !!keys[i].out, "%s: %s", keys[i].in, err.cause);
		ck_assert(!r || (r == -EINVAL && err.cause[0]));
		if (!r) {
			match_format_dp(&k, &m, NULL, NULL, &s);
			ck_assert_str_eq(str_cstr(&s), keys[i].out);
		}
		str_done(&s);
	}
}
END_TEST

/* --- actions --- */

static const struct {
	const char *in, *out;
} actions[] = {
	{ "", "drop" },
	{ "drop", "drop" },
	{ "drop(reason=3)", "drop(reason=3)" },
	{ "1,2", "1,2" },
	{ "set(ipv4(ttl=63)),push_vlan(vid=5,pcp=0),2",
	  "set(ipv4(ttl=63)),push_vlan(vid=5,pcp=0),2" },
	{ "push_vlan(vid=5,pcp=1,tpid=0x88a8),pop_vlan",
	  "push_vlan(tpid=0x88a8,vid=5,pcp=1),pop_vlan" },
	{ "set(eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)),1",
	  "set(eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)),1" },
	{ "set(ipv4(src=10.0.0.1,dst=10.0.0.0/8,tos=0x10/"
	  "0xfc)),set(tcp(dst=80)),set(skb_priority(0x5)),"
	  "set(skb_mark(0x1/0xf))",
	  "set(ipv4(src=10.0.0.1,dst=10.0.0.0/8,tos=0x10/"
	  "0xfc)),set(tcp(dst=80)),set(skb_priority(0x5)),"
	  "set(skb_mark(0x1/0xf))" },
	{ "set(ipv6(src=fe80::1,label=0x5))", "set(ipv6(src=fe80::1,label=0x5))" },
	{ "set(arp(op=2,sip=1.2.3.4)),set(nd(target=::1)),set(icmp(type=3)),set(mpls(label=5,ttl=3)"
	  ")",
	  "set(arp(sip=1.2.3.4,op=2)),set(nd(target=::1)),set(icmp(type=3)),set(mpls(label=5,ttl=3)"
	  ")" },
	{ "set(vlan(vid=5))", "set(vlan(vid=5))" },
	{ "set(tunnel(tun_id=0x0,ipv6_dst=fd00::1,tos=0x11,ttl=9,tp_dst=4790,vxlan(gbp(id=100,"
	  "flags=0)),"
	  "flags(df|key))),4790",
	  "set(tunnel(tun_id=0x0,ipv6_dst=fd00::1,tos=0x11,ttl=9,tp_dst=4790,vxlan(gbp(id=100,"
	  "flags=0)),"
	  "flags(df|key))),4790" },
	{ "set(tunnel(tun_id=0x1,dst=1.2.3.4,ttl=64,flags(df|key))),3",
	  "set(tunnel(tun_id=0x1,dst=1.2.3.4,ttl=64,flags(df|key))),3" },
	{ "push_mpls(label=100,tc=1,ttl=64,bos=1,eth_type=0x8847),pop_mpls(eth_type=0x800)",
	  "push_mpls(label=100,tc=1,ttl=64,bos=1,eth_type=0x8847),pop_mpls(eth_type=0x800)" },
	{ "hash(l4(5)),hash(sym_l4(0)),recirc(0x5)", "hash(l4(5)),hash(sym_l4(0)),recirc(0x5)" },
	{ "userspace(controller,max_len=128,cookie=0x1:0x2:0x3:0x4),userspace(miss)",
	  "userspace(controller,max_len=128,cookie=0x1:0x2:0x3:0x4),userspace(miss)" },
	{ "sample(sample=10%,actions(userspace(sFlow(vid=5,pcp=2,output=3,rate=10),max_len=128))),"
	  "2",
	  "sample(sample=10.0%,actions(userspace(sFlow(vid=5,pcp=2,output=3,rate=10),max_len="
	  "128))),2" },
	{ "userspace(sFlow(output=2147483651,rate=400))",
	  "userspace(sFlow(output=2147483651,rate=400))" },
	{ "userspace(sFlow(pcp=1,output=0,rate=1))",
	  "userspace(sFlow(vid=0,pcp=1,output=0,rate=1))" },
	{ "userspace(sflow)", "userspace(sflow)" },
	{ "userspace(sflow,cookie=0x1:0x2:0x3:0x4)", "userspace(sflow,cookie=0x1:0x2:0x3:0x4)" },
	{ "sample(sample=50%,actions(1,clone(2))),trunc(100),meter(5)",
	  "sample(sample=50.0%,actions(1,clone(2))),trunc(100),meter(5)" },
	{ "check_pkt_len(size=1500,gt(drop),le(1,2)),3",
	  "check_pkt_len(size=1500,gt(drop),le(1,2)),3" },
	{ "ct,ct_clear", "ct,ct_clear" },
	{ "ct(commit,zone=5,mark=0x1/"
	  "0xf,label=0x5,helper=ftp,timeout=tp1,nat(src=10.0.0.1-10.0.0.9:1-9,random))",
	  "ct(commit,zone=5,mark=0x1/"
	  "0xf,label=0x5,helper=ftp,timeout=tp1,nat(src=10.0.0.1-10.0.0.9:1-9,random))" },
	{ "ct(force_commit,nat(dst=[fe80::1-fe80::9]:80)),ct(nat)",
	  "ct(force_commit,nat(dst=[fe80::1-fe80::9]:80)),ct(nat)" },
	{ "ct(nat(dst=fe80::1))", "ct(nat(dst=fe80::1))" },
	{ "nosuch", NULL },
	{ "4294967296", NULL },
	{ "set(nosuch(1))", NULL },
	{ "set(eth_type(0x800))", NULL },
	{ "set(ipv4(proto=6))", NULL },
	{ "set(ipv4(ttl=256))", NULL },
	{ "set", NULL },
	{ "set()", NULL },
	{ "set(ipv4(ttl=1) x)", NULL },
	{ "set(ipv4(ttl=1),tcp(dst=2))", NULL },
	{ "hash(l4(0),5)", NULL },
	{ "sample(sample=1%,actions(1),2)", NULL },
	{ "check_pkt_len(size=5,gt(1),le(1),3)", NULL },
	{ "pop_vlan(1)", NULL },
	{ "ct_clear(1)", NULL },
	{ "push_vlan(vid=4096)", NULL },
	{ "push_vlan(tpid=0x9100)", NULL },
	{ "hash(l5(0))", NULL },
	{ "hash()", NULL },
	{ "recirc()", NULL },
	{ "recirc", NULL },
	{ "trunc(13)", NULL },
	{ "userspace(nosuch)", NULL },
	{ "userspace()", NULL },
	{ "userspace(sFlow(vid=5,pcp=2,output=3))", NULL },
	{ "userspace(sFlow(rate=5))", NULL },
	{ "userspace(sFlow(output=1,rate=0))", NULL },
	{ "userspace(sFlow(vid=4096,output=1,rate=1))", NULL },
	{ "userspace(controller(1))", NULL },
	{ "userspace(miss,cookie=1:2:3)", NULL },
	{ "sample(sample=101%,actions(1))", NULL },
	{ "sample(sample=1%)", NULL },
	{ "check_pkt_len(size=5,le(1),gt(1))", NULL },
	{ "ct(helper=abcdefghijklmnopqrstuvwxyz)", NULL },
	{ "ct(nat(src=1.2.3.4-fe80::1))", NULL },
	{ "ct(nat(src=1.2.3.4:9-1))", NULL },
	{ "clone(clone(clone(clone(clone(clone(clone(clone(1))))))))", NULL },
	{ "clone(1", NULL },
};

START_TEST(actions_as_people_write_them)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		struct buf a = BUF_INIT, b = BUF_INIT;
		struct error err = ERROR_INIT;
		struct str s = STR_INIT;
		int r = dp_actions_parse(actions[i].in, &a, &err);

		ck_assert_msg(!r == !!actions[i].out, "%s: %s", actions[i].in, err.cause);
		ck_assert(!r || (r == -EINVAL && err.cause[0] && !a.len));
		if (!r) {
			ck_assert(!dp_actions_check(dp_actions_of(&a), NULL));
			dp_actions_format(dp_actions_of(&a), NULL, NULL, &s);
			ck_assert_str_eq(str_cstr(&s), actions[i].out);
			ck_assert(!dp_actions_parse(str_cstr(&s), &b, NULL));
			ck_assert(dp_actions_equal(dp_actions_of(&a), dp_actions_of(&b)));
		}
		buf_done(&a);
		buf_done(&b);
		str_done(&s);
	}
}
END_TEST

START_TEST(shared_fields_take_the_packets_name)
{
	struct buf a = BUF_INIT;
	struct str s = STR_INIT;

	ck_assert(!dp_actions_parse("set(ipv6(hlimit=63,tclass=0x4)),1", &a, NULL));
	dp_actions_format_for(dp_actions_of(&a), htons(0x86dd), NULL, NULL, &s);
	ck_assert_str_eq(str_cstr(&s), "set(ipv6(tclass=0x4,hlimit=63)),1");
	str_clear(&s);
	dp_actions_format_for(dp_actions_of(&a), htons(0x0800), NULL, NULL, &s);
	ck_assert_str_eq(str_cstr(&s), "set(ipv4(tos=0x4,ttl=63)),1");
	buf_done(&a);
	str_done(&s);
}
END_TEST

/* Text with noise in it is refused or means something that prints and reads back the same. */
START_TEST(noise_is_refused_or_sound)
{
	struct rng r = rng_start("action text noise");
	static const char alphabet[] = "(),=/:-+|. 0123456789abcdefxsrtipv";

	for (int i = 0; i < 40000; i++) {
		char *text = xstrdup(actions[rng_below(&r, ARRAY_SIZE(actions))].in);
		size_t len = strlen(text);
		struct buf a = BUF_INIT, b = BUF_INIT;
		struct error err = ERROR_INIT;
		struct str s = STR_INIT;

		for (unsigned n = 1 + (unsigned)rng_below(&r, 3); len && n--;)
			text[rng_below(&r, len)] = alphabet[rng_below(&r, sizeof(alphabet) - 1)];
		if (!dp_actions_parse(text, &a, &err)) {
			dp_actions_format(dp_actions_of(&a), NULL, NULL, &s);
			ck_assert_msg(!dp_actions_parse(str_cstr(&s), &b, &err), "%s -> %s: %s",
				      text, str_cstr(&s), err.cause);
		}
		buf_done(&a);
		buf_done(&b);
		str_done(&s);
		free(text);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dp_text");
	TCase *tc = tcase_create("dp_text");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, keys_round_trip);
	tcase_add_test(tc, masks_round_trip);
	tcase_add_test(tc, keys_as_people_write_them);
	tcase_add_test(tc, actions_as_people_write_them);
	tcase_add_test(tc, shared_fields_take_the_packets_name);
	tcase_add_test(tc, noise_is_refused_or_sound);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
