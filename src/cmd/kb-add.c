/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "kb/add.h"

struct add_args {
	struct kb_common common;
	bool dry_run, extractive, verbose;
	int64_t jobs;
};

static const struct opt options[] = {
	OPT_INT(0, "jobs", struct add_args, jobs, 1, KB_JOBS_MAX, "N",
		"documents prepared at once (one a processor; 8 with a model)"),
	OPT_FLAG('x', "extractive", struct add_args, extractive,
		 "compile without the model that is configured"),
	OPT_FLAG('n', "dry-run", struct add_args, dry_run, "say what would be added, add nothing"),
	OPT_FLAG('v', "verbose", struct add_args, verbose, "name each document, also known ones"),
	KB_OPTIONS(struct add_args, common),
	OPT_END,
};

static void add_item_json(const struct kb_add_item *item, bool dry_run, struct json_out *o)
{
	bool pending = item->outcome == KB_PENDING;

	json_open(o, NULL, '{');
	json_add_text(o, "input", item->input);
	json_add_text(o, "outcome",
		      pending ? dry_run ? "would_add" : "not_reached"
			      : kb_add_outcome_word(item->outcome));
	json_add_text(o, "document", item->doc_name);
	if (item->outcome == KB_FAILED) {
		json_add_text(o, "stage", item->stage);
		json_add_text(o, "class", err_word(item->error.code));
	}
	json_add_text(o, "reason", item->error.msg[0] ? item->error.msg : NULL);
	json_add_texts(o, "notes", &item->notes);
	json_add_int(o, "duration_ms", item->ms);
	kb_cmd_add_spent(o, item->tokens_in, item->tokens_out, item->cost_micros);
	json_close(o);
}

static void add_json(const struct kb *kb, const struct kb_add_report *r, bool dry_run,
		     struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "kb", kb_path(kb));
	json_add_bool(&o, "dry_run", dry_run);
	json_add_int(&o, "added", (int64_t)r->added);
	json_add_int(&o, "updated", (int64_t)r->updated);
	json_add_int(&o, "skipped", (int64_t)r->skipped);
	json_add_int(&o, "failed", (int64_t)r->failed);
	json_add_int(&o, "duration_ms", r->duration_ms);
	kb_cmd_add_spent(&o, r->tokens_in, r->tokens_out, r->cost_micros);
	json_open(&o, "documents", '[');
	for (size_t i = 0; i < r->n; i++)
		add_item_json(&r->items[i], dry_run, &o);
	json_close(&o);
	json_close(&o);
}

static void add_text(const struct kb_cmd_added *how, const struct kb_add_report *r, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct kb_add_item *item = &r->items[i];
		bool pending = item->outcome == KB_PENDING;

		if (item->outcome == KB_FAILED ||
		    (item->outcome == KB_SKIPPED && !how->verbose && !how->dry_run && r->n > 10))
			continue;
		buf_addf(out, "%-8s ",
			 pending ? how->dry_run ? "would" : "not yet"
				 : kb_add_outcome_word(item->outcome));
		kb_cmd_add_clean(out, item->input);
		if (item->doc_name && item->outcome != KB_SKIPPED)
			buf_addf(out, " as %s", item->doc_name);
		if (item->error.msg[0]) {
			buf_adds(out, ": ");
			kb_cmd_add_clean(out, item->error.msg);
		}
		buf_addc(out, '\n');
	}
	if (how->dry_run) {
		buf_adds(out, "Nothing was changed.\n");
		return;
	}
	buf_addf(out, "%zu added, %zu updated, %zu skipped, %zu failed, %.2f s", r->added,
		 r->updated, r->skipped, r->failed, (double)r->duration_ms / 1000);
	if (r->tokens_in + r->tokens_out > 0)
		buf_addf(out, ", %lld tokens in, %lld out, cost %.4f", (long long)r->tokens_in,
			 (long long)r->tokens_out, (double)r->cost_micros / 1e6);
	buf_addc(out, '\n');
}

