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
	TELLS("status", "WHY OUTSIDE HARDWARE", "hardware", "sim:cx6dx", "4.19M",
	      "an output port is not on the device", "move both ports to one NIC",
	      "the device cannot match this field");
	TELLS("status", "FAULT", "software counted 1234", "hit again at");
	TELLS("flows", "refused", "hardware", "ipv4(", "packets", "why ");
	TELLS("why", "History (UTC)", "software → queued", "installing → hardware",
	      "hardware → lost", "the device was reset and lost its rules", "what to do",
	      "next try", "was a fault");
	TELLS("caps", "exactly", "under any mask", "nw_src", "push_vlan", "4194304",
	      "1.0 s behind");
	TELLS("connections", "5 connections tracked, 3 in hardware (60.0%)", "and 2 in zones",
	      "in no NIC", "no rule with a ct action of its zone", "state=SYN_SENT");
	TELLS("audit", "sim:cx6dx", "2 rules in 3 ms", "1 altered", "--repair puts them right",
	      "placed as", "sim:x", "does not answer");
	TELLS("plan", "would carry", "of the packets now", "all that fits needs 4000", "such as",
	      "action ct", "br0", "1 line could not be read", "gizmo", "dump:25");
	TELLS("top", "SHARE NOW", "sim:tiny", "hardware", "b/s", "out_device", "WHY IN SOFTWARE",
	      "HW SHARE", "MOVES", "queued → refused", "UFID");
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
		{ layout_connections, "{\"datapaths\":[]}", "No datapath here tracks" },
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

/* --- the live view --- */

static const char *const live_before =
	"{\"at_ms\":1000,\"datapaths\":[{\"tiers\":["
	"{\"tier\":\"hardware\",\"flows\":1,\"packets\":1000,\"bytes\":100000},"
	"{\"tier\":\"user\",\"flows\":1,\"packets\":500,\"bytes\":50000}],"
	"\"devices\":[],\"kept_out\":[],\"ports\":[],\"latest_moves\":[],\"flows\":[],"
	"\"moves\":{\"installed\":10,\"tc\":0,\"removed\":3,\"lost\":0,\"refused\":0}}]}";
static const char *const live_now =
	"{\"at_ms\":3000,\"datapaths\":[{\"tiers\":["
	"{\"tier\":\"hardware\",\"flows\":7,\"packets\":1600,\"bytes\":160000},"
	"{\"tier\":\"user\",\"flows\":5,\"packets\":700,\"bytes\":75000}],"
	"\"devices\":[],\"kept_out\":[],\"ports\":[],\"latest_moves\":[],\"flows\":[],"
	"\"moves\":{\"installed\":110,\"tc\":0,\"removed\":3,\"lost\":6,\"refused\":0}}]}";

/* A line that has all these words in this order, with blanks between; the caller's line. */
static bool line_says(const char *text, const char *const words[], size_t n)
{
	char *copy = strdup(text), *save = NULL;
	bool found = false;

	for (char *l = strtok_r(copy, "\n", &save); l && !found; l = strtok_r(NULL, "\n", &save)) {
		const char *at = l;
		size_t i = 0;

		while (i < n && (at = strstr(at, words[i])))
			at += strlen(words[i++]);
		found = i == n;
	}
	free(copy);
	return found;
}

/* 600 and 200 packets in 2 s are 300/s and 100/s, 400/s together; bits likewise. */
START_TEST(live_rates_are_what_was_counted)
{
	static const char *const lines[][5] = {
		{ "hardware", " 7 ", " 300/s", " 240 kb/s", "75.0%" },
		{ "user", " 5 ", " 100/s", " 100 kb/s", "25.0%" },
		{ "total", " 12 ", " 400/s", " 340 kb/s", "2300" },
		{ "MOVES", "installed 50/s", "removed 0/s", "lost 3.0/s", "refused 0/s" },
	};
	struct error err = ERROR_INIT;
	struct layout_frame f = { .now = jread_parse(live_now, &err),
				  .before = jread_parse(live_before, &err),
				  .seconds = 2,
				  .only = LAYOUT_N_SECTIONS };
	struct str s = STR_INIT;
	struct view v = { .out = &s, .width = 80 };

	json_object_array_add(
		json_object_object_get(
			json_object_array_get_idx(json_object_object_get(f.now, "datapaths"), 0),
			"latest_moves"),
		jread_parse("{\"at\":\"2026-01-31T12:00:00.123Z\",\"move\":\"lost\","
			    "\"from\":\"hardware\",\"to\":\"lost\",\"reason\":\"reset\","
			    "\"why\":\"\",\"port\":\"p1\",\"ufid\":\"u\",\"match\":\"\"}",
			    &err));
	ck_assert_int_eq(layout_top(&v, &f, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		ck_assert_msg(line_says(str_cstr(&s), lines[i], 5), "no line of %s:\n%s",
			      lines[i][0], str_cstr(&s));
	json_object_put(f.now);
	json_object_put(f.before);
	str_done(&s);
}
END_TEST

/* However few rows there are, what is shown fits, and the flows are among it. */
START_TEST(live_view_fits_the_rows)
{
	struct json_object *o = sample_load("top");

	for (unsigned rows = 8; rows < 80; rows++) {
		struct layout_frame f = { .now = json_object_object_get(o, "now"),
					  .before = json_object_object_get(o, "before"),
					  .seconds = 1,
					  .rows = rows,
					  .only = LAYOUT_N_SECTIONS };
		struct str s = STR_INIT;
		struct view v = { .out = &s, .width = 80, .utf8 = true };
		struct error err = ERROR_INIT;
		unsigned n = 0;

		ck_assert_int_eq(layout_top(&v, &f, &err), 0);
		for (const char *c = str_cstr(&s); *c; c++)
			n += *c == '\n';
		ck_assert_msg(n <= rows, "%u lines in %u rows:\n%s", n, rows, str_cstr(&s));
		ck_assert_ptr_nonnull(strstr(str_cstr(&s), "STATE"));
		str_done(&s);
	}
	json_object_put(o);
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
	tcase_add_test(tc, live_rates_are_what_was_counted);
	tcase_add_test(tc, live_view_fits_the_rows);
	tcase_add_test(tc, damage_is_an_error_and_no_more);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
