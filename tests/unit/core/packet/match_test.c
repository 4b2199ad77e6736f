/* SPDX-License-Identifier: Apache-2.0 */
/* Matches: algebra against single packets, check and normalize, text both ways, and the text
 * against Debian's ovs-ofctl where it is installed. */
#include <check.h>
#include <errno.h>
#include <unistd.h>

#include "core/base/xalloc.h"
#include "core/packet/match.h"
#include "tests/unit/core/packet/random_key.h"

/* A match on some bits of a random packet, with every prerequisite. */
static void random_match(struct rng *r, struct match *m)
{
	struct flow_key k;

	random_packet_key(r, &k);
	k.in_port = htonl((uint32_t)(1 + rng_below(r, 0xfe00)));
	random_bytes(r, &k.regs, 4 * FLOW_N_REGS);
	random_bytes(r, &k.metadata, 8);
	random_bytes(r, &k.tunnel.tun_id, 16);
	random_bytes(r, &k.pkt_mark, 4);
	k.ct_state = htonl(0x22);
	random_bytes(r, &k.ct_label, 16);
	random_bytes(r, &k.ct_nw_src, 8);
	match_init_catchall(m);
	m->mask.dl_type = htons(0xffff);
	m->key.dl_type = k.dl_type;
	if (flow_is_ip(&k)) {
		m->mask.nw_proto = 0xff;
		m->key.nw_proto = k.nw_proto;
		if (k.nw_proto == 58 && flow_is_ipv6(&k)) {
			match_set_exact(m, field_get(FIELD_ICMPV6_TYPE),
					&(union field_value){ .b = { (uint8_t)ntohs(k.tp_src) } });
			match_set_exact(m, field_get(FIELD_ICMPV6_CODE),
					&(union field_value){ .b = { (uint8_t)ntohs(k.tp_dst) } });
		}
	}
	for (unsigned n = (unsigned)rng_below(r, 10); n--;) {
		const struct field *f = &field_table[rng_below(r, FIELD_N_IDS)];
		union field_value v, mask;

		if (f->id == FIELD_IP_FRAG || f->id == FIELD_PACKET_TYPE ||
		    !field_prereq_matched(f->prereq, &m->key, &m->mask))
			continue;
		field_read(f, &k, &v);
		field_ones(f, &mask);
		if (f->maskable && rng_below(r, 2))
			for (unsigned i = 0; i < f->n_bytes; i++)
				mask.b[i] &= (uint8_t)rng_next(r);
		if (f->id == FIELD_CT_STATE)
			mask.be32 = htonl(0x22);
		match_set(m, f, &v, &mask);
	}
}

/* The packet of the match with every other bit random. */
static void random_hit(struct rng *r, const struct match *m, struct flow_key *k)
{
	random_bytes(r, k, sizeof(*k));
	for (unsigned i = 0; i < FLOW_WORDS; i++)
		flow_words(k)[i] = (flow_words(k)[i] & ~flow_words_const(&m->mask)[i]) |
				   flow_words_const(&m->key)[i];
}

START_TEST(algebra_agrees_with_packets)
{
	struct rng r = rng_start("match algebra");

	for (int i = 0; i < 5000; i++) {
		struct match a, b, back;
		struct minimatch ma, mb;
		struct flow_key k;

		random_match(&r, &a);
		if (rng_below(&r, 2)) {
			b = a; /* a wider or other one */
			for (unsigned w = 0; w < FLOW_WORDS; w++)
				if (rng_below(&r, 3) == 0)
					flow_words(&b.mask)[w] &= rng_next(&r);
			match_init(&b, &b.key, &b.mask);
		} else {
			random_match(&r, &b);
		}
		minimatch_init(&ma, &a);
		minimatch_init(&mb, &b);
		minimatch_expand(&ma, &back);
		ck_assert(match_equal(&a, &back));
		ck_assert(minimatch_equal(&ma, &mb) == match_equal(&a, &b));
		random_hit(&r, &a, &k);
		ck_assert(match_hits(&a, &k));
		ck_assert(minimatch_hits(&ma, &k));
		ck_assert(minimatch_hits(&mb, &k) == match_hits(&b, &k));
		if (match_within(&a, &b))
			ck_assert(match_hits(&b, &k));
		if (match_hits(&b, &k))
			ck_assert(match_overlaps(&a, &b) && match_overlaps(&b, &a));
		minimatch_done(&ma);
		minimatch_done(&mb);
	}
}
END_TEST

