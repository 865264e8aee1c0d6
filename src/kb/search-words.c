/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked, as terms of FTS5. */
#include "kb/extract-words.h"
#include "kb/search-internal.h"
#include "kb/unicode.h"

struct words {
	struct strv *terms;
	bool every; /* also words that say nothing */
};

static void add_term(struct words *w, struct bytes term, bool beginning)
{
	AUTO_FREE char *fold = uni_fold(term);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (w->terms->n >= SEARCH_WORDS_MAX || (!w->every && words_is_stop(fold)))
		return;
	buf_addc(&out, '"');
	search_add_jointed(term, &out);
	buf_adds(&out, beginning ? "\"*" : "\"");
	if (!strv_has(w->terms, buf_str(&out)))
		strv_add(w->terms, buf_str(&out));
}

static size_t word_length(struct bytes text, size_t at)
{
	size_t from = at;
	size_t length;

	while (at < text.n && uni_is_word(uni_at(text, at, &length)))
		at += length;
	return at - from;
}

/* "two words" are one term; inside it only words and blanks are left. */
static size_t add_quoted(struct words *w, struct bytes text, size_t at)
{
	const char *close = memchr(text.p + at + 1, '"', text.n - at - 1);
	size_t end = close ? (size_t)(close - text.p) : text.n;
	AUTO_BUF struct buf phrase = BUF_INIT(BUF_OWN_MAX);
	size_t length;

	for (size_t i = at + 1; i < end; i += length) {
		bool word = uni_is_word(uni_at(text, i, &length));

		if (word)
			buf_add(&phrase, text.p + i, length);
		else if (phrase.n > 0 && phrase.p[phrase.n - 1] != ' ')
			buf_addc(&phrase, ' ');
	}
	while (phrase.n > 0 && phrase.p[phrase.n - 1] == ' ')
		phrase.n--;
	if (phrase.n > 0)
		add_term(w, buf_bytes(&phrase), false);
	return end + 1 - at;
}

static void add_words(struct words *w, struct bytes text)
{
	for (size_t i = 0; i < text.n;) {
		size_t n = word_length(text, i);
		size_t length = 1;

		if (n > 0) {
			bool beginning = i + n < text.n && text.p[i + n] == '*';

			add_term(w, (struct bytes){ text.p + i, n }, beginning);
			i += n;
		} else if (text.p[i] == '"') {
			i += add_quoted(w, text, i);
		} else {
			(void)uni_at(text, i, &length);
			i += length;
		}
	}
}

void search_terms(const char *words, struct strv *ret_terms)
{
	struct words w = { .terms = ret_terms };

	add_words(&w, bytes_of(words));
	if (ret_terms->n > 0)
		return;
	w.every = true;
	add_words(&w, bytes_of(words));
}

void search_expression(const char *words, bool any, struct buf *out)
{
	AUTO_STRV struct strv terms = STRV_INIT;

	buf_clear(out);
	search_terms(words, &terms);
	for (size_t i = 0; i < terms.n; i++)
		buf_addf(out, "%s%s", i == 0 ? "" : any ? " OR " : " AND ", terms.v[i]);
}
