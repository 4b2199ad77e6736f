/* SPDX-License-Identifier: Apache-2.0 */
/* Conjunctive matches (ovs-fields(7)): rules that each say which clause of a conjunction they are.
 *
 * Where a packet hits one rule of each clause, all of the same priority, it is looked up again with
 * the conjunction's number as conj_id.  Of several conjunctions at a priority the lowest number
 * goes first. */
#include <stdlib.h>

#include "core/base/xalloc.h"
#include "ofproto/table/tables_private.h"

struct clause {
	uint32_t id;
	uint8_t of, n; /* the clause, and how many the conjunction has */
};

struct clauses {
	struct clause *c; /* owned */
	size_t n, cap;
};

static void add_clauses(struct clauses *cs, struct ofpacts l)
{
	const struct ofpact *a;

	OFPACT_FOR_EACH (a, l) {
		const struct ofpact_conjunction *k = ofpact_payload(a);

		if (a->kind != OFPACT_CONJUNCTION)
			continue;
		if (cs->n == cs->cap)
			cs->c = xgrow(cs->c, &cs->cap, cs->n + 1, sizeof(*cs->c));
		cs->c[cs->n++] = (struct clause){ k->id, k->clause, k->n_clauses };
	}
}

/* Same numbers with another count are another conjunction. */
static int by_conjunction(const void *a, const void *b)
{
	const struct clause *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->n - y->n;
}

/* One beyond the last clause of the conjunction that begins at `at`; *all: none is missing. */
static size_t conjunction_end(const struct clauses *cs, size_t at, bool *all)
{
	const struct clause *first = &cs->c[at];
	uint64_t got = first->n < 64 ? UINT64_MAX << first->n : 0;

	for (; at < cs->n && !by_conjunction(first, &cs->c[at]); at++)
		got |= UINT64_C(1) << cs->c[at].of;
	*all = got == UINT64_MAX;
	return at;
}

static const struct cls_rule *look_again(const struct classifier *c, uint64_t version,
					 const struct flow_key *key, struct flow_key *mask,
					 struct clauses *cs)
{
	const struct cls_rule *r = NULL;
	struct flow_key with_id = *key;

	if (cs->n)
		qsort(cs->c, cs->n, sizeof(*cs->c), by_conjunction);
	for (size_t at = 0, end; at < cs->n && !r; at = end) {
		bool all;

		end = conjunction_end(cs, at, &all);
		with_id.conj_id = htonl(cs->c[at].id);
		if (all)
			r = classifier_lookup(c, version, &with_id, mask);
	}
	return r;
}

const struct cls_rule *conjunctive_lookup(const struct classifier *c, uint64_t version,
					  const struct flow_key *key, struct flow_key *mask)
{
	struct cls_soft soft = { NULL, 0, 0 };
	struct clauses cs = { NULL, 0, 0 };
	const struct cls_rule *hard = classifier_lookup_soft(c, version, key, mask, &soft);
	const struct cls_rule *r = NULL;

	for (size_t i = 0; i < soft.n && !r; i++) {
		const struct cls_rule *s = soft.r[i];

		add_clauses(&cs, rule_actions_get(rule_of_cls(s)));
		if (i + 1 < soft.n && soft.r[i + 1]->priority == s->priority)
			continue;
		r = look_again(c, version, key, mask, &cs);
		cs.n = 0;
	}
	free(soft.r);
	free(cs.c);
	return r ? r : hard;
}
