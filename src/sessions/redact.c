/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/redact.h"

#include "base/str.h"
#include "sessions/redact-pairs.h"
#include "sessions/redact-shape.h"
#include <ctype.h>

/* "Bearer x" is prose; what comes with a request is longer. */
#define BEARER_MIN 16
/* A key of 16,384 bits takes 13 KB. What is longer is let through: it is no key. */
#define PEM_MAX ((size_t)32 << 10)
/* What may still be the start of a token when a word grows too long; the longest shape's minimum
 * is below. */
#define TAIL_KEPT ((size_t)128)

enum mode {
	PLAIN,
	PASSING,    /* inside a run of letters and digits too long to hold: nothing starts here */
	SWALLOWING, /* the rest of a token that was taken out */
	KEY,        /* the lines of a private key */
};
enum pem { PEM_NONE, PEM_BEGIN, PEM_PRIVATE };

struct redact {
	redact_sink_fn sink;
	void *ctx;
	struct pairs pairs; /* what comes first, and lets the rest pass */
	size_t count;
	enum mode mode;
	enum pem pem;
	bool bearer;   /* the word before was "Bearer" */
	bool extended; /* this word is what follows it */
	bool escaped;  /* a backslash stood before the word */
	bool backslash;
	char word[REDACT_WORD_MAX];
	size_t n;
	/* KEY */
	size_t dropped;
	size_t dashes;
	bool drop_escape; /* the last byte dropped was a backslash that escapes */
};

static void look_for_tokens(void *ctx, struct bytes piece);

struct redact *redact_new(redact_sink_fn sink, void *ctx)
{
	struct redact *r = xcalloc(1, sizeof(*r));

	r->sink = sink;
	r->ctx = ctx;
	r->pairs.ctx = r;
	r->pairs.put = look_for_tokens;
	return r;
}

void redact_free(struct redact *r)
{
	if (r)
		explicit_bzero(r, sizeof(*r));
	free(r);
}

static void emit(struct redact *r, const char *p, size_t n)
{
	if (n > 0)
		r->sink(r->ctx, (struct bytes){ p, n });
}

static void emit_redacted(struct redact *r, const char *kind)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "[redacted:%s]", kind);

	emit(r, text, (size_t)n);
	r->count++;
}

/*
 * May a token start at byte i of the word? After anything that is no letter or digit; and, when a
 * backslash stands before the word, behind the letter that it escapes (\n, \t, \u0041).
 */
static bool may_start(const struct redact *r, size_t i)
{
	if (i == 0)
		return true;
	if (r->escaped && (i == 1 || (i == 5 && r->word[0] == 'u')))
		return true;
	return !isalnum((unsigned char)r->word[i - 1]);
}

/*
 * Puts out the word up to `end`, or to the end of a token that starts before it; gives where that
 * is. *ret_open: the word as it is held ends in a token.
 */
static size_t put_word(struct redact *r, size_t end, bool *ret_open)
{
	size_t from = 0;

	for (size_t i = 0; i < end; i++) {
		struct bytes rest = { r->word + i, r->n - i };
		const char *kind = NULL;
		size_t n = may_start(r, i) ? shape_match(rest, &kind) : 0;

		if (n == 0)
			continue;
		emit(r, r->word + from, i - from);
		emit_redacted(r, kind);
		from = i + n;
		i = from - 1;
	}
	*ret_open = from == r->n;
	if (from >= end)
		return from;
	emit(r, r->word + from, end - from);
	return end;
}

/* Follows "-----BEGIN RSA PRIVATE KEY-----" word by word. */
static void follow_pem(struct redact *r)
{
	struct bytes w = { r->word, r->n };

	if (w.n >= 10 && memcmp(w.p + w.n - 10, "-----BEGIN", 10) == 0)
		r->pem = PEM_BEGIN;
	else if (r->pem == PEM_BEGIN && bytes_equal(w, BYTES_LITERAL("PRIVATE")))
		r->pem = PEM_PRIVATE;
	else if (r->pem == PEM_PRIVATE && w.n > 5 && memcmp(w.p + w.n - 5, "-----", 5) == 0)
		r->mode = KEY;
	else if (r->pem == PEM_PRIVATE && !bytes_equal(w, BYTES_LITERAL("KEY")))
		r->pem = PEM_NONE; /* "KEY BLOCK-----" is that of PGP */
	if (r->mode != KEY)
		return;
	r->pem = PEM_NONE;
	r->dropped = r->dashes = 0;
	r->drop_escape = false;
}

