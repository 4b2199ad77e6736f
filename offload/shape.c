/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/shape.h"

#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/htable.h"
#include "core/base/rcu.h"
#include "core/base/xalloc.h"

struct shape {
	struct hnode node;
	struct cds_list_head age; /* oldest first */
	struct offload_refusal why;
	size_t len;
	uint8_t bytes[]; /* shape_bytes() */
};

struct shapes {
	struct htable table;
	struct cds_list_head age;
};

struct shapes *shapes_new(void)
{
	struct shapes *s = xzalloc(sizeof(*s));

	htable_init(&s->table);
	CDS_INIT_LIST_HEAD(&s->age);
	return s;
}

static void drop(struct shapes *s, struct shape *sh)
{
	htable_remove(&s->table, &sh->node);
	cds_list_del(&sh->age);
	free(sh);
}

void shapes_forget(struct shapes *s)
{
	while (!cds_list_empty(&s->age))
		drop(s, cds_list_entry(s->age.next, struct shape, age));
}

void shapes_free(struct shapes *s)
{
	if (!s)
		return;
	shapes_forget(s);
	htable_done(&s->table);
	free(s);
}

size_t shapes_count(const struct shapes *s)
{
	return s->table.n;
}

/* The kinds of a list, nested ones in brackets of their own. */
static void put_actions(struct buf *b, struct dp_actions acts)
{
	const struct dp_action *a;

	DP_ACTION_FOR_EACH (a, acts) {
		const struct act_set *set = dp_action_payload(a);
		unsigned n_lists = a->kind == DP_ACT_CHECK_PKT_LEN ? 2 : 1;

		buf_put_be16(b, a->kind);
		if (a->kind == DP_ACT_SET)
			buf_put_be16(b, set->field);
		for (unsigned i = 0; dp_action_table[a->kind].nested && i < n_lists; i++)
			put_actions(b, dp_action_nested(a, i));
	}
	buf_put_be16(b, UINT16_MAX);
}

static void shape_bytes(const struct offload_rule *r, struct buf *b)
{
	const struct flow_key *k = r->key, *m = r->mask;
	uint64_t map = flow_map_of(m);
	unsigned i;

	buf_put(b, &map, sizeof(map));
	FLOW_MAP_FOR_EACH (i, map)
		buf_put(b, &flow_words_const(m)[i], sizeof(uint64_t));
	buf_put_be16(b, k->dl_type & m->dl_type);
	buf_put_u8(b, k->nw_proto & m->nw_proto);
	for (i = 0; i < FLOW_N_VLANS; i++)
		buf_put_be16(b, k->vlans[i].tpid & m->vlans[i].tpid);
	put_actions(b, r->actions);
}

static struct shape *find(const struct shapes *s, const struct buf *b, uint64_t hash)
{
	struct shape *sh;

	HTABLE_FOR_EACH_WITH (sh, struct shape, node, hash, &s->table)
		if (sh->len == b->len && !memcmp(sh->bytes, b->data, b->len))
			return sh;
	return NULL;
}

const struct offload_refusal *shapes_find(const struct shapes *s, const struct offload_rule *r)
{
	struct buf b = BUF_INIT;
	struct shape *sh;

	if (!s->table.n)
		return NULL;
	shape_bytes(r, &b);
	sh = find(s, &b, hash_bytes(b.data, b.len, 0));
	buf_done(&b);
	return sh ? &sh->why : NULL;
}

void shapes_learn(struct shapes *s, const struct offload_rule *r, const struct offload_refusal *why)
{
	struct buf b = BUF_INIT;
	struct shape *sh;
	uint64_t hash;

	shape_bytes(r, &b);
	hash = hash_bytes(b.data, b.len, 0);
	sh = find(s, &b, hash);
	if (!sh) {
		if (s->table.n >= SHAPES_MAX)
			drop(s, cds_list_entry(s->age.next, struct shape, age));
		sh = xmalloc(sizeof(*sh) + b.len);
		sh->len = b.len;
		memcpy(sh->bytes, b.data, b.len);
		htable_insert(&s->table, &sh->node, hash);
		cds_list_add_tail(&sh->age, &s->age);
	}
	sh->why = *why;
	buf_done(&b);
}
