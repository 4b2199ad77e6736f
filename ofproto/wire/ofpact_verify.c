/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand where in a list, whatever flow it is in. */
#include "ofproto/wire/ofpact_codec.h"

static bool is_ct_field(uint16_t id)
{
	return id == FIELD_CT_MARK || id == FIELD_CT_LABEL;
}

/* The field that an action writes, or FIELD_N_IDS. */
static uint16_t written_field(const struct ofpact *a)
{
	const void *p = ofpact_payload(a);

	if (a->kind == OFPACT_SET_FIELD)
		return ((const struct ofpact_set_field *)p)->field;
	if (a->kind == OFPACT_MOVE)
		return ((const struct ofpact_move *)p)->dst.field;
	if (a->kind == OFPACT_POP)
		return ((const struct ofpact_bits *)p)->field;
	if (a->kind == OFPACT_CHECK_PKT_LARGER)
		return ((const struct ofpact_check_len *)p)->dst.field;
	return FIELD_N_IDS;
}

static bool learns_ct_field(const struct ofpact *a)
{
	const struct ofpact_learn *l = ofpact_payload(a);
	const struct ofpact_learn_spec *s = (const void *)(l + 1);

	for (uint32_t i = 0; i < l->n_specs; i++)
		if (s[i].dst_type == LEARN_DST_LOAD && is_ct_field(s[i].dst.field))
			return true;
	return false;
}

/* The NAT, and what changes the connection's mark and label.  All but a plain nat needs commit. */
static enum ofperr verify_ct(const struct ofpact *ct)
{
	const struct ofpact_ct *p = ofpact_payload(ct);
	bool commit = p->flags & OFPACT_CT_COMMIT, nat = false;
	const struct ofpact *a;

	if (p->flags & OFPACT_CT_FORCE && !commit)
		return OFPERR_BAD_ARGUMENT;
	OFPACT_FOR_EACH (a, ofpact_nested(ct)) {
		const struct ofpact_nat *n = ofpact_payload(a);
		bool is_nat = a->kind == OFPACT_NAT;

		if (is_nat ? nat
			   : (a->kind != OFPACT_SET_FIELD && a->kind != OFPACT_MOVE) ||
				     !is_ct_field(written_field(a)))
			return OFPERR_BAD_ARGUMENT;
		if (!commit && (!is_nat || n->flags))
			return OFPERR_BAD_ARGUMENT;
		nat |= is_nat;
	}
	return OFPERR_OK;
}

/* Lists in actions: a clone's. */
static enum ofperr verify_one(const struct ofpact *a, bool in_clone)
{
	if (in_clone && a->kind >= OFPACT_METER)
		return OFPERR_BAD_ACT_TYPE;
	if (a->kind == OFPACT_CT)
		return verify_ct(a);
	if (a->kind == OFPACT_NAT || is_ct_field(written_field(a)) ||
	    (a->kind == OFPACT_LEARN && learns_ct_field(a)))
		return OFPERR_BAD_ARGUMENT;
	return OFPERR_OK;
}

static enum ofperr verify_list(struct ofpacts l, bool in_clone)
{
	bool conjunction = false, others = false;
	const struct ofpact *a;

	OFPACT_FOR_EACH (a, l) {
		enum ofperr e = verify_one(a, in_clone);

		if (!e && (a->kind == OFPACT_CLONE || a->kind == OFPACT_WRITE_ACTIONS))
			e = verify_list(ofpact_nested(a), a->kind == OFPACT_CLONE);
		if (e)
			return e;
		conjunction |= a->kind == OFPACT_CONJUNCTION;
		others |= a->kind != OFPACT_CONJUNCTION && a->kind != OFPACT_NOTE;
	}
	return conjunction && (others || in_clone) ? OFPERR_BAD_CONJUNCTION : OFPERR_OK;
}

enum ofperr ofpacts_verify(struct ofpacts l)
{
	return verify_list(l, false);
}
