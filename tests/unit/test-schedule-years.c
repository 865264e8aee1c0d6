/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every slot of ten years in six zones, found once by schedule_next() and once by asking the C
 * library's clock, minute by minute, what it shows.
 */
#include "base/str.h"
#include "engine/schedule.h"
#include "engine/zone.h"
#include "test.h"

#include <time.h>

#define MINUTE  60
#define QUARTER 900
#define YEARS   10

/* What a wall clock shows. */
struct face {
	int minute, hour, day, month, weekday;
};

struct sample {
	const char *text;
	bool (*fits)(const struct face *f);
	bool any_hour;
};

static bool at_half_past_two(const struct face *f)
{
	return f->hour == 2 && f->minute == 30;
}

static bool at_midnight_and_noon(const struct face *f)
{
	return (f->hour == 0 || f->hour == 12) && f->minute == 0;
}

static bool every_twenty_minutes(const struct face *f)
{
	return f->minute % 20 == 0;
}

static bool often_at_night(const struct face *f)
{
	return f->hour < 4 && f->minute % 15 == 7;
}

static bool monday_or_the_first(const struct face *f)
{
	return f->hour == 5 && f->minute == 0 && (f->weekday == 1 || f->day == 1);
}

static bool odd_days_that_are_sundays(const struct face *f)
{
	return f->hour % 6 == 1 && f->minute == 59 && f->day % 2 == 1 && f->weekday == 0;
}

static bool leap_days(const struct face *f)
{
	return f->day == 29 && f->month == 2 && f->hour == 1 && f->minute == 30;
}

static const struct sample samples[] = {
	{ "daily 02:30", at_half_past_two, false },
	{ "daily 00:00,12:00", at_midnight_and_noon, false },
	{ "cron */20 * * * *", every_twenty_minutes, true },
	{ "7-59/15 0-3 * * *", often_at_night, false },
	{ "cron 0 5 1 * mon", monday_or_the_first, false },
	{ "59 1-23/6 */2 * SUN", odd_days_that_are_sundays, false },
	{ "cron 30 1 29 feb *", leap_days, false },
};

struct walk {
	int64_t now;   /* UTC, seconds */
	int64_t local; /* as if it were UTC; the latest minute shown so far is `highest` */
	int64_t highest;
	struct face face;
};

static struct face face_of(int64_t local)
{
	time_t t = (time_t)local;
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	return (struct face){ tm.tm_min, tm.tm_hour, tm.tm_mday, tm.tm_mon + 1, tm.tm_wday };
}

/* Changes of the clocks come on quarters of an hour, so between these the minutes count on. */
static void look(struct walk *w)
{
	time_t t = (time_t)w->now;
	struct tm tm;

	if (w->now % QUARTER != 0) {
		w->face.minute++;
		w->local += MINUTE;
		return;
	}
	(void)localtime_r(&t, &tm);
	w->local = w->now + tm.tm_gmtoff;
	w->face = (struct face){ tm.tm_min, tm.tm_hour, tm.tm_mday, tm.tm_mon + 1, tm.tm_wday };
}

/* The rules as docs/scheduler.md words them. */
static bool is_slot(const struct walk *w, const struct sample *sample)
{
	if (sample->any_hour)
		return sample->fits(&w->face);
	if (w->local <= w->highest)
		return false; /* shown before */
	for (int64_t gone = w->highest + MINUTE; gone < w->local; gone += MINUTE) {
		struct face face = face_of(gone);

		if (sample->fits(&face))
			return true;
	}
	return sample->fits(&w->face);
}

static void check_zone(const char *name, int first_year)
{
	struct tm start = { .tm_year = first_year - 1900, .tm_mday = 1 };
	AUTO_ZONE struct zone *zone = NULL;
	struct schedule s[ARRAY_LEN(samples)];
	int64_t next[ARRAY_LEN(samples)];
	struct walk w = { .now = timegm(&start) };
	int64_t end = w.now + (int64_t)YEARS * 365 * 86400;
	size_t slots = 0;
	struct err e = { 0 };

	(void)setenv("TZ", name, 1);
	tzset();
	CHECK_OK(zone_open(name, &zone, &e));
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		CHECK_OK(schedule_parse(samples[i].text, zone, &s[i], &e));
		next[i] = schedule_next(&s[i], 0, w.now * 1000);
	}
	look(&w);
	for (w.highest = w.local, w.now += MINUTE; w.now < end; w.now += MINUTE) {
		look(&w);
		for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
			bool slot = is_slot(&w, &samples[i]);

			if (slot != (next[i] == w.now * 1000))
				fail_msg("%s, '%s': %lld is %sa slot", name, samples[i].text,
					 (long long)w.now, slot ? "" : "not ");
			if (slot)
				next[i] = schedule_next(&s[i], 0, w.now * 1000);
			slots += slot;
		}
		if (w.local > w.highest)
			w.highest = w.local;
	}
	CHECK(slots > 200000);
}

TEST(a_zone_with_european_rules)
{
	check_zone("Europe/Berlin", 2020);
}

TEST(a_zone_with_american_rules)
{
	check_zone("America/New_York", 2030);
}

TEST(a_zone_of_the_south_that_moves_by_half_an_hour)
{
	check_zone("Australia/Lord_Howe", 2021);
}

TEST(a_zone_that_changes_at_midnight_and_leaves_a_rule_behind)
{
	check_zone("America/Sao_Paulo", 2012);
}

TEST(a_zone_that_left_out_a_day)
{
	check_zone("Pacific/Apia", 2008);
}

TEST(a_zone_far_ahead_where_only_the_closing_rule_speaks)
{
	check_zone("Africa/Cairo", 2050);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_zone_with_european_rules),
		CASE(a_zone_with_american_rules),
		CASE(a_zone_of_the_south_that_moves_by_half_an_hour),
		CASE(a_zone_that_changes_at_midnight_and_leaves_a_rule_behind),
		CASE(a_zone_that_left_out_a_day),
		CASE(a_zone_far_ahead_where_only_the_closing_rule_speaks),
	};

	return RUN(tests);
}
