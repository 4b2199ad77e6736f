/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/out.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool utf8_locale(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

void out_size(int fd, unsigned *columns, unsigned *rows)
{
	struct winsize ws;
	bool known = !ioctl(fd, TIOCGWINSZ, &ws);

	*columns = known && ws.ws_col ? ws.ws_col : 80;
	*rows = known && ws.ws_row ? ws.ws_row : 24;
}

void out_view(struct view *v, struct str *out)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	bool tty = isatty(STDOUT_FILENO);
	unsigned rows;

	*v = (struct view){ .out = out, .utf8 = utf8_locale() };
	if (!tty)
		return;
	out_size(STDOUT_FILENO, &v->width, &rows);
	v->colour = !(no_colour && *no_colour) && !(term && !strcmp(term, "dumb"));
}

void out_flush(struct str *s)
{
	(void)fwrite(str_cstr(s), 1, s->len, stdout); /* main() looks at ferror() at the end */
	(void)fflush(stdout);
	str_clear(s);
}

void out_json(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
}

void out_json_lines(const char *text)
{
	struct json_object *root = json_object_new_object(), *lines = json_object_new_array();

	while (*text) {
		size_t len = strcspn(text, "\n");

		json_object_array_add(lines, json_object_new_string_len(text, (int)len));
		text += len + (text[len] == '\n');
	}
	json_object_object_add(root, "lines", lines);
	out_json(root);
	json_object_put(root);
}

void out_complain(const char *text)
{
	struct view v = { .utf8 = utf8_locale() };
	struct str s = STR_INIT;

	view_clean(&v, &s, text);
	(void)fprintf(stderr, "shuntctl: %s\n", str_cstr(&s));
	str_done(&s);
}
