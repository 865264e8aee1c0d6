/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "kb/watching.h"

struct watch_args {
	struct kb_common common;
	int64_t jobs, settle_ms;
	bool once, extractive;
};

/* A day: longer than anybody writes at one file without a pause. */
#define SETTLE_MAX_MS 86400000

static const struct opt options[] = {
	OPT_INT(0, "settle-ms", struct watch_args, settle_ms, 0, SETTLE_MAX_MS, "MS",
		"how long a file must not have changed (2000)"),
	OPT_INT(0, "jobs", struct watch_args, jobs, 1, KB_JOBS_MAX, "N",
		"documents prepared at once (one a processor; 8 with a model)"),
	OPT_FLAG('x', "extractive", struct watch_args, extractive,
		 "compile without the model that is configured"),
	OPT_FLAG(0, "once", struct watch_args, once, "end when everything is added"),
	KB_OPTIONS(struct watch_args, common),
	OPT_END,
};

struct telling {
	const struct watch_args *args;
	const struct kb *kb;
	bool failed;
};

/* One line, or one object a batch; what it knows already is not told. */
static int tell(void *ctx, const struct kb_add_report *report, struct err *e)
{
	struct telling *t = ctx;
	const struct kb_cmd_added show = { .common = &t->args->common, .verbose = true };
	int r;

	if (report->added + report->updated + report->failed == 0)
		return 0;
	t->failed = t->failed || report->failed > 0;
	r = kb_cmd_print_added(&show, t->kb, report, e);
	return r <= CMD_REPORTED_BASE ? 0 : r;
}

static int run(int argc, char **argv, struct err *e)
{
	struct watch_args args = { .settle_ms = KB_SETTLE_MS };
	AUTO_STRV struct strv folders = STRV_INIT;
	AUTO_KB struct kb *kb = NULL;
	struct telling telling = { .args = &args };
	struct kb_watch_options how = { .folders = &folders, .ctx = &telling, .added = tell };
	int r = opt_parse(options, &args, argc, argv, &folders, e);

	if (r == 0)
		r = kb_cmd_open(&args.common, false, &kb, e);
	if (r < 0)
		return r;
	telling.kb = kb;
	how.settle_ms = args.settle_ms;
	how.jobs = args.jobs;
	how.once = args.once;
	how.extractive = args.extractive;
	if (!args.common.quiet && !args.once)
		(void)fprintf(stderr, "larder: watching for documents of %s\n", kb_path(kb));
	r = kb_watch(kb, &how, e);
	if (r < 0)
		return r;
	return args.once && telling.failed ? CMD_REPORTED(ERR_FAILED) : 0;
}

const struct command kb_cmd_watch = {
	.name = "watch",
	.usage = "[DIR...] [--settle-ms MS] [--once]",
	.summary = "add documents as they appear in raw/, or in other folders",
	.description =
		"A file is added when it has not changed for two seconds. One that fails is left "
		"alone until it changes, also after a restart; one whose server could not be reached is "
		"tried again after a minute. Ends with SIGTERM or SIGINT.",
	.examples = "larder kb watch|what is put into raw/ is added\n"
		    "larder kb watch ~/papers --once|what is new there, then end",
	.options = options,
	.run = run,
};
