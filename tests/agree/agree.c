/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/agree/agree.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/rcu.h"
#include "core/datapath/kernel/dp_kernel.h"
#include "core/datapath/user/dp_user.h"
#include "offload/sim/sim.h"
#include "tc/tc.h"
#include "tests/agree/gen.h"
#include "tests/agree/shrink.h"

#define TIERS_MAX 8
#define SHRINK_TRIES 1500
#define SHRINK_NS (120 * NSEC_PER_SEC)
#define TRACKED_PASSES 6 /* of a packet: more the kernel's datapath puts off, and drops */
#define SHARE 20         /* a tier answers at least one of so many packets */

static const struct agree_driver *driver;
static const struct agree_tier translation_row = { .name = "translation" };
static struct tier *translation, *tiers[TIERS_MAX];
static uint64_t asked[TIERS_MAX]; /* packets */
static unsigned n_undecided;      /* cases that have no one answer */

static void open_all(void)
{
	translation = tier_open(&translation_row);
	for (unsigned i = 0; i < driver->n_tiers; i++)
		tiers[i] = tier_open(&driver->tiers[i]);
}

static void close_all(void)
{
	for (unsigned i = 0; i < driver->n_tiers; i++)
		tier_close(tiers[i]);
	tier_close(translation);
}

/* --- what differs --- */

static void say_frames(struct str *s, const char *whose, const struct frames *f, unsigned port)
{
	struct cursor c = cursor_init(f->at[port].data, f->at[port].len);

	while (cursor_left(&c)) {
		uint32_t len = cursor_be32(&c);

		str_printf(s, "  %s: port %u, ", whose, port + 1);
		agree_hex(s, cursor_take(&c, len), len);
		str_puts(s, "\n");
	}
}

/* A sum over the frames that does not depend on their order. */
static uint64_t mix(const struct buf *b)
{
	struct cursor c = cursor_init(b->data, b->len);
	uint64_t sum = 0;

	while (cursor_left(&c)) {
		uint32_t len = cursor_be32(&c);

		sum += hash_bytes(cursor_take(&c, len), len, len);
	}
	return sum;
}

static bool frames_same(const struct buf *a, const struct buf *b, bool any_order)
{
	if (a->len != b->len)
		return false;
	return !a->len || !memcmp(a->data, b->data, a->len) || (any_order && mix(a) == mix(b));
}

static bool compare_frames(const struct frames *want, const struct frames *got, unsigned packet,
			   const char *when, bool any_order, struct str *s)
{
	bool same = true;

	for (unsigned i = 0; i < AGREE_PORTS; i++) {
		if (frames_same(&want->at[i], &got->at[i], any_order))
			continue;
		if (same)
			str_printf(s, "packet %u, %s:\n", packet + 1, when);
		same = false;
		say_frames(s, "right", want, i);
		say_frames(s, "came ", got, i);
	}
	return same;
}

/* True: the same; else *s says what is not.  Counters are not looked at where frames differ. */
static bool compare(const struct agree_case *c, const struct outcome *want,
		    const struct outcome *got, struct str *s)
{
	for (unsigned i = 0; i < c->n_packets; i++)
		if (!compare_frames(&want->first[i], &got->first[i], i, "without a megaflow",
				    want->any_order[i], s))
			return false;
	for (unsigned i = 0; i < c->n_packets; i++)
		if (!compare_frames(&want->placed[i], &got->placed[i], i, "placed",
				    want->any_order[i], s))
			return false;
	for (unsigned i = 0; i < c->n_lines; i++) {
		const struct agree_count *w = &want->count[i], *g = &got->count[i];

		if (w->packets == g->packets && w->bytes == g->bytes)
			continue;
		str_printf(s, "%s\n  right: %llu packets, %llu bytes; counted: %llu, %llu\n",
			   c->line[i], (unsigned long long)w->packets, (unsigned long long)w->bytes,
			   (unsigned long long)g->packets, (unsigned long long)g->bytes);
	}
	return !s->len;
}

/* --- asking --- */

struct question {
	struct tier *t, *right; /* asked, and who says what is right */
	struct outcome want, got;
	uint64_t until; /* of shrinking; 0: no end */
	struct str why; /* of the last difference */
};

/* False: it is not to be asked. */
static bool ask_translation(const struct agree_case *c, struct outcome *o)
{
	outcome_clear(o);
	if (!tier_load(translation, c, NULL, NULL))
		return false;
	tier_run(translation, c, NULL, o);
	for (unsigned i = 0; i < c->n_packets; i++)
		if (o->garbled[i])
			return false;
	return true;
}

