/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-range.h"

#include "test.h"

TEST(single_ranges_give_their_bytes)
{
	static const struct {
		const char *header;
		int64_t first, length;
	} cases[] = {
		{ "bytes=0-0", 0, 1 },
		{ "bytes=0-99", 0, 100 },
		{ "bytes=10-", 10, 90 },
		{ "bytes=-1", 99, 1 },
		{ "bytes=-500", 0, 100 },
		{ "bytes=99-", 99, 1 },
		{ "bytes=5-1000", 5, 95 },
		{ "Bytes= 5-9 ", 5, 5 },
		{ "bytes=0-99999999999999999999999", 0, 100 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t first = -1, length = -1;

		assert_int_equal(http_range_parse(cases[i].header, 100, &first, &length),
				 HTTP_RANGE_PART);
		assert_int_equal(first, cases[i].first);
		assert_int_equal(length, cases[i].length);
	}
}

TEST(all_else_gives_the_whole)
{
	static const char *const headers[] = {
		NULL,        "",          "bytes",         "bytes=",     "bytes=-",
		"bytes=a-b", "bytes=9-5", "bytes=0-1,3-4", "items=0-1",  "bytes=1",
		"bytes 0-1", "bytes=--5", "bytes=0-1x",    "bytes=+1-2",
	};

	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		int64_t first = -1, length = -1;

		assert_int_equal(http_range_parse(headers[i], 100, &first, &length),
				 HTTP_RANGE_WHOLE);
		assert_int_equal(first, 0);
		assert_int_equal(length, 100);
	}
}

TEST(ranges_past_the_end_cannot_be_satisfied)
{
	int64_t first, length;

	assert_int_equal(http_range_parse("bytes=100-", 100, &first, &length),
			 HTTP_RANGE_UNSATISFIABLE);
	assert_int_equal(http_range_parse("bytes=-0", 100, &first, &length),
			 HTTP_RANGE_UNSATISFIABLE);
	assert_int_equal(http_range_parse("bytes=0-", 0, &first, &length),
			 HTTP_RANGE_UNSATISFIABLE);
	assert_int_equal(http_range_parse("bytes=-5", 0, &first, &length),
			 HTTP_RANGE_UNSATISFIABLE);
	assert_int_equal(
		http_range_parse("bytes=99999999999999999999-", INT64_MAX, &first, &length),
		HTTP_RANGE_UNSATISFIABLE);
}

TEST(content_ranges_are_read)
{
	struct http_content_range r = { 0 };

	assert_true(http_content_range_parse("bytes 5-9/100", &r));
	assert_true(r.first == 5 && r.last == 9 && r.total == 100);
	assert_true(http_content_range_parse("bytes 0-0/*", &r));
	assert_true(r.first == 0 && r.last == 0 && r.total == -1);
	assert_true(http_content_range_parse("bytes */7", &r));
	assert_true(r.first == -1 && r.last == -1 && r.total == 7);
}

TEST(content_ranges_that_contradict_themselves_are_refused)
{
	static const char *const bad[] = {
		"",          "bytes",       "bytes 9-5/10", "bytes 5-9/9", "bytes 5-9",
		"bytes 5/9", "items 0-1/2", "bytes 0-1/2x", "bytes -1/2",  "bytes 0-/2"
	};
	struct http_content_range r = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(http_content_range_parse(bad[i], &r));
}

TEST(etag_lists_match_strongly_or_weakly)
{
	assert_true(http_etag_matches("\"a\"", "\"a\"", false));
	assert_true(http_etag_matches("\"x\", \"a,b\" , \"a\"", "\"a\"", false));
	assert_true(http_etag_matches("\"a,b\"", "\"a,b\"", false));
	assert_true(http_etag_matches("*", "\"a\"", false));
	assert_true(http_etag_matches("W/\"a\"", "\"a\"", true));
	assert_false(http_etag_matches("W/\"a\"", "\"a\"", false));
	assert_false(http_etag_matches("\"ab\"", "\"a\"", true));
	assert_false(http_etag_matches("a", "\"a\"", true));
	assert_false(http_etag_matches("", "\"a\"", true));
	assert_false(http_etag_matches("\"x\" \"a\"", "\"a\"", true));
}

