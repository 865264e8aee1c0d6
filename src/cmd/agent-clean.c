/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

#include "agents/clean.h"

struct clean_args {
	bool json, quiet, dry_run;
	const char *home, *older;
};

static const struct opt options[] = {
	OPT_FLAG('n', "dry-run", struct clean_args, dry_run, "say what would go, remove nothing"),
	OPT_TEXT(0, "older", struct clean_args, older, "TIME", "only what ended so long ago"),
	OPT_FLAG('j', "json", struct clean_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct clean_args, quiet, "say nothing but errors"),
	AGENT_HOME_OPTION(struct clean_args, home),
	OPT_END,
};

static int tell(const struct clean_args *args, const struct clean_report *report, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&out);

	if (args->json) {
		json_open(&o, NULL, '{');
		json_add_bool(&o, "dry_run", args->dry_run);
		json_add_texts(&o, "removed", &report->removed);
		json_add_texts(&o, "kept", &report->kept);
		json_close(&o);
		buf_addc(&out, '\n');
	} else if (!args->quiet) {
		for (size_t i = 0; i < report->removed.n; i++)
			buf_addf(&out, "%s  %s\n", args->dry_run ? "would go" : "removed ",
				 report->removed.v[i]);
		for (size_t i = 0; i < report->kept.n; i++)
			buf_addf(&out, "kept      %s\n", report->kept.v[i]);
	}
	return cmd_print(&out, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct clean_args args = { 0 };
	struct agents_options where = { 0 };
	struct clean_options how = { 0 };
	AUTO_CLEAN_REPORT struct clean_report report = { 0 };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv names = STRV_INIT;
	int64_t seconds = 0;
	int r = opt_parse(options, &args, argc, argv, &names, e);

	if (r == 0 && args.older)
		r = parse_duration(args.older, &seconds, e);
	if (r < 0)
		return r;
	where.path = args.home;
	r = agents_open(&where, &a, e);
	how.names = &names;
	how.dry_run = args.dry_run;
	how.older_than_ms = seconds * 1000;
	if (r == 0)
		r = clean_run(a, &how, &report, e);
	return agent_result(r < 0 ? r : tell(&args, &report, e), e);
}

const struct command agent_clean = {
	.name = "clean",
	.usage = "[--dry-run] [--older TIME] [--json] [--home DIR] [WORKSPACE...]",
	.summary = "remove the folders of work that ended and was captured",
	.description =
		"A folder goes only when its record is in the outbox or at the hub, with its "
		"report. Work that waits for an answer is kept unless it is named. What was "
		"done stays in `larder agent stats` and `larder agent list --all`.",
	.examples = "larder agent clean --dry-run|what would go\n"
		    "larder agent clean --older 7d|what ended a week ago",
	.options = options,
	.run = run,
};
