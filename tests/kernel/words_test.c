/* SPDX-License-Identifier: Apache-2.0 */
/* What we write the kernel takes, and tells back as the same: random matches, lists of actions. */
#include "core/datapath/kernel/key.h"
#include "tests/kernel/rig.h"
#include "tests/unit/core/packet/random_key.h"

static struct buf mask_words(const struct flow_key *key, const struct flow_key *mask)
{
	struct flow_key fit;
	struct buf b = BUF_INIT;

	ck_assert_int_eq(kdp_key_fit(key, mask, &fit), 0);
	kdp_key_put_mask(&b, key, &fit);
	return b;
}

/* The flow that a dump tells, which is the only one. */
static struct dp_flow_rec only_flow(struct dp_dump *cur)
{
	struct dp_flow_rec recs[2];

	*cur = (struct dp_dump){ .flags = DP_DUMP_FULL };
	ck_assert_int_eq(rig_dp->ops->flow_dump(rig_dp, cur, recs, 2), 1);
	ck_assert(!recs[0].strange);
	return recs[0];
}

static void random_match(struct rng *r, struct flow_key *k, struct flow_key *m)
{
	unsigned dense = (unsigned)rng_below(r, 4);

	random_packet_key(r, k);
	k->in_port = htonl(rig_port[rng_below(r, RIG_PORTS)].v);
	k->recirc_id = htonl((uint32_t)rng_below(r, 3));
	k->pkt_mark = (be32)rng_next(r);
	if (rng_below(r, 2)) {
		k->ct_state = htonl(CT_TRK | (uint32_t)rng_below(r, 256));
		k->ct_zone = (be16)rng_next(r);
		random_bytes(r, &k->ct_label, 16);
	}
	if (rng_below(r, 3) == 0) {
		k->tunnel.dst = htonl(1 + (uint32_t)rng_below(r, 99));
		k->tunnel.ttl = 64;
		k->tunnel.tun_id = (be64)rng_next(r);
		k->tunnel.flags = htons((uint16_t)(FLOW_TNL_F_KEY | rng_below(r, 8)));
	}
	memset(m, 0, sizeof(*m));
	for (unsigned id = 0; id < FIELD_N_IDS; id++) {
		/* The tuple of a packet that was not tracked it does not tell. */
		if (id >= FIELD_CT_NW_PROTO && id <= FIELD_CT_TP_DST)
			continue;
		if (kdp_field_table[id].attr && rng_below(r, 4) < dense)
			field_mask_set(field_get(id), m);
	}
}

START_TEST(matches_come_back)
{
	struct rng r = rng_start("words");
	unsigned taken = 0;

	for (unsigned i = 0; i < 3000; i++) {
		struct flow_key k, m, fit;
		struct dp_flow_op op = { .ufid = { { 1, i } }, .key = &k, .mask = &m };
		struct dp_flow_rec rec;
		struct dp_dump cur;
		struct buf a, b;

		random_match(&r, &k, &m);
		if (kdp_key_fit(&k, &m, &fit)) {
			ck_assert_int_ne(dp_flow_do(rig_dp, &op), 0);
			continue;
		}
		taken++;
		ck_assert_msg(!dp_flow_do(rig_dp, &op), "%u: %s (type %04x proto %u)", i,
			      strerrordesc_np(-op.result), flow_dl_type(&k), k.nw_proto);
		rec = only_flow(&cur);
		ck_assert(rec.ufid.u[1] == i);
		ck_assert(flow_key_equal_masked(&k, &rec.key, &m));
		a = mask_words(&k, &m);
		b = mask_words(&k, &rec.mask);
		ck_assert_msg(a.len == b.len && !memcmp(a.data, b.data, a.len),
			      "%u: another mask (type %04x proto %u)", i, flow_dl_type(&k),
			      k.nw_proto);
		rig_dp->ops->flow_dump_end(rig_dp, &cur);
		op.kind = DP_FLOW_DEL;
		ck_assert_int_eq(dp_flow_do(rig_dp, &op), 0);
		buf_done(&a);
		buf_done(&b);
	}
	ck_assert_uint_gt(taken, 2000);
}
END_TEST

