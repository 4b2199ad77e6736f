/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/flower_sample.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_sample.h>
#include <string.h>

#include "core/io/nlattr.h"

static uint32_t probability_of(const struct flower_sample *s)
{
	return UINT32_MAX / s->what.rate;
}

bool flower_sample_of(const struct dp_action *a, struct flower_sample *s)
{
	const struct act_sample *sample = dp_action_payload(a);
	struct dp_actions list = dp_action_nested(a, 0);
	const struct dp_action *only = dp_action_first(list);
	const struct act_userspace *u;

	if (!only || only->kind != DP_ACT_USERSPACE || dp_action_next(list, only))
		return false;
	u = dp_action_payload(only);
	s->max_len = u->max_len;
	return u->kind == UPCALL_SFLOW && u->max_len && sflow_cookie_unpack(u->cookie, &s->what) &&
	       sample->probability == probability_of(s);
}

void flower_sample_action(const struct flower_sample *s, struct buf *out)
{
	struct act_userspace u = { .kind = UPCALL_SFLOW, .max_len = s->max_len };
	struct act_sample sample = { .probability = probability_of(s) };
	size_t mark = dp_actions_nest_begin(out, DP_ACT_SAMPLE, &sample, sizeof(sample));

	sflow_cookie_pack(&s->what, u.cookie);
	dp_actions_put(out, DP_ACT_USERSPACE, &u, sizeof(u));
	dp_actions_nest_end(out, mark);
}

void flower_sample_cookie(const struct flower_sample *s, uint8_t cookie[FLOWER_SAMPLE_COOKIE])
{
	uint64_t words[4];
	uint32_t tag;

	sflow_cookie_pack(&s->what, words);
	tag = (uint32_t)words[1];
	memcpy(cookie, &words[0], sizeof(words[0]));
	memcpy(cookie + sizeof(words[0]), &tag, sizeof(tag));
}

static bool unpack(const struct nlattr *cookie, struct sflow_cookie *what)
{
	uint64_t words[4] = { 0 };
	uint32_t tag;

	if (!cookie || nlattr_len(cookie) != FLOWER_SAMPLE_COOKIE)
		return false;
	memcpy(&words[0], nlattr_data(cookie), sizeof(words[0]));
	memcpy(&tag, (const uint8_t *)nlattr_data(cookie) + sizeof(words[0]), sizeof(tag));
	words[1] = tag;
	return sflow_cookie_unpack(words, what);
}

void flower_sample_put(const struct flower_sample *s, uint32_t group, struct buf *b)
{
	struct tc_sample fixed = { .action = TC_ACT_PIPE };

	nlattr_put(b, TCA_SAMPLE_PARMS, &fixed, sizeof(fixed));
	nlattr_put_u32(b, TCA_SAMPLE_RATE, s->what.rate);
	if (s->max_len != UINT32_MAX)
		nlattr_put_u32(b, TCA_SAMPLE_TRUNC_SIZE, s->max_len);
	nlattr_put_u32(b, TCA_SAMPLE_PSAMPLE_GROUP, group);
}

int flower_sample_get(const struct nlattr *options, const struct nlattr *cookie,
		      struct flower_sample *s, uint32_t *group)
{
	static const struct nlattr_policy policy[TCA_SAMPLE_MAX + 1] = {
		[TCA_SAMPLE_TM] = NLATTR_ANY,
		[TCA_SAMPLE_PARMS] = NLATTR_EXACT(sizeof(struct tc_sample)),
		[TCA_SAMPLE_RATE] = NLATTR_EXACT(4),
		[TCA_SAMPLE_TRUNC_SIZE] = NLATTR_EXACT(4),
		[TCA_SAMPLE_PSAMPLE_GROUP] = NLATTR_EXACT(4),
		[TCA_SAMPLE_PAD] = NLATTR_ANY,
	};
	const struct nlattr *tb[ARRAY_SIZE(policy)];
	const struct nlattr *trunc;
	struct tc_sample fixed;
	int rc = nlattr_parse_nested(options, policy, ARRAY_SIZE(policy), tb);

	if (rc < 0)
		return rc;
	trunc = tb[TCA_SAMPLE_TRUNC_SIZE];
	if (rc || !tb[TCA_SAMPLE_PARMS] || !tb[TCA_SAMPLE_RATE] || !tb[TCA_SAMPLE_PSAMPLE_GROUP] ||
	    !unpack(cookie, &s->what))
		return -EOPNOTSUPP;
	memcpy(&fixed, nlattr_data(tb[TCA_SAMPLE_PARMS]), sizeof(fixed));
	s->max_len = trunc ? nlattr_u32(trunc) : UINT32_MAX;
	*group = nlattr_u32(tb[TCA_SAMPLE_PSAMPLE_GROUP]);
	return fixed.action == TC_ACT_PIPE && s->max_len &&
			       nlattr_u32(tb[TCA_SAMPLE_RATE]) == s->what.rate
		       ? 0
		       : -EOPNOTSUPP;
}
