/* SPDX-License-Identifier: Apache-2.0 */
/* Links, citations, index lines, front matter: what the wiki says of itself. */
#include "base/file.h"
#include "kb/front.h"
#include "kb/index-text.h"
#include "kb/links.h"
#include "kb/lint-internal.h"
#include "kb/pages.h"
#include "kb/section.h"

struct linting {
	struct kb *kb;
	struct kb_lint *l;
};

static bool is_exact(const char *target, const char *link)
{
	const char *slash = strrchr(link, '/');

	return str_eq(target, link) || (slash && str_eq(target, slash + 1));
}

static int check_links(struct linting *t, struct err *e)
{
	struct db *db = kb_db(t->kb);
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(
		db, &q, e,
		"SELECT p.path, l.target FROM kb_link l JOIN kb_page p ON p.id=l.page_id"
		" WHERE NOT EXISTS (SELECT 1 FROM kb_page t WHERE t.path=l.target || '.md')"
		" AND NOT EXISTS (SELECT 1 FROM kb_doc d WHERE l.target LIKE 'sources/%'"
		"  AND d.doc_name=substr(l.target, 9))"
		" ORDER BY p.path, l.target",
		"");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		const char *target = stmt_text(q, 1);
		AUTO_FREE char *link = NULL;

		r = pages_resolve(db, target, &link, e);
		if (r == 0)
			lint_add(t->l, "broken-link", stmt_text(q, 0), "there is no page '%s'",
				 target);
		else if (r > 0 && !is_exact(target, link))
			lint_add(t->l, "broken-link", stmt_text(q, 0), "'%s' is called '%s'",
				 target, link);
		r = r < 0 ? r : 0;
	}
	return r;
}

static int check_orphans(struct linting *t, struct err *e)
{
	static const char sql[] =
		"SELECT p.path FROM kb_page p WHERE p.kind <> 0"
		" AND NOT EXISTS (SELECT 1 FROM kb_link l WHERE l.page_id=p.id)"
		" AND NOT EXISTS (SELECT 1 FROM kb_link l"
		"  WHERE l.target=substr(p.path, 1, length(p.path) - 3) AND l.page_id<>p.id)"
		" AND NOT EXISTS (SELECT 1 FROM kb_link l WHERE l.target="
		"  substr(p.path, instr(p.path, '/') + 1, length(p.path) - instr(p.path, '/') - 3)"
		"  AND l.page_id<>p.id) ORDER BY p.path";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(kb_db(t->kb), &q, e, sql, "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		lint_add(t->l, "orphan", stmt_text(q, 0), "no link leads to it or from it");
		r = 0;
	}
	return r;
}

static int check_fields(struct linting *t, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(kb_db(t->kb), &q, e,
			 "SELECT path, coalesce(type, '') = '', coalesce(description, '') = ''"
			 " FROM kb_page WHERE kind IN (1, 2, 3)"
			 " AND (coalesce(type, '') = '' OR coalesce(description, '') = '')"
			 " ORDER BY path",
			 "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		lint_add(t->l, "fields", stmt_text(q, 0), "its front matter has no %s",
			 stmt_int(q, 1) ? stmt_int(q, 2) ? "type and no description" : "type"
					: "description");
		r = 0;
	}
	return r;
}

/* A section that a link names; "#^block" and "#Parent#Child" are Obsidian's own. */
static int has_anchor(struct linting *t, const char *doc, const char *anchor, struct err *e)
{
	AUTO_FREE char *wanted = section_anchor(anchor);
	int64_t there = 0;
	int r = db_get_int(kb_db(t->kb), &there, 0, e,
			   "SELECT 1 FROM kb_section s JOIN kb_doc d ON d.id=s.doc_id"
			   " WHERE d.doc_name=?1 AND s.anchor=?2 LIMIT 1",
			   "tt", doc, wanted);

	return r < 0 ? r : there == 1;
}

static int check_citation(struct linting *t, const char *path, const struct wiki_link *link,
			  struct err *e)
{
	AUTO_FREE char *target = link_target(link);
	AUTO_FREE char *anchor = xstrndup(link->anchor.p ? link->anchor.p : "", link->anchor.n);
	int64_t known = 0;
	int r;

