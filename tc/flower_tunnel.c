/* SPDX-License-Identifier: Apache-2.0 */
#include "tc/flower_tunnel.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_tunnel_key.h>
#include <stdio.h>
#include <string.h>

#include "core/io/nlattr.h"
#include "offload/caps.h"
#include "tc/flower_bits.h"

/* In the order in which sets are read back. */
static const enum field_id fields[] = {
	FIELD_TUN_ID,       FIELD_TUN_SRC,    FIELD_TUN_DST,       FIELD_TUN_IPV6_SRC,
	FIELD_TUN_IPV6_DST, FIELD_TUN_TOS,    FIELD_TUN_TTL,       FIELD_TUN_TP_SRC,
	FIELD_TUN_TP_DST,   FIELD_TUN_GBP_ID, FIELD_TUN_GBP_FLAGS, FIELD_TUN_FLAGS,
};

bool flower_tunnel_set(struct flower_tunnel *t, const struct act_set *set)
{
	const struct field *f = field_get((enum field_id)set->field);
	struct flow_key key;

	/* Flags are single bits, so any of them may be written alone. */
	if (f->id != FIELD_TUN_FLAGS && !field_value_is_ones(f, &set->mask))
		return false;
	memset(&key, 0, sizeof(key));
	key.tunnel = t->value;
	field_write_masked(f, &set->value, &set->mask, &key);
	t->value = key.tunnel;
	return true;
}

static bool is_v6(const struct flow_tnl *t)
{
	return t->dst6.d[0] | t->dst6.d[1];
}

/* What cannot be asked for; FIELD_N_IDS: it is all there. */
static enum field_id lacks(const struct flow_tnl *v, enum flower_port_kind kind, uint32_t features)
{
	uint16_t can = FLOW_TNL_F_CSUM | FLOW_TNL_F_KEY;

	if (is_v6(v) || features & FLOWER_F_TUNNEL_DF)
		can |= FLOW_TNL_F_DF;
	if (v->flags & ~htons(can))
		return FIELD_TUN_FLAGS;
	if (v->tp_src)
		return FIELD_TUN_TP_SRC;
	if (ntoh64(v->tun_id) > UINT32_MAX)
		return FIELD_TUN_ID;
	if ((v->gbp_id || v->gbp_flags) &&
	    (kind != FLOWER_PORT_VXLAN || v->gbp_flags & ~FLOWER_GBP_FLAGS))
		return FIELD_TUN_GBP_ID;
	return FIELD_N_IDS;
}

int flower_tunnel_check(const struct flower_tunnel *t, enum flower_port_kind kind,
			uint32_t features, struct offload_refusal *why)
{
	const struct flow_tnl *v = &t->value;
	enum field_id field = lacks(v, kind, features);

	if (!v->dst && !is_v6(v))
		return flower_refuse(why, OFFLOAD_ACTION, -1, DP_ACT_OUTPUT);
	if (field == FIELD_N_IDS)
		return 0;
	(void)flower_refuse(why, OFFLOAD_SET_FIELD, (int)caps_field(field), DP_ACT_SET);
	if (field == FIELD_TUN_FLAGS && v->flags & htons(FLOW_TNL_F_DF))
		(void)snprintf(why->driver, sizeof(why->driver),
			       "act_tunnel_key cannot ask for \"do not fragment\"; "
			       "options:df_default=false does not want it");
	return -EOPNOTSUPP;
}

static bool has_key(const struct flow_tnl *v, enum flower_port_kind kind)
{
	return kind != FLOWER_PORT_GRE || v->flags & htons(FLOW_TNL_F_KEY);
}

void flower_tunnel_put(const struct flower_tunnel *t, enum flower_port_kind kind, struct buf *b)
{
	struct tc_tunnel_key fixed = { .action = TC_ACT_PIPE, .t_action = TCA_TUNNEL_KEY_ACT_SET };
	const struct flow_tnl *v = &t->value;

	nlattr_put(b, TCA_TUNNEL_KEY_PARMS, &fixed, sizeof(fixed));
	if (has_key(v, kind))
		nlattr_put_be32(b, TCA_TUNNEL_KEY_ENC_KEY_ID, htonl((uint32_t)ntoh64(v->tun_id)));
	if (is_v6(v)) {
		nlattr_put(b, TCA_TUNNEL_KEY_ENC_IPV6_SRC, &v->src6, sizeof(v->src6));
		nlattr_put(b, TCA_TUNNEL_KEY_ENC_IPV6_DST, &v->dst6, sizeof(v->dst6));
	} else {
		nlattr_put_be32(b, TCA_TUNNEL_KEY_ENC_IPV4_SRC, v->src);
		nlattr_put_be32(b, TCA_TUNNEL_KEY_ENC_IPV4_DST, v->dst);
		if (v->flags & htons(FLOW_TNL_F_DF))
			nlattr_put_flag(b, FLOWER_TUNNEL_NO_FRAG);
	}
	if (v->tp_dst)
		nlattr_put_be16(b, TCA_TUNNEL_KEY_ENC_DST_PORT, v->tp_dst);
	nlattr_put_u8(b, TCA_TUNNEL_KEY_NO_CSUM, !(v->flags & htons(FLOW_TNL_F_CSUM)));
	if (v->tos)
		nlattr_put_u8(b, TCA_TUNNEL_KEY_ENC_TOS, v->tos);
	if (v->ttl)
		nlattr_put_u8(b, TCA_TUNNEL_KEY_ENC_TTL, v->ttl);
	if (v->gbp_id || v->gbp_flags)
		flower_gbp_put(b, TCA_TUNNEL_KEY_ENC_OPTS, v->gbp_id, v->gbp_flags);
}

