/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "workspace/verify.h"

struct verify_args {
	bool json, quiet, repair;
	const char *workspace;
	int64_t jobs;
};

static const struct opt options[] = {
	OPT_FLAG('j', "json", struct verify_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct verify_args, quiet, "nothing but warnings"),
	OPT_FLAG(0, "repair", struct verify_args, repair, "fetch again what is damaged"),
	OPT_INT(0, "jobs", struct verify_args, jobs, 1, WORKSPACE_JOBS_MAX, "N",
		"files read at once"),
	OPT_TEXT('w', "workspace", struct verify_args, workspace, "DIR", "the workspace in DIR"),
	OPT_END,
};

static void add_findings(struct json_out *o, const char *key, const struct failures *found)
{
	json_open(o, key, '[');
	for (size_t i = 0; i < found->n; i++) {
		json_open(o, NULL, '{');
		json_add_text(o, "kind", found->v[i].stage);
		json_add_text(o, "name", found->v[i].table);
		json_add_text(o, "error", found->v[i].error.msg);
		json_close(o);
	}
	json_close(o);
}

static void add_json(const struct verify_report *report, const char *workspace, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "workspace", workspace);
	json_add_bool(&o, "clean", report->findings.n == 0);
	json_add_int(&o, "tables", (int64_t)report->tables);
	json_add_int(&o, "files", (int64_t)report->files);
	json_add_int(&o, "rules", (int64_t)report->rules);
	json_add_int(&o, "bytes", report->bytes);
	json_add_double(&o, "duration_s", (double)report->duration_ms / 1000);
	json_add_int(&o, "repaired", (int64_t)report->repaired);
	add_findings(&o, "findings", &report->findings);
	add_findings(&o, "errors", &report->repair_failures);
	json_close(&o);
	buf_addc(out, '\n');
}

static void add_text(const struct verify_report *report, struct buf *out)
{
	char size[FORMAT_SIZE_MAX];

	if (report->repaired)
		buf_addf(out, "Repaired: %zu.\n", report->repaired);
	buf_addf(out, "%s: %zu tables, %zu files, %s, %zu rule files, %.2f s\n",
		 report->findings.n ? "Damaged" : "All is as it should be", report->tables,
		 report->files, format_size(report->bytes, size), report->rules,
		 (double)report->duration_ms / 1000);
}

static void warn_all(const struct failures *found)
{
	for (size_t i = 0; i < found->n; i++) {
		const struct failure *f = &found->v[i];

		cmd_warn("%s%s%s%s: %s", f->stage, f->table ? " '" : "", f->table ? f->table : "",
			 f->table ? "'" : "", f->error.msg);
	}
}

static int report_all(const struct verify_args *args, const char *workspace,
		      const struct verify_report *report, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int r;

	if (args->json)
		add_json(report, workspace, &out);
	else if (!args->quiet)
		add_text(report, &out);
	r = cmd_print(&out, e);
	warn_all(&report->findings);
	warn_all(&report->repair_failures);
	if (r < 0)
		return r;
	return report->findings.n || report->repair_failures.n ? CMD_REPORTED(ERR_FAILED) : 0;
}

static int run(int argc, char **argv, struct err *e)
{
	struct verify_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_WORKSPACE struct workspace *ws = NULL;
	AUTO_VERIFY_REPORT struct verify_report report = { 0 };
	struct workspace_options where = { 0 };
	struct verify_options how = { 0 };
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&cmd_verify, &operands, 0, 0, e);
	if (r < 0)
		return r;
	where.path = args.workspace;
	how.jobs = (unsigned)args.jobs;
	how.repair = args.repair;
	how.quiet = args.quiet;
	r = workspace_open(&where, &ws, e);
	if (r == 0)
		r = verify_run(ws, &how, &report, e);
	return r < 0 ? r : report_all(&args, workspace_path(ws), &report, e);
}

const struct command cmd_verify = {
	.name = "verify",
	.usage = "[--repair] [--workspace DIR]",
	.summary = "read everything in the workspace and name what is damaged",
	.description =
		"Hashes every file of every table, follows every link, compares the rule files and "
		"the views, and looks for files that belong to nothing. With --repair what is "
		"damaged is fetched again and the check is made once more.\n\n"
		"Exit: 0 all is as it should be; 1 something is damaged.",
	.examples = "larder verify|check the workspace you are in\n"
		    "larder verify --repair|and mend it\n",
	.options = options,
	.run = run,
};
