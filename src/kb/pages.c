/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/pages.h"

#include "base/time.h"
#include "kb/front.h"
#include "kb/links.h"
#include "kb/search.h"
#include "kb/section.h"
#include "kb/unicode.h"

static void add_links(struct bytes body, struct strv *out)
{
	struct link_scan scan = link_scan(body);
	struct wiki_link link;

	while (link_next(&scan, &link)) {
		char *target = link_target(&link);

		if (*target)
			strv_adopt(out, target);
		else
			free(target);
	}
	strv_sort(out);
}

static char *title_of(struct bytes text, const char *path)
{
	char *title = page_title(text);
	AUTO_FREE char *link = NULL;
	const char *slash;

	if (title)
		return title;
	link = page_link(path);
	slash = strrchr(link, '/');
	return uni_words(slash ? slash + 1 : link);
}

void page_facts_of(const char *path, struct bytes text, struct page_facts *f)
{
	struct front front = front_split(text);
	struct bytes body = { text.p + front.body, text.n - front.body };
	AUTO_FREE char *link = page_link(path);
	AUTO_STRV struct strv aliases = STRV_INIT;

	f->path = xstrdup(path);
	f->kind = page_kind_of(path);
	f->key = uni_link_key(bytes_of(link));
	f->title = title_of(text, path);
	f->type = front_text(text, "type");
	f->description = front_text(text, "description");
	if (!f->description)
		f->description = front_text(text, "brief"); /* what it was called once */
	f->doc_type = front_text(text, "doc_type");
	front_list(text, "sources", &f->sources);
	front_list(text, "aliases", &aliases);
	for (size_t i = 0; i < aliases.n; i++)
		strv_adopt(&f->aliases, uni_link_key(bytes_of(aliases.v[i])));
	add_links(body, &f->links);
	f->plain = section_plain(body);
	hash_text(HASH_SHA256, text, f->hash);
	f->size = (int64_t)text.n;
}

void page_facts_release(struct page_facts *f)
{
	char **texts[] = { &f->path,        &f->key,      &f->title, &f->type,
			   &f->description, &f->doc_type, &f->plain };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(*texts[i]);
	strv_release(&f->aliases);
	strv_release(&f->sources);
	strv_release(&f->links);
	*f = (struct page_facts){ 0 };
}

static int put_row(struct db *db, const struct page_facts *f, int64_t *ret_id, struct err *e)
{
	int r = db_exec(db, e,
			"INSERT INTO kb_page(path, kind, key, title, type, description, hash, size,"
			" mtime_ns, updated_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
			" ON CONFLICT(path) DO UPDATE SET kind=excluded.kind, key=excluded.key,"
			" title=excluded.title, type=excluded.type,"
			" description=excluded.description,"
			" hash=CASE WHEN ?11 THEN hash ELSE excluded.hash END,"
			" size=excluded.size, mtime_ns=excluded.mtime_ns,"
			" updated_ms=excluded.updated_ms",
			"tittttt"
			"iiii",
			f->path, (int64_t)f->kind, f->key, f->title, f->type, f->description,
			f->by_hand ? "" : f->hash, f->size, f->mtime_ns, time_now(),
			(int64_t)f->by_hand);

	return r < 0 ? r
		     : db_get_int(db, ret_id, 0, e, "SELECT id FROM kb_page WHERE path=?1", "t",
				  f->path);
}

static int put_lists(struct db *db, const struct page_facts *f, int64_t id, struct err *e)
{
	int r = db_exec(db, e, "DELETE FROM kb_link WHERE page_id=?1", "i", id);

	for (size_t i = 0; r == 0 && i < f->links.n; i++)
		r = db_exec(db, e, "INSERT OR IGNORE INTO kb_link(page_id, target) VALUES(?1, ?2)",
			    "it", id, f->links.v[i]);
	if (r == 0)
		r = db_exec(db, e, "DELETE FROM kb_alias WHERE page_id=?1", "i", id);
	for (size_t i = 0; r == 0 && i < f->aliases.n; i++)
		r = db_exec(db, e, "INSERT OR IGNORE INTO kb_alias(page_id, key) VALUES(?1, ?2)",
			    "it", id, f->aliases.v[i]);
	return r;
}

/* "summaries/a.md" is document a; a summary is that of its own name. */
static int put_source(struct db *db, int64_t id, const char *source, struct err *e)
{
	AUTO_FREE char *link = page_link(source);
	const char *slash = strrchr(link, '/');

	return db_exec(db, e,
		       "INSERT OR IGNORE INTO kb_page_doc(page_id, doc_id)"
		       " SELECT ?1, id FROM kb_doc WHERE doc_name=?2",
		       "it", id, slash ? slash + 1 : link);
}

static int put_sources(struct db *db, const struct page_facts *f, int64_t id, struct err *e)
{
	int r = db_exec(db, e, "DELETE FROM kb_page_doc WHERE page_id=?1", "i", id);

	if (r == 0 && f->kind == PAGE_SUMMARY)
		return put_source(db, id, f->path, e);
	for (size_t i = 0; r == 0 && i < f->sources.n; i++)
		r = put_source(db, id, f->sources.v[i], e);
	return r;
}

