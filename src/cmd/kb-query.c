/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "kb/query.h"

struct query_args {
	struct kb_common common;
	bool save, extractive;
};

static const struct opt options[] = {
	OPT_FLAG('x', "extractive", struct query_args, extractive,
		 "the passages, though a model is configured"),
	OPT_FLAG('s', "save", struct query_args, save, "keep the answer in wiki/explorations/"),
	KB_OPTIONS(struct query_args, common),
	OPT_END,
};

void kb_cmd_add_answer_json(struct json_out *o, const struct kb_answer *a)
{
	json_add_text(o, "answer", a->text);
	json_open(o, "passages", '[');
	for (size_t i = 0; i < a->n; i++) {
		const struct kb_passage *p = &a->passages[i];
		AUTO_BUF struct buf citation = BUF_INIT(BUF_OWN_MAX);

		kb_add_citation(p, &citation);
		json_open(o, NULL, '{');
		json_add_text(o, "citation", buf_str(&citation));
		json_add_text(o, "link", p->link);
		json_add_text(o, "anchor", *p->anchor ? p->anchor : NULL);
		json_add_text(o, "title", p->title);
		json_add_text(o, "kind", p->kind);
		if (p->page > 0)
			json_add_int(o, "page", p->page);
		json_add_text(o, "text", p->text);
		json_add_double(o, "score", p->score);
		json_close(o);
	}
	json_close(o);
	json_add_texts(o, "dead_citations", &a->dead);
}

/* Lines stay lines; nothing in them commands the terminal. */
void kb_cmd_add_lines(struct buf *out, const char *text)
{
	AUTO_STRV struct strv lines = STRV_INIT;

	strv_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		kb_cmd_add_clean(out, lines.v[i]);
		if (i + 1 < lines.n)
			buf_addc(out, '\n');
	}
}

static void print(const struct kb_cmd_asking *how, const char *question, const struct kb_answer *a,
		  const char *saved, struct buf *out)
{
	struct json_out o = json_out(out);

	if (how->common->json) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "question", question);
		kb_cmd_add_answer_json(&o, a);
		json_add_text(&o, "saved", saved);
		kb_cmd_add_spent(&o, a->tokens_in, a->tokens_out, a->cost_micros);
		json_close(&o);
		return;
	}
	if (!how->streamed)
		kb_cmd_add_lines(out, a->text);
	if (saved)
		buf_addf(out, "\nKept as wiki/%s\n", saved);
}

static int run(int argc, char **argv, struct err *e)
{
	struct query_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_KB struct kb *kb = NULL;
	AUTO_KB_ANSWER struct kb_answer answer = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *saved = NULL;
	struct kb_cmd_asking asking = { .common = &args.common };
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&kb_cmd_query, &operands, 1, 1, e);
	if (r == 0)
		r = kb_cmd_open(&args.common, !args.save, &kb, e);
	asking.extractive = args.extractive;
	if (r == 0)
		r = kb_cmd_answer(&asking, kb, operands.v[0], &answer, e);
	if (r == 0 && args.save && (answer.n > 0 || answer.asked))
		r = kb_save_answer(kb, operands.v[0], &answer, &saved, e);
	if (r < 0)
		return r;
	print(&asking, operands.v[0], &answer, saved, &out);
	return kb_cmd_print(&args.common, &out, e);
}

const struct command kb_cmd_query = {
	.name = "query",
	.usage = "QUESTION [--save]",
	.summary = "answer a question from the documents, with citations",
	.description =
		"The best passages of the documents, each with the section it stands in. "
		"Nothing is said that does not stand there. With a model (docs/models.md) the model "
		"answers from them, and from what it looks up; it cites, and citations of what is "
		"not there are taken out and named.",
	.examples = "larder kb query 'What is replayed after a crash?'|the passages that say it\n"
		    "larder kb query 'What is a checkpoint?' --save|and a page of them",
	.options = options,
	.run = run,
};
