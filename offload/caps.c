/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/caps.h"

#include <string.h>

#include "core/packet/wire.h"

static const enum field_id aliases[][2] = {
	{ FIELD_IN_PORT, FIELD_IN_PORT_OXM },  { FIELD_IP_DSCP, FIELD_IP_DSCP_SHIFTED },
	{ FIELD_VLAN_TCI, FIELD_VLAN_VID },    { FIELD_DL_VLAN, FIELD_VLAN_VID },
	{ FIELD_DL_VLAN_PCP, FIELD_VLAN_PCP },
};

enum field_id caps_field(enum field_id id)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (aliases[i][0] == id)
			return aliases[i][1];
	return id;
}

void caps_field_add(uint64_t *set, enum field_id id)
{
	enum field_id known = caps_field(id);

	set[known / 64] |= UINT64_C(1) << (known % 64);
	if (id == FIELD_VLAN_TCI)
		caps_field_add(set, FIELD_VLAN_PCP);
}

/* --- the mask --- */

/* Bits of the key's metadata, which are zero in every frame that a NIC gets from its port. */
#define META_FIRST FLOW_WORD(tunnel)

static bool refuse(struct offload_refusal *why, enum offload_reason reason, int field)
{
	offload_refusal_set(why, reason);
	why->field = field;
	return false;
}

/* Metadata that must be zero is so. */
static void consume_absent(const struct flow_key *key, struct flow_key *left)
{
	const uint64_t *k = flow_words_const(key);
	uint64_t *m = flow_words(left);
	be32 in_port = left->in_port;

	for (unsigned i = META_FIRST; i < FLOW_L2_WORD; i++)
		m[i] &= k[i];
	left->in_port = in_port;
}

static bool mask_is_prefix(const union field_value *v, unsigned n_bytes, unsigned n_bits)
{
	bool ended = false;

	for (unsigned i = 0; i < n_bits; i++) {
		unsigned bit = n_bytes * 8 - n_bits + i;
		bool on = v->b[bit / 8] >> (7 - bit % 8) & 1;

		if (on && ended)
			return false;
		ended |= !on;
	}
	return true;
}

static bool can_match(const struct offload_caps *c, const struct field *f,
		      const struct flow_key *mask, const union field_value *m)
{
	if (offload_caps_has(c->fields_masked, f->id))
		return true;
	if (field_mask_is_exact(f, mask))
		return offload_caps_has(c->fields, f->id);
	return offload_caps_has(c->fields_prefix, f->id) &&
	       mask_is_prefix(m, f->n_bytes, f->n_bits);
}

static void clear(const struct field *f, struct flow_key *left)
{
	union field_value zero;

	memset(&zero, 0, sizeof(zero));
	field_write(f, &zero, left);
}

/* A tag's presence comes with the matching of its VLAN ID; of a tag that is not there nothing else
 * is left to match. */
static void consume_vlan(const struct offload_caps *c, const struct flow_key *key,
			 struct flow_key *left, unsigned tag)
{
	struct flow_vlan *m = &left->vlans[tag];
	bool asked = m->tci & htons(VLAN_CFI);
	bool present = key->vlans[tag].tci & htons(VLAN_CFI);

	if (!offload_caps_has(c->fields, FIELD_VLAN_VID))
		return;
	m->tpid = 0;
	m->tci &= (be16)~htons(VLAN_CFI);
	if (asked && !present)
		m->tci = 0;
}

/* The inner tag is matched as the outer one is, by devices that see it. */
static void consume_inner(const struct offload_caps *c, const struct flow_key *key,
			  struct flow_key *left)
{
	const be16 vid = htons(0x0fff), pcp = htons(0xe000);
	be16 m;

	consume_vlan(c, key, left, 1);
	m = left->vlans[1].tci;
	if ((m & vid) == vid || offload_caps_has(c->fields_masked, FIELD_VLAN_VID))
		m &= (be16)~vid;
	if (offload_caps_has(c->fields, FIELD_VLAN_PCP) &&
	    ((m & pcp) == pcp || offload_caps_has(c->fields_masked, FIELD_VLAN_PCP)))
		m &= (be16)~pcp;
	left->vlans[1].tci = m;
}

/* VLAN_VID's row holds the presence bit too, which consume_vlan() has taken: exact is 12 bits here.
 */
