/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/section.h"

#include "kb/front.h"
#include "kb/lines.h"

/* [words](target), ![alt](target) and [[target|words]] leave their words. */
static size_t pass_link(struct bytes m, size_t at, struct buf *out)
{
	const char *close = memchr(m.p + at, ']', m.n - at);
	size_t end = close ? (size_t)(close - m.p) : m.n;
	size_t from = at + 1;
	const char *bar;

	if (!close || end - at > 500)
		return 0;
	if (from < end && m.p[from] == '[') {
		bar = memchr(m.p + from, '|', end - from);
		from = bar ? (size_t)(bar - m.p) + 1 : from + 1;
		buf_add(out, m.p + from, end - from);
		return end + (end + 1 < m.n && m.p[end + 1] == ']' ? 2 : 1) - at;
	}
	if (end + 1 >= m.n || m.p[end + 1] != '(')
		return 0;
	close = memchr(m.p + end, ')', m.n - end);
	if (!close)
		return 0;
	buf_add(out, m.p + from, end - from);
	return (size_t)(close - m.p) + 1 - at;
}

static void add_blank(struct buf *out)
{
	if (out->n > 0 && out->p[out->n - 1] != ' ')
		buf_addc(out, ' ');
}

/* "<b>" goes, "a < b" stays. */
static size_t tag_length(struct bytes m, size_t at)
{
	const char *close = memchr(m.p + at, '>', m.n - at);
	char next = at + 1 < m.n ? m.p[at + 1] : ' ';
	bool tag = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || next == '/' ||
		   next == '!';

	return tag && close && (size_t)(close - m.p) - at < 300 ? (size_t)(close - m.p) + 1 - at
								: 0;
}

/* What a mark takes, 0 when the letter is text. */
static size_t pass_mark(struct bytes m, size_t at, struct buf *out)
{
	char c = m.p[at];

	if (c == '[')
		return pass_link(m, at, out);
	if (c == '!' && at + 1 < m.n && m.p[at + 1] == '[') {
		size_t n = pass_link(m, at + 1, out);

		return n ? n + 1 : 0;
	}
	if (c == '<')
		return tag_length(m, at);
	if (c == '\\' && at + 1 < m.n && strchr("\\`*_{}[]()#+-.!|<>~", m.p[at + 1])) {
		buf_addc(out, m.p[at + 1]);
		return 2;
	}
	return c == '*' || c == '`' || c == '~';
}

char *section_plain(struct bytes m)
{
	AUTO_BUF struct buf raw = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	for (size_t i = 0; i < m.n;) {
		size_t n = pass_mark(m, i, &raw);

		if (n == 0 && strchr(" \t\r\n", m.p[i]))
			add_blank(&raw);
		else if (n == 0)
			buf_addc(&raw, m.p[i]);
		i += n ? n : 1;
	}
	while (raw.n > 0 && raw.p[raw.n - 1] == ' ')
		raw.n--;
	text_add_clean(&out, buf_bytes(&raw));
	return buf_take(&out);
}

char *section_anchor(const char *title)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	for (const char *c = title; *c; c++) {
		if (strchr("#|[]^:%\\ \t", *c))
			add_blank(&out);
		else
			buf_addc(&out, *c);
	}
	while (out.n > SECTION_ANCHOR_MAX && out.n > 0) {
		do {
			out.n--;
		} while (out.n > 0 && ((unsigned char)out.p[out.n] & 0xc0) == 0x80);
		out.p[out.n] = '\0';
	}
	while (out.n > 0 && out.p[out.n - 1] == ' ')
		out.p[--out.n] = '\0';
	return buf_take(&out);
}

struct splitter {
	struct bytes text;
	struct sections *s;
	int64_t page;
	bool headings;
	char fence;
};

static void add_section(struct splitter *sp, unsigned level, const char *title, size_t at)
{
	struct sections *s = sp->s;
	struct section *section;

	s->v = xgrow(s->v, &s->capacity, s->n + 1, sizeof(*s->v));
	section = &s->v[s->n++];
	*section = (struct section){ .level = level, .page = sp->page, .at = at };
	section->title = xstrdup(title);
	section->anchor = level > 0 ? section_anchor(title) : xstrdup("");
}

static void end_section(struct splitter *sp, size_t at)
{
	struct section *last = &sp->s->v[sp->s->n - 1];

	last->n = at - last->at;
}

static unsigned atx_level(struct bytes line)
{
	unsigned n = 0;

	while (n < line.n && line.p[n] == '#')
		n++;
	return n >= 1 && n <= 6 && n < line.n && (line.p[n] == ' ' || line.p[n] == '\t') ? n : 0;
}

/* A line of '=' or '-' under a line of text makes that a heading. */
static unsigned underline_level(struct bytes text, size_t at, struct bytes line)
{
	size_t next = line_end(text, at);
	struct bytes under = next < text.n ? line_at(text, next) : (struct bytes){ 0 };

	if (line.n == 0 || line.n > SECTION_TITLE_MAX || strchr("#>-*|=+`~<", line.p[0]) ||
	    under.n < 3 || (under.p[0] != '=' && under.p[0] != '-'))
		return 0;
	for (size_t i = 0; i < under.n; i++)
		if (under.p[i] != under.p[0])
			return 0;
	return under.p[0] == '=' ? 1 : 2;
}

