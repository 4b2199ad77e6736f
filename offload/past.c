/* SPDX-License-Identifier: Apache-2.0 */
/* What ports that are gone have counted, by name, so that a port that comes again goes on counting
 * where it was: whoever adds up its shares never sees them run back.  At most PAST_MAX names; those
 * beyond are forgotten, and begin at zero. */
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/xalloc.h"
#include "offload/engine_priv.h"

#define PAST_MAX 4096

struct past {
	struct hnode node; /* engine.past */
	char name[64];
	uint64_t packets[LEDGER_N_TIERS], bytes[LEDGER_N_TIERS];
};

void past_keep(struct engine *e, const struct engine_port *p)
{
	struct past *x;

	if (e->past.n >= PAST_MAX)
		return;
	x = xzalloc(sizeof(*x));
	memcpy(x->name, p->port->name, sizeof(x->name));
	memcpy(x->packets, p->packets, sizeof(x->packets));
	memcpy(x->bytes, p->bytes, sizeof(x->bytes));
	htable_insert(&e->past, &x->node, hash_string(x->name, 0));
}

void past_take(struct engine *e, struct engine_port *p)
{
	struct past *x;

	HTABLE_FOR_EACH_WITH (x, struct past, node, hash_string(p->port->name, 0), &e->past) {
		if (strcmp(x->name, p->port->name) != 0)
			continue;
		memcpy(p->packets, x->packets, sizeof(p->packets));
		memcpy(p->bytes, x->bytes, sizeof(p->bytes));
		htable_remove(&e->past, &x->node);
		free(x);
		return;
	}
}

void past_done(struct engine *e)
{
	struct hnode *n;

	while ((n = htable_first(&e->past))) {
		htable_remove(&e->past, n);
		free(container_of(n, struct past, node));
	}
	htable_done(&e->past);
}
