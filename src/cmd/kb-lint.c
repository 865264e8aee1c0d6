/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "kb/lint.h"

struct lint_args {
	struct kb_common common;
	bool fix, dry_run;
};

static const struct opt options[] = {
	OPT_FLAG(0, "fix", struct lint_args, fix, "put links right, take those to nothing away"),
	OPT_FLAG('n', "dry-run", struct lint_args, dry_run, "write no report, change nothing"),
	KB_OPTIONS(struct lint_args, common),
	OPT_END,
};

static void add_json(const struct kb_lint *l, bool dry_run, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_bool(&o, "clean", l->n == 0);
	json_add_bool(&o, "dry_run", dry_run);
	json_add_int(&o, "documents", (int64_t)l->documents);
	json_add_int(&o, "pages", (int64_t)l->pages);
	json_add_int(&o, "fixed", (int64_t)l->fixed);
	json_add_text(&o, "report", l->report);
	json_add_int(&o, "not_listed", (int64_t)l->more);
	json_open(&o, "findings", '[');
	for (size_t i = 0; i < l->n; i++) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "check", l->findings[i].check);
		json_add_text(&o, "page", l->findings[i].page);
		json_add_text(&o, "detail", l->findings[i].detail);
		json_close(&o);
	}
	json_close(&o);
	json_close(&o);
}

static void add_text(const struct kb_lint *l, bool dry_run, struct buf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		buf_addf(out, "%-14s ", l->findings[i].check);
		kb_cmd_add_clean(out, l->findings[i].page);
		buf_adds(out, ": ");
		kb_cmd_add_clean(out, l->findings[i].detail);
		buf_addc(out, '\n');
	}
	if (l->fixed > 0)
		buf_addf(out, "%zu pages %s put right.\n", l->fixed, dry_run ? "would be" : "were");
	buf_addf(out, "%zu findings in %zu pages and %zu documents.\n", l->n + l->more, l->pages,
		 l->documents);
	if (l->report)
		buf_addf(out, "Report: wiki/%s\n", l->report);
}

static int run(int argc, char **argv, struct err *e)
{
	struct lint_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_KB struct kb *kb = NULL;
	AUTO_KB_LINT struct kb_lint lint = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct kb_lint_options how = { 0 };
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&kb_cmd_lint, &operands, 0, 0, e);
	if (r == 0)
		r = kb_cmd_open(&args.common, false, &kb, e);
	how.fix = args.fix;
	how.dry_run = args.dry_run;
	if (r == 0)
		r = kb_lint(kb, &how, &lint, e);
	if (r < 0)
		return r;
	if (args.common.json)
		add_json(&lint, args.dry_run, &out);
	else
		add_text(&lint, args.dry_run, &out);
	r = kb_cmd_print(&args.common, &out, e);
	if (r < 0)
		return r;
	return lint.n > 0 ? CMD_REPORTED(ERR_FAILED) : 0;
}

const struct command kb_cmd_lint = {
	.name = "lint",
	.usage = "[--fix] [--dry-run] [--kb DIR]",
	.summary = "what is wrong with the wiki: links, citations, sources, index",
	.description =
		"Broken links, citations of sections that are not there, claims that the source "
		"does not say any more, pages nothing links to, files that are gone, changed or of "
		"no document, index lines, front matter. What people did to the pages is read first, "
		"so that search finds it. A report goes to wiki/reports/.\n\n"
		"Exit: 0 nothing is wrong; 1 something is.",
	.examples = "larder kb lint|all checks, with a report\n"
		    "larder kb lint --fix|and put right what can be\n"
		    "larder kb lint --dry-run --json|for programs, without a report",
	.options = options,
	.run = run,
};
