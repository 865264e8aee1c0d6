/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/str.h"
#include "engine/zone-rule.h"
#include "engine/zone.h"
#include "test.h"

#include <fcntl.h>
#include <time.h>

static int64_t utc(int year, int month, int day, int hour)
{
	return zone_days(year, month, day) * 86400 + hour * 3600;
}

TEST(utc_needs_no_file)
{
	static const char *const names[] = { NULL, "", "UTC" };

	(void)setenv("TZDIR", "/nonexistent", 1);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_ZONE struct zone *z = NULL;
		struct err e = { 0 };

		CHECK_OK(zone_open(names[i], &z, &e));
		CHECK_INT(zone_at(z, 1800000000).offset, 0);
		CHECK(zone_at(z, 1800000000).since == INT64_MIN);
	}
	(void)unsetenv("TZDIR");
}

TEST(a_change_is_told_with_what_was_before)
{
	AUTO_ZONE struct zone *z = NULL;
	struct zone_period p;
	struct err e = { 0 };

	CHECK_OK(zone_open("Europe/Berlin", &z, &e));
	p = zone_at(z, utc(2026, 3, 29, 1) - 1);
	CHECK_INT(p.offset, 3600);
	CHECK_INT(p.since, utc(2025, 10, 26, 1));
	p = zone_at(z, utc(2026, 3, 29, 1));
	CHECK_INT(p.offset, 7200);
	CHECK_INT(p.before, 3600);
	CHECK_INT(p.since, utc(2026, 3, 29, 1));
}

/* Fat files list the changes up to 2037, slim ones up to the last change of a rule. */
TEST(offsets_are_those_of_the_c_library_for_150_years)
{
	static const char *const names[] = { "America/St_Johns",  "Europe/Dublin",
					     "Asia/Tehran",       "Antarctica/Troll",
					     "America/Santiago",  "Pacific/Apia",
					     "Africa/Casablanca", "Asia/Gaza" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_ZONE struct zone *z = NULL;
		struct err e = { 0 };

		(void)setenv("TZ", names[i], 1);
		tzset();
		CHECK_OK(zone_open(names[i], &z, &e));
		for (int64_t s = utc(1950, 1, 1, 0); s < utc(2100, 1, 1, 0); s += 5 * 3600 + 7) {
			time_t t = (time_t)s;
			struct tm tm;

			(void)localtime_r(&t, &tm);
			if (tm.tm_gmtoff != zone_at(z, s).offset)
				fail_msg("%s at %lld: %d, not %ld", names[i], (long long)s,
					 zone_at(z, s).offset, tm.tm_gmtoff);
		}
	}
}

TEST(names_that_are_no_zones_are_refused)
{
	static const char *const names[] = { "Europe/Nowhere", "../../etc/passwd", "/etc/localtime",
					     "Europe",         "zone.tab",         "a b",
					     "UTC\n" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_ZONE struct zone *z = NULL;
		struct err e = { 0 };

		CHECK_ERR(zone_open(names[i], &z, &e), ERR_USAGE);
		CHECK_HAS(e.hint, "Europe/Berlin");
	}
}

TEST(rules_of_every_shape_are_read)
{
	static const char *const good[] = { "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3",
					    "<+0330>-3:30<+0430>,J79/24,J263/24",
					    "IST-1GMT0,M10.5.0,M3.5.0/1",
					    "EST5EDT4:30:15,0/0,365/-167" };
	static const char *const bad[] = { "",
					   "C1",
					   "CET",
					   "CET-1CEST",
					   "CET-168",
					   "CET-1CEST,",
					   "CET-1 ",
					   "<CET-1",
					   "CET-1CEST,M13.1.0,M1.1.0",
					   "CET-1CEST,M1.6.0,M1.1.0",
					   "CET-1CEST,J0,J1",
					   "CET-1CEST,M1.1.0,M2.1.0x" };
	struct zone_rule rule;

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (zone_rule_parse(good[i], &rule) < 0)
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (zone_rule_parse(bad[i], &rule) == 0)
			fail_msg("taken: %s", bad[i]);
	CHECK_INT(zone_rule_parse("EST5EDT4:30:15,0/0,365/-167", &rule), 0);
	CHECK_INT(rule.standard, -5 * 3600);
	CHECK_INT(rule.summer, -(4 * 3600 + 30 * 60 + 15));
	CHECK_INT(rule.end.time, -167 * 3600);
}

TEST(a_file_that_is_cut_or_flipped_is_a_zone_or_refused)
{
	AUTO_BUF struct buf text = BUF_INIT(ZONE_BYTES_MAX);
	struct err e = { 0 };

	CHECK_OK(file_read(AT_FDCWD, "/usr/share/zoneinfo/Europe/Dublin", ZONE_BYTES_MAX, &text,
			   &e));
	for (size_t n = 0; n < text.n; n++) {
		AUTO_ZONE struct zone *z = NULL;

		CHECK_ERR(zone_parse((struct bytes){ text.p, n }, &z, &e), ERR_CORRUPT);
	}
	for (size_t n = 0; n < text.n; n++) {
		AUTO_ZONE struct zone *z = NULL;

		text.p[n] = (char)(text.p[n] ^ 0x81);
		if (zone_parse(buf_bytes(&text), &z, &e) == 0)
			(void)zone_at(z, 1800000000);
		text.p[n] = (char)(text.p[n] ^ 0x81);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(utc_needs_no_file),
		CASE(a_change_is_told_with_what_was_before),
		CASE(offsets_are_those_of_the_c_library_for_150_years),
		CASE(names_that_are_no_zones_are_refused),
		CASE(rules_of_every_shape_are_read),
		CASE(a_file_that_is_cut_or_flipped_is_a_zone_or_refused),
	};

	return RUN(tests);
}
