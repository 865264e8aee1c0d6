/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/schedule.h"

#include "base/str.h"
#include "base/time.h"
#include "engine/zone.h"
#include "test.h"

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static int64_t at(const char *iso)
{
	struct err e = { 0 };
	int64_t ms = 0;

	CHECK_OK(time_parse_iso(iso, &ms, &e));
	return ms;
}

static void check_at(int64_t got, const char *wanted)
{
	char text[TIME_TEXT_MAX];

	if (got != at(wanted))
		fail_msg("got %s, not %s", time_format_iso(got, text), wanted);
}

static struct schedule parse(const char *text, const struct zone *zone)
{
	struct schedule s;
	struct err e = { 0 };

	CHECK_OK(schedule_parse(text, zone, &s, &e));
	return s;
}

static struct zone *zone_of(const char *name)
{
	struct zone *z = NULL;
	struct err e = { 0 };

	CHECK_OK(zone_open(name, &z, &e));
	return z;
}

/* The next slots, each after the one before. */
static void check_slots(const char *text, const char *zone, const char *const *times)
{
	AUTO_ZONE struct zone *z = zone_of(zone);
	struct schedule s = parse(text, z);
	int64_t t = at(times[0]);

	for (size_t i = 1; times[i]; i++) {
		t = schedule_next(&s, 0, t);
		check_at(t, times[i]);
	}
}

#define CHECK_SLOTS(text, zone, ...)                                                               \
	check_slots(text, zone, (const char *const[]){ __VA_ARGS__, NULL })

TEST(every_kind_has_its_next_slots)
{
	CHECK_SLOTS("daily 03:00,15:30", "UTC", "2026-05-10T03:00:00Z", "2026-05-10T15:30:00Z",
		    "2026-05-11T03:00:00Z");
	CHECK_SLOTS("daily 23:59,00:00", "UTC", "2026-12-31T12:00:00Z", "2026-12-31T23:59:00Z",
		    "2027-01-01T00:00:00Z");
	CHECK_SLOTS("cron 0 5 * * 1", "UTC", "2026-11-26T12:00:00Z", "2026-11-30T05:00:00Z",
		    "2026-12-07T05:00:00Z");
	CHECK_SLOTS("*/15 9-10 * * mon-fri", "UTC", "2026-11-27T10:29:59Z", "2026-11-27T10:30:00Z",
		    "2026-11-27T10:45:00Z", "2026-11-30T09:00:00Z");
	CHECK_SLOTS("30 4 1,15 jan,jul *", "UTC", "2026-02-01T00:00:00Z", "2026-07-01T04:30:00Z",
		    "2026-07-15T04:30:00Z", "2027-01-01T04:30:00Z");
	CHECK_SLOTS("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z");
	CHECK_SLOTS("0 12 * * 7", "UTC", "2026-11-26T00:00:00Z", "2026-11-29T12:00:00Z");
	CHECK_SLOTS("0 0 13 * fri", "UTC", "2026-11-10T00:00:00Z", "2026-11-13T00:00:00Z",
		    "2026-11-20T00:00:00Z"); /* either is enough */
	CHECK_SLOTS("0 0 */13 * fri", "UTC", "2026-11-01T00:00:00Z",
		    "2026-11-27T00:00:00Z"); /* both, as one has a '*' */
	CHECK_SLOTS("5/20 0 * * *", "UTC", "2026-11-01T00:00:00Z", "2026-11-01T00:05:00Z",
		    "2026-11-01T00:25:00Z", "2026-11-01T00:45:00Z", "2026-11-02T00:05:00Z");
}