static const char *const lists[] = {
	"",
	"1,2",
	"push_vlan(vid=5,pcp=3),1,pop_vlan,2",
	"set(eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)),1",
	"set(eth(src=02:00:00:00:00:01/ff:ff:00:00:00:00)),1",
	"set(ipv4(src=1.2.3.4,ttl=3)),set(udp(src=8)),2",
	"set(ipv4(tos=0x10/0xfc)),2",
	"set(skb_priority(0x1)),set(skb_mark(0x5/0xf)),1",
	"set(tunnel(tun_id=0x7,src=1.1.1.1,dst=2.2.2.2,ttl=64,flags(df|key))),1",
	"push_mpls(label=5,tc=1,ttl=7,bos=1,eth_type=0x8847),set(mpls(ttl=3)),1",
	"recirc(0x4)",
	"hash(l4(3)),recirc(0x9)",
	"sample(sample=50.0%,actions(1,set(ipv4(ttl=1)),2)),1",
	"clone(clone(1),set(udp(dst=9)),2),set(ipv4(ttl=9)),1",
	"trunc(100),1,2",
	"meter(3),1",
	"ct_clear,1",
	"ct(commit,zone=5,mark=0x1/0xff,label=0x1/0x1),1",
	"ct(force_commit,zone=7,nat(src=10.0.0.1-10.0.0.9:100-200,random)),recirc(0x2)",
	"ct(zone=1,nat),recirc(0x3)",
	"check_pkt_len(size=1400,gt(1),le(2)),2",
};

static void same_text(struct dp_actions a, struct dp_actions b)
{
	struct str s = STR_INIT, t = STR_INIT;

	dp_actions_format(a, NULL, NULL, &s);
	dp_actions_format(b, NULL, NULL, &t);
	ck_assert_str_eq(str_cstr(&s), str_cstr(&t));
	str_done(&s);
	str_done(&t);
}

/* Also when they replace others. */
START_TEST(actions_come_back)
{
	struct flow_key k = rig_key(0, 1), m;
	struct dp_flow_op op = { .ufid = { { 1, 1 } }, .key = &k, .mask = &m };

	memset(&m, 0, sizeof(m));
	m.nw_frag = 3;
	m.nw_proto = UINT8_MAX; /* what is set later must be matched from the start */
	for (size_t i = 0; i < 2 * ARRAY_SIZE(lists); i++) {
		struct buf acts = rig_acts(lists[i / 2]);
		struct dp_flow_rec rec;
		struct dp_dump cur;

		op.actions = dp_actions_of(&acts);
		ck_assert_msg(!dp_flow_do(rig_dp, &op), "%s: %s", lists[i / 2],
			      strerrordesc_np(-op.result));
		op.kind = DP_FLOW_MODIFY;
		op.key = i % 2 ? &k : NULL; /* with its match, and without */
		rec = only_flow(&cur);
		same_text(op.actions, rec.actions);
		rig_dp->ops->flow_dump_end(rig_dp, &cur);
		buf_done(&acts);
	}
}
END_TEST

/* What the kernel lacks is done here, and what is behind it by the kernel. */
START_TEST(execute_does_what_the_kernel_cannot)
{
	struct flow_key key = rig_key(0, 1), got;
	struct dp_execute ex;
	struct packet *p;
	struct buf acts;
	uint8_t frame[2048];
	char text[128];
	size_t n;

	memset(&ex, 0, sizeof(ex));
	key.dl_type = htons(0x0806);
	key.nw_proto = 1;
	key.nw_ttl = 0;
	key.tp_src = key.tp_dst = 0;
	(void)snprintf(text, sizeof(text),
		       "set(arp(op=2,sip=10.0.0.77)),%u,set(eth(src=02:00:00:00:00:99)),%u",
		       rig_port[1].v, rig_port[2].v);
	acts = rig_acts(text);
	p = packet_compose(&key, 0);
	ex.packet = p;
	ex.key.in_port = key.in_port;
	ex.actions = dp_actions_of(&acts);
	ck_assert_uint_eq(rig_dp->ops->execute(rig_dp, &ex, 1), 0);
	for (unsigned port = 1; port <= 2; port++) {
		struct packet *q;

		n = wire_recv(rig_end[port], frame, sizeof(frame), 0x0806);
		ck_assert_uint_gt(n, 0);
		q = packet_new(frame, n, 0);
		ck_assert_int_eq(packet_parse(q, &got, NULL), PARSE_OK);
		ck_assert_uint_eq(got.nw_proto, 2);
		ck_assert_uint_eq(got.nw_src, htonl(0x0a00004d));
		ck_assert_uint_eq(got.dl_src.b[5], port == 1 ? 2 : 0x99);
		packet_free(q);
	}
	/* The packet was not ours to change. */
	ck_assert_int_eq(packet_parse(p, &got, NULL), PARSE_OK);
	ck_assert_uint_eq(got.nw_proto, 1);
	packet_free(p);
	buf_done(&acts);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("words");

	rig_devices();
	tcase_add_test(t, matches_come_back);
	tcase_add_test(t, actions_come_back);
	tcase_add_test(t, execute_does_what_the_kernel_cannot);
	return rig_run("kernel words", t);
}
