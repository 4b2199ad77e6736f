/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/server/limits.h"

#include "dbserver/engine/db.h"

struct dbserver_limits dbserver_limits_fill(const struct dbserver_limits *limits)
{
	static const struct dbserver_limits none;
	struct dbserver_limits l = limits ? *limits : none;
	const struct {
		size_t *value, def;
	} defaults[] = {
		{ &l.sessions, 1000 },
		{ &l.monitors, 128 },
		{ &l.pending, 256 },
		{ &l.locks, 64 },
		{ &l.backlog_bytes, (size_t)64 << 20 },
		{ &l.message_bytes, (size_t)64 << 20 },
		{ &l.rows, db_limits_default.rows },
		{ &l.db_bytes, db_limits_default.bytes },
		{ &l.operations, db_limits_default.operations },
	};

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		if (!*defaults[i].value)
			*defaults[i].value = defaults[i].def;
	return l;
}
