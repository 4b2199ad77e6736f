/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/xalloc.h"
#include "offload/plan/plan.h"
#include "tools/args.h"
#include "tools/jread.h"
#include "tools/out.h"
#include "tools/peer.h"

#define CHUNK 65536
#define FILE_MAX ((size_t)4 << 30)

static int complain(const struct error *err, int status)
{
	char text[400];

	out_complain(error_text(err, text, sizeof(text)));
	return status;
}

/* --- files --- */

static int read_all(FILE *f, struct str *out, const char *name, struct error *err)
{
	char *chunk = xmalloc(CHUNK);
	size_t n;
	int rc = 0;

	while (!rc && (n = fread(chunk, 1, CHUNK, f)) > 0) {
		str_put(out, chunk, n);
		if (out->len > FILE_MAX)
			rc = error_set(err, EFBIG, name, "it is too long");
	}
	if (!rc && ferror(f))
		rc = error_set(err, EIO, name, "it cannot be read");
	free(chunk);
	return rc;
}

static int read_file(struct plan *p, const char *name, struct error *err)
{
	bool standard = !strcmp(name, "-");
	FILE *f = standard ? stdin : fopen(name, "re");
	struct str text = STR_INIT;
	int rc;

	if (!f)
		return error_set(err, errno, name, "%s", strerrordesc_np(errno));
	rc = read_all(f, &text, name, err);
	if (!standard)
		(void)fclose(f);
	if (!rc)
		rc = plan_read(p, standard ? "input" : name, str_cstr(&text), text.len, err);
	str_done(&text);
	return rc;
}

static int from_files(const struct args *a, struct plan *p)
{
	struct error err = ERROR_INIT;
	int rc = 0;

	if (a->flows)
		rc = read_file(p, a->flows, &err);
	for (int i = 0; !rc && i < a->argc; i++)
		rc = read_file(p, a->argv[i], &err);
	return rc ? complain(&err, EXIT_SWITCH) : EXIT_OK;
}

/* --- a switch --- */

static int ask(const struct args *a, struct plan *p)
{
	static const char *const more[] = { "-m" };
	struct error err = ERROR_INIT;
	struct str why = STR_INIT;
	char *text = NULL;
	int rc = peer_call(a, a->command->method, 1, more, &text, &why);

	if (rc)
		out_complain(str_cstr(&why));
	else if (plan_read(p, a->target, text, strlen(text), &err))
		rc = complain(&err, EXIT_SWITCH);
	free(text);
	str_done(&why);
	return rc;
}

static void wait_s(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * (double)NSEC_PER_SEC);
	while (nanosleep(&t, &t) && errno == EINTR)
		continue;
}

static int from_switch(const struct args *a, struct plan *p)
{
	uint64_t begin = clock_mono_ns();
	int rc = ask(a, p);

	if (rc)
		return rc;
	wait_s(a->seconds);
	plan_again(p, (double)(clock_mono_ns() - begin) / (double)NSEC_PER_SEC);
	return ask(a, p);
}

/* --- the answer --- */

static int print_plan(const struct args *a, struct plan *p)
{
	struct json_object *o = plan_report(p);
	struct error err = ERROR_INIT;
	struct str s = STR_INIT;
	struct view v;

	out_view(&v, &s);
	if (a->json)
		out_json(o);
	else if (!a->command->layout(&v, o, &err))
		out_flush(&s);
	str_done(&s);
	json_object_put(o);
	return err.code ? complain(&err, EXIT_SWITCH) : EXIT_OK;
}

/* What is missing or too much; NULL: nothing. */
static const char *wrong(const struct args *a)
{
	if (!a->profile && !a->device)
		return "which NIC?  Say --profile=NIC (cx6dx, e810, generic, small2k, or another "
		       "profile) or --device=DEVICE, one that the switch has";
	if (a->profile && a->device)
		return "the NIC is a profile or one that the switch has (--device), not both";
	if (a->live && (a->flows || a->argc))
		return "flows come from files or from the switch (--live), not from both";
	if (!a->live && !a->flows && !a->argc)
		return "which flows?  Say --live, or name a file with what dpctl/dump-flows -m "
		       "printed";
	return NULL;
}

/* By what the switch found its device to be. */
static struct plan *ask_device(const struct args *a)
{
	struct error err = ERROR_INIT;
	struct str why = STR_INIT;
	struct sim_profile sp;
	struct plan *p = NULL;
	char *text = NULL;

	if (peer_call(a, "offload/profile", 1, &a->device, &text, &why))
		out_complain(str_cstr(&why));
	else if (profile_parse(text, strlen(text), a->device, &sp, &err))
		(void)complain(&err, EXIT_SWITCH);
	else
		p = plan_new(&sp, a->ports ? a->ports : sp.ports);
	free(text);
	str_done(&why);
	return p;
}

int plan_run(struct args *a)
{
	struct error err = ERROR_INIT;
	const char *text = wrong(a);
	struct plan *p;
	int rc;

	if (text) {
		out_complain(text);
		return EXIT_USAGE;
	}
	p = a->device ? ask_device(a) : plan_new_named(a->profile, a->ports, &err);
	if (!p)
		return a->device ? EXIT_SWITCH : complain(&err, EXIT_USAGE);
	rc = a->live ? from_switch(a, p) : from_files(a, p);
	if (!rc)
		rc = print_plan(a, p);
	plan_free(p);
	return rc;
}
