/* SPDX-License-Identifier: Apache-2.0 */
/* The queue between a handler's socket and the handler against a dumb one: a list for each port. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/datapath/kernel/fair.h"
#include "tests/unit/seed.h"

#define PORTS 7u
#define STEPS 20000u

static struct fair_queue *q;

static void setup(void)
{
	q = xmalloc(sizeof(*q));
	fair_init(q);
}

static void teardown(void)
{
	(void)fair_done(q);
	free(q);
}

/* The cookie says which one it is. */
static bool put(uint32_t port, uint64_t number, size_t len)
{
	static const uint8_t frame[2000];
	struct dp_upcall up = { .kind = UPCALL_MISS, .cookie = { number } };

	if (!fair_admits(q, port, len))
		return false;
	up.key.in_port = htonl(port);
	up.packet = packet_new(frame, len, 0);
	fair_put(q, &up);
	return true;
}

static uint64_t get(uint32_t *port)
{
	struct dp_upcall up;

	ck_assert_uint_eq(fair_get(q, &up, 1), 1);
	*port = flow_in_dp(&up.key).v;
	packet_free(up.packet);
	return up.cookie[0];
}

START_TEST(ports_take_turns)
{
	uint32_t port;

	for (uint64_t i = 0; i < 100; i++)
		ck_assert(put(1, i, 60));
	ck_assert(put(2, 1000, 60));
	ck_assert(put(3, 2000, 60));
	ck_assert(put(2, 1001, 60));
	ck_assert_uint_eq(get(&port), 0);
	ck_assert_uint_eq(get(&port), 1000);
	ck_assert_uint_eq(port, 2);
	ck_assert_uint_eq(get(&port), 2000);
	ck_assert_uint_eq(port, 3);
	ck_assert_uint_eq(get(&port), 1);
	ck_assert_uint_eq(get(&port), 1001);
	ck_assert_uint_eq(get(&port), 2);
	ck_assert_uint_eq(get(&port), 3);
	ck_assert_uint_eq(q->n, 96);
}
END_TEST

/* Alone it has two thirds; then each newcomer finds room. */
START_TEST(a_hog_leaves_room)
{
	unsigned n = 0;

	while (put(0, n, 60))
		n++;
	ck_assert_uint_gt(q->bytes, FAIR_BYTES / 2);
	ck_assert_uint_le(q->bytes, FAIR_BYTES / 3 * 2 + 1);
	for (uint32_t port = 1; port < PORTS; port++)
		for (unsigned i = 0; i < 20; i++)
			ck_assert(put(port, i, 60));
	ck_assert(!put(0, n, 60));
	ck_assert(!put(PORTS, 0, FAIR_BYTES));
	ck_assert_uint_eq(fair_done(q), n + 20 * (PORTS - 1));
	ck_assert_uint_eq(q->bytes, 0);
}
END_TEST

struct model {
	uint64_t *v[PORTS]; /* numbers that wait */
	unsigned first[PORTS], end[PORTS];
	unsigned waited[PORTS]; /* turns of others since its own */
};

static unsigned n_waiting(const struct model *m)
{
	unsigned n = 0;

	for (unsigned p = 0; p < PORTS; p++)
		n += m->first[p] != m->end[p];
	return n;
}

/* The oldest of its port, and no port that waits is passed over twice. */
static void model_get(struct model *m)
{
	unsigned others = n_waiting(m);
	uint32_t port;
	uint64_t number = get(&port);

	ck_assert_uint_lt(port, PORTS);
	ck_assert_uint_lt(m->first[port], m->end[port]);
	ck_assert_uint_eq(number, m->v[port][m->first[port]++]);
	ck_assert_uint_lt(m->waited[port], MAX(others, PORTS));
	m->waited[port] = 0;
	for (unsigned p = 0; p < PORTS; p++)
		m->waited[p] = p == port || m->first[p] == m->end[p] ? 0 : m->waited[p] + 1;
}

START_TEST(as_a_list_for_each_port)
{
	struct rng g = rng_start("as_a_list_for_each_port");
	struct model m = { 0 };
	uint64_t number = 0;
	unsigned n = 0, bias;

	for (unsigned p = 0; p < PORTS; p++)
		m.v[p] = xcalloc(STEPS, sizeof(uint64_t));
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned p = (unsigned)rng_below(&g, PORTS);

		bias = i / 2000 % 2 ? 3 : 7; /* of ten: it fills and empties */
		if (rng_below(&g, 10) < bias) {
			if (!put(p, ++number, (size_t)rng_below(&g, 2000)))
				continue;
			m.v[p][m.end[p]++] = number;
			n++;
		} else if (n) {
			model_get(&m);
			n--;
		}
		ck_assert_uint_eq(q->n, n);
		ck_assert_uint_le(q->bytes, FAIR_BYTES);
	}
	for (; n; n--)
		model_get(&m);
	ck_assert_uint_eq(q->bytes, 0);
	for (unsigned p = 0; p < PORTS; p++)
		free(m.v[p]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fair queue");
	TCase *t = tcase_create("fair");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, ports_take_turns);
	tcase_add_test(t, a_hog_leaves_room);
	tcase_add_test(t, as_a_list_for_each_port);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
