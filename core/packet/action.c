/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet/action.h"

#include <errno.h>

#include "core/packet/wire.h"

const struct dp_action_info dp_action_table[DP_ACT_N_KINDS] = {
#define ROW(KIND, NAME, PAYLOAD, NESTED) [KIND] = { KIND, NAME, PAYLOAD, NESTED }
	ROW(DP_ACT_OUTPUT, "output", sizeof(struct act_output), false),
	ROW(DP_ACT_SET, "set", sizeof(struct act_set), false),
	ROW(DP_ACT_PUSH_VLAN, "push_vlan", sizeof(struct act_push_vlan), false),
	ROW(DP_ACT_POP_VLAN, "pop_vlan", 0, false),
	ROW(DP_ACT_PUSH_MPLS, "push_mpls", sizeof(struct act_push_mpls), false),
	ROW(DP_ACT_POP_MPLS, "pop_mpls", sizeof(struct act_pop_mpls), false),
	ROW(DP_ACT_RECIRC, "recirc", sizeof(struct act_recirc), false),
	ROW(DP_ACT_HASH, "hash", sizeof(struct act_hash), false),
	ROW(DP_ACT_USERSPACE, "userspace", sizeof(struct act_userspace), false),
	ROW(DP_ACT_SAMPLE, "sample", sizeof(struct act_sample), true),
	ROW(DP_ACT_CLONE, "clone", 0, true),
	ROW(DP_ACT_TRUNC, "trunc", sizeof(struct act_trunc), false),
	ROW(DP_ACT_METER, "meter", sizeof(struct act_meter), false),
	ROW(DP_ACT_CT, "ct", sizeof(struct act_ct), false),
	ROW(DP_ACT_CT_CLEAR, "ct_clear", 0, false),
	ROW(DP_ACT_CHECK_PKT_LEN, "check_pkt_len", sizeof(struct act_check_len), true),
	ROW(DP_ACT_DROP, "drop", sizeof(struct act_drop), false),
#undef ROW
};

/* --- building --- */

void *dp_actions_put(struct buf *b, enum dp_action_kind kind, const void *payload, size_t len)
{
	size_t size = sizeof(struct dp_action) + ROUND_UP(len, 8);
	struct dp_action *a = buf_put_zeros(b, size);

	a->kind = (uint16_t)kind;
	a->len = (uint32_t)len;
	if (payload && len)
		memcpy(a + 1, payload, len);
	return a + 1;
}

void dp_actions_put_output(struct buf *b, struct dp_port port)
{
	struct act_output o = { port };

	dp_actions_put(b, DP_ACT_OUTPUT, &o, sizeof(o));
}

void dp_actions_put_set(struct buf *b, enum field_id field, const union field_value *v,
			const union field_value *mask)
{
	const struct field *f = field_get(field);
	struct act_set *s = dp_actions_put(b, DP_ACT_SET, NULL, sizeof(*s));

	s->field = (uint16_t)field;
	for (unsigned i = 0; i < f->n_bytes; i++) {
		s->mask.b[i] = mask->b[i];
		s->value.b[i] = v->b[i] & mask->b[i];
	}
}

size_t dp_actions_nest_begin(struct buf *b, enum dp_action_kind kind, const void *payload,
			     size_t len)
{
	size_t mark = b->len;

	dp_actions_put(b, kind, payload, len);
	return mark;
}

static struct dp_action *nest_at(struct buf *b, size_t mark)
{
	return (struct dp_action *)(void *)(b->data + mark);
}

/* Bytes of nested lists so far. */
static uint32_t nested_bytes(const struct buf *b, size_t mark, const struct dp_action *a)
{
	size_t fixed = ROUND_UP((size_t)dp_action_table[a->kind].payload, 8);

	return (uint32_t)(b->len - mark - sizeof(*a) - fixed);
}

void dp_actions_nest_else(struct buf *b, size_t mark)
{
	struct dp_action *a = nest_at(b, mark);
	struct act_check_len *c = (struct act_check_len *)(a + 1);

	c->greater_bytes = nested_bytes(b, mark, a);
}

void dp_actions_nest_end(struct buf *b, size_t mark)
{
	nest_at(b, mark)->len = (uint32_t)(b->len - mark - sizeof(struct dp_action));
}

struct dp_actions dp_action_nested(const struct dp_action *a, unsigned which)
{
	const uint8_t *p = dp_action_payload(a);
	uint32_t fixed = ROUND_UP((uint32_t)dp_action_table[a->kind].payload, 8), first;
	struct dp_actions list = { p + fixed, a->len - fixed };

	if (a->kind != DP_ACT_CHECK_PKT_LEN)
		return list;
	first = ((const struct act_check_len *)(const void *)p)->greater_bytes;
	if (!which)
		return (struct dp_actions){ p + fixed, first };
	return (struct dp_actions){ p + fixed + first, list.len - first };
}