TEST(every_counts_from_its_anchor_and_does_not_drift)
{
	static const struct {
		const char *text;
		int64_t ms;
	} table[] = { { "every 1s", SECOND },
		      { "every 90s", 90 * SECOND },
		      { "every 015m", 15 * MINUTE },
		      { "every 4h", 4 * HOUR },
		      { "every 3660d", 3660 * DAY } };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct schedule s = parse(table[i].text, NULL);

		CHECK_INT(schedule_next(&s, 1000, 0), 1000);
		CHECK_INT(schedule_next(&s, 1000, 999), 1000);
		CHECK_INT(schedule_next(&s, 1000, 1000), 1000 + table[i].ms);
		CHECK_INT(schedule_next(&s, 1000, 1000 + table[i].ms * 5 / 2),
			  1000 + 3 * table[i].ms);
	}
}

TEST(texts_that_are_no_schedule_are_refused_with_the_reason)
{
	static const struct {
		const char *text, *why;
	} table[] = {
		{ "", "five fields" },
		{ "every", "five fields" },
		{ "every ", "a number" },
		{ "every m", "a number" },
		{ "every 5", "a number" },
		{ "every 5w", "a number" },
		{ "every -5m", "a number" },
		{ "every 5m ", "a number" },
		{ "every 5m\n", "a number" },
		{ "every  5m", "a number" },
		{ "every 0s", "1 second" },
		{ "every 3661d", "3660 days" },
		{ "every 99999999999999999999s", "a number" },
		{ "daily", "five fields" },
		{ "daily 3:00", "HH:MM" },
		{ "daily 24:00", "HH:MM" },
		{ "daily 03:60", "HH:MM" },
		{ "daily 03:00,", "HH:MM" },
		{ "daily 03:00, 04:00", "HH:MM" },
		{ "daily 03:00\n", "HH:MM" },
		{ "Daily 03:00", "five fields" },
		{ "cron * * * *", "five fields" },
		{ "* * * * * *", "five fields" },
		{ "*  * * * *", "five fields" },
		{ "60 * * * *", "'60' is no minute of 0 to 59" },
		{ "* 24 * * *", "'24' is no hour of 0 to 23" },
		{ "* * 0 * *", "no day of 1 to 31" },
		{ "* * * 13 *", "no month of 1 to 12" },
		{ "* * * * 8", "no weekday of 0 to 7" },
		{ "* * * * monday", "no weekday" },
		{ "5-1 * * * *", "no minute" },
		{ "*/0 * * * *", "no minute" },
		{ "*/ * * * *", "no minute" },
		{ "*5 * * * *", "no minute" },
		{ "1,,2 * * * *", "no minute" },
		{ "-1 * * * *", "no minute" },
		{ "0 0 30 2 *", "never comes" },
		{ "0 0 31 apr,jun *", "never comes" },
		{ "* * * * *\t", "weekday" },
	};
	AUTO_FREE char *longest = xasprintf("daily %0*d", SCHEDULE_TEXT_MAX, 0);
	struct schedule s;
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (schedule_parse(table[i].text, NULL, &s, &e) != ERR_USAGE)
			fail_msg("taken: '%s'", table[i].text);
		CHECK_HAS(e.msg, table[i].why);
	}
	CHECK_ERR(schedule_parse(longest, NULL, &s, &e), ERR_USAGE);
	CHECK_HAS(e.msg, "up to 200 letters");
	longest[SCHEDULE_TEXT_MAX] = '\0';
	CHECK_ERR(schedule_parse(longest, NULL, &s, &e), ERR_USAGE);
	CHECK_HAS(e.msg, "HH:MM");
}

TEST(a_local_time_that_is_left_out_comes_when_the_clocks_have_gone_forward)
{
	CHECK_SLOTS("daily 02:30", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z",
		    "2026-03-30T00:30:00Z");
	CHECK_SLOTS("*/10 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z",
		    "2026-03-30T00:00:00Z");
	CHECK_SLOTS("daily 02:30,03:00", "Europe/Berlin", "2026-03-28T12:00:00Z",
		    "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z");
	CHECK_SLOTS("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T00:30:00Z",
		    "2026-03-29T01:30:00Z");
}

