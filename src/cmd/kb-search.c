/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "kb/search.h"

struct search_args {
	struct kb_common common;
	int64_t limit;
	bool any, sources;
};

static const struct opt options[] = {
	OPT_INT('n', "limit", struct search_args, limit, 1, SEARCH_LIMIT_MAX, "N",
		"at most so many (10)"),
	OPT_FLAG(0, "any", struct search_args, any, "one of the words is enough"),
	OPT_FLAG(0, "sources", struct search_args, sources, "sections of documents only"),
	KB_OPTIONS(struct search_args, common),
	OPT_END,
};

struct listing {
	struct buf *out;
	struct json_out json;
	bool as_json;
	size_t n;
};

static void add_json(struct listing *l, const struct search_hit *hit)
{
	json_open(&l->json, NULL, '{');
	json_add_text(&l->json, "kind", hit->kind);
	json_add_text(&l->json, "link", hit->link);
	json_add_text(&l->json, "anchor", *hit->anchor ? hit->anchor : NULL);
	json_add_text(&l->json, "title", hit->title);
	json_add_text(&l->json, "document", hit->doc_name);
	if (hit->page > 0)
		json_add_int(&l->json, "page", hit->page);
	json_add_text(&l->json, "snippet", hit->snippet);
	json_add_double(&l->json, "score", hit->score);
	json_close(&l->json);
}

static int take(void *ctx, const struct search_hit *hit, struct err *e)
{
	struct listing *l = ctx;

	(void)e;
	l->n++;
	if (l->as_json) {
		add_json(l, hit);
		return 0;
	}
	buf_addf(l->out, "%zu. ", l->n);
	kb_cmd_add_clean(l->out, hit->title);
	buf_addf(l->out, "  (%s)\n   ", hit->kind);
	kb_cmd_add_clean(l->out, hit->link);
	if (*hit->anchor)
		buf_adds(l->out, "#"), kb_cmd_add_clean(l->out, hit->anchor);
	buf_adds(l->out, "\n   ");
	kb_cmd_add_clean(l->out, hit->snippet);
	buf_addc(l->out, '\n');
	return 0;
}

static int search(const struct search_args *args, const struct kb *kb, const char *words,
		  struct buf *out, struct err *e)
{
	const struct search_wish wish = { .words = words,
					  .limit = args->limit,
					  .sections_only = args->sources,
					  .any = args->any };
	struct listing l = { .out = out, .json = json_out(out), .as_json = args->common.json };
	int r;

	if (l.as_json) {
		json_open(&l.json, NULL, '{');
		json_add_text(&l.json, "words", words);
		json_open(&l.json, "hits", '[');
	}
	r = search_run(kb_db(kb), &wish, take, &l, e);
	if (l.as_json) {
		json_close(&l.json);
		json_close(&l.json);
	} else if (l.n == 0) {
		buf_adds(out, "Nothing was found.\n");
	}
	return r;
}

static int run(int argc, char **argv, struct err *e)
{
	struct search_args args = { .limit = 10 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_KB struct kb *kb = NULL;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf words = BUF_INIT(BUF_OWN_MAX);
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&kb_cmd_search, &operands, 1, SIZE_MAX, e);
	for (size_t i = 0; i < operands.n; i++)
		buf_addf(&words, "%s%s", i ? " " : "", operands.v[i]);
	if (r == 0)
		r = kb_cmd_open(&args.common, true, &kb, e);
	if (r == 0)
		r = search(&args, kb, buf_str(&words), &out, e);
	return r < 0 ? r : kb_cmd_print(&args.common, &out, e);
}

const struct command kb_cmd_search = {
	.name = "search",
	.usage = "WORD... [--limit N] [--any] [--sources]",
	.summary = "find words in pages and in the sections of documents, best first",
	.description =
		"All words must occur; when nothing has all of them, what has any of them is shown. "
		"A phrase stands in double quotes, a beginning ends in '*'. English endings and "
		"accents do not matter. Of what thousands of places have, titles come first, then the "
		"newest.",
	.examples =
		"larder kb search write-ahead log|pages and sections with both\n"
		"larder kb search '\"crash recovery\"' --sources|the phrase, in documents only\n"
		"larder kb search 'index*' --json|words that begin so, for programs",
	.options = options,
	.run = run,
};
