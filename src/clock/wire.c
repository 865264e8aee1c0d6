/* SPDX-License-Identifier: Apache-2.0 */
#include "clock/wire.h"

#include "base/hash.h"

/* A run of an hour is waited for; so is a scheduler that was told to wait longer than that. */
#define WAIT_MAX_MS ((int64_t)3600 * 1000)

/* The text of a call, as it is kept with the job: {"method", "path", "timeout_s"}. */
static void clock_add_call(struct json_out *out, const char *key, const struct clock_job *job)
{
	json_open(out, key, '{');
	json_add_text(out, "method", job->method);
	json_add_text(out, "path", job->path);
	json_add_int(out, "timeout_s", job->timeout_s);
	json_close(out);
}

int clock_add_jobs(struct json_out *out, const struct clock_table *table, struct err *e)
{
	json_open(out, "jobs", '[');
	for (size_t i = 0; i < table->n; i++) {
		const struct clock_job *job = &table->v[i];
		int64_t first = 0;
		uint32_t random;

		if (job->disabled)
			continue;
		random_bytes(&random, sizeof(random));
		if (clock_first_in(job, table->grace_s, random, &first, e) < 0)
			return err_in(e, "job '%s'", job->name);
		json_open(out, NULL, '{');
		json_add_text(out, "name", job->name);
		json_add_text(out, "schedule", job->schedule);
		json_add_text(out, "timezone", job->zone);
		json_add_int(out, "first_in_ms", first);
		clock_add_call(out, "call", job);
		json_close(out);
	}
	json_close(out);
	return 0;
}

static int refuse(const char *what, struct err *e)
{
	(void)err_set(e, ERR_REMOTE, "the hub's answer has no %s", what);
	return err_hint(e, "is this a Larder hub of this version?");
}

int clock_read_answer(const struct json *reply, struct clock_answer *ret_answer, struct err *e)
{
	struct clock_answer a = {
		.leader = json_flag(json_get(reply, "leader"), false),
		.token = json_text(json_get(reply, "token")),
		.holder = json_text(json_get(reply, "holder")),
		.wait_ms = json_int(json_get(reply, "wait_ms"), -1),
		.runs = json_get(reply, "runs"),
		.unavailable = json_get(reply, "unavailable"),
	};

	if (json_kind(json_get(reply, "leader")) != JSON_BOOL || a.wait_ms < 0)
		return refuse("lease and time", e);
	if (a.leader && !a.token)
		return refuse("token", e);
	if (a.wait_ms > WAIT_MAX_MS)
		a.wait_ms = WAIT_MAX_MS;
	*ret_answer = a;
	return 0;
}

int clock_read_run(const struct json *element, struct clock_run *ret_run, struct err *e)
{
	const struct json *call = json_get(element, "call");
	struct clock_run run = {
		.id = json_int(json_get(element, "id"), 0),
		.job = json_text(json_get(element, "job")),
		.method = json_text(json_get(call, "method")),
		.path = json_text(json_get(call, "path")),
		.timeout_s = json_int(json_get(call, "timeout_s"), 0),
	};

	if (run.id <= 0 || !run.job || !run.method || !run.path || run.path[0] != '/' ||
	    run.timeout_s < 1 || run.timeout_s > CLOCK_TIMEOUT_MAX_S)
		return refuse("run that can be called", e);
	*ret_run = run;
	return 0;
}