/* By a datapath that tracks connections: the order of copies is its own. */
static bool ask_tracker(struct tier *t, const struct agree_case *c, struct outcome *o)
{
	if (!tier_load(t, c, NULL, NULL))
		return false;
	outcome_clear(o);
	tier_run(t, c, NULL, o);
	for (unsigned i = 0; i < c->n_packets; i++) {
		o->any_order[i] = true;
		o->passes[i] = TRACKED_PASSES;
		if (frames_total(&o->placed[i]) > AGREE_FRAMES_MAX)
			return false;
	}
	return true;
}

static bool translates(const struct agree_case *c)
{
	for (unsigned i = 0; i < c->n_lines; i++)
		if (strstr(c->line[i], "nat("))
			return true;
	return false;
}

/* The same answer when asked again.  Where two connections want one port, the kernel draws another
 * by lot. */
static bool answers_again(struct question *q, const struct agree_case *c)
{
	struct str why = STR_INIT;
	bool same;

	outcome_clear(&q->got);
	same = ask_tracker(q->right, c, &q->got) && compare(c, &q->want, &q->got, &why);
	str_done(&why);
	if (!same)
		n_undecided++;
	return same;
}

static bool ask_right(struct question *q, const struct agree_case *c)
{
	if (q->right == translation)
		return ask_translation(c, &q->want);
	return ask_tracker(q->right, c, &q->want) && (!translates(c) || answers_again(q, c));
}

static bool fails(void *aux, const struct agree_case *c)
{
	struct question *q = aux;
	struct str why = STR_INIT;

	if ((q->until && clock_mono_ns() > q->until) || !ask_right(q, c))
		return false;
	outcome_clear(&q->got);
	ck_assert(tier_load(q->t, c, NULL, NULL));
	tier_run(q->t, c, &q->want, &q->got);
	if (compare(c, &q->want, &q->got, &why)) {
		str_done(&why);
		return false;
	}
	str_done(&q->why);
	q->why = why;
	str_printf(&q->why, "%s\n%smegaflows\n%s", tier_row(q->right)->name,
		   tier_megaflows(q->right), tier_megaflows(q->t));
	return true;
}

static void complain(struct question *q, const struct agree_case *c)
{
	struct str text = STR_INIT;
	struct agree_case small;

	agree_case_format(c, &text);
	printf("--- %s differs from %s\n%s%s", tier_row(q->t)->name, tier_row(q->right)->name,
	       str_cstr(&text), str_cstr(&q->why));
	(void)fflush(stdout); /* should shrinking not end */
	agree_case_copy(&small, c);
	q->until = clock_mono_ns() + SHRINK_NS;
	agree_shrink(&small, fails, q, SHRINK_TRIES);
	str_clear(&text);
	agree_case_format(&small, &text);
	printf("--- the smallest case:\n%s%s", str_cstr(&text), str_cstr(&q->why));
	(void)fflush(stdout);
	ck_abort_msg("%s differs from %s", tier_row(q->t)->name, tier_row(q->right)->name);
}

/* The first datapath that tracks connections, without anything ahead of it; NULL: there is none. */
static struct tier *tracker(void)
{
	for (unsigned i = 0; i < driver->n_tiers; i++)
		if (tier_tracks(tiers[i]) && !driver->tiers[i].offload)
			return tiers[i];
	return NULL;
}

static bool is_asked(unsigned i, const struct agree_case *c, const struct tier *right)
{
	const struct agree_tier *row = &driver->tiers[i];

	if (right != translation && (tiers[i] == right || !tier_tracks(tiers[i])))
		return false;
	return right != translation || !(c->wrong_sums && row->mends_sums);
}

static void ask_all(const struct agree_case *c)
{
	struct tier *right = agree_case_tracks(c) ? tracker() : translation;

	for (unsigned i = 0; right && i < driver->n_tiers; i++) {
		struct question q = { .t = tiers[i], .right = right };

		if (!is_asked(i, c, right))
			continue;
		outcome_init(&q.want);
		outcome_init(&q.got);
		if (fails(&q, c))
			complain(&q, c);
		asked[i] += c->n_packets * (1 + AGREE_COPIES);
		outcome_done(&q.want);
		outcome_done(&q.got);
		str_done(&q.why);
	}
}

static void ask_file(const char *file)
{
	unsigned line, undecided = n_undecided;
	struct error err = ERROR_INIT;
	struct agree_case c;

	ck_assert_msg(!agree_case_read(&c, file, &err), "%s: %s", file, err.cause);
	ck_assert_msg(tier_load(translation, &c, &line, &err), "%s: %s: %s", file, c.line[line],
		      err.cause);
	ask_all(&c);
	ck_assert_msg(n_undecided == undecided, "%s has no one answer", file);
	agree_case_done(&c);
}

