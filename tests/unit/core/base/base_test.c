/* SPDX-License-Identifier: Apache-2.0 */
/* Text, bytes, errors, clock and hash tables. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/hash.h"
#include "core/base/htable.h"
#include "core/base/str.h"
#include "core/base/xalloc.h"
#include "tests/unit/seed.h"

START_TEST(error_first_cause_wins)
{
	struct error e = ERROR_INIT;
	char buf[128];

	ck_assert_int_eq(error_set(&e, EINVAL, "tag", "%d is above 4095", 5000), -EINVAL);
	ck_assert_int_eq(error_set(&e, ENOENT, NULL, "later"), -EINVAL);
	ck_assert_int_eq(error_wrap(&e, "port %s", "p0"), -EINVAL);
	ck_assert_str_eq(error_text(&e, buf, sizeof(buf)), "tag: port p0: 5000 is above 4095");
	ck_assert_int_eq(error_set(NULL, ENOENT, NULL, "x"), -ENOENT);
	error_clear(&e);
	ck_assert_str_eq(error_text(&e, buf, sizeof(buf)), "no error");
	e.code = ENOENT;
	ck_assert_str_eq(error_text(&e, buf, sizeof(buf)), "No such file or directory");
}
END_TEST

START_TEST(error_wrap_truncates)
{
	struct error e = ERROR_INIT;

	(void)error_set(&e, EIO, NULL, "%0400d", 1);
	for (int i = 0; i < 5; i++)
		(void)error_wrap(&e, "%0100d", i);
	ck_assert_uint_eq(strlen(e.cause), sizeof(e.cause) - 1);
}
END_TEST

START_TEST(str_grows)
{
	struct str s = STR_INIT;
	char *text;

	ck_assert_str_eq(str_cstr(&s), "");
	for (int i = 0; i < 1000; i++)
		str_printf(&s, "%d,", i);
	str_chomp(&s, ",");
	ck_assert_uint_eq(s.len, 3889);
	ck_assert_uint_eq(strlen(s.s), s.len);
	str_clear(&s);
	str_puts(&s, "a");
	str_putc(&s, 'b');
	text = str_steal(&s);
	ck_assert_str_eq(text, "ab");
	free(text);
	text = str_steal(&s);
	ck_assert_str_eq(text, "");
	free(text);
	str_done(&s);
}
END_TEST

START_TEST(buf_and_cursor_round_trip)
{
	struct buf b = BUF_INIT;
	struct cursor c, sub;
	uint8_t *data;
	size_t len;

	buf_put_u8(&b, 1);
	buf_put_be16(&b, 0x0203);
	buf_put_be32(&b, 0x04050607);
	buf_put_be64(&b, 0x08090a0b0c0d0e0full);
	buf_pad(&b, 0, 8);
	ck_assert_uint_eq(b.len, 16);
	buf_set_be16(&b, 1, 0xaabb);
	buf_set_be32(&b, 3, 0xccddeeff);
	c = cursor_init(b.data, b.len);
	ck_assert_uint_eq(cursor_u8(&c), 1);
	sub = cursor_sub(&c, 6);
	ck_assert_uint_eq(cursor_be16(&sub), 0xaabb);
	ck_assert_uint_eq(cursor_be32(&sub), 0xccddeeff);
	ck_assert(!sub.bad);
	ck_assert_uint_eq(cursor_u8(&sub), 0);
	ck_assert(sub.bad && !c.bad);
	ck_assert_uint_eq(cursor_be64(&c), 0x08090a0b0c0d0e0full);
	ck_assert_uint_eq(cursor_be32(&c), 0);
	ck_assert(c.bad && cursor_left(&c) == 0);
	data = buf_steal(&b, &len);
	ck_assert_uint_eq(len, 16);
	ck_assert_ptr_null(b.data);
	free(data);
	buf_done(&b);
}
END_TEST

START_TEST(clock_warps_forward)
{
	uint64_t t = clock_mono_ns();

	clock_warp(10 * NSEC_PER_SEC);
	ck_assert_uint_ge(clock_mono_ns() - t, 10 * NSEC_PER_SEC);
	ck_assert_uint_gt(clock_wall_ns(), 1600000000ull * NSEC_PER_SEC);
}
END_TEST

struct item {
	struct hnode node;
	uint64_t key;
};

static struct item *find(struct htable *t, uint64_t key, uint64_t hash)
{
	struct item *it;

	HTABLE_FOR_EACH_WITH (it, struct item, node, hash, t)
		if (it->key == key)
			return it;
	return NULL;
}

/* Against an array of "is it in", with a hash poor enough to make long chains. */
START_TEST(htable_agrees_with_array)
{
	struct rng r = rng_start("htable");
	struct htable t = HTABLE_INIT;
	bool in[512] = { false };
	struct item *it;
	size_t n = 0;

	ck_assert_ptr_null(htable_first(&t));
	for (int i = 0; i < 20000; i++) {
		uint64_t key = rng_below(&r, ARRAY_SIZE(in)), hash = hash_u64(key / 3, 0);

		it = find(&t, key, hash);
		ck_assert(!!it == in[key]);
		if (it) {
			htable_remove(&t, &it->node);
			free(it);
		} else {
			it = xzalloc(sizeof(*it));
			it->key = key;
			htable_insert(&t, &it->node, hash);
		}
		in[key] = !in[key];
	}
	HTABLE_FOR_EACH (it, struct item, node, &t) {
		ck_assert(in[it->key]);
		n++;
		htable_remove(&t, &it->node);
		free(it);
	}
	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		n -= in[i];
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(t.n, 0);
	htable_done(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base");
	TCase *tc = tcase_create("base");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, error_first_cause_wins);
	tcase_add_test(tc, error_wrap_truncates);
	tcase_add_test(tc, str_grows);
	tcase_add_test(tc, buf_and_cursor_round_trip);
	tcase_add_test(tc, clock_warps_forward);
	tcase_add_test(tc, htable_agrees_with_array);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
