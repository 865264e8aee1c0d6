/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/refresh.h"

#include "base/file.h"
#include "engine/journal.h"
#include "kb/pages.h"

#include <uthash.h>

struct known_page {
	char *path;
	int64_t size, mtime_ns;
	bool seen;
	UT_hash_handle hh;
};

struct refresh {
	struct kb *kb;
	enum refresh_how how;
	struct known_page *known;
	struct strv changed;
	struct refresh_report *report;
};

static void refresh_release(struct refresh *f)
{
	struct known_page *k, *next;

	HASH_ITER(hh, f->known, k, next)
	{
		HASH_DEL(f->known, k);
		free(k->path);
		free(k);
	}
	strv_release(&f->changed);
}

static int load_known(struct refresh *f, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(kb_db(f->kb), &q, e, "SELECT path, size, mtime_ns FROM kb_page", "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		struct known_page *k = xcalloc(1, sizeof(*k));

		k->path = xstrdup(stmt_text(q, 0));
		k->size = stmt_int(q, 1);
		k->mtime_ns = stmt_int(q, 2);
		HASH_ADD_KEYPTR(hh, f->known, k->path, strlen(k->path), k);
		r = 0;
	}
	return r;
}

static int64_t mtime_of(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static int visit(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	struct refresh *f = ctx;
	struct known_page *k = NULL;

	(void)e;
	if (page_is_plain_file(path) || !S_ISREG(st->st_mode) ||
	    st->st_size > (int64_t)PAGE_BYTES_MAX || !text_is_clean(bytes_of(path)))
		return 0;
	f->report->seen++;
	HASH_FIND_STR(f->known, path, k);
	if (k)
		k->seen = true;
	if (!k || k->size != st->st_size || k->mtime_ns != mtime_of(st))
		strv_add(&f->changed, path);
	return 0;
}

static int put(struct refresh *f, const char *path, struct err *e)
{
	AUTO_PAGE_FACTS struct page_facts facts = { 0 };
	AUTO_BUF struct buf text = BUF_INIT(PAGE_BYTES_MAX);
	AUTO_FREE char *full = xasprintf("wiki/%s", path);
	struct stat st;
	bool there;
	int r = kb_read(f->kb, full, PAGE_BYTES_MAX, &text, &there, e);

	if (r < 0 || !there || fstatat(root_dirfd(kb_root(f->kb)), full, &st, 0) < 0)
		return r;
	page_facts_of(path, buf_bytes(&text), &facts);
	facts.mtime_ns = mtime_of(&st);
	facts.by_hand = f->how == REFRESH_EDITED;
	f->report->changed++;
	return pages_put(kb_db(f->kb), &facts, e);
}

static int drop_gone(struct refresh *f, struct err *e)
{
	struct known_page *k, *next;
	int r = 0;

	HASH_ITER(hh, f->known, k, next)
	{
		if (r < 0 || k->seen)
			continue;
		f->report->gone++;
		r = pages_delete(kb_db(f->kb), k->path, e);
	}
	return r;
}

static size_t count_gone(const struct refresh *f)
{
	size_t n = 0;

	for (const struct known_page *k = f->known; k; k = k->hh.next)
		n += !k->seen;
	return n;
}

static int write_rows(struct refresh *f, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->changed.n; i++)
		r = put(f, f->changed.v[i], e);
	return r < 0 ? r : drop_gone(f, e);
}

int wiki_refresh(struct kb *kb, enum refresh_how how, struct refresh_report *report, struct err *e)
{
	AUTO(refresh_release) struct refresh f = { .kb = kb, .how = how, .report = report };
	AUTO_TX struct db *tx = NULL;
	bool inside = db_in_transaction(kb_db(kb));
	/* in the transaction: nobody moves a page between the look and the row */
	int r = inside ? 0 : journal_begin(kb_root(kb), &tx, e);

	if (r == 0)
		r = load_known(&f, e);
	if (r == 0)
		r = tree_visit(root_dirfd(kb_root(kb)), "wiki", visit, &f, e);
	if (r == 0 && (f.changed.n > 0 || count_gone(&f) > 0))
		r = write_rows(&f, e);
	if (r < 0 || inside)
		return r;
	r = journal_commit(kb_root(kb), e);
	tx = NULL;
	return r;
}
