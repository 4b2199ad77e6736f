/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/xlate/recirc.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/xalloc.h"

#define PROBES 16 /* ids that a state may have: so many colliding ones are never seen */
#define SEED UINT64_C(0x73685f7265636972)

struct recirc_table {
	struct lock lock;
	struct htable by_id GUARDED_BY(lock);
	struct cds_list_head lingering GUARDED_BY(lock); /* released longest ago first */
	struct recirc_stats st GUARDED_BY(lock);
	uint32_t max;
};

struct recirc_table *recirc_table_new(uint32_t max)
{
	struct recirc_table *t = xzalloc(sizeof(*t));

	lock_init(&t->lock);
	htable_init(&t->by_id);
	CDS_INIT_LIST_HEAD(&t->lingering);
	t->max = max;
	return t;
}

static void drop(struct recirc_table *t, struct recirc_state *s) REQUIRES(&t->lock)
{
	cds_list_del(&s->lingering);
	htable_remove(&t->by_id, &s->node);
	t->st.n--;
	t->st.n_lingering--;
	free(s);
}

/* Those that were released at `until_ns` or before. */
static void drop_older(struct recirc_table *t, uint64_t until_ns) REQUIRES(&t->lock)
{
	struct recirc_state *s, *next;

	cds_list_for_each_entry_safe (s, next, &t->lingering, lingering) {
		if (s->released_ns > until_ns)
			return;
		drop(t, s);
	}
}

void recirc_table_free(struct recirc_table *t)
{
	if (!t)
		return;
	lock_take(&t->lock);
	drop_older(t, UINT64_MAX);
	lock_give(&t->lock);
	htable_done(&t->by_id);
	lock_done(&t->lock);
	free(t);
}

static struct recirc_state *find(const struct recirc_table *t, uint32_t id)
{
	struct recirc_state *s;

	HTABLE_FOR_EACH_WITH (s, struct recirc_state, node, hash_u64(id, 0), &t->by_id) {
		if (s->id == id)
			return s;
	}
	return NULL;
}

static struct recirc_state *take(struct recirc_table *t, struct recirc_state *s) REQUIRES(&t->lock)
{
	if (!s->refs++) {
		cds_list_del(&s->lingering);
		t->st.n_lingering--;
	}
	return s;
}

/* The state of these bytes, or NULL and the first free id of those it may have (0: none). */
static struct recirc_state *probe(const struct recirc_table *t, const void *data, uint32_t len,
				  uint32_t *id)
{
	uint64_t first = hash_bytes(data, len, SEED) % RECIRC_ID_MAX;

	*id = 0;
	for (unsigned i = 0; i < PROBES; i++) {
		uint32_t at = 1 + (uint32_t)((first + i) % RECIRC_ID_MAX);
		struct recirc_state *s = find(t, at);

		if (s && s->len == len && !memcmp(s->data, data, len))
			return s;
		if (!s && !*id)
			*id = at;
	}
	return NULL;
}

static struct recirc_state *make(struct recirc_table *t, uint32_t id, const void *data,
				 uint32_t len) REQUIRES(&t->lock)
{
	struct recirc_state *s = xzalloc(sizeof(*s) + len);

	s->table = t;
	s->id = id;
	s->refs = 1;
	s->len = len;
	memcpy(s->data, data, len);
	htable_insert(&t->by_id, &s->node, hash_u64(id, 0));
	t->st.n++;
	t->st.made++;
	return s;
}

static struct recirc_state *intern(struct recirc_table *t, const void *data, uint32_t len)
	REQUIRES(&t->lock)
{
	uint32_t id;
	struct recirc_state *s = probe(t, data, len, &id);

	if (s) {
		t->st.found++;
		return take(t, s);
	}
	if (t->st.n >= t->max && t->st.n_lingering)
		drop(t, cds_list_entry(t->lingering.next, struct recirc_state, lingering));
	if (!id || t->st.n >= t->max) {
		t->st.refused++;
		return NULL;
	}
	return make(t, id, data, len);
}

struct recirc_state *recirc_intern(struct recirc_table *t, const void *data, uint32_t len)
{
	struct recirc_state *s;

	lock_take(&t->lock);
	s = intern(t, data, len);
	lock_give(&t->lock);
	return s;
}

struct recirc_state *recirc_find(struct recirc_table *t, uint32_t id)
{
	struct recirc_state *s;

	lock_take(&t->lock);
	s = find(t, id);
	if (s)
		(void)take(t, s);
	lock_give(&t->lock);
	return s;
}

struct recirc_state *recirc_ref(struct recirc_state *s)
{
	lock_take(&s->table->lock);
	(void)take(s->table, s);
	lock_give(&s->table->lock);
	return s;
}

void recirc_unref(struct recirc_state *s)
{
	struct recirc_table *t = s ? s->table : NULL;

	if (!s)
		return;
	lock_take(&t->lock);
	if (!--s->refs) {
		s->released_ns = clock_mono_ns();
		cds_list_add_tail(&s->lingering, &t->lingering);
		t->st.n_lingering++;
	}
	lock_give(&t->lock);
}

void recirc_expire(struct recirc_table *t, uint64_t now_ns)
{
	if (now_ns < RECIRC_LINGER_NS)
		return;
	lock_take(&t->lock);
	drop_older(t, now_ns - RECIRC_LINGER_NS);
	lock_give(&t->lock);
}

void recirc_stats(struct recirc_table *t, struct recirc_stats *st)
{
	lock_take(&t->lock);
	*st = t->st;
	lock_give(&t->lock);
}
