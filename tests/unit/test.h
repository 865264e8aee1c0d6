/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmocka with what it needs before it, and one macro: a test's name is the promise it proves.
 *
 *	TEST(a_full_buffer_stays_full)
 *	{
 *		...
 *	}
 *	int main(void)
 *	{
 *		const struct CMUnitTest tests[] = { cmocka_unit_test(a_full_buffer_stays_full) };
 *		return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
 *	}
 *
 * CHECK_OK and CHECK_ERR want a `struct err e` in scope; a call that fails against expectation
 * shows its message. A failing check leaves the test by a jump: what is open then stays open.
 */
#ifndef LARDER_TEST_H
#define LARDER_TEST_H

/* cmocka.h wants these four before it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#define TEST(name) static void name(__attribute__((unused)) void **state)
#define CASE(name) cmocka_unit_test(name)
#define RUN(tests) cmocka_run_group_tests(tests, NULL, NULL)

#define CHECK(x)        assert_true(x)
#define CHECK_INT(a, b) assert_int_equal(a, b)
#define CHECK_STR(a, b) assert_string_equal(a, b)
#define CHECK_HAS(text, part)                                                                      \
	do {                                                                                       \
		if (!strstr(text, part))                                                           \
			fail_msg("'%s' does not hold '%s'", text, part);                           \
	} while (0)
#define CHECK_OK(call)                                                                             \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, e.msg);                                          \
	} while (0)
#define CHECK_ERR(call, wanted)                                                                    \
	do {                                                                                       \
		int got_ = (call);                                                                 \
		if (got_ != (wanted) || e.code != (wanted))                                        \
			fail_msg("%s: got %d '%s', not %s", #call, got_, e.msg, #wanted);          \
	} while (0)

#endif
