/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/api.h"

#include "base/time.h"
#include "engine/schedule.h"
#include "hub/jobs-view.h"

#define RUNS_DEFAULT 50
/* A page for a person; older ones by ?before=ID. */
#define RUNS_MAX 1000

struct listing {
	struct json_out o;
	int64_t now;
};

static void add_time(struct json_out *o, const char *key, int64_t ms)
{
	char text[TIME_TEXT_MAX];

	json_add_text(o, key, ms > 0 && ms != SCHEDULE_NEVER ? time_format_iso(ms, text) : NULL);
}

static void add_seconds(struct json_out *o, const char *key, int64_t since_ms, int64_t now)
{
	if (since_ms > 0)
		json_add_int(o, key, now > since_ms ? (now - since_ms) / 1000 : 0);
	else
		json_add_null(o, key);
}

static void add_last(struct json_out *o, const struct runs_state *s)
{
	if (!s->last_end) {
		json_add_null(o, "last");
		return;
	}
	json_open(o, "last", '{');
	json_add_int(o, "run", s->last_id);
	add_time(o, "planned_at", s->last_planned_ms);
	add_time(o, "started_at", s->last_started_ms);
	add_time(o, "finished_at", s->last_finished_ms);
	json_add_text(o, "outcome", s->last_end);
	json_add_int(o, "status", s->last_status);
	json_add_int(o, "duration_ms", s->last_duration_ms);
	json_add_text(o, "detail", s->last_detail);
	json_close(o);
}

static int add_job(void *ctx, const struct runs_state *s, struct err *e)
{
	struct listing *l = ctx;
	struct json_out *o = &l->o;

	(void)e;
	json_open(o, NULL, '{');
	json_add_text(o, "name", s->name);
	json_add_text(o, "state", jobs_state(s, l->now));
	json_add_text(o, "schedule", s->schedule);
	json_add_text(o, "timezone", s->zone ? s->zone : "UTC");
	json_add_raw(o, "call", bytes_of(s->call));
	add_time(o, "last_success_at", s->last_success_ms);
	add_seconds(o, "last_success_age_s", s->last_success_ms, l->now);
	add_time(o, "next_at", s->next_ms);
	add_time(o, "running_since", s->running_since_ms);
	json_add_int(o, "failures_in_a_row", s->failures);
	add_last(o, s);
	json_close(o);
	return 0;
}

static int add_scheduler(struct request *q, struct listing *l, struct err *e)
{
	AUTO_JOBS_SCHEDULER struct jobs_scheduler s = { 0 };
	int r = jobs_look(q->db, l->now, &s, e);

	if (r < 0)
		return r;
	json_open(&l->o, "scheduler", '{');
	json_add_text(&l->o, "state", jobs_presence_word(s.presence));
	json_add_text(&l->o, "holder", s.is_held ? s.lease.holder : NULL);
	json_add_text(&l->o, "host", s.is_held ? s.lease.host : NULL);
	add_time(&l->o, "seen_at", s.seen_ms);
	add_seconds(&l->o, "seen_age_s", s.seen_ms, l->now);
	json_close(&l->o);
	return 0;
}

int api_jobs_list(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct listing l = { .o = json_out(&body), .now = time_now() };
	int r;

	json_open(&l.o, NULL, '{');
	r = add_scheduler(q, &l, e);
	json_open(&l.o, "jobs", '[');
	if (r == 0)
		r = runs_list(q->db, add_job, &l, e);
	json_close(&l.o);
	json_close(&l.o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}

static int add_run(void *ctx, const struct runs_run *run, struct err *e)
{
	struct json_out *o = ctx;

	(void)e;
	json_open(o, NULL, '{');
	json_add_int(o, "run", run->id);
	add_time(o, "planned_at", run->planned_ms);
	add_time(o, "started_at", run->started_ms);
	add_time(o, "finished_at", run->finished_ms);
	json_add_text(o, "outcome", run->end);
	json_add_int(o, "status", run->status);
	json_add_int(o, "duration_ms", run->duration_ms);
	add_time(o, "next_at", run->next_ms);
	json_add_text(o, "detail", run->detail);
	json_close(o);
	return 0;
}

static int number(struct request *q, const char *key, int64_t otherwise, int64_t max, int64_t *ret,
		  struct err *e)
{
	const char *text = http_query(q->in, key);

	*ret = otherwise;
	return text ? parse_int64(text, 1, max, ret, e) : 0;
}

int api_jobs_runs(struct request *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&body);
	struct runs_query query = { .job = q->params[0], .ctx = &o, .visit = add_run };
	int r = number(q, "limit", RUNS_DEFAULT, RUNS_MAX, &query.limit, e);

	if (r == 0)
		r = number(q, "before", INT64_MAX, INT64_MAX, &query.before_id, e);
	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_open(&o, "runs", '[');
	r = runs_of_job(q->db, &query, e);
	json_close(&o);
	json_close(&o);
	return r < 0 ? r : reply_json(q, 200, &body, e);
}
