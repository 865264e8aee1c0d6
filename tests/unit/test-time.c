/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include "test.h"

/* 2026-11-20T12:00:00Z */
#define NOON INT64_C(1795176000000)

TEST(times_are_written_in_utc_with_milliseconds)
{
	char out[TIME_TEXT_MAX];

	CHECK_STR(time_format_iso(NOON + 123, out), "2026-11-20T12:00:00.123Z");
	CHECK_STR(time_format_iso(0, out), "1970-01-01T00:00:00.000Z");
	CHECK_STR(time_format_iso(-1, out), "1969-12-31T23:59:59.999Z");
	CHECK_STR(time_format_iso(-62135596800000, out), "0001-01-01T00:00:00.000Z");
}

TEST(http_dates_are_english_whatever_the_locale)
{
	char out[TIME_TEXT_MAX];

	CHECK_STR(time_format_http(NOON, out), "Fri, 20 Nov 2026 12:00:00 GMT");
}

TEST(iso_times_are_read_with_and_without_offset)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "2026-11-20T12:00:00Z", NOON },
		{ "2026-11-20T12:00:00", NOON },
		{ "2026-11-20 12:00:00", NOON },
		{ "2026-11-20T12:00:00.5Z", NOON + 500 },
		{ "2026-11-20T12:00:00.123456789Z", NOON + 123 },
		{ "2026-11-20T14:00:00+02:00", NOON },
		{ "2026-11-20T06:30:00-0530", NOON },
		{ "2026-11-20", NOON - 12 * 3600 * 1000 },
		{ "2024-02-29T00:00:00Z", INT64_C(1709164800000) },
	};
	struct err e = { 0 };
	int64_t ms = 0;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CHECK_OK(time_parse_iso(good[i].text, &ms, &e));
		CHECK(ms == good[i].ms);
	}
}

TEST(what_is_no_time_is_refused)
{
	static const char *const bad[] = { "",
					   "now",
					   "2026-11-20T",
					   "2026-13-01T00:00:00Z",
					   "2026-02-30T00:00:00Z",
					   "2026-11-20T25:00:00Z",
					   "2026-11-20T12:00:00Zx",
					   "2026-11-20T12:00:00+2",
					   "2026-11-20T12:00:00+99:00",
					   "2026-11-20T12:00:00.5 Z",
					   "20261120T120000Z",
					   "1795176000" };
	struct err e = { 0 };
	int64_t ms = 7;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (time_parse_iso(bad[i], &ms, &e) != ERR_USAGE)
			fail_msg("'%s' was taken for a time", bad[i]);
	}
	CHECK_INT(ms, 7);
}

TEST(written_times_are_read_back)
{
	struct err e = { 0 };
	char text[TIME_TEXT_MAX];
	int64_t now = time_now();
	int64_t ms = 0;

	CHECK_OK(time_parse_iso(time_format_iso(now, text), &ms, &e));
	CHECK(ms == now);
}

TEST(tests_own_the_wall_clock)
{
	int64_t before = time_now();
	int64_t ahead = 0;

	(void)setenv("LARDER_NOW", "2026-11-20T12:00:00Z", 1);
	CHECK(time_now() == NOON);
	(void)setenv("LARDER_NOW", "+1h", 1);
	ahead = time_now() - before;
	CHECK(ahead >= 3600000 && ahead < 3700000);
	(void)setenv("LARDER_NOW", "-1h", 1);
	CHECK(time_now() < before);
	(void)setenv("LARDER_NOW", "nonsense", 1);
	CHECK(time_now() >= before);
	(void)unsetenv("LARDER_NOW");
}

TEST(the_monotonic_clock_is_not_moved)
{
	int64_t before = time_monotonic();

	(void)setenv("LARDER_NOW", "2000-01-01T00:00:00Z", 1);
	CHECK(time_monotonic() >= before && time_monotonic() < before + 60000);
	(void)unsetenv("LARDER_NOW");
}

TEST(ages_are_told_in_one_unit)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = { { 0, "0 s ago" },
		      { 59, "59 s ago" },
		      { 60, "1 min ago" },
		      { 3599, "59 min ago" },
		      { 3600, "1 h ago" },
		      { 86400, "24 h ago" },
		      { 2 * 86400, "2 days ago" },
		      { -5, "in the future" } };
	char out[TIME_TEXT_MAX];

	(void)setenv("LARDER_NOW", "2026-11-20T12:00:00Z", 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_STR(time_format_ago(NOON - cases[i].seconds * 1000, out), cases[i].text);
	(void)unsetenv("LARDER_NOW");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(times_are_written_in_utc_with_milliseconds),
		CASE(http_dates_are_english_whatever_the_locale),
		CASE(iso_times_are_read_with_and_without_offset),
		CASE(what_is_no_time_is_refused),
		CASE(written_times_are_read_back),
		CASE(tests_own_the_wall_clock),
		CASE(the_monotonic_clock_is_not_moved),
		CASE(ages_are_told_in_one_unit),
	};

	return RUN(tests);
}
