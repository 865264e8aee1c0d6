/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/links.h"

#include "kb/unicode.h"

#include <ctype.h>

struct link_scan link_scan(struct bytes text)
{
	return (struct link_scan){ .text = text, .line_start = true };
}

static size_t run_of(struct bytes text, size_t at, char c)
{
	size_t n = 0;

	while (at + n < text.n && text.p[at + n] == c)
		n++;
	return n;
}

static size_t next_line(struct bytes text, size_t at)
{
	const char *end = at < text.n ? memchr(text.p + at, '\n', text.n - at) : NULL;

	return end ? (size_t)(end - text.p) + 1 : text.n;
}

/* At the start of a line: opens or closes a fence, or lies in one: then the line is passed over. */
static bool pass_fence(struct link_scan *s)
{
	size_t at = s->at + run_of(s->text, s->at, ' ');
	char c = at < s->text.n ? s->text.p[at] : '\0';
	size_t n = c == '`' || c == '~' ? run_of(s->text, at, c) : 0;

	s->line_start = false;
	if (!s->fence && n >= 3) {
		s->fence = c;
		s->fence_length = n;
	} else if (s->fence && c == s->fence && n >= s->fence_length) {
		s->fence = '\0';
	} else if (!s->fence) {
		return false;
	}
	s->at = next_line(s->text, s->at);
	s->line_start = true;
	return true;
}

/* A code span closes with as many backticks as it opened with, on the same line. */
static void pass_code(struct link_scan *s)
{
	size_t n = run_of(s->text, s->at, '`');
	size_t end = next_line(s->text, s->at);

	for (size_t i = s->at + n; i < end; i++) {
		size_t m = run_of(s->text, i, '`');

		if (m == n) {
			s->at = i + m;
			return;
		}
		i += m;
	}
	s->at += n;
}

static struct bytes part(struct bytes text, size_t from, size_t to)
{
	while (from < to && (text.p[from] == ' ' || text.p[from] == '\t'))
		from++;
	while (to > from && (text.p[to - 1] == ' ' || text.p[to - 1] == '\t'))
		to--;
	return (struct bytes){ text.p + from, to - from };
}

static bool parse(struct bytes text, size_t at, struct wiki_link *ret)
{
	size_t limit = text.n - at > LINK_BYTES_MAX ? at + LINK_BYTES_MAX : text.n;
	size_t hash = 0, bar = 0;

	for (size_t i = at + 2; i + 1 < limit; i++) {
		char c = text.p[i];

		if (c == '\n' || (c == '[' && text.p[i + 1] == '['))
			return false;
		if (c == '#' && !hash && !bar)
			hash = i;
		if (c == '|' && !bar)
			bar = i;
		if (c != ']' || text.p[i + 1] != ']')
			continue;
		*ret = (struct wiki_link){ .at = at, .n = i + 2 - at };
		ret->target = part(text, at + 2, hash ? hash : bar ? bar : i);
		if (hash)
			ret->anchor = part(text, hash + 1, bar ? bar : i);
		if (bar)
			ret->alias = part(text, bar + 1, i);
		return ret->target.n > 0 || ret->anchor.n > 0;
	}
	return false;
}

bool link_next(struct link_scan *s, struct wiki_link *ret)
{
	while (s->at < s->text.n) {
		char c = s->text.p[s->at];

		if (s->line_start && pass_fence(s))
			continue;
		if (c == '`') {
			pass_code(s);
			continue;
		}
		if (c == '[' && s->at + 1 < s->text.n && s->text.p[s->at + 1] == '[' &&
		    parse(s->text, s->at, ret)) {
			s->at += ret->n;
			ret->embed = ret->at > 0 && s->text.p[ret->at - 1] == '!';
			ret->at -= ret->embed;
			ret->n += ret->embed;
			return true;
		}
		s->line_start = c == '\n';
		s->at++;
	}
	return false;
}

char *link_target(const struct wiki_link *link)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	text_add_clean(&out, link->target);
	if (str_ends(buf_str(&out), ".md"))
		out.p[out.n - 3] = '\0';
	return xstrdup(buf_str(&out));
}

