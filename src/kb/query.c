/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/query.h"

#include "kb/change.h"
#include "kb/extract-words.h"
#include "kb/front.h"
#include "kb/links.h"
#include "kb/search.h"
#include "kb/unicode.h"

/* Of a passage: some sentences around the words that were asked for. */
#define PASSAGE_BYTES 700
#define CANDIDATES    (KB_PASSAGES * 3)
#define SLUG_BYTES    60
#define DESCRIPTION   96

void kb_answer_release(struct kb_answer *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct kb_passage *p = &a->passages[i];
		char *texts[] = { p->link, p->anchor, p->title, p->kind, p->text };

		for (size_t k = 0; k < ARRAY_LEN(texts); k++)
			free(texts[k]);
	}
	strv_release(&a->dead);
	free(a->text);
	*a = (struct kb_answer){ 0 };
}

struct asking {
	struct kb_answer *a;
	struct strv words; /* of the question, folded */
};

static void take_words(const char *question, struct strv *out)
{
	AUTO_FREE char *fold = uni_fold(bytes_of(question));
	struct bytes f = bytes_of(fold);
	size_t from = 0, length;

	for (size_t i = 0; i <= f.n; i += length) {
		bool word = i < f.n && uni_is_word(uni_at(f, i, &length));

		length = i < f.n ? length : 1;
		if (word)
			continue;
		if (i > from) {
			AUTO_FREE char *text = xstrndup(f.p + from, i - from);

			if (!words_is_stop(text))
				strv_add(out, text);
		}
		from = i + length;
	}
}

/* How many of the words stand in this part? Beginnings count: "crash" in "crashes". */
static size_t count_words(const struct strv *words, struct bytes part)
{
	AUTO_FREE char *fold = uni_fold(part);
	size_t n = 0;

	for (size_t i = 0; i < words->n; i++)
		n += strstr(fold, words->v[i]) != NULL;
	return n;
}

/* Back to where a sentence begins, or a word. */
static size_t sentence_start(struct bytes text, size_t at)
{
	size_t from = at;

	while (from > 0 && at - from < 300)
		if (from >= 2 && strchr(".!?", text.p[from - 2]) && text.p[from - 1] == ' ')
			return from;
		else
			from--;
	if (from == 0)
		return 0;
	while (at > 0 && text.p[at - 1] != ' ')
		at--;
	return at;
}

/* The window with most of the words. */
static struct bytes best_window(const struct strv *words, struct bytes text)
{
	size_t best = 0, best_at = 0, step = PASSAGE_BYTES / 2;

	if (text.n <= PASSAGE_BYTES)
		return text;
	for (size_t at = 0; at < text.n; at += step) {
		size_t n = text.n - at < PASSAGE_BYTES ? text.n - at : PASSAGE_BYTES;
		size_t found = count_words(words, (struct bytes){ text.p + at, n });

		if (found > best) {
			best = found;
			best_at = at;
		}
	}
	best_at = sentence_start(text, best_at);
	return (struct bytes){ text.p + best_at, text.n - best_at };
}

static char *passage(const struct strv *words, const char *text)
{
	struct bytes window = best_window(words, bytes_of(text));
	AUTO_FREE char *rest = xstrndup(window.p, window.n);
	size_t n = strlen(rest);

	if (n <= PASSAGE_BYTES)
		return xstrdup(rest);
	n = text_fit(rest, PASSAGE_BYTES);
	n = n > PASSAGE_BYTES * 2 ? text_fit(rest, PASSAGE_BYTES / 2) : n;
	while (n > 0 && rest[n] != ' ')
		n--;
	return xasprintf("%.*s…", (int)(n ? n : text_fit(rest, PASSAGE_BYTES / 2)), rest);
}

/* Sources say it, pages gather it: a summary that repeats a passage is not one more. */
static bool is_repeated(const struct kb_answer *a, const struct search_hit *hit)
{
	for (size_t i = 0; i < a->n; i++)
		if (str_eq(a->passages[i].link, hit->link) &&
		    str_eq(a->passages[i].anchor, hit->anchor))
			return true;
	return false;
}

static int take_hit(void *ctx, const struct search_hit *hit, struct err *e)
{
	struct asking *k = ctx;
	struct kb_passage *p;

	(void)e;
	if (k->a->n == KB_PASSAGES || is_repeated(k->a, hit))
		return 0;
	p = &k->a->passages[k->a->n++];
	*p = (struct kb_passage){
		.link = xstrdup(hit->link),
		.anchor = xstrdup(hit->anchor),
		.title = xstrdup(hit->title),
		.kind = xstrdup(hit->kind),
		.text = passage(&k->words, hit->text),
		.page = hit->page,
		.score = hit->score,
	};
	return 0;
}

