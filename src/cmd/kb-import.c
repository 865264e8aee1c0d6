/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "kb/import.h"

struct import_args {
	bool json, quiet, dry_run;
};

static const struct opt options[] = {
	OPT_FLAG('n', "dry-run", struct import_args, dry_run,
		 "say what is there, take nothing over"),
	OPT_FLAG('j', "json", struct import_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct import_args, quiet, "nothing but warnings"),
	OPT_END,
};

static void add_json(const char *path, const struct kb_import_report *r, bool dry_run,
		     struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "kb", path);
	json_add_bool(&o, "dry_run", dry_run);
	json_add_int(&o, "documents", (int64_t)r->documents);
	json_add_int(&o, "known", (int64_t)r->known);
	json_add_int(&o, "pages", (int64_t)r->pages);
	json_add_texts(&o, "problems", &r->problems);
	json_close(&o);
}

static int run(int argc, char **argv, struct err *e)
{
	struct import_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_KB_IMPORT_REPORT struct kb_import_report report = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct kb_common common = { 0 };
	const char *path;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&kb_cmd_import, &operands, 0, 1, e);
	path = operands.n > 0 ? operands.v[0] : ".";
	if (r == 0)
		r = kb_import(path, args.dry_run, &report, e);
	if (r < 0)
		return r;
	common = (struct kb_common){ .json = args.json, .quiet = args.quiet };
	if (args.json)
		add_json(path, &report, args.dry_run, &out);
	else
		buf_addf(&out, "%zu documents and %zu pages %s; %zu documents were known.\n",
			 report.documents, report.pages,
			 args.dry_run ? "are there" : "are taken over", report.known);
	for (size_t i = 0; i < report.problems.n; i++)
		cmd_warn("%s", report.problems.v[i]);
	r = kb_cmd_print(&common, &out, e);
	if (r < 0)
		return r;
	return report.problems.n > 0 ? CMD_REPORTED(ERR_FAILED) : 0;
}

const struct command kb_cmd_import = {
	.name = "import",
	.usage = "[DIR] [--dry-run]",
	.summary = "take over a wiki that is there, as it is",
	.description =
		"DIR holds wiki/, and raw/ and .openkb/hashes.json when an earlier program made it. "
		"Nothing of it is changed: the folder gains .larder/, and the database learns of its "
		"documents, pages and links. Said again, it takes in what is new.",
	.examples = "larder kb import notes|the wiki in ./notes becomes a knowledge base\n"
		    "larder kb import --dry-run|what would be taken over here",
	.options = options,
	.run = run,
};
