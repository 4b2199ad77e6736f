/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet/action_exec.h"

#include "core/packet/wire.h"

/* false: this packet goes no further in this list */
typedef bool exec_fn(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		     const struct dp_action *a, bool last);

static bool edited(struct exec_ctx *x, bool ok)
{
	x->dropped += !ok;
	return ok;
}

static bool do_side(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		    const struct dp_action *a, bool last)
{
	return x->side(x, p, key, a);
}

static bool do_output(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		      const struct dp_action *a, bool last)
{
	uint32_t len = p->len, cut = x->trunc;
	bool on;

	x->trunc = 0;
	if (!cut || cut >= len)
		return x->side(x, p, key, a);
	p->len = cut;
	on = x->side(x, p, key, a);
	p->len = len;
	return on;
}

static bool do_set(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		   const struct dp_action *a, bool last)
{
	const struct act_set *s = dp_action_payload(a);

	if (unlikely(dp_field_is_tunnel((enum field_id)s->field))) {
		if (a != x->tnl_end && p->tnl)
			memset(p->tnl, 0, sizeof(*p->tnl));
		x->tnl_end = (const uint8_t *)a + dp_action_size(a);
	}
	return edited(x, packet_set_field(p, key, s));
}

static bool do_push_vlan(struct exec_ctx *x, struct packet *p, struct flow_key *key,
			 const struct dp_action *a, bool last)
{
	const struct act_push_vlan *v = dp_action_payload(a);

	return edited(x, packet_push_vlan(p, key, v->tpid, v->tci));
}

static bool do_pop_vlan(struct exec_ctx *x, struct packet *p, struct flow_key *key,
			const struct dp_action *a, bool last)
{
	return edited(x, packet_pop_vlan(p, key));
}

static bool do_push_mpls(struct exec_ctx *x, struct packet *p, struct flow_key *key,
			 const struct dp_action *a, bool last)
{
	const struct act_push_mpls *m = dp_action_payload(a);

	return edited(x, packet_push_mpls(p, key, m->ethertype, m->lse));
}

static bool do_pop_mpls(struct exec_ctx *x, struct packet *p, struct flow_key *key,
			const struct dp_action *a, bool last)
{
	const struct act_pop_mpls *m = dp_action_payload(a);

	return edited(x, packet_pop_mpls(p, key, m->ethertype));
}

static bool do_hash(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		    const struct dp_action *a, bool last)
{
	const struct act_hash *h = dp_action_payload(a);
	uint32_t v = h->alg == DP_HASH_L4 ? flow_hash_5tuple(key, h->basis)
					  : flow_hash_symmetric_l4(key, h->basis);

	key->dp_hash = htonl(v ? v : 1); /* zero: not hashed */
	return true;
}

static bool do_trunc(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		     const struct dp_action *a, bool last)
{
	const struct act_trunc *t = dp_action_payload(a);

	x->trunc = MAX(t->max_len, (uint32_t)ETH_HLEN);
	return true;
}

/* Edits in a nested list are not seen by what comes behind it, so that only the last action of a
 * list may work on the packet itself. */
static bool do_nested(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		      struct dp_actions list, bool last)
{
	struct flow_key copy_key;
	struct packet *copy;

	if (!list.len)
		return true;
	if (last) {
		actions_exec(x, p, key, list);
		return false;
	}
	copy = packet_clone(p);
	copy_key = *key;
	actions_exec(x, copy, &copy_key, list);
	packet_free(copy);
	x->trunc = 0;
	return true;
}

static bool do_clone(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		     const struct dp_action *a, bool last)
{
	return do_nested(x, p, key, dp_action_nested(a, 0), last);
}

/* xorshift (Marsaglia 2003): good enough to take one packet of n. */
static uint32_t next_random(struct exec_ctx *x)
{
	uint32_t r = x->rng ? x->rng : 1;

	r ^= r << 13;
	r ^= r >> 17;
	r ^= r << 5;
	return x->rng = r;
}

static bool do_sample(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		      const struct dp_action *a, bool last)
{
	const struct act_sample *s = dp_action_payload(a);
	struct dp_actions list = dp_action_nested(a, 0);
	const struct dp_action *only = dp_action_first(list);

	if (s->probability != UINT32_MAX && next_random(x) >= s->probability)
		return true;
	/* A packet that is only told of stays as it is: no copy for that. */
	if (only && only->kind == DP_ACT_USERSPACE && !dp_action_next(list, only))
		return x->side(x, p, key, only);
	return do_nested(x, p, key, list, last);
}

static bool do_check_len(struct exec_ctx *x, struct packet *p, struct flow_key *key,
			 const struct dp_action *a, bool last)
{
	const struct act_check_len *c = dp_action_payload(a);

	return do_nested(x, p, key, dp_action_nested(a, p->len > c->len ? 0 : 1), last);
}

static bool do_drop(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		    const struct dp_action *a, bool last)
{
	return false;
}

static exec_fn *const execs[DP_ACT_N_KINDS] = {
	[DP_ACT_OUTPUT] = do_output,       [DP_ACT_SET] = do_set,
	[DP_ACT_PUSH_VLAN] = do_push_vlan, [DP_ACT_POP_VLAN] = do_pop_vlan,
	[DP_ACT_PUSH_MPLS] = do_push_mpls, [DP_ACT_POP_MPLS] = do_pop_mpls,
	[DP_ACT_RECIRC] = do_side,         [DP_ACT_HASH] = do_hash,
	[DP_ACT_USERSPACE] = do_side,      [DP_ACT_SAMPLE] = do_sample,
	[DP_ACT_CLONE] = do_clone,         [DP_ACT_TRUNC] = do_trunc,
	[DP_ACT_METER] = do_side,          [DP_ACT_CT] = do_side,
	[DP_ACT_CT_CLEAR] = do_side,       [DP_ACT_CHECK_PKT_LEN] = do_check_len,
	[DP_ACT_DROP] = do_drop,
};

void actions_exec(struct exec_ctx *x, struct packet *p, struct flow_key *key,
		  struct dp_actions acts)
{
	const struct dp_action *a = dp_action_first(acts), *next;

	x->tnl_end = NULL;
	for (; a; a = next) {
		next = dp_action_next(acts, a);
		if (!execs[a->kind](x, p, key, a, !next))
			break;
	}
}
