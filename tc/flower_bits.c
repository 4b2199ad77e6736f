/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/flower_bits.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_tunnel_key.h>
#include <string.h>

#include "core/io/nlattr.h"

bool flower_type_is_vlan(be16 type)
{
	return type == htons(ETH_P_8021Q) || type == htons(ETH_P_8021AD);
}

void flower_absent_mask(struct flow_key *mask, bool tunnel, uint32_t chain)
{
	uint64_t *w = flow_words(mask);

	memset(mask, 0, sizeof(*mask));
	for (unsigned i = FLOW_WORD(tunnel); i < FLOW_L2_WORD; i++)
		w[i] = UINT64_MAX;
	mask->in_port = mask->recirc_id = 0;
	if (tunnel)
		memset(&mask->tunnel, 0, sizeof(mask->tunnel));
	if (chain)
		memset(&mask->ct_state, 0,
		       offsetof(struct flow_key, dl_dst) - offsetof(struct flow_key, ct_state));
}

/* --- conntrack's state --- */

static const struct {
	uint32_t bit;
	uint16_t flag;
} ct_flags[] = {
	{ CT_NEW, TCA_FLOWER_KEY_CT_FLAGS_NEW },
	{ CT_EST, TCA_FLOWER_KEY_CT_FLAGS_ESTABLISHED },
	{ CT_REL, TCA_FLOWER_KEY_CT_FLAGS_RELATED },
	{ CT_RPL, TCA_FLOWER_KEY_CT_FLAGS_REPLY },
	{ CT_INV, TCA_FLOWER_KEY_CT_FLAGS_INVALID },
	{ CT_TRK, TCA_FLOWER_KEY_CT_FLAGS_TRACKED },
};

bool flower_ct_state_put(uint32_t bits, uint16_t *flags)
{
	*flags = 0;
	for (size_t i = 0; i < ARRAY_SIZE(ct_flags); i++) {
		if (bits & ct_flags[i].bit)
			*flags |= ct_flags[i].flag;
		bits &= ~ct_flags[i].bit;
	}
	return !bits;
}

uint32_t flower_ct_state_get(uint16_t flags)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ct_flags); i++)
		if (flags & ct_flags[i].flag)
			bits |= ct_flags[i].bit;
	return bits;
}

bool flower_ct_state_ok(uint16_t flags)
{
	const uint16_t trk = TCA_FLOWER_KEY_CT_FLAGS_TRACKED;
	const uint16_t inv = TCA_FLOWER_KEY_CT_FLAGS_INVALID;
	const uint16_t first = TCA_FLOWER_KEY_CT_FLAGS_NEW;

	if (flags && !(flags & trk))
		return false;
	if (flags & inv && flags & ~(trk | inv))
		return false;
	return !(flags & first &&
		 flags & (TCA_FLOWER_KEY_CT_FLAGS_ESTABLISHED | TCA_FLOWER_KEY_CT_FLAGS_REPLY));
}

/* --- numbers --- */

void flower_swap(union field_value *v, unsigned n)
{
	union field_value in = *v;

	if (n == sizeof(uint16_t)) {
		v->be16 = ntohs(in.be16);
		return;
	}
	for (unsigned i = 0, words = n / 4; i < words; i++)
		v->be128.w[words - 1 - i] = ntohl(in.be128.w[i]);
}

/* --- group policy --- */

/* Flower's and act_tunnel_key's options have the same numbers here. */
_Static_assert((int)TCA_FLOWER_KEY_ENC_OPTS_VXLAN == (int)TCA_TUNNEL_KEY_ENC_OPTS_VXLAN &&
		       (int)TCA_FLOWER_KEY_ENC_OPT_VXLAN_GBP ==
			       (int)TCA_TUNNEL_KEY_ENC_OPT_VXLAN_GBP,
	       "one writer for both");

uint32_t flower_gbp(be16 id, uint8_t flags)
{
	return (uint32_t)flags << 16 | ntohs(id);
}

void flower_gbp_put(struct buf *b, uint16_t attr, be16 id, uint8_t flags)
{
	size_t opts = nlattr_nest_flagged(b, attr);
	size_t vxlan = nlattr_nest_flagged(b, TCA_FLOWER_KEY_ENC_OPTS_VXLAN);

	nlattr_put_u32(b, TCA_FLOWER_KEY_ENC_OPT_VXLAN_GBP, flower_gbp(id, flags));
	nlattr_nest_end(b, vxlan);
	nlattr_nest_end(b, opts);
}

int flower_gbp_get(const struct nlattr *a, be16 *id, uint8_t *flags)
{
	static const struct nlattr_policy opts[] = { [TCA_FLOWER_KEY_ENC_OPTS_VXLAN] = NLATTR_ANY };
	static const struct nlattr_policy vxlan[] = { [TCA_FLOWER_KEY_ENC_OPT_VXLAN_GBP] =
							      NLATTR_EXACT(4) };
	const struct nlattr *tb[MAX(ARRAY_SIZE(opts), ARRAY_SIZE(vxlan))];
	uint32_t gbp;
	int rc = nlattr_parse_nested(a, opts, ARRAY_SIZE(opts), tb);

	if (!rc && tb[TCA_FLOWER_KEY_ENC_OPTS_VXLAN])
		rc = nlattr_parse_nested(tb[TCA_FLOWER_KEY_ENC_OPTS_VXLAN], vxlan,
					 ARRAY_SIZE(vxlan), tb);
	else if (!rc)
		rc = 1;
	if (rc)
		return rc < 0 ? rc : -EOPNOTSUPP;
	if (!tb[TCA_FLOWER_KEY_ENC_OPT_VXLAN_GBP])
		return -EBADMSG;
	gbp = nlattr_u32(tb[TCA_FLOWER_KEY_ENC_OPT_VXLAN_GBP]);
	*id = htons((uint16_t)gbp);
	*flags = (uint8_t)(gbp >> 16);
	return 0;
}
