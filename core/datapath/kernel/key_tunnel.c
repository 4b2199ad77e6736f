/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/openvswitch.h>
#include <string.h>

#include "core/datapath/kernel/key_priv.h"

static const struct tnl_member {
	uint8_t attr, size;
	uint8_t at; /* in struct flow_tnl */
} tnl_members[] = {
#define TNL(ATTR, MEMBER)                                                                          \
	{                                                                                          \
		OVS_TUNNEL_KEY_ATTR_##ATTR, sizeof(((struct flow_tnl *)0)->MEMBER),                \
			offsetof(struct flow_tnl, MEMBER)                                          \
	}
	TNL(IPV4_SRC, src),  TNL(IPV4_DST, dst),  TNL(IPV6_SRC, src6),
	TNL(IPV6_DST, dst6), TNL(TOS, tos),       TNL(TTL, ttl),
	TNL(TP_SRC, tp_src), TNL(TP_DST, tp_dst), TNL(ID, tun_id),
};

static const struct tnl_flag {
	uint8_t attr;
	uint16_t bit;
} tnl_flags[] = {
	{ OVS_TUNNEL_KEY_ATTR_DONT_FRAGMENT, FLOW_TNL_F_DF },
	{ OVS_TUNNEL_KEY_ATTR_CSUM, FLOW_TNL_F_CSUM },
	{ OVS_TUNNEL_KEY_ATTR_OAM, FLOW_TNL_F_OAM },
};

static void put_gbp(struct buf *b, const struct flow_tnl *t)
{
	size_t mark = nlattr_nest(b, OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS);

	nlattr_put_u32(b, OVS_VXLAN_EXT_GBP, (uint32_t)t->gbp_flags << 16 | ntohs(t->gbp_id));
	nlattr_nest_end(b, mark);
}

/* `needed`: the TTL also when it is zero, as a key must have it. */
static void put_tunnel(struct buf *b, const struct flow_tnl *t, bool needed)
{
	for (size_t i = 0; i < ARRAY_SIZE(tnl_members); i++) {
		const struct tnl_member *m = &tnl_members[i];
		const uint8_t *p = (const uint8_t *)t + m->at;
		bool forced =
			(m->attr == OVS_TUNNEL_KEY_ATTR_TTL && needed) ||
			(m->attr == OVS_TUNNEL_KEY_ATTR_ID && t->flags & htons(FLOW_TNL_F_KEY));

		if (forced || !kdp_all_zero(p, m->size))
			nlattr_put(b, m->attr, p, m->size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(tnl_flags); i++) {
		if (t->flags & htons(tnl_flags[i].bit))
			nlattr_put_flag(b, tnl_flags[i].attr);
	}
	if (kdp_has_gbp(t))
		put_gbp(b, t);
}

void kdp_key_put_tunnel(struct buf *b, const struct flow_tnl *tnl)
{
	put_tunnel(b, tnl, true);
}

void kdp_put_tunnel_mask(struct buf *b, const struct flow_tnl *mask)
{
	put_tunnel(b, mask, false);
}

static int get_gbp(const struct nlattr *a, struct flow_tnl *t)
{
	static const struct nlattr_policy policy[] = { [OVS_VXLAN_EXT_GBP] = NLATTR_EXACT(4) };
	const struct nlattr *in[ARRAY_SIZE(policy)];
	int rc = nlattr_parse_nested(a, policy, ARRAY_SIZE(policy), in);
	uint32_t gbp;

	if (rc < 0 || !in[OVS_VXLAN_EXT_GBP])
		return rc < 0 ? rc : 0;
	gbp = nlattr_u32(in[OVS_VXLAN_EXT_GBP]);
	t->gbp_flags = (uint8_t)(gbp >> 16);
	t->gbp_id = htons((uint16_t)gbp);
	return 0;
}

static int get_tunnel_attr(const struct nlattr *a, bool mask, struct flow_tnl *t)
{
	uint16_t type = nlattr_type(a);

	for (size_t i = 0; i < ARRAY_SIZE(tnl_members); i++) {
		if (tnl_members[i].attr != type)
			continue;
		if (nlattr_len(a) != tnl_members[i].size)
			return -EBADMSG;
		memcpy((uint8_t *)t + tnl_members[i].at, nlattr_data(a), tnl_members[i].size);
		if (type == OVS_TUNNEL_KEY_ATTR_ID)
			t->flags |= htons(FLOW_TNL_F_KEY);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(tnl_flags); i++) {
		if (tnl_flags[i].attr == type) {
			t->flags |= htons(tnl_flags[i].bit);
			return nlattr_len(a) ? -EBADMSG : 0;
		}
	}
	if (type == OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS)
		return get_gbp(a, t);
	if (type == OVS_TUNNEL_KEY_ATTR_PAD)
		return 0;
	return mask ? -EOPNOTSUPP : 0; /* options: seen, but not matched */
}

int kdp_key_get_tunnel(const void *p, size_t len, bool mask, struct flow_tnl *tnl)
{
	const struct nlattr *a;
	bool bad = false;

	memset(tnl, 0, sizeof(*tnl));
	NLATTR_FOR_EACH(a, p, len, &bad)
	{
		int rc = get_tunnel_attr(a, mask, tnl);

		if (rc)
			return rc;
	}
	return bad ? -EBADMSG : 0;
}
