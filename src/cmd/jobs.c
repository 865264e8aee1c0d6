/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "base/time.h"
#include "cmd/remote.h"
#include <inttypes.h>

struct jobs_args {
	struct remote_args remote;
	bool check;
};

static const struct opt options[] = {
	OPT_FLAG(0, "check", struct jobs_args, check,
		 "exit 1 when the scheduler or a job is not well"),
	REMOTE_OPTIONS(struct jobs_args, remote),
	OPT_END,
};

/* "3 min ago", or "-" for null. */
static void add_ago(struct json_out *o, const char *key, const struct json *time)
{
	char text[TIME_TEXT_MAX];
	struct err ignored = { 0 };
	int64_t ms = 0;

	if (json_text(time) && time_parse_iso(json_text(time), &ms, &ignored) == 0)
		json_add_text(o, key, time_format_ago(ms, text));
	else
		json_add_null(o, key);
}

static void add_row(struct json_out *o, const struct json *job)
{
	const struct json *last = json_get(job, "last");
	int64_t ms = json_int(json_get(last, "duration_ms"), -1);
	AUTO_FREE char *took = ms < 0 ? NULL : xasprintf("%.1f s", (double)ms / 1000);
	const char *next = json_text(json_get(job, "next_at"));
	AUTO_FREE char *minute = next ? xasprintf("%.16sZ", next) : NULL;

	json_open(o, NULL, '{');
	json_add_text(o, "name", json_text(json_get(job, "name")));
	json_add_text(o, "state", json_text(json_get(job, "state")));
	json_add_text(o, "schedule", json_text(json_get(job, "schedule")));
	add_ago(o, "success", json_get(job, "last_success_at"));
	json_add_text(o, "next", minute);
	json_add_text(o, "outcome", json_text(json_get(last, "outcome")));
	json_add_text(o, "took", took);
	json_add_text(o, "detail", json_text(json_get(last, "detail")));
	json_close(o);
}

static void add_scheduler(struct buf *out, const struct json *s)
{
	const char *state = json_text(json_get(s, "state"));
	const char *holder = json_text(json_get(s, "holder"));
	const char *host = json_text(json_get(s, "host"));

	buf_addf(out, "scheduler %s", state ? state : "-");
	if (holder) {
		buf_adds(out, ": ");
		text_add_clean(out, bytes_of(holder));
		buf_adds(out, " on ");
		text_add_clean(out, bytes_of(host));
	}
	if (json_kind(json_get(s, "seen_age_s")) == JSON_INT)
		buf_addf(out, ", last question %" PRId64 " s ago",
			 json_int(json_get(s, "seen_age_s"), 0));
	buf_addc(out, '\n');
}

static int print(const struct jobs_args *args, const struct json *reply, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "JOB", "name" },        { "STATE", "state" },   { "SCHEDULE", "schedule" },
		{ "SUCCESS", "success" }, { "NEXT", "next" },     { "OUTCOME", "outcome" },
		{ "TOOK", "took" },       { "DETAIL", "detail" }, { 0 },
	};
	const struct json *jobs = json_get(reply, "jobs");
	AUTO_BUF struct buf head = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf rows = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *doc = NULL;
	struct json_out o = json_out(&rows);
	int r;

	if (args->remote.json)
		return remote_print_list(&args->remote, reply, "jobs", columns, e);
	json_open(&o, NULL, '[');
	for (size_t i = 0; i < json_size(jobs); i++)
		add_row(&o, json_at(jobs, i));
	json_close(&o);
	add_scheduler(&head, json_get(reply, "scheduler"));
	r = json_parse(buf_bytes(&rows), BUF_OWN_MAX, &doc, e);
	if (r == 0)
		r = cmd_print(&head, e);
	return r < 0 ? r : remote_print_list(&args->remote, doc, NULL, columns, e);
}

static bool all_is_well(const struct json *reply)
{
	const struct json *jobs = json_get(reply, "jobs");
	bool well = str_eq(json_text(json_get(json_get(reply, "scheduler"), "state")), "active");

	for (size_t i = 0; i < json_size(jobs); i++) {
		const char *state = json_text(json_get(json_at(jobs, i), "state"));

		well &= !str_eq(state, "overdue") && !str_eq(state, "failing");
	}
	return well;
}

static int run(int argc, char **argv, struct err *e)
{
	struct jobs_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&cmd_jobs, &operands, 0, 0, e);
	if (r == 0)
		r = remote_ask_once(&args.remote, &(struct remote_call){ "GET", "/api/admin/jobs" },
				    &reply, e);
	if (r == 0)
		r = print(&args, reply, e);
	if (r == 0 && args.check && !all_is_well(reply))
		return CMD_REPORTED(ERR_FAILED);
	return r;
}

const struct command cmd_jobs = {
	.name = "jobs",
	.usage = "[--check]",
	.summary = "how the hub's jobs do, and whether a scheduler is there",
	.description =
		"For each job when it last succeeded, how its last run ended and how long it took, and "
		"when it comes next. States: ok, running, waiting (has not run yet), failing (the last "
		"run did not succeed), overdue (its time has come and no scheduler called it). The "
		"scheduler is active, silent (was here and asks no more) or never (none has been here).",
	.examples = "larder jobs|for people\n"
		    "larder jobs --json|for programs\n"
		    "larder jobs --check|for a watchdog: exit 1 when something is wrong",
	.options = options,
	.run = run,
};
