/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics: the hub in numbers, in the text format of Prometheus (exposition formats, 0.0.4). */
#include "hub/api.h"

#include "engine/schedule.h"
#include "hub/health.h"
#include <inttypes.h>

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

static void add_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_number(struct buf *out, const char *name, const char *type, const char *help,
		       int64_t value)
{
	add_head(out, name, type, help);
	buf_addf(out, "%s %" PRId64 "\n", name, value);
}

static void add_process(struct buf *out, struct request *q)
{
	struct http_server_stats s = { 0 };

	http_stats(q->in, &s);
	add_head(out, "larder_info", "gauge", "The version of the hub.");
	buf_adds(out, "larder_info{version=\"" LARDER_VERSION "\"} 1\n");
	add_number(out, "larder_uptime_seconds", "gauge", "Since the hub was started.",
		   hub_uptime_ms(q->hub) / 1000);
	add_number(out, "larder_http_requests_total", "counter", "Requests taken.", s.requests);
	add_number(out, "larder_http_sent_bytes_total", "counter", "Bytes of replies sent.",
		   s.bytes_sent);
	add_number(out, "larder_http_dropped_slow_total", "counter",
		   "Connections cut because their peer was too slow.", s.dropped_slow);
	add_number(out, "larder_http_connections", "gauge", "Open connections.", s.connections_now);
}

static void add_state(struct buf *out, const struct health *h)
{
	add_number(out, "larder_writable", "gauge", "1 when the last write succeeded.",
		   h->write.code == 0);
	add_number(out, "larder_disk_free_bytes", "gauge", "Free on the disk with the data.",
		   h->disk_free);
	add_number(out, "larder_database_bytes", "gauge", "Size of the state database.",
		   h->database_bytes);
	add_number(out, "larder_tables", "gauge", "Tables in the registry.", h->tables);
	add_number(out, "larder_tables_stale", "gauge", "Tables not replaced for a day.",
		   h->stale_tables);
	add_number(out, "larder_table_rows", "gauge", "Rows in all current versions.", h->rows);
	add_number(out, "larder_table_bytes", "gauge", "Bytes of all current versions.",
		   h->table_bytes);
	add_number(out, "larder_scheduler_active", "gauge", "1 when a scheduler asks for work.",
		   h->scheduler.presence == JOBS_ACTIVE);
	add_number(out, "larder_scheduler_last_question_timestamp_seconds", "gauge",
		   "When a scheduler last asked for work; 0: never.", h->scheduler.seen_ms / 1000);
}

/* One series for each job; the columns of one metric stand together. */
struct series {
	struct buf running, overdue, success, next, failures, duration;
	int64_t now;
};

static void series_release(struct series *s)
{
	buf_release(&s->running);
	buf_release(&s->overdue);
	buf_release(&s->success);
	buf_release(&s->next);
	buf_release(&s->failures);
	buf_release(&s->duration);
}

static void add_job(struct buf *out, const char *metric, const char *job, int64_t value)
{
	buf_addf(out, "%s{job_name=\"%s\"} %" PRId64 "\n", metric, job, value);
}

static int add_series(void *ctx, const struct runs_state *state, struct err *e)
{
	struct series *s = ctx;
	const char *word = jobs_state(state, s->now);

	(void)e;
	add_job(&s->running, "larder_job_running", state->name, state->running_id > 0);
	add_job(&s->overdue, "larder_job_overdue", state->name, str_eq(word, "overdue"));
	add_job(&s->success, "larder_job_last_success_timestamp_seconds", state->name,
		state->last_success_ms / 1000);
	add_job(&s->failures, "larder_job_failures_in_a_row", state->name, state->failures);
	if (state->next_ms != SCHEDULE_NEVER)
		add_job(&s->next, "larder_job_next_timestamp_seconds", state->name,
			state->next_ms / 1000);
	if (state->last_end && state->last_duration_ms >= 0)
		buf_addf(&s->duration, "larder_job_last_duration_seconds{job_name=\"%s\"} %.3f\n",
			 state->name, (double)state->last_duration_ms / 1000);
	return 0;
}

static void add_block(struct buf *out, const char *name, const char *help, const struct buf *rows)
{
	if (rows->n == 0)
		return;
	add_head(out, name, "gauge", help);
	buf_add(out, rows->p, rows->n);
}

static int add_jobs(struct buf *out, struct request *q, int64_t now, struct err *e)
{
	AUTO(series_release)
	struct series s = {
		.now = now,
		.running.max = BUF_OWN_MAX,
		.overdue.max = BUF_OWN_MAX,
		.success.max = BUF_OWN_MAX,
		.next.max = BUF_OWN_MAX,
		.failures.max = BUF_OWN_MAX,
		.duration.max = BUF_OWN_MAX,
	};
	int r = runs_list(q->db, add_series, &s, e);

	add_block(out, "larder_job_running", "1 while a run is at work.", &s.running);
	add_block(out, "larder_job_overdue", "1 when its time has come and nobody called it.",
		  &s.overdue);
	add_block(out, "larder_job_last_success_timestamp_seconds",
		  "When it last succeeded; 0: never.", &s.success);
	add_block(out, "larder_job_next_timestamp_seconds", "When it comes next.", &s.next);
	add_block(out, "larder_job_failures_in_a_row", "Runs since the last success.", &s.failures);
	add_block(out, "larder_job_last_duration_seconds", "How long its last run took.",
		  &s.duration);
	return r;
}

int api_metrics(struct request *q, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_HEALTH struct health h = { 0 };
	int r = health_take(q->hub, q->db, &h, e);

	if (r < 0)
		return r;
	add_process(&out, q);
	add_state(&out, &h);
	r = add_jobs(&out, q, h.now, e);
	if (r < 0)
		return r;
	http_reply_add(q->in, "Cache-Control", "no-store");
	http_reply_bytes(q->in, 200, METRICS_TYPE, buf_bytes(&out));
	return 0;
}
