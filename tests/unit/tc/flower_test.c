/* SPDX-License-Identifier: Apache-2.0 */
/* The translators to TC flower and back.
 *
 * What the kernel does is modelled here as simply as can be: it compares attributes with what its
 * dissector shows of a packet (kernel_view()).  For random megaflows and packets:
 *   - a packet that the filter takes is one of the megaflow's, never another;
 *   - what is read back does to a packet what was asked for, byte for byte;
 *   - what is read back is written as it was.
 * That the kernel itself agrees is for the suites in tests/kernel. */
#include <check.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>

#include "core/io/nlattr.h"
#include "core/packet/action_exec.h"
#include "core/packet/match.h"
#include "core/packet/parse.h"
#include "core/packet/wire.h"
#include "tc/filter.h"
#include "tc/flower_action.h"
#include "tc/flower_keymap.h"
#include "tc/flower_match.h"
#include "tests/unit/tc/env.h"
#include "tests/unit/tc/near.h"

#define ROUNDS 20000
#define PACKETS 16

static const struct flower_env everything = ENV(FLOWER_F_RECIRC | FLOWER_F_NUM_VLANS);
static const struct flower_env newer =
	ENV(FLOWER_F_RECIRC | FLOWER_F_NUM_VLANS | FLOWER_F_TUNNEL_DF);
static const struct flower_env hw_only =
	ENV(FLOWER_F_RECIRC | FLOWER_F_NUM_VLANS | FLOWER_F_SKIP_SW);
static const struct flower_env software =
	ENV(FLOWER_F_RECIRC | FLOWER_F_NUM_VLANS | FLOWER_F_SOFTWARE);
static const struct flower_env driver = ENV(FLOWER_F_RECIRC | FLOWER_F_NUM_VLANS | FLOWER_F_DRIVER);

/* --- rows --- */

START_TEST(every_field_has_a_row)
{
	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		const struct flower_row *row = &flower_keymap[i];

		ck_assert_msg(row->how != FLOWER_UNSET, "%s has no row", field_table[i].name);
		if (row->how == FLOWER_WITH)
			ck_assert_msg(flower_keymap[row->with].how == FLOWER_GROUP ||
					      flower_keymap[row->with].how == FLOWER_PLACE,
				      "%s: with what leads no group", field_table[i].name);
		ck_assert_msg((row->how == FLOWER_BYTES || row->how == FLOWER_HOST) ==
				      (row->value != 0),
			      "%s: an attribute, or none", field_table[i].name);
	}
}
END_TEST

/* --- one rule, there and back --- */

struct trip {
	struct buf attrs; /* TCA_OPTIONS' payload */
	struct flower_match m;
	struct offload_refusal why;
	struct flow_key key, mask; /* read back */
	struct buf actions;
};

static void trip_start(struct trip *t)
{
	buf_init(&t->attrs);
	buf_init(&t->actions);
}

static void trip_done(struct trip *t)
{
	buf_done(&t->attrs);
	buf_done(&t->actions);
}

static int there(const struct flower_env *env, const struct offload_rule *r, struct trip *t)
{
	int rc;

	buf_clear(&t->attrs);
	rc = flower_match_put(env, r, flower_actions_want_whole(r->actions), &t->attrs, &t->m,
			      &t->why);
	return rc ? rc : flower_actions_put(env, r, &t->m, &t->attrs, &t->why);
}

static const struct nlattr *acts_of(const struct buf *attrs)
{
	bool bad = false;
	const struct nlattr *a;

	NLATTR_FOR_EACH(a, attrs->data, attrs->len, &bad)
	if (nlattr_type(a) == TCA_FLOWER_ACT)
		return a;
	return NULL;
}

static void and_back(const struct flower_env *env, const struct offload_rule *r, struct trip *t)
{
	const struct nlattr *acts = acts_of(&t->attrs);
	struct flower_counts counts;
	struct flower_at at = { .protocol = t->m.protocol,
				.chain = t->m.chain,
				.in = flow_in_dp(r->key) };
	struct flower_port in;
	struct ufid ufid;

	ck_assert(env_port(NULL, flow_in_dp(r->key), &in));
	at.kind = in.kind;
	ck_assert_int_eq(flower_match_get(t->attrs.data, t->attrs.len, &at, &t->key, &t->mask), 0);
	ck_assert_ptr_nonnull(acts);
	ck_assert_int_eq(flower_actions_owner(nlattr_data(acts), nlattr_len(acts), &ufid, &counts),
			 0);
	ck_assert_mem_eq(&ufid, &r->ufid, sizeof(ufid));
	buf_clear(&t->actions);
	ck_assert_int_eq(flower_actions_get(env, nlattr_data(acts), nlattr_len(acts), &t->key,
					    &t->mask, &t->actions),
			 0);
}

