/* SPDX-License-Identifier: Apache-2.0 */
/* Words of action text that stand for a number or a flag: one table each, for both directions. */
#pragma once

#include "core/packet/action.h"

struct action_word {
	const char *name; /* NULL at the end */
	unsigned value;
};

extern const struct action_word ct_flag_words[];
extern const struct action_word nat_flag_words[];
extern const struct action_word upcall_words[]; /* enum upcall_kind */
extern const struct action_word hash_words[];   /* enum dp_hash_alg */