static bool is_bearer(const struct redact *r)
{
	size_t skip = r->escaped && r->n == 7;

	return r->n == 6 + skip && strncasecmp(r->word + skip, "bearer", 6) == 0;
}

static void end_word(struct redact *r)
{
	bool open = false;

	if (r->n == 0)
		return;
	if (r->extended && r->n >= BEARER_MIN)
		emit_redacted(r, "bearer");
	else
		(void)put_word(r, r->n, &open);
	if (!r->extended)
		follow_pem(r);
	r->bearer = is_bearer(r);
	r->extended = false;
	r->n = 0;
}

/* The word is full. Its last bytes stay, as a token may start in them. */
static void shorten_word(struct redact *r)
{
	size_t keep = r->n - TAIL_KEPT;
	bool open = r->extended;

	if (r->extended) {
		emit_redacted(r, "bearer");
		keep = r->n;
	} else {
		while (keep < r->n && !may_start(r, keep))
			keep++;
		keep = put_word(r, keep, &open);
	}
	r->mode = open ? SWALLOWING : keep == r->n ? PASSING : PLAIN;
	r->escaped = r->extended = false;
	memmove(r->word, r->word + keep, r->n - keep);
	r->n -= keep;
}

/* The bytes of a key in PEM or of its text in JSON, where a line ends in "\n". */
static bool is_key_byte(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("+/= \r\n\t\\:,.-", c) != NULL);
}

/* What follows a key starts with the dashes held back. */
static void end_key(struct redact *r)
{
	if (r->dropped > 0)
		emit_redacted(r, "private-key");
	if (r->drop_escape)
		emit(r, "\\", 1);
	memset(r->word, '-', r->dashes);
	r->n = r->dashes;
	r->mode = PLAIN;
	r->escaped = r->bearer = r->extended = false;
	r->backslash = r->drop_escape;
	r->dropped = r->dashes = 0;
}

/* True when the byte was the key's. */
static bool take_key(struct redact *r, char c)
{
	if (!is_key_byte(c) || r->dropped >= PEM_MAX) {
		end_key(r);
		return false;
	}
	if (c == '-') {
		r->drop_escape = false;
		if (++r->dashes == 5)
			end_key(r);
		return true;
	}
	r->dropped += 1 + r->dashes;
	r->dashes = 0;
	r->drop_escape = c == '\\' && !r->drop_escape;
	return true;
}

static bool in_word(const struct redact *r, char c)
{
	if (shape_is_word(c))
		return true;
	return (r->extended || r->mode == SWALLOWING) && c && strchr("+/=~", c) != NULL;
}

static void add_byte(struct redact *r, char c)
{
	if (r->mode == KEY && take_key(r, c))
		return;
	if (r->mode == SWALLOWING && in_word(r, c))
		return;
	if (r->mode == PASSING && isalnum((unsigned char)c)) {
		emit(r, &c, 1);
		return;
	}
	r->mode = PLAIN;
	if (!in_word(r, c)) {
		end_word(r);
		if (r->mode == KEY && take_key(r, c))
			return;
		if (c != ' ')
			r->bearer = false;
		r->backslash = c == '\\' && !r->backslash;
		emit(r, &c, 1);
		return;
	}
	if (r->n == 0) {
		r->escaped = r->backslash;
		r->extended = r->bearer;
		r->bearer = r->backslash = false;
	}
	r->word[r->n++] = c;
	if (r->n == sizeof(r->word))
		shorten_word(r);
}

static void look_for_tokens(void *ctx, struct bytes piece)
{
	for (size_t i = 0; i < piece.n; i++)
		add_byte(ctx, piece.p[i]);
}

void redact_add(struct redact *r, struct bytes piece)
{
	pairs_add(&r->pairs, piece);
}

void redact_end(struct redact *r)
{
	pairs_end(&r->pairs);
	if (r->mode == KEY)
		end_key(r);
	end_word(r);
	if (r->mode == KEY)
		end_key(r);
}

size_t redact_count(const struct redact *r)
{
	return r->count + r->pairs.count;
}

static void append(void *ctx, struct bytes piece)
{
	buf_add(ctx, piece.p, piece.n);
}

size_t redact_text(struct bytes text, struct buf *out)
{
	AUTO_REDACT struct redact *r = redact_new(append, out);

	redact_add(r, text);
	redact_end(r);
	return redact_count(r);
}
