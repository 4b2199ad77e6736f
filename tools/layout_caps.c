/* SPDX-License-Identifier: Apache-2.0 */
/* What a device can match, rewrite and do. */
#include <inttypes.h>
#include <string.h>

#include "tools/jread.h"
#include "tools/layout.h"
#include "tools/units.h"

static void names(struct view *v, const char *label, struct json_object *list, struct error *err)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < jread_len(list); i++)
		str_printf(&s, "%s%s", i ? ", " : "", jread_str_at(list, i, err));
	view_field(v, label, s.len ? TONE_PLAIN : TONE_DIM, s.len ? str_cstr(&s) : "nothing");
	str_done(&s);
}

static void show_matches(struct view *v, struct json_object *fields, struct error *err)
{
	static const char *const kinds[][2] = {
		{ "exact", "exactly" },
		{ "prefix", "by prefix" },
		{ "masked", "under any mask" },
	};
	bool any = false;

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct str s = STR_INIT;

		for (size_t i = 0; i < jread_len(fields); i++) {
			struct json_object *f = jread_at(fields, i, err);

			if (!strcmp(jread_str(f, "match", err), kinds[k][0]))
				str_printf(&s, "%s%s", s.len ? ", " : "",
					   jread_str(f, "field", err));
		}
		if (s.len)
			view_field(v, kinds[k][1], TONE_PLAIN, str_cstr(&s));
		any |= s.len > 0;
		str_done(&s);
	}
	if (!any)
		view_field(v, "nothing", TONE_DIM, "");
}

static void heading(struct view *v, const char *text)
{
	view_nl(v);
	view_puts(v, TONE_BOLD, text);
	view_nl(v);
}

/* 0 is no limit. */
static void limit(struct view *v, const char *label, uint64_t n, const char *none)
{
	if (n)
		view_fieldf(v, label, TONE_PLAIN, "%" PRIu64, n);
	else
		view_field(v, label, TONE_PLAIN, none);
}

int layout_caps(struct view *v, struct json_object *answer, struct error *err)
{
	uint64_t lag = jread_u64(answer, "counter_lag_ms", err);

	view_puts(v, TONE_PLAIN, "Device ");
	view_puts(v, TONE_BOLD, jread_str(answer, "name", err));
	view_printf(v, TONE_DIM, "  provider %s, capabilities of generation %s",
		    jread_str(answer, "provider", err),
		    units_count(jread_u64(answer, "generation", err)).s);
	view_nl(v);
	v->indent = 2;
	v->label_width = 19;
	heading(v, "Matches");
	show_matches(v, jread_array(answer, "fields", err), err);
	heading(v, "Does");
	names(v, "rewrites", jread_array(answer, "set_fields", err), err);
	names(v, "actions", jread_array(answer, "actions", err), err);
	heading(v, "Limits");
	limit(v, "entries", jread_u64(answer, "capacity", err), "not known");
	limit(v, "outputs of a rule", jread_u64(answer, "max_outputs", err), "no limit");
	limit(v, "actions of a rule", jread_u64(answer, "max_actions", err), "no limit");
	if (lag)
		view_fieldf(v, "counters", TONE_PLAIN, "up to %s behind", units_ms(lag).s);
	else
		view_field(v, "counters", TONE_PLAIN, "current");
	if (jread_has(answer, "software") && jread_bool(answer, "software", err))
		view_field(v, "what it refuses", TONE_PLAIN,
			   "runs in the provider's software (tc)");
	return -err->code;
}
