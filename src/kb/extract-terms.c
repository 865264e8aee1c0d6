/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terms: runs of one to three words without a stop word between them; names: runs of one to four
 * words with capitals where a sentence does not ask for one. What occurs often, is long and stands
 * in headings is what the document is about.
 */
#include "kb/extract.h"

#include "kb/extract-words.h"
#include "kb/unicode.h"

#include <math.h>
#include <uthash.h>

#define PHRASE_WORDS 3
#define NAME_WORDS   4
/* Of a sentence; more is a list. */
#define TOKENS_MAX 120
/* One word that is a phrase of its own is at least so long. */
#define WORD_LETTERS_MIN 4
#define KEEP_PHRASES     60
#define KEEP_NAMES       40

struct token {
	struct bytes raw;
	char *fold;
	bool stop, upper, acronym, first;
	bool apart; /* a comma, a bracket ... stands between it and the one before */
};

struct counted {
	struct term term;
	UT_hash_handle hh;
};

struct counter {
	struct counted *terms, *names, *words;
	size_t n;
	struct token tokens[TOKENS_MAX];
	size_t token_count;
};

static size_t token_length(struct bytes text, size_t at)
{
	size_t from = at, length, next;

	while (at < text.n) {
		int32_t c = uni_at(text, at, &length);
		bool inner = (c == '-' || c == '\'') && at > from && at + length < text.n &&
			     uni_is_word(uni_at(text, at + length, &next));

		if (!uni_is_word(c) && !inner)
			break;
		at += length;
	}
	return at - from;
}

static void classify(struct token *t)
{
	size_t length, letters = 0, upper = 0, digits = 0;

	for (size_t i = 0; i < t->raw.n; i += length) {
		int32_t c = uni_at(t->raw, i, &length);

		letters += uni_is_letter(c);
		upper += uni_is_upper(c);
		digits += c >= '0' && c <= '9';
	}
	t->upper = t->raw.n > 0 && uni_is_upper(uni_at(t->raw, 0, &length)) && letters > 1;
	t->acronym = upper >= 2 && upper == letters && letters <= 6;
	/* "write" is a word, "3.14" and "x" are none */
	t->stop = words_is_stop(t->fold) || letters < 2 || digits * 2 > t->raw.n;
}

static void tokenize(struct counter *c, struct bytes text)
{
	size_t before = 0;

	c->token_count = 0;
	for (size_t i = 0; i < text.n && c->token_count < TOKENS_MAX;) {
		size_t n = token_length(text, i);
		struct token *t = &c->tokens[c->token_count];
		size_t length;

		if (n == 0) {
			(void)uni_at(text, i, &length);
			i += length;
			continue;
		}
		*t = (struct token){ .raw = { text.p + i, n }, .first = c->token_count == 0 };
		t->fold = uni_fold(t->raw);
		t->apart = i != before + 1 || text.p[before] != ' ';
		classify(t);
		c->token_count++;
		i += n;
		before = i;
	}
}

static void free_tokens(struct counter *c)
{
	for (size_t i = 0; i < c->token_count; i++)
		free(c->tokens[i].fold);
	c->token_count = 0;
}

/* "files" is "file": the plain English plural of the last word. */
static size_t singular(const char *word)
{
	size_t n = strlen(word);

	if (n < 5 || word[n - 1] != 's' || strchr("siu", word[n - 2]) || word[n - 3] == 'i')
		return n; /* also "libraries": its singular is no beginning of it */
	return n - 1;
}

/* Words joined by dashes, which is also how a page of that name is called. */
static char *key_of(const struct token *t, size_t n, bool name)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *slug = NULL;

	for (size_t i = 0; i < n; i++)
		buf_addf(&out, "%s%.*s", i ? "-" : "",
			 (int)(name || i + 1 < n ? strlen(t[i].fold) : singular(t[i].fold)),
			 t[i].fold);
	slug = uni_slug(buf_str(&out), "");
	return uni_link_key(bytes_of(slug));
}

static void count(struct counter *c, struct counted **map, const struct token *t, size_t n,
		  size_t sentence)
{
	AUTO_FREE char *key = key_of(t, n, map == &c->names);
	struct counted *found = NULL;
	struct term *term;

	if (!*key)
		return;
	HASH_FIND_STR(*map, key, found);
	if (!found) {
		if (c->n >= TERMS_MAX)
			return;
		c->n++;
		found = xcalloc(1, sizeof(*found));
		found->term.key = TAKE(key);
		found->term.words = xstrndup(
			t[0].raw.p, (size_t)(t[n - 1].raw.p + t[n - 1].raw.n - t[0].raw.p));
		found->term.length = (unsigned)n;
		HASH_ADD_KEYPTR(hh, *map, found->term.key, strlen(found->term.key), found);
	}
	term = &found->term;
	if (sentence == SIZE_MAX) {
		term->headings++;
		return;
	}
	term->count++;
	if (term->sentence_count < TERM_SENTENCES &&
	    (term->sentence_count == 0 || term->sentences[term->sentence_count - 1] != sentence))
		term->sentences[term->sentence_count++] = sentence;
}

