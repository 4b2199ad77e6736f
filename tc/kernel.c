/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/kernel.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/openvswitch.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_tunnel_key.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/io/genl.h"
#include "tc/flower.h"
#include "tc/flower_tunnel.h"
#include "tc/link.h"

LOG_MODULE("tc.kernel");

#define AGAIN_NS (30 * NSEC_PER_SEC) /* between two looks for what is not there */
#define ALL ((1u << TC_N_PARTS) - 1)
#define CLSACT (1u << TC_PART_CLSACT)
#define ALWAYS (CLSACT | 1u << TC_PART_FLOWER | 1u << TC_PART_GACT | 1u << TC_PART_MIRRED)

static const struct {
	const char *kind;   /* in requests */
	const char *module; /* modprobe(8) */
	const char *config; /* CONFIG_… */
} parts[TC_N_PARTS] = {
	[TC_PART_CLSACT] = { "clsact", "sch_ingress", "NET_SCH_INGRESS" },
	[TC_PART_FLOWER] = { "flower", "cls_flower", "NET_CLS_FLOWER" },
	[TC_PART_GACT] = { "gact", "act_gact", "NET_ACT_GACT" },
	[TC_PART_MIRRED] = { "mirred", "act_mirred", "NET_ACT_MIRRED" },
	[TC_PART_PEDIT] = { "pedit", "act_pedit", "NET_ACT_PEDIT" },
	[TC_PART_CSUM] = { "csum", "act_csum", "NET_ACT_CSUM" },
	[TC_PART_VLAN] = { "vlan", "act_vlan", "NET_ACT_VLAN" },
	[TC_PART_MPLS] = { "mpls", "act_mpls", "NET_ACT_MPLS" },
	[TC_PART_TUNNEL_KEY] = { "tunnel_key", "act_tunnel_key", "NET_ACT_TUNNEL_KEY" },
	[TC_PART_CT] = { "ct", "act_ct", "NET_ACT_CT" },
	[TC_PART_POLICE] = { "police", "act_police", "NET_ACT_POLICE" },
	[TC_PART_SAMPLE] = { "sample", "act_sample", "NET_ACT_SAMPLE" },
};

static _Atomic uint32_t there, lacking;
static _Atomic uint64_t looked_ns;

uint32_t tc_kernel_lacking(void)
{
	return atomic_load(&lacking);
}

bool tc_kernel_needs(uint32_t which)
{
	return which & ALWAYS;
}

/* --- looking --- */

/* A filter without options: EINVAL, once its classifier is there. */
static void put_flower(struct nl_batch *b, const struct tc_place *at)
{
	struct tc_place nowhere = *at;

	nowhere.chain = FLOWER_CHAIN_MAX;
	nowhere.handle = TC_HANDLE_MARK;
	nowhere.prio = 1;
	nowhere.protocol = htons(ETH_P_IP);
	(void)tc_place_put(b, &nowhere, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL);
}

/* Begins a request about an action; *nests for end_action(). */
static void begin_action(struct nl_batch *b, uint16_t type, uint16_t flags, const char *kind,
			 size_t nests[2])
{
	struct tcamsg t = { .tca_family = AF_UNSPEC };

	(void)nl_batch_add(b, type, flags);
	buf_put(&b->buf, &t, sizeof(t));
	nests[0] = nlattr_nest(&b->buf, TCA_ACT_TAB);
	nests[1] = nlattr_nest(&b->buf, 1);
	nlattr_put_str(&b->buf, TCA_ACT_KIND, kind);
}

static void end_action(struct nl_batch *b, const size_t nests[2])
{
	nlattr_nest_end(&b->buf, nests[1]);
	nlattr_nest_end(&b->buf, nests[0]);
}

/* An action without options, likewise. */
static void put_action(struct nl_batch *b, const char *kind)
{
	size_t nests[2];

	begin_action(b, RTM_NEWACTION, NLM_F_CREATE | NLM_F_EXCL, kind, nests);
	end_action(b, nests);
}

/* Which of the parts `unknown` the kernel has, by a request for each. */
static int ask(struct nl_chan *c, const struct tc_place *at, uint32_t unknown, uint32_t *has)
{
	struct nl_batch b;
	size_t k = 0;
	int rc;

	nl_batch_init(&b);
	for (unsigned i = TC_PART_FLOWER; i < TC_N_PARTS; i++)
		if (unknown >> i & 1) {
			if (i == TC_PART_FLOWER)
				put_flower(&b, at);
			else
				put_action(&b, parts[i].kind);
		}
	rc = b.n ? nl_chan_do(c, &b) : 0;
	for (unsigned i = TC_PART_FLOWER; !rc && i < TC_N_PARTS; i++)
		if (unknown >> i & 1 && nl_batch_code(&b, k++) != -ENOENT)
			*has |= 1u << i;
	nl_batch_done(&b);
	return rc;
}

