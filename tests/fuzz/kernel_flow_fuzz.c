/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel's flow messages may hold: keys, masks and actions as attributes.  A key that is
 * read can be written, and what is then read is the same; an action list that is read is sound. */
#include <stdlib.h>
#include <string.h>

#include "core/base/xalloc.h"
#include "core/datapath/kernel/acts.h"
#include "core/datapath/kernel/key.h"
#include "tests/fuzz/fuzz.h"

static void as_key(const uint8_t *data, size_t size)
{
	struct flow_key key, again, mask, fit;
	struct buf b = BUF_INIT, c = BUF_INIT;

	if (kdp_key_get(data, size, &key))
		return;
	memset(&mask, 0, sizeof(mask));
	if (!kdp_key_fit(&key, &mask, &fit)) {
		kdp_key_put(&b, &key, &fit);
		FUZZ_CHECK(!kdp_key_get(b.data, b.len, &again));
		kdp_key_put(&c, &again, &fit);
		FUZZ_CHECK(b.len == c.len && !memcmp(b.data, c.data, b.len));
	}
	if (!kdp_key_get_mask(data, size, &key, &mask) && !kdp_key_fit(&key, &mask, &fit)) {
		buf_clear(&b);
		kdp_key_put_mask(&b, &key, &fit);
		FUZZ_CHECK(!kdp_key_get_mask(b.data, b.len, &key, &again));
	}
	buf_done(&b);
	buf_done(&c);
}

static void as_actions(const uint8_t *data, size_t size)
{
	struct kdp_acts_ctx ctx = { .dl_type = htons(0x0800), .pid = 1 };
	struct buf acts = BUF_INIT, b = BUF_INIT;

	if (!kdp_acts_get(data, size, &acts)) {
		FUZZ_CHECK(!dp_actions_check(dp_actions_of(&acts), NULL));
		(void)!kdp_acts_put(&b, dp_actions_of(&acts), &ctx); /* not all can be written */
	}
	buf_done(&acts);
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size > 1 << 16)
		return 0;
	copy = xmemdup(size ? data : (const uint8_t *)"", size ? size : 1); /* aligned */
	as_key(copy, size);
	as_actions(copy, size);
	free(copy);
	return 0;
}
