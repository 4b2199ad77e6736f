/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the filters at a port may have counted anything since they were last read.
 *
 * The kernel counts a packet at the clsact qdisc before it asks that qdisc's filters.  So while the
 * qdisc's count stands still none of its filters counts either, and tens of thousands of them need
 * not be read: one reading of all qdiscs tells it.  A packet may be between the two counts when
 * both are read (it is in another processor's hands), so filters are read once more after the first
 * reading of a count that has come to rest.  What a driver counts passes no qdisc: filters that a
 * driver has are always read, and one that a driver took without our asking is found within
 * NEWS_LEAST_NS.
 *
 * The device's thread. */
#pragma once

#include "core/base/clock.h"
#include "core/io/nl.h"

#define NEWS_LEAST_NS (10 * NSEC_PER_SEC) /* all filters are read that often in any case */

struct tc_count { /* a qdisc's */
	int ifindex;
	uint64_t packets, bytes;
};

struct tc_counts {          /* all qdiscs', at one reading; zero: not read */
	struct tc_count *v; /* owned; by ifindex */
	size_t n, cap;
};

struct tc_news { /* what is known of a port; zero: nothing */
	uint64_t packets, bytes;
	uint64_t read_ns; /* when its filters were last read */
	bool known;       /* the counts above are of that time */
	bool at_rest;     /* and were the same at the reading before */
	bool driver;      /* a driver has one of the filters */
};

/* Reads them anew; where that fails there are none. */
void tc_counts_read(struct tc_counts *c, struct nl_chan *chan);
void tc_counts_clear(struct tc_counts *c);
void tc_counts_done(struct tc_counts *c);

/* True: the filters at the device have to be read now.  What is known of them is then as of c, and
 * no driver has one of them, until the reader says otherwise. */
bool tc_news_any(struct tc_news *n, const struct tc_counts *c, int ifindex, uint64_t now_ns);