/* What the kernel's dissector shows of a packet, in the terms of our keys. */
static struct flow_key kernel_view(const struct flow_key *k)
{
	struct flow_key v = *k;

	if (flow_is_ip(k) && k->nw_frag)
		v.tp_src = v.tp_dst = v.tcp_flags = 0;
	if (flow_is_arp(k) && k->nw_proto != 1 && k->nw_proto != 2) {
		v.nw_src = v.nw_dst = 0;
		v.nw_proto = 0;
		memset(&v.arp_sha, 0, sizeof(v.arp_sha));
		memset(&v.arp_tha, 0, sizeof(v.arp_tha));
	}
	return v;
}

static void check_takes(struct rng *r, const struct offload_rule *rule, const struct trip *t,
			unsigned *hits)
{
	struct str text = STR_INIT;

	for (unsigned i = 0; i < PACKETS; i++) {
		struct flow_key k, view;

		near_rule(r, rule, &k);
		view = kernel_view(&k);
		if (!flow_key_equal_masked(&view, &t->key, &t->mask))
			continue;
		++*hits;
		if (flow_key_equal_masked(&k, rule->key, rule->mask))
			continue;
		str_puts(&text, "megaflow ");
		match_format_dp(rule->key, rule->mask, NULL, NULL, &text);
		str_puts(&text, "\nfilter ");
		match_format_dp(&t->key, &t->mask, NULL, NULL, &text);
		str_puts(&text, "\ntakes ");
		match_format_dp(&k, NULL, NULL, NULL, &text);
		ck_abort_msg("%s", str_cstr(&text));
	}
}

/* --- what actions do, as one text --- */

static bool note_side(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		      const struct dp_action *a)
{
	struct buf *out = x->aux;

	buf_put(out, a, dp_action_size(a));
	buf_put(out, p->data, p->len);
	if (a->kind == DP_ACT_OUTPUT) {
		const struct act_output *o = dp_action_payload(a);

		if (o->port.v == RULE_VXLAN)
			buf_put(out, &key->tunnel, offsetof(struct flow_tnl, flags));
	}
	return a->kind != DP_ACT_RECIRC;
}

static void done_to(const struct flow_key *key, struct dp_actions acts, struct buf *out)
{
	struct flow_key k = *key;
	struct packet *p = packet_compose(key, 64);
	struct exec_ctx x = { .side = note_side, .aux = out, .rng = 1 };

	(void)packet_parse(p, &k, NULL);
	actions_exec(&x, p, &k, acts);
	packet_free(p);
}

static void check_does(struct rng *r, const struct offload_rule *rule, const struct trip *t)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	for (unsigned i = 0; i < PACKETS; i++) {
		struct flow_key k;

		near_rule(r, rule, &k);
		if (!flow_key_equal_masked(&k, &t->key, &t->mask))
			continue;
		buf_clear(&a);
		buf_clear(&b);
		done_to(&k, rule->actions, &a);
		done_to(&k, dp_actions_of(&t->actions), &b);
		ck_assert_msg(a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len)),
			      "what is read back does something else");
	}
	buf_done(&a);
	buf_done(&b);
}

/* What was read back is a rule that is written as it was. */
static void check_again(const struct flower_env *env, const struct offload_rule *rule,
			struct trip *t, struct trip *again)
{
	struct offload_rule held = { .ufid = rule->ufid,
				     .key = &t->key,
				     .mask = &t->mask,
				     .actions = dp_actions_of(&t->actions) };

	ck_assert_int_eq(there(env, &held, again), 0);
	and_back(env, &held, again);
	ck_assert(flow_key_equal(&again->key, &t->key));
	ck_assert(flow_key_equal(&again->mask, &t->mask));
	if (!dp_actions_equal(dp_actions_of(&again->actions), dp_actions_of(&t->actions))) {
		struct str s = STR_INIT;

		dp_actions_format(rule->actions, NULL, NULL, &s);
		str_puts(&s, "\nread back: ");
		dp_actions_format(dp_actions_of(&t->actions), NULL, NULL, &s);
		str_puts(&s, "\nand again: ");
		dp_actions_format(dp_actions_of(&again->actions), NULL, NULL, &s);
		ck_abort_msg("%s", str_cstr(&s));
	}
}

