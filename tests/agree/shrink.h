/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a case that fails as small as it goes: packets, lines, then words within lines are left out
 * while it still fails. */
#pragma once

#include "tests/agree/case.h"

/* Whether the case still shows what the first one showed; a case that tables refuse does not. */
typedef bool agree_fails_fn(void *aux, const struct agree_case *c);
/* Asks at most `tries` times. */
void agree_shrink(struct agree_case *c, agree_fails_fn *fails, void *aux, unsigned tries);