START_TEST(random_matches_pass_the_check)
{
	struct rng r = rng_start("match check");

	for (int i = 0; i < 5000; i++) {
		struct error err = ERROR_INIT;
		struct match m;

		random_match(&r, &m);
		ck_assert_msg(!match_check(&m, &err), "%s: %s", err.field, err.cause);
		ck_assert(!match_normalize(&m));
	}
}
END_TEST

START_TEST(text_round_trip)
{
	struct rng r = rng_start("match text");

	for (int i = 0; i < 5000; i++) {
		struct error err = ERROR_INIT;
		struct str s = STR_INIT;
		struct match m, back;

		random_match(&r, &m);
		match_format(&m, NULL, NULL, &s);
		ck_assert_msg(!match_parse(&back, str_cstr(&s), NULL, NULL, &err), "%s: %s: %s",
			      str_cstr(&s), err.field, err.cause);
		ck_assert_msg(match_equal(&m, &back), "%s", str_cstr(&s));
		str_done(&s);
	}
}
END_TEST

static const struct {
	const char *in, *out; /* out NULL: refused by parse or check */
} cases[] = {
	{ "", "" },
	{ "in_port=1,tcp,nw_src=10.0.0.0/8,tp_dst=80",
	  "tcp,in_port=1,nw_src=10.0.0.0/8,tp_dst=80" },
	{ "in_port=LOCAL udp nw_dst=10.0.0.1/255.0.255.0 , tp_src=0x10/0xfff0",
	  "udp,in_port=LOCAL,nw_dst=10.0.0.0/255.0.255.0,tp_src=0x10/0xfff0" },
	{ "dl_vlan=5", "dl_vlan=5" },
	{ "dl_vlan=5,dl_vlan_pcp=3", "dl_vlan=5,dl_vlan_pcp=3" },
	{ "dl_vlan_pcp=3", "dl_vlan_pcp=3" },
	{ "vlan_tci=0x1005", "dl_vlan=5,dl_vlan_pcp=0" },
	{ "vlan_tci=0", "vlan_tci=0x0000" },
	{ "vlan_tci=0x1000/0x1000", "vlan_tci=0x1000/0x1000" },
	{ "vlan_tci=0/0x1000", "vlan_tci=0x0000/0x1000" },
	{ "vlan_vid=0x1005/0x100f", "vlan_tci=0x1005/0x100f" },
	{ "vlan_pcp=3,vlan_vid=0x1005", "dl_vlan=5,dl_vlan_pcp=3" },
	{ "dl_vlan=0xffff", "vlan_tci=0x0000" },
	{ "vlan_tci=0x7123/0xffff", "dl_vlan=291,dl_vlan_pcp=3" },
	{ "vlan_tci=0x6000/0xe000", "vlan_tci=0x6000/0xe000" },
	{ "vlan_tci=0x7000/0xf000", "dl_vlan_pcp=3" },
	{ "dl_src=1:2:3:4:5:6,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
	  "dl_src=01:02:03:04:05:06,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00" },
	{ "dl_type=0x1234", "dl_type=0x1234" },
	{ "dl_type=0x05ff", "dl_type=0x05ff" },
	{ "dl_type=2048", "ip" },
	{ "ip,nw_proto=99", "ip,nw_proto=99" },
	{ "ip,nw_proto=2", "ip,nw_proto=2" },
	{ "eth_type=0x86dd,ip_proto=6,tcp_dst=5", "tcp6,tp_dst=5" },
	{ "icmp,icmp_type=8,icmp_code=0", "icmp,icmp_type=8,icmp_code=0" },
	{ "icmp,tp_src=8", "icmp,icmp_type=8" },
	{ "icmp6,icmpv6_type=135,icmpv6_code=0,nd_target=fe80::1/64,nd_sll=00:11:22:33:44:55",
	  "icmp6,icmp_type=135,icmp_code=0,nd_target=fe80::/64,nd_sll=00:11:22:33:44:55" },
	{ "arp,arp_tha=00:11:22:33:44:55/ff:ff:ff:00:00:00,arp_op=1,arp_spa=10.0.0.1,"
	  "arp_tpa=10.0.0.0/24,arp_sha=00:11:22:33:44:55",
	  "arp,arp_spa=10.0.0.1,arp_tpa=10.0.0.0/24,arp_op=1,arp_sha=00:11:22:33:44:55,"
	  "arp_tha=00:11:22:00:00:00/ff:ff:ff:00:00:00" },
	{ "arp,nw_src=1.2.3.4,nw_proto=2", "arp,arp_spa=1.2.3.4,arp_op=2" },
	{ "rarp,arp_op=3", "rarp,arp_op=3" },
	{ "mpls,mpls_label=100,mpls_tc=3,mpls_bos=1,mpls_ttl=64",
	  "mpls,mpls_label=100,mpls_tc=3,mpls_ttl=64,mpls_bos=1" },
	{ "mplsm,mpls_label=0", "mplsm,mpls_label=0" },
	{ "sctp6,tp_src=1,tp_dst=2", "sctp6,tp_src=1,tp_dst=2" },
	{ "udp6,tp_src=1,ipv6_src=fe80::/10,ipv6_dst=::1,ipv6_label=0x12345",
	  "udp6,ipv6_src=fe80::/10,ipv6_dst=::1,ipv6_label=0x12345,tp_src=1" },
	{ "tcp6,ipv6_label=0x12345/0xf0000", "tcp6,ipv6_label=0x10000/0xf0000" },
	{ "tcp,tcp_flags=+syn-ack", "tcp,tcp_flags=+syn-ack" },
	{ "tcp,tcp_flags=0x12", "tcp,tcp_flags=syn|ack" },
	{ "tcp,tcp_flags=0/0x12", "tcp,tcp_flags=-syn-ack" },
	{ "tcp,tcp_flags=0xe00/0xe00", "tcp,tcp_flags=+[200]+[400]+[800]" },
	{ "ip,nw_tos=0x20,nw_ecn=1,nw_ttl=64", "ip,nw_tos=32,nw_ecn=1,nw_ttl=64" },
	{ "ip,ip_dscp=5", "ip,nw_tos=20" },
	{ "ip,nw_frag=first", "ip,nw_frag=first" },
	{ "ip,nw_frag=later", "ip,nw_frag=later" },
	{ "ip,nw_frag=no", "ip,nw_frag=no" },
	{ "ip,nw_frag=yes", "ip,nw_frag=yes" },
	{ "ip,nw_frag=not_later", "ip,nw_frag=not_later" },
	{ "reg0=0,reg1=0x10/0xff,metadata=5", "reg0=0,reg1=0x10/0xff,metadata=0x5" },
	{ "xreg0=0x100000002", "reg0=0x1,reg1=0x2" },
	{ "xxreg1=0x1/0xff", "reg7=0x1/0xff" },
	{ "reg0[4..7]=5,reg0[0]=1", "reg0=0x51/0xf1" },
	{ "NXM_NX_REG0[0..3]=5", "reg0=0x5/0xf" },
	{ "tun_id=5,tun_src=1.2.3.4,tun_dst=1.2.0.0/16,tun_ipv6_src=::1,tun_ipv6_dst=::2,"
	  "tun_gbp_id=3,tun_gbp_flags=4,tun_flags=+oam,metadata=4,reg0=1,in_port=3",
	  "reg0=0x1,tun_id=0x5,tun_src=1.2.3.4,tun_dst=1.2.0.0/16,tun_ipv6_src=::1,"
	  "tun_ipv6_dst=::2,tun_gbp_id=3,tun_gbp_flags=0x4,tun_flags=+oam,metadata=0x4,"
	  "in_port=3" },
	{ "tun_gbp_id=5/0xff", "tun_gbp_id=0x5/0xff" },
	{ "pkt_mark=5/0xff", "pkt_mark=0x5/0xff" },
	{ "ct_state=+trk-new", "ct_state=-new+trk" },
	{ "ct_state=trk|est", "ct_state=est|trk" },
	{ "ct_state=0", "ct_state=0" },
	{ "ct_state=+trk+est,ct_zone=5,ct_mark=0x5/0xff,ct_label=0x5/0xff",
	  "ct_state=+est+trk,ct_zone=5,ct_mark=0x5/0xff,ct_label=0x5/0xff" },
	{ "ct_state=+trk+est,ip,ct_nw_src=1.2.3.4,ct_nw_dst=1.2.0.0/16,ct_nw_proto=6,ct_tp_src=1,"
	  "ct_tp_dst=0x10/0xf0",
	  "ct_state=+est+trk,ct_nw_src=1.2.3.4,ct_nw_dst=1.2.0.0/16,ct_nw_proto=6,ct_tp_src=1,"
	  "ct_tp_dst=0x10/0xf0,ip" },
	{ "ct_state=+trk+est,ipv6,ct_ipv6_src=fe80::1,ct_ipv6_dst=fe80::/64",
	  "ct_state=+est+trk,ct_ipv6_src=fe80::1,ct_ipv6_dst=fe80::/64,ipv6" },
	{ "conj_id=5", "conj_id=5" },
	{ "actset_output=LOCAL", "actset_output=LOCAL" },
	{ "packet_type=(0,0)", "" },
	{ "packet_type=(1,0x800)", "packet_type=(1,0x800)" },
	{ "recirc_id=0,tcp,in_port=5", "recirc_id=0,eth,tcp,in_port=5" },
	{ "recirc_id=5", "recirc_id=0x5" },
	{ "dp_hash=5/0xf", "dp_hash=0x5/0xf" },
	{ "reg0=*,in_port=*,tcp", "tcp" },
	{ "ip,nw_src=10.0.0.1/0", "ip" },
	{ "tcp,udp", "udp" },
	{ "ip,ip,nw_proto=17,tp_src=5", "udp,tp_src=5" },
	{ "in_port=65279", "in_port=65279" },
	{ "in_port=65534", "in_port=LOCAL" },
	{ "nosuch=1", NULL },
	{ "nosuch", NULL },
	{ "reg0", NULL },
	{ "reg0[32]=1", NULL },
	{ "reg0[0..3]=16", NULL },
	{ "reg0[3..0]=1", NULL },
	{ "reg0[x]=1", NULL },
	{ "reg0[0..3", NULL },
	{ "xxreg0[0..127]=1", NULL },
	{ "in_port=eth0", NULL },
	{ "nw_src=10.0.0.1", NULL },
	{ "tp_src=80", NULL },
	{ "ip,tp_src=80", NULL },
	{ "udp,tcp_flags=+syn", NULL },
	{ "ipv6,nd_target=fe80::1", NULL },
	{ "ct_nw_src=1.2.3.4", NULL },
	{ "mpls_label=5", NULL },
	{ "tcp,tp_src=5,nw_frag=later", NULL },
	{ "arp,ipv6_src=::1", NULL },
};