static void warn(const struct kb_add_report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct kb_add_item *item = &r->items[i];

		for (size_t k = 0; k < item->notes.n; k++)
			cmd_warn("'%s': %s", item->input, item->notes.v[k]);
		if (item->outcome != KB_FAILED)
			continue;
		cmd_warn("'%s' was not added (%s): %s", item->input, item->stage, item->error.msg);
		if (item->error.hint[0])
			cmd_warn("next: %s", item->error.hint);
	}
}

/* Of several failures the one that says most: a person's before the disk's before "later". */
static int code_of(const struct kb_add_report *r)
{
	int code = 0;

	for (size_t i = 0; i < r->n; i++) {
		int of = r->items[i].outcome == KB_FAILED ? r->items[i].error.code : 0;

		if (of == ERR_USAGE)
			of = ERR_FAILED; /* the document's fault, not the command line's */
		if (of &&
		    (!code || (err_is_passing(code) && !err_is_passing(of)) || of == ERR_CONFLICT))
			code = of;
	}
	return code;
}

int kb_cmd_print_added(const struct kb_cmd_added *how, const struct kb *kb,
		       const struct kb_add_report *report, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int code = code_of(report);
	int r;

	if (how->common->json)
		add_json(kb, report, how->dry_run, &out);
	else
		add_text(how, report, &out);
	warn(report);
	r = kb_cmd_print(how->common, &out, e);
	if (r < 0)
		return r;
	return code ? CMD_REPORTED(code) : 0;
}

static int run(int argc, char **argv, struct err *e)
{
	struct add_args args = { 0 };
	AUTO_STRV struct strv inputs = STRV_INIT;
	AUTO_KB struct kb *kb = NULL;
	AUTO_KB_ADD_REPORT struct kb_add_report report = { 0 };
	struct kb_add_options how = { .inputs = &inputs };
	struct kb_cmd_added show = { .common = &args.common };
	struct err why = { 0 };
	int r = opt_parse(options, &args, argc, argv, &inputs, e);

	if (r == 0)
		r = cmd_operands(&kb_cmd_add, &inputs, 1, SIZE_MAX, e);
	if (r == 0)
		r = kb_cmd_open(&args.common, false, &kb, e);
	if (r < 0)
		return r;
	how.jobs = args.jobs;
	how.dry_run = args.dry_run;
	how.extractive = args.extractive;
	how.quiet = args.common.quiet || args.common.json;
	how.cancel = kb_cmd_cancel();
	show.verbose = args.verbose;
	show.dry_run = args.dry_run;
	r = kb_add(kb, &how, &report, &why);
	if (r < 0)
		*e = why;
	if (r < 0 && report.n == 0)
		return r;
	/* what ended the batch is said after what came of it */
	return r < 0 ? kb_cmd_print_added(&show, kb, &report, &(struct err){ 0 }),
	       r     : kb_cmd_print_added(&show, kb, &report, e);
}

const struct command kb_cmd_add = {
	.name = "add",
	.usage = "[--jobs N] [--dry-run] PATH|URL...",
	.summary = "add documents: files, folders, URLs",
	.description =
		"Each document is copied to raw/, converted to Markdown in wiki/sources/, and "
		"compiled: a summary, and its part of concept and entity pages. A document that is "
		"there with the same content is skipped; one that has changed is updated in place. "
		"Of a folder every document that can be converted is taken, in the order of names.\n\n"
		"Killed anywhere, each document is in the wiki whole or not at all; say it again to "
		"go on. Exit: 0 all is there; 1 a document failed; 3 a file is in the way; 75 a URL "
		"could not be reached.",
	.examples = "larder kb add report.md|one document\n"
		    "larder kb add papers/ --jobs 4|a folder, four at a time\n"
		    "larder kb add https://example.org/guide.html|a page of the web\n"
		    "larder kb add papers/ --dry-run|what is new there",
	.options = options,
	.run = run,
};
