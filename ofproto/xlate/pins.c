/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/xlate/pins.h"

#include "ofproto/table/rule.h"

static bool pins_rule(const struct xl_pins *p, const struct rule *r)
{
	be64 cookie = r->cookie;

	if (p->all)
		return true;
	for (unsigned i = 0; i < p->n; i++)
		if (!((cookie ^ p->v[i].cookie) & p->v[i].mask))
			return true;
	return false;
}

static bool rule_is_pinned(const struct xl_snapshot *s, const struct rule *r)
{
	for (size_t i = 0; i < s->n_bridges; i++)
		if (s->bridges[i].tables == r->tables)
			return pins_rule(&s->bridges[i].pins, r);
	return false;
}

static bool any_pins(const struct xl_snapshot *s)
{
	for (size_t i = 0; i < s->n_bridges; i++)
		if (s->bridges[i].pins.all || s->bridges[i].pins.n)
			return true;
	return false;
}

bool xl_is_pinned(const struct xl_snapshot *s, const struct effects *x)
{
	if (!any_pins(s))
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (x->e[i].kind == EFFECT_RULE && rule_is_pinned(s, x->e[i].rule))
			return true;
	return false;
}
