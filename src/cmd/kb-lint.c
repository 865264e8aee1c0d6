/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "kb/lint.h"
#include "llm/llm.h"

#include <inttypes.h>

/* A call each; what is left comes with the next lint. */
#define PAIRS     50
#define PAIRS_MAX 4000

struct lint_args {
	struct kb_common common;
	bool fix, dry_run, extractive;
	int64_t pairs;
};

static const struct opt options[] = {
	OPT_FLAG(0, "fix", struct lint_args, fix, "put links right, take those to nothing away"),
	OPT_FLAG('n', "dry-run", struct lint_args, dry_run, "write no report, change nothing"),
	OPT_FLAG('x', "extractive", struct lint_args, extractive,
		 "ask no model, though one is configured"),
	OPT_INT(0, "pairs", struct lint_args, pairs, 0, PAIRS_MAX, "N",
		"ask a model about so many pairs of pages (50)"),
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
	json_add_int(&o, "judged", (int64_t)l->judged);
	json_add_int(&o, "judged_before", (int64_t)l->judged_before);
	json_add_int(&o, "unjudged", (int64_t)l->unjudged);
	kb_cmd_add_spent(&o, l->tokens_in, l->tokens_out, l->cost_micros);
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
	if (l->judged > 0)
		buf_addf(out,
			 "%zu pairs of pages were compared by the model, %" PRId64 " tokens.\n",
			 l->judged, l->tokens_in + l->tokens_out);
	if (l->report)
		buf_addf(out, "Report: wiki/%s\n", l->report);
}

/* Of the pairs that wait: of a run without a model nobody waits for one. */
static int judge_end(const struct kb_lint *l, bool asks)
{
	if (asks && l->why.code != 0)
		cmd_warn("%zu pairs of pages were not compared: %s", l->unjudged, l->why.msg);
	else if (asks && l->unjudged > 0)
		cmd_note("%zu pairs of pages wait for another lint", l->unjudged);
	if (l->n > 0)
		return CMD_REPORTED(ERR_FAILED);
	/* a budget is the user's own limit */
	return asks && l->why.code != 0 && l->why.code != ERR_LIMIT ? CMD_REPORTED(l->why.code) : 0;
}

static int run(int argc, char **argv, struct err *e)
{
	struct lint_args args = { .pairs = PAIRS };
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
	how.pairs = args.extractive || !llm_configured() ? 0 : args.pairs;
	how.quiet = args.common.quiet || args.common.json;
	how.cancel = kb_cmd_cancel();
	if (r == 0)
		r = kb_lint(kb, &how, &lint, e);
	if (r < 0)
		return r;
	if (args.common.json)
		add_json(&lint, args.dry_run, &out);
	else
		add_text(&lint, args.dry_run, &out);
	r = kb_cmd_print(&args.common, &out, e);
	return r < 0 ? r : judge_end(&lint, how.pairs > 0 && !how.dry_run);
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
		"When a model is configured it is asked about pairs of pages that share documents "
		"or links: what contradicts is told with a quote from each. Pages that have not "
		"changed are not asked about again.\n\n"
		"Exit: 0 nothing is wrong; 1 something is; 75 the model could not be reached.",
	.examples = "larder kb lint|all checks, with a report\n"
		    "larder kb lint --fix|and put right what can be\n"
		    "larder kb lint --pairs 500|compare more pages at once\n"
		    "larder kb lint --dry-run --json|for programs, without a report",
	.options = options,
	.run = run,
};