TEST(http_dates_have_one_form)
{
	int64_t ms = 0;

	assert_true(http_date_parse("Sun, 06 Nov 1994 08:49:37 GMT", &ms));
	assert_int_equal(ms, 784111777000);
	assert_false(http_date_parse("Sunday, 06-Nov-94 08:49:37 GMT", &ms));
	assert_false(http_date_parse("Sun, 06 Nov 1994 08:49:37 GMT x", &ms));
	assert_false(http_date_parse("120", &ms));
}

#define OLD "Sun, 06 Nov 1994 08:49:36 GMT"
#define NOW "Sun, 06 Nov 1994 08:49:37 GMT"

TEST(preconditions_are_weighed_in_the_order_of_the_rfc)
{
	static const struct http_representation rep = { "\"a\"", 784111777500, 100 };
	static const struct {
		struct http_conditions c;
		int status;
	} cases[] = {
		{ { .is_read = true }, 200 },
		{ { .is_read = true, .if_match = "\"a\"" }, 200 },
		{ { .is_read = true, .if_match = "\"b\"" }, 412 },
		{ { .is_read = true, .if_match = "W/\"a\"" }, 412 },
		{ { .is_read = true, .if_match = "\"b\"", .if_none_match = "\"a\"" }, 412 },
		{ { .is_read = true, .if_none_match = "W/\"a\"" }, 304 },
		{ { .is_read = false, .if_none_match = "*" }, 412 },
		{ { .is_read = true, .if_none_match = "\"b\"", .if_modified_since = NOW }, 200 },
		{ { .is_read = true, .if_modified_since = NOW }, 304 },
		{ { .is_read = true, .if_modified_since = OLD }, 200 },
		{ { .is_read = true, .if_modified_since = "nonsense" }, 200 },
		{ { .is_read = true, .if_unmodified_since = OLD }, 412 },
		{ { .is_read = true, .if_unmodified_since = NOW }, 200 },
		{ { .is_read = true, .if_match = "\"a\"", .if_unmodified_since = OLD }, 200 },
		{ { .is_read = true, .range = "bytes=1-2" }, 206 },
		{ { .is_read = true, .range = "bytes=200-" }, 416 },
		{ { .is_read = false, .range = "bytes=1-2" }, 200 },
		{ { .is_read = true, .range = "bytes=1-2", .if_range = "\"a\"" }, 206 },
		{ { .is_read = true, .range = "bytes=1-2", .if_range = "\"b\"" }, 200 },
		{ { .is_read = true, .range = "bytes=200-", .if_range = "\"b\"" }, 200 },
		{ { .is_read = true, .range = "bytes=1-2", .if_range = "W/\"a\"" }, 200 },
		{ { .is_read = true, .range = "bytes=1-2", .if_range = NOW }, 206 },
		{ { .is_read = true, .range = "bytes=1-2", .if_range = OLD }, 200 },
		{ { .is_read = true, .range = "bytes=1-2", .if_none_match = "\"a\"" }, 304 },
	};
	int64_t first, length;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int got = http_conditions_decide(&cases[i].c, &rep, &first, &length);

		if (got != cases[i].status)
			fail_msg("case %zu: %d instead of %d", i, got, cases[i].status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_ranges_give_their_bytes),
		cmocka_unit_test(all_else_gives_the_whole),
		cmocka_unit_test(ranges_past_the_end_cannot_be_satisfied),
		cmocka_unit_test(content_ranges_are_read),
		cmocka_unit_test(content_ranges_that_contradict_themselves_are_refused),
		cmocka_unit_test(etag_lists_match_strongly_or_weakly),
		cmocka_unit_test(http_dates_have_one_form),
		cmocka_unit_test(preconditions_are_weighed_in_the_order_of_the_rfc),
	};

	return cmocka_run_group_tests_name("http-range", tests, NULL, NULL);
}
