/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/xlate/notes.h"

void note(struct notes *n, unsigned depth, const char *fmt, ...)
{
	va_list ap;

	if (!n)
		return;
	for (unsigned i = 0; i < depth; i++)
		str_puts(&n->text, "    ");
	va_start(ap, fmt);
	str_vprintf(&n->text, fmt, ap);
	va_end(ap);
	str_putc(&n->text, '\n');
}
