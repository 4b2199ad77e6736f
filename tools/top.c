/* SPDX-License-Identifier: Apache-2.0 */
/* The live view: asks, keeps some answers for rates, and obeys keys. */
#include "tools/top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tools/args.h"
#include "tools/jread.h"
#include "tools/out.h"
#include "tools/peer.h"
#include "tools/term.h"

#define COUNT_DEFAULT 20
#define COUNT_LEAST 50   /* of flows that are asked for, whatever is seen of them */
#define LIVE_TIMEOUT_S 5 /* a live view says soon that nobody answers, and goes on asking */
#define LOOKS 32
#define RATES_MS 3000 /* rates are over about so long: a NIC's counters come in steps */
#define INTERVAL_LEAST 0.1
#define INTERVAL_MOST 3600.0

struct look {
	struct json_object *answer; /* owned */
	uint64_t at_ms;             /* of the switch's clock */
};

struct top {
	struct args *args;
	struct look looks[LOOKS]; /* the newest first */
	unsigned n;
	struct str why; /* what went wrong the last time; "" when nothing did */
	enum layout_order order;
	enum layout_section only;
	bool paused, help;
	bool ask, end; /* what a key wants */
};

/* --- asking --- */

/* What the switch sorts by: it has no rate of bits, and the busiest flows are not far from it. */
static const char *order_asked(const struct top *t)
{
	return t->order == LAYOUT_BY_BITS ? layout_order_name[LAYOUT_BY_RATE]
					  : layout_order_name[t->order];
}

static void forget_from(struct top *t, unsigned from)
{
	while (t->n > from)
		json_object_put(t->looks[--t->n].answer);
}

/* A switch that started anew has a clock and counters of its own. */
static void keep(struct top *t, struct json_object *answer, uint64_t at_ms)
{
	if (t->n && at_ms <= t->looks[0].at_ms)
		forget_from(t, 0);
	forget_from(t, LOOKS - 1);
	for (unsigned i = t->n++; i; i--)
		t->looks[i] = t->looks[i - 1];
	t->looks[0] = (struct look){ answer, at_ms };
}

/* A new look; an exit status, and t->why.  What was shown stays when it fails. */
static int look(struct top *t, unsigned count)
{
	struct error err = ERROR_INIT;
	struct json_object *o;
	const char *argv[2];
	char n[12], buf[400], *text;
	uint64_t at_ms;
	int rc;

	str_clear(&t->why);
	(void)snprintf(n, sizeof(n), "%u", count);
	argv[0] = n;
	argv[1] = order_asked(t);
	rc = peer_call(t->args, "offload/top", 2, argv, &text, &t->why);
	if (rc)
		return rc;
	o = jread_parse(text, &err);
	free(text);
	at_ms = o ? jread_u64(o, "at_ms", &err) : 0;
	if (!err.code) {
		keep(t, o, at_ms);
		return EXIT_OK;
	}
	json_object_put(o);
	str_puts(&t->why, error_text(&err, buf, sizeof(buf)));
	return EXIT_SWITCH;
}

static void done(struct top *t)
{
	forget_from(t, 0);
	str_done(&t->why);
}

/* --- showing --- */

static void put_title(struct view *v, const struct top *t, const char *remark)
{
	time_t now = time(NULL);
	char text[16] = "";
	struct tm tm;

	if (localtime_r(&now, &tm))
		(void)strftime(text, sizeof(text), "%H:%M:%S", &tm);
	view_puts(v, TONE_BOLD, "shuntctl offload top");
	view_printf(v, TONE_DIM, "  %s, every %g s, by %s", text, t->args->interval_s,
		    layout_order_name[t->order]);
	if (t->paused)
		view_puts(v, TONE_WARN, "  STOPPED");
	view_puts(v, TONE_DIM, remark);
	view_nl(v);
}

/* The answer that rates are taken from: the oldest of the last seconds, but the one before at
 * least.  0: there is none. */
