/* SPDX-License-Identifier: Apache-2.0 */
/* Dumps of flows: any text is read, line by line, into flows that can be judged and told, or
 * refused with a cause; no line is lost. */
#include <string.h>

#include "offload/plan/plan_priv.h"
#include "tests/fuzz/fuzz.h"

static void each_line(struct plan *p, char *text)
{
	struct dump_flow f;
	char *line;

	dump_flow_init(&f);
	while ((line = strsep(&text, "\n"))) {
		struct error err = ERROR_INIT;
		int rc = dump_read(&p->reader, line, &f, &err);

		FUZZ_CHECK(rc >= 0 || err.cause[0]);
		FUZZ_CHECK(rc <= 0 || f.foreign.reason != OFFLOAD_OK ||
			   !dp_actions_check(dp_actions_of(&f.actions), &err));
	}
	dump_flow_done(&f);
}

static void whole(struct plan *p, const char *text, size_t len)
{
	struct error err = ERROR_INIT;
	struct json_object *o;

	FUZZ_CHECK(!plan_read(p, "first", text, len, &err));
	plan_again(p, 1);
	FUZZ_CHECK(!plan_read(p, "second", text, len, &err));
	o = plan_report(p);
	FUZZ_CHECK(json_object_object_get(o, "total"));
	json_object_put(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char profile[] = "fields = eth_type ip_proto ip_frag vlan_vid\n"
				      "fields_masked = eth_src eth_dst ip_src ip_dst tcp_dst\n"
				      "actions = output push_vlan clone drop\ntable_size = 3\n";
	struct sim_profile sp;
	struct plan *p;
	char *copy;

	if (size > 1 << 16 || profile_parse(profile, sizeof(profile) - 1, "fuzz.conf", &sp, NULL))
		return 0;
	p = plan_new(&sp, NULL);
	copy = strndup((const char *)data, size);
	each_line(p, copy);
	free(copy);
	whole(p, (const char *)data, size);
	plan_free(p);
	return 0;
}
