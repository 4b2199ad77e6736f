/* SPDX-License-Identifier: Apache-2.0 */
/* Flow and group text.  What was read and printed is read back, and printed, as the same. */
#include <string.h>

#include "ofproto/text/flow_text.h"
#include "tests/fuzz/fuzz.h"

#define MAX_TEXT 65536

static void flow(const char *text, int command)
{
	struct buf acts = BUF_INIT, acts2 = BUF_INIT;
	struct str once = STR_INIT, twice = STR_INIT;
	struct error err = ERROR_INIT;
	struct ofp_flow_mod fm, again;

	if (flow_mod_parse(text, command, NULL, &fm, &acts, &err)) {
		FUZZ_CHECK(err.code && err.cause[0]);
	} else if (command == OFPFC_ADD_) {
		flow_format(fm.table, fm.priority, &fm.match, fm.actions, NULL, &once);
		FUZZ_CHECK(!flow_mod_parse(str_cstr(&once), command, NULL, &again, &acts2, &err));
		flow_format(again.table, again.priority, &again.match, again.actions, NULL, &twice);
		FUZZ_CHECK(!strcmp(str_cstr(&once), str_cstr(&twice)));
		FUZZ_CHECK(match_equal(&fm.match, &again.match));
	}
	buf_done(&acts);
	buf_done(&acts2);
	str_done(&once);
	str_done(&twice);
}

static void group(const char *text)
{
	struct buf acts = BUF_INIT, buckets = BUF_INIT;
	struct error err = ERROR_INIT;
	struct str out = STR_INIT;
	struct ofp_group_mod gm;

	if (group_mod_parse(text, OFPGC_ADD_, NULL, &gm, &acts, &buckets, &err)) {
		FUZZ_CHECK(err.code && err.cause[0]);
	} else {
		group_format(&gm, NULL, &out);
		FUZZ_CHECK(out.len);
	}
	buf_done(&acts);
	buf_done(&buckets);
	str_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 1 || size > MAX_TEXT)
		return 0;
	text = malloc(size);
	FUZZ_CHECK(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] % 8 == 7)
		group(text);
	else
		flow(text, data[0] % 5);
	free(text);
	return 0;
}