START_TEST(text_as_people_write_it)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = ERROR_INIT;
		struct str s = STR_INIT;
		struct match m;
		int r = match_parse(&m, cases[i].in, NULL, NULL, &err);

		if (!r)
			r = match_check(&m, &err);
		ck_assert_msg(!r == !!cases[i].out, "%s: %s: %s", cases[i].in, err.field,
			      err.cause);
		ck_assert(!r || (r == -EINVAL && err.cause[0]));
		if (!r) {
			match_format(&m, NULL, NULL, &s);
			ck_assert_str_eq(str_cstr(&s), cases[i].out);
		}
		str_done(&s);
	}
}
END_TEST

START_TEST(normalize_drops_what_does_not_apply)
{
	struct str s = STR_INIT;
	struct match m;

	ck_assert(!match_parse(&m, "in_port=3,nw_src=10.0.0.1,nw_proto=6,tp_src=80", NULL, NULL,
			       NULL));
	ck_assert(match_normalize(&m));
	match_format(&m, NULL, NULL, &s);
	ck_assert_str_eq(str_cstr(&s), "in_port=3");
	str_done(&s);
}
END_TEST

static int take_rest(void *aux, const char *key, const char *value, struct error *err)
{
	str_printf(aux, "[%s=%s]", key, value ? value : "(none)");
	return !strcmp(key, "bad") ? error_set(err, EPERM, key, "no") : 0;
}

