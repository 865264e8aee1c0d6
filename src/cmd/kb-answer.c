/* SPDX-License-Identifier: Apache-2.0 */
/* How `query` and `chat` answer: by the model that is configured, else by passages. */
#include "cmd/kb.h"

#include "kb/answer.h"

/* What has come and is not shown yet: a word is shown when it is whole. */
struct streaming {
	struct buf rest;
};

static void show(struct streaming *s, size_t n)
{
	AUTO_FREE char *part = xstrndup(s->rest.p, n);
	AUTO_FREE char *left = xstrndup(s->rest.p + n, s->rest.n - n);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct err ignored = { 0 };

	kb_cmd_add_lines(&out, part);
	if (cmd_print(&out, &ignored) == 0)
		(void)fflush(stdout);
	buf_clear(&s->rest);
	buf_adds(&s->rest, left);
}

static void on_text(void *ctx, struct bytes piece)
{
	struct streaming *s = ctx;
	size_t n;

	buf_add(&s->rest, piece.p, piece.n);
	for (n = s->rest.n; n > 0 && s->rest.p[n - 1] != ' ' && s->rest.p[n - 1] != '\n';)
		n--;
	if (n > 0)
		show(s, n);
}

static void on_restart(void *ctx)
{
	struct streaming *s = ctx;

	buf_clear(&s->rest);
	(void)fputs("\n(the answer broke off; it is asked again)\n", stdout);
}

static int by_model(struct kb_cmd_asking *how, struct kb *kb, const char *question,
		    struct kb_answer *ret, struct err *e)
{
	const struct llm_options options = { .cancel = kb_cmd_cancel() };
	struct streaming s = { .rest = BUF_INIT(LLM_ANSWER_MAX) };
	struct kb_asker asker = { .chat = how->chat };
	AUTO_LLM struct llm *llm = NULL;
	int r = llm_new(&options, &llm, e);

	how->streamed = !how->common->json && !how->common->quiet && isatty(STDOUT_FILENO);
	asker.llm = llm;
	if (how->streamed) {
		asker.ctx = &s;
		asker.on_text = on_text;
		asker.on_restart = on_restart;
	}
	if (r == 0)
		r = kb_answer_by_model(kb, &asker, question, ret, e);
	if (r == 0 && how->streamed && ret->asked) {
		buf_addc(&s.rest, '\n');
		show(&s, s.rest.n);
	}
	how->streamed = how->streamed && ret->asked;
	if (r < 0 && !e->hint[0])
		(void)err_hint(e, "--extractive gives the passages that search finds");
	buf_release(&s.rest);
	for (size_t i = 0; r == 0 && i < ret->dead.n; i++)
		cmd_warn("the model cited %s, which is not there: taken out", ret->dead.v[i]);
	return r;
}

int kb_cmd_answer(struct kb_cmd_asking *how, struct kb *kb, const char *question,
		  struct kb_answer *ret, struct err *e)
{
	how->streamed = false;
	if (how->extractive || !llm_configured())
		return kb_answer(kb, question, ret, e);
	return by_model(how, kb, question, ret, e);
}
