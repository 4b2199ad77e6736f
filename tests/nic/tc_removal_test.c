/* SPDX-License-Identifier: Apache-2.0 */
/* Removal of a rule that a NIC holds while the NIC switches packets of it: what is in no count came
 * after the driver's last reading, and no more (docs/decisions/0008-last-counts.md).
 *
 * A driver's counter ends with its rule, and what the kernel is told with the removal is what the
 * driver knew before it: of some age, where it reads its counters now and then (nicsim's `lag`).
 * So a removal can leave out what came since that reading, and each other processor may have a
 * frame in hand.  Nothing counts twice. */
#include <stdio.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/kernel/tc_flood.h"
#include "tests/kernel/tc_lab.h"

#define MARKS 4096u

static struct tc_lab_port port;
static struct offload_device *dev;

/* How many frames had been sent, at times that are known. */
static struct mark {
	uint64_t ns, sent;
} marks[MARKS];
static unsigned n_marks;

static void mark(void)
{
	ck_assert_uint_lt(n_marks, MARKS);
	marks[n_marks].sent = tc_flood_sent(); /* first: rather too few */
	marks[n_marks++].ns = clock_mono_ns();
}

static uint64_t sent_before(uint64_t ns)
{
	uint64_t sent = 0;

	for (unsigned i = 0; i < n_marks && marks[i].ns <= ns; i++)
		sent = marks[i].sent;
	return sent;
}

static void live(unsigned us)
{
	for (unsigned slept = 0; slept < us; slept += 2000) {
		mark();
		(void)usleep(MIN(us - slept, 2000));
	}
	mark();
}

static void read_all(void)
{
	struct offload_stat st[8];
	uint64_t at = 0;

	while (dev->ops->stats(dev, &at, st, ARRAY_SIZE(st)) > 0)
		;
}

static const struct row {
	unsigned lag_ms, lives_us, rounds;
} rows[] = {
	{ 0, 500, 60 },
	{ 40, 60000, 6 },
};

/* What the NIC took of the rule and the removal did not tell is at most *bound. */
static uint64_t one_rule(const struct row *row, struct offload_req *q, uint64_t *bound)
{
	uint64_t age = row->lag_ms * NSEC_PER_MSEC, begin, known;

	tc_flood_apply(dev, q, OFFLOAD_INSTALL, 100);
	n_marks = 0;
	live(row->lives_us);
	if (row->lag_ms) { /* else the driver has a reading as old as the rule */
		read_all();
		live(row->lag_ms * 1000 / 2);
	}
	begin = clock_mono_ns();
	/* Kernel and driver count in ticks, of up to 10 ms. */
	known = age ? sent_before(begin - age - 20 * NSEC_PER_MSEC) : tc_flood_sent();
	tc_flood_apply(dev, q, OFFLOAD_REMOVE, 0);
	ck_assert(q->final_ok);
	*bound += tc_flood_sent() - known + (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
	return q->final.packets;
}

START_TEST(what_is_missing_came_last)
{
	const struct row *row = &rows[_i];
	unsigned rounds = tc_flood_rounds(row->rounds);
	uint64_t counted = 0, bound = 0, missed, sent;
	struct offload_req q;

	tc_lab_run("echo lag %u >/sys/kernel/debug/nicsim/n/command", row->lag_ms);
	tc_flood_start("nv0", "nr0");
	tc_flood_rule(&q);
	for (unsigned i = 0; i < rounds; i++)
		counted += one_rule(row, &q, &bound);
	tc_flood_stop();
	missed = tc_flood_missed();
	sent = tc_flood_sent();
	printf("lag %u ms: sent %llu, %llu counted by %u rules, %llu missed them; %lld are in no "
	       "count, at most %llu may be\n",
	       row->lag_ms, (unsigned long long)sent, (unsigned long long)counted, rounds,
	       (unsigned long long)missed, (long long)(sent - counted - missed),
	       (unsigned long long)bound);
	ck_assert_uint_gt(counted, 0);
	ck_assert_uint_le(counted + missed, sent);
	ck_assert_uint_le(sent - counted - missed, bound);
	if (row->lag_ms)
		ck_assert_uint_gt(sent - counted - missed, 0); /* or nothing lagged */
	else if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
		ck_assert_uint_eq(counted + missed, sent);
}
END_TEST

static void setup(void)
{
	tc_lab_run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 && "
		   "echo add n ports=1 >/sys/kernel/debug/nicsim/control && "
		   "for d in n nr0 nv0; do ip link set dev $d up; done");
	tc_lab_port_open(&port, 1, "nr0", false);
	dev = tc_lab_attach(&port);
}

static void teardown(void)
{
	dev->ops->detach(dev, &port.up);
	tc_lab_run("echo del n >/sys/kernel/debug/nicsim/control");
}

int main(void)
{
	return tc_flood_main("nic_removal", what_is_missing_came_last, ARRAY_SIZE(rows), setup,
			     teardown);
}
