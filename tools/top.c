/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/top.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tools/args.h"
#include "tools/jread.h"
#include "tools/out.h"
#include "tools/peer.h"
#include "tools/term.h"

#define COUNT_DEFAULT 20
#define LIVE_TIMEOUT_S 5 /* a live view says soon that nobody answers, and goes on asking */

struct top {
	struct args *args;
	struct json_object *status, *flows;           /* owned */
	struct json_object *last_status, *last_flows; /* owned */
	uint64_t at_ns, last_at_ns;
	struct str why; /* what went wrong the last time; "" when nothing did */
};

/* --- asking --- */

static int ask(struct top *t, const char *method, const char *arg, struct json_object **ret)
{
	struct error err = ERROR_INIT;
	char *text, buf[400];
	int rc = peer_call(t->args, method, arg ? 1 : 0, &arg, &text, &t->why);

	if (rc)
		return rc;
	*ret = jread_parse(text, &err);
	free(text);
	if (*ret)
		return EXIT_OK;
	str_puts(&t->why, error_text(&err, buf, sizeof(buf)));
	return EXIT_SWITCH;
}

static void forget(struct json_object **o)
{
	json_object_put(*o);
	*o = NULL;
}

/* A new look; an exit status, and t->why.  What was shown stays when it fails. */
static int look(struct top *t, unsigned count)
{
	struct json_object *status = NULL, *flows = NULL;
	char n[12];
	int rc;

	str_clear(&t->why);
	(void)snprintf(n, sizeof(n), "%u", count);
	rc = ask(t, "offload/status", NULL, &status);
	if (!rc)
		rc = ask(t, "offload/top", n, &flows);
	if (rc) {
		forget(&status);
		return rc;
	}
	forget(&t->last_status);
	forget(&t->last_flows);
	t->last_status = t->status;
	t->last_flows = t->flows;
	t->last_at_ns = t->at_ns;
	t->status = status;
	t->flows = flows;
	t->at_ns = clock_mono_ns();
	return EXIT_OK;
}

static void done(struct top *t)
{
	forget(&t->status);
	forget(&t->flows);
	forget(&t->last_status);
	forget(&t->last_flows);
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
	view_printf(v, TONE_BOLD, "shuntctl offload top");
	view_printf(v, TONE_DIM, "  %s, every %g s%s", text, t->args->interval_s, remark);
	view_nl(v);
}

/* An exit status; EXIT_SWITCH and t->why when the answer makes no sense. */
static int lay_out(struct top *t, struct view *v)
{
	struct layout_frame f = {
		.status = t->status,
		.flows = t->flows,
		.last_status = t->last_status,
		.last_flows = t->last_flows,
		.seconds = (double)(t->at_ns - t->last_at_ns) / (double)NSEC_PER_SEC,
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

static int plain_once(struct top *t)
{
	int rc = look(t, count_of(t->args, COUNT_DEFAULT));
	struct str s = STR_INIT;
	struct view v;

	out_view(&v, &s);
	if (!t->args->once)
		put_title(&v, t, "");
	if (!rc)
		rc = lay_out(t, &v);
	if (rc)
		out_complain(str_cstr(&t->why));
	else
		out_flush(&s);
	str_done(&s);
	return rc;
}

static int run_plain(struct top *t)
{
	uint64_t ns = (uint64_t)(t->args->interval_s * (double)NSEC_PER_SEC);
	struct timespec pause = { (time_t)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC) };
	int rc;

	while (!(rc = plain_once(t)) && !t->args->once && !ferror(stdout)) {
		(void)nanosleep(&pause, NULL);
		(void)putchar('\n');
	}
	return rc;
}

static int run_json(struct top *t)
{
	int rc = look(t, count_of(t->args, COUNT_DEFAULT));

	if (rc)
		out_complain(str_cstr(&t->why));
	else
		out_json(t->flows);
	return rc;
}

/* --- on a terminal --- */

static void show(struct top *t, bool paused)
{
	struct str s = STR_INIT;
	struct view v;

	out_view(&v, &s);
	put_title(&v, t, paused ? "; stopped, blank goes on, q ends" : "; blank stops, q ends");
	if (t->status && !t->why.len)
		(void)lay_out(t, &v); /* t->why has it */
	if (t->why.len) {
		str_clear(&s);
		put_title(&v, t, "; asking again, q ends");
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
	uint64_t ns = (uint64_t)(t->args->interval_s * (double)NSEC_PER_SEC);
	uint64_t due = clock_mono_ns();
	bool paused = false;
	int key;

	for (;;) {
		uint64_t now = clock_mono_ns();

		if (!paused && now >= due) {
			(void)look(t, count_of(t->args, rows_now())); /* t->why is shown */
			due = clock_mono_ns() + ns;
		}
		show(t, paused);
		now = clock_mono_ns();
		switch (term_wait(due > now ? (unsigned)((due - now) / NSEC_PER_MSEC) + 1 : 1,
				  &key)) {
		case TERM_KEY:
			if (key == 'q' || key == 'Q' || !key)
				return EXIT_OK;
			paused ^= key == ' ';
			break;
		case TERM_TIMEOUT:
		case TERM_REDRAW: break;
		}
	}
}

int top_run(struct args *a)
{
	struct top t = { .args = a, .why = STR_INIT };
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
