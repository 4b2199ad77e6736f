/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of a tier's datapath, which all datapaths of a kernel share. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/datapath/dp_ct.h"
#include "tests/agree/tier_priv.h"

bool tier_tracks(const struct tier *t)
{
	return t->dp && t->dp->ops->ct && t->dp->features.actions >> DP_ACT_CT & 1;
}

static bool count(const struct dp_ct_entry *e, void *arg)
{
	unsigned *n = arg;

	(void)e;
	++*n;
	return true;
}

/* Connections of the kernel's, those included that nobody finds any more and a flow table for
 * drivers still has, which TC's ct action looks into first; of another datapath, its own. */
static unsigned connections(struct tier *t)
{
	FILE *f = strcmp(t->row->dp, "system")
			  ? NULL
			  : fopen("/proc/sys/net/netfilter/nf_conntrack_count", "re");
	unsigned n = 0;

	if (!f) {
		(void)t->dp->ops->ct->dump(t->dp, NULL, count, &n); /* some are enough */
		return n;
	}
	ck_assert_int_eq(fscanf(f, "%u", &n), 1);
	(void)fclose(f);
	return n;
}

void tier_forget_connections(struct tier *t)
{
	static const struct timespec pause = { .tv_nsec = 5000000 };
	uint64_t until = clock_mono_ns() + (uint64_t)TIER_SYNC_MS * NSEC_PER_MSEC;

	ck_assert_int_eq(t->dp->ops->ct->flush(t->dp, NULL), 0);
	while (connections(t)) {
		ck_assert_msg(clock_mono_ns() < until, "%s: connections stay", t->row->name);
		(void)nanosleep(&pause, NULL); /* an early return looks again */
	}
}
