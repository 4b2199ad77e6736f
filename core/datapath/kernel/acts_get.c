/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/openvswitch.h>
#include <string.h>
#include <sys/socket.h>

#include "core/datapath/kernel/acts.h"
#include "core/datapath/kernel/acts_priv.h"
#include "core/datapath/kernel/key.h"
#include "core/packet/wire.h"

struct list {
	struct buf *out;
	unsigned depth;
	bool cut; /* a trunc that may belong to the userspace() behind it */
	struct act_trunc trunc;
};

static int get_list(struct buf *out, const void *p, size_t len, unsigned depth);

typedef int get_fn(struct list *l, const struct nlattr *a);

static void end_trunc(struct list *l)
{
	if (l->cut)
		dp_actions_put(l->out, DP_ACT_TRUNC, &l->trunc, sizeof(l->trunc));
	l->cut = false;
}

static int get_output(struct list *l, const struct nlattr *a)
{
	dp_actions_put_output(l->out, (struct dp_port){ nlattr_u32(a) });
	return 0;
}

/* ---- set ---- */

/* One act_set for each field that the mask has bits of. */
static int get_fields(struct list *l, unsigned attr, const struct flow_key *value,
		      struct flow_key *mask)
{
	unsigned row = attr == OVS_KEY_ATTR_IPV6 ? OVS_KEY_ATTR_IPV4 : attr;
	uint8_t left[40];

	for (unsigned id = 0; id < FIELD_N_IDS; id++) {
		const struct field *f = field_get(id);
		union field_value v, m, none;

		if (!kdp_field_table[id].set || id == FIELD_IP_DSCP_SHIFTED ||
		    (kdp_field_table[id].attr != attr && kdp_field_table[id].attr != row) ||
		    field_mask_is_zero(f, mask))
			continue;
		field_read(f, value, &v);
		field_read(f, mask, &m);
		dp_actions_put_set(l->out, id, &v, &m);
		memset(&none, 0, sizeof(none));
		field_write_masked(f, &none, &m, mask);
	}
	kdp_key_attr_write(attr, mask, true, left);
	for (size_t i = 0; i < kdp_key_attr_size(attr); i++) {
		if (left[i])
			return -EOPNOTSUPP; /* bits of no field that may be set */
	}
	return 0;
}

static int get_set_masked(struct list *l, const struct nlattr *a)
{
	bool bad = false;
	const struct nlattr *in = nlattr_first(nlattr_data(a), nlattr_len(a), &bad);
	size_t size = in ? kdp_key_attr_size(nlattr_type(in)) : 0;
	const uint8_t *p;
	struct flow_key value, mask;

	if (!in || bad)
		return -EBADMSG;
	if (!size)
		return -EOPNOTSUPP;
	if (nlattr_len(in) != 2 * size)
		return -EBADMSG;
	p = nlattr_data(in);
	memset(&value, 0, sizeof(value));
	memset(&mask, 0, sizeof(mask));
	kdp_key_attr_read(nlattr_type(in), p, false, &value);
	kdp_key_attr_read(nlattr_type(in), p + size, true, &mask);
	return get_fields(l, nlattr_type(in), &value, &mask);
}

static void put_tunnel_field(struct list *l, enum field_id id, const struct flow_key *k)
{
	union field_value v, ones;

	field_read(field_get(id), k, &v);
	field_ones(field_get(id), &ones);
	dp_actions_put_set(l->out, id, &v, &ones);
}

/* The whole tunnel: what is zero is not named. */
static int get_set(struct list *l, const struct nlattr *a)
{
	bool bad = false;
	const struct nlattr *in = nlattr_first(nlattr_data(a), nlattr_len(a), &bad);
	struct flow_key k;
	int rc;

	if (!in || bad)
		return -EBADMSG;
	if (nlattr_type(in) != OVS_KEY_ATTR_TUNNEL)
		return -EOPNOTSUPP;
	memset(&k, 0, sizeof(k));
	rc = kdp_key_get_tunnel(nlattr_data(in), nlattr_len(in), true, &k.tunnel);
	if (rc)
		return rc;
	for (unsigned id = 0; id < FIELD_N_IDS; id++) {
		if (kdp_field_table[id].set && kdp_field_table[id].attr == OVS_KEY_ATTR_TUNNEL &&
		    !field_mask_is_zero(field_get(id), &k))
			put_tunnel_field(l, id, &k);
	}
	return 0;
}

