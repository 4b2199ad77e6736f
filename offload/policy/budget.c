/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/policy/budget.h"

#include <string.h>

#include "core/base/clock.h"

#define BACKOFF_MAX 6 /* 1 s << 6, cut to 60 s */

static uint64_t lesser(uint64_t a, uint64_t b) /* 0: no limit */
{
	return !a ? b : !b ? a : MIN(a, b);
}

static uint64_t known_limit(const struct budget *b)
{
	uint64_t total = b->declared ? b->declared : UINT64_MAX;

	/* What others hold counts in the device's table, not in what the operator allows us. */
	if (b->allowed && b->allowed < total - MIN(total, b->foreign))
		total = b->allowed + b->foreign;
	if (b->divided && b->part < total - MIN(total, b->foreign))
		total = b->part + b->foreign;
	return total;
}

uint64_t budget_room(const struct budget *b, uint64_t now_ns)
{
	uint64_t limit = known_limit(b), held = b->used + b->foreign;

	if (b->full && now_ns < b->retry_ns)
		limit = MIN(limit, b->full_at + b->foreign);
	else if (b->full) /* one more, to see whether it still says so */
		limit = MIN(limit, MAX(b->full_at + b->foreign, held) + 1);
	return limit > held ? limit - held : 0;
}

uint64_t budget_capacity(const struct budget *b)
{
	uint64_t most = lesser(lesser(b->declared, b->allowed), b->full ? b->full_at : 0);

	return !b->divided ? most : most ? MIN(most, b->part) : b->part;
}

uint64_t budget_over(const struct budget *b)
{
	uint64_t most = b->allowed ? b->allowed : UINT64_MAX;

	if (b->divided)
		most = MIN(most, b->part);
	return b->used > most ? b->used - most : 0;
}

uint64_t budget_spare(const struct budget *b)
{
	return MIN(budget_capacity(b) / SPARE_OF, (uint64_t)SPARE_MAX);
}

void budget_full(struct budget *b, uint64_t now_ns)
{
	b->backoff = (uint8_t)(b->full ? MIN(b->backoff + 1, BACKOFF_MAX) : 0);
	b->full = true;
	b->full_at = b->used;
	b->retry_ns = now_ns + MIN(UINT64_C(1) << b->backoff, UINT64_C(60)) * NSEC_PER_SEC;
}

void budget_took(struct budget *b)
{
	if (b->full && b->used > b->full_at)
		b->full = false;
}

/* --- churn --- */

static void turn(struct churn *c, uint64_t now_ns)
{
	uint64_t at = now_ns / BUDGET_SLOT_NS;

	if (at - c->at >= BUDGET_SLOTS)
		memset(c->slot, 0, sizeof(c->slot));
	else
		for (uint64_t i = c->at + 1; i <= at; i++)
			c->slot[i % BUDGET_SLOTS] = 0;
	c->at = at;
}

uint32_t budget_churn_left(struct budget *b, uint32_t per_s, uint64_t now_ns)
{
	uint64_t spent = 0;

	turn(&b->churn, now_ns);
	for (unsigned i = 0; i < BUDGET_SLOTS; i++)
		spent += b->churn.slot[i];
	return spent < per_s ? per_s - (uint32_t)spent : 0;
}

void budget_churn_spend(struct budget *b, uint32_t n, uint64_t now_ns)
{
	turn(&b->churn, now_ns);
	b->churn.slot[b->churn.at % BUDGET_SLOTS] += n;
}

void budget_churn_refund(struct budget *b, uint32_t n, uint64_t now_ns)
{
	turn(&b->churn, now_ns);
	for (uint64_t i = 0; i < BUDGET_SLOTS && n; i++) {
		uint32_t *slot = &b->churn.slot[(b->churn.at + BUDGET_SLOTS - i) % BUDGET_SLOTS];
		uint32_t back = MIN(*slot, n);

		*slot -= back;
		n -= back;
	}
}