static unsigned base_of(const struct top *t)
{
	unsigned i = t->n > 1 ? 1 : 0;

	while (i && i + 1 < t->n && t->looks[0].at_ms - t->looks[i + 1].at_ms <= RATES_MS)
		i++;
	return i;
}

/* An exit status; EXIT_SWITCH and t->why when the answer makes no sense. */
static int lay_out(struct top *t, struct view *v, unsigned rows)
{
	unsigned base = base_of(t);
	struct layout_frame f = {
		.now = t->looks[0].answer,
		.before = base ? t->looks[base].answer : NULL,
		.seconds = (double)(t->looks[0].at_ms - t->looks[base].at_ms) / 1000,
		.rows = rows,
		.order = t->order,
		.only = t->only,
	};
	struct error err = ERROR_INIT;
	char text[400];

	if (!layout_top(v, &f, &err))
		return EXIT_OK;
	str_puts(&t->why, error_text(&err, text, sizeof(text)));
	return EXIT_SWITCH;
}

static unsigned count_of(const struct args *a, unsigned fallback)
{
	return a->count > 0 ? (unsigned)a->count : fallback;
}

/* --- plain --- */

static void pause_for(double seconds)
{
	uint64_t ns = (uint64_t)(seconds * (double)NSEC_PER_SEC);
	struct timespec ts = { (time_t)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC) };

	(void)nanosleep(&ts, NULL); /* a signal only makes it shorter */
}

static int plain_text(struct top *t)
{
	struct str s = STR_INIT;
	struct view v;
	int rc;

	out_view(&v, &s);
	if (!t->args->once)
		put_title(&v, t, "");
	rc = lay_out(t, &v, 0);
	if (rc)
		out_complain(str_cstr(&t->why));
	else
		out_flush(&s);
	str_done(&s);
	return rc;
}

/* Each text has rates, so two looks come before the first. */
static int run_plain(struct top *t)
{
	unsigned n = count_of(t->args, COUNT_DEFAULT);
	bool first = true;
	int rc = look(t, n);

	while (!rc) {
		pause_for(t->args->interval_s);
		rc = look(t, n);
		if (rc)
			break;
		if (!first)
			(void)putchar('\n');
		first = false;
		rc = plain_text(t);
		if (t->args->once || ferror(stdout))
			return rc;
	}
	out_complain(str_cstr(&t->why));
	return rc;
}

static int run_json(struct top *t)
{
	int rc = look(t, count_of(t->args, COUNT_DEFAULT));

	if (rc)
		out_complain(str_cstr(&t->why));
	else
		out_json(t->looks[0].answer);
	return rc;
}

/* --- keys --- */

static void key_end(struct top *t, int key)
{
	(void)key;
	t->end = true;
}

static void key_pause(struct top *t, int key)
{
	(void)key;
	t->paused = !t->paused;
	t->ask |= !t->paused;
}

static void key_help(struct top *t, int key)
{
	(void)key;
	t->help = true;
}

static void key_sort(struct top *t, int key)
{
	(void)key;
	t->order = (t->order + 1) % LAYOUT_N_ORDERS;
	t->ask = true;
}

static void key_interval(struct top *t, int key)
{
	double s = t->args->interval_s * (key == '-' ? 0.5 : 2);

	t->args->interval_s = MIN(MAX(s, INTERVAL_LEAST), INTERVAL_MOST);
	t->ask = true;
}

static void key_section(struct top *t, int key)
{
	static const struct {
		int key;
		enum layout_section only;
	} keys[] = {
		{ 'd', LAYOUT_DEVICES }, { 'w', LAYOUT_REASONS }, { 'p', LAYOUT_PORTS },
		{ 'm', LAYOUT_MOVES },   { 'f', LAYOUT_FLOWS },   { 'a', LAYOUT_N_SECTIONS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].key == key)
			t->only = t->only == keys[i].only ? LAYOUT_N_SECTIONS : keys[i].only;
}

