/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/police.h"

#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/io/nl.h"

#define TICK_NS 64u /* of psched, what bursts are told in */
#define CELL_LOG 24 /* of the table below: any will do */
#define TABLE_BYTES 1024u

/* Not of a ufid's length: a filter's cookies are ufids. */
static const char cookie[] = "shunt meter";
_Static_assert(sizeof(cookie) < TC_COOKIE_MAX_SIZE, "it must not be as long as a ufid");

/* --- what fits --- */

/* The time that the burst takes at the rate; units of both are kbit or packets. */
static uint64_t burst_ticks(const struct dp_meter_band *b)
{
	uint64_t burst = b->burst ? b->burst : b->rate;
	unsigned __int128 ticks =
		(unsigned __int128)burst * NSEC_PER_SEC / ((uint64_t)b->rate * TICK_NS);

	return ticks > UINT64_MAX ? UINT64_MAX : ticks ? (uint64_t)ticks : 1;
}

const char *police_unfit(const struct dp_meter *m)
{
	if (!m->n_bands)
		return "the meter has no band";
	if (m->n_bands > 1)
		return "the meter has several bands, a police action one";
	if (!m->bands[0].rate)
		return "the meter's rate is zero";
	if (burst_ticks(&m->bands[0]) > UINT32_MAX)
		return "the meter's burst lasts longer than 274 s, which police cannot count";
	return NULL;
}

/* --- requests --- */

/* Begins a request about one action; its attributes may follow. */
struct open_action {
	size_t list, action;
};

static size_t begin(struct nl_batch *b, uint16_t type, uint16_t flags, struct open_action *o)
{
	struct tcamsg t = { .tca_family = AF_UNSPEC };
	size_t i = nl_batch_add(b, type, flags);

	buf_put(&b->buf, &t, sizeof(t));
	o->list = nlattr_nest(&b->buf, TCA_ACT_TAB);
	o->action = nlattr_nest(&b->buf, 1);
	nlattr_put_str(&b->buf, TCA_ACT_KIND, "police");
	return i;
}

static void end(struct nl_batch *b, const struct open_action *o)
{
	nlattr_nest_end(&b->buf, o->action);
	nlattr_nest_end(&b->buf, o->list);
}

/* A rate in bytes wants a table beside it, which the kernel has not looked into since it can
 * reckon (Linux 3.8). */
static void put_rate(struct buf *b, const struct dp_meter *m, struct tc_police *p, bool hw)
{
	uint64_t bytes = (uint64_t)m->bands[0].rate * 125;

	p->rate.rate = (uint32_t)MIN(bytes, UINT32_MAX);
	p->rate.cell_log = CELL_LOG;
	p->rate.linklayer = TC_LINKLAYER_ETHERNET;
	p->rate.overhead = hw ? 0 : ETH_HLEN;
	p->burst = (uint32_t)burst_ticks(&m->bands[0]);
	nlattr_put(b, TCA_POLICE_TBF, p, sizeof(*p));
	(void)nlattr_put_zeros(b, TCA_POLICE_RATE, TABLE_BYTES);
	if (bytes > UINT32_MAX)
		nlattr_put_u64(b, TCA_POLICE_RATE64, bytes);
}

size_t police_put(struct nl_batch *b, uint32_t index, const struct dp_meter *m, bool again)
{
	bool hw = index & POLICE_HW;
	uint32_t flag = hw ? TCA_ACT_FLAGS_SKIP_SW : TCA_ACT_FLAGS_SKIP_HW;
	struct nla_bitfield32 flags = { flag, flag };
	struct tc_police p = { .index = index, .action = TC_ACT_SHOT, .mtu = UINT32_MAX };
	struct open_action o;
	size_t i = begin(b, RTM_NEWACTION, NLM_F_CREATE | (again ? NLM_F_REPLACE : NLM_F_EXCL), &o);
	size_t options = nlattr_nest(&b->buf, TCA_ACT_OPTIONS);

	if (m->packets) {
		nlattr_put(&b->buf, TCA_POLICE_TBF, &p, sizeof(p));
		nlattr_put_u64(&b->buf, TCA_POLICE_PKTRATE64, m->bands[0].rate);
		nlattr_put_u64(&b->buf, TCA_POLICE_PKTBURST64, burst_ticks(&m->bands[0]));
	} else {
		put_rate(&b->buf, m, &p, hw);
	}
	nlattr_put_u32(&b->buf, TCA_POLICE_RESULT, TC_ACT_PIPE);
	nlattr_nest_end(&b->buf, options);
	nlattr_put(&b->buf, TCA_ACT_COOKIE, cookie, sizeof(cookie));
	nlattr_put(&b->buf, TCA_ACT_FLAGS, &flags, sizeof(flags));
	end(b, &o);
	return i;
}

static size_t put_named(struct nl_batch *b, uint16_t type, uint32_t index)
{
	struct open_action o;
	size_t i = begin(b, type, 0, &o);

	nlattr_put_u32(&b->buf, TCA_ACT_INDEX, index);
	end(b, &o);
	return i;
}

size_t police_put_get(struct nl_batch *b, uint32_t index)
{
	return put_named(b, RTM_GETACTION, index);
}

size_t police_put_del(struct nl_batch *b, uint32_t index)
{
	return put_named(b, RTM_DELACTION, index);
}