/* ---- the others ---- */

static int get_push_vlan(struct list *l, const struct nlattr *a)
{
	struct ovs_action_push_vlan k;
	struct act_push_vlan v;

	memcpy(&k, nlattr_data(a), sizeof(k));
	v = (struct act_push_vlan){ k.vlan_tpid, k.vlan_tci };
	dp_actions_put(l->out, DP_ACT_PUSH_VLAN, &v, sizeof(v));
	return 0;
}

static int get_pop_vlan(struct list *l, const struct nlattr *a)
{
	dp_actions_put(l->out, DP_ACT_POP_VLAN, NULL, 0);
	return 0;
}

static int get_push_mpls(struct list *l, const struct nlattr *a)
{
	struct ovs_action_push_mpls k;
	struct act_push_mpls m;

	memcpy(&k, nlattr_data(a), sizeof(k));
	m = (struct act_push_mpls){ .ethertype = k.mpls_ethertype, .lse = k.mpls_lse };
	dp_actions_put(l->out, DP_ACT_PUSH_MPLS, &m, sizeof(m));
	return 0;
}

static int get_pop_mpls(struct list *l, const struct nlattr *a)
{
	struct act_pop_mpls m = { nlattr_be16(a) };

	dp_actions_put(l->out, DP_ACT_POP_MPLS, &m, sizeof(m));
	return 0;
}

static int get_recirc(struct list *l, const struct nlattr *a)
{
	struct act_recirc r = { nlattr_u32(a) };

	dp_actions_put(l->out, DP_ACT_RECIRC, &r, sizeof(r));
	return 0;
}

static int get_meter(struct list *l, const struct nlattr *a)
{
	struct act_meter m = { nlattr_u32(a) };

	dp_actions_put(l->out, DP_ACT_METER, &m, sizeof(m));
	return 0;
}

static int get_hash(struct list *l, const struct nlattr *a)
{
	struct ovs_action_hash k;
	struct act_hash h;

	memcpy(&k, nlattr_data(a), sizeof(k));
	if (k.hash_alg > DP_HASH_SYM_L4)
		return -EOPNOTSUPP;
	h = (struct act_hash){ k.hash_alg, k.hash_basis };
	dp_actions_put(l->out, DP_ACT_HASH, &h, sizeof(h));
	return 0;
}

static int get_userspace(struct list *l, const struct nlattr *a)
{
	static const struct nlattr_policy policy[] = {
		[OVS_USERSPACE_ATTR_PID] = NLATTR_EXACT(4),
		[OVS_USERSPACE_ATTR_USERDATA] = NLATTR_ANY,
	};
	const struct nlattr *in[ARRAY_SIZE(policy)], *data;
	struct kdp_cookie c;
	struct act_userspace u;
	int rc = nlattr_parse_nested(a, policy, ARRAY_SIZE(policy), in);

	if (rc < 0)
		return rc;
	data = in[OVS_USERSPACE_ATTR_USERDATA];
	if (rc || !data || nlattr_len(data) != sizeof(c))
		return -EOPNOTSUPP; /* somebody else's */
	memcpy(&c, nlattr_data(data), sizeof(c));
	if (c.magic != KDP_COOKIE_MAGIC || c.kind >= UPCALL_N_KINDS)
		return -EOPNOTSUPP;
	memset(&u, 0, sizeof(u));
	u.kind = c.kind;
	u.max_len = c.max_len;
	memcpy(u.cookie, c.cookie, sizeof(u.cookie));
	if (l->cut && l->trunc.max_len == MAX(c.max_len, (uint32_t)ETH_HLEN))
		l->cut = false; /* its own */
	end_trunc(l);
	dp_actions_put(l->out, DP_ACT_USERSPACE, &u, sizeof(u));
	return 0;
}

static int get_trunc(struct list *l, const struct nlattr *a)
{
	l->trunc = (struct act_trunc){ nlattr_u32(a) };
	l->cut = true;
	return 0;
}

