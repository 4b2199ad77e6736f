/* SPDX-License-Identifier: Apache-2.0 */
/* What an audit found, device by device, each finding with its evidence. */
#include <inttypes.h>
#include <string.h>

#include "tools/jread.h"
#include "tools/layout.h"
#include "tools/units.h"

static const char *const kinds[][2] = {
	{ "missing", "missing" },
	{ "orphaned", "that nobody owns" },
	{ "altered", "altered" },
	{ "mute", "whose counter stands still" },
	{ "ran_back", "whose counter ran back" },
};

/* Returns how many there are in all. */
static uint64_t counts(struct json_object *found, struct str *s, struct error *err)
{
	uint64_t all = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint64_t n = jread_u64(found, kinds[i][0], err);

		if (n)
			str_printf(s, "%s%" PRIu64 " %s", all ? ", " : "", n, kinds[i][1]);
		all += n;
	}
	return all;
}

static void show_findings(struct view *v, struct json_object *list, uint64_t all, struct error *err)
{
	size_t n = jread_len(list);

	for (size_t i = 0; i < n; i++) {
		struct json_object *x = jread_at(list, i, err);

		view_fieldf(v, jread_str(x, "finding", err), TONE_PLAIN, "%s: %s",
			    jread_str(x, "ufid", err), jread_str(x, "evidence", err));
	}
	if (all > n)
		view_fieldf(v, "", TONE_DIM, "and %" PRIu64 " more", all - n);
}

static void show_device(struct view *v, struct json_object *d, struct error *err)
{
	const char *result = jread_str(d, "result", err);
	uint64_t rules = jread_u64(d, "rules", err), ms = jread_u64(d, "took_ms", err), all;
	bool repair = jread_bool(d, "repair", err);
	struct str s = STR_INIT;

	view_puts(v, TONE_BOLD, jread_str(d, "device", err));
	view_nl(v);
	v->indent = 2;
	v->label_width = 10;
	all = counts(jread_obj(d, "found", err), &s, err);
	if (!strcmp(result, "hangs"))
		view_field(v, "result", TONE_BAD, "does not answer");
	else if (strcmp(result, "audited"))
		view_field(v, "result", TONE_WARN, "cannot tell what it holds");
	else
		view_fieldf(v, "result", all ? TONE_BAD : TONE_GOOD,
			    "%" PRIu64 " rule%s in %" PRIu64 " ms: %s%s", rules, units_s(rules), ms,
			    all ? str_cstr(&s) : "all as they should be",
			    !all     ? ""
			    : repair ? "; being put right"
				     : "; --repair puts them right");
	show_findings(v, jread_array(d, "findings", err), all, err);
	v->indent = 0;
	str_done(&s);
}

int layout_audit(struct view *v, struct json_object *answer, struct error *err)
{
	if (jread_is(answer, json_type_array, err) && !jread_len(answer))
		view_note(v, "there is no device");
	for (size_t i = 0; i < jread_len(answer); i++)
		show_device(v, jread_at(answer, i, err), err);
	return -err->code;
}
