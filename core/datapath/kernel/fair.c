/* SPDX-License-Identifier: Apache-2.0 */
#include "core/datapath/kernel/fair.h"

#include <stdlib.h>

#include "core/base/xalloc.h"

#define SHARE 2u /* times the free bytes */

struct item {
	struct cds_list_head node; /* fair_port.items */
	struct dp_upcall up;
};

static uint32_t cost(size_t len)
{
	return (uint32_t)(sizeof(struct item) + len);
}

static struct fair_port *port_of(struct fair_queue *q, uint32_t port)
{
	return &q->ports[port % FAIR_PORTS];
}

void fair_init(struct fair_queue *q)
{
	CDS_INIT_LIST_HEAD(&q->turns);
	q->n = q->bytes = 0;
	for (unsigned i = 0; i < FAIR_PORTS; i++) {
		CDS_INIT_LIST_HEAD(&q->ports[i].items);
		q->ports[i].bytes = 0;
	}
}

size_t fair_done(struct fair_queue *q)
{
	struct dp_upcall up;
	size_t n = 0;

	for (; fair_get(q, &up, 1); n++)
		packet_free(up.packet);
	return n;
}

bool fair_admits(const struct fair_queue *q, uint32_t port, size_t len)
{
	uint32_t free_bytes = FAIR_BYTES - q->bytes, more = cost(len);

	return more <= free_bytes && q->ports[port % FAIR_PORTS].bytes + more <= SHARE * free_bytes;
}

void fair_put(struct fair_queue *q, const struct dp_upcall *up)
{
	struct fair_port *p = port_of(q, flow_in_dp(&up->key).v);
	struct item *it = xmalloc(sizeof(*it));
	uint32_t bytes = cost(up->packet->len);

	it->up = *up;
	if (cds_list_empty(&p->items))
		cds_list_add_tail(&p->turn, &q->turns);
	cds_list_add_tail(&it->node, &p->items);
	p->bytes += bytes;
	q->bytes += bytes;
	q->n++;
}

static void take(struct fair_queue *q, struct dp_upcall *out)
{
	struct fair_port *p = cds_list_entry(q->turns.next, struct fair_port, turn);
	struct item *it = cds_list_entry(p->items.next, struct item, node);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): each leaves the list before it is freed */
	uint32_t bytes = cost(it->up.packet->len);

	*out = it->up;
	cds_list_del(&it->node);
	free(it);
	p->bytes -= bytes;
	q->bytes -= bytes;
	q->n--;
	cds_list_del(&p->turn);
	if (!cds_list_empty(&p->items))
		cds_list_add_tail(&p->turn, &q->turns);
}

unsigned fair_get(struct fair_queue *q, struct dp_upcall *out, unsigned max)
{
	unsigned n = 0;

	while (n < max && q->n)
		take(q, &out[n++]);
	return n;
}
