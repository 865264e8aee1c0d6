/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "kb/recompile.h"

struct recompile_args {
	struct kb_common common;
	bool all, dry_run, extractive, yes, refresh_schema;
	int64_t jobs;
};

static const struct opt options[] = {
	OPT_FLAG('a', "all", struct recompile_args, all, "every document"),
	OPT_INT(0, "jobs", struct recompile_args, jobs, 1, KB_JOBS_MAX, "N",
		"documents prepared at once (one a processor; 8 with a model)"),
	OPT_FLAG('x', "extractive", struct recompile_args, extractive,
		 "without the model that is configured"),
	OPT_FLAG('n', "dry-run", struct recompile_args, dry_run, "say which, compile nothing"),
	OPT_FLAG(0, "refresh-schema", struct recompile_args, refresh_schema,
		 "AGENTS.md as it is written today; the old one stays as AGENTS.md.bak"),
	OPT_FLAG('y', "yes", struct recompile_args, yes, "do not ask before --all"),
	KB_OPTIONS(struct recompile_args, common),
	OPT_END,
};

static int check(const struct recompile_args *args, const struct strv *operands, struct err *e)
{
	if ((operands->n > 0) == args->all)
		return err_set(e, ERR_USAGE, "name a document, or say --all");
	if (args->all && !args->yes && !args->dry_run && !args->common.json &&
	    isatty(STDIN_FILENO) && !kb_cmd_confirm("Compile every document anew?"))
		return err_set(e, ERR_CANCELLED, "nothing was compiled");
	return 0;
}

static int run(int argc, char **argv, struct err *e)
{
	struct recompile_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_KB struct kb *kb = NULL;
	AUTO_KB_ADD_REPORT struct kb_add_report report = { 0 };
	struct kb_cmd_added show = { .common = &args.common, .verbose = true };
	struct kb_recompile_options how = { 0 };
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&kb_cmd_recompile, &operands, 0, 1, e);
	if (r == 0)
		r = check(&args, &operands, e);
	if (r == 0)
		r = kb_cmd_open(&args.common, false, &kb, e);
	if (r < 0)
		return r;
	how.document = operands.n > 0 ? operands.v[0] : NULL;
	how.jobs = args.jobs;
	how.dry_run = show.dry_run = args.dry_run;
	how.quiet = args.common.quiet || args.common.json;
	how.extractive = args.extractive;
	how.refresh_schema = args.refresh_schema;
	how.cancel = kb_cmd_cancel();
	r = kb_recompile(kb, &how, &report, e);
	return r < 0 ? r : kb_cmd_print_added(&show, kb, &report, e);
}

const struct command kb_cmd_recompile = {
	.name = "recompile",
	.usage = "DOCUMENT | --all [--dry-run] [--jobs N]",
	.summary = "compile documents anew from their sources in the wiki",
	.description =
		"From wiki/sources/ as it is there now, so a source that was corrected by hand "
		"counts. Each document is one transaction; pages that were edited by hand are "
		"merged, or kept in wiki/reports/.",
	.examples = "larder kb recompile policy|one document\n"
		    "larder kb recompile --all --jobs 4|all of them",
	.options = options,
	.run = run,
};
