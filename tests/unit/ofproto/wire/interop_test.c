/* SPDX-License-Identifier: Apache-2.0 */
/* The same bytes as Open vSwitch's own ovs-ofctl: flows given to it as text arrive here as
 * messages, are decoded, compared with what our text parser makes of the same line, and encoded
 * again, byte for byte; and what we encode is handed to its ofp-print.  Skipped where ovs-ofctl is
 * missing. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/str.h"
#include "ofproto/text/flow_text.h"
#include "ofproto/text/msg_text.h"
#include "ofproto/wire/codec.h"
#include "tests/unit/ofproto/wire/samples.h"

#define V10 1
#define V13 2
#define BOTH (V10 | V13)

/* A flow as a person writes it, and the versions that ovs-ofctl sends it with. */
static const struct {
	const char *text;
	int versions;
} flows[] = {
	{ "priority=0,actions=normal", BOTH },
	{ "in_port=1,actions=2,in_port,flood,all,local", BOTH },
	{ "in_port=LOCAL,actions=controller,controller:100", BOTH },
	{ "table=3,priority=5,idle_timeout=3,hard_timeout=5,cookie=0x123,actions=drop", BOTH },
	{ "send_flow_rem,check_overlap,dl_type=0x1234,actions=1", BOTH },
	{ "dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,actions=1", BOTH },
	{ "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=1", BOTH },
	{ "dl_vlan=5,actions=strip_vlan", V10 },
	{ "dl_vlan=5,dl_vlan_pcp=3,actions=1", BOTH },
	{ "dl_vlan_pcp=3,actions=1", BOTH },
	{ "vlan_tci=0,actions=1", BOTH },
	{ "dl_vlan=0xffff,actions=1", BOTH },
	{ "vlan_tci=0x1000/0x1000,actions=1", BOTH },
	{ "vlan_tci=0x1123/0x1fff,actions=1", BOTH },
	{ "vlan_tci=0x2000/0x6000,actions=1", V10 },
	{ "ip,nw_src=10.0.0.0/8,nw_dst=10.1.2.3,actions=1", BOTH },
	{ "ip,nw_src=10.0.0.1/255.0.0.255,actions=1", BOTH },
	{ "ip,nw_tos=16,nw_ecn=2,nw_ttl=64,actions=1", BOTH },
	{ "ip,nw_frag=later,actions=1", BOTH },
	{ "arp,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,actions=1", BOTH },
	{ "arp,arp_sha=02:00:00:00:00:01,arp_tha=02:00:00:00:00:02,actions=1", BOTH },
	{ "tcp,tp_src=80,tp_dst=0x1000/0xf000,actions=1", BOTH },
	{ "tcp,tcp_flags=+syn-ack,actions=1", BOTH },
	{ "udp,tp_dst=53,actions=1", BOTH },
	{ "sctp,tp_src=5,actions=1", BOTH },
	{ "icmp,icmp_type=8,icmp_code=0,actions=1", BOTH },
	{ "ipv6,ipv6_src=fe80::1,ipv6_dst=ff02::/16,ipv6_label=5,actions=1", BOTH },
	{ "tcp6,tp_dst=80,actions=1", BOTH },
	{ "icmp6,icmp_type=135,icmp_code=0,nd_target=fe80::1,nd_sll=02:00:00:00:00:01,actions=1",
	  BOTH },
	{ "mpls,mpls_label=5,mpls_tc=3,mpls_bos=1,actions=1", BOTH },
	{ "tun_id=5,tun_src=1.2.3.4,tun_dst=1.2.3.5,tun_gbp_id=3,actions=1", BOTH },
	{ "tun_ipv6_dst=fe80::1,actions=1", BOTH },
	{ "metadata=5/0xff,actions=1", BOTH },
	{ "reg0=5,reg15=0x12/0xff,pkt_mark=7,actions=1", BOTH },
	{ "ct_state=+trk+est,ct_zone=5,ct_mark=3,ct_label=0x5,actions=1", BOTH },
	{ "actions=mod_dl_src:02:00:00:00:00:01,mod_dl_dst:02:00:00:00:00:02,1", V10 },
	{ "ip,actions=mod_nw_src:1.2.3.4,mod_nw_dst:1.2.3.5,mod_nw_tos:16,1", V10 },
	{ "tcp,actions=mod_tp_src:5,mod_tp_dst:6,1", V10 },
	{ "actions=mod_vlan_vid:5,mod_vlan_pcp:3,1", V10 },
	{ "actions=enqueue:1:2", V10 },
	{ "actions=set_queue:3,1,pop_queue", BOTH },
	{ "actions=set_tunnel:5,set_tunnel64:6,1", V10 },
	{ "actions=set_field:5->tun_id,1", V13 },
	{ "actions=set_field:02:00:00:00:00:01->eth_src,1", V13 },
	{ "ip,actions=set_field:1.2.3.4->ip_src,1", V13 },
	{ "tcp,actions=set_field:80->tcp_dst,1", V13 },
	{ "actions=set_field:5->reg0,set_field:0x12345678901234567890->xxreg0,1", V13 },
	{ "actions=set_field:7->metadata,set_field:6->pkt_mark,1", V13 },
	{ "actions=push_vlan:0x8100,set_field:4101->vlan_vid,1", V13 },
	{ "dl_vlan=5,actions=pop_vlan,1", V13 },
	{ "ip,actions=push_mpls:0x8847,set_field:5->mpls_label,1", V13 },
	{ "mpls,actions=pop_mpls:0x0800,1", BOTH },
	{ "mpls,actions=set_mpls_ttl(5),dec_mpls_ttl,1", BOTH },
	{ "ip,actions=dec_ttl,1", BOTH },
	{ "ip,actions=dec_ttl(1,2),1", BOTH },
	{ "ip,actions=mod_nw_ttl:5,1", V13 },
	{ "actions=resubmit:1,resubmit(,2),resubmit(3,4)", BOTH },
	{ "actions=load:5->NXM_NX_REG0[],load:3->NXM_NX_REG1[4..7],1", BOTH },
	{ "actions=load:0x02->NXM_OF_ETH_DST[40..47],load:1->OXM_OF_METADATA[63],1", BOTH },
	{ "actions=move:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31],1", BOTH },
	{ "actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],1", BOTH },
	{ "actions=output:NXM_NX_REG0[0..15]", BOTH },
	{ "actions=note:01.02.03,note:", BOTH },
	{ "actions=1,exit", BOTH },
	{ "actions=group:5", BOTH },
	{ "actions=controller(reason=no_match,max_len=12,id=3)", BOTH },
	{ "actions=learn(table=1,hard_timeout=60,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_"
	  "ETH_SRC[],output:NXM_OF_IN_PORT[])",
	  BOTH },
	{ "actions=learn(table=1,idle_timeout=5,hard_timeout=60,fin_idle_timeout=3,fin_hard_"
	  "timeout="
	  "4,priority=7,send_flow_rem,delete_learned,cookie=0x12,limit=5,eth_type=0x800,NXM_OF_"
	  "VLAN_TCI[0..11]=5,nw_proto=6,NXM_NX_REG0[0..15]=NXM_NX_REG1[16..31],load:NXM_OF_IN_PORT["
	  "]->NXM_NX_REG0[0..15],load:0x5->NXM_NX_REG3[],output:NXM_OF_IN_PORT[]),1",
	  BOTH },
	{ "actions=1,write_metadata:0x5/0xf", BOTH },
	{ "actions=1,write_metadata:5,goto_table:3", V13 },
	{ "actions=1,clear_actions,write_actions(set_field:5->reg0,output:3),goto_table:9", V13 },
	{ "table=5,actions=goto_table:6", V13 },
	{ "actions=meter:1,2", V13 },
	{ "ip,actions=ct", BOTH },
	{ "ip,actions=ct(commit)", BOTH },
	{ "ip,actions=ct(commit,force,zone=5,table=3)", BOTH },
	{ "ip,actions=ct(zone=NXM_NX_REG0[0..15],table=1),ct(zone=reg5[4..19],table=0)", BOTH },
	{ "tcp,actions=ct(commit,alg=ftp),1", BOTH },
	{ "udp,actions=ct(commit,alg=tftp),1", BOTH },
	{ "ip,actions=ct(commit,exec(load:5->NXM_NX_CT_MARK[0..3],load:7->NXM_NX_CT_LABEL[64..95])"
	  ")",
	  BOTH },
	{ "ip,actions=ct(commit,exec(set_field:5->ct_mark,move:NXM_NX_REG0[]->NXM_NX_CT_MARK[]))",
	  V13 },
	{ "ip,actions=ct(nat,table=2)", BOTH },
	{ "ip,actions=ct(commit,nat(src))", BOTH },
	{ "ip,actions=ct(commit,nat(src=10.0.0.1))", BOTH },
	{ "ip,actions=ct(commit,nat(dst=10.0.0.1-10.0.0.9:50-60,random))", BOTH },
	{ "ip,actions=ct(commit,nat(src=10.0.0.1:80,hash,persistent))", BOTH },
	{ "ip,actions=ct(commit,nat(src=1.2.3.4-1.2.3.4:5-5))", BOTH },
	{ "ipv6,actions=ct(commit,nat(src=[fe80::1]-[fe80::5]:5-6))", BOTH },
	{ "ipv6,actions=ct(commit,nat(dst=fe80::1-fe80::7))", BOTH },
	{ "ip,actions=ct(commit,table=5,nat(src=1.2.3.4),zone=9,exec(load:5->NXM_NX_CT_LABEL[0..31]"
	  "))",
	  BOTH },
	{ "ip,actions=ct_clear,1", BOTH },
	{ "actions=clone(1,2,resubmit(,3)),4", BOTH },
	{ "actions=clone(clone(load:1->NXM_NX_REG0[]),exit)", BOTH },
	{ "actions=clone(push_vlan:0x8100,set_field:4101->vlan_vid,output:2)", V13 },
	{ "actions=output(port=1,max_len=100),output(max_len=14,port=LOCAL)", BOTH },
	{ "actions=output(port=in_port,max_len=65536)", BOTH },
	{ "actions=push:NXM_NX_REG0[],pop:NXM_NX_REG1[0..5],push:eth_src[8..15],pop:in_port",
	  BOTH },
	{ "actions=push:NXM_NX_XXREG0[],pop:NXM_NX_XXREG1[64..127]", BOTH },
	{ "actions=check_pkt_larger(1500)->NXM_NX_REG0[3],1", BOTH },
	{ "actions=check_pkt_larger(65535)->NXM_NX_XXREG0[127]", BOTH },
	{ "actions=sample(probability=12345,collector_set_id=23456,obs_domain_id=34567,"
	  "obs_point_id=45678)",
	  BOTH },
	{ "actions=sample(probability=1,sampling_port=56789)", BOTH },
	{ "actions=sample(probability=65535,sampling_port=1,egress)", BOTH },
	{ "actions=sample(probability=1,ingress),1", BOTH },
	{ "actions=conjunction(5,1/2),conjunction(4294967295,64/64)", BOTH },
	{ "conj_id=5,actions=1", BOTH },
	{ "tcp,actions=fin_timeout(idle_timeout=10,hard_timeout=20),1", BOTH },
	{ "tcp,actions=fin_timeout(hard_timeout=20)", BOTH },
	{ "ip,ct_state=+trk+est,actions=resubmit(,1,ct),resubmit(3,2,ct)", BOTH },
	{ "mpls,actions=set_mpls_label:5,set_mpls_tc:3", V10 },
	{ "actions=write_actions(resubmit(,1)),goto_table:3", V13 },
	{ "ip,actions=write_actions(ct(commit,zone=3))", V13 },
	{ "ip,actions=write_actions(ct_clear)", V13 },
};