TEST(a_local_time_that_comes_twice_is_one_slot)
{
	CHECK_SLOTS("daily 02:30", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z",
		    "2026-10-26T01:30:00Z");
	CHECK_SLOTS("0,30 1-3 * * *", "Europe/Berlin", "2026-10-24T23:00:00Z",
		    "2026-10-24T23:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z",
		    "2026-10-25T02:00:00Z");
	CHECK_SLOTS("30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z",
		    "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z");
}

/* What decides is only the row and the time. */
static struct schedule_verdict judge(const struct schedule *s, struct schedule_state job,
				     const char *now)
{
	return schedule_judge(s, &job, at(now));
}

TEST(a_slot_is_due_when_it_has_come)
{
	struct schedule s = parse("daily 03:00", NULL);
	struct schedule_state ran = { .covered_ms = at("2026-05-10T03:00:02Z") };

	CHECK(!judge(&s, ran, "2026-05-10T03:00:02Z").due);
	check_at(judge(&s, ran, "2026-05-10T03:00:02Z").next_ms, "2026-05-11T03:00:00Z");
	CHECK(!judge(&s, ran, "2026-05-11T02:59:59.999Z").due);
	CHECK(judge(&s, ran, "2026-05-11T03:00:00Z").due);
}

TEST(a_daily_slot_missed_over_midnight_is_caught_up)
{
	struct schedule s = parse("daily 23:30", NULL);
	struct schedule_state ran = { .covered_ms = at("2026-05-10T23:50:00Z") };
	struct schedule_verdict v = judge(&s, ran, "2026-05-12T00:10:00Z");

	CHECK(v.due);
	check_at(v.next_ms, "2026-05-11T23:30:00Z");
	ran.covered_ms = at("2026-05-12T00:10:00Z");
	v = judge(&s, ran, "2026-05-12T00:10:00Z");
	CHECK(!v.due);
	check_at(v.next_ms, "2026-05-12T23:30:00Z");
}

TEST(many_missed_slots_are_one_run)
{
	struct schedule s = parse("every 15m", NULL);
	struct schedule_state job = { .anchor_ms = at("2026-05-10T00:05:00Z"),
				      .covered_ms = at("2026-05-10T12:05:00Z") };
	struct schedule_verdict v = judge(&s, job, "2026-05-20T12:07:00Z");

	CHECK(v.due);
	check_at(v.next_ms, "2026-05-10T12:20:00Z");
	job.covered_ms = at("2026-05-20T12:07:00Z");
	v = judge(&s, job, "2026-05-20T12:07:00Z");
	CHECK(!v.due);
	check_at(v.next_ms, "2026-05-20T12:20:00Z");
}

TEST(a_job_that_never_ran_waits_for_its_anchor)
{
	struct schedule s = parse("every 15m", NULL);
	struct schedule_state job = { .anchor_ms = at("2026-05-10T00:01:00Z"),
				      .covered_ms = at("2026-05-10T00:00:00Z") };

	CHECK(!judge(&s, job, "2026-05-10T00:00:59Z").due);
	CHECK(judge(&s, job, "2026-05-10T00:01:00Z").due);
}

TEST(a_running_job_is_not_due)
{
	struct schedule s = parse("every 1m", NULL);
	struct schedule_state job = { .covered_ms = at("2026-05-10T00:00:00Z"), .running = true };

	CHECK(!judge(&s, job, "2026-05-10T05:00:00Z").due);
	job.running = false;
	CHECK(judge(&s, job, "2026-05-10T05:00:00Z").due);
}

TEST(a_clock_set_back_a_little_runs_nothing_twice)
{
	struct schedule s = parse("daily 03:00", NULL);
	struct schedule_state ran = { .covered_ms = at("2026-05-10T03:00:02Z") };
	struct schedule_verdict v = judge(&s, ran, "2026-05-09T03:30:00Z");

	CHECK(!v.due);
	CHECK_INT(v.covered_ms, ran.covered_ms);
	check_at(v.next_ms, "2026-05-11T03:00:00Z");
}

