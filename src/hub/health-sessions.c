/* SPDX-License-Identifier: Apache-2.0 */
/* Is what people send read? The part "session_pipeline" of the health page. */
#include "hub/health.h"

#include "base/time.h"
#include "clock/jobs-environment.h"
#include "clock/jobs.h"
#include "engine/schedule.h"
#include <inttypes.h>

#define PROCESSOR "verification"
#define JOB       "session-processor:" PROCESSOR
/* Of the system before this one: two intervals are late, four times that is forgotten. */
#define GRACE_INTERVALS  2
#define STUCK_GRACES     4
#define DEFAULT_GRACE_MS ((int64_t)2 * 900 * 1000)
#define SECONDS_AT_MOST  ((int64_t)3660 * 86400)

/* Twice the time between two runs, as the job's variable and the configuration say; a table that
 * cannot be built is the scheduler's to refuse. 0: nobody wants it to run. */
static int64_t grace_of(const struct hub_settings *settings, int64_t now)
{
	AUTO_CLOCK_TABLE struct clock_table table = { 0 };
	const struct clock_job *job = NULL;
	struct err ignored = { 0 };
	int64_t interval = 0;

	if (clock_table_build(&settings->jobs, &table, &ignored) == 0)
		job = clock_table_find(&table, JOB);
	if (job && job->disabled)
		return 0;
	if (!job || clock_interval(job, now, &interval, &ignored) < 0 ||
	    interval > SECONDS_AT_MOST * 1000)
		return DEFAULT_GRACE_MS;
	return GRACE_INTERVALS * interval;
}

int health_take_sessions(struct hub *hub, struct db *db, struct health *h, struct err *e)
{
	struct err ignored = { 0 };
	int64_t stuck_s = 0;

	h->sessions_grace_ms = grace_of(hub_settings(hub), h->now);
	if (environment_seconds("SESSION_PIPELINE_STUCK_FILE_GRACE_SECONDS",
				STUCK_GRACES * h->sessions_grace_ms / 1000, NUMBER_POSITIVE,
				&stuck_s, &ignored) < 0)
		stuck_s = STUCK_GRACES * h->sessions_grace_ms / 1000;
	h->sessions_stuck_ms = stuck_s * 1000;
	return session_backlog_take(hub_dirfd(hub), db, PROCESSOR, &h->sessions, e);
}

static bool is_late(const struct health *h)
{
	return h->sessions_grace_ms > 0 && h->sessions.waiting_ms > 0 &&
	       h->now - h->sessions.waiting_ms > h->sessions_grace_ms;
}

static bool is_stuck(const struct health *h)
{
	return h->sessions_grace_ms > 0 && h->sessions.never &&
	       h->now - h->sessions.never_came_ms > h->sessions_stuck_ms;
}

char *health_describe_sessions(const struct health *h, struct health_finding *f)
{
	const struct session_backlog *b = &h->sessions;
	char when[TIME_TEXT_MAX], came[TIME_TEXT_MAX];

	f->level = is_late(h) ? HEALTH_WARNING : is_stuck(h) ? HEALTH_INFO : HEALTH_OK;
	if (h->sessions_grace_ms == 0)
		return xasprintf("%" PRId64 " sessions; the job " JOB " is disabled", b->files);
	if (is_stuck(h))
		f->stuck_file = b->never;
	if (is_late(h)) {
		f->lag_s = (h->now - b->waiting_ms) / 1000;
		return xasprintf("%" PRId64
				 " sessions, of which the first that waits for '" PROCESSOR
				 "' came %s; it was last done with one %s",
				 b->files, time_format_ago(b->waiting_ms, came),
				 b->done_ms > 0 ? time_format_ago(b->done_ms, when) : "never");
	}
	if (is_stuck(h))
		return xasprintf("'%s' came %s and was never processed: larder sessions show %s",
				 b->never, time_format_ago(b->never_came_ms, came), b->never);
	return xasprintf("%" PRId64 " sessions, none waits for long", b->files);
}