/* --- a peer for ovs-ofctl ----------------------------------------------------------------------
 */

static bool have_ovs(void)
{
	return system("ovs-ofctl --version >/dev/null 2>&1") == 0;
}

static int listen_loopback(uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

static bool read_all(int fd, uint8_t *p, size_t n)
{
	while (n) {
		ssize_t got = read(fd, p, n);

		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

/* What came, one after the other; replies go out as the switch would send them. */
struct peer {
	int fd;
	uint8_t version;
	struct ofp_proto proto;
	struct buf flow_mods; /* whole messages */
};

static void answer_table_features(const struct ofp_msg *m, struct buf *out)
{
	const struct ofp_table_features f = { .table = 3, .n_tables = 254, .name = "three" };
	struct ofp_multipart mp;

	ofp_multipart_begin(&mp, out, OFP_TABLE_FEATURES_REPLY, m->version, m->xid);
	ofp_put_table_features(&mp, &f);
	ck_assert_uint_eq(ofp_multipart_end(&mp), 0);
}

static void answer(struct peer *p, const struct ofp_msg *m, struct buf *out)
{
	static const struct ofp_switch_features f = { .datapath_id = 5, .n_tables = 254 };

	if (m->kind == OFP_HELLO)
		ofp_put_hello(out, OFP_VERSION_BIT(p->version), m->xid);
	else if (m->kind == OFP_ECHO_REQUEST)
		ofp_put_echo_reply(out, m);
	else if (m->kind == OFP_FEATURES_REQUEST)
		ofp_put_features_reply(out, p->version, m->xid, &f, NULL, 0);
	else if (m->kind == OFP_BARRIER_REQUEST)
		ofp_put_empty(out, OFP_BARRIER_REPLY, p->version, m->xid);
	else if (m->kind == OFP_TABLE_FEATURES_REQUEST)
		answer_table_features(m, out);
	else if (m->kind == OFP_TABLE_STATS_REQUEST || m->kind == OFP_PORT_DESC_REQUEST)
		ofp_put_empty(out, ofp_reply_kind(m->kind), p->version, m->xid);
	else if (m->kind == OFP_NXT_SET_FLOW_FORMAT)
		ck_assert_int_eq(ofp_decode_set_flow_format(m, &p->proto.nxm), 0);
	else if (m->kind == OFP_NXT_FLOW_MOD_TABLE_ID)
		ck_assert_int_eq(ofp_decode_flow_mod_table_id(m, &p->proto.table_id), 0);
	else if (m->kind == OFP_FLOW_MOD || m->kind == OFP_NXT_FLOW_MOD)
		buf_put(&p->flow_mods, m->all.p, cursor_left(&m->all));
}

static void print_msg(const uint8_t *msg, size_t len)
{
	struct str s = STR_INIT;

	ofp_msg_format(msg, len, &s);
	printf("%s\n", str_cstr(&s));
	str_done(&s);
}

static void serve(struct peer *p)
{
	static uint8_t msg[OFP_MAX_LEN];

	while (read_all(p->fd, msg, OFP_HEADER_LEN)) {
		int len = ofp_frame_len(msg, OFP_HEADER_LEN);
		struct buf out = BUF_INIT;
		struct ofp_msg m;

		ck_assert_int_ge(len, OFP_HEADER_LEN);
		ck_assert(read_all(p->fd, msg + OFP_HEADER_LEN, (size_t)len - OFP_HEADER_LEN));
		ck_assert_msg(!ofp_msg_identify(msg, (size_t)len, &m), "type %u", msg[1]);
		if (getenv("SHUNT_TEST_VERBOSE"))
			print_msg(msg, (size_t)len);
		answer(p, &m, &out);
		ck_assert_int_eq(write(p->fd, out.data, out.len), (ssize_t)out.len);
		buf_done(&out);
	}
}

static void write_flows(char *path, int version_bit)
{
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < ARRAY_SIZE(flows); i++)
		if (flows[i].versions & version_bit)
			ck_assert_int_gt(fprintf(f, "%s\n", flows[i].text), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static pid_t spawn_ofctl(uint8_t version, const char *path, uint16_t port)
{
	char vers[16], target[32];
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid)
		return pid;
	(void)snprintf(vers, sizeof(vers), "OpenFlow1%d", version == OFP10 ? 0 : 3);
	(void)snprintf(target, sizeof(target), "tcp:127.0.0.1:%u", port);
	(void)alarm(30);
	(void)execlp("ovs-ofctl", "ovs-ofctl", "-O", vers, "add-flows", target, path, (char *)NULL);
	_exit(127);
}

/* Runs ovs-ofctl with the flows of one version against us; it connects as often as it likes. */
static void collect(struct peer *p, int version_bit)
{
	char path[] = "/tmp/shunt-interop-XXXXXX";
	uint16_t port;
	struct pollfd pfd = { .fd = listen_loopback(&port), .events = POLLIN };
	int status;
	pid_t pid;

	write_flows(path, version_bit);
	pid = spawn_ofctl(p->version, path, port);
	while (!waitpid(pid, &status, WNOHANG)) {
		if (poll(&pfd, 1, 20) <= 0)
			continue;
		p->fd = accept(pfd.fd, NULL, NULL);
		ck_assert_int_ge(p->fd, 0);
		serve(p);
		(void)close(p->fd);
	}
	(void)close(pfd.fd);
	(void)unlink(path);
	ck_assert_int_eq(status, 0);
}

/* --- comparing ---------------------------------------------------------------------------------
 */

static void hex(const uint8_t *p, size_t n, struct str *out)
{
	for (size_t i = 0; i < n; i++)
		str_printf(out, "%02x", p[i]);
}

static unsigned compare_bytes(const char *text, const struct buf *ours, const uint8_t *theirs,
			      size_t n)
{
	struct str a = STR_INIT, b = STR_INIT;
	unsigned bad = ours->len != n || memcmp(ours->data, theirs, n);

	if (bad) {
		hex(ours->data, ours->len, &a);
		hex(theirs, n, &b);
		printf("%s\n  ours   %s\n  theirs %s\n", text, str_cstr(&a), str_cstr(&b));
	}
	str_done(&a);
	str_done(&b);
	return bad;
}

/* Decoding their message and parsing the text give the same flow; encoding gives their bytes. */
static unsigned compare(const struct peer *p, const char *text, const uint8_t *msg, size_t len)
{
	struct ofp_flow_mod wire, parsed;
	struct buf wire_acts = BUF_INIT, parsed_acts = BUF_INIT, out = BUF_INIT;
	struct error err = ERROR_INIT;
	struct ofp_proto proto = p->proto;
	struct ofp_msg m;
	enum ofperr e;
	unsigned bad;

	ck_assert_int_eq(ofp_msg_identify(msg, len, &m), 0);
	e = ofp_decode_flow_mod(&m, &proto, &wire, &wire_acts);
	ck_assert_msg(!e, "%s: decode: %s", text, ofperr_name(e));
	ck_assert_msg(!flow_mod_parse(text, OFPFC_ADD_, NULL, &parsed, &parsed_acts, &err),
		      "%s: parse: %s: %s", text, err.field, err.cause);
	ck_assert_int_eq(wire.priority, parsed.priority);
	if (wire.table == OFPTT_ALL_) /* 1.0: the text does not say, and the message can say so */
		parsed.table = OFPTT_ALL_;
	ck_assert_uint_eq(wire.table, parsed.table);
	proto.nxm = m.kind == OFP_NXT_FLOW_MOD;
	ofp_put_flow_mod(&out, &proto, m.xid, &wire);
	bad = compare_bytes(text, &out, msg, len);
	buf_clear(&out);
	ofp_put_flow_mod(&out, &proto, m.xid, &parsed);
	bad += compare_bytes(text, &out, msg, len);
	buf_done(&out);
	buf_done(&wire_acts);
	buf_done(&parsed_acts);
	return bad;
}

static void run_version(uint8_t version, int version_bit)
{
	struct peer p = { .version = version, .proto = { .version = version } };
	size_t at = 0;
	unsigned bad = 0;

	collect(&p, version_bit);
	for (size_t i = 0; i < ARRAY_SIZE(flows); i++) {
		int len;

		if (!(flows[i].versions & version_bit))
			continue;
		ck_assert_msg(at < p.flow_mods.len, "nothing came for: %s", flows[i].text);
		len = ofp_frame_len(p.flow_mods.data + at, p.flow_mods.len - at);
		bad += compare(&p, flows[i].text, p.flow_mods.data + at, (size_t)len);
		at += (size_t)len;
	}
	ck_assert_uint_eq(at, p.flow_mods.len);
	ck_assert_uint_eq(bad, 0);
	buf_done(&p.flow_mods);
}

START_TEST(flows_of10)
{
	run_version(OFP10, V10);
}
END_TEST

START_TEST(flows_of13)
{
	run_version(OFP13, V13);
}
END_TEST

/* --- what ovs-ofctl makes of our messages ------------------------------------------------------
 */

/* Parts of its output over all samples. */
static const char *const printed[] = {
	"OFPT_HELLO (OF1.3) (xid=0x7):\n version bitmap: 0x01, 0x04",
	"OFPT_ERROR (xid=0x9): OFPBRC_BAD_LEN",
	"OFPT_ERROR (xid=0x9): OFPBMC_BAD_PREREQ",
	"OFPT_ERROR (xid=0x9): NXBRC_UNENCODABLE_ERROR",
	"OFPT_ERROR (OF1.3) (xid=0x9): OFPBIC_DUP_INST",
	"OFPT_FEATURES_REPLY (xid=0x5): dpid:0000000000001234\nn_tables:254, n_buffers:0\n"
	"capabilities: FLOW_STATS TABLE_STATS PORT_STATS QUEUE_STATS ARP_MATCH_IP\n",
	" 5(veth5): addr:02:00:00:00:00:05\n     config:     NO_FWD\n     state:      "
	"LINK_DOWN\n     current:    10GB-FD COPPER AUTO_NEG\n     supported:  1GB-FD 10GB-FD "
	"AUTO_PAUSE_ASYM\n     speed: 10000 Mbps now, 10000 Mbps max\n",
	"capabilities: FLOW_STATS TABLE_STATS PORT_STATS GROUP_STATS QUEUE_STATS\n",
	"OFPT_GET_CONFIG_REPLY (OF1.3) (xid=0x5): frags=normal miss_send_len=128",
	"OFPT_PORT_STATUS (OF1.3) (xid=0x0): MOD: 5(veth5): addr:02:00:00:00:00:05",
	"     mask:   PORT_DOWN NO_FWD NO_PACKET_IN\n     advertise: 10GB-FD AUTO_PAUSE\n",
	"Manufacturer: Shunt\nHardware: hw\nSoftware: sw 1\nSerial Num: None\nDP Description: "
	"dp br0\n",
	"queue 1: min_rate:10.0%\nqueue 2: max_rate:50.0%\n",
	"OFPT_PACKET_IN (xid=0x0): total_len=60 in_port=7 (via action) data_len=40 (unbuffered)",
	"NXT_PACKET_IN (xid=0x0): table_id=3 cookie=0x55 total_len=60 reg2=0x9,tun_id=0x4d,"
	"metadata=0x5,in_port=7 (via action) data_len=40 (unbuffered)",
	"NXT_PACKET_IN2 (OF1.3) (xid=0x0): table_id=3 cookie=0x55 total_len=60 reg2=0x9,tun_id="
	"0x4d,metadata=0x5,in_port=7 (via action) data_len=40 (unbuffered)",
	"OFPT_PACKET_OUT (xid=0x3): in_port=ANY actions=output:3,load:0x1->NXM_NX_REG0[] "
	"data_len=60",
	"NXT_FLOW_REMOVED (xid=0x0): priority=7,tcp,reg1=0x5/0xff,nw_src=10.0.0.0/8,tp_dst=80 "
	"reason=hard table_id=3 cookie:0x12 duration1.500s idle5 pkts5 bytes500",
	" cookie=0x12, duration=2.500s, table=3, n_packets=5, n_bytes=500, idle_timeout=5, "
	"idle_age=3, priority=7,tcp,reg1=0x5/0xff,nw_src=10.0.0.0/8,tp_dst=80 actions=load:0x1->"
	"NXM_NX_REG0[],load:0x2->NXM_NX_TUN_ID[],note:01.02.00.00.00.00,learn(table=1,NXM_OF_ETH_"
	"DST[]=NXM_OF_ETH_SRC[],load:0x5->NXM_NX_REG1[0..7],output:NXM_OF_IN_PORT[]),resubmit(,4),"
	"output:3\n",
	"actions=meter:3,dec_ttl,set_field:1.2.3.4->ip_dst,clear_actions,write_actions(group:2,"
	"output:5),write_metadata:0x5/0x7,goto_table:7\n",
	"OFPST_AGGREGATE reply (OF1.3) (xid=0x0): packet_count=5 byte_count=500 flow_count=2",
	"  table 1 (\"tone\"):\n    active=3, lookup=5, matched=4\n    max_entries=1000\n",
	"  port  1: rx pkts=1, bytes=3, drop=0, errs=0, frame=?, over=0, crc=0\n",
	"           duration=5.500s\n",
	"  port 1 queue 2: bytes=3, pkts=4, errors=0, duration=5.500s\n",
	"NXT_ROLE_REQUEST (xid=0x5): role=primary",
	"OFPT_ROLE_REPLY (OF1.3) (xid=0x5): role=primary generation_id=5",
	"NXT_SET_FLOW_FORMAT (xid=0x5): format=nxm",
	"NXT_SET_PACKET_IN_FORMAT (OF1.3) (xid=0x5): format=nxt_packet_in2",
	"NXT_SET_CONTROLLER_ID (xid=0x5): id=9",
	" ADD group_id=3,type=select,bucket=weight:5,actions=output:1,bucket=watch_port:2,actions="
	"output:2,set_field:0x1->reg0\n",
	" group_id=3,duration=0.000000007s,ref_count=1,packet_count=5,byte_count=6,bucket0:packet_"
	"count=1,byte_count=2,bucket1:packet_count=3,byte_count=4\n",
	"max_meter:65536 max_bands:8 max_color:0\n",
	"band_types: drop\ncapabilities: kbps pktps burst stats\n",
	"ADD meter=3 kbps burst bands=\ntype=drop rate=1000 burst_size=2000\n"
	"type=dscp_remark rate=500 burst_size=0 prec_level=1\n",
	"DEL meter=all",
	"meter:3 flow_count:1 packet_in_count:5 byte_in_count:6 duration:7.500s bands:\n"
	"0: packet_count:1 byte_count:2\n1: packet_count:3 byte_count:4\n",
	"      next tables: 253\n      instructions: apply_actions clear_actions write_actions "
	"write_metadata goto_table\n",
};

static void ofp_print(const uint8_t *msg, size_t len, struct str *out)
{
	struct str cmd = STR_INIT;
	char chunk[4096];
	size_t n;
	FILE *f;

	str_puts(&cmd, "ovs-ofctl ofp-print ");
	hex(msg, len, &cmd);
	str_puts(&cmd, " 2>&1");
	f = popen(str_cstr(&cmd), "r");
	ck_assert_ptr_nonnull(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)))
		str_put(out, chunk, n);
	ck_assert_int_eq(pclose(f), 0);
	str_done(&cmd);
}

START_TEST(messages)
{
	struct str all = STR_INIT;
	struct buf b = BUF_INIT;

	samples(&b);
	for (size_t at = 0; at < b.len;) {
		size_t n = (size_t)ofp_frame_len(b.data + at, b.len - at), before = all.len;

		ofp_print(b.data + at, n, &all);
		ck_assert_msg(!strstr(str_cstr(&all) + before, "decode error") &&
				      !strstr(str_cstr(&all) + before, "WARN"),
			      "%s", str_cstr(&all) + before);
		at += n;
	}
	for (size_t i = 0; i < ARRAY_SIZE(printed); i++)
		ck_assert_msg(strstr(str_cstr(&all), printed[i]), "not there: %s", printed[i]);
	buf_done(&b);
	str_done(&all);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("interop");
	TCase *t = tcase_create("flows");
	SRunner *r;
	int failed;

	if (!have_ovs())
		return 77;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, flows_of10);
	tcase_add_test(t, flows_of13);
	tcase_add_test(t, messages);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