static bool vid_ok(const struct offload_caps *c, const struct flow_key *left)
{
	be16 m = left->vlans[0].tci & htons(0x0fff);

	return !m || m == htons(0x0fff) || offload_caps_has(c->fields_masked, FIELD_VLAN_VID);
}

static bool consume_field(const struct offload_caps *c, const struct field *f,
			  const struct offload_rule *r, struct flow_key *left,
			  struct offload_refusal *why)
{
	union field_value m;

	if (caps_field(f->id) != f->id || field_mask_is_zero(f, left) ||
	    !field_prereq_matched((enum field_prereq)f->prereq, r->key, r->mask))
		return true;
	if (!offload_caps_has(c->fields, f->id))
		return refuse(why, OFFLOAD_FIELD, (int)f->id);
	field_read(f, left, &m);
	if (f->id == FIELD_VLAN_VID ? !vid_ok(c, left) : !can_match(c, f, left, &m))
		return refuse(why, OFFLOAD_MASK, (int)f->id);
	clear(f, left);
	return true;
}

/* The match itself says that packets have no such header, so that its bits are zero in all of them.
 */
static bool refuted(const struct field *f, const struct offload_rule *r)
{
	enum field_prereq p = (enum field_prereq)f->prereq;
	struct flow_key need;

	if (p == FIELD_PRE_NONE || field_prereq_ok(p, r->key))
		return false;
	memset(&need, 0, sizeof(need));
	field_prereq_mask(p, r->key, &need);
	return flow_mask_within(&need, r->mask);
}

/* Whose type, code and group no field names. */
static bool may_be_igmp(const struct flow_key *key, const struct flow_key *mask)
{
	return (mask->dl_type != UINT16_MAX || flow_is_ipv4(key)) &&
	       (mask->nw_proto != UINT8_MAX || key->nw_proto == IPP_IGMP);
}

void caps_drop_ruled_out(const struct offload_rule *r, struct flow_key *left)
{
	const uint64_t *key = flow_words_const(r->key);
	struct flow_key named, keep;
	uint64_t *l = flow_words(left);

	memset(&named, 0, sizeof(named));
	memset(&keep, 0, sizeof(keep));
	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = &field_table[i];

		if (field_mask_is_zero(f, left))
			continue;
		field_mask_set(f, &named);
		if (!refuted(f, r))
			field_mask_set(f, &keep);
	}
	if (may_be_igmp(r->key, r->mask))
		keep.tp_src = keep.tp_dst = UINT16_MAX;
	for (unsigned i = 0; i < FLOW_WORDS; i++)
		l[i] &= flow_words(&keep)[i] | ~flow_words(&named)[i] | key[i];
	if (!refuted(field_get(FIELD_MPLS_LABEL), r))
		return;
	for (unsigned i = 1; i < FLOW_N_MPLS; i++) /* entries behind the first have no names */
		left->mpls_lse[i] &= r->key->mpls_lse[i];
}

/* Where a tag is not wanted nothing else of it can be, and none behind it. */
static void plain_vlans(const struct flow_key *key, struct flow_key *mask)
{
	bool absent = false;

	for (unsigned i = 0; i < FLOW_N_VLANS; i++) {
		struct flow_vlan *m = &mask->vlans[i];

		if (absent) {
			memset(m, 0, sizeof(*m));
		} else if (m->tci & htons(VLAN_CFI) & ~key->vlans[i].tci) {
			*m = (struct flow_vlan){ .tci = htons(VLAN_CFI) };
			absent = true;
		}
	}
}

/* Bits of L3 and L4 words that no field has are zero in every packet; but IGMP's group. */
static void plain_unnamed(const struct flow_key *key, struct flow_key *mask)
{
	const uint64_t *k = flow_words_const(key);
	bool igmp = may_be_igmp(key, mask);
	struct flow_key named;

	memset(&named, 0, sizeof(named));
	for (unsigned i = 0; i < FIELD_N_IDS; i++)
		field_mask_set(&field_table[i], &named);
	if (igmp)
		named.igmp_group = UINT32_MAX;
	for (unsigned w = FLOW_L3_WORD; w < FLOW_WORDS; w++)
		flow_words(mask)[w] &= flow_words(&named)[w] | k[w];
}

void caps_mask_plain(const struct flow_key *key, struct flow_key *mask)
{
	struct flow_key whole = *mask;
	struct offload_rule r = { .key = key, .mask = &whole };

	caps_drop_ruled_out(&r, mask);
	plain_vlans(key, mask);
	plain_unnamed(key, mask);
}