void police_put_dump(struct nl_batch *b)
{
	struct nla_bitfield32 flags = { TCA_ACT_FLAG_LARGE_DUMP_ON, TCA_ACT_FLAG_LARGE_DUMP_ON };
	struct open_action o;

	(void)begin(b, RTM_GETACTION, 0, &o);
	end(b, &o);
	nlattr_put(&b->buf, TCA_ROOT_FLAGS, &flags, sizeof(flags));
}

/* --- answers --- */

static const struct nlattr_policy act_policy[TCA_ACT_MAX + 1] = {
	[TCA_ACT_KIND] = { 2, 16 }, /* IFNAMSIZ */
	[TCA_ACT_OPTIONS] = NLATTR_ANY,
	[TCA_ACT_STATS] = NLATTR_ANY,
	[TCA_ACT_COOKIE] = { 1, TC_COOKIE_MAX_SIZE },
};
static const struct nlattr_policy police_policy[TCA_POLICE_MAX + 1] = {
	[TCA_POLICE_TBF] = { sizeof(struct tc_police), UINT16_MAX },
	[TCA_POLICE_PKTRATE64] = NLATTR_EXACT(8),
};

static int get_stats(const struct nlattr *a, struct police_seen *s)
{
	/* what follows the fields of gnet_stats_basic is padding, which the kernel sends or not */
	static const struct nlattr_policy policy[TCA_STATS_MAX + 1] = {
		[TCA_STATS_BASIC] = { sizeof(struct gnet_stats_basic), UINT16_MAX },
		[TCA_STATS_QUEUE] = { sizeof(struct gnet_stats_queue), UINT16_MAX },
		[TCA_STATS_PKT64] = NLATTR_EXACT(8),
	};
	const struct nlattr *tb[ARRAY_SIZE(policy)];
	struct gnet_stats_basic basic;
	struct gnet_stats_queue queue;
	int rc = nlattr_parse_nested(a, policy, ARRAY_SIZE(policy), tb);

	if (rc < 0)
		return rc;
	if (tb[TCA_STATS_BASIC]) {
		memcpy(&basic, nlattr_data(tb[TCA_STATS_BASIC]), sizeof(basic));
		s->packets = basic.packets;
		s->bytes = basic.bytes;
	}
	if (tb[TCA_STATS_PKT64]) /* the 64 bits of what 32 did not hold */
		s->packets = nlattr_u64(tb[TCA_STATS_PKT64]);
	if (tb[TCA_STATS_QUEUE]) {
		memcpy(&queue, nlattr_data(tb[TCA_STATS_QUEUE]), sizeof(queue));
		s->drops = queue.drops;
	}
	return 0;
}

/* 1: a police action; 0: another kind. */
static int get_one(const struct nlattr *a, struct police_seen *s)
{
	const struct nlattr *tb[ARRAY_SIZE(act_policy)], *options[ARRAY_SIZE(police_policy)];
	struct tc_police p;
	char kind[16];
	int rc = nlattr_parse_nested(a, act_policy, ARRAY_SIZE(act_policy), tb);

	memset(s, 0, sizeof(*s));
	if (rc < 0)
		return rc;
	if (!tb[TCA_ACT_KIND] || !nlattr_str(tb[TCA_ACT_KIND], kind, sizeof(kind)) ||
	    strcmp(kind, "police") != 0 || !tb[TCA_ACT_OPTIONS])
		return 0;
	rc = nlattr_parse_nested(tb[TCA_ACT_OPTIONS], police_policy, ARRAY_SIZE(police_policy),
				 options);
	if (rc < 0 || !options[TCA_POLICE_TBF])
		return rc < 0 ? rc : -EBADMSG;
	memcpy(&p, nlattr_data(options[TCA_POLICE_TBF]), sizeof(p));
	s->index = p.index;
	s->limits = p.rate.rate || options[TCA_POLICE_PKTRATE64];
	s->ours = (p.index & POLICE_MASK) == POLICE_FIRST && tb[TCA_ACT_COOKIE] &&
		  nlattr_len(tb[TCA_ACT_COOKIE]) == sizeof(cookie) &&
		  !memcmp(nlattr_data(tb[TCA_ACT_COOKIE]), cookie, sizeof(cookie));
	rc = tb[TCA_ACT_STATS] ? get_stats(tb[TCA_ACT_STATS], s) : 0;
	return rc < 0 ? rc : 1;
}

int police_get(const struct nlmsghdr *h, void (*fn)(const struct police_seen *s, void *arg),
	       void *arg)
{
	const uint8_t *p = (const uint8_t *)h + NLMSG_SPACE(sizeof(struct tcamsg));
	const struct nlattr *list, *a;
	struct police_seen s;
	bool bad = false;
	size_t len;

	if (h->nlmsg_len < NLMSG_SPACE(sizeof(struct tcamsg)))
		return -EBADMSG;
	len = h->nlmsg_len - NLMSG_SPACE(sizeof(struct tcamsg));
	NLATTR_FOR_EACH(list, p, len, &bad)
	{
		if (nlattr_type(list) != TCA_ACT_TAB)
			continue;
		NLATTR_FOR_EACH(a, nlattr_data(list), nlattr_len(list), &bad)
		{
			int rc = get_one(a, &s);

			if (rc < 0)
				return rc;
			if (rc)
				fn(&s, arg);
		}
	}
	return bad ? -EBADMSG : 0;
}