static int get_nested(struct list *l, const struct nlattr *a)
{
	if (l->depth == DP_ACTIONS_MAX_DEPTH)
		return -EOPNOTSUPP;
	return get_list(l->out, nlattr_data(a), nlattr_len(a), l->depth + 1);
}

static int get_clone(struct list *l, const struct nlattr *a)
{
	size_t mark = dp_actions_nest_begin(l->out, DP_ACT_CLONE, NULL, 0);
	int rc = get_nested(l, a);

	dp_actions_nest_end(l->out, mark);
	return rc;
}

static int get_sample(struct list *l, const struct nlattr *a)
{
	static const struct nlattr_policy policy[] = {
		[OVS_SAMPLE_ATTR_PROBABILITY] = NLATTR_EXACT(4),
		[OVS_SAMPLE_ATTR_ACTIONS] = NLATTR_ANY,
	};
	const struct nlattr *in[ARRAY_SIZE(policy)];
	struct act_sample s = { 0 };
	size_t mark;
	int rc = nlattr_parse_nested(a, policy, ARRAY_SIZE(policy), in);

	if (rc < 0 || !in[OVS_SAMPLE_ATTR_PROBABILITY] || !in[OVS_SAMPLE_ATTR_ACTIONS])
		return -EBADMSG;
	s.probability = nlattr_u32(in[OVS_SAMPLE_ATTR_PROBABILITY]);
	mark = dp_actions_nest_begin(l->out, DP_ACT_SAMPLE, &s, sizeof(s));
	rc = get_nested(l, in[OVS_SAMPLE_ATTR_ACTIONS]);
	dp_actions_nest_end(l->out, mark);
	return rc;
}

static int get_check_len(struct list *l, const struct nlattr *a)
{
	static const struct nlattr_policy policy[] = {
		[OVS_CHECK_PKT_LEN_ATTR_PKT_LEN] = NLATTR_EXACT(2),
		[OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER] = NLATTR_ANY,
		[OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL] = NLATTR_ANY,
	};
	const struct nlattr *in[ARRAY_SIZE(policy)];
	struct act_check_len c = { 0 };
	size_t mark;
	int rc = nlattr_parse_nested(a, policy, ARRAY_SIZE(policy), in);

	for (size_t i = 1; i < ARRAY_SIZE(policy); i++) {
		if (rc < 0 || !in[i])
			return -EBADMSG;
	}
	c.len = nlattr_u16(in[OVS_CHECK_PKT_LEN_ATTR_PKT_LEN]);
	mark = dp_actions_nest_begin(l->out, DP_ACT_CHECK_PKT_LEN, &c, sizeof(c));
	rc = get_nested(l, in[OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER]);
	dp_actions_nest_else(l->out, mark);
	if (!rc)
		rc = get_nested(l, in[OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL]);
	dp_actions_nest_end(l->out, mark);
	return rc;
}

static int get_drop(struct list *l, const struct nlattr *a)
{
	struct act_drop d = { nlattr_u32(a) };

	dp_actions_put(l->out, DP_ACT_DROP, &d, sizeof(d));
	return 0;
}

/* ---- conntrack ---- */

static int get_nat_addr(const struct nlattr *a, struct act_ct *c, struct be128 *addr)
{
	uint16_t family = nlattr_len(a) == 4 ? AF_INET : nlattr_len(a) == 16 ? AF_INET6 : 0;

	if (!family || (c->nat_family && c->nat_family != family))
		return -EBADMSG;
	c->nat_family = family;
	memcpy(addr, nlattr_data(a), nlattr_len(a));
	return 0;
}