START_TEST(other_words_go_to_the_caller)
{
	struct str s = STR_INIT;
	struct match m;

	ck_assert_int_eq(match_parse(&m,
				     "priority=5,tcp,check_overlap,in_port=\"eth 0\",in_port=p1,"
				     "actions=output:1,set_field:1->reg0,ct(table=1,zone=2)",
				     take_rest, &s, NULL),
			 0);
	ck_assert_str_eq(str_cstr(&s),
			 "[priority=5][check_overlap=(none)][in_port=eth 0][in_port=p1]"
			 "[actions=output:1,set_field:1->reg0,ct(table=1,zone=2)]");
	ck_assert_int_eq(match_parse(&m, "bad=1", take_rest, &s, NULL), -EPERM);
	str_done(&s);
}
END_TEST

static const char *port_name(void *aux, uint32_t port)
{
	return port == 1 ? "eth0" : port == 2 ? "veth-2" : NULL;
}

START_TEST(port_names_are_quoted_when_needed)
{
	static const char *const want[] = { "in_port=eth0", "in_port=\"veth-2\"", "in_port=3" };

	for (uint32_t i = 0; i < 3; i++) {
		struct str s = STR_INIT;
		struct match m;

		match_init_catchall(&m);
		match_set_exact(&m, field_get(FIELD_IN_PORT_OXM),
				&(union field_value){ .be32 = htonl(i + 1) });
		match_format(&m, port_name, NULL, &s);
		ck_assert_str_eq(str_cstr(&s), want[i]);
		str_done(&s);
	}
}
END_TEST

