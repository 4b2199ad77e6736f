/* SPDX-License-Identifier: Apache-2.0 */
/* What a flow will carry next, as far as flows like it have shown.
 *
 * A rate (rate.h) says what a flow did.  Whether it goes on is another matter: in one network a
 * flow that sent a thousand packets in its first half second is nearly always over, in another it
 * has an hour before it.  So the engine learns it from its own flows.  Flows are of one kind when
 * they are alike in three things: the packets of the last reading, the packets of all their
 * readings (each to a factor of two), and for how many periods nothing has been read of them since.
 * For each kind there stands by how much flows of it carried more or less in the next period than
 * their rate said; the value of a flow is its rate, times that.
 *
 * Nobody reads silence: readings are of flows that have news.  So what is counted is who comes to
 * a kind, and who leaves it by another reading; those that do not leave are known to have been
 * silent when the period is over, and stand in the next line of their kind:
 *
 *     silent for     waiting         of them, read again     outlook
 *     0 periods      all that came   some                    what was read / what had waited
 *     1 period       the rest        some of these           likewise
 *     …
 *
 * All of that is forgotten by half in some half a minute, so it follows the network.  A kind of
 * which little is known is taken to behave as an exponential average of RATE_TAU_S would have it.
 * A flow that has never been read is of a kind of its own, so that new ones can be told from dead
 * ones.
 *
 * A flow's value only falls while nothing is read of it (shelf.h relies on that), but for what is
 * learned meanwhile.  O(1) for a reading and for a value, and some microseconds once a period.
 *
 * Pure; the caller's lock.  Times are clock_mono_ns(). */
#pragma once

#include "offload/policy/rate.h"

#define OUTLOOK_PERIOD_NS UINT64_C(500000000)
#define OUTLOOK_LAST 16  /* kinds by packets of the last reading */
#define OUTLOOK_ALL 12   /* likewise by those of all readings */
#define OUTLOOK_SILENT 8 /* periods; the last is for all that are longer */
#define OUTLOOK_KINDS (1 + OUTLOOK_LAST * OUTLOOK_ALL)

/* One kind of flows, silent for so many periods: sums of their rates. */
struct outlook_line {
	double now;     /* of those that are in it */
	double back;    /* of those that were, and were read again in the period that runs */
	double carried; /* what these had in it */
	double waited,
		came;  /* of former periods, forgotten slowly: in it, and what they had next */
	double factor; /* of a rate */
};

struct outlook {
	uint64_t period_ns; /* when the one that runs began */
	double entered[OUTLOOK_KINDS];
	struct outlook_line line[OUTLOOK_KINDS][OUTLOOK_SILENT];
};

/* A flow's, beside its rate. */
struct outlook_flow {
	struct rate rate;
	uint64_t packets; /* of all readings */
	double base;      /* the rate that its value is a part of */
	uint16_t kind;
};

void outlook_init(struct outlook *o, uint64_t now_ns);
/* A new flow. */
void outlook_begin(struct outlook *o, struct outlook_flow *f, uint64_t now_ns);
/* A reading brought `packets` more; none: nothing happens. */
void outlook_add(struct outlook *o, struct outlook_flow *f, uint64_t packets, uint64_t now_ns);
/* Packets a second that it will carry after as_of_ns: for ranking. */
double outlook_value(const struct outlook *o, const struct outlook_flow *f, uint64_t as_of_ns);
