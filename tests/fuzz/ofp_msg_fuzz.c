/* SPDX-License-Identifier: Apache-2.0 */
/* OpenFlow messages: every decoder by version and type.  The length field is made to fit, so that
 * the fuzzer need not guess it. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/ofproto/wire/decode_all.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *msg;

	if (size < OFP_HEADER_LEN || size > OFP_MAX_LEN)
		return 0;
	msg = malloc(size);
	FUZZ_CHECK(msg != NULL);
	memcpy(msg, data, size);
	msg[2] = (uint8_t)(size >> 8);
	msg[3] = (uint8_t)size;
	decode_all(msg, size);
	free(msg);
	return 0;
}