/* ovs-ofctl parses a file of flows without a switch and prints each as dump-flows would. */
static void compare_with_ofctl(const char *const *in, size_t n)
{
	char path[] = "/tmp/match_test.XXXXXX", cmd[128], line[2048];
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	size_t i = 0;

	for (size_t j = 0; j < n; j++)
		fprintf(f, "%s%sactions=drop\n", in[j], in[j][0] ? "," : "");
	fclose(f);
	snprintf(cmd, sizeof(cmd), "ovs-ofctl parse-flows %s 2>&1", path);
	f = popen(cmd, "r");
	while (fgets(line, sizeof(line), f)) {
		char *text = strstr(line, ": ADD "), *end = strstr(line, "actions=drop");

		if (!strncmp(line, "ovs-ofctl: ", 11))
			ck_abort_msg("%s", line);
		if (!text || !end)
			continue;
		text += 6;
		while (end > text && end[-1] == ' ')
			end--;
		*end = '\0';
		ck_assert_uint_lt(i, n);
		ck_assert_str_eq(text, in[i]);
		i++;
	}
	pclose(f);
	unlink(path);
	ck_assert_uint_eq(i, n);
}

/* ovs-ofctl reads an IPv6 address with its mask up to 45 characters. */
static bool ofctl_reads(const char *text)
{
	for (size_t n; *text; text += n + (text[n] != '\0')) {
		n = strcspn(text, ",");
		if (n > 9 + 46 && memchr(text, ':', n))
			return false;
	}
	return true;
}

START_TEST(text_agrees_with_ovs_ofctl)
{
	struct rng r = rng_start("match text against ovs-ofctl");
	char *in[1500];
	size_t n = 0;

	if (system("ovs-ofctl --version >/dev/null 2>&1")) {
		printf("ovs-ofctl is not installed: skipped\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (cases[i].out)
			in[n++] = xstrdup(cases[i].out);
	while (n < ARRAY_SIZE(in)) {
		struct str s = STR_INIT;
		struct match m;

		random_match(&r, &m);
		/* ovs-ofctl has no text for these */
		memset(&m.mask.tunnel, 0, sizeof(m.mask.tunnel));
		m.mask.skb_priority = m.mask.actset_output = m.mask.ct_nw_src = m.mask.ct_nw_dst =
			0;
		m.mask.ct_nw_proto = 0;
		m.mask.ct_tp_src = m.mask.ct_tp_dst = 0;
		memset(&m.mask.ct_ipv6_src, 0, 32);
		/* a tag that is matched not to be there has no other bits in OpenFlow 1.0 */
		if (m.mask.vlans[0].tci & ~m.key.vlans[0].tci & htons(VLAN_CFI))
			m.mask.vlans[0].tci = 0;
		match_init(&m, &m.key, &m.mask);
		match_format(&m, NULL, NULL, &s);
		if (ofctl_reads(str_cstr(&s)))
			in[n++] = str_steal(&s);
		str_done(&s);
	}
	compare_with_ofctl((const char *const *)in, n);
	while (n)
		free(in[--n]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("match");
	TCase *tc = tcase_create("match");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, algebra_agrees_with_packets);
	tcase_add_test(tc, random_matches_pass_the_check);
	tcase_add_test(tc, text_round_trip);
	tcase_add_test(tc, text_as_people_write_it);
	tcase_add_test(tc, normalize_drops_what_does_not_apply);
	tcase_add_test(tc, other_words_go_to_the_caller);
	tcase_add_test(tc, port_names_are_quoted_when_needed);
	tcase_add_test(tc, text_agrees_with_ovs_ofctl);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
