/* SPDX-License-Identifier: Apache-2.0 */
#include "offload/sim/profile.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/base/xalloc.h"
#include "offload/caps.h"
#include "tests/unit/seed.h"

static int parse(const char *text, struct sim_profile *p, struct error *err)
{
	error_clear(err);
	return profile_parse(text, strlen(text), "/some/where/nic.conf", p, err);
}

START_TEST(keys_are_read)
{
	struct error err = ERROR_INIT;
	struct sim_profile p;

	ck_assert_int_eq(parse("# a NIC\n"
			       "description = a NIC # with a comment\n"
			       "fields = eth_type, vlan_tci\n"
			       "fields_masked=nw_src\r\n"
			       "\tfields_prefix = nw_dst nw_dst\n"
			       "set_fields = nw_ttl nw_tos\n"
			       "actions = output set drop\n\n"
			       "inner_vlan = yes\n"
			       "table_size = 10\nmax_outputs = 1\nmax_actions = 2\n"
			       "insert_latency_us = 3\ncounter_lag_ms = 4\nbatch = 5",
			       &p, &err),
			 0);
	ck_assert_str_eq(p.name, "nic");
	ck_assert_str_eq(p.description, "a NIC");
	ck_assert(offload_caps_has(p.caps.fields, FIELD_ETH_TYPE));
	ck_assert(offload_caps_has(p.caps.fields, FIELD_VLAN_VID));
	ck_assert(offload_caps_has(p.caps.fields, FIELD_VLAN_PCP));
	ck_assert(offload_caps_has(p.caps.fields, FIELD_IPV4_SRC));
	ck_assert(offload_caps_has(p.caps.fields, FIELD_IN_PORT_OXM));
	ck_assert(offload_caps_has(p.caps.fields_masked, FIELD_IPV4_SRC));
	ck_assert(offload_caps_has(p.caps.fields_prefix, FIELD_IPV4_DST));
	ck_assert(!offload_caps_has(p.caps.fields_masked, FIELD_IPV4_DST));
	ck_assert(offload_caps_has(p.caps.fields_set, FIELD_IP_DSCP_SHIFTED));
	ck_assert(!offload_caps_has(p.caps.fields, FIELD_IP_TTL));
	ck_assert_uint_eq(p.caps.actions,
			  1u << DP_ACT_OUTPUT | 1u << DP_ACT_SET | 1u << DP_ACT_DROP);
	ck_assert(p.inner_vlan);
	ck_assert_uint_eq(p.caps.capacity, 10);
	ck_assert_uint_eq(p.caps.max_outputs, 1);
	ck_assert_uint_eq(p.caps.max_actions, 2);
	ck_assert_uint_eq(p.insert_latency_us, 3);
	ck_assert_uint_eq(p.caps.counter_lag_ms, 4);
	ck_assert_uint_eq(p.caps.max_batch, 5);
}
END_TEST

