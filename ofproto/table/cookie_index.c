/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/table/cookie_index.h"

#include <assert.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"

void cookie_index_init(struct cookie_index *x)
{
	htable_init(&x->sets);
}

void cookie_index_done(struct cookie_index *x)
{
	assert(!x->sets.n);
	htable_done(&x->sets);
}

struct cookie_set *cookie_index_find(const struct cookie_index *x, be64 cookie, uint8_t table)
{
	struct cookie_set *s;

	HTABLE_FOR_EACH_WITH (s, struct cookie_set, node, hash_u64(cookie, table), &x->sets) {
		if (s->cookie == cookie && s->table == table)
			return s;
	}
	return NULL;
}

static struct cookie_set *set_get(struct cookie_index *x, be64 cookie, uint8_t table)
{
	struct cookie_set *s = cookie_index_find(x, cookie, table);

	if (s)
		return s;
	s = xzalloc(sizeof(*s));
	s->cookie = cookie;
	s->table = table;
	CDS_INIT_LIST_HEAD(&s->rules);
	htable_insert(&x->sets, &s->node, hash_u64(cookie, table));
	return s;
}

static void set_drop_if_unused(struct cookie_index *x, struct cookie_set *s)
{
	if (s->n || s->n_learners)
		return;
	htable_remove(&x->sets, &s->node);
	free(s);
}

void cookie_index_add(struct cookie_index *x, struct rule *r)
{
	struct cookie_set *s = set_get(x, r->cookie, r->table);

	s->n++;
	r->cookie_set = s;
	cds_list_add_tail(&r->cookie_link, &s->rules);
}

void cookie_index_remove(struct cookie_index *x, struct rule *r)
{
	struct cookie_set *s = r->cookie_set;

	cds_list_del(&r->cookie_link);
	r->cookie_set = NULL;
	s->n--;
	set_drop_if_unused(x, s);
}

void cookie_index_add_learner(struct cookie_index *x, be64 cookie, uint8_t table)
{
	set_get(x, cookie, table)->n_learners++;
}

struct cookie_set *cookie_index_remove_learner(struct cookie_index *x, be64 cookie, uint8_t table)
{
	struct cookie_set *s = cookie_index_find(x, cookie, table);

	if (--s->n_learners)
		return NULL;
	if (s->n)
		return s;
	set_drop_if_unused(x, s);
	return NULL;
}
