/* SPDX-License-Identifier: Apache-2.0 */
/* JSON-RPC framing.  The first byte says how the rest is cut into reads; whatever the cut, the
 * messages and the verdict are those of a single read. */
#include <json-c/json.h>
#include <string.h>

#include "core/base/str.h"
#include "core/io/rpc.h"
#include "tests/fuzz/fuzz.h"

static void note(struct str *out, struct json_object *value)
{
	struct rpc_msg msg;
	int rc = rpc_msg_parse(value, &msg, NULL);

	str_printf(out, "%d %s\n", rc ? -1 : (int)msg.kind,
		   json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
	json_object_put(value);
}

/* Ends with "bad\n" where the parser gave up. */
static void parse(const uint8_t *data, size_t size, size_t piece, struct str *out)
{
	const struct rpc_limits limits = { .depth = 20, .message_bytes = 4096, .values = 500 };
	struct rpc_parser *p = rpc_parser_new(&limits);
	size_t at = 0, used;
	int rc = 0;

	while (at < size && rc >= 0) {
		struct json_object *value = NULL;
		struct error err = ERROR_INIT;
		size_t n = piece < size - at ? piece : size - at;

		rc = rpc_parser_feed(p, data + at, n, &used, &value, &err);
		FUZZ_CHECK(used <= n);
		FUZZ_CHECK((rc > 0) == (value != NULL));
		FUZZ_CHECK((rc < 0) == (err.code != 0));
		if (rc > 0)
			note(out, value);
		else if (!rc)
			FUZZ_CHECK(used == n);
		at += used;
	}
	if (rc < 0)
		str_puts(out, "bad\n");
	rpc_parser_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str whole = STR_INIT, split = STR_INIT;

	if (!size)
		return 0;
	parse(data + 1, size - 1, size, &whole);
	parse(data + 1, size - 1, 1 + data[0] % 64, &split);
	FUZZ_CHECK(!strcmp(str_cstr(&whole), str_cstr(&split)));
	str_done(&whole);
	str_done(&split);
	return 0;
}