START_TEST(mistakes_are_told_with_file_and_line)
{
	static const struct {
		const char *text, *field, *cause;
	} cases[] = {
		{ "table_size = 1\n\nspeed = 5\n", "nic.conf:3", "unknown key" },
		{ "table_size\n", "nic.conf:1", "key = value" },
		{ "table_size = 0\n", "nic.conf:1", "number" },
		{ "table_size = -1\n", "nic.conf:1", "number" },
		{ "table_size = 99999999999999999999\n", "nic.conf:1", "number" },
		{ "table_size = 5x\n", "nic.conf:1", "number" },
		{ "table_size =\n", "nic.conf:1", "number" },
		{ "table_size = 1\nfields = nw_src nosuch\n", "nic.conf:2", "not a field" },
		{ "table_size = 1\nactions = jump\n", "nic.conf:2", "not an action" },
		{ "table_size = 1\nactions = ct\n", "nic.conf:2", "no sim NIC" },
		{ "table_size = 1\ninner_vlan = maybe\n", "nic.conf:2", "yes or no" },
		{ "", "nic.conf", "missing" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = ERROR_INIT;
		struct sim_profile p;

		ck_assert_int_eq(parse(cases[i].text, &p, &err), -EINVAL);
		ck_assert_str_eq(err.field, cases[i].field);
		ck_assert_msg(strstr(err.cause, cases[i].cause) != NULL, "%s", err.cause);
	}
}
END_TEST

START_TEST(shipped_profiles_load)
{
	static const struct {
		const char *name;
		uint64_t size;
	} cases[] = {
		{ "cx6dx", 4194304 }, { "e810", 16384 }, { "small2k", 2048 }, { "generic", 65536 }
	};
	const char *src = getenv("srcdir");
	char *dir = xasprintf("%s/offload/sim/profiles", src ? src : ".");

	ck_assert_int_eq(setenv("SHUNT_PROFILE_DIR", dir, 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = ERROR_INIT;
		struct sim_profile p;
		int rc = profile_load(cases[i].name, &p, &err);

		ck_assert_msg(!rc, "%s: %s: %s", cases[i].name, err.field, err.cause);
		ck_assert_str_eq(p.name, cases[i].name);
		ck_assert_uint_eq(p.caps.capacity, cases[i].size);
		ck_assert(p.caps.actions >> DP_ACT_OUTPUT & 1);
	}
	free(dir);
}
END_TEST

static void choose_fields(struct rng *r, uint64_t *set, uint64_t *beside)
{
	for (unsigned i = 0; i < FIELD_N_IDS; i++) {
		if (rng_below(r, 3))
			continue;
		caps_field_add(set, (enum field_id)i);
		if (beside)
			caps_field_add(beside, (enum field_id)i);
	}
}

static bool same_caps(const struct offload_caps *a, const struct offload_caps *b)
{
	return !memcmp(a->fields, b->fields, sizeof(a->fields)) &&
	       !memcmp(a->fields_masked, b->fields_masked, sizeof(a->fields_masked)) &&
	       !memcmp(a->fields_prefix, b->fields_prefix, sizeof(a->fields_prefix)) &&
	       !memcmp(a->fields_set, b->fields_set, sizeof(a->fields_set)) &&
	       a->actions == b->actions && a->max_outputs == b->max_outputs &&
	       a->max_actions == b->max_actions && a->capacity == b->capacity &&
	       a->max_batch == b->max_batch && a->counter_lag_ms == b->counter_lag_ms;
}

/* What a probe may find, said as a profile and read back, is the same. */
START_TEST(what_is_printed_is_read_back)
{
	struct rng r = rng_start("what_is_printed_is_read_back");

	for (unsigned round = 0; round < 200; round++) {
		struct sim_profile p = { .probed = round % 2, .inner_vlan = rng_below(&r, 2) }, q;
		struct error err = ERROR_INIT;
		struct str text = STR_INIT;

		(void)snprintf(p.description, sizeof(p.description), "NIC %u, as it was found",
			       round);
		(void)snprintf(p.ports, sizeof(p.ports), "%s", round % 3 ? "" : "eth0 eth1");
		choose_fields(&r, p.caps.fields, NULL);
		choose_fields(&r, p.caps.fields_masked, p.caps.fields);
		choose_fields(&r, p.caps.fields_prefix, p.caps.fields);
		choose_fields(&r, p.caps.fields_set, NULL);
		caps_field_add(p.caps.fields, FIELD_IN_PORT);
		if (!p.probed)
			caps_field_add(p.caps.fields, FIELD_RECIRC_ID);
		p.caps.actions = p.probed ? (uint32_t)rng_below(&r, 1u << DP_ACT_N_KINDS)
					  : 1u << DP_ACT_OUTPUT | 1u << DP_ACT_SET;
		p.caps.capacity = p.probed ? rng_below(&r, 3) * 1000 : 1 + rng_below(&r, 1000);
		p.caps.max_outputs = (uint32_t)rng_below(&r, 5);
		p.caps.max_actions = (uint32_t)rng_below(&r, 65536);
		p.caps.counter_lag_ms = (uint32_t)rng_below(&r, 1000);
		p.caps.max_batch = 1 + (uint32_t)rng_below(&r, 1024);
		p.insert_latency_us = (uint32_t)rng_below(&r, 100);
		profile_print(&p, &text);
		ck_assert_msg(!parse(str_cstr(&text), &q, &err), "%s: %s", err.field, err.cause);
		ck_assert_str_eq(p.description, q.description);
		ck_assert_str_eq(p.ports, q.ports);
		ck_assert(same_caps(&p.caps, &q.caps));
		ck_assert(p.probed == q.probed && p.inner_vlan == q.inner_vlan);
		ck_assert_uint_eq(p.insert_latency_us, q.insert_latency_us);
		str_done(&text);
	}
}
END_TEST

START_TEST(names_stay_in_the_directory)
{
	static const char *const names[] = { "",    "../x",
					     "a/b", "a.b",
					     "x y", "0123456789012345678901234567890123456789" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct error err = ERROR_INIT;
		struct sim_profile p;

		ck_assert_int_eq(profile_load(names[i], &p, &err), -EINVAL);
	}
	ck_assert_int_eq(setenv("SHUNT_PROFILE_DIR", "/nonexistent", 1), 0);
	struct error err = ERROR_INIT;
	struct sim_profile p;

	ck_assert_int_eq(profile_load("cx6dx", &p, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.cause, "/nonexistent"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim profiles");
	TCase *t = tcase_create("profile");
	SRunner *r;
	int failed;

	tcase_add_test(t, what_is_printed_is_read_back);
	tcase_add_test(t, keys_are_read);
	tcase_add_test(t, mistakes_are_told_with_file_and_line);
	tcase_add_test(t, shipped_profiles_load);
	tcase_add_test(t, names_stay_in_the_directory);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