static void say(uint32_t before, uint32_t now)
{
	char words[200];

	tc_kernel_words(now, words, sizeof(words));
	if (tc_kernel_needs(now))
		log_warn("%s", words);
	else if (now)
		log_info("%s", words);
	else if (before)
		log_info("this kernel's TC has what it lacked");
}

bool tc_kernel_look(struct nl_chan *c, const struct tc_place *at, int code)
{
	uint32_t before = atomic_load(&lacking), has = atomic_load(&there), now;

	atomic_store(&looked_ns, clock_mono_ns());
	if (!at) { /* ENOENT: no such qdisc; EOPNOTSUPP: no qdiscs at all */
		if (code != -ENOENT && code != -EOPNOTSUPP)
			return false;
		now = CLSACT; /* the rest will show when that is there */
	} else {
		has |= CLSACT;
		if (ask(c, at, ALL & ~has, &has))
			return false;
		now = ALL & ~has;
	}
	atomic_store(&there, has);
	if (atomic_exchange(&lacking, now) == now)
		return false;
	say(before, now);
	return true;
}

bool tc_kernel_is_due(void)
{
	uint64_t looked = atomic_load(&looked_ns);

	return atomic_load(&there) != ALL && (!looked || clock_mono_ns() - looked >= AGAIN_NS);
}

bool tc_kernel_refused(int code, const char *words)
{
	if (code != -ENOENT ||
	    (!strstr(words, "classifier not found") && !strstr(words, "action module")))
		return false;
	atomic_store(&there, 0);
	atomic_store(&looked_ns, 0);
	return true;
}

/* --- rules --- */

static uint32_t part_of(const struct nlattr *act)
{
	const struct nlattr *a;
	bool bad = false;
	char kind[16];

	NLATTR_FOR_EACH(a, nlattr_data(act), nlattr_len(act), &bad)
	{
		if (nlattr_type(a) != TCA_ACT_KIND || !nlattr_str(a, kind, sizeof(kind)))
			continue;
		for (unsigned i = TC_PART_GACT; i < TC_N_PARTS; i++)
			if (!strcmp(parts[i].kind, kind))
				return 1u << i;
	}
	return 0;
}

uint32_t tc_kernel_wants(const void *options, size_t len)
{
	uint32_t want = CLSACT | 1u << TC_PART_FLOWER, lacks = tc_kernel_lacking();
	const struct nlattr *a, *act;
	bool bad = false;

	if (!lacks)
		return 0;
	NLATTR_FOR_EACH(a, options, len, &bad)
	{
		if (nlattr_type(a) != TCA_FLOWER_ACT)
			continue;
		NLATTR_FOR_EACH(act, nlattr_data(a), nlattr_len(a), &bad)
		want |= part_of(act);
	}
	return want & lacks;
}

/* --- words --- */

void tc_kernel_words(uint32_t which, char *words, size_t size)
{
	struct str s = STR_INIT;

	for (unsigned i = 0; i < TC_N_PARTS; i++)
		if (which >> i & 1)
			str_printf(&s, "%s%s (CONFIG_%s)", s.len ? ", " : "", parts[i].module,
				   parts[i].config);
	(void)snprintf(words, size, s.len ? "this kernel's TC lacks %s: load or build it" : "%s",
		       str_cstr(&s));
	str_done(&s);
}

/* --- the tunnel action --- */

#define DF_TRIAL 0x2f00df00u /* its number, in no range of ours that anything else is in */

static void put_df_trial(struct nl_batch *b)
{
	const struct flower_tunnel t = { .value = { .dst = htonl(0xc0000201), /* RFC 5737 */
						    .ttl = 64,
						    .flags = htons(FLOW_TNL_F_DF) } };
	struct tc_tunnel_key fixed = { .index = DF_TRIAL,
				       .action = TC_ACT_PIPE,
				       .t_action = TCA_TUNNEL_KEY_ACT_SET };
	size_t nests[2], options;

	begin_action(b, RTM_NEWACTION, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ECHO, "tunnel_key",
		     nests);
	options = nlattr_nest(&b->buf, TCA_ACT_OPTIONS);
	flower_tunnel_put(&t, FLOWER_PORT_VXLAN, &b->buf);
	nlattr_put(&b->buf, TCA_TUNNEL_KEY_PARMS, &fixed, sizeof(fixed)); /* the last one holds */
	nlattr_nest_end(&b->buf, options);
	end_action(b, nests);
	begin_action(b, RTM_DELACTION, 0, "tunnel_key", nests);
	nlattr_put_u32(&b->buf, TCA_ACT_INDEX, DF_TRIAL);
	end_action(b, nests);
}