static void round_trips(const char *name, const struct flower_env *env)
{
	struct rng r = rng_start(name);
	unsigned taken = 0, hits = 0;
	struct trip t, again;
	struct random_rule x;

	random_rule_start(&x);
	x.meters = x.samples = true;
	trip_start(&t);
	trip_start(&again);
	for (unsigned i = 0; i < ROUNDS; i++) {
		random_rule(&r, &x);
		if (there(env, &x.rule, &t)) {
			ck_assert_int_ne(t.why.reason, OFFLOAD_OK);
			continue;
		}
		taken++;
		and_back(env, &x.rule, &t);
		check_takes(&r, &x.rule, &t, &hits);
		check_does(&r, &x.rule, &t);
		check_again(env, &x.rule, &t, &again);
	}
	printf("%s: %u of %u rules taken, %u packets hit\n", name, taken, ROUNDS, hits);
	ck_assert_uint_gt(taken, ROUNDS / 20);
	ck_assert_uint_gt(hits, taken / 4);
	trip_done(&t);
	trip_done(&again);
	random_rule_done(&x);
}

START_TEST(there_and_back_hardware)
{
	round_trips("there_and_back_hardware", &everything);
}
END_TEST

START_TEST(there_and_back_software)
{
	round_trips("there_and_back_software", &software);
}
END_TEST

START_TEST(there_and_back_newer)
{
	round_trips("there_and_back_newer", &newer);
}
END_TEST

START_TEST(there_and_back_hw_only)
{
	round_trips("there_and_back_hw_only", &hw_only);
}
END_TEST

/* --- meters --- */

static int ask(const struct flower_env *env, const char *match, const char *actions,
	       struct trip *t);

#define TRACKED(STATE)                                                                             \
	"recirc_id(0x5),in_port(1),ct_state(" STATE "),eth_type(0x0800),ipv4(proto=6,frag=no)"
#define SFLOW(OUTPUT) "sample(sample=100.0%,actions(userspace(sFlow(output=" OUTPUT ",rate=1))))"
#define TCP4 "recirc_id(0),in_port(1),eth_type(0x0800),ipv4(proto=6,frag=no)"

/* In software each police action has neighbours that are the filter's own, whatever the rule does.
 */
START_TEST(taps_are_told_apart)
{
	static const char two[] = "set(ipv4(ttl=3)),meter(1),set(ipv4(ttl=4)),meter(2),"
				  "push_vlan(vid=7,pcp=1),2";
	static const char *const lists[] = { "meter(1)", "meter(1),meter(2),2", two };
	struct flower_tap taps[4];
	struct trip t;

	trip_start(&t);
	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
		for (unsigned hw = 0; hw < 2; hw++) {
			const struct nlattr *acts;
			unsigned n = i ? 2 : 1;

			ck_assert_int_eq(ask(hw ? &hw_only : &software, TCP4, lists[i], &t), 0);
			acts = acts_of(&t.attrs);
			ck_assert_uint_eq(
				flower_actions_taps(nlattr_data(acts), nlattr_len(acts), taps, 4),
				n);
			for (unsigned k = 0; k < n; k++)
				ck_assert_uint_eq(taps[k].index, police_index(true, k + 1, hw));
			ck_assert_uint_eq(
				flower_actions_taps(nlattr_data(acts), nlattr_len(acts), taps, 1),
				1);
		}
	trip_done(&t);
}
END_TEST

/* --- refusals --- */

struct refusal_row {
	const char *match, *actions;
	enum offload_reason reason;
	int field;
	int action;
};

