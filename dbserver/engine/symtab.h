/* SPDX-License-Identifier: Apache-2.0 */
/* The names that a transaction gives to rows it inserts (RFC 7047 sections 5.1, <named-uuid>, and
 * 5.2.1).  A name may be used before the insert that makes it; it must be made by the end. */
#pragma once

#include "core/base/htable.h"
#include "dbserver/data/atom.h"

struct symtab {
	struct htable names;    /* struct symbol.node */
	struct symbols symbols; /* resolves through this table */
};

void symtab_init(struct symtab *t); /* stays in place until symtab_done() */
void symtab_done(struct symtab *t);
/* The UUID of the row that an insert calls `name`: `want` when it is not NULL, else one that was
 * given to earlier uses, else a new one.  -DBE_DUPLICATE_NAME for a name that was made before. */
int symtab_make(struct symtab *t, const char *name, const struct uuid *want, struct uuid *ret,
		struct error *err) MUST_CHECK;
/* -DBE_SYNTAX when a name was used that no insert made. */
int symtab_check(const struct symtab *t, struct error *err) MUST_CHECK;
