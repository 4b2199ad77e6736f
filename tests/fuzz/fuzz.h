/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz target is: NAME_fuzz.c with LLVMFuzzerTestOneInput(), seeds below corpus/NAME/.
 *
 * With --enable-fuzzers it becomes a libFuzzer program; otherwise the same code is linked with
 * replay_main.c, and `make check` runs it over the corpus.  An input that once made trouble is
 * added to the corpus and never makes it again. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Returns 0; finds trouble by crashing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(CONDITION)                                                                      \
	do {                                                                                       \
		if (!(CONDITION)) {                                                                \
			(void)fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__,     \
				      #CONDITION);                                                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)