/* The options of the only action that an answer tells of. */
static const struct nlattr *options_in(const struct nlmsghdr *h)
{
	size_t skip = NLMSG_SPACE(sizeof(struct tcamsg));
	const struct nlattr *list[TCA_ACT_TAB + 1], *act[2], *a[TCA_ACT_OPTIONS + 1];
	static const struct nlattr_policy any[] = { NLATTR_ANY, NLATTR_ANY, NLATTR_ANY };

	if (!h || h->nlmsg_len < skip ||
	    nlattr_parse((const uint8_t *)h + skip, h->nlmsg_len - skip, any, ARRAY_SIZE(list),
			 list) < 0 ||
	    !list[TCA_ACT_TAB] ||
	    nlattr_parse_nested(list[TCA_ACT_TAB], any, ARRAY_SIZE(act), act) < 0 || !act[1] ||
	    nlattr_parse_nested(act[1], any, ARRAY_SIZE(a), a) < 0)
		return NULL;
	return a[TCA_ACT_OPTIONS];
}

bool tc_kernel_tunnel_df(struct nl_chan *c)
{
	const struct nlattr *options;
	struct flower_tunnel t;
	bool release, yes = false;
	struct nl_batch b;

	nl_batch_init(&b);
	put_df_trial(&b);
	if (!nl_chan_do(c, &b) && !nl_batch_code(&b, 0)) {
		options = options_in(nl_batch_data(&b, 0));
		yes = options &&
		      !flower_tunnel_get(&t, &release, nlattr_data(options), nlattr_len(options)) &&
		      t.value.flags & htons(FLOW_TNL_F_DF);
	}
	nl_batch_done(&b);
	return yes;
}

/* --- the kernel's datapath --- */

static const struct nlattr_policy dp_policy[OVS_DP_ATTR_USER_FEATURES + 1] = {
	[OVS_DP_ATTR_USER_FEATURES] = NLATTR_EXACT(4)
};

static bool dp_shares(const struct nlmsghdr *h)
{
	const struct nlattr *tb[ARRAY_SIZE(dp_policy)];
	size_t len;
	const void *attrs = genl_payload(h, sizeof(struct ovs_header), &len);

	return attrs && nlattr_parse(attrs, len, dp_policy, ARRAY_SIZE(dp_policy), tb) >= 0 &&
	       tb[OVS_DP_ATTR_USER_FEATURES] &&
	       nlattr_u32(tb[OVS_DP_ATTR_USER_FEATURES]) & OVS_DP_F_TC_RECIRC_SHARING;
}

struct ovs_chan {
	struct nl_chan *c;
	uint16_t family;
};

/* 1 and 0 are answers. */
static int all_share(void *arg)
{
	const struct ovs_chan *o = arg;
	struct ovs_header any = { .dp_ifindex = 0 };
	unsigned n = 0, sharing = 0;
	const struct nlmsghdr *h;
	struct nl_batch b;
	int rc;

	nl_batch_init(&b);
	(void)genl_add(&b, o->family, OVS_DP_CMD_GET, OVS_DATAPATH_VERSION, 0);
	buf_put(&b.buf, &any, sizeof(any));
	rc = nl_dump_begin(o->c, &b);
	while (!rc && (rc = nl_dump_next(o->c, &h)) > 0) {
		n++;
		sharing += dp_shares(h);
		rc = 0;
	}
	nl_dump_end(o->c);
	nl_batch_done(&b);
	return rc ? rc : n && n == sharing;
}

bool tc_kernel_shares_chains(void)
{
	struct genl_family family;
	struct nl_chan *c;
	bool yes;

	if (nl_chan_open(NETLINK_GENERIC, &c, NULL))
		return false;
	yes = !genl_find(c, OVS_DATAPATH_FAMILY, &family, NULL) &&
	      tc_read_list(all_share, &(struct ovs_chan){ c, family.id }) > 0;
	nl_chan_close(c);
	return yes;
}
