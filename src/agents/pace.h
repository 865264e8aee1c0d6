/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many agents work at once, and how fast one follows another. <home>/agents.yaml:
 *
 *	concurrency:
 *	  claude: 3                        at once, of all models
 *	  codex: {total: 4, gpt-5.4: 1}    and of one model; 0 or absent: any number
 *	rates:
 *	  claude:
 *	    reset_utc: "06:00"             when the daily count begins anew
 *	    daily_limit: 60
 *	    min_delay: 15                  seconds between two starts, at least
 *	    sustained_delay: 120           ... as a rule; without it there is no delay
 *	    burst_window: 2                hours before the reset, in which
 *	    burst_delay: 30                ... this is enough
 *
 * A pool is the part of an agent's name before the colon. Without the file claude may have 1 at once
 * and gemini 3. A pool whose work fails three times in a row, each within a minute of its start, is
 * paused for half an hour; a later failure or a success begins the count anew.
 *
 *	pace_read(dirfd, &settings, e)
 *	pace_judge(limits, model, &state, now)      pure: may one start now, or when
 *
 *	struct pace_gate gate = { .settings = &settings };
 *	... .may_start = pace_may_start, .ctx = &gate ...     in the transaction that starts it
 *	pace_note_end(db, &d, e)                              in the one that ends it
 *
 * What runs is counted in that transaction, so neither two at once nor a restart start too many; one
 * whose process is known to be dead does not count. Starts of the day are counted by the window that
 * begins at the reset. Threads: one. Errors: ERR_USAGE for the file; ERR_BUSY when none may start.
 */
#ifndef LARDER_AGENTS_PACE_H
#define LARDER_AGENTS_PACE_H

#include "agents/dispatch.h"

extern const struct db_schema pace_schema;

#define PACE_FAILURES 3
#define PACE_QUICK_MS ((int64_t)60 * 1000)
#define PACE_PAUSE_MS ((int64_t)30 * 60 * 1000)
#define PACE_RESET_S  ((int64_t)6 * 3600)
/* Work that waits so long goes before work of one priority more that came now. */
#define PACE_STEP_MS ((int64_t)10 * 60 * 1000)

struct pace_limits {
	char *pool;
	int64_t total;      /* 0: any */
	struct strv models; /* "model=limit" */
	int64_t reset_s;    /* of the day, UTC */
	int64_t daily_limit, min_delay_s, sustained_delay_s, burst_window_h, burst_delay_s;
};
struct pace_settings {
	struct pace_limits *v;
	size_t n, capacity;
};
int pace_read(int dirfd, struct pace_settings *ret, struct err *e);
int pace_parse(struct bytes text, struct pace_settings *ret, struct err *e);
void pace_settings_release(struct pace_settings *settings);
#define AUTO_PACE AUTO(pace_settings_release)
/* Of that pool; of one that is not named: no limits. */
const struct pace_limits *pace_of(const struct pace_settings *settings, const char *pool);

struct pace_state {
	int64_t running, running_of_model;
	int64_t started_in_window; /* of the window that holds `now` */
	int64_t last_start_ms;     /* 0: never */
	int64_t paused_until_ms;
};
struct pace_verdict {
	bool may;
	const char *
		reason; /* a literal: "pool_full", "model_full", "daily_limit", "paused", "delay" */
	int64_t not_before_ms; /* 0: when something of it ends */
};
struct pace_verdict pace_judge(const struct pace_limits *limits, const char *model,
			       const struct pace_state *state, int64_t now);
/* Where the window that holds `now` begins. */
int64_t pace_window(const struct pace_limits *limits, int64_t now);

struct pace_gate {
	struct db *db;
	const struct pace_settings *settings;
	struct pace_verdict verdict; /* of the last that was asked for */
};
int pace_may_start(void *gate, const struct dispatch *d, struct err *e);
/* It was refused: the time that a launcher gave it to begin is over, it waits for what the gate said. */
int pace_refused(const struct pace_gate *gate, const struct dispatch *d, struct err *e);
int pace_note_end(struct db *db, const struct dispatch *d, struct err *e);

/* The ids of what waits and is due, in the order in which it should start. *ret_next_ms: when the
 * first that is not due yet will be; -1: none waits for a time. */
int pace_waiting(struct db *db, int64_t now, struct strv *ret_ids, int64_t *ret_next_ms,
		 struct err *e);
/* Not to be tried again before. In a transaction. */
int pace_put_off(struct db *db, const char *id, int64_t due_ms, struct err *e);

#endif