bool dp_actions_equal(struct dp_actions a, struct dp_actions b)
{
	return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

/* --- checking --- */

bool dp_field_settable(const struct field *f)
{
	static const bool metadata[FIELD_N_IDS] = {
		[FIELD_SKB_PRIORITY] = true, [FIELD_PKT_MARK] = true,
		[FIELD_TUN_ID] = true,       [FIELD_TUN_SRC] = true,
		[FIELD_TUN_DST] = true,      [FIELD_TUN_IPV6_SRC] = true,
		[FIELD_TUN_IPV6_DST] = true, [FIELD_TUN_FLAGS] = true,
		[FIELD_TUN_GBP_ID] = true,   [FIELD_TUN_GBP_FLAGS] = true,
		[FIELD_TUN_TOS] = true,      [FIELD_TUN_TTL] = true,
		[FIELD_TUN_TP_SRC] = true,   [FIELD_TUN_TP_DST] = true,
	};

	return metadata[f->id] || (f->writable && f->ofs >= 8 * FLOW_L2_WORD);
}

static int bad(struct error *err, const struct dp_action *a, const char *why)
{
	return error_set(err, EINVAL, dp_action_table[a->kind].name, "%s", why);
}

static int check_set(const struct act_set *s, struct error *err)
{
	const struct field *f;

	if (s->field >= FIELD_N_IDS || !dp_field_settable(field_get(s->field)))
		return error_set(err, EINVAL, "set", "field %u cannot be set by a datapath",
				 s->field);
	f = field_get(s->field);
	if (!field_value_ok(f, &s->value))
		return error_set(err, EINVAL, f->name, "the value is not one of the field's");
	for (unsigned i = 0; i < sizeof(s->value.b); i++)
		if (s->value.b[i] & ~s->mask.b[i] || (i >= f->n_bytes && s->mask.b[i]))
			return error_set(err, EINVAL, f->name,
					 "the value has bits outside its mask");
	return 0;
}

static int check_ct(const struct dp_action *a, const struct act_ct *c, struct error *err)
{
	if (!memchr(c->helper, 0, sizeof(c->helper)) || !memchr(c->timeout, 0, sizeof(c->timeout)))
		return bad(err, a, "a name has no end");
	if (c->flags & ~0xff)
		return bad(err, a, "unknown flags");
	if (c->nat_family && c->nat_family != AF_INET && c->nat_family != AF_INET6)
		return bad(err, a, "unknown address family");
	return 0;
}

static int check_payload(const struct dp_action *a, struct error *err)
{
	union {
		const void *p;
		const struct act_push_vlan *vlan;
		const struct act_push_mpls *mpls;
		const struct act_hash *hash;
		const struct act_userspace *up;
		const struct act_trunc *trunc;
		const struct act_check_len *len;
	} u = { dp_action_payload(a) };

	switch ((enum dp_action_kind)a->kind) {
	case DP_ACT_SET: return check_set(u.p, err);
	case DP_ACT_CT: return check_ct(a, u.p, err);
	case DP_ACT_PUSH_VLAN:
		if (!eth_type_is_vlan(u.vlan->tpid) || !(u.vlan->tci & htons(VLAN_CFI)))
			return bad(err, a,
				   "the TPID is not 0x8100 or 0x88a8, or the TCI not marked");
		return 0;
	case DP_ACT_PUSH_MPLS:
		return eth_type_is_mpls(u.mpls->ethertype) ? 0
							   : bad(err, a, "not an MPLS Ethertype");
	case DP_ACT_HASH:
		return u.hash->alg <= DP_HASH_SYM_L4 ? 0 : bad(err, a, "unknown algorithm");
	case DP_ACT_USERSPACE:
		return u.up->kind < UPCALL_N_KINDS ? 0 : bad(err, a, "unknown kind of upcall");
	case DP_ACT_TRUNC:
		return u.trunc->max_len >= ETH_HLEN
			       ? 0
			       : bad(err, a, "shorter than an Ethernet header");
	case DP_ACT_CHECK_PKT_LEN:
		if (u.len->greater_bytes % 8 ||
		    u.len->greater_bytes > a->len - sizeof(struct act_check_len))
			return bad(err, a, "the first list is longer than the action");
		return 0;
	case DP_ACT_OUTPUT:
	case DP_ACT_POP_VLAN:
	case DP_ACT_POP_MPLS:
	case DP_ACT_RECIRC:
	case DP_ACT_SAMPLE:
	case DP_ACT_CLONE:
	case DP_ACT_METER:
	case DP_ACT_CT_CLEAR:
	case DP_ACT_DROP:
	case DP_ACT_N_KINDS: return 0;
	}
	return 0;
}

static int check_header(const struct dp_action *a, uint32_t left, struct error *err)
{
	const struct dp_action_info *info;

	if (left < sizeof(*a) || a->kind >= DP_ACT_N_KINDS || a->len > left ||
	    dp_action_size(a) > left)
		return error_set(err, EINVAL, NULL, "an action is cut short or of no known kind");
	info = &dp_action_table[a->kind];
	if (info->nested ? a->len < info->payload || (a->len - info->payload) % 8
			 : a->len != info->payload)
		return bad(err, a, "the action has the wrong size");
	return 0;
}

static int check_list(struct dp_actions list, unsigned depth, struct error *err)
{
	const uint8_t *p = list.data;
	uint32_t left = list.len;
	int r;

	if (depth > DP_ACTIONS_MAX_DEPTH)
		return error_set(err, EINVAL, NULL, "actions are nested deeper than %d levels",
				 DP_ACTIONS_MAX_DEPTH);
	while (left) {
		const struct dp_action *a = (const void *)p;

		r = check_header(a, left, err);
		if (!r)
			r = check_payload(a, err);
		if (!r && dp_action_table[a->kind].nested)
			r = check_list(dp_action_nested(a, 0), depth + 1, err);
		if (!r && a->kind == DP_ACT_CHECK_PKT_LEN)
			r = check_list(dp_action_nested(a, 1), depth + 1, err);
		if (r)
			return r;
		p += dp_action_size(a);
		left -= (uint32_t)dp_action_size(a);
	}
	return 0;
}

int dp_actions_check(struct dp_actions a, struct error *err)
{
	if (a.len % 8 || (uintptr_t)a.data % 8)
		return error_set(err, EINVAL, NULL, "the list is not in units of 8 bytes");
	return check_list(a, 1, err);
}
