/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of index.md: one a page, newest on top; the older half of a long section in
 * a file of its own. */
#include "kb/change-internal.h"
#include "kb/index-text.h"
#include "kb/links.h"

#define INDEX "index.md"

/* The file that has the page's line; the caller's. */
static int file_of(struct change *c, const char *path, char **ret_file, struct err *e)
{
	AUTO_FREE char *file = NULL;
	int r = db_get_text(c->tx, &file, e, "SELECT index_file FROM kb_page WHERE path=?1", "t",
			    path);

	if (r == 0)
		*ret_file = file ? TAKE(file) : xstrdup(INDEX);
	return r;
}

static char *note_of(const struct page_facts *f)
{
	if (f->kind == PAGE_SUMMARY)
		return xstrdup(f->doc_type ? f->doc_type : "short");
	if (f->kind == PAGE_ENTITY && f->type) {
		char *type = xstrdup(f->type);

		for (char *c = type; *c; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
		return type;
	}
	return NULL;
}

static int put_line(struct change *c, const struct changed_page *p, struct err *e)
{
	AUTO_FREE char *link = page_link(p->path);
	AUTO_FREE char *note = note_of(&p->facts);
	AUTO_FREE char *line = index_line(link, note, p->facts.description);
	AUTO_FREE char *file = NULL;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct bytes text;
	int r = file_of(c, p->path, &file, e);

	if (r == 0)
		r = change_read(c, file, &text, e);
	/* an archive that somebody deleted: the line starts anew */
	if (r == 0 && text.n == 0 && !str_eq(file, INDEX)) {
		free(file);
		file = xstrdup(INDEX);
		r = change_read(c, file, &text, e);
	}
	if (r < 0)
		return r;
	index_text_put(text, p->facts.kind, line, &out);
	return change_set(c, file, buf_bytes(&out), e);
}

static int drop_line(struct change *c, const struct changed_page *p, struct err *e)
{
	AUTO_FREE char *link = page_link(p->path);
	AUTO_FREE char *file = NULL;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct bytes text;
	enum page_kind kind = page_kind_of(p->path);
	int r = file_of(c, p->path, &file, e);

	if (r == 0)
		r = change_read(c, file, &text, e);
	if (r < 0)
		return r;
	index_text_drop(text, kind, link, &out);
	return change_set(c, file, buf_bytes(&out), e);
}

/* The rows of pages whose lines went to the archive. */
static int note_archived(struct change *c, struct bytes older, const char *file, struct err *e)
{
	struct link_scan scan = link_scan(older);
	struct wiki_link link;
	int r = 0;

	while (r == 0 && link_next(&scan, &link)) {
		AUTO_FREE char *target = link_target(&link);
		AUTO_FREE char *path = xasprintf("%s.md", target);

		r = db_exec(c->tx, e, "UPDATE kb_page SET index_file=?2 WHERE path=?1", "tt", path,
			    file);
	}
	return r;
}

static int next_archive(struct change *c, enum page_kind kind, char **ret_file, struct err *e)
{
	int64_t n = 0;
	int r = db_get_int(c->tx, &n, 0, e,
			   "SELECT count(DISTINCT index_file) FROM kb_page WHERE kind=?1", "i",
			   (int64_t)kind);

	for (struct bytes text = { 0 }; r == 0; n++) {
		AUTO_FREE char *file =
			xasprintf("index/%s-%lld.md", page_kind_folder(kind), (long long)n + 1);

		r = change_read(c, file, &text, e);
		if (r == 0 && text.n == 0) {
			*ret_file = TAKE(file);
			return 0;
		}
	}
	return r;
}

static int archive(struct change *c, enum page_kind kind, struct bytes index, struct err *e)
{
	AUTO_FREE char *file = NULL;
	AUTO_FREE char *link = NULL;
	AUTO_FREE char *line = NULL;
	AUTO_BUF struct buf rest = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf older = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	int r = next_archive(c, kind, &file, e);

	if (r < 0)
		return r;
	link = page_link(file);
	line = xasprintf("- [[%s]] (older)", link);
	index_text_halve(index, kind, line, &rest, &older);
	buf_addf(&text, "# Knowledge Base Index\n\n%s\n%s", page_kind_section(kind),
		 buf_str(&older));
	r = note_archived(c, buf_bytes(&older), file, e);
	if (r == 0)
		r = change_set(c, file, buf_bytes(&text), e);
	return r < 0 ? r : change_set(c, INDEX, buf_bytes(&rest), e);
}

static int archive_long(struct change *c, struct err *e)
{
	int r = 0;

	for (int kind = PAGE_SUMMARY; r == 0 && kind < PAGE_KINDS; kind++) {
		struct bytes index;

		r = change_read(c, INDEX, &index, e);
		if (r == 0 && index_text_count(index, (enum page_kind)kind) > INDEX_LINES_MAX)
			r = archive(c, (enum page_kind)kind, index, e);
	}
	return r;
}

/* The lines are edited while pages are added to the change: first who has one, then the edits. */
int change_index(struct change *c, struct err *e)
{
	struct changed_page *p, *next;
	size_t n = 0, count = HASH_COUNT(c->pages);
	AUTO_FREE struct changed_page **list = xcalloc(count + 1, sizeof(struct changed_page *));
	int r = 0;

	HASH_ITER(hh, c->pages, p, next)
	{
		if (page_has_changed(p) && page_kind_section(page_kind_of(p->path)))
			list[n++] = p;
	}
	for (size_t i = 0; r == 0 && i < n; i++)
		r = list[i]->there ? put_line(c, list[i], e) : drop_line(c, list[i], e);
	return r < 0 || n == 0 ? r : archive_long(c, e);
}
