/* SPDX-License-Identifier: Apache-2.0 */
/* Filters as the kernel shows them: a whole netlink message behind its header, in an allocation
 * that ends with it.  What is taken for a rule of ours is a sound one, and can be asked for again.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/packet/action.h"
#include "tc/filter.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/tc/env.h"

static void check_sound(const struct flow_key *key, const struct flow_key *mask,
			struct dp_actions acts)
{
	struct flow_key masked;

	flow_key_mask(&masked, key, mask);
	FUZZ_CHECK(flow_key_equal(&masked, key));
	FUZZ_CHECK(!dp_actions_check(acts, NULL));
}

/* What flower can show but not be asked for by us is refused with a reason. */
static void ask_again(const struct flower_env *env, const struct tc_filter *f,
		      const struct flow_key *key, const struct flow_key *mask,
		      struct dp_actions acts)
{
	struct offload_rule r = { .ufid = f->ufid, .key = key, .mask = mask, .actions = acts };
	struct buf b = BUF_INIT;
	struct flower_match m;
	struct offload_refusal why;
	int rc = flower_match_put(env, &r, flower_actions_want_whole(acts), &b, &m, &why);

	if (!rc)
		rc = flower_actions_put(env, &r, &m, &b, &why);
	FUZZ_CHECK(!rc || why.reason != OFFLOAD_OK);
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct flower_env env = ENV(FLOWER_F_RECIRC | FLOWER_F_NUM_VLANS);
	struct nlmsghdr *h;
	struct tc_filter f;
	struct flow_key key, mask;
	struct buf acts = BUF_INIT;
	struct dp_port in;

	if (!size || size > 16384)
		return 0;
	h = xzalloc(NLMSG_HDRLEN + size - 1);
	h->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + size - 1);
	h->nlmsg_type = data[0] & 1 ? RTM_DELTFILTER : RTM_NEWTFILTER;
	in.v = 1 + (data[0] >> 1) % RULE_PORTS;
	memcpy((uint8_t *)h + NLMSG_HDRLEN, data + 1, size - 1);
	if (!tc_filter_get(h, &f) && !tc_filter_rule(&env, &f, in, &key, &mask, &acts)) {
		check_sound(&key, &mask, dp_actions_of(&acts));
		ask_again(&env, &f, &key, &mask, dp_actions_of(&acts));
	}
	buf_done(&acts);
	free(h);
	return 0;
}
