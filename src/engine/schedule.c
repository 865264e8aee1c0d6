/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/schedule.h"

#include "base/time.h"
#include "engine/zone-rule.h"
#include "engine/zone.h"

#define MINUTE 60
#define HOUR   3600
#define DAY    86400
/* The calendar repeats after 28 years, but for a century that is no leap year. */
#define HORIZON ((int64_t)41 * 366 * DAY)

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

struct date {
	int month, day, weekday;
};

/* The inverse of zone_days(). */
static struct date date_of(int64_t days)
{
	int64_t z = days + 719468;
	int64_t of_era = z - floor_div(z, 146097) * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	return (struct date){
		.month = (int)(month < 10 ? month + 3 : month - 9),
		.day = (int)(of_year - (153 * month + 2) / 5 + 1),
		.weekday = (int)(((days + 4) % 7 + 7) % 7), /* 1970-01-01 was a Thursday */
	};
}

static bool day_fits(const struct schedule *s, int64_t days)
{
	struct date date = date_of(days);
	bool day = s->days >> date.day & 1;
	bool weekday = s->weekdays >> date.weekday & 1;

	if (!(s->months >> date.month & 1))
		return false;
	return s->either_day ? day || weekday : day && weekday;
}

/* Local time in seconds, as if it were UTC. */
static bool minute_fits(const struct schedule *s, int64_t local)
{
	int64_t day = floor_div(local, DAY);
	int64_t minute = (local - day * DAY) / MINUTE;

	return (s->minutes[minute / 60] >> minute % 60 & 1) && day_fits(s, day);
}

/* The clocks have just gone forward: was there a slot in what they left out? */
static bool left_out_one(const struct schedule *s, const struct zone_period *p, int64_t at)
{
	if (s->any_hour || p->offset <= p->before || at >= p->since + MINUTE)
		return false;
	for (int64_t local = p->since + p->before; local < p->since + p->offset; local += MINUTE)
		if (minute_fits(s, local))
			return true;
	return false;
}

static bool is_repeated(const struct zone_period *p, int64_t at)
{
	return p->before > p->offset && at < p->since + p->before - p->offset;
}

/* From a moment that is no slot to one that may be: the next day's, hour's or minute's beginning.
 * Over a change of the clocks it goes minute by minute. */
static int64_t step(const struct schedule *s, const struct zone_period *p, int64_t at)
{
	int64_t local = at + p->offset;
	int64_t day = floor_div(local, DAY);
	int64_t of_day = local - day * DAY;
	int64_t skip = MINUTE;

	if (!day_fits(s, day))
		skip = DAY - of_day;
	else if (s->minutes[of_day / HOUR] == 0)
		skip = HOUR - of_day % HOUR;
	return skip > MINUTE && zone_at(s->zone, at + skip).since > at ? at + MINUTE : at + skip;
}

static int64_t next_by_calendar(const struct schedule *s, int64_t after)
{
	int64_t at = (floor_div(after, MINUTE) + 1) * MINUTE;

	for (int64_t end = at + HORIZON; at < end;) {
		struct zone_period p = zone_at(s->zone, at);

		if (left_out_one(s, &p, at))
			return at;
		if (minute_fits(s, at + p.offset) && (s->any_hour || !is_repeated(&p, at)))
			return at;
		at = step(s, &p, at);
	}
	return SCHEDULE_NEVER;
}

int64_t schedule_next(const struct schedule *s, int64_t anchor_ms, int64_t after_ms)
{
	int64_t at;

	if (s->every_ms == 0) {
		int64_t after = after_ms < anchor_ms ? anchor_ms - 1 : after_ms;

		at = next_by_calendar(s, floor_div(after, 1000));
		return at == SCHEDULE_NEVER ? at : at * 1000;
	}
	if (after_ms < anchor_ms)
		return anchor_ms;
	return anchor_ms + ((after_ms - anchor_ms) / s->every_ms + 1) * s->every_ms;
}

/* How far a clock may be set back before what it said is no longer believed. */
static int64_t distance(const struct schedule *s, int64_t anchor_ms, int64_t slot)
{
	int64_t after = slot == SCHEDULE_NEVER ? slot : schedule_next(s, anchor_ms, slot);

	return after == SCHEDULE_NEVER ? 0 : after - slot;
}

struct schedule_verdict schedule_judge(const struct schedule *s, const struct schedule_state *state,
				       int64_t now_ms)
{
	struct schedule_verdict v = {
		.anchor_ms = state->anchor_ms,
		.covered_ms = state->covered_ms,
		.next_ms = schedule_next(s, state->anchor_ms, state->covered_ms),
	};
	int64_t retry = state->retry_ms;

	if (v.covered_ms > now_ms && v.covered_ms - now_ms > distance(s, v.anchor_ms, v.next_ms)) {
		v.covered_ms = now_ms;
		v.anchor_ms = now_ms;
		v.next_ms = schedule_next(s, now_ms, now_ms);
	}
	if (retry > now_ms + SCHEDULE_RETRY_MAX_MS)
		retry = now_ms + SCHEDULE_RETRY_MAX_MS;
	v.is_retry = retry > 0 && retry < v.next_ms;
	if (v.is_retry)
		v.next_ms = retry;
	v.due = !state->running && v.next_ms <= now_ms;
	return v;
}
