/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

#include "agents/reap.h"

struct reap_args {
	bool json, quiet;
	const char *home;
};

static const struct opt options[] = {
	OPT_FLAG('j', "json", struct reap_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct reap_args, quiet, "say nothing but warnings"),
	AGENT_HOME_OPTION(struct reap_args, home),
	OPT_END,
};

static const struct {
	const char *key;
	size_t offset;
} counts[] = {
	{ "looked_at", offsetof(struct reap_report, looked_at) },
	{ "alive", offsetof(struct reap_report, alive) },
	{ "unknown", offsetof(struct reap_report, unknown) },
	{ "supervised", offsetof(struct reap_report, supervised) },
	{ "taken_in", offsetof(struct reap_report, taken_in) },
	{ "taken_over", offsetof(struct reap_report, taken_over) },
	{ "mended", offsetof(struct reap_report, mended) },
	{ "removed", offsetof(struct reap_report, removed) },
	{ "forgotten", offsetof(struct reap_report, forgotten) },
};

static int64_t count_at(const struct reap_report *report, size_t i)
{
	return (int64_t) * (const size_t *)(const void *)((const char *)report + counts[i].offset);
}

static void as_json(const struct reap_report *report, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		json_add_int(&o, counts[i].key, count_at(report, i));
	json_open(&o, "reaped", '{');
	for (int i = AGENT_QUEUED; i < AGENT_STATUSES; i++)
		if (i != AGENT_RUNNING)
			json_add_int(&o, agent_status_word((enum agent_status)i),
				     (int64_t)report->reaped[i]);
	json_close(&o);
	json_add_texts(&o, "problems", &report->problems);
	json_close(&o);
	buf_addc(out, '\n');
}

static void as_text(const struct reap_report *report, struct buf *out)
{
	const char *comma = "";

	for (int i = AGENT_QUEUED; i < AGENT_STATUSES; i++) {
		if (report->reaped[i] == 0)
			continue;
		buf_addf(out, "%s%zu %s", comma, report->reaped[i],
			 agent_status_word((enum agent_status)i));
		comma = ", ";
	}
	if (!*comma)
		buf_adds(out, "nothing to reap");
	for (size_t i = 1; i < ARRAY_LEN(counts); i++)
		if (count_at(report, i) > 0)
			buf_addf(out, ", %lld %s", (long long)count_at(report, i), counts[i].key);
	buf_addc(out, '\n');
}

static int reap(struct agents *a, const struct reap_args *args, struct err *e)
{
	AUTO_REAP_REPORT struct reap_report report = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int r = reap_run(a, &report, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < report.problems.n; i++)
		cmd_warn("%s", report.problems.v[i]);
	if (args->json)
		as_json(&report, &out);
	else if (!args->quiet)
		as_text(&report, &out);
	r = cmd_print(&out, e);
	return r < 0 || report.problems.n == 0 ? r : CMD_REPORTED(ERR_FAILED);
}

static int run(int argc, char **argv, struct err *e)
{
	struct reap_args args = { 0 };
	struct agents_options where = { .create = true };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_reap, &operands, 0, 0, e);
	if (r < 0)
		return r;
	where.path = args.home;
	r = agents_open(&where, &a, e);
	return agent_result(r < 0 ? r : reap(a, &args, e), e);
}

const struct command agent_reap = {
	.name = "reap",
	.usage = "[--json] [--quiet] [--home DIR]",
	.summary = "find out what became of work that nobody watches",
	.description =
		"Work whose process has ended without a supervisor becomes blocked, completed or "
		"failed, by what it left: a question, its exit code, a report. Living work, and "
		"work of which nothing is known here, is left running. Folders that other tools "
		"made are taken in, and each status.json that says something else is mended.",
	.examples = "larder agent reap|after a crash, or by hand without the daemon",
	.options = options,
	.run = run,
};
