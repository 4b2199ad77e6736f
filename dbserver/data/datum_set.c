/* SPDX-License-Identifier: Apache-2.0 */
/* Set algebra on datums: merges of two sorted sequences.
 *
 * Each operation is one row of choices: which elements of the merge to keep, those only in a, only
 * in b, or in both. */
#include "core/base/xalloc.h"
#include "dbserver/data/datum.h"

enum keep { KEEP_NONE, KEEP_A, KEEP_B };

struct merge_rule {
	enum keep only_a, only_b;
	enum keep both_same;   /* equal key and, in a map, equal value */
	enum keep both_differ; /* equal key, values differ */
};

static void keep_from(struct datum_builder *out, const struct datum *d, uint32_t i)
{
	union atom value = { 0 };

	if (out->value_type != AT_VOID && d->values)
		value = atom_clone(d->values[i], d->value_type);
	datum_builder_take(out, atom_clone(d->keys[i], d->key_type), value);
}

static bool same_value(const struct datum *a, uint32_t i, const struct datum *b, uint32_t j)
{
	return !a->values || !b->values || !atom_cmp(a->values[i], b->values[j], a->value_type);
}

static struct datum *merge(const struct datum *a, const struct datum *b,
			   const struct merge_rule *rule)
{
	struct datum_builder out;
	uint32_t i = 0, j = 0;

	datum_builder_init_types(&out, a->key_type, a->value_type);
	while (i < a->n || j < b->n) {
		int order = i == a->n   ? 1
			    : j == b->n ? -1
					: atom_cmp(a->keys[i], b->keys[j], a->key_type);
		enum keep keep = order < 0                ? rule->only_a
				 : order > 0              ? rule->only_b
				 : same_value(a, i, b, j) ? rule->both_same
							  : rule->both_differ;

		if (keep == KEEP_A)
			keep_from(&out, a, i);
		else if (keep == KEEP_B)
			keep_from(&out, b, j);
		i += order <= 0;
		j += order >= 0;
	}
	return datum_builder_finish(&out);
}

struct datum *datum_union(const struct datum *a, const struct datum *b)
{
	return merge(a, b, &(struct merge_rule){ KEEP_A, KEEP_B, KEEP_A, KEEP_A });
}

struct datum *datum_minus(const struct datum *a, const struct datum *b)
{
	return merge(a, b, &(struct merge_rule){ KEEP_A, KEEP_NONE, KEEP_NONE, KEEP_A });
}

struct datum *datum_minus_keys(const struct datum *a, const struct datum *keys)
{
	return merge(a, keys, &(struct merge_rule){ KEEP_A, KEEP_NONE, KEEP_NONE, KEEP_NONE });
}

/* The same rule makes a difference and applies it: in a set, what is in one but not both; in a map
 * a pair that is in both goes, a changed value is the newer one. */
static const struct merge_rule difference = { KEEP_A, KEEP_B, KEEP_NONE, KEEP_B };

struct datum *datum_diff(const struct datum *a, const struct datum *b,
			 const struct column_type *type)
{
	if (datum_equal(a, b))
		return NULL;
	return column_type_has_diff(type) ? merge(a, b, &difference) : datum_ref(b);
}

struct datum *datum_apply_diff(const struct datum *a, const struct datum *diff,
			       const struct column_type *type)
{
	return column_type_has_diff(type) ? merge(a, diff, &difference) : datum_ref(diff);
}