int pages_put(struct db *db, const struct page_facts *f, struct err *e)
{
	int64_t id = 0;
	int r = put_row(db, f, &id, e);

	if (r == 0)
		r = put_lists(db, f, id, e);
	if (r == 0)
		r = put_sources(db, f, id, e);
	return r < 0 ? r : search_put(db, SEARCH_PAGE, id, f->title, f->plain, e);
}

int pages_delete(struct db *db, const char *path, struct err *e)
{
	int64_t id = 0;
	int r = db_get_int(db, &id, 0, e, "SELECT id FROM kb_page WHERE path=?1", "t", path);

	if (r == 0 && id)
		r = search_drop(db, SEARCH_PAGE, id, e);
	return r < 0 || !id ? r : db_exec(db, e, "DELETE FROM kb_page WHERE id=?1", "i", id);
}

int pages_find_key(struct db *db, enum page_kind kind, const char *key, char **ret_path,
		   struct err *e)
{
	AUTO_FREE char *whole = xasprintf("%s/%s", page_kind_folder(kind), key);
	AUTO_FREE char *path = NULL;
	int r = db_get_text(db, &path, e, "SELECT path FROM kb_page WHERE key=?1 LIMIT 1", "t",
			    whole);

	if (r == 0 && !path)
		r = db_get_text(db, &path, e,
				"SELECT p.path FROM kb_alias a JOIN kb_page p ON p.id=a.page_id"
				" WHERE a.key=?1 AND p.kind=?2 ORDER BY p.path LIMIT 1",
				"ti", key, (int64_t)kind);
	if (r < 0 || !path)
		return r;
	*ret_path = TAKE(path);
	return 1;
}

/* A document's source, its image, or a file that is no page. */
static int resolve_file(struct db *db, const char *target, char **ret_link, struct err *e)
{
	AUTO_FREE char *path = xasprintf("wiki/%s", target);
	int64_t known = str_eq(target, "index") || str_eq(target, "log") ||
			str_eq(target, "AGENTS") || str_starts(target, "index/");
	int r = known ? 0
		      : db_get_int(
				db, &known, 0, e,
				"SELECT 1 FROM kb_doc_file WHERE path IN (?1, ?1 || '.md', ?1 || '.json')",
				"t", path);

	if (r < 0 || !known)
		return r;
	*ret_link = xstrdup(target);
	return 1;
}

int pages_resolve(struct db *db, const char *target, char **ret_link, struct err *e)
{
	static const char sql_bare[] =
		"SELECT path FROM kb_page WHERE key IN ('summaries/' || ?1, 'concepts/' || ?1,"
		" 'entities/' || ?1, 'explorations/' || ?1) ORDER BY path LIMIT 1";
	static const char *const sql[] = {
		"SELECT path FROM kb_page WHERE path=?1",
		"SELECT path FROM kb_page WHERE key=?1 ORDER BY path LIMIT 1",
		sql_bare,
	};
	AUTO_FREE char *exact = xasprintf("%s.md", target);
	AUTO_FREE char *key = uni_link_key(bytes_of(target));
	const char *const wanted[] = { exact, key, key };

	for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
		AUTO_FREE char *path = NULL;
		int r = db_get_text(db, &path, e, sql[i], "t", wanted[i]);

		if (r < 0)
			return r;
		if (path) {
			*ret_link = page_link(path);
			return 1;
		}
	}
	return resolve_file(db, target, ret_link, e);
}

int pages_hash(struct db *db, const char *path, char out[HASH_HEX_MAX], struct err *e)
{
	AUTO_FREE char *hash = NULL;
	int r = db_get_text(db, &hash, e, "SELECT hash FROM kb_page WHERE path=?1", "t", path);

	(void)snprintf(out, HASH_HEX_MAX, "%s", hash ? hash : "");
	return r;
}

static int take_paths(struct stmt *q, struct strv *out, struct err *e)
{
	int r;

	while ((r = stmt_next(q, e)) > 0)
		strv_add(out, stmt_text(q, 0));
	return r;
}

int pages_of_doc(struct db *db, int64_t doc_id, struct strv *out, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e,
			 "SELECT p.path FROM kb_page_doc d JOIN kb_page p ON p.id=d.page_id"
			 " WHERE d.doc_id=?1 ORDER BY p.path",
			 "i", doc_id);

	return r < 0 ? r : take_paths(q, out, e);
}

int pages_linking_to(struct db *db, const char *target, struct strv *out, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e,
			 "SELECT p.path FROM kb_link l JOIN kb_page p ON p.id=l.page_id"
			 " WHERE l.target=?1 ORDER BY p.path",
			 "t", target);

	return r < 0 ? r : take_paths(q, out, e);
}

int pages_count(struct db *db, enum page_kind kind, int64_t *ret_count, struct err *e)
{
	return db_get_int(db, ret_count, 0, e, "SELECT count(*) FROM kb_page WHERE kind=?1", "i",
			  (int64_t)kind);
}
