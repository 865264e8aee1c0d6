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

#define TEST(name) static void name(__attribute__((unused)) void **state)

#endif