	if (!str_starts(target, "sources/") || !*anchor || anchor[0] == '^')
		return 0;
	r = db_get_int(kb_db(t->kb), &known, 0, e, "SELECT 1 FROM kb_doc WHERE doc_name=?1", "t",
		       target + strlen("sources/"));
	if (r < 0 || !known) /* a broken link, which is told */
		return r;
	r = has_anchor(t, target + strlen("sources/"), anchor, e);
	if (r == 0)
		lint_add(t->l, "dead-citation", path, "'%s' has no section '%s'", target, anchor);
	return r < 0 ? r : 0;
}

static int check_text(struct linting *t, const char *path, struct bytes text, struct err *e)
{
	struct link_scan scan = link_scan(text);
	struct wiki_link link;
	struct err why = { 0 };
	int r = 0;

	if (front_check(text, &why) < 0)
		lint_add(t->l, "front-matter", path, "%s", why.msg);
	while (r == 0 && link_next(&scan, &link))
		r = check_citation(t, path, &link, e);
	return r;
}

static int check_page(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	struct linting *t = ctx;
	AUTO_BUF struct buf text = BUF_INIT(PAGE_BYTES_MAX);
	AUTO_FREE char *full = xasprintf("wiki/%s", path);
	bool there;
	int r;

	if (page_is_plain_file(path) || !S_ISREG(st->st_mode))
		return 0;
	r = kb_read(t->kb, full, PAGE_BYTES_MAX, &text, &there, e);
	if (r == ERR_LIMIT) {
		lint_add(t->l, "front-matter", path, "it has more than %zu bytes", PAGE_BYTES_MAX);
		return 0;
	}
	return r < 0 || !there ? r : check_text(t, path, buf_bytes(&text), e);
}

/* Which pages an index file names; those that are none are told. */
static int check_index_file(struct linting *t, const char *path, struct strv *named, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(PAGE_BYTES_MAX);
	AUTO_FREE char *full = xasprintf("wiki/%s", path);
	struct link_scan scan;
	struct wiki_link link;
	bool there;
	int r = kb_read(t->kb, full, PAGE_BYTES_MAX, &text, &there, e);

	scan = link_scan(buf_bytes(&text));
	while (r == 0 && link_next(&scan, &link)) {
		AUTO_FREE char *target = link_target(&link);
		AUTO_FREE char *found = NULL;

		r = pages_resolve(kb_db(t->kb), target, &found, e);
		if (r == 0)
			lint_add(t->l, "index", path, "there is no page '%s'", target);
		else if (r > 0)
			strv_adopt(named, TAKE(found));
		r = r < 0 ? r : 0;
	}
	return r;
}

struct index_files {
	struct linting *t;
	struct strv *named;
};

static int visit_index(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	struct index_files *f = ctx;
	AUTO_FREE char *full = xasprintf("index/%s", path);

	return S_ISREG(st->st_mode) && str_ends(path, ".md")
		       ? check_index_file(f->t, full, f->named, e)
		       : 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int check_index(struct linting *t, struct err *e)
{
	AUTO_STRV struct strv named = STRV_INIT;
	AUTO_STMT struct stmt *q = NULL;
	struct index_files files = { t, &named };
	int r = check_index_file(t, "index.md", &named, e);

	if (r == 0)
		r = tree_visit(root_dirfd(kb_root(t->kb)), "wiki/index", visit_index, &files, e);
	if (r == ERR_NOT_FOUND) /* a small wiki has no older lines */
		r = 0;
	strv_sort(&named);
	if (r == 0)
		r = db_query(kb_db(t->kb), &q, e,
			     "SELECT path FROM kb_page WHERE kind <> 0 ORDER BY path", "");
	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		AUTO_FREE char *link = page_link(stmt_text(q, 0));

		if (named.n == 0 || !bsearch(&link, named.v, named.n, sizeof(*named.v), compare))
			lint_add(t->l, "index", stmt_text(q, 0), "no line of the index names it");
		r = 0;
	}
	return r;
}

int lint_pages(struct kb *kb, struct kb_lint *l, struct err *e)
{
	struct linting t = { kb, l };
	int r = check_links(&t, e);

	if (r == 0)
		r = check_orphans(&t, e);
	if (r == 0)
		r = check_fields(&t, e);
	if (r == 0)
		r = tree_visit(root_dirfd(kb_root(kb)), "wiki", check_page, &t, e);
	return r < 0 ? r : check_index(&t, e);
}
