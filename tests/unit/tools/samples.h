/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a switch, as the fuzzer's corpus keeps them: a letter that names the layout, then
 * JSON. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/layout.h"

static const struct sample {
	const char *name;
	layout_fn *fn; /* NULL: layout_top(), see sample_lay_out() */
} samples[] = {
	{ "show", layout_show }, { "status", layout_status }, { "flows", layout_flows },
	{ "why", layout_why },   { "caps", layout_caps },     { "audit", layout_audit },
	{ "top", NULL },         { "plan", layout_plan },     { "connections", layout_connections },
};

/* The caller puts it. */
static inline struct json_object *sample_load(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[512], text[65536];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/layout/%s", srcdir ? srcdir : ".",
		       name);
	f = fopen(path, "r");
	if (!f)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	return json_tokener_parse(text + 1);
}

static inline int sample_lay_out(const struct sample *s, struct view *v, struct json_object *o,
				 struct error *err)
{
	struct layout_frame f = {
		.now = json_object_object_get(o, "now"),
		.before = json_object_object_get(o, "before"),
		.seconds = 1,
		.only = LAYOUT_N_SECTIONS,
	};

	return s->fn ? s->fn(v, o, err) : layout_top(v, &f, err);
}
