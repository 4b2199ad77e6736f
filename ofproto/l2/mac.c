/* SPDX-License-Identifier: Apache-2.0 */
/* Each bundle keeps its entries in a heap by the time that they were last *queued*, which a refresh
 * (reader lock, one atomic store) leaves behind the time they were last *used*.  Whoever needs the
 * oldest entry brings the top up to date until it no longer moves; since every entry was used no
 * earlier than it was queued, that one is the least recently used. */
#include "ofproto/l2/mac.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/htable.h"
#include "core/base/xalloc.h"

struct bundle {
	struct hnode node;
	uint32_t id;
	size_t n, cap;
	struct mac_node **heap; /* owned; the nodes too */
};

struct mac_node {
	struct hnode node;
	uint16_t vlan;
	struct eth_addr mac;
	struct bundle *bundle; /* borrowed: lives while it has nodes */
	size_t pos;            /* in bundle->heap */
	uint64_t queued_ns;
	_Atomic uint64_t used_ns;
	_Atomic uint64_t garp_until_ns;
};

struct mac_table {
	pthread_rwlock_t lock; /* guards all that is not atomic */
	struct htable nodes;
	struct htable bundles;
	uint32_t max;
	uint64_t idle_ns;
	uint64_t learned, expired, evicted, moved;

	_Atomic uint64_t seq;
};

struct mac_table *mac_table_new(void)
{
	struct mac_table *m = xzalloc(sizeof(*m));

	pthread_rwlock_init(&m->lock, NULL);
	htable_init(&m->nodes);
	htable_init(&m->bundles);
	m->max = MAC_MAX_ENTRIES;
	m->idle_ns = MAC_IDLE_S * NSEC_PER_SEC;
	m->seq = 1;
	return m;
}

/* --- the heap of one bundle --- */

static void heap_place(struct bundle *b, size_t i, struct mac_node *n)
{
	b->heap[i] = n;
	n->pos = i;
}

static void heap_up(struct bundle *b, struct mac_node *n)
{
	size_t i = n->pos;

	for (; i && b->heap[(i - 1) / 2]->queued_ns > n->queued_ns; i = (i - 1) / 2)
		heap_place(b, i, b->heap[(i - 1) / 2]);
	heap_place(b, i, n);
}

static void heap_down(struct bundle *b, struct mac_node *n)
{
	size_t i = n->pos, child;

	while ((child = 2 * i + 1) < b->n) {
		if (child + 1 < b->n && b->heap[child + 1]->queued_ns < b->heap[child]->queued_ns)
			child++;
		if (b->heap[child]->queued_ns >= n->queued_ns)
			break;
		heap_place(b, i, b->heap[child]);
		i = child;
	}
	heap_place(b, i, n);
}

static void heap_add(struct bundle *b, struct mac_node *n)
{
	if (b->n == b->cap)
		b->heap = xgrow(b->heap, &b->cap, b->n + 1, sizeof(struct mac_node *));
	n->bundle = b;
	n->queued_ns = n->used_ns;
	heap_place(b, b->n++, n);
	heap_up(b, n);
}

static void heap_drop(struct mac_node *n)
{
	struct bundle *b = n->bundle;
	struct mac_node *last = b->heap[--b->n];

	if (last == n)
		return;
	heap_place(b, n->pos, last);
	heap_up(b, last);
	heap_down(b, last);
}

/* The entry that b has not seen for the longest time. */
static struct mac_node *heap_oldest(struct bundle *b)
{
	for (;;) {
		struct mac_node *n = b->heap[0];
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): dropped nodes leave the heap */
		uint64_t used = n->used_ns;

		if (n->queued_ns >= used)
			return n;
		n->queued_ns = used;
		heap_down(b, n);
	}
}

/* --- bundles and entries, under the writer's lock --- */

static struct bundle *bundle_find(struct mac_table *m, uint32_t id)
{
	struct bundle *b;

	HTABLE_FOR_EACH_WITH (b, struct bundle, node, hash_u64(id, 0), &m->bundles) {
		if (b->id == id)
			return b;
	}
	return NULL;
}

static struct bundle *bundle_get(struct mac_table *m, uint32_t id)
{
	struct bundle *b = bundle_find(m, id);

	if (b)
		return b;
	b = xzalloc(sizeof(*b));
	b->id = id;
	htable_insert(&m->bundles, &b->node, hash_u64(id, 0));
	return b;
}

static void bundle_drop_if_empty(struct mac_table *m, struct bundle *b)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): nobody passes NULL */
	if (b->n)
		return;
	htable_remove(&m->bundles, &b->node);
	free(b->heap);
	free(b);
}