static bool is_page_mark(struct bytes line, int64_t *ret_page)
{
	static const char mark[] = "<!-- page ";
	AUTO_FREE char *number = NULL;
	struct err e = { 0 };

	if (line.n < sizeof(mark) + 4 || memcmp(line.p, mark, sizeof(mark) - 1) != 0 ||
	    memcmp(line.p + line.n - 4, " -->", 4) != 0)
		return false;
	number = xstrndup(line.p + sizeof(mark) - 1, line.n - sizeof(mark) - 3);
	return parse_int64(number, 1, INT32_MAX, ret_page, &e) == 0;
}

static bool in_code(struct splitter *sp, struct bytes line)
{
	bool fence =
		line.n >= 3 && (memcmp(line.p, "```", 3) == 0 || memcmp(line.p, "~~~", 3) == 0);
	bool was = sp->fence != 0;

	if (fence && !sp->fence)
		sp->fence = line.p[0];
	else if (fence && sp->fence == line.p[0])
		sp->fence = 0;
	return was || fence;
}

static void begin_heading(struct splitter *sp, size_t at, size_t below, unsigned level)
{
	struct bytes line = line_at(sp->text, at);
	size_t from = line.p[0] == '#' ? level : 0;
	AUTO_FREE char *title = NULL;

	while (line.n > from + 1 && line.p[line.n - 1] == '#')
		line.n--;
	title = section_plain((struct bytes){ line.p + from, line.n - from });
	if (!*title)
		return;
	end_section(sp, at);
	sp->headings = true;
	add_section(sp, level, title + strspn(title, " "), below);
}

static void begin_page(struct splitter *sp, size_t at, int64_t page)
{
	AUTO_FREE char *name = xasprintf("p. %lld", (long long)page);

	sp->page = page;
	if (page > sp->s->pages)
		sp->s->pages = page;
	if (sp->headings)
		return;
	end_section(sp, at);
	add_section(sp, 0, name, line_end(sp->text, at));
	free(sp->s->v[sp->s->n - 1].anchor);
	sp->s->v[sp->s->n - 1].anchor = TAKE(name);
}

/* Between two paragraphs, once there is enough of the section. */
static void maybe_split(struct splitter *sp, size_t at)
{
	const struct section *last = &sp->s->v[sp->s->n - 1];
	AUTO_FREE char *title = xstrdup(last->title);
	AUTO_FREE char *anchor = xstrdup(last->anchor);
	unsigned level = last->level;

	if (at - last->at < SECTION_SPLIT)
		return;
	end_section(sp, at);
	add_section(sp, level, title, at);
	free(sp->s->v[sp->s->n - 1].anchor);
	sp->s->v[sp->s->n - 1].anchor = TAKE(anchor);
}

static bool is_empty(const struct splitter *sp, const struct section *section)
{
	for (size_t i = 0; i < section->n; i++)
		if (!strchr(" \t\r\n", sp->text.p[section->at + i]))
			return false;
	return true;
}

/* What has neither heading nor text is none. */
static void drop_empty(struct splitter *sp)
{
	struct sections *s = sp->s;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].level == 0 && s->n > 1 && is_empty(sp, &s->v[i])) {
			free(s->v[i].title);
			free(s->v[i].anchor);
			continue;
		}
		s->v[n++] = s->v[i];
	}
	s->n = n;
}

void sections_of(struct bytes text, const char *title, struct sections *s)
{
	struct splitter sp = { .text = text, .s = s };
	size_t at = front_split(text).body;

	add_section(&sp, 0, title, at);
	for (; at < text.n; at = line_end(text, at)) {
		struct bytes line = line_at(text, at);
		int64_t page = 0;
		unsigned level, under;

		if (s->n >= SECTIONS_MAX)
			break;
		if (in_code(&sp, line))
			continue;
		if (is_page_mark(line, &page)) {
			begin_page(&sp, at, page);
			continue;
		}
		level = line.n <= SECTION_TITLE_MAX ? atx_level(line) : 0;
		under = level ? 0 : underline_level(text, at, line);
		if (level || under) {
			size_t below = line_end(text, at);

			begin_heading(&sp, at, under ? line_end(text, below) : below,
				      level ? level : under);
			at = under ? below : at;
		} else if (line.n == 0) {
			maybe_split(&sp, at);
		}
	}
	end_section(&sp, text.n);
	drop_empty(&sp);
}

void sections_release(struct sections *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].title);
		free(s->v[i].anchor);
		free(s->v[i].summary);
	}
	free(s->v);
	*s = (struct sections){ 0 };
}

int64_t section_last_page(const struct sections *s, size_t i)
{
	const struct section *section = &s->v[i];

	if (section->level == 0)
		return section->page;
	for (size_t k = i + 1; k < s->n; k++) {
		bool same = s->v[k].level == section->level &&
			    str_eq(s->v[k].anchor, section->anchor); /* its next part */

		if (s->v[k].level <= section->level && !same)
			return s->v[k].page;
	}
	return section->page ? s->pages : 0;
}

void section_add_pages(const struct sections *s, size_t i, struct buf *out)
{
	int64_t first = s->v[i].page, last = section_last_page(s, i);

	if (first > 0)
		buf_addf(out, " (p. %lld", (long long)first);
	if (first > 0 && last > first)
		buf_addf(out, "-%lld", (long long)last);
	buf_adds(out, first > 0 ? ")" : "");
}