static void add_words(const struct wiki_link *link, const char *target, struct buf *out)
{
	const char *slash = strrchr(target, '/');
	AUTO_FREE char *words = uni_words(slash ? slash + 1 : target);

	if (link->alias.n > 0)
		buf_add(out, link->alias.p, link->alias.n);
	else
		buf_adds(out, words);
}

static void add_link(const struct wiki_link *link, const char *target, struct buf *out)
{
	buf_addf(out, "%s[[%s", link->embed ? "!" : "", target);
	if (link->anchor.n > 0)
		buf_addf(out, "#%.*s", (int)link->anchor.n, link->anchor.p);
	if (link->alias.n > 0)
		buf_addf(out, "|%.*s", (int)link->alias.n, link->alias.p);
	buf_adds(out, "]]");
}

bool link_rewrite(struct bytes text, link_resolve_fn resolve, void *ctx, struct buf *out)
{
	struct link_scan scan = link_scan(text);
	struct wiki_link link;
	size_t done = 0;
	bool changed = false;

	while (link_next(&scan, &link)) {
		AUTO_FREE char *target = link_target(&link);
		AUTO_FREE char *other = NULL;
		enum link_fate fate = link.target.n == 0 ? LINK_KEEP : resolve(ctx, target, &other);

		if (fate == LINK_KEEP)
			continue;
		changed = true;
		buf_add(out, text.p + done, link.at - done);
		if (fate == LINK_REPLACE)
			add_link(&link, other, out);
		else
			add_words(&link, target, out);
		done = link.at + link.n;
	}
	buf_add(out, text.p + done, text.n - done);
	return changed;
}

void link_add_plain(struct buf *out, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		buf_addc(out, text.p[i]);
		if (text.p[i] == '[' && i + 1 < text.n && text.p[i + 1] == '[')
			buf_addc(out, ' ');
	}
}

/* A line that begins with as many again, or the end: all between is code. */
static size_t fence_end(struct bytes text, size_t at, size_t run)
{
	for (size_t i = at + run; i < text.n; i++)
		if (text.p[i] == text.p[at] && text.p[i - 1] == '\n' &&
		    run_of(text, i, text.p[i]) >= run)
			return i + run_of(text, i, text.p[i]);
	return text.n;
}

/* A span of code ends with just as many, within its paragraph; `at` when it does not. */
static size_t span_end(struct bytes text, size_t at, size_t run)
{
	for (size_t i = at + run; i < text.n; i++) {
		size_t n = text.p[i] == '`' ? run_of(text, i, text.p[i]) : 0;

		if (n == run)
			return i + n;
		if (text.p[i] == '\n' && i + 1 < text.n && text.p[i + 1] == '\n')
			return at;
		i += n > 0 ? n - 1 : 0;
	}
	return at;
}

static size_t code_end(struct bytes text, size_t at)
{
	size_t run = run_of(text, at, text.p[at]);
	bool line_start = at == 0 || text.p[at - 1] == '\n';

	if (run >= 3 && line_start)
		return fence_end(text, at, run);
	return text.p[at] == '`' ? span_end(text, at, run) : at;
}

void link_add_tame(struct buf *out, struct bytes text)
{
	size_t plain = out->n; /* what may still lose its '!': the rest is code, or not ours */

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i], next = i + 1 < text.n ? text.p[i + 1] : ' ';
		size_t end = c == '`' || c == '~' ? code_end(text, i) : i;

		if (c == '`' && end == i)
			end = i + run_of(text, i, text.p[i]);
		if (end > i) {
			buf_add(out, text.p + i, end - i);
			i = end - 1;
			plain = out->n;
			continue;
		}
		while (c == '[' && out->n > plain && out->p[out->n - 1] == '!')
			out->p[--out->n] = '\0';
		if (c == '<' && (next == '/' || next == '!' || isalpha((unsigned char)next)))
			buf_addc(out, '\\');
		buf_addc(out, c);
	}
}
