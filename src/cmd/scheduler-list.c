/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/scheduler.h"

#include "base/time.h"
#include "cmd/remote.h"
#include "engine/schedule.h"
#include "engine/zone.h"

#define TIMES 3

static int add_times(struct json_out *o, const struct clock_job *job, int64_t grace_s, int64_t now,
		     struct err *e)
{
	AUTO_ZONE struct zone *zone = NULL;
	struct schedule s;
	int64_t anchor = 0, at = now;
	int r = clock_first_in(job, grace_s, 0, &anchor, e);

	if (r == 0)
		r = zone_open(job->zone, &zone, e);
	if (r == 0)
		r = schedule_parse(job->schedule, zone, &s, e);
	json_open(o, "next", '[');
	for (int i = 0; r == 0 && i < TIMES; i++) {
		char text[TIME_TEXT_MAX];

		at = schedule_next(&s, now + anchor, at);
		if (at == SCHEDULE_NEVER)
			break;
		json_add_text(o, NULL, time_format_iso(at, text));
	}
	json_close(o);
	return r < 0 ? err_in(e, "job '%s'", job->name) : 0;
}

static int add_job(struct json_out *o, const struct clock_job *job, int64_t grace_s, int64_t now,
		   struct err *e)
{
	AUTO_FREE char *call = xasprintf("%s %s", job->method, job->path);
	int r;

	json_open(o, NULL, '{');
	json_add_text(o, "name", job->name);
	json_add_bool(o, "enabled", !job->disabled);
	json_add_text(o, "schedule", job->schedule);
	json_add_text(o, "timezone", job->zone ? job->zone : "UTC");
	json_add_text(o, "call", call);
	json_add_int(o, "timeout_s", job->timeout_s);
	json_add_int(o, "jitter_s", job->jitter_s);
	r = add_times(o, job, grace_s, now, e);
	json_close(o);
	return r;
}

int scheduler_list(const struct clock_table *table, bool json, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "JOB", "name" },          { "ON", "enabled" },
		{ "SCHEDULE", "schedule" }, { "ZONE", "timezone" },
		{ "CALL", "call" },         { "TIMEOUT", "timeout_s" },
		{ "NEXT TIMES", "next" },   { 0 },
	};
	const struct remote_args args = { .json = json };
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *doc = NULL;
	struct json_out o = json_out(&text);
	int64_t now = time_now();
	int r = 0;

	json_open(&o, NULL, '{');
	json_add_int(&o, "grace_s", table->grace_s);
	json_open(&o, "jobs", '[');
	for (size_t i = 0; r == 0 && i < table->n; i++)
		r = add_job(&o, &table->v[i], table->grace_s, now, e);
	json_close(&o);
	json_close(&o);
	if (r == 0)
		r = json_parse(buf_bytes(&text), BUF_OWN_MAX, &doc, e);
	return r < 0 ? r : remote_print_list(&args, doc, "jobs", columns, e);
}