static uint64_t node_hash(uint16_t vlan, struct eth_addr mac)
{
	uint64_t x = vlan;

	for (unsigned i = 0; i < sizeof(mac.b); i++)
		x = x << 8 | mac.b[i];
	return hash_u64(x, 0);
}

static struct mac_node *node_find(struct mac_table *m, uint16_t vlan, struct eth_addr mac)
{
	struct mac_node *n;

	HTABLE_FOR_EACH_WITH (n, struct mac_node, node, node_hash(vlan, mac), &m->nodes) {
		if (n->vlan == vlan && eth_addr_equal(n->mac, mac))
			return n;
	}
	return NULL;
}

/* Leaves the bundle in place, empty or not. */
static void node_drop(struct mac_table *m, struct mac_node *n)
{
	heap_drop(n);
	htable_remove(&m->nodes, &n->node);
	free(n);
	m->seq++;
}

static void evict_one(struct mac_table *m)
{
	struct bundle *b, *most = NULL;

	HTABLE_FOR_EACH (b, struct bundle, node, &m->bundles) {
		if (!most || b->n > most->n)
			most = b;
	}
	node_drop(m, heap_oldest(most));
	bundle_drop_if_empty(m, most);
	m->evicted++;
}

static void bundle_clear(struct mac_table *m, struct bundle *b)
{
	while (b->n)
		node_drop(m, b->heap[b->n - 1]);
	bundle_drop_if_empty(m, b);
}

/* --- the interface --- */

void mac_flush(struct mac_table *m)
{
	struct bundle *b;

	pthread_rwlock_wrlock(&m->lock);
	HTABLE_FOR_EACH (b, struct bundle, node, &m->bundles) {
		bundle_clear(m, b);
	}
	pthread_rwlock_unlock(&m->lock);
}

void mac_table_free(struct mac_table *m)
{
	if (!m)
		return;
	mac_flush(m);
	htable_done(&m->nodes);
	htable_done(&m->bundles);
	pthread_rwlock_destroy(&m->lock);
	free(m);
}

void mac_configure(struct mac_table *m, uint32_t max_entries, uint32_t idle_s)
{
	pthread_rwlock_wrlock(&m->lock);
	m->max = MAX(max_entries, 1);
	m->idle_ns = idle_s * NSEC_PER_SEC;
	while (m->nodes.n > m->max)
		evict_one(m);
	pthread_rwlock_unlock(&m->lock);
}

uint64_t mac_seq(const struct mac_table *m)
{
	return m->seq;
}

uint32_t mac_lookup(struct mac_table *m, uint16_t vlan, struct eth_addr mac)
{
	const struct mac_node *n;
	uint32_t bundle;

	pthread_rwlock_rdlock(&m->lock);
	n = node_find(m, vlan, mac);
	bundle = n ? n->bundle->id : MAC_NONE;
	pthread_rwlock_unlock(&m->lock);
	return bundle;
}

enum verdict { LEARN_SAME, LEARN_NEW, LEARN_MOVE, LEARN_REFUSED };

static enum verdict judge(const struct mac_node *n, uint32_t bundle, enum mac_garp garp,
			  uint64_t now_ns)
{
	if (!n)
		return LEARN_NEW;
	if (n->bundle->id == bundle)
		return LEARN_SAME;
	return garp == MAC_GARP_BOND && now_ns < n->garp_until_ns ? LEARN_REFUSED : LEARN_MOVE;
}

bool mac_would_learn(struct mac_table *m, uint16_t vlan, struct eth_addr mac, uint32_t bundle,
		     enum mac_garp garp)
{
	uint64_t now = garp == MAC_GARP_BOND ? clock_mono_ns() : 0;
	enum verdict v;

	if (eth_addr_is_multicast(mac))
		return false;
	pthread_rwlock_rdlock(&m->lock);
	v = judge(node_find(m, vlan, mac), bundle, garp, now);
	pthread_rwlock_unlock(&m->lock);
	return v == LEARN_NEW || v == LEARN_MOVE;
}

/* Statistics of several threads arrive out of order. */
static void use(struct mac_node *n, enum mac_garp garp, uint64_t now_ns)
{
	uint64_t used = n->used_ns;

	while (used < now_ns && !atomic_compare_exchange_weak(&n->used_ns, &used, now_ns))
		;
	if (garp == MAC_GARP_PORT)
		n->garp_until_ns = now_ns + MAC_GARP_LOCK_S * NSEC_PER_SEC;
}

