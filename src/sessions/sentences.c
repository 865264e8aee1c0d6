/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/sentences.h"

#include <ctype.h>

#define WORDS_MIN 4
#define WORDS_MAX 60
#define BLANKS    " \t\r\n"

/* Bytes over ASCII are parts of letters. */
static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || c == '_' || c == '\'';
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, BLANKS);
}

static void add_sentence(const char *p, size_t n, struct strv *out)
{
	while (n > 0 && strchr(BLANKS "-*+#.", *p)) {
		p++;
		n--;
	}
	while (n > 0 && strchr(BLANKS ".!;:", p[n - 1]))
		n--;
	if (n > 0)
		strv_adopt(out, xstrndup(p, n));
}

/* "1.5", "e.g.", "orders.csv" are no ends: one is followed by a blank and begins no small letter. */
static bool ends_here(const char *p, const char *end)
{
	if (!strchr(".!?;", *p))
		return false;
	if (p + 1 == end)
		return true;
	if (!isspace((unsigned char)p[1]))
		return false;
	for (const char *next = p + 1; next < end; next++) {
		if (!isspace((unsigned char)*next))
			return *p != '.' || !islower((unsigned char)*next);
	}
	return true;
}

static void split_line(const char *line, size_t n, struct strv *out)
{
	const char *end = line + n, *start = line;

	for (const char *p = line; p < end; p++) {
		if (!ends_here(p, end))
			continue;
		add_sentence(start, (size_t)(p - start) + (*p == '?'), out);
		start = p + 1;
	}
	add_sentence(start, (size_t)(end - start), out);
}

void sentences_split(const char *text, struct strv *out)
{
	bool in_code = false;

	while (*text) {
		size_t n = strcspn(text, "\n");
		const char *first = text + strspn(text, " \t");

		if (str_starts(first, "```") || str_starts(first, "~~~"))
			in_code = !in_code;
		else if (!in_code && *first != '>' && *first != '|')
			split_line(text, n, out);
		text += n;
		text += *text == '\n';
	}
}

/* Length of the phrase at the start of the text, 0 when another word stands there. */
static size_t match(const char *text, const char *phrase)
{
	size_t n = strlen(phrase);

	if (strncasecmp(text, phrase, n) != 0 || is_word_byte(text[n]))
		return 0;
	return n;
}

const char *sentence_after(const char *text, const char *phrase)
{
	size_t n = match(text, phrase);

	if (n == 0)
		return NULL;
	text += n;
	return text + strspn(text, BLANKS ",:-");
}

const char *sentence_find(const char *text, const char *phrase)
{
	for (const char *p = text; *p; p++) {
		if ((p == text || !is_word_byte(p[-1])) && match(p, phrase) > 0)
			return p;
	}
	return NULL;
}

size_t sentence_words(const char *text)
{
	size_t n = 0;

	for (text = skip_blanks(text); *text; text = skip_blanks(text)) {
		text += strcspn(text, BLANKS);
		n++;
	}
	return n;
}

bool sentence_is_question(const char *text)
{
	return strchr(text, '?') != NULL;
}

static bool has_any(const char *text, const char *const *phrases)
{
	for (; *phrases; phrases++) {
		if (sentence_find(text, *phrases))
			return true;
	}
	return false;
}

static bool begins_with_any(const char *text, const char *const *phrases)
{
	for (; *phrases; phrases++) {
		if (match(text, *phrases) > 0)
			return true;
	}
	return false;
}

/* "Use X instead of Y", "always ...", "never ...": rules without a subject. */
static bool is_rule(const char *text)
{
	static const char *const words[] = { "always", "never", NULL };
	static const char *const instead[] = { "instead of", "rather than", "not", NULL };

	return begins_with_any(text, words) || (match(text, "use") > 0 && has_any(text, instead));
}

bool sentence_is_statement(const char *text)
{
	static const char *const verbs[] = {
		"is",      "are",       "was",      "were",     "means",   "mean",     "counts",
		"count",   "includes",  "include",  "excludes", "exclude", "contains", "contain",
		"equals",  "must",      "should",   "uses",     "comes",   "come",     "lives",
		"live",    "belongs",   "belong",   "refers",   "has",     "have",     "needs",
		"need",    "starts",    "start",    "ends",     "end",     "joins",    "join",
		"holds",   "hold",      "covers",   "cover",    "isn't",   "aren't",   "doesn't",
		"don't",   "shouldn't", "requires", "require",  "maps",    "stores",   "tracks",
		"reports", "excluding", "runs",     NULL
	};
	/* Of the work at hand, of how it goes today, or of what was said before: not knowledge by
	 * itself. */
	static const char *const work[] = {
		"i",      "i'm",       "i'll",      "i've",    "me",      "my",       "you",
		"your",   "you're",    "we'll",     "let's",   "again",   "undo",     "revert",
		"please", "sorry",     "thanks",    "above",   "below",   "previous", "earlier",
		"typo",   "that file", "this file", "still",   "now",     "yet",      "already",
		"today",  "yesterday", "tomorrow",  "broken",  "failing", "fails",    "failed",
		"crash",  "crashes",   "crashed",   "working", "bug",     "button",   NULL
	};
	static const char *const starts[] = {
		"it",    "it's",    "this",   "that",   "that's", "these", "those", "they",  "he",
		"she",   "so",      "but",    "and",    "or",     "then",  "there", "here",  "what",
		"why",   "how",     "when",   "where",  "which",  "who",   "just",  "try",   "go",
		"run",   "add",     "make",   "fix",    "stop",   "wait",  "look",  "read",  "open",
		"write", "change",  "remove", "delete", "check",  "see",   "do",    "don't", "not",
		"maybe", "perhaps", "if",     NULL
	};
	size_t words = sentence_words(text);

	if (words < WORDS_MIN || words > WORDS_MAX || strlen(text) > SENTENCE_MAX ||
	    sentence_is_question(text) || has_any(text, work))
		return false;
	return is_rule(text) || (has_any(text, verbs) && !begins_with_any(text, starts));
}

char *sentence_title(const char *text, size_t max)
{
	size_t n = strlen(text);
	char *title;

	if (n > max) {
		n = max;
		while (n > 0 && !strchr(BLANKS, text[n]))
			n--;
		while (n == 0 && max > 0 && ((unsigned char)text[max] & 0xC0) == 0x80)
			max--;
		n = n ? n : max;
	}
	while (n > 0 && strchr(BLANKS ",;:", text[n - 1]))
		n--;
	title = xstrndup(text, n);
	title[0] = (char)toupper((unsigned char)title[0]);
	return title;
}
