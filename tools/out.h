/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output and what its reader can show. */
#pragma once

#include <json-c/json.h>

#include "tools/view.h"

/* A view of stdout that writes to `out`: as wide as the terminal, coloured there unless NO_COLOR is
 * set (no-color.org) or TERM is "dumb"; not limited and plain when it is no terminal. */
void out_view(struct view *v, struct str *out);
/* Columns and rows of the terminal at fd; 80 by 24 when it does not say. */
void out_size(int fd, unsigned *columns, unsigned *rows);
/* Writes s and empties it. */
void out_flush(struct str *s);
/* The same JSON always gives the same text: one member a line, in the switch's order. */
void out_json(struct json_object *o);
/* Text as JSON: {"lines": [...]}. */
void out_json_lines(const char *text);
/* "shuntctl: text" to stderr, with what could play with the terminal replaced. */
void out_complain(const char *text);