int caps_name_left(const struct flow_key *left)
{
	for (unsigned i = 0; i < FIELD_N_IDS; i++)
		if (!field_mask_is_zero(&field_table[i], left))
			return (int)caps_field((enum field_id)i);
	return left->vlans[1].tci || left->vlans[1].tpid ? FIELD_VLAN_VID
	       : left->mpls_lse[1] || left->mpls_lse[2]  ? FIELD_MPLS_LABEL
							 : -1;
}

bool caps_same_frames(const struct match *a, const struct match *b)
{
	const struct match *from[2] = { a, b };
	struct match m[2];

	for (unsigned i = 0; i < 2; i++) {
		struct flow_key mask = from[i]->mask;

		caps_mask_plain(&from[i]->key, &mask);
		consume_absent(&from[i]->key, &mask);
		match_init(&m[i], &from[i]->key, &mask);
	}
	return match_equal(&m[0], &m[1]);
}

bool caps_fit_mask(const struct offload_caps *c, bool inner_vlan, const struct offload_rule *r,
		   struct offload_refusal *why)
{
	struct flow_key left = *r->mask;

	if (r->key->recirc_id & r->mask->recirc_id)
		return refuse(why, OFFLOAD_RECIRC, -1);
	consume_absent(r->key, &left);
	consume_vlan(c, r->key, &left, 0);
	if (inner_vlan)
		consume_inner(c, r->key, &left);
	for (unsigned i = 0; i < FIELD_N_IDS; i++)
		if (!consume_field(c, &field_table[i], r, &left, why))
			return false;
	if (flow_map_of(&left))
		caps_drop_ruled_out(r, &left);
	if (flow_map_of(&left))
		return refuse(why, OFFLOAD_FIELD, caps_name_left(&left));
	return true;
}

/* --- the actions --- */

struct tally {
	const struct offload_caps *c;
	struct offload_refusal *why;
	uint32_t n, outputs;
};

static bool refuse_action(struct tally *t, enum offload_reason reason, unsigned kind,
			  uint64_t limit)
{
	offload_refusal_set(t->why, reason);
	t->why->action = (int)kind;
	t->why->limit = limit;
	return false;
}

static bool fit_set(struct tally *t, const struct act_set *set)
{
	enum field_id id = caps_field((enum field_id)set->field);

	if (set->field < FIELD_N_IDS && offload_caps_has(t->c->fields_set, id))
		return true;
	offload_refusal_set(t->why, OFFLOAD_SET_FIELD);
	t->why->field = (int)id;
	return false;
}

static bool fit_list(struct tally *t, struct dp_actions acts)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts) {
		unsigned n_lists = a->kind == DP_ACT_CHECK_PKT_LEN ? 2 : 1;

		if (a->kind == DP_ACT_RECIRC)
			return refuse_action(t, OFFLOAD_RECIRC, a->kind, 0);
		if (a->kind == DP_ACT_USERSPACE)
			return refuse_action(t, OFFLOAD_SLOW_PATH, a->kind, 0);
		if (!(t->c->actions >> a->kind & 1))
			return refuse_action(t, OFFLOAD_ACTION, a->kind, 0);
		if (a->kind == DP_ACT_SET && !fit_set(t, dp_action_payload(a)))
			return false;
		t->n++;
		t->outputs += a->kind == DP_ACT_OUTPUT;
		for (unsigned i = 0; dp_action_table[a->kind].nested && i < n_lists; i++)
			if (!fit_list(t, dp_action_nested(a, i)))
				return false;
	}
	return true;
}

bool caps_fit_actions(const struct offload_caps *c, struct dp_actions acts,
		      struct offload_refusal *why)
{
	struct tally t = { .c = c, .why = why };

	if (!acts.len && !(c->actions >> DP_ACT_DROP & 1))
		return refuse_action(&t, OFFLOAD_ACTION, DP_ACT_DROP, 0);
	if (!fit_list(&t, acts))
		return false;
	if (c->max_outputs && t.outputs > c->max_outputs)
		return refuse_action(&t, OFFLOAD_N_ACTIONS, DP_ACT_OUTPUT, c->max_outputs);
	if (c->max_actions && t.n > c->max_actions) {
		offload_refusal_set(why, OFFLOAD_N_ACTIONS);
		why->limit = c->max_actions;
		return false;
	}
	return true;
}