static void move(struct mac_table *m, struct mac_node *n, uint32_t bundle)
{
	struct bundle *old = n->bundle;

	heap_drop(n);
	bundle_drop_if_empty(m, old);
	heap_add(bundle_get(m, bundle), n);
	m->moved++;
	m->seq++;
}

static struct mac_node *insert(struct mac_table *m, uint16_t vlan, struct eth_addr mac,
			       uint32_t bundle, uint64_t now_ns)
{
	struct mac_node *n;

	if (m->nodes.n >= m->max)
		evict_one(m);
	n = xzalloc(sizeof(*n));
	n->vlan = vlan;
	n->mac = mac;
	n->used_ns = now_ns;
	htable_insert(&m->nodes, &n->node, node_hash(vlan, mac));
	heap_add(bundle_get(m, bundle), n);
	m->learned++;
	m->seq++;
	return n;
}

static bool learn_exclusive(struct mac_table *m, uint16_t vlan, struct eth_addr mac,
			    uint32_t bundle, enum mac_garp garp, uint64_t now_ns)
{
	struct mac_node *n;
	enum verdict v;

	pthread_rwlock_wrlock(&m->lock);
	n = node_find(m, vlan, mac);
	v = judge(n, bundle, garp, now_ns); /* again: another thread may have been first */
	if (v == LEARN_NEW)
		n = insert(m, vlan, mac, bundle, now_ns);
	if (v != LEARN_REFUSED)
		use(n, garp, now_ns);
	if (v == LEARN_MOVE)
		move(m, n, bundle);
	pthread_rwlock_unlock(&m->lock);
	return v == LEARN_NEW || v == LEARN_MOVE;
}

bool mac_learn(struct mac_table *m, uint16_t vlan, struct eth_addr mac, uint32_t bundle,
	       enum mac_garp garp, uint64_t now_ns)
{
	struct mac_node *n;
	enum verdict v;

	if (eth_addr_is_multicast(mac))
		return false;
	pthread_rwlock_rdlock(&m->lock);
	n = node_find(m, vlan, mac);
	v = judge(n, bundle, garp, now_ns);
	if (v == LEARN_SAME)
		use(n, garp, now_ns);
	pthread_rwlock_unlock(&m->lock);
	return (v == LEARN_NEW || v == LEARN_MOVE) &&
	       learn_exclusive(m, vlan, mac, bundle, garp, now_ns);
}

void mac_forget_bundle(struct mac_table *m, uint32_t bundle)
{
	struct bundle *b;

	pthread_rwlock_wrlock(&m->lock);
	b = bundle_find(m, bundle);
	if (b)
		bundle_clear(m, b);
	pthread_rwlock_unlock(&m->lock);
}

/* Drops b's idle entries; when its next one is due (UINT64_MAX: b is empty). */
static uint64_t bundle_expire(struct mac_table *m, struct bundle *b, uint64_t now_ns)
{
	while (b->n) {
		struct mac_node *n = heap_oldest(b);
		uint64_t due = n->queued_ns + m->idle_ns;

		if (due > now_ns)
			return due;
		node_drop(m, n);
		m->expired++;
	}
	return UINT64_MAX;
}

uint64_t mac_expire(struct mac_table *m, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;
	struct bundle *b;

	pthread_rwlock_wrlock(&m->lock);
	HTABLE_FOR_EACH (b, struct bundle, node, &m->bundles) {
		uint64_t due = bundle_expire(m, b, now_ns);

		next = MIN(next, due);
		bundle_drop_if_empty(m, b);
	}
	pthread_rwlock_unlock(&m->lock);
	return next;
}

size_t mac_dump(struct mac_table *m, uint64_t now_ns, struct mac_entry **entries)
{
	struct mac_node *n;
	struct mac_entry *e;
	size_t i = 0;

	pthread_rwlock_rdlock(&m->lock);
	e = xcalloc(m->nodes.n + 1, sizeof(*e));
	HTABLE_FOR_EACH (n, struct mac_node, node, &m->nodes) {
		uint64_t used = n->used_ns;

		e[i++] = (struct mac_entry){ n->vlan, n->mac, n->bundle->id,
					     now_ns > used ? (now_ns - used) / NSEC_PER_SEC : 0 };
	}
	pthread_rwlock_unlock(&m->lock);
	*entries = e;
	return i;
}

void mac_table_stats(struct mac_table *m, struct mac_stats *s)
{
	pthread_rwlock_rdlock(&m->lock);
	*s = (struct mac_stats){ m->learned, m->expired, m->evicted, m->moved, m->nodes.n, m->max };
	pthread_rwlock_unlock(&m->lock);
}