/* --- the tests --- */

START_TEST(examples_agree)
{
	const char *srcdir = getenv("srcdir"), *one = getenv("AGREE_CASE");
	char pattern[512];
	glob_t found;

	if (one) {
		ask_file(one);
		return;
	}
	(void)snprintf(pattern, sizeof(pattern), "%s/tests/agree/cases/*.case",
		       srcdir ? srcdir : ".");
	ck_assert_msg(!glob(pattern, 0, NULL, &found), "no %s", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++)
		ask_file(found.gl_pathv[i]);
	printf("%zu examples\n", found.gl_pathc);
	globfree(&found);
}
END_TEST

/* Lines that tables refuse go, and packets that make too much or too little. */
static void sift(struct agree_case *c)
{
	struct outcome o;
	unsigned line = 0;

	while (!tier_load(translation, c, &line, NULL))
		agree_case_set_line(c, line, NULL);
	outcome_init(&o);
	(void)ask_translation(c, &o);
	for (unsigned i = c->n_packets; i-- > 0;)
		if (o.garbled[i] || (agree_case_tracks(c) && o.passes[i] > TRACKED_PASSES) ||
		    frames_total(&o.placed[i]) > AGREE_FRAMES_MAX)
			agree_case_drop_packet(c, i);
	outcome_done(&o);
}

static void print_answers(void)
{
	for (unsigned i = 0; i < driver->n_tiers; i++) {
		struct str s = STR_INIT;

		tier_describe(tiers[i], &s);
		(void)fputs(str_cstr(&s), stdout);
		str_done(&s);
	}
}

START_TEST(random_tables_agree)
{
	struct rng r = rng_start(driver->name);
	const char *env = getenv("AGREE_SECONDS");
	uint64_t seconds = env ? strtoull(env, NULL, 0) : driver->seconds;
	uint64_t until = clock_mono_ns() + seconds * NSEC_PER_SEC;
	unsigned n_cases = 0, n_lines = 0, n_packets = 0, n_tracked = 0;
	uint64_t answers[LEDGER_N_TIERS];

	if (getenv("AGREE_CASE"))
		return;
	while (clock_mono_ns() < until) {
		struct agree_case c;

		agree_case_init(&c);
		agree_gen(&c, (struct rng){ rng_next(&r) }, tracker() != NULL);
		sift(&c);
		ask_all(&c);
		n_cases++;
		n_tracked += agree_case_tracks(&c);
		n_lines += c.n_lines;
		n_packets += c.n_packets;
		agree_case_done(&c);
	}
	printf("%u tables of %u lines in all, %u packets; %u track connections, %u undecided\n",
	       n_cases, n_lines, n_packets, n_tracked, n_undecided);
	print_answers();
	ck_assert_uint_le(2 * n_undecided, n_tracked + 10);
	for (unsigned i = 0; i < driver->n_tiers; i++) {
		const struct agree_tier *row = &driver->tiers[i];

		ck_assert_msg(!*tier_odd(tiers[i]), "%s: refused or lost:\n%s", row->name,
			      tier_odd(tiers[i]));
		tier_answers(tiers[i], answers);
		ck_assert_msg(answers[row->answers] * SHARE >= asked[i],
			      "%s: of %llu packets %s answered %llu", row->name,
			      (unsigned long long)asked[i], ledger_tier_name[row->answers],
			      (unsigned long long)answers[row->answers]);
	}
}
END_TEST

static bool wants_guest(void)
{
	for (unsigned i = 0; i < driver->n_tiers; i++)
		if (driver->tiers[i].wires->guest)
			return true;
	return false;
}

static int run(void)
{
	Suite *s = suite_create(driver->name);
	TCase *c = tcase_create("agree");
	SRunner *sr;
	int failed;

	tcase_add_unchecked_fixture(c, open_all, close_all);
	tcase_add_test(c, examples_agree);
	tcase_add_test(c, random_tables_agree);
	suite_add_tcase(s, c);
	sr = srunner_create(s);
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int agree_main(const struct agree_driver *d)
{
	int status;

	driver = d;
	if (wants_guest() && !getenv("SHUNT_LAB")) {
		puts("skipped: runs in a guest of the lab only: make check-kernel, make check-nic");
		return 77;
	}
	rcu_thread_start();
	ports_init();
	dp_user_init();
	dp_kernel_init();
	sim_register();
	tc_register();
	status = run();
	rcu_settle();
	rcu_thread_stop();
	return status;
}