void flower_tunnel_put_release(struct buf *b)
{
	struct tc_tunnel_key fixed = { .action = TC_ACT_PIPE,
				       .t_action = TCA_TUNNEL_KEY_ACT_RELEASE };

	nlattr_put(b, TCA_TUNNEL_KEY_PARMS, &fixed, sizeof(fixed));
}

/* --- and back --- */

static const struct nlattr_policy policy[FLOWER_TUNNEL_NO_FRAG + 1] = {
	[TCA_TUNNEL_KEY_PARMS] = NLATTR_EXACT(sizeof(struct tc_tunnel_key)),
	[TCA_TUNNEL_KEY_TM] = NLATTR_ANY,
	[TCA_TUNNEL_KEY_PAD] = NLATTR_ANY,
	[TCA_TUNNEL_KEY_ENC_KEY_ID] = NLATTR_EXACT(4),
	[TCA_TUNNEL_KEY_ENC_IPV4_SRC] = NLATTR_EXACT(4),
	[TCA_TUNNEL_KEY_ENC_IPV4_DST] = NLATTR_EXACT(4),
	[TCA_TUNNEL_KEY_ENC_IPV6_SRC] = NLATTR_EXACT(16),
	[TCA_TUNNEL_KEY_ENC_IPV6_DST] = NLATTR_EXACT(16),
	[TCA_TUNNEL_KEY_ENC_DST_PORT] = NLATTR_EXACT(2),
	[TCA_TUNNEL_KEY_NO_CSUM] = NLATTR_EXACT(1),
	[TCA_TUNNEL_KEY_ENC_OPTS] = NLATTR_ANY,
	[TCA_TUNNEL_KEY_ENC_TOS] = NLATTR_EXACT(1),
	[TCA_TUNNEL_KEY_ENC_TTL] = NLATTR_EXACT(1),
	[FLOWER_TUNNEL_NO_FRAG] = NLATTR_ANY,
};

static void copy(void *to, const struct nlattr *a, size_t len)
{
	if (a)
		memcpy(to, nlattr_data(a), len); /* the policy has the same length */
}

static int get_header(struct flow_tnl *v, const struct nlattr *const tb[])
{
	const struct nlattr *key = tb[TCA_TUNNEL_KEY_ENC_KEY_ID];
	const struct nlattr *no_csum = tb[TCA_TUNNEL_KEY_NO_CSUM];

	memset(v, 0, sizeof(*v));
	if (key) {
		v->tun_id = hton64(ntohl(nlattr_be32(key)));
		v->flags |= htons(FLOW_TNL_F_KEY);
	}
	if (!no_csum || !nlattr_u8(no_csum))
		v->flags |= htons(FLOW_TNL_F_CSUM);
	if (tb[FLOWER_TUNNEL_NO_FRAG])
		v->flags |= htons(FLOW_TNL_F_DF);
	copy(&v->src, tb[TCA_TUNNEL_KEY_ENC_IPV4_SRC], sizeof(v->src));
	copy(&v->dst, tb[TCA_TUNNEL_KEY_ENC_IPV4_DST], sizeof(v->dst));
	copy(&v->src6, tb[TCA_TUNNEL_KEY_ENC_IPV6_SRC], sizeof(v->src6));
	copy(&v->dst6, tb[TCA_TUNNEL_KEY_ENC_IPV6_DST], sizeof(v->dst6));
	copy(&v->tp_dst, tb[TCA_TUNNEL_KEY_ENC_DST_PORT], sizeof(v->tp_dst));
	copy(&v->tos, tb[TCA_TUNNEL_KEY_ENC_TOS], sizeof(v->tos));
	copy(&v->ttl, tb[TCA_TUNNEL_KEY_ENC_TTL], sizeof(v->ttl));
	return tb[TCA_TUNNEL_KEY_ENC_OPTS]
		       ? flower_gbp_get(tb[TCA_TUNNEL_KEY_ENC_OPTS], &v->gbp_id, &v->gbp_flags)
		       : 0;
}

int flower_tunnel_get(struct flower_tunnel *t, bool *release, const void *options, size_t len)
{
	const struct nlattr *tb[ARRAY_SIZE(policy)];
	struct tc_tunnel_key fixed;
	int rc = nlattr_parse(options, len, policy, ARRAY_SIZE(policy), tb);

	if (rc || !tb[TCA_TUNNEL_KEY_PARMS])
		return rc < 0 ? rc : rc > 0 ? -EOPNOTSUPP : -EBADMSG;
	memcpy(&fixed, nlattr_data(tb[TCA_TUNNEL_KEY_PARMS]), sizeof(fixed));
	if (fixed.action != TC_ACT_PIPE)
		return -EOPNOTSUPP;
	*release = fixed.t_action == TCA_TUNNEL_KEY_ACT_RELEASE;
	if (*release)
		return 0;
	return fixed.t_action == TCA_TUNNEL_KEY_ACT_SET ? get_header(&t->value, tb) : -EOPNOTSUPP;
}

void flower_tunnel_actions(const struct flower_tunnel *was, const struct flower_tunnel *now,
			   struct buf *out)
{
	struct flow_key a, b;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.tunnel = was->value;
	b.tunnel = now->value;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *f = field_get(fields[i]);
		union field_value va, vb, ones;

		field_read(f, &a, &va);
		field_read(f, &b, &vb);
		field_ones(f, &ones);
		if (memcmp(&va, &vb, f->n_bytes))
			dp_actions_put_set(out, f->id, &vb, &ones);
	}
}