static int get_nat(const struct nlattr *nest, struct act_ct *c)
{
	static const struct nlattr_policy policy[] = {
		[OVS_NAT_ATTR_SRC] = NLATTR_ANY,
		[OVS_NAT_ATTR_DST] = NLATTR_ANY,
		[OVS_NAT_ATTR_IP_MIN] = { 4, 16 },
		[OVS_NAT_ATTR_IP_MAX] = { 4, 16 },
		[OVS_NAT_ATTR_PROTO_MIN] = NLATTR_EXACT(2),
		[OVS_NAT_ATTR_PROTO_MAX] = NLATTR_EXACT(2),
		[OVS_NAT_ATTR_PERSISTENT] = NLATTR_ANY,
		[OVS_NAT_ATTR_PROTO_HASH] = NLATTR_ANY,
		[OVS_NAT_ATTR_PROTO_RANDOM] = NLATTR_ANY,
	};
	static const struct {
		uint16_t attr, flag;
	} flags[] = {
		{ OVS_NAT_ATTR_SRC, ACT_CT_NAT_SRC },
		{ OVS_NAT_ATTR_DST, ACT_CT_NAT_DST },
		{ OVS_NAT_ATTR_PERSISTENT, ACT_CT_NAT_PERSISTENT },
		{ OVS_NAT_ATTR_PROTO_HASH, ACT_CT_NAT_HASH },
		{ OVS_NAT_ATTR_PROTO_RANDOM, ACT_CT_NAT_RANDOM },
	};
	const struct nlattr *a[ARRAY_SIZE(policy)];
	int rc = nlattr_parse_nested(nest, policy, ARRAY_SIZE(policy), a);

	if (rc)
		return rc < 0 ? rc : -EOPNOTSUPP;
	c->flags |= ACT_CT_NAT;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (a[flags[i].attr])
			c->flags |= flags[i].flag;
	}
	if (a[OVS_NAT_ATTR_IP_MIN])
		rc = get_nat_addr(a[OVS_NAT_ATTR_IP_MIN], c, &c->nat_min);
	c->nat_max = c->nat_min;
	if (!rc && a[OVS_NAT_ATTR_IP_MAX])
		rc = get_nat_addr(a[OVS_NAT_ATTR_IP_MAX], c, &c->nat_max);
	if (a[OVS_NAT_ATTR_PROTO_MIN])
		c->nat_port_min = c->nat_port_max = nlattr_u16(a[OVS_NAT_ATTR_PROTO_MIN]);
	if (a[OVS_NAT_ATTR_PROTO_MAX])
		c->nat_port_max = nlattr_u16(a[OVS_NAT_ATTR_PROTO_MAX]);
	return rc;
}

static int get_ct_strings(const struct nlattr *const a[], struct act_ct *c)
{
	if (a[OVS_CT_ATTR_HELPER] &&
	    !nlattr_str(a[OVS_CT_ATTR_HELPER], c->helper, sizeof(c->helper)))
		return -EOPNOTSUPP;
	if (a[OVS_CT_ATTR_TIMEOUT] &&
	    !nlattr_str(a[OVS_CT_ATTR_TIMEOUT], c->timeout, sizeof(c->timeout)))
		return -EOPNOTSUPP;
	return 0;
}

static void get_ct_values(const struct nlattr *const a[], struct act_ct *c)
{
	if (a[OVS_CT_ATTR_COMMIT])
		c->flags |= ACT_CT_COMMIT;
	if (a[OVS_CT_ATTR_FORCE_COMMIT])
		c->flags |= ACT_CT_COMMIT | ACT_CT_FORCE;
	if (a[OVS_CT_ATTR_ZONE])
		c->zone = nlattr_u16(a[OVS_CT_ATTR_ZONE]);
	if (a[OVS_CT_ATTR_MARK]) {
		uint32_t mark[2];

		memcpy(mark, nlattr_data(a[OVS_CT_ATTR_MARK]), sizeof(mark));
		c->mark = mark[0];
		c->mark_mask = mark[1];
	}
	if (a[OVS_CT_ATTR_LABELS]) {
		struct be128 label[2];

		memcpy(label, nlattr_data(a[OVS_CT_ATTR_LABELS]), sizeof(label));
		kdp_label_swap(&label[0], &c->label);
		kdp_label_swap(&label[1], &c->label_mask);
	}
}

