/* SPDX-License-Identifier: Apache-2.0 */
/* Match fields and flower's attributes: a row for every field, or an explicit "cannot". */
#pragma once

#include "core/packet/field.h"

enum flower_how {
	FLOWER_UNSET,  /* a row that somebody forgot; a test finds it */
	FLOWER_BYTES,  /* value and mask as the field's bytes */
	FLOWER_HOST,   /* a number in the host's order */
	FLOWER_GROUP,  /* a header's fields that only make sense together: code of their own */
	FLOWER_WITH,   /* bits of the group that `with` leads */
	FLOWER_PLACE,  /* says where the rule stands */
	FLOWER_ABSENT, /* can be matched as zero only, which it is in all that comes from a port */
	FLOWER_NO,     /* flower has nothing for it */
};

struct flower_row {
	uint8_t how;          /* enum flower_how */
	uint16_t value, mask; /* TCA_FLOWER_KEY_*; mask 0: none */
	uint16_t with;        /* enum field_id */
};

extern const struct flower_row flower_keymap[FIELD_N_IDS];

/* Packets' Ethertypes that the kernel's dissector looks through, so that a rule for them would
 * never be hit: the payload's type takes their place. */
bool flower_type_is_opaque(be16 dl_type);