static const struct refusal_row refusals[] = {
	{ "recirc_id(0),in_port(9),eth_type(0x0806)", "2", OFFLOAD_NO_DEVICE, -1, -1 },
	{ "recirc_id(0),in_port(1),eth_type(0x86dd),ipv6(label=0x5,frag=no)", "2", OFFLOAD_FIELD,
	  FIELD_IPV6_LABEL, -1 },
	{ "recirc_id(0),in_port(1),eth_type(0x8864)", "2", OFFLOAD_FIELD, FIELD_ETH_TYPE, -1 },
	{ "recirc_id(0),in_port(1),eth_type(0x8100),vlan(vid=0x5/0x7),encap(eth_type(0x0806))", "2",
	  OFFLOAD_MASK, FIELD_VLAN_VID, -1 },
	{ "recirc_id(0),in_port(1),eth_type(0x8847),mpls(label=5/0xff,tc=0/0,ttl=0/0,bos=1)", "2",
	  OFFLOAD_MASK, FIELD_MPLS_LABEL, -1 },
	{ "recirc_id(0),in_port(1),eth_type(0x0806),arp(sip=0.0.0.0)", "2", OFFLOAD_MASK,
	  FIELD_ARP_OP, -1 },
	{ "recirc_id(0),in_port(1),eth_type(0x0806),arp(op=3)", "2", OFFLOAD_MASK, FIELD_ARP_OP,
	  -1 },
	{ "recirc_id(0),in_port(1),eth_type(0x0800),ipv4(proto=137,frag=no)", "2", OFFLOAD_FIELD,
	  FIELD_IP_PROTO, -1 },
	{ TCP4, "9", OFFLOAD_OUT_DEVICE, -1, DP_ACT_OUTPUT },
	{ TCP4, "trunc(100),2", OFFLOAD_ACTION, -1, DP_ACT_TRUNC },
	{ TCP4, SFLOW("13") ",2", OFFLOAD_ACTION, -1, DP_ACT_SAMPLE }, /* has no number */
	{ TCP4, "sample(sample=20.0%,actions(2)),3", OFFLOAD_ACTION, -1, DP_ACT_SAMPLE },
	{ TCP4, "sample(sample=50.0%,actions(userspace(sFlow(output=2,rate=5)))),2", OFFLOAD_ACTION,
	  -1, DP_ACT_SAMPLE }, /* not its rate */
	{ TCP4, "sample(sample=20.0%,actions(userspace(controller))),2", OFFLOAD_ACTION, -1,
	  DP_ACT_SAMPLE },
	{ "recirc_id(0),in_port(1),eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x0806))",
	  SFLOW("2") ",2", OFFLOAD_ACTION, -1, DP_ACT_SAMPLE },
	{ TCP4, "meter(7),2", OFFLOAD_METER, -1, DP_ACT_METER },
	{ TCP4, "pop_vlan,2", OFFLOAD_ACTION, -1, DP_ACT_POP_VLAN },
	{ TCP4, "userspace(slow_path)", OFFLOAD_SLOW_PATH, -1, DP_ACT_USERSPACE },
	{ TCP4, "recirc(0x20000000)", OFFLOAD_RECIRC, -1, DP_ACT_RECIRC },
	{ TCP4, "ct(force_commit,zone=5),2", OFFLOAD_ACTION, -1, DP_ACT_CT },
	{ TCP4, "ct(zone=5),ct(force_commit,zone=5),2", OFFLOAD_ACTION, -1, DP_ACT_CT },
	{ TRACKED("+trk"), "ct(force_commit,zone=5),2", OFFLOAD_ACTION, -1, DP_ACT_CT },
	{ TCP4, "ct(zone=5),set(ipv4(src=1.2.3.4)),ct(zone=5,nat),2", OFFLOAD_ACTION, -1,
	  DP_ACT_CT },
	{ TRACKED("+trk"), "set(tcp(dst=7)),ct(zone=5),2", OFFLOAD_ACTION, -1, DP_ACT_CT },
	{ TCP4, "6", OFFLOAD_ACTION, -1, DP_ACT_OUTPUT }, /* to a tunnel, and nobody said where */
	{ TCP4, "set(tunnel(tun_id=0x5,dst=1.2.3.4,ttl=64,flags(df|key))),6", OFFLOAD_SET_FIELD,
	  FIELD_TUN_FLAGS, DP_ACT_SET },
	{ TCP4, "set(tunnel(tun_id=0x5,dst=1.2.3.4,tp_src=7,flags(key))),6", OFFLOAD_SET_FIELD,
	  FIELD_TUN_TP_SRC, DP_ACT_SET },
	{ TCP4, "set(tunnel(tun_id=0x100000000,dst=1.2.3.4,flags(key))),6", OFFLOAD_SET_FIELD,
	  FIELD_TUN_ID, DP_ACT_SET },
	{ "recirc_id(0),in_port(1),eth_type(0x0800),ipv4(proto=6,frag=first)",
	  "set(ipv4(src=1.2.3.4)),2", OFFLOAD_SET_FIELD, FIELD_IPV4_SRC, DP_ACT_SET },
	{ "recirc_id(0),in_port(1),eth_type(0x0800),ipv4(proto=132,frag=no)", "set(sctp(src=5)),2",
	  OFFLOAD_SET_FIELD, FIELD_SCTP_SRC, DP_ACT_SET },
};

