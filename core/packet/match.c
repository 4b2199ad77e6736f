/* SPDX-License-Identifier: Apache-2.0 */
#include "core/packet/match.h"

void match_init_catchall(struct match *m)
{
	memset(m, 0, sizeof(*m));
}

void match_init(struct match *m, const struct flow_key *key, const struct flow_key *mask)
{
	if (mask != &m->mask)
		m->mask = *mask;
	flow_key_mask(&m->key, key, mask);
}

/* The fields that say more than their own bits.  True when the field is done. */
static bool set_vlan(struct match *m, const struct field *f, const union field_value *v)
{
	be16 *tci = &m->key.vlans[0].tci, *mask = &m->mask.vlans[0].tci;

	if (f->id == FIELD_DL_VLAN && v->be16 == htons(0xffff)) {
		*tci = 0;
		*mask = htons(0xffff);
		return true;
	}
	if (f->id == FIELD_DL_VLAN || f->id == FIELD_DL_VLAN_PCP || f->id == FIELD_VLAN_PCP) {
		*tci |= htons(VLAN_CFI);
		*mask |= htons(VLAN_CFI);
	}
	return false;
}

void match_set(struct match *m, const struct field *f, const union field_value *v,
	       const union field_value *mask)
{
	union field_value masked;

	if (!field_value_is_zero(f, mask) && set_vlan(m, f, v))
		return;
	for (unsigned i = 0; i < sizeof(masked.b); i++)
		masked.b[i] = i < f->n_bytes ? v->b[i] & mask->b[i] : 0;
	field_write(f, &masked, &m->key);
	field_write(f, mask, &m->mask);
}

void match_set_exact(struct match *m, const struct field *f, const union field_value *v)
{
	union field_value ones;

	field_ones(f, &ones);
	match_set(m, f, v, &ones);
}

bool match_equal(const struct match *a, const struct match *b)
{
	return flow_key_equal(&a->mask, &b->mask) && flow_key_equal(&a->key, &b->key);
}

bool match_within(const struct match *a, const struct match *b)
{
	return flow_mask_within(&b->mask, &a->mask) &&
	       flow_key_equal_masked(&a->key, &b->key, &b->mask);
}

bool match_overlaps(const struct match *a, const struct match *b)
{
	const uint64_t *ak = flow_words_const(&a->key), *am = flow_words_const(&a->mask);
	const uint64_t *bk = flow_words_const(&b->key), *bm = flow_words_const(&b->mask);

	for (unsigned i = 0; i < FLOW_WORDS; i++)
		if ((ak[i] ^ bk[i]) & am[i] & bm[i])
			return false;
	return true;
}

bool match_hits(const struct match *m, const struct flow_key *key)
{
	return flow_key_equal_masked(&m->key, key, &m->mask);
}
