/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/jobs-view.h"

#include "clock/wire.h"
#include "engine/schedule.h"

void jobs_scheduler_release(struct jobs_scheduler *s)
{
	lease_view_release(&s->lease);
}

int jobs_look(struct db *db, int64_t now_ms, struct jobs_scheduler *ret_scheduler, struct err *e)
{
	struct jobs_scheduler s = { 0 };
	int r = runs_last_claim(db, &s.seen_ms, e);

	if (r == 0)
		r = lease_look(db, CLOCK_LEASE, &s.lease, e);
	if (r < 0)
		return r;
	s.is_held = r > 0;
	/* One that is here but still in its grace has the lease and has claimed nothing yet. */
	if (s.is_held || (s.seen_ms > 0 && now_ms - s.seen_ms <= JOBS_SILENT_MS))
		s.presence = JOBS_ACTIVE;
	else
		s.presence = s.seen_ms > 0 ? JOBS_SILENT : JOBS_NEVER;
	*ret_scheduler = s;
	return 0;
}

const char *jobs_presence_word(enum jobs_presence presence)
{
	static const char *const words[] = { "never", "active", "silent" };

	return words[presence];
}

const char *jobs_state(const struct runs_state *state, int64_t now_ms)
{
	if (state->running_id > 0)
		return "running";
	if (state->next_ms != SCHEDULE_NEVER && now_ms - state->next_ms > JOBS_SILENT_MS)
		return "overdue";
	if (state->failures > 0)
		return "failing";
	return state->last_id > 0 ? "ok" : "waiting";
}