static void count_phrases(struct counter *c, size_t sentence)
{
	for (size_t i = 0; i < c->token_count; i++) {
		const struct token *t = &c->tokens[i];

		if (t->stop)
			continue;
		count(c, &c->words, t, 1, sentence);
		for (size_t n = 1; n <= PHRASE_WORDS && i + n <= c->token_count; n++) {
			const struct token *last = &t[n - 1];

			if (last->stop || (n > 1 && last->apart))
				break;
			if (n > 1 || t->raw.n >= WORD_LETTERS_MIN)
				count(c, &c->terms, t, n, sentence);
		}
	}
}

/* A capital at the start of a sentence says nothing of one word alone. */
static void count_names(struct counter *c, size_t sentence)
{
	for (size_t i = 0; i < c->token_count;) {
		const struct token *t = &c->tokens[i];
		size_t n = 0;

		while (i + n < c->token_count && n < NAME_WORDS && t[n].upper && !t[n].stop &&
		       (n == 0 || !t[n].apart))
			n++;
		if (n > 1 || (n == 1 && (t->acronym || !t->first)))
			count(c, &c->names, t, n, sentence);
		i += n ? n : 1;
	}
}

static void count_all(struct counter *c, const struct compile_input *in, const struct digest *d)
{
	for (size_t i = 0; i < d->sentence_count; i++) {
		tokenize(c, bytes_of(d->sentences[i].text));
		count_phrases(c, i);
		count_names(c, i);
		free_tokens(c);
	}
	for (size_t i = 0; i < in->sections->n; i++) {
		if (in->sections->v[i].level == 0)
			continue;
		tokenize(c, bytes_of(in->sections->v[i].title));
		count_phrases(c, SIZE_MAX);
		free_tokens(c);
	}
}

static double word_weight(struct counter *c, const char *fold)
{
	struct counted *found = NULL;

	HASH_FIND_STR(c->words, fold, found);
	return found ? log1p(found->term.count + 2.0 * found->term.headings) : 0;
}

/* The mean weight of its words; the first sentences of a document and of a section say more. */
static void score_sentences(struct counter *c, struct digest *d)
{
	for (size_t i = 0; i < d->sentence_count; i++) {
		struct sentence *s = &d->sentences[i];
		bool first = i == 0 || d->sentences[i - 1].section != s->section;
		double sum = 0;

		tokenize(c, bytes_of(s->text));
		for (size_t k = 0; k < c->token_count; k++) {
			AUTO_FREE char *key = key_of(&c->tokens[k], 1, false);

			sum += c->tokens[k].stop ? 0 : word_weight(c, key);
		}
		s->score = sum / (6.0 + (double)c->token_count);
		s->score *= first ? 1.25 : 1;
		s->score *= i < 3 ? 1.25 : 1;
		free_tokens(c);
	}
}

static int better(const void *a, const void *b)
{
	const struct term *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return strcmp(x->key, y->key);
}

static void term_release(struct term *t)
{
	free(t->key);
	free(t->words);
}

/* The best of a map, which is emptied. */
static struct term *take_best(struct counted **map, size_t keep, bool names, size_t *ret_count)
{
	struct term *terms = xcalloc(HASH_COUNT(*map) + 1, sizeof(*terms));
	struct counted *entry, *next;
	size_t n = 0;

	HASH_ITER(hh, *map, entry, next)
	{
		struct term *t = &entry->term;

		HASH_DEL(*map, entry);
		t->name = names;
		t->score = (t->count + 3.0 * t->headings) * pow(t->length, names ? 0.3 : 1.3);
		/* once is enough to join a page that is there, when it is no common word */
		if (t->sentence_count > 0 &&
		    (t->count + t->headings >= 2 || names || t->length > 1))
			terms[n++] = *t;
		else
			term_release(t);
		free(entry);
	}
	qsort(terms, n, sizeof(*terms), better);
	for (; n > keep; n--)
		term_release(&terms[n - 1]);
	*ret_count = n;
	return terms;
}

/* "journal" beside "rollback journal" of about the same count says the same; so does a name. */
static bool is_within(const struct term *t, const struct term *other)
{
	const char *at = strstr(other->key, t->key);
	size_t n = strlen(t->key);

	return at && (at == other->key || at[-1] == '-') && (at[n] == '\0' || at[n] == '-') &&
	       t->count <= other->count * 3 / 2 + 1;
}

static void drop_repeated(struct digest *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->phrase_count; i++) {
		struct term *t = &d->phrases[i];
		bool drop = false;

		for (size_t k = 0; k < d->phrase_count && !drop; k++)
			drop = k != i && d->phrases[k].length > t->length && d->phrases[k].key &&
			       is_within(t, &d->phrases[k]);
		for (size_t k = 0; k < d->name_count && !drop; k++)
			drop = is_within(t, &d->names[k]);
		if (drop) {
			term_release(t);
			t->key = NULL;
			t->length = 0;
			continue;
		}
		/* moved forward over what was dropped */
		d->phrases[n] = *t;
		if (n++ != i)
			*t = (struct term){ 0 };
	}
	d->phrase_count = n;
}

void extract_terms(const struct compile_input *in, struct digest *d)
{
	struct counter *c = xcalloc(1, sizeof(*c));
	size_t words = 0;
	struct term *rest;

	count_all(c, in, d);
	score_sentences(c, d);
	d->names = take_best(&c->names, KEEP_NAMES, true, &d->name_count);
	d->phrases = take_best(&c->terms, KEEP_PHRASES, false, &d->phrase_count);
	rest = take_best(&c->words, 0, false, &words);
	free(rest);
	free(c);
	drop_repeated(d);
}
