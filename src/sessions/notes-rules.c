/* SPDX-License-Identifier: Apache-2.0 */
/* Notes without a model: each list entry and paragraph that is a plain statement. */
#include "base/lines.h"
#include "sessions/findings.h"
#include "sessions/notes.h"
#include "sessions/redact.h"
#include "sessions/sentences.h"
#include <ctype.h>

#define TITLE_BYTES ((size_t)80)
/* A telephone number, an account: longer runs of digits than a year or an amount has. */
#define DIGITS_MAX 8

void notes_release(struct notes *notes)
{
	for (size_t i = 0; i < notes->n; i++) {
		free(notes->v[i].title);
		free(notes->v[i].content);
		free(notes->v[i].quote);
		free(notes->v[i].known_id);
		strv_release(&notes->v[i].entities);
	}
	free(notes->v);
	*notes = (struct notes){ 0 };
}

struct note *notes_next(struct notes *notes)
{
	if (notes->n == NOTES_ITEMS_MAX)
		return NULL;
	notes->v = xgrow(notes->v, &notes->capacity, notes->n + 1, sizeof(*notes->v));
	notes->v[notes->n] = (struct note){ 0 };
	return &notes->v[notes->n++];
}

static bool has_long_number(const char *text)
{
	int digits = 0;

	for (; *text; text++) {
		if (isdigit((unsigned char)*text))
			digits++;
		else if (!strchr(" -/().", *text))
			digits = 0;
		if (digits > DIGITS_MAX)
			return true;
	}
	return false;
}

/* a@b: an address of somebody. */
static bool has_address(const char *text)
{
	for (const char *at = strchr(text, '@'); at; at = strchr(at + 1, '@')) {
		if (at > text && isalnum((unsigned char)at[-1]) && isalnum((unsigned char)at[1]))
			return true;
	}
	return false;
}

bool note_is_private(const char *text)
{
	static const char *const words[] = {
		"password", "passwords", "passwd",   "secret",     "secrets",      "token",
		"tokens",   "api key",   "api keys", "credential", "credentials",  "private key",
		"login",    "pin",       "salary",   "salaries",   "wage",         "bonus",
		"health",   "illness",   "sick",     "passport",   "iban",         "birthday",
		"religion", "pregnant",  "private",  "personal",   "confidential", "home address",
		"phone",    "divorce",   "fired",    "layoff",     "layoffs",      "nda",
		NULL
	};
	AUTO_BUF struct buf plain = BUF_INIT(BUF_OWN_MAX);

	if (strstr(text, "[redacted:") || redact_text(bytes_of(text), &plain) > 0)
		return true;
	if (has_address(text) || has_long_number(text) || strstr(text, "/home/") ||
	    strstr(text, "/Users/"))
		return true;
	for (size_t i = 0; words[i]; i++) {
		if (sentence_find(text, words[i]))
			return true;
	}
	return false;
}

/* "**Bold** and [text](url)" -> "Bold and text": marks of Markdown are not what was noted. */
static char *plain_text(const char *p, size_t n)
{
	AUTO_BUF struct buf bare = BUF_INIT(BUF_OWN_MAX);
	struct buf out = BUF_INIT(BUF_OWN_MAX);

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '*' && i + 1 < n && p[i + 1] == '*')
			i++;
		else
			buf_addc(&bare, p[i]);
	}
	text_add_line(&out, buf_bytes(&bare));
	return buf_take(&out);
}

static void add_statement(const char *text, const char *quote, int64_t line, struct notes *out)
{
	struct note *note;

	out->extracted++;
	if (note_is_private(text)) {
		out->filtered++;
		return;
	}
	note = notes_next(out);
	if (!note)
		return;
	note->title = sentence_title(text, TITLE_BYTES);
	note->content = xasprintf("%s.", text);
	note->content[0] = (char)toupper((unsigned char)note->content[0]);
	note->quote = xstrdup(quote);
	note->domain = finding_guess_domain(text);
	note->line = line;
	finding_add_entities(text, &note->entities);
}

/* A paragraph or a list entry, which may go over several lines. */
static void end_block(struct buf *block, int64_t line, struct notes *out)
{
	AUTO_FREE char *text = plain_text(buf_str(block), block->n);
	AUTO_STRV struct strv sentences = STRV_INIT;

	sentences_split(text, &sentences);
	for (size_t i = 0; i < sentences.n; i++) {
		if (sentence_is_statement(sentences.v[i]))
			add_statement(sentences.v[i], text, line, out);
	}
	buf_clear(block);
}

enum line_kind { LINE_TEXT, LINE_ENTRY, LINE_OTHER, LINE_FENCE };

static enum line_kind kind_of(const char *first)
{
	size_t digits = strspn(first, "0123456789");

	if (str_starts(first, "```") || str_starts(first, "~~~"))
		return LINE_FENCE;
	if (strchr("\n\r", *first) || strchr("#>|<", *first) || str_starts(first, "---"))
		return LINE_OTHER;
	if (strchr("-*+", *first) && first[1] == ' ')
		return LINE_ENTRY;
	return digits > 0 && first[digits] == '.' && first[digits + 1] == ' ' ? LINE_ENTRY
									      : LINE_TEXT;
}

void notes_by_rules(const char *text, struct notes *out)
{
	AUTO_BUF struct buf block = BUF_INIT(BUF_OWN_MAX);
	int64_t line = 0, started = 0;
	bool in_code = false;

	while (*text) {
		size_t n = strcspn(text, "\n");
		const char *first = text + strspn(text, " \t");
		enum line_kind kind = kind_of(first);

		line++;
		if (kind == LINE_FENCE)
			in_code = !in_code;
		if (kind != LINE_TEXT && block.n > 0)
			end_block(&block, started, out);
		if (!in_code && (kind == LINE_TEXT || kind == LINE_ENTRY) && first < text + n) {
			if (block.n == 0)
				started = line;
			buf_adds(&block, block.n ? " " : "");
			buf_add(&block, first, (size_t)(text + n - first));
		}
		text += n;
		text += *text == '\n';
	}
	if (block.n > 0)
		end_block(&block, started, out);
}
