/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "core/packet/match.h"

void minimatch_init(struct minimatch *mm, const struct match *m)
{
	const uint64_t *k = flow_words_const(&m->key), *w = flow_words_const(&m->mask);
	unsigned i, n, at = 0;

	mm->map = flow_map_of(&m->mask);
	n = minimatch_n(mm);
	mm->kw = xcalloc(2 * (size_t)MAX(n, 1u), sizeof(*mm->kw));
	FLOW_MAP_FOR_EACH (i, mm->map) {
		mm->kw[at] = k[i] & w[i];
		mm->kw[n + at] = w[i];
		at++;
	}
}

void minimatch_done(struct minimatch *mm)
{
	free(mm->kw);
	mm->kw = NULL;
	mm->map = 0;
}

void minimatch_expand(const struct minimatch *mm, struct match *m)
{
	const uint64_t *k = minimatch_keys(mm), *w = minimatch_masks(mm);
	unsigned i;

	memset(m, 0, sizeof(*m));
	FLOW_MAP_FOR_EACH (i, mm->map) {
		flow_words(&m->key)[i] = *k++;
		flow_words(&m->mask)[i] = *w++;
	}
}

bool minimatch_equal(const struct minimatch *a, const struct minimatch *b)
{
	return a->map == b->map &&
	       (!a->map || !memcmp(a->kw, b->kw, 2 * minimatch_n(a) * sizeof(*a->kw)));
}

bool minimatch_hits(const struct minimatch *mm, const struct flow_key *key)
{
	const uint64_t *kw = mm->kw, *k = flow_words_const(key);
	unsigned i, n = minimatch_n(mm);

	FLOW_MAP_FOR_EACH (i, mm->map) {
		if ((k[i] ^ *kw) & kw[n])
			return false;
		kw++;
	}
	return true;
}
