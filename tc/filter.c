/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/filter.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "core/io/nl.h"

static const struct nlattr_policy policy[TCA_MAX + 1] = {
	[TCA_KIND] = { 2, 16 }, /* IFNAMSIZ */
	[TCA_OPTIONS] = NLATTR_ANY,
	[TCA_CHAIN] = NLATTR_EXACT(4),
};

/* Of flower's options, what every filter has. */
static const struct nlattr_policy flower[TCA_FLOWER_MAX + 1] = {
	[TCA_FLOWER_ACT] = NLATTR_ANY,
	[TCA_FLOWER_FLAGS] = NLATTR_EXACT(4),
	[TCA_FLOWER_IN_HW_COUNT] = NLATTR_EXACT(4),
};

_Static_assert(TC_PARENT_INGRESS == TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), "the same");
_Static_assert(TC_PARENT_EGRESS == TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), "the same");
_Static_assert((uint32_t)TC_BLOCK_IFINDEX == TCM_IFINDEX_MAGIC_BLOCK, "the same");

size_t tc_place_put(struct nl_batch *b, const struct tc_place *at, uint16_t type, uint16_t flags)
{
	struct tcmsg t = { .tcm_ifindex = at->ifindex,
			   .tcm_parent = at->parent,
			   .tcm_handle = at->handle,
			   .tcm_info = (uint32_t)at->prio << 16 | at->protocol };
	size_t i = nl_batch_add(b, type, flags);

	buf_put(&b->buf, &t, sizeof(t));
	nlattr_put_str(&b->buf, TCA_KIND, "flower");
	if (at->chain)
		nlattr_put_u32(&b->buf, TCA_CHAIN, at->chain);
	return i;
}

static void get_place(const struct tcmsg *t, struct tc_filter *f)
{
	f->at.handle = t->tcm_handle;
	f->at.prio = (uint16_t)(t->tcm_info >> 16);
	f->at.protocol = (be16)t->tcm_info;
	f->at.ifindex = t->tcm_ifindex;
	f->at.parent = t->tcm_parent; /* tcm_block_index is the same word */
}

static int get_flower(const struct nlattr *options, struct tc_filter *f)
{
	const struct nlattr *tb[ARRAY_SIZE(flower)];
	int rc = nlattr_parse_nested(options, flower, ARRAY_SIZE(flower), tb);

	if (rc < 0)
		return rc;
	f->options = nlattr_data(options);
	f->options_len = nlattr_len(options);
	if (tb[TCA_FLOWER_FLAGS])
		f->flags = nlattr_u32(tb[TCA_FLOWER_FLAGS]);
	if (tb[TCA_FLOWER_IN_HW_COUNT])
		f->in_hw_count = nlattr_u32(tb[TCA_FLOWER_IN_HW_COUNT]);
	if (!tb[TCA_FLOWER_ACT])
		return 0;
	f->acts = nlattr_data(tb[TCA_FLOWER_ACT]);
	f->acts_len = nlattr_len(tb[TCA_FLOWER_ACT]);
	rc = flower_actions_owner(f->acts, f->acts_len, &f->ufid, &f->counts);
	f->ours = !rc && f->at.prio >= TC_PRIO_FIRST && f->at.prio <= TC_PRIO_LAST &&
		  (f->at.handle & TC_HANDLE_MASK) == TC_HANDLE_MARK;
	return rc == -ENOENT ? 0 : rc;
}

int tc_filter_get(const struct nlmsghdr *h, struct tc_filter *f)
{
	const struct nlattr *tb[ARRAY_SIZE(policy)];
	struct tcmsg t;
	char kind[16];
	int rc;

	if (h->nlmsg_type != RTM_NEWTFILTER && h->nlmsg_type != RTM_DELTFILTER)
		return -ENOMSG;
	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(t)))
		return -EBADMSG;
	memset(f, 0, sizeof(*f));
	memcpy(&t, (const uint8_t *)h + NLMSG_HDRLEN, sizeof(t));
	f->gone = h->nlmsg_type == RTM_DELTFILTER;
	get_place(&t, f);
	rc = nlattr_parse((const uint8_t *)h + NLMSG_SPACE(sizeof(t)),
			  h->nlmsg_len - MIN(h->nlmsg_len, NLMSG_SPACE(sizeof(t))), policy,
			  ARRAY_SIZE(policy), tb);
	if (rc < 0)
		return rc;
	if (tb[TCA_CHAIN])
		f->at.chain = nlattr_u32(tb[TCA_CHAIN]);
	if (!tb[TCA_KIND] || !nlattr_str(tb[TCA_KIND], kind, sizeof(kind)))
		return 0;
	f->flower = !strcmp(kind, "flower");
	return f->flower && tb[TCA_OPTIONS] ? get_flower(tb[TCA_OPTIONS], f) : 0;
}

int tc_filter_rule(const struct flower_env *env, const struct tc_filter *f, struct dp_port in,
		   struct flow_key *key, struct flow_key *mask, struct buf *actions)
{
	struct flower_at at = { .protocol = f->at.protocol, .chain = f->at.chain, .in = in };
	struct flower_port port;
	int rc;

	if (!f->options || !f->acts || !env->port(env->ctx, in, &port))
		return -EOPNOTSUPP;
	at.kind = port.kind;
	at.udp_port = port.udp_port;
	rc = flower_match_get(f->options, f->options_len, &at, key, mask);
	if (rc)
		return rc;
	return flower_actions_get(env, f->acts, f->acts_len, key, mask, actions);
}
