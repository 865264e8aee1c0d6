/* SPDX-License-Identifier: Apache-2.0 */
/* Paragraphs without code, tables and list marks, cut into sentences. */
#include "kb/extract.h"

#include "kb/lines.h"
#include "kb/unicode.h"

#include <ctype.h>

struct cutter {
	struct digest *d;
	size_t section;
	struct buf paragraph;
	char fence;
};

/* "e.g.", "Dr.", "J." do not end a sentence. */
static bool is_abbreviation(struct bytes text, size_t dot)
{
	static const char *const known[] = { "e.g", "i.e", "etc", "cf", "Dr", "Mr",  "Mrs", "Prof",
					     "vs",  "No",  "Fig", "al", "St", "z.B", "d.h", "bzw" };
	size_t from = dot;

	while (from > 0 && !strchr(" (\"", text.p[from - 1]))
		from--;
	if (dot - from <= 1)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strlen(known[i]) == dot - from &&
		    memcmp(text.p + from, known[i], dot - from) == 0)
			return true;
	return false;
}

/* The bytes of the mark that ends a sentence here, 0 when none does. */
static size_t end_mark(struct bytes text, size_t at)
{
	static const char *const wide[] = { "。", "！", "？" };
	size_t next = at + 1;

	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		if (text.n - at >= 3 && memcmp(text.p + at, wide[i], 3) == 0)
			return 3;
	if (!strchr(".!?", text.p[at]) || (text.p[at] == '.' && is_abbreviation(text, at)))
		return 0;
	while (next < text.n && strchr("\")'", text.p[next]))
		next++;
	if (next < text.n && text.p[next] != ' ')
		return 0;
	return next + 1 < text.n && islower((unsigned char)text.p[next + 1]) ? 0 : next - at;
}

static bool is_sentence(struct bytes text)
{
	size_t letters = 0, words = 0, unspaced = 0, length;
	bool before = false;

	if (text.n < SENTENCE_BYTES_MIN || text.n > SENTENCE_BYTES_MAX)
		return false;
	for (size_t i = 0; i < text.n; i += length) {
		int32_t c = uni_at(text, i, &length);
		bool letter = uni_is_letter(c);

		letters += letter ? length : 0;
		unspaced += uni_is_unspaced(c);
		words += letter && !before;
		before = letter || c == '\'' || c == '-';
	}
	return letters * 2 > text.n && (words >= 4 || unspaced >= 8);
}

static void add_sentence(struct cutter *c, struct bytes text)
{
	struct digest *d = c->d;

	while (text.n > 0 && strchr(" *_-", text.p[0]))
		text = (struct bytes){ text.p + 1, text.n - 1 };
	while (text.n > 0 && text.p[text.n - 1] == ' ')
		text.n--;
	if (d->sentence_count >= SENTENCES_MAX || !is_sentence(text))
		return;
	d->sentences = xgrow(d->sentences, &d->sentence_capacity, d->sentence_count + 1,
			     sizeof(*d->sentences));
	d->sentences[d->sentence_count++] =
		(struct sentence){ .text = xstrndup(text.p, text.n), .section = c->section };
}

static void end_paragraph(struct cutter *c)
{
	AUTO_FREE char *plain = section_plain(buf_bytes(&c->paragraph));
	struct bytes text = bytes_of(plain);
	size_t from = 0;

	buf_clear(&c->paragraph);
	for (size_t i = 0; i < text.n; i++) {
		size_t n = end_mark(text, i);

		if (n == 0)
			continue;
		add_sentence(c, (struct bytes){ text.p + from, i + n - from });
		from = i + n;
		i += n - 1;
	}
	add_sentence(c, (struct bytes){ text.p + from, text.n - from });
}

/* "- ", "* ", "12. ", "> " in front of a line. */
static size_t mark_length(struct bytes line)
{
	size_t n = 0;

	while (n < line.n && isdigit((unsigned char)line.p[n]))
		n++;
	if (n > 0 && n < 4 && n + 1 < line.n && strchr(".)", line.p[n]) && line.p[n + 1] == ' ')
		return n + 2;
	return line.n > 1 && strchr("-*+>", line.p[0]) && line.p[1] == ' ' ? 2 : 0;
}

static bool is_skipped(struct cutter *c, struct bytes line)
{
	bool fence =
		line.n >= 3 && (memcmp(line.p, "```", 3) == 0 || memcmp(line.p, "~~~", 3) == 0);

	if (fence && (!c->fence || c->fence == line.p[0]))
		c->fence = c->fence ? '\0' : line.p[0];
	if (fence || c->fence)
		return true;
	return line.n == 0 || line.p[0] == '|' || line.p[0] == '#' ||
	       (line.n > 4 && memcmp(line.p, "<!--", 4) == 0) ||
	       (line.n > 3 && memcmp(line.p, ".. ", 3) == 0) || /* of reStructuredText */
	       (line.n > 2 && line.p[0] == ':' && memchr(line.p + 1, ':', line.n - 1));
}

static void add_line(struct cutter *c, struct bytes line)
{
	size_t mark;

	while (line.n > 0 && isspace((unsigned char)line.p[0]))
		line = (struct bytes){ line.p + 1, line.n - 1 };
	while (line.n > 0 && isspace((unsigned char)line.p[line.n - 1]))
		line.n--;
	if (is_skipped(c, line)) {
		end_paragraph(c);
		return;
	}
	mark = mark_length(line);
	if (mark)
		end_paragraph(c);
	buf_add(&c->paragraph, line.p + mark, line.n - mark);
	buf_addc(&c->paragraph, ' ');
}

void extract_sentences(const struct compile_input *in, struct digest *d)
{
	struct cutter c = { .d = d, .paragraph = BUF_INIT(BUF_OWN_MAX) };

	for (size_t i = 0; i < in->sections->n && d->sentence_count < SENTENCES_MAX; i++) {
		const struct section *s = &in->sections->v[i];
		struct bytes text = { in->text.p + s->at, s->n };

		c.section = i;
		c.fence = '\0';
		for (size_t at = 0; at < text.n; at = line_end(text, at))
			add_line(&c, (struct bytes){ text.p + at, line_end(text, at) - at });
		end_paragraph(&c);
	}
	buf_release(&c.paragraph);
}
