/* SPDX-License-Identifier: Apache-2.0 */
/* Removal while another processor switches packets of the flow.
 *
 * One thread sends frames of one flow as fast as it can, on a processor of its own where there are
 * several; the other puts the flow in and takes it out.  Packets that met the flow are in its last
 * readings, the others in the count of misses, but for those that another processor had in hand:
 * the kernel reads the counters without waiting for it, so a removal can leave out as many packets
 * as there are other processors (docs/decisions/0008-last-counts.md). */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "tests/kernel/rig.h"

static _Atomic bool ending;
static _Atomic uint64_t sent;
static uint64_t length; /* of a frame; the sender's until it has ended */

static void pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set); /* fails where there is one */
}

static void *send_all(void *arg)
{
	struct flow_key key = rig_key(0, 0);
	struct packet *p = packet_compose(&key, 100);

	length = p->len;
	(void)arg;
	pin(0);
	while (!atomic_load(&ending)) {
		wire_send(rig_end[0], p->data, p->len);
		atomic_fetch_add(&sent, 1);
	}
	packet_free(p);
	return NULL;
}

static unsigned rounds(void)
{
	const char *s = getenv("ROUNDS");

	return s ? (unsigned)atoi(s) : 300;
}

static void pause_us(unsigned us)
{
	struct timespec t = { .tv_nsec = (long)us * 1000 };

	(void)nanosleep(&t, NULL);
}

/* Packets that a removal can leave out. */
static unsigned in_hand(void)
{
	return (unsigned)sysconf(_SC_NPROCESSORS_ONLN) - 1;
}

START_TEST(kernel_removal)
{
	struct flow_key key = rig_key(0, 0), mask;
	uint64_t counted = 0, bytes = 0;
	struct dp_stats st;
	pthread_t t;

	memset(&mask, 0, sizeof(mask));
	atomic_store(&ending, false);
	atomic_store(&sent, 0);
	pin(1);
	ck_assert_int_eq(pthread_create(&t, NULL, send_all, NULL), 0);
	for (unsigned i = 0; i < rounds(); i++) {
		struct dp_flow_op put = {
			.kind = DP_FLOW_PUT, .ufid = { { 7, 7 } }, .key = &key, .mask = &mask
		};
		struct dp_flow_op del = { .kind = DP_FLOW_DEL, .ufid = { { 7, 7 } } };

		ck_assert_int_eq(dp_flow_do(rig_dp, &put), 0);
		pause_us(500);
		ck_assert_int_eq(dp_flow_do(rig_dp, &del), 0);
		counted += del.stats.packets;
		bytes += del.stats.bytes;
	}
	atomic_store(&ending, true);
	pthread_join(t, NULL);
	rig_dp->ops->stats(rig_dp, &st);
	printf("sent %llu: counted %llu, %llu missed, %llu hit; %lld are lost from the counts of "
	       "%u removals\n",
	       (unsigned long long)sent, (unsigned long long)counted, (unsigned long long)st.misses,
	       (unsigned long long)st.hits, (long long)(st.hits - counted), rounds());
	ck_assert_uint_eq(st.hits + st.misses, sent);
	ck_assert_uint_le(counted, st.hits);
	ck_assert_uint_le(st.hits - counted, rounds() * in_hand());
	ck_assert_uint_eq(bytes, counted * length);
	ck_assert_uint_gt(counted, 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("removal");

	if (!getenv("SHUNT_LAB")) {
		puts("skipped: runs in a guest of the lab only: make check-kernel");
		return 77;
	}
	rig_devices();
	tcase_add_test(t, kernel_removal);
	return rig_run("removal", t);
}
