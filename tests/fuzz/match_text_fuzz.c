/* SPDX-License-Identifier: Apache-2.0 */
/* Match text of both styles.  What is accepted prints, and the print reads back as the same match.
 */
#include <string.h>

#include "core/base/xalloc.h"
#include "core/packet/match.h"
#include "tests/fuzz/fuzz.h"

static int take_all(void *aux, const char *key, const char *value, struct error *err)
{
	*(size_t *)aux += strlen(key) + (value ? strlen(value) : 0);
	return 0;
}

/* A mask of one fragment bit prints as the word for both. */
static bool prints_exactly(const struct match *m)
{
	uint8_t mask = m->mask.nw_frag, v = m->key.nw_frag;

	return !mask || (mask == 3 && v != 2) || (mask == 1 && v == 1) || (mask == 2 && !v);
}

static void openflow(const char *text)
{
	struct match m, back;
	struct str s = STR_INIT;
	size_t rest = 0;

	if (!match_parse(&m, text, take_all, &rest, NULL))
		FUZZ_CHECK(rest <= 2 * strlen(text));
	if (match_parse(&m, text, NULL, NULL, NULL))
		return;
	(void)match_normalize(&m);
	if (!match_check(&m, NULL)) {
		match_format(&m, NULL, NULL, &s);
		FUZZ_CHECK(!match_parse(&back, str_cstr(&s), NULL, NULL, NULL));
		FUZZ_CHECK(!prints_exactly(&m) || match_equal(&m, &back));
	}
	str_done(&s);
}

static void datapath(const char *text)
{
	struct flow_key key, mask, key2, mask2;
	struct str s = STR_INIT;

	if (match_parse_dp(&key, &mask, text, NULL))
		return;
	match_format_dp(&key, NULL, NULL, NULL, &s);
	str_clear(&s);
	match_format_dp(&key, &mask, NULL, NULL, &s);
	FUZZ_CHECK(!match_parse_dp(&key2, &mask2, str_cstr(&s), NULL));
	str_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);

	openflow(text);
	datapath(text);
	free(text);
	return 0;
}
