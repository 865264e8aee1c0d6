/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/page.h"

#include "kb/front.h"
#include "kb/lines.h"

static const struct {
	const char *folder, *word, *section;
} kinds[PAGE_KINDS] = {
	[PAGE_OTHER] = { "", "page", NULL },
	[PAGE_SUMMARY] = { "summaries", "summary", "## Documents" },
	[PAGE_CONCEPT] = { "concepts", "concept", "## Concepts" },
	[PAGE_ENTITY] = { "entities", "entity", "## Entities" },
	[PAGE_EXPLORATION] = { "explorations", "exploration", "## Explorations" },
};

/* What closes a page: new sections go in front of these. */
static const char *const closing[] = { "## Related Documents", "## Related Concepts",
				       "## Entities" };

const char *page_kind_folder(enum page_kind kind)
{
	return kinds[kind].folder;
}

const char *page_kind_word(enum page_kind kind)
{
	return kinds[kind].word;
}

const char *page_kind_section(enum page_kind kind)
{
	return kinds[kind].section;
}

enum page_kind page_kind_of(const char *path)
{
	size_t n = strcspn(path, "/");

	for (int kind = PAGE_SUMMARY; kind < PAGE_KINDS; kind++)
		if (path[n] && strlen(kinds[kind].folder) == n &&
		    strncmp(path, kinds[kind].folder, n) == 0)
			return (enum page_kind)kind;
	return PAGE_OTHER;
}