static int ask(const struct flower_env *env, const char *match, const char *actions, struct trip *t)
{
	struct error err = ERROR_INIT;
	struct flow_key key, mask;
	struct buf acts = BUF_INIT;
	struct offload_rule rule = { .key = &key, .mask = &mask };
	int rc;

	memset(&key, 0, sizeof(key));
	memset(&mask, 0, sizeof(mask));
	ck_assert_msg(!match_parse_dp(&key, &mask, match, &err), "%s: %s", match, err.cause);
	ck_assert_msg(!dp_actions_parse(actions, &acts, &err), "%s: %s", actions, err.cause);
	rule.actions = dp_actions_of(&acts);
	rc = there(env, &rule, t);
	buf_done(&acts);
	return rc;
}

/* What act_ct does as the datapath does. */
static const struct {
	const char *match, *actions;
} tracking[] = {
	{ TCP4, "set(ipv4(src=1.2.3.4)),ct(zone=5),2" },
	{ TCP4, "ct(zone=5),set(ipv4(src=1.2.3.4)),ct(zone=6),2" },
	{ TCP4, "ct(zone=5),set(ipv4(ttl=7)),ct(zone=5),2" },
	{ TCP4, "ct(zone=5),ct_clear,set(tcp(dst=7)),ct(zone=5),2" },
	{ TRACKED("-trk"), "set(tcp(dst=7)),ct(zone=5),2" },
};

START_TEST(tracked_packets_may_be_tracked_again)
{
	struct trip t;

	trip_start(&t);
	ck_assert_msg(!ask(&everything, tracking[_i].match, tracking[_i].actions, &t), "%s, %s",
		      tracking[_i].match, tracking[_i].actions);
	trip_done(&t);
}
END_TEST

START_TEST(refusals_name_what_is_at_fault)
{
	const struct refusal_row *row = &refusals[_i];
	struct str text = STR_INIT;
	struct trip t;

	trip_start(&t);
	ck_assert_msg(ask(&everything, row->match, row->actions, &t) == -EOPNOTSUPP, "%s: taken",
		      row->match);
	offload_refusal_format(&t.why, &text);
	ck_assert_msg(t.why.reason == row->reason && t.why.field == row->field &&
			      t.why.action == row->action,
		      "%s, %s: %s", row->match, row->actions, str_cstr(&text));
	str_done(&text);
	trip_done(&t);
}
END_TEST

#define TAGS2                                                                                      \
	"recirc_id(0),in_port(1),eth_type(0x88a8),vlan(vid=5),encap(eth_type(0x8100),vlan(vid=6)," \
	"encap(eth_type(0x0800),ipv4(frag=no)))"
#define TAGGED(TCI) "recirc_id(0),in_port(1),eth_type(0x8100),vlan(" TCI "),encap(eth_type(0x1234))"

/* What one of those that may carry a rule out would do wrong. */
static const struct {
	const struct flower_env *env;
	const char *match, *actions;
	int field; /* that may not be set (VLAN_VID stands for all of a tag); negative: taken */
} limits[] = {
	{ &everything, TCP4,
	  "set(tunnel(tun_id=0x5,ipv6_dst=fd00::1,ttl=64,tp_dst=4789,flags(df|key))),6", -1 },
	{ &everything, TCP4, "set(tunnel(tun_id=0x5,dst=1.2.3.4,ttl=64,flags(df|key))),6",
	  FIELD_TUN_FLAGS },
	{ &newer, TCP4, "set(tunnel(tun_id=0x5,dst=1.2.3.4,ttl=64,flags(df|key))),6", -1 },
	{ &everything, TAGS2, "set(ipv4(ttl=3)),2", -1 },
	{ &software, TAGS2, "set(ipv4(ttl=3)),2", FIELD_IP_TTL },
	{ &everything, TAGGED("vid=5"), "set(vlan(vid=6)),2", -1 },
	{ &everything, TAGGED("vid=5"), "set(vlan(pcp=0)),2", -1 },
	{ &driver, TAGGED("vid=5"), "set(vlan(vid=6)),2", FIELD_VLAN_VID },
	{ &driver, TAGGED("vid=5"), "set(vlan(pcp=0)),2", FIELD_VLAN_VID },
	{ &driver, TAGGED("vid=5,pcp=3"), "set(vlan(vid=6)),2", -1 },
	{ &driver, TAGGED("vid=5,pcp=3"), "set(vlan(vid=6,pcp=3)),2", -1 },
	{ &driver, TAGGED("vid=5,pcp=3"), "set(vlan(vid=6,pcp=0)),2", FIELD_VLAN_VID },
	{ &driver, TCP4, "push_vlan(vid=7,pcp=1),set(vlan(vid=6)),2", -1 },
};