TEST(a_clock_set_back_far_stalls_nothing)
{
	struct schedule daily = parse("daily 03:00", NULL);
	struct schedule often = parse("every 15m", NULL);
	struct schedule_state ran = { .anchor_ms = at("2027-01-01T00:00:00Z"),
				      .covered_ms = at("2027-05-10T03:00:02Z") };
	struct schedule_verdict v = judge(&daily, ran, "2026-05-09T12:00:00Z");

	CHECK(!v.due);
	check_at(v.covered_ms, "2026-05-09T12:00:00Z");
	check_at(v.next_ms, "2026-05-10T03:00:00Z");
	v = judge(&often, ran, "2026-05-09T12:00:00Z");
	CHECK(!v.due);
	check_at(v.next_ms, "2026-05-09T12:15:00Z");
	ran.anchor_ms = v.anchor_ms;
	ran.covered_ms = v.covered_ms;
	CHECK(!judge(&often, ran, "2026-05-09T12:14:59Z").due);
	CHECK(judge(&often, ran, "2026-05-09T12:15:00Z").due);
}

TEST(a_clock_set_back_more_than_a_slot_goes_on_at_once)
{
	struct schedule s = parse("* * * * *", NULL);
	struct schedule_state ran = { .covered_ms = at("2026-05-10T12:00:01Z") };

	check_at(judge(&s, ran, "2026-05-10T11:59:30Z").next_ms, "2026-05-10T12:01:00Z");
	check_at(judge(&s, ran, "2026-05-10T09:00:00Z").next_ms, "2026-05-10T09:01:00Z");
}

TEST(a_clock_set_forward_makes_one_run)
{
	struct schedule s = parse("every 1m", NULL);
	struct schedule_state job = { .covered_ms = at("2026-05-10T00:00:00Z") };

	CHECK(judge(&s, job, "2036-05-10T00:00:00Z").due);
	job.covered_ms = at("2036-05-10T00:00:00Z");
	CHECK(!judge(&s, job, "2036-05-10T00:00:59Z").due);
}

TEST(a_retry_comes_before_the_next_slot_and_within_an_hour)
{
	struct schedule s = parse("daily 03:00", NULL);
	struct schedule_state failed = { .covered_ms = at("2026-05-10T03:00:02Z"),
					 .retry_ms = at("2026-05-10T03:01:02Z") };
	struct schedule_verdict v = judge(&s, failed, "2026-05-10T03:01:00Z");

	CHECK(!v.due && v.is_retry);
	v = judge(&s, failed, "2026-05-10T03:01:02Z");
	CHECK(v.due && v.is_retry);
	failed.retry_ms = at("2026-05-11T03:00:00Z");
	v = judge(&s, failed, "2026-05-11T03:00:00Z");
	CHECK(v.due && !v.is_retry);
	failed.retry_ms = at("2026-06-01T00:00:00Z"); /* the clock was wrong, and was set back */
	check_at(judge(&s, failed, "2026-05-10T04:00:00Z").next_ms, "2026-05-10T05:00:00Z");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(every_kind_has_its_next_slots),
		CASE(every_counts_from_its_anchor_and_does_not_drift),
		CASE(texts_that_are_no_schedule_are_refused_with_the_reason),
		CASE(a_local_time_that_is_left_out_comes_when_the_clocks_have_gone_forward),
		CASE(a_local_time_that_comes_twice_is_one_slot),
		CASE(a_slot_is_due_when_it_has_come),
		CASE(a_daily_slot_missed_over_midnight_is_caught_up),
		CASE(many_missed_slots_are_one_run),
		CASE(a_job_that_never_ran_waits_for_its_anchor),
		CASE(a_running_job_is_not_due),
		CASE(a_clock_set_back_a_little_runs_nothing_twice),
		CASE(a_clock_set_back_far_stalls_nothing),
		CASE(a_clock_set_back_more_than_a_slot_goes_on_at_once),
		CASE(a_clock_set_forward_makes_one_run),
		CASE(a_retry_comes_before_the_next_slot_and_within_an_hour),
	};

	return RUN(tests);
}