bool page_is_plain_file(const char *path)
{
	static const char *const files[] = { "index.md", "log.md", "AGENTS.md", "SCHEMA.md" };
	static const char *const folders[] = { "reports/", "sources/", "index/" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (str_eq(path, files[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (str_starts(path, folders[i]))
			return true;
	return !str_ends(path, ".md") || path[0] == '.' || strstr(path, "/.");
}

char *page_link(const char *path)
{
	size_t n = strlen(path);

	return xstrndup(path, str_ends(path, ".md") ? n - 3 : n);
}

char *page_path(enum page_kind kind, const char *slug)
{
	return xasprintf("%s/%s.md", kinds[kind].folder, slug);
}

static size_t heading_level(struct bytes line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] == '#')
		n++;
	return n > 0 && n <= 6 && (n == line.n || line.p[n] == ' ') ? n : 0;
}

static bool is_fence(struct bytes line)
{
	return line.n >= 3 && (memcmp(line.p, "```", 3) == 0 || memcmp(line.p, "~~~", 3) == 0);
}

/* The next heading at or after `at`, up to a level; text.n when there is none. */
static size_t next_heading(struct bytes text, size_t at, size_t level)
{
	bool code = false;

	for (; at < text.n; at = line_end(text, at)) {
		struct bytes line = line_at(text, at);
		size_t found = heading_level(line);

		if (is_fence(line))
			code = !code;
		if (!code && found > 0 && found <= level)
			return at;
	}
	return text.n;
}

static size_t find_heading(struct bytes page, const char *heading)
{
	size_t at = front_split(page).body;

	while ((at = next_heading(page, at, 6)) < page.n) {
		if (bytes_equal(line_at(page, at), bytes_of(heading)))
			return at;
		at = line_end(page, at);
	}
	return page.n;
}

char *page_title(struct bytes page)
{
	size_t at = front_split(page).body;

	while ((at = next_heading(page, at, 1)) < page.n) {
		struct bytes line = line_at(page, at);

		if (line.n > 2) {
			AUTO_BUF struct buf title = BUF_INIT(BUF_OWN_MAX);

			text_add_clean(&title, (struct bytes){ line.p + 2, line.n - 2 });
			return buf_take(&title);
		}
		at = line_end(page, at);
	}
	return NULL;
}

struct bytes page_section(struct bytes page, const char *heading)
{
	size_t at = find_heading(page, heading);
	size_t level = heading_level(bytes_of(heading));
	size_t end;

	if (at == page.n)
		return (struct bytes){ 0 };
	end = next_heading(page, line_end(page, at), level);
	return (struct bytes){ page.p + at, end - at };
}

static void add_rest(struct bytes page, size_t from, struct buf *out)
{
	buf_add(out, page.p + from, page.n - from);
}

/* In front of the first closing section, else at the end. */
static size_t insertion_point(struct bytes page)
{
	size_t at = page.n;

	for (size_t i = 0; i < ARRAY_LEN(closing); i++) {
		size_t found = find_heading(page, closing[i]);

		if (found < at)
			at = found;
	}
	return at;
}

static void add_new_section(struct bytes page, size_t at, const char *heading, const char *text,
			    struct buf *out)
{
	buf_add(out, page.p, at);
	if (at > 0 && page.p[at - 1] != '\n')
		buf_addc(out, '\n');
	if (at == page.n && at > 0)
		buf_addc(out, '\n');
	buf_addf(out, "%s\n\n%s", heading, text);
	if (at < page.n)
		buf_addc(out, '\n');
	add_rest(page, at, out);
}

void page_put_section(struct bytes page, const char *heading, const char *text, struct buf *out)
{
	struct bytes old = page_section(page, heading);
	size_t at;

	buf_clear(out);
	if (old.n == 0) {
		add_new_section(page, insertion_point(page), heading, text, out);
		return;
	}
	at = (size_t)(old.p - page.p);
	buf_add(out, page.p, at);
	buf_addf(out, "%s\n\n%s", heading, text);
	if (at + old.n < page.n)
		buf_addc(out, '\n');
	add_rest(page, at + old.n, out);
}

void page_drop_section(struct bytes page, const char *heading, struct buf *out)
{
	struct bytes old = page_section(page, heading);
	size_t at = old.n ? (size_t)(old.p - page.p) : page.n;

	buf_clear(out);
	buf_add(out, page.p, at);
	if (old.n == 0)
		return;
	/* at the end, the empty line in front of it goes too */
	if (at + old.n == page.n && out->n >= 2 && out->p[out->n - 1] == '\n' &&
	    out->p[out->n - 2] == '\n')
		out->p[--out->n] = '\0';
	add_rest(page, at + old.n, out);
}

/* Does the line "- [[target..." link to this page? */
static bool is_bullet_of(struct bytes line, const char *target)
{
	size_t n = strlen(target);
	size_t at = 0;

	while (at < line.n && strchr(" \t", line.p[at]))
		at++;
	if (line.n < at + 5 || !strchr("-*+", line.p[at]) || line.p[at + 1] != ' ' ||
	    memcmp(line.p + at + 2, "[[", 2) != 0)
		return false;
	at += 4;
	return line.n > at + n && memcmp(line.p + at, target, n) == 0 &&
	       (line.p[at + n] == ']' || line.p[at + n] == '|' || line.p[at + n] == '#' ||
		(line.n > at + n + 3 && memcmp(line.p + at + n, ".md", 3) == 0));
}

static size_t find_bullet(struct bytes page, struct bytes section, const char *target)
{
	size_t at = (size_t)(section.p - page.p);
	size_t end = at + section.n;

	for (at = line_end(page, at); at < end; at = line_end(page, at))
		if (is_bullet_of(line_at(page, at), target))
			return at;
	return end;
}

static char *target_of(const char *bullet)
{
	const char *from = strstr(bullet, "[[");
	size_t n = from ? strcspn(from + 2, "]|#") : 0;

	return xstrndup(from ? from + 2 : "", n);
}

void page_put_bullet(struct bytes page, const char *heading, const char *bullet, struct buf *out)
{
	struct bytes section = page_section(page, heading);
	AUTO_FREE char *target = target_of(bullet);
	AUTO_FREE char *line = xasprintf("%s\n", bullet);
	size_t at, end;

	buf_clear(out);
	if (section.n == 0) {
		add_new_section(page, page.n, heading, line, out);
		return;
	}
	at = find_bullet(page, section, target);
	end = (size_t)(section.p - page.p) + section.n;
	if (at < end) {
		buf_add(out, page.p, at);
		buf_adds(out, line);
		add_rest(page, line_end(page, at), out);
		return;
	}
	at = line_end(page, (size_t)(section.p - page.p));
	while (at < end && line_at(page, at).n == 0)
		at = line_end(page, at);
	buf_add(out, page.p, at);
	if (at > 0 && page.p[at - 1] != '\n')
		buf_addc(out, '\n');
	buf_adds(out, line);
	add_rest(page, at, out);
}

static bool has_text(struct bytes section)
{
	for (size_t at = line_end(section, 0); at < section.n; at = line_end(section, at))
		if (line_at(section, at).n > 0)
			return true;
	return false;
}

void page_drop_bullet(struct bytes page, const char *heading, const char *target, struct buf *out)
{
	struct bytes section = page_section(page, heading);
	AUTO_BUF struct buf shorter = BUF_INIT(BUF_OWN_MAX);
	size_t at, end;

	buf_clear(out);
	if (section.n == 0) {
		add_rest(page, 0, out);
		return;
	}
	at = find_bullet(page, section, target);
	end = (size_t)(section.p - page.p) + section.n;
	if (at == end) {
		add_rest(page, 0, out);
		return;
	}
	buf_add(&shorter, page.p, at);
	add_rest(page, line_end(page, at), &shorter);
	section = page_section(buf_bytes(&shorter), heading);
	if (has_text(section))
		buf_add(out, shorter.p, shorter.n);
	else
		page_drop_section(buf_bytes(&shorter), heading, out);
}

static bool starts_with(struct bytes line, const char *words)
{
	size_t n = strlen(words);

	return line.n >= n && memcmp(line.p, words, n) == 0;
}

/* "See also: [[a]], [[b]]" loses one of them, or goes whole, with the empty line in front of it. */
static void shorten_see_also(struct bytes line, struct bytes link, struct buf *out)
{
	const char *at = memmem(line.p, line.n, link.p, link.n);
	size_t from = (size_t)(at - line.p);
	size_t to = from + link.n;

	if (from > 2 && memcmp(line.p + from - 2, ", ", 2) == 0)
		from -= 2;
	else if (to + 2 < line.n && memcmp(line.p + to, ", ", 2) == 0)
		to += 2;
	buf_add(out, line.p, from);
	buf_add(out, line.p + to, line.n - to);
}

void page_drop_see_also(struct bytes page, const char *target, struct buf *out)
{
	AUTO_FREE char *link = xasprintf("[[%s]]", target);

	buf_clear(out);
	for (size_t at = 0; at < page.n; at = line_end(page, at)) {
		struct bytes line = line_at(page, at);
		AUTO_BUF struct buf shorter = BUF_INIT(BUF_OWN_MAX);

		if (!starts_with(line, "See also:") ||
		    !memmem(line.p, line.n, link, strlen(link))) {
			buf_add(out, page.p + at, line_end(page, at) - at);
			continue;
		}
		shorten_see_also(line, bytes_of(link), &shorter);
		if (strstr(buf_str(&shorter), "[["))
			buf_addf(out, "%s\n", buf_str(&shorter));
		else if (out->n >= 2 && out->p[out->n - 2] == '\n')
			out->p[--out->n] = '\0';
	}
}
