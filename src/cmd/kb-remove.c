/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "kb/remove.h"

struct remove_args {
	struct kb_common common;
	bool dry_run, keep_raw, keep_empty, yes;
};

static const struct opt options[] = {
	OPT_FLAG('n', "dry-run", struct remove_args, dry_run, "say what would go, remove nothing"),
	OPT_FLAG(0, "keep-raw", struct remove_args, keep_raw, "leave the file in raw/"),
	OPT_FLAG(0, "keep-empty", struct remove_args, keep_empty,
		 "leave pages that no document feeds any more"),
	OPT_FLAG('y', "yes", struct remove_args, yes, "do not ask"),
	KB_OPTIONS(struct remove_args, common),
	OPT_END,
};

static void add_json(const struct kb_remove_report *r, bool dry_run, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "document", r->doc.doc_name);
	json_add_text(&o, "name", r->doc.name);
	json_add_bool(&o, "dry_run", dry_run);
	json_add_texts(&o, "deleted", &r->dropped);
	json_add_texts(&o, "modified", &r->written);
	json_add_texts(&o, "files", &r->files);
	json_add_texts(&o, "set_aside", &r->aside);
	json_close(&o);
}

static void add_lines(const char *tag, const struct strv *paths, const char *prefix,
		      struct buf *out)
{
	for (size_t i = 0; i < paths->n; i++) {
		buf_addf(out, "  %-8s %s", tag, prefix);
		kb_cmd_add_clean(out, paths->v[i]);
		buf_addc(out, '\n');
	}
}

static void add_text(const struct kb_remove_report *r, bool dry_run, struct buf *out)
{
	add_lines("DELETE", &r->files, "", out);
	add_lines("DELETE", &r->dropped, "wiki/", out);
	add_lines("MODIFY", &r->written, "wiki/", out);
	buf_addf(out, dry_run ? "%s would be removed; nothing was changed.\n" : "%s is removed.\n",
		 r->doc.doc_name);
}

static int remove_one(const struct remove_args *args, struct kb *kb, const char *document,
		      bool dry_run, struct buf *out, struct err *e)
{
	const struct kb_remove_options how = {
		.document = document,
		.keep_raw = args->keep_raw,
		.keep_empty = args->keep_empty,
		.dry_run = dry_run,
	};
	AUTO_KB_REMOVE_REPORT struct kb_remove_report report = { 0 };
	int r = kb_remove(kb, &how, &report, e);

	if (r < 0)
		return r;
	if (args->common.json)
		add_json(&report, dry_run, out);
	else
		add_text(&report, dry_run, out);
	for (size_t i = 0; i < report.aside.n; i++)
		cmd_warn("a page that was edited by hand %s kept as 'wiki/%s'",
			 dry_run ? "would be" : "is", report.aside.v[i]);
	return 0;
}

/* A person at a terminal sees first what would go. */
static int ask(const struct remove_args *args, struct kb *kb, const char *document, struct err *e)
{
	AUTO_BUF struct buf plan = BUF_INIT(BUF_OWN_MAX);
	int r;

	if (args->yes || args->dry_run || args->common.json || !isatty(STDIN_FILENO))
		return 0;
	r = remove_one(args, kb, document, true, &plan, e);
	if (r == 0)
		r = cmd_print(&plan, e);
	if (r == 0 && !kb_cmd_confirm("Remove it?"))
		r = err_set(e, ERR_CANCELLED, "nothing was removed");
	return r;
}

static int run(int argc, char **argv, struct err *e)
{
	struct remove_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_KB struct kb *kb = NULL;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&kb_cmd_remove, &operands, 1, 1, e);
	if (r == 0)
		r = kb_cmd_open(&args.common, false, &kb, e);
	if (r == 0)
		r = ask(&args, kb, operands.v[0], e);
	if (r == 0)
		r = remove_one(&args, kb, operands.v[0], args.dry_run, &out, e);
	return r < 0 ? r : kb_cmd_print(&args.common, &out, e);
}

const struct command kb_cmd_remove = {
	.name = "remove",
	.usage = "DOCUMENT [--dry-run] [--keep-raw] [--keep-empty] [--yes]",
	.summary = "take a document out again, with all that it gave to the wiki",
	.description =
		"DOCUMENT is its name, its file's name, or a part of either that only one has. Its "
		"files and its summary go, its part of other pages is taken out, and pages that it "
		"alone fed go too. A page that was edited by hand is kept in wiki/reports/.\n\n"
		"Exit: 0 removed; 1 there is no such document; 3 several have that name.",
	.examples = "larder kb remove policy --dry-run|what would go\n"
		    "larder kb remove policy.html --yes|without asking",
	.options = options,
	.run = run,
};