void kb_add_citation(const struct kb_passage *p, struct buf *out)
{
	buf_addf(out, "[[%s%s%s]]", p->link, *p->anchor ? "#" : "", p->anchor);
	if (p->page > 0)
		buf_addf(out, " p. %lld", (long long)p->page);
}

static char *answer_text(const struct kb_answer *a)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (a->n == 0)
		buf_adds(&out, KB_NOTHING_SAID);
	for (size_t i = 0; i < a->n; i++) {
		const struct kb_passage *p = &a->passages[i];

		buf_addf(&out, "%s> ", i ? "\n" : "");
		link_add_plain(&out, bytes_of(p->text));
		buf_adds(&out, "\n>\n> — ");
		kb_add_citation(p, &out);
		buf_addc(&out, '\n');
	}
	return buf_take(&out);
}

int kb_answer(struct kb *kb, const char *question, struct kb_answer *ret, struct err *e)
{
	struct asking k = { .a = ret };
	const struct search_wish wish = {
		.words = question, .limit = CANDIDATES, .sections_only = true, .any = true
	};
	int r;

	if (strlen(question) > KB_QUESTION_MAX)
		return err_set(e, ERR_LIMIT, "a question has at most %zu bytes", KB_QUESTION_MAX);
	take_words(question, &k.words);
	r = search_run(kb_db(kb), &wish, take_hit, &k, e);
	if (r == 0)
		ret->text = answer_text(ret);
	strv_release(&k.words);
	return r < 0 ? r : 0;
}

/* On one line, as a heading and as a log line. */
static char *one_line(const char *question)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	for (const char *c = question; *c; c++)
		buf_addc(&out, (unsigned char)*c < 0x20 ? ' ' : *c);
	while (out.n > 0 && out.p[out.n - 1] == ' ')
		out.p[--out.n] = '\0';
	return buf_take(&out);
}

static int free_path(struct change *c, const char *question, char **ret_path, struct err *e)
{
	AUTO_FREE char *fold = uni_fold(bytes_of(question));
	AUTO_FREE char *slug = uni_slug(fold, "answer");
	size_t n = strlen(slug) > SLUG_BYTES ? text_fit(slug, SLUG_BYTES / 2) : strlen(slug);

	if (strlen(slug) > SLUG_BYTES && n < SLUG_BYTES && text_fit(slug, SLUG_BYTES) <= SLUG_BYTES)
		n = text_fit(slug, SLUG_BYTES);
	while (n > 1 && slug[n - 1] == '-')
		n--;
	slug[n] = '\0';
	for (int i = 1;; i++) {
		AUTO_FREE char *path = i > 1 ? xasprintf("explorations/%s-%d.md", slug, i)
					     : xasprintf("explorations/%s.md", slug);
		struct bytes text;
		int r = change_read(c, path, &text, e);

		if (r < 0 || text.n == 0) {
			*ret_path = TAKE(path);
			return r;
		}
	}
}

static void write_page(const char *question, const struct kb_answer *a, struct buf *out)
{
	AUTO_FREE char *line = one_line(question);
	AUTO_FREE char *quoted = front_quoted(question);
	AUTO_FREE char *cut = xstrndup(line, text_fit(line, DESCRIPTION));
	AUTO_FREE char *description = front_quoted(cut);

	buf_addf(out, "---\ntype: \"Exploration\"\nquery: %s\ndescription: %s\n---\n\n# ", quoted,
		 description);
	link_add_plain(out, bytes_of(line));
	buf_addf(out, "\n\n%s", a->text);
}

int kb_save_answer(struct kb *kb, const char *question, const struct kb_answer *a, char **ret_path,
		   struct err *e)
{
	AUTO_BUF struct buf page = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *line = one_line(question);
	int r = 1;

	write_page(question, a, &page);
	for (int i = 0; r == 1 && i < CHANGE_TRIES; i++) {
		AUTO_CHANGE struct change *c = NULL;
		AUTO_FREE char *path = NULL;

		r = change_begin(kb, &c, e);
		if (r == 0)
			r = free_path(c, question, &path, e);
		if (r == 0)
			r = change_set(c, path, buf_bytes(&page), e);
		if (r < 0)
			return r;
		change_log(c, "query", line);
		r = change_commit(c, e);
		if (r == 0)
			*ret_path = TAKE(path);
	}
	return r == 1 ? err_set(e, ERR_BUSY, "the wiki kept changing") : r;
}
