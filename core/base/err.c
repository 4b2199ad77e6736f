/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *field, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -code;
	if (err->code)
		return -err->code;
	err->code = code;
	(void)snprintf(err->field, sizeof(err->field), "%s", field ? field : "");
	va_start(ap, fmt);
	(void)vsnprintf(err->cause, sizeof(err->cause), fmt, ap);
	va_end(ap);
	return -code;
}

static const char *own_cause(const struct error *err)
{
	const char *text = err->cause[0] ? err->cause : strerrordesc_np(err->code);

	return text ? text : "unknown error";
}

int error_wrap(struct error *err, const char *fmt, ...)
{
	char old[sizeof(err->cause)];
	size_t len, room;
	va_list ap;

	if (!err)
		return -EIO;
	if (!err->code)
		err->code = EIO;
	(void)snprintf(old, sizeof(old), "%s", own_cause(err));
	va_start(ap, fmt);
	(void)vsnprintf(err->cause, sizeof(err->cause) - 2, fmt, ap);
	va_end(ap);
	len = strlen(err->cause);
	memcpy(err->cause + len, ": ", 2);
	room = sizeof(err->cause) - len - 3;
	room = MIN(room, strlen(old));
	memcpy(err->cause + len + 2, old, room);
	err->cause[len + 2 + room] = '\0';
	return -err->code;
}

const char *error_text(const struct error *err, char *buf, size_t size)
{
	if (!err || !err->code)
		return "no error";
	if (!err->field[0])
		return own_cause(err);
	(void)snprintf(buf, size, "%s: %s", err->field, own_cause(err));
	return buf;
}

void error_clear(struct error *err)
{
	if (err)
		*err = (struct error)ERROR_INIT;
}
