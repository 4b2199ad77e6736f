/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/queue.h"

void queue_init(struct queue *q, uint32_t max)
{
	CDS_INIT_LIST_HEAD(&q->changes);
	for (unsigned i = 0; i < QUEUE_BUCKETS; i++)
		CDS_INIT_LIST_HEAD(&q->bucket[i]);
	q->used = 0;
	q->n_changes = q->n_installs = 0;
	q->max = max;
	q->shed = 0;
}

/* 0 for less than one, then one more with each doubling. */
static unsigned bucket_of(double value)
{
	uint64_t whole = value < 1 ? 0 : value > 1e15 ? (uint64_t)1e15 : (uint64_t)value;
	unsigned bits = whole ? 64 - (unsigned)__builtin_clzll(whole) : 0;

	return MIN(bits, (unsigned)QUEUE_BUCKETS - 1);
}

void queue_add_change(struct queue *q, struct queue_item *it, uint64_t now_ns)
{
	it->place = QUEUE_CHANGES;
	it->since_ns = now_ns;
	cds_list_add_tail(&it->node, &q->changes);
	q->n_changes++;
}

static void put_in_bucket(struct queue *q, struct queue_item *it, unsigned b)
{
	it->bucket = (uint8_t)b;
	cds_list_add_tail(&it->node, &q->bucket[b]);
	q->used |= 1u << b;
}

static void leave_bucket(struct queue *q, struct queue_item *it)
{
	cds_list_del(&it->node);
	if (cds_list_empty(&q->bucket[it->bucket]))
		q->used &= ~(1u << it->bucket);
}

struct queue_item *queue_add_install(struct queue *q, struct queue_item *it, double value,
				     uint64_t now_ns)
{
	struct queue_item *victim = NULL;
	unsigned b = bucket_of(value);

	if (q->n_installs >= q->max) {
		unsigned low = q->used ? (unsigned)__builtin_ctz(q->used) : QUEUE_BUCKETS;

		q->shed++;
		if (low >= b)
			return it;
		victim = cds_list_entry(q->bucket[low].prev, struct queue_item, node);
		queue_drop(q, victim);
	}
	it->place = QUEUE_INSTALLS;
	it->since_ns = now_ns;
	put_in_bucket(q, it, b);
	q->n_installs++;
	return victim;
}

void queue_raise(struct queue *q, struct queue_item *it, double value)
{
	unsigned b = bucket_of(value);

	if (it->place != QUEUE_INSTALLS || b <= it->bucket)
		return;
	leave_bucket(q, it);
	put_in_bucket(q, it, b);
}

void queue_drop(struct queue *q, struct queue_item *it)
{
	if (it->place == QUEUE_NOWHERE)
		return;
	if (it->place == QUEUE_CHANGES) {
		cds_list_del(&it->node);
		q->n_changes--;
	} else {
		leave_bucket(q, it);
		q->n_installs--;
	}
	it->place = QUEUE_NOWHERE;
}

struct queue_item *queue_next(struct queue *q)
{
	struct cds_list_head *list = &q->changes;
	struct queue_item *it;

	if (cds_list_empty(list)) {
		if (!q->used)
			return NULL;
		list = &q->bucket[31 - __builtin_clz(q->used)];
	}
	it = cds_list_entry(list->next, struct queue_item, node);
	queue_drop(q, it);
	return it;
}

static uint64_t older(const struct cds_list_head *list, uint64_t oldest)
{
	const struct queue_item *it;

	if (list->next == list)
		return oldest;
	it = cds_list_entry(list->next, struct queue_item, node);
	return oldest ? MIN(oldest, it->since_ns) : it->since_ns;
}

uint64_t queue_oldest_ns(const struct queue *q)
{
	uint64_t oldest = older(&q->changes, 0);

	for (unsigned i = 0; i < QUEUE_BUCKETS; i++)
		oldest = older(&q->bucket[i], oldest);
	return oldest;
}
