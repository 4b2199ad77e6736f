/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts of a switch's answers: what they must tell, that they fit, and that damaged answers are
 * errors. */
#include <check.h>
#include <errno.h>
#include <locale.h>

#include "tests/unit/seed.h"
#include "tests/unit/tools/samples.h"
#include "tools/jread.h"

/* The text of a sample at a width; the caller frees it. */
static char *text_of(const char *name, unsigned width)
{
	struct str s = STR_INIT;
	struct view v = { .out = &s, .width = width, .utf8 = true };
	struct json_object *o = sample_load(name);
	struct error err = ERROR_INIT;

	ck_assert_msg(o != NULL, "no sample %s", name);
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		if (!strcmp(samples[i].name, name))
			ck_assert_msg(!sample_lay_out(&samples[i], &v, o, &err), "%s: %s: %s", name,
				      err.field, err.cause);
	json_object_put(o);
	return str_steal(&s);
}

static void tells(const char *name, const char *const what[], size_t n)
{
	char *text = text_of(name, 0);

	for (size_t i = 0; i < n; i++)
		ck_assert_msg(strstr(text, what[i]) != NULL, "%s does not tell \"%s\":\n%s", name,
			      what[i], text);
	free(text);
}

#define TELLS(NAME, ...)                                                                           \
	do {                                                                                       \
		static const char *const what[] = { __VA_ARGS__ };                                 \
		tells(NAME, what, ARRAY_SIZE(what));                                               \
	} while (0)

START_TEST(each_tells_what_matters)
{
	TELLS("show", "br0", "ctlva", "LOCAL", "netdev",
	      "nosuch: could not open network device nosuch (No such device)", "note",
	      "ctlvb: no offload: no profile");
	TELLS("status", "hardware", "sim:cx6dx", "4.19M", "an output port is not on the device",
	      "move both ports to one NIC", "the device cannot match this field");
	TELLS("flows", "refused", "hardware", "ipv4(", "packets", "why ");
	TELLS("why", "History (UTC)", "software → queued", "installing → hardware",
	      "hardware → lost", "the device was reset and lost its rules", "what to do",
	      "next try");
	TELLS("caps", "exactly", "under any mask", "nw_src", "push_vlan", "4194304",
	      "1.0 s behind");
	TELLS("top", "SHARE NOW", "sim:cx6dx", "hardware", "b/s", "out_device");
}
END_TEST

START_TEST(each_fits_the_terminal)
{
	static const unsigned widths[] = { 80, 100, 120, 200 };

	for (size_t i = 0; i < ARRAY_SIZE(samples) * ARRAY_SIZE(widths); i++) {
		unsigned width = widths[i / ARRAY_SIZE(samples)];
		const char *name = samples[i % ARRAY_SIZE(samples)].name;
		char *text = text_of(name, width), *save = NULL;

		for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
			ck_assert_msg(view_columns(l) <= width, "%s at %u: %s", name, width, l);
		free(text);
	}
}
END_TEST

START_TEST(no_bridge_no_flow)
{
	static const struct {
		layout_fn *fn;
		const char *json, *tells;
	} cases[] = {
		{ layout_show, "{\"version\":\"1\",\"bridges\":[]}", "add-br" },
		{ layout_status, "{\"datapaths\":[]}", "no datapath" },
		{ layout_flows, "[]", "0 flows" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct str s = STR_INIT;
		struct view v = { .out = &s };
		struct error err = ERROR_INIT;
		struct json_object *o = jread_parse(cases[i].json, &err);

		ck_assert_int_eq(cases[i].fn(&v, o, &err), 0);
		ck_assert_ptr_nonnull(strstr(str_cstr(&s), cases[i].tells));
		json_object_put(o);
		str_done(&s);
	}
}
END_TEST

/* --- damage --- */

static struct json_object *odd_value(struct rng *r)
{
	switch (rng_below(r, 8)) {
	case 0: return NULL;
	case 1: return json_object_new_int64(-1);
	case 2: return json_object_new_uint64(UINT64_MAX);
	case 3: return json_object_new_double(1e300);
	case 4: return json_object_new_string("\033[2J\n\xff");
	case 5: return json_object_new_boolean(true);
	case 6: return json_object_new_array();
	default: return json_object_new_object();
	}
}

static void damage(struct json_object *o, struct rng *r);

static void damage_member(struct json_object *o, struct rng *r)
{
	uint64_t k = rng_below(r, (uint64_t)json_object_object_length(o));
	char key[64] = "";

	json_object_object_foreach(o, name, value)
	{
		if (k--)
			continue;
		if (rng_below(r, 3)) {
			damage(value, r);
			return;
		}
		(void)snprintf(key, sizeof(key), "%s", name);
		break;
	}
	if (rng_below(r, 2))
		json_object_object_del(o, key);
	else
		json_object_object_add(o, key, odd_value(r));
}

/* Somewhere in it a member goes, or becomes something else. */
static void damage(struct json_object *o, struct rng *r)
{
	size_t n = jread_len(o);

	if (n && rng_below(r, 8))
		damage(json_object_array_get_idx(o, rng_below(r, n)), r);
	else if (n)
		json_object_array_put_idx(o, rng_below(r, n), odd_value(r));
	else if (json_object_is_type(o, json_type_object) && json_object_object_length(o))
		damage_member(o, r);
}

START_TEST(damage_is_an_error_and_no_more)
{
	struct rng r = rng_start("damage_is_an_error_and_no_more");
	unsigned errors = 0;

	for (unsigned round = 0; round < 3000; round++) {
		const struct sample *sample = &samples[round % ARRAY_SIZE(samples)];
		struct str s = STR_INIT;
		struct view v = { .out = &s, .width = 80, .utf8 = true };
		struct json_object *o = sample_load(sample->name);
		struct error err = ERROR_INIT;
		int rc;

		for (unsigned k = 0; k < 1 + round % 4; k++)
			damage(o, &r);
		rc = sample_lay_out(sample, &v, o, &err);
		ck_assert_int_eq(rc, -err.code);
		ck_assert(!rc || rc == -EPROTO);
		ck_assert_ptr_null(strchr(str_cstr(&s), '\033'));
		errors += rc != 0;
		json_object_put(o);
		str_done(&s);
	}
	ck_assert_uint_gt(errors, 1000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools/layout");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, each_tells_what_matters);
	tcase_add_test(tc, each_fits_the_terminal);
	tcase_add_test(tc, no_bridge_no_flow);
	tcase_add_test(tc, damage_is_an_error_and_no_more);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