static const struct {
	const char *keys;
	const char *name, *help; /* NULL: the same as the row before */
	void (*fn)(struct top *t, int key);
} keys[] = {
	{ "qQ", "q", "end", key_end },
	{ " ", "blank", "stop; go on", key_pause },
	{ "s", "s", "sort flows by rate, bits, packets, newest", key_sort },
	{ "f", "f", "flows alone; all sections again", key_section },
	{ "m", "m", "moves alone: the latest between hardware and software", key_section },
	{ "p", "p", "ports alone", key_section },
	{ "w", "w", "reasons alone: why traffic is in software", key_section },
	{ "d", "d", "devices alone", key_section },
	{ "a", "a", "all sections", key_section },
	{ "+", "+ -", "look half as often, twice as often", key_interval },
	{ "-", NULL, NULL, key_interval },
	{ "h?", "h ?", "this help; any key ends it", key_help },
};

static void obey(struct top *t, int key)
{
	if (!key) { /* standard input has ended */
		t->end = true;
		return;
	}
	if (t->help) {
		t->help = false;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strchr(keys[i].keys, key))
			keys[i].fn(t, key);
}

/* --- on a terminal --- */

static void put_help(struct view *v)
{
	view_nl(v);
	v->indent = 2;
	v->label_width = 9;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].name)
			view_field(v, keys[i].name, TONE_PLAIN, keys[i].help);
	view_nl(v);
	v->label_width = 0;
	view_field(v, "", TONE_PLAIN,
		   "Rates are over the last three seconds, or over one look where that is longer.  "
		   "A flow's rate is the switch's own running average.  More in shuntctl(8).");
	v->indent = 0;
}

static void show(struct top *t, unsigned rows)
{
	const char *remark = t->why.len ? "  asking again, q ends" : "  h help, q end";
	struct str s = STR_INIT;
	struct view v;

	out_view(&v, &s);
	put_title(&v, t, remark);
	if (t->help)
		put_help(&v);
	else if (t->n && !t->why.len)
		(void)lay_out(t, &v, rows > 1 ? rows - 1 : 1); /* t->why has it */
	if (t->why.len && !t->help) {
		str_clear(&s);
		put_title(&v, t, "  asking again, q ends");
		view_nl(&v);
		v.colour = false;
		view_clean(&v, &s, str_cstr(&t->why));
		view_nl(&v);
	}
	term_draw(str_cstr(&s));
	str_done(&s);
}

static unsigned rows_now(void)
{
	unsigned columns, rows;

	out_size(STDOUT_FILENO, &columns, &rows);
	return MIN(rows, 1000u);
}

static int run_live(struct top *t)
{
	uint64_t due = clock_mono_ns();
	int key;

	while (!t->end) {
		uint64_t now = clock_mono_ns();

		if (t->ask || (!t->paused && now >= due)) {
			t->ask = false;
			(void)look(t, count_of(t->args, MAX(rows_now(), (unsigned)COUNT_LEAST)));
			due = clock_mono_ns() + /* t->why is shown */
			      (uint64_t)(t->args->interval_s * (double)NSEC_PER_SEC);
		}
		show(t, rows_now());
		now = clock_mono_ns();
		if (term_wait(due > now ? (unsigned)((due - now) / NSEC_PER_MSEC) + 1 : 1, &key) ==
		    TERM_KEY)
			obey(t, key);
	}
	return EXIT_OK;
}

int top_run(struct args *a)
{
	struct top t = { .args = a, .why = STR_INIT, .only = LAYOUT_N_SECTIONS };
	bool live = !a->once && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct error err = ERROR_INIT;
	int rc;

	if (a->json) {
		rc = run_json(&t);
	} else if (!live) {
		rc = run_plain(&t);
	} else if ((rc = look(&t, count_of(a, rows_now())))) {
		out_complain(str_cstr(&t.why)); /* who is not there at first may be mistyped */
	} else if (term_take(&err)) {
		out_complain(err.cause);
		rc = EXIT_USAGE;
	} else {
		if (!(a->timeout_s > 0) || a->timeout_s > LIVE_TIMEOUT_S)
			a->timeout_s = LIVE_TIMEOUT_S;
		rc = run_live(&t);
		term_give_back();
	}
	done(&t);
	return rc;
}
