/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules: when something is to be done again. Pure: no clock is read and no state is kept; what
 * was done is in rows (runs.h).
 *
 *	struct schedule s;
 *	if (schedule_parse("daily 03:00", zone, &s, e) < 0) ...
 *	next = schedule_next(&s, anchor_ms, after_ms);
 *
 *	every 15m                     s, m, h or d; counted from the anchor, so that a run that is
 *	                              late does not put off those after it
 *	daily 03:00,15:30             in the zone
 *	cron 0 5 * * mon              minute, hour, day, month, weekday; the word "cron" may be left
 *	                              out. Lists, ranges, steps, names (jan, mon); 0 and 7 are Sunday.
 *	                              When neither day nor weekday has a "*", either is enough.
 *
 * What the wall clock of the zone does to a slot:
 *  - at a local time that does not exist (clocks go forward) it is at the moment they have gone,
 *    and all such slots of one change are one;
 *  - at a local time that comes twice (clocks go back) it is at the first coming only.
 *  A cron whose hours are "*" goes by the minutes that really pass: it has neither rule.
 *
 * What is due is decided by schedule_judge() from a job's row and the time:
 *  - all up to `covered_ms` is settled, and the first slot after it is due once it has come: however
 *    many slots have passed meanwhile, also over midnight, they are one run;
 *  - a clock set back by less than the distance of two slots runs nothing twice; set back by more,
 *    what is settled ends now: no job waits for a time that the clock had been wrong about;
 *  - a clock set forward makes each job due once.
 *
 * Threads: a schedule is only read once it was parsed; its zone is lent. Errors: ERR_USAGE.
 */
#ifndef LARDER_ENGINE_SCHEDULE_H
#define LARDER_ENGINE_SCHEDULE_H

#include "base/base.h"
#include "base/err.h"

struct zone;

/* Longer than any list of times a person writes. */
#define SCHEDULE_TEXT_MAX 200
/* Of "every": longer is a mistyped unit. */
#define SCHEDULE_EVERY_MAX_S ((int64_t)3660 * 86400)
#define SCHEDULE_NEVER       INT64_MAX
/* What failed in passing is tried again after this at the latest, whatever the peer asked. */
#define SCHEDULE_RETRY_MAX_MS ((int64_t)3600 * 1000)

struct schedule {
	int64_t every_ms; /* 0: by the calendar, with all that follows */
	const struct zone *zone;
	uint64_t minutes[24];  /* of each hour, a bit for each minute */
	uint32_t days, months; /* bits 1 to 31, 1 to 12 */
	uint8_t weekdays;      /* bits 0 to 6, from Sunday */
	bool either_day;       /* a day that fits or a weekday that fits; else both */
	bool any_hour;
};

/* `zone` outlives the schedule; NULL is UTC. */
int schedule_parse(const char *text, const struct zone *zone, struct schedule *ret_schedule,
		   struct err *e);
/* The first slot after `after_ms`, and not before `anchor_ms`; of "every", one that lies a whole
 * number of times from the anchor. SCHEDULE_NEVER when there is none for decades. */
int64_t schedule_next(const struct schedule *s, int64_t anchor_ms, int64_t after_ms);

struct schedule_state {
	int64_t anchor_ms;
	int64_t covered_ms;
	int64_t retry_ms; /* 0: the last run need not be tried again */
	bool running;
};
struct schedule_verdict {
	bool due;
	bool is_retry;   /* it is the last run's turn again, not the next slot's */
	int64_t next_ms; /* the slot that is due or comes next; SCHEDULE_NEVER */
	/* What the row should say from now on; as it was, unless the clock was set back. */
	int64_t anchor_ms, covered_ms;
};
struct schedule_verdict schedule_judge(const struct schedule *s, const struct schedule_state *state,
				       int64_t now_ms);

#endif