static int get_ct(struct list *l, const struct nlattr *nest)
{
	static const struct nlattr_policy policy[] = {
		[OVS_CT_ATTR_COMMIT] = NLATTR_ANY,       [OVS_CT_ATTR_ZONE] = NLATTR_EXACT(2),
		[OVS_CT_ATTR_MARK] = NLATTR_EXACT(8),    [OVS_CT_ATTR_LABELS] = NLATTR_EXACT(32),
		[OVS_CT_ATTR_HELPER] = NLATTR_ANY,       [OVS_CT_ATTR_NAT] = NLATTR_ANY,
		[OVS_CT_ATTR_FORCE_COMMIT] = NLATTR_ANY, [OVS_CT_ATTR_EVENTMASK] = NLATTR_EXACT(4),
		[OVS_CT_ATTR_TIMEOUT] = NLATTR_ANY,
	};
	const struct nlattr *a[ARRAY_SIZE(policy)];
	struct act_ct c;
	int rc = nlattr_parse_nested(nest, policy, ARRAY_SIZE(policy), a);

	if (rc)
		return rc < 0 ? rc : -EOPNOTSUPP;
	memset(&c, 0, sizeof(c));
	get_ct_values(a, &c);
	rc = get_ct_strings(a, &c);
	if (!rc && a[OVS_CT_ATTR_NAT])
		rc = get_nat(a[OVS_CT_ATTR_NAT], &c);
	if (!rc)
		dp_actions_put(l->out, DP_ACT_CT, &c, sizeof(c));
	return rc;
}

static int get_ct_clear(struct list *l, const struct nlattr *a)
{
	dp_actions_put(l->out, DP_ACT_CT_CLEAR, NULL, 0);
	return 0;
}

/* ---- lists ---- */

static const struct row {
	uint16_t len; /* of the payload; UINT16_MAX = any */
	get_fn *get;
} rows[] = {
	[OVS_ACTION_ATTR_OUTPUT] = { 4, get_output },
	[OVS_ACTION_ATTR_USERSPACE] = { UINT16_MAX, get_userspace },
	[OVS_ACTION_ATTR_SET] = { UINT16_MAX, get_set },
	[OVS_ACTION_ATTR_PUSH_VLAN] = { sizeof(struct ovs_action_push_vlan), get_push_vlan },
	[OVS_ACTION_ATTR_POP_VLAN] = { 0, get_pop_vlan },
	[OVS_ACTION_ATTR_SAMPLE] = { UINT16_MAX, get_sample },
	[OVS_ACTION_ATTR_RECIRC] = { 4, get_recirc },
	[OVS_ACTION_ATTR_HASH] = { sizeof(struct ovs_action_hash), get_hash },
	[OVS_ACTION_ATTR_PUSH_MPLS] = { sizeof(struct ovs_action_push_mpls), get_push_mpls },
	[OVS_ACTION_ATTR_POP_MPLS] = { 2, get_pop_mpls },
	[OVS_ACTION_ATTR_SET_MASKED] = { UINT16_MAX, get_set_masked },
	[OVS_ACTION_ATTR_CT] = { UINT16_MAX, get_ct },
	[OVS_ACTION_ATTR_TRUNC] = { 4, get_trunc },
	[OVS_ACTION_ATTR_CT_CLEAR] = { 0, get_ct_clear },
	[OVS_ACTION_ATTR_METER] = { 4, get_meter },
	[OVS_ACTION_ATTR_CLONE] = { UINT16_MAX, get_clone },
	[OVS_ACTION_ATTR_CHECK_PKT_LEN] = { UINT16_MAX, get_check_len },
	[KDP_ACTION_DROP] = { 4, get_drop },
};

static int get_one(struct list *l, const struct nlattr *a)
{
	uint16_t type = nlattr_type(a);

	if (type >= ARRAY_SIZE(rows) || !rows[type].get)
		return -EOPNOTSUPP;
	if (rows[type].len != UINT16_MAX && rows[type].len != nlattr_len(a))
		return -EBADMSG;
	if (type != OVS_ACTION_ATTR_USERSPACE)
		end_trunc(l);
	return rows[type].get(l, a);
}

static int get_list(struct buf *out, const void *p, size_t len, unsigned depth)
{
	struct list l = { .out = out, .depth = depth };
	const struct nlattr *a;
	bool bad = false;

	NLATTR_FOR_EACH(a, p, len, &bad)
	{
		int rc = get_one(&l, a);

		if (rc)
			return rc;
	}
	end_trunc(&l);
	return bad ? -EBADMSG : 0;
}

int kdp_acts_get(const void *p, size_t len, struct buf *acts)
{
	size_t start = acts->len;
	int rc = get_list(acts, p, len, 0);
	struct dp_actions got = { acts->data + start, (uint32_t)(acts->len - start) };

	return rc ? rc : dp_actions_check(got, NULL) ? -EBADMSG : 0;
}
