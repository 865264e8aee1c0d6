/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/index-text.h"

#include "kb/lines.h"

/* In the order they stand in. */
static const enum page_kind order[] = { PAGE_SUMMARY, PAGE_CONCEPT, PAGE_ENTITY, PAGE_EXPLORATION };

void index_text_new(struct buf *out)
{
	buf_adds(out, "# Knowledge Base Index\n");
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		buf_addf(out, "\n%s\n", page_kind_section(order[i]));
}

char *index_line(const char *link, const char *note, const char *description)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	buf_addf(&out, "- [[%s]]", link);
	if (note && *note)
		buf_addf(&out, " (%s)", note);
	if (description && *description) {
		buf_adds(&out, " — ");
		text_add_clean(&out, bytes_of(description));
	}
	return buf_take(&out);
}

static bool is_entry(struct bytes text, size_t at)
{
	return text.n - at > 4 && memcmp(text.p + at, "- [[", 4) == 0;
}

static bool is_archive(struct bytes text, size_t at)
{
	return text.n - at > 10 && memcmp(text.p + at, "- [[index/", 10) == 0;
}

/* Of an earlier index that lacks the section: in front of the next one that is there. */
static void add_missing(struct bytes index, enum page_kind kind, struct buf *out)
{
	size_t at = index.n;
	bool after = false;

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		struct bytes next = after ? page_section(index, page_kind_section(order[i]))
					  : (struct bytes){ 0 };

		if (next.n > 0 && (size_t)(next.p - index.p) < at)
			at = (size_t)(next.p - index.p);
		after = after || order[i] == kind;
	}
	buf_add(out, index.p, at);
	if (at > 0 && index.p[at - 1] != '\n')
		buf_addc(out, '\n');
	if (at == index.n && at > 0)
		buf_addc(out, '\n');
	buf_addf(out, "%s\n", page_kind_section(kind));
	if (at < index.n)
		buf_addc(out, '\n');
	buf_add(out, index.p + at, index.n - at);
}

/* The offset of the line with that link in the section; its end when there is none. */
static size_t find_line(struct bytes index, struct bytes section, const char *link)
{
	AUTO_FREE char *start = xasprintf("- [[%s", link);
	size_t n = strlen(start);
	size_t at = (size_t)(section.p - index.p);
	size_t end = at + section.n;

	for (; at < end; at = line_end(index, at))
		if (end - at > n && memcmp(index.p + at, start, n) == 0 &&
		    strchr("]|#", index.p[at + n]))
			return at;
	return end;
}

static void put_in(struct bytes index, struct bytes section, const char *line, struct buf *out)
{
	const char *from = strstr(line, "[[") + 2;
	AUTO_FREE char *link = xstrndup(from, strcspn(from, "]|#"));
	size_t start = (size_t)(section.p - index.p);
	size_t at = find_line(index, section, link);
	size_t rest = at;

	if (at < start + section.n) {
		rest = line_end(index, at);
	} else {
		at = rest = line_end(index, start);
		/* below an empty line under the heading, and below words of a person */
		while (rest < start + section.n && !is_entry(index, rest))
			rest = line_end(index, rest);
		at = rest = rest < start + section.n ? rest : at;
	}
	buf_add(out, index.p, at);
	if (at > 0 && index.p[at - 1] != '\n')
		buf_addc(out, '\n');
	buf_addf(out, "%s\n", line);
	buf_add(out, index.p + rest, index.n - rest);
}

void index_text_put(struct bytes index, enum page_kind kind, const char *line, struct buf *out)
{
	struct bytes section = page_section(index, page_kind_section(kind));
	AUTO_BUF struct buf whole = BUF_INIT(BUF_OWN_MAX);

	buf_clear(out);
	if (section.n == 0) {
		add_missing(index, kind, &whole);
		index = buf_bytes(&whole);
		section = page_section(index, page_kind_section(kind));
	}
	if (section.n == 0) { /* code that is never closed hides every heading */
		buf_add(out, index.p, index.n);
		buf_addf(out, "%s\n", line);
		return;
	}
	put_in(index, section, line, out);
}

void index_text_drop(struct bytes index, enum page_kind kind, const char *link, struct buf *out)
{
	struct bytes section = page_section(index, page_kind_section(kind));
	size_t at = section.n ? find_line(index, section, link) : index.n;
	bool found = section.n && at < (size_t)(section.p - index.p) + section.n;
	size_t rest = found ? line_end(index, at) : at;

	buf_clear(out);
	buf_add(out, index.p, at);
	buf_add(out, index.p + rest, index.n - rest);
}

bool index_text_has(struct bytes index, enum page_kind kind, const char *link)
{
	struct bytes section = page_section(index, page_kind_section(kind));

	return section.n &&
	       find_line(index, section, link) < (size_t)(section.p - index.p) + section.n;
}

size_t index_text_count(struct bytes index, enum page_kind kind)
{
	struct bytes section = page_section(index, page_kind_section(kind));
	size_t n = 0;

	for (size_t at = 0; at < section.n; at = line_end(section, at))
		n += is_entry(section, at) && !is_archive(section, at);
	return n;
}

void index_text_halve(struct bytes index, enum page_kind kind, const char *archive_link,
		      struct buf *out, struct buf *older)
{
	struct bytes section = page_section(index, page_kind_section(kind));
	size_t keep = index_text_count(index, kind) / 2;
	size_t at = section.p ? (size_t)(section.p - index.p) : index.n;
	size_t end = at + section.n;
	bool linked = false;

	buf_clear(out);
	buf_add(out, index.p, at);
	for (; at < end; at = line_end(index, at)) {
		size_t next = line_end(index, at);
		bool entry = is_entry(index, at) && !is_archive(index, at);

		if (entry && keep == 0) {
			buf_add(older, index.p + at, next - at);
			if (!linked)
				buf_addf(out, "%s\n", archive_link);
			linked = true;
			continue;
		}
		keep -= entry;
		buf_add(out, index.p + at, next - at);
	}
	buf_add(out, index.p + end, index.n - end);
}
