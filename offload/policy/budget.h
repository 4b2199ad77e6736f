/* SPDX-License-Identifier: Apache-2.0 */
/* How much a device's table takes, and how fast its content may change.
 *
 * **Room.**  The capacity that the device declares and the one that the operator allows bound it
 * from above; so does this
 * device's part of what all devices together may hold.  What nobody declares is learned: a device
 * that says "full" with N entries of ours in it is taken for that large.  That is forgotten slowly:
 * after a pause, which doubles from one to 60 seconds with each time that it says so again, one
 * entry more is tried; when it is taken, the limit is gone and the table grows until the device
 * says "full" the next time.
 *
 * **Spare.**  A few entries of a full table are left free (one in 256, at most SPARE_MAX; none in a
 * table too small for that), so that a flow that takes the place of another can be in the table
 * before that one leaves.  Only such exchanges use them.
 *
 * **Churn.**  Evictions within any second never exceed the bound: they are counted in slots of an
 * eighth of a second, and the last eight and the one that runs count.  (A bucket of tokens would
 * let through twice the bound in a second now and then.)
 *
 * Pure; the caller's lock.  Times are clock_mono_ns(). */
#pragma once

#include "core/base/types.h"

#define BUDGET_SLOTS 9
#define BUDGET_SLOT_NS UINT64_C(125000000)
#define SPARE_OF 256 /* one entry in so many */
#define SPARE_MAX 64

struct churn {
	uint32_t slot[BUDGET_SLOTS];
	uint64_t at; /* number of the slot that runs */
};

struct budget {
	uint64_t declared; /* by the device; 0: unknown */
	uint64_t allowed;  /* by the operator; 0: no limit */
	bool divided;      /* all devices together may hold so many, and this one: */
	uint64_t part;
	uint64_t used;    /* entries of ours */
	uint64_t foreign; /* entries that are not ours */
	bool full;        /* it said so, whatever it declares */
	uint8_t backoff;
	uint64_t full_at; /* used when it did */
	uint64_t retry_ns;
	struct churn churn;
};

/* Entries that may still be put in, the spare ones included. */
uint64_t budget_room(const struct budget *b, uint64_t now_ns);
/* Of these, the ones that only an exchange may use. */
uint64_t budget_spare(const struct budget *b);
/* What the table holds at most, as far as it is known; 0: unknown. */
uint64_t budget_capacity(const struct budget *b);
/* Entries of ours beyond what the operator allows. */
uint64_t budget_over(const struct budget *b);
/* The device said "full" / took a rule, with `used` as it now is. */
void budget_full(struct budget *b, uint64_t now_ns);
void budget_took(struct budget *b);

/* Evictions that may be made now, with at most per_s in a second. */
uint32_t budget_churn_left(struct budget *b, uint32_t per_s, uint64_t now_ns);
void budget_churn_spend(struct budget *b, uint32_t n, uint64_t now_ns);
/* Of those spent last, n were not made. */
void budget_churn_refund(struct budget *b, uint32_t n, uint64_t now_ns);
