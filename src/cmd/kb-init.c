/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

struct init_args {
	bool json, quiet;
	const char *language;
};

static const struct opt options[] = {
	OPT_TEXT('l', "language", struct init_args, language, "WORD", "of the wiki (en)"),
	OPT_FLAG('j', "json", struct init_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct init_args, quiet, "nothing but warnings"),
	OPT_END,
};

static int print(const struct init_args *args, const char *path, bool made, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	const struct kb_common common = { .json = args->json, .quiet = args->quiet };
	struct json_out o = json_out(&out);

	if (args->json) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "kb", path);
		json_add_bool(&o, "made", made);
		json_close(&o);
	} else {
		buf_addf(&out,
			 made ? "Knowledge base %s; add documents with 'larder kb add'.\n"
			      : "Knowledge base %s is there already; nothing was changed.\n",
			 path);
	}
	return kb_cmd_print(&common, &out, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct init_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_FREE char *path = NULL;
	struct kb_new how = { .path = "." };
	bool made = false;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&kb_cmd_init, &operands, 0, 1, e);
	if (r < 0)
		return r;
	if (operands.n > 0)
		how.path = operands.v[0];
	how.language = args.language;
	r = kb_create(&how, &made, e);
	if (r == 0)
		r = kb_find(how.path, &path, e);
	return r < 0 ? r : print(&args, path, made, e);
}

const struct command kb_cmd_init = {
	.name = "init",
	.usage = "[DIR] [--language WORD]",
	.summary = "make a knowledge base in DIR, or here",
	.description =
		"Makes raw/ and wiki/ with its first pages. What is there stays; an existing "
		"wiki is taken over by 'larder kb import'.",
	.examples = "larder kb init notes|a new one in ./notes\n"
		    "larder kb init --language de|here, in German",
	.options = options,
	.run = run,
};