START_TEST(each_has_its_limits)
{
	struct trip t;
	int rc;

	trip_start(&t);
	rc = ask(limits[_i].env, limits[_i].match, limits[_i].actions, &t);
	ck_assert_msg((limits[_i].field < 0) == !rc, "%s, %s: %d", limits[_i].match,
		      limits[_i].actions, rc);
	if (rc) {
		ck_assert_int_eq(t.why.reason, OFFLOAD_SET_FIELD);
		ck_assert_int_eq(t.why.field, limits[_i].field);
	}
	trip_done(&t);
}
END_TEST

/* --- for the host --- */

static const struct {
	const char *match, *actions;
	bool taken, marked;
} for_host[] = {
	{ "dl_dst=02:00:00:00:00:05", "5", true, true },
	{ "dl_dst=02:00:00:00:00:06", "5", true, false },
	{ "dl_dst=ff:ff:ff:ff:ff:ff", "5", true, false },
	{ "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00", "5", true, false },
	{ "dl_dst=02:00:00:00:00:05", "1,5", true, true },
	{ "dl_dst=02:00:00:00:00:05", "1", true, false },
	{ "dl_src=02:00:00:00:00:05", "5", false, false },
	{ "dl_dst=02:00:00:00:00:05/ff:ff:00:00:00:00", "5", false, false },
	{ "dl_src=02:00:00:00:00:05", "set(eth(dst=02:00:00:00:00:05)),5", true, true },
	{ "dl_dst=02:00:00:00:00:05", "set(eth(dst=02:00:00:00:00:07)),5", true, false },
};

static bool has_skbedit(const struct buf *attrs)
{
	return memmem(attrs->data, attrs->len, "skbedit", sizeof("skbedit"));
}

START_TEST(frames_for_the_host_are_marked)
{
	struct buf acts = BUF_INIT;
	struct match m;
	struct trip t;
	struct offload_rule r = { .key = &m.key, .mask = &m.mask };
	char text[100];

	(void)snprintf(text, sizeof(text), "in_port=1,dl_type=0x1234,%s", for_host[_i].match);
	ck_assert_int_eq(match_parse(&m, text, NULL, NULL, NULL), 0);
	random_rule_close(&m.key, &m.mask);
	ck_assert_int_eq(dp_actions_parse(for_host[_i].actions, &acts, NULL), 0);
	r.actions = dp_actions_of(&acts);
	trip_start(&t);
	ck_assert_int_eq(there(&everything, &r, &t), for_host[_i].taken ? 0 : -EOPNOTSUPP);
	if (for_host[_i].taken) {
		ck_assert_int_eq(has_skbedit(&t.attrs), for_host[_i].marked);
		and_back(&everything, &r, &t);
		ck_assert(dp_actions_equal(dp_actions_of(&t.actions), r.actions));
	} else {
		ck_assert_int_eq(t.why.reason, OFFLOAD_ACTION);
		ck_assert_ptr_nonnull(strstr(t.why.driver, "dl_dst"));
	}
	trip_done(&t);
	buf_done(&acts);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tc/flower");
	TCase *c = tcase_create("flower");
	SRunner *run = srunner_create(s);
	int failed;

	tcase_set_timeout(c, 120);
	tcase_add_test(c, every_field_has_a_row);
	tcase_add_test(c, there_and_back_hardware);
	tcase_add_test(c, there_and_back_software);
	tcase_add_test(c, there_and_back_hw_only);
	tcase_add_test(c, there_and_back_newer);
	tcase_add_test(c, taps_are_told_apart);
	tcase_add_loop_test(c, tracked_packets_may_be_tracked_again, 0, (int)ARRAY_SIZE(tracking));
	tcase_add_loop_test(c, refusals_name_what_is_at_fault, 0, (int)ARRAY_SIZE(refusals));
	tcase_add_loop_test(c, frames_for_the_host_are_marked, 0, (int)ARRAY_SIZE(for_host));
	tcase_add_loop_test(c, each_has_its_limits, 0, (int)ARRAY_SIZE(limits));
	suite_add_tcase(s, c);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
