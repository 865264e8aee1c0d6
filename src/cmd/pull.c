/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "cmd/pull.h"

struct pull_args {
	bool json, quiet, verbose, dry_run, atomic;
	const char *workspace;
	int64_t jobs;
	int64_t wait;
};

static const struct opt options[] = {
	OPT_FLAG('j', "json", struct pull_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct pull_args, quiet, "nothing but warnings"),
	OPT_FLAG('v', "verbose", struct pull_args, verbose,
		 "name each table that changes, and what of it was fetched and reused"),
	OPT_FLAG('n', "dry-run", struct pull_args, dry_run, "say what would be done, do nothing"),
	OPT_FLAG(0, "atomic", struct pull_args, atomic, "switch all tables or none"),
	OPT_INT(0, "jobs", struct pull_args, jobs, 1, WORKSPACE_JOBS_MAX, "N", "transfers at once"),
	OPT_INT(0, "wait", struct pull_args, wait, 0, 3600, "S",
		"seconds to wait for another pull (30)"),
	OPT_TEXT('w', "workspace", struct pull_args, workspace, "DIR", "the workspace in DIR"),
	OPT_END,
};

static void add_steps(const struct pull_report *report, struct buf *out)
{
	char size[FORMAT_SIZE_MAX];
	char reused[FORMAT_SIZE_MAX];

	for (size_t i = 0; i < report->step_count; i++) {
		const struct pull_step *step = &report->steps[i];

		buf_addf(out, "%-7s %s: %s", plan_action_word(step->action), step->table,
			 step->reason);
		if (step->bytes)
			buf_addf(out, ", %s", format_size(step->bytes, size));
		if (step->bytes_fetched || step->bytes_reused)
			buf_addf(out, " (%s fetched, %s reused)",
				 format_size(step->bytes_fetched, size),
				 format_size(step->bytes_reused, reused));
		buf_addc(out, '\n');
	}
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

void pull_add_summary(const struct pull_report *report, struct buf *out)
{
	char size[FORMAT_SIZE_MAX];

	if (report->unchanged)
		buf_addf(out, "Nothing has changed");
	else
		buf_addf(out, "%zu updated, %zu removed, %s fetched", report->tables_updated,
			 report->tables_removed, format_size(report->bytes_fetched, size));
	if (report->bytes_from_mirror > 0)
		buf_addf(out, " (%s from the mirror)",
			 format_size(report->bytes_from_mirror, size));
	buf_adds(out, ": ");
	buf_addf(out, "%zu table%s, %zu rule%s, %lld request%s, %.2f s\n", report->parquets_total,
		 plural((int64_t)report->parquets_total), report->rules_count,
		 plural((int64_t)report->rules_count), (long long)report->requests,
		 plural(report->requests), (double)report->duration_ms / 1000);
	if (report->parquets_total == 0 && report->failures.n == 0)
		buf_adds(out, "The hub offers you no table: ask its admin for a grant.\n");
}

static void add_text(const struct pull_args *args, const struct pull_report *report,
		     struct buf *out)
{
	if (args->dry_run || args->verbose)
		add_steps(report, out);
	if (args->dry_run)
		buf_adds(out, "Nothing was changed.\n");
	else if (report->failures.n == 0 || !str_eq(report->failures.v[0].stage, "manifest"))
		pull_add_summary(report, out);
}

void pull_warn_all(const struct pull_report *report)
{
	for (size_t i = 0; i < report->warnings.n; i++)
		cmd_warn("%s", report->warnings.v[i]);
	for (size_t i = 0; i < report->views_blocked.n; i++)
		cmd_warn("no view '%s': there is an object of yours of that name",
			 report->views_blocked.v[i]);
	for (size_t i = 0; i < report->failures.n; i++) {
		const struct failure *f = &report->failures.v[i];

		cmd_warn("%s%s%s%s: %s", f->stage, f->table ? " '" : "", f->table ? f->table : "",
			 f->table ? "'" : "", f->error.msg);
		if (f->error.hint[0])
			cmd_warn("next: %s", f->error.hint);
	}
}

static int report_all(const struct pull_args *args, const char *workspace,
		      const struct pull_report *report, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int code = pull_report_code(report);
	int r;

	if (args->json) {
		pull_report_json(report, workspace, &out);
		buf_addc(&out, '\n');
	} else if (!args->quiet) {
		add_text(args, report, &out);
	}
	r = cmd_print(&out, e);
	pull_warn_all(report);
	if (r < 0)
		return r;
	return code ? CMD_REPORTED(code) : 0;
}

static int run(int argc, char **argv, struct err *e)
{
	struct pull_args args = { .wait = PULL_WAIT_MS / 1000 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_WORKSPACE struct workspace *ws = NULL;
	AUTO_PULL_REPORT struct pull_report report = { 0 };
	AUTO_HTTP struct http_client *http = NULL;
	struct workspace_options where = { 0 };
	struct pull_options how = { 0 };
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&cmd_pull, &operands, 0, 0, e);
	if (r < 0)
		return r;
	where.path = args.workspace;
	where.read_only = args.dry_run;
	how.jobs = (unsigned)args.jobs;
	how.wait_ms = args.wait * 1000;
	how.dry_run = args.dry_run;
	how.atomic = args.atomic;
	how.quiet = args.quiet;
	/* the longest of all that has to be done before the hub is asked */
	http = http_client_new(&(struct http_client_options){ .load_ahead = true });
	r = workspace_open(&where, &ws, e);
	if (r < 0)
		return r;
	how.http = TAKE(http);
	r = pull_run(ws, &how, &report, e);
	return r < 0 ? r : report_all(&args, workspace_path(ws), &report, e);
}

const struct command cmd_pull = {
	.name = "pull",
	.usage = "[--dry-run] [--atomic] [--jobs N] [--workspace DIR]",
	.summary = "bring tables, views and rules up to date with the hub",
	.description =
		"Asks the hub what it offers you, fetches what is new or changed, checks every byte, "
		"and switches the tables. What is new appears at once; replacements and removals "
		"switch together at the end. A table that fails keeps what it had, the others go "
		"on. A transfer that was cut is resumed by the next pull.\n\n"
		"Exit: 0 done; 1 something failed; 4 the token was refused; 75 the hub cannot be "
		"reached, or another pull is running.",
	.examples = "larder pull|the workspace you are in\n"
		    "larder pull --dry-run|what would be fetched, and why\n"
		    "larder pull --quiet --wait 0|from a hook: no output, no waiting\n",
	.options = options,
	.run = run,
};
