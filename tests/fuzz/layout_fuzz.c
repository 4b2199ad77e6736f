/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a switch, laid out for a person.  The first byte names the layout, the rest is JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "tests/fuzz/fuzz.h"
#include "tools/jread.h"
#include "tools/layout.h"

static int top(struct view *v, struct json_object *o, struct error *err)
{
	struct layout_frame f = {
		.now = json_object_object_get(o, "now"),
		.before = json_object_object_get(o, "before"),
		.seconds = 0.1,
		.rows = v->width ? 24 : 0,
		.only = LAYOUT_N_SECTIONS,
	};

	return layout_top(v, &f, err);
}

static const struct {
	char letter;
	layout_fn *fn;
} layouts[] = {
	{ 's', layout_show },  { 't', layout_status }, { 'f', layout_flows },
	{ 'w', layout_why },   { 'c', layout_caps },   { 'p', top },
	{ 'a', layout_audit }, { 'n', layout_plan },   { 'k', layout_connections },
};

static void lay_out(layout_fn *fn, struct json_object *o, unsigned width)
{
	struct str s = STR_INIT;
	struct view v = { .out = &s, .width = width, .utf8 = width != 0 };
	struct error err = ERROR_INIT;

	FUZZ_CHECK(fn(&v, o, &err) == -err.code);
	for (size_t i = 0; i < s.len; i++)
		FUZZ_CHECK((unsigned char)s.s[i] >= ' ' || s.s[i] == '\n');
	str_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct json_object *o;
	char *text;

	if (!size)
		return 0;
	text = xstrndup((const char *)data + 1, size - 1);
	o = jread_parse(text, &err);
	FUZZ_CHECK(!o == !!err.code);
	for (size_t i = 0; o && i < ARRAY_SIZE(layouts); i++)
		if (layouts[i].letter == data[0]) {
			lay_out(layouts[i].fn, o, 0);
			lay_out(layouts[i].fn, o, 80);
		}
	json_object_put(o);
	free(text);
	return 0;
}
