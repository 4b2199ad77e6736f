/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/xlate/effects.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"

#define TCP_FIN 0x01
#define TCP_RST 0x04

void effects_init(struct effects *x)
{
	*x = (struct effects){ NULL, 0, 0 };
}

static void effect_done(struct effect *e)
{
	switch (e->kind) {
	case EFFECT_RULE: rule_unref(e->rule); break;
	case EFFECT_GROUP: group_unref(e->group.group); break;
	case EFFECT_LEARN:
		buf_done(&e->learn.l->actions);
		free(e->learn.l);
		break;
	case EFFECT_PORTS:
		xl_counters_unref(e->ports.tx);
		xl_counters_unref(e->ports.rx);
		break;
	case EFFECT_FIN: rule_unref(e->fin.rule); break;
	case EFFECT_RECIRC: recirc_unref(e->recirc); break;
	case EFFECT_TABLE:
	case EFFECT_MAC: break;
	}
}

void effects_done(struct effects *x)
{
	for (size_t i = 0; i < x->n; i++)
		effect_done(&x->e[i]);
	free(x->e);
	effects_init(x);
}

struct effect *effects_add(struct effects *x, enum effect_kind kind)
{
	struct effect *e;

	if (x->n == x->cap)
		x->e = xgrow(x->e, &x->cap, x->n + 1, sizeof(*x->e));
	e = &x->e[x->n++];
	*e = (struct effect){ .kind = kind };
	return e;
}

void effects_take(struct effects *dst, struct effects *src)
{
	dst->e = src->n ? xmemdup(src->e, src->n * sizeof(*src->e)) : NULL;
	dst->n = dst->cap = src->n;
	free(src->e);
	effects_init(src);
}

static void credit_ports(const struct effect *e, const struct flow_stats *d)
{
	if (e->ports.tx) {
		e->ports.tx->tx_packets += d->packets;
		e->ports.tx->tx_bytes += d->bytes;
	}
	if (e->ports.rx) {
		e->ports.rx->rx_packets += d->packets;
		e->ports.rx->rx_bytes += d->bytes;
	}
}

static void apply_one(const struct effect *e, const struct flow_stats *d)
{
	switch (e->kind) {
	case EFFECT_RULE: rule_credit(e->rule, d->packets, d->bytes, d->used_ns); break;
	case EFFECT_TABLE:
		tables_credit(e->table.tables, e->table.table, e->table.matched, d->packets);
		break;
	case EFFECT_GROUP:
		group_credit(e->group.group, e->group.bucket, d->packets, d->bytes);
		break;
	case EFFECT_MAC:
		(void)mac_learn(e->mac.macs, e->mac.vlan, e->mac.addr, e->mac.bundle,
				e->mac.grat_arp, d->used_ns ? d->used_ns : clock_mono_ns());
		break;
	case EFFECT_LEARN:
		/* A full table or a bad reference is the learned rule's loss alone: the packet has
		 * been switched. */
		(void)tables_learn(e->learn.tables, &e->learn.l->fm, e->learn.l->limit);
		break;
	case EFFECT_PORTS: credit_ports(e, d); break;
	case EFFECT_FIN:
		if (d->tcp_flags & (TCP_FIN | TCP_RST))
			tables_shorten(e->fin.rule, e->fin.idle, e->fin.hard);
		break;
	case EFFECT_RECIRC: break;
	}
}

void effects_apply(const struct effects *x, const struct flow_stats *delta)
{
	if (!delta->packets)
		return;
	for (size_t i = 0; i < x->n; i++)
		apply_one(&x->e[i], delta);
}

void effects_learn(const struct effects *x)
{
	static const struct flow_stats now;

	for (size_t i = 0; i < x->n; i++)
		if (x->e[i].kind == EFFECT_MAC || x->e[i].kind == EFFECT_LEARN)
			apply_one(&x->e[i], &now);
}
