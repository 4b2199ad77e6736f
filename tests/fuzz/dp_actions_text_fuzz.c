/* SPDX-License-Identifier: Apache-2.0 */
/* Datapath actions.  Text that is accepted makes a sound list, whose print makes the same print;
 * and the same bytes, taken as a list, are refused or can be printed. */
#include <string.h>

#include "core/base/xalloc.h"
#include "core/packet/action.h"
#include "tests/fuzz/fuzz.h"

static void as_text(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct str s = STR_INIT, again = STR_INIT;

	if (!dp_actions_parse(text, &a, NULL)) {
		FUZZ_CHECK(!dp_actions_check(dp_actions_of(&a), NULL));
		dp_actions_format(dp_actions_of(&a), NULL, NULL, &s);
		FUZZ_CHECK(!dp_actions_parse(str_cstr(&s), &b, NULL));
		FUZZ_CHECK(b.len <= a.len); /* sets of other bits of one field become one */
		dp_actions_format(dp_actions_of(&b), NULL, NULL, &again);
		FUZZ_CHECK(!strcmp(str_cstr(&s), str_cstr(&again)));
	}
	buf_done(&a);
	buf_done(&b);
	str_done(&s);
	str_done(&again);
	free(text);
}

static void as_list(const uint8_t *data, size_t size)
{
	void *copy = xmemdup(data, size);
	struct dp_actions list = { copy, (uint32_t)size };
	struct str s = STR_INIT;

	if (!dp_actions_check(list, NULL))
		dp_actions_format(list, NULL, NULL, &s);
	str_done(&s);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size || size > 1 << 20)
		return 0;
	as_text(data, size);
	as_list(data, size);
	return 0;
}
