/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/doctor.h"

#include "engine/journal.h"
#include "kb/add-internal.h"
#include "kb/recompile.h"
#include "kb/refresh.h"

#include <errno.h>
#include <fcntl.h>

void kb_doctor_release(struct kb_doctor *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].detail);
		free(d->v[i].next);
	}
	free(d->v);
	*d = (struct kb_doctor){ 0 };
}

static struct kb_finding *say(struct kb_doctor *d, const char *check, bool bad, const char *fmt,
			      ...) PRINTF(4, 5);
static struct kb_finding *say(struct kb_doctor *d, const char *check, bool bad, const char *fmt,
			      ...)
{
	AUTO_BUF struct buf detail = BUF_INIT(BUF_OWN_MAX);
	struct kb_finding *f;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&detail, fmt, ap);
	va_end(ap);
	d->v = xgrow(d->v, &d->capacity, d->n + 1, sizeof(*d->v));
	f = &d->v[d->n++];
	*f = (struct kb_finding){ .check = check, .bad = bad, .detail = buf_take(&detail) };
	d->bad += bad;
	return f;
}

static void mend(struct kb_doctor *d, struct kb_finding *f)
{
	f->repaired = true;
	d->bad--;
}

static int check_database(struct kb *kb, struct kb_doctor *d, struct err *e)
{
	struct err why = { 0 };
	size_t due = 0, future = 0;
	int r = db_check(kb_db(kb), &why);

	if (r < 0)
		say(d, "database", true, "%s", why.msg)->next =
			xstrdup("move .larder/state.db away, with -wal and -shm, then "
				"'larder kb import'");
	else
		(void)say(d, "database", false, "whole");
	r = journal_pending(kb_root(kb), &due, &future, e);
	if (r == 0 && due > 0)
		(void)say(d, "unfinished", true, "%zu file operations wait", due);
	return r;
}

struct checking {
	struct kb *kb;
	struct kb_doctor *d;
	bool repair;
	struct strv recompile; /* documents whose pages or source are to be made again */
	size_t documents;
};

static bool is_there(const struct checking *c, const char *path)
{
	return path && faccessat(root_dirfd(kb_root(c->kb)), path, F_OK, 0) == 0;
}

static int check_doc(void *ctx, const struct kb_doc *doc, struct err *e)
{
	struct checking *c = ctx;
	AUTO_FREE char *summary = xasprintf("wiki/summaries/%s.md", doc->doc_name);
	bool raw = is_there(c, doc->raw_path);
	bool source = is_there(c, doc->source_path);
	bool page = is_there(c, summary);

	(void)e;
	c->documents++;
	if (!raw)
		say(c->d, "document", true, "'%s' has no file in raw/ any more", doc->doc_name)
			->next = xasprintf("larder kb add %s again, or larder kb remove %s",
					   doc->path ? doc->path : doc->name, doc->doc_name);
	if (!source)
		(void)say(c->d, "source", true, "'%s' is gone", doc->source_path);
	if (!page)
		(void)say(c->d, "summary", true, "'%s' is gone", summary);
	if ((!source && raw) || (!page && (source || raw)))
		strv_add(&c->recompile, doc->doc_name);
	return 0;
}

/* Each finding of that document's pages is mended when it was compiled. */
static void mend_all(struct kb_doctor *d, const char *doc_name)
{
	AUTO_FREE char *source = xasprintf("'wiki/sources/%s.", doc_name);
	AUTO_FREE char *summary = xasprintf("'wiki/summaries/%s.md'", doc_name);

	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].bad && !d->v[i].repaired &&
		    (str_starts(d->v[i].detail, source) || str_starts(d->v[i].detail, summary)))
			mend(d, &d->v[i]);
}

static int repair_docs(struct checking *c, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->recompile.n; i++) {
		const struct kb_recompile_options o = { .document = c->recompile.v[i],
							.quiet = true };
		AUTO_KB_ADD_REPORT struct kb_add_report report = { 0 };

		r = kb_recompile(c->kb, &o, &report, e);
		if (r == 0 && report.failed == 0)
			mend_all(c->d, c->recompile.v[i]);
	}
	return r;
}

static int check_docs(struct checking *c, struct err *e)
{
	int r = doc_visit(kb_db(c->kb), check_doc, c, e);

	if (r == 0 && c->recompile.n == 0 && c->d->bad == 0)
		(void)say(c->d, "documents", false, "%zu, with all their files", c->documents);
	if (r == 0 && c->repair)
		r = repair_docs(c, e);
	return r;
}

/* Summaries of no document: of an import, or of a person. */
static int check_orphans(struct checking *c, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(kb_db(c->kb), &q, e,
			 "SELECT path FROM kb_page p WHERE kind=1 AND NOT EXISTS"
			 " (SELECT 1 FROM kb_page_doc d WHERE d.page_id=p.id) ORDER BY path",
			 "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		(void)say(c->d, "summary", false, "'wiki/%s' is of no document", stmt_text(q, 0));
		r = 0;
	}
	return r;
}

/* Rows of pages that are not what is on disk: read again by a repair. */
static int check_pages(struct checking *c, struct err *e)
{
	struct refresh_report report = { 0 };
	AUTO_TX struct db *tx = NULL;
	struct kb_finding *f;
	int r = journal_begin(kb_root(c->kb), &tx, e);

	if (r == 0)
		r = wiki_refresh(c->kb, REFRESH_EDITED, &report, e);
	if (r < 0)
		return r;
	if (report.changed + report.gone == 0) {
		(void)say(c->d, "pages", false, "%zu, as they are known", report.seen);
		return 0;
	}
	f = say(c->d, "pages", true, "%zu changed, %zu gone since they were read", report.changed,
		report.gone);
	if (!c->repair)
		return 0;
	r = journal_commit(kb_root(c->kb), e);
	tx = NULL;
	if (r == 0)
		mend(c->d, f);
	return r;
}

int kb_doctor(struct kb *kb, bool repair, struct kb_doctor *ret, struct err *e)
{
	struct checking c = { .kb = kb, .d = ret, .repair = repair };
	int r = check_database(kb, ret, e);

	if (r == 0)
		r = check_pages(&c, e);
	if (r == 0)
		r = check_docs(&c, e);
	if (r == 0)
		r = check_orphans(&c, e);
	strv_release(&c.recompile);
	return r;
}
