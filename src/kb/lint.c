/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/lint.h"

#include "base/time.h"
#include "engine/journal.h"
#include "engine/ledger.h"
#include "kb/contradict.h"
#include "kb/lint-internal.h"
#include "kb/pages.h"
#include "kb/refresh.h"
#include "kb/withdraw.h"

#include <inttypes.h>

void kb_lint_release(struct kb_lint *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->findings[i].page);
		free(l->findings[i].detail);
	}
	free(l->findings);
	free(l->report);
	*l = (struct kb_lint){ 0 };
}

void lint_add(struct kb_lint *l, const char *check, const char *page, const char *fmt, ...)
{
	AUTO_BUF struct buf detail = BUF_INIT(BUF_OWN_MAX);
	va_list ap;

	if (l->n >= LINT_FINDINGS_MAX) {
		l->more++;
		return;
	}
	va_start(ap, fmt);
	buf_vaddf(&detail, fmt, ap);
	va_end(ap);
	l->findings = xgrow(l->findings, &l->capacity, l->n + 1, sizeof(*l->findings));
	l->findings[l->n++] = (struct lint_finding){ check, xstrdup(page), buf_take(&detail) };
}

/* Pages with a link whose target is not exactly that of a page. */
static int pages_to_fix(struct change *c, struct strv *out, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(
		change_db(c), &q, e,
		"SELECT DISTINCT p.path FROM kb_link l JOIN kb_page p ON p.id=l.page_id"
		" WHERE NOT EXISTS (SELECT 1 FROM kb_page t WHERE t.path=l.target || '.md')"
		" AND NOT EXISTS (SELECT 1 FROM kb_doc d WHERE l.target LIKE 'sources/%'"
		"  AND d.doc_name=substr(l.target, 9))"
		" ORDER BY p.path",
		"");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_add(out, stmt_text(q, 0));
		r = 0;
	}
	return r;
}

static int fix_page(struct change *c, const char *path, size_t *fixed, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct bytes text;
	int r = change_read(c, path, &text, e);

	if (r == 0)
		r = strip_ghosts(c, text, NULL, &out, e);
	if (r < 0 || bytes_equal(text, buf_bytes(&out)))
		return r;
	++*fixed;
	return change_set(c, path, buf_bytes(&out), e);
}

/* 1: somebody saved a page meanwhile. */
static int try_fix(struct kb *kb, bool dry_run, size_t *ret_fixed, struct err *e)
{
	AUTO_CHANGE struct change *c = NULL;
	AUTO_STRV struct strv pages = STRV_INIT;
	int r = change_begin(kb, &c, e);

	*ret_fixed = 0;
	if (r == 0)
		r = pages_to_fix(c, &pages, e);
	for (size_t i = 0; r == 0 && i < pages.n; i++)
		r = fix_page(c, pages.v[i], ret_fixed, e);
	return r < 0 || dry_run || *ret_fixed == 0 ? r : change_commit(c, e);
}

static int fix(struct kb *kb, bool dry_run, struct kb_lint *l, struct err *e)
{
	int r = 1;

	for (int i = 0; r == 1 && i < CHANGE_TRIES; i++)
		r = try_fix(kb, dry_run, &l->fixed, e);
	return r == 1 ? err_set(e, ERR_BUSY, "pages kept changing while they were put right") : r;
}

static void write_report(const struct kb_lint *l, struct buf *out)
{
	const char *check = "";

	buf_addf(out, "# Lint report\n\n%zu findings in %zu pages and %zu documents",
		 l->n + l->more, l->pages, l->documents);
	buf_addf(out, l->fixed ? "; %zu pages were put right.\n" : ".\n", l->fixed);
	for (size_t i = 0; i < l->n; i++) {
		const struct lint_finding *f = &l->findings[i];
		size_t same = i;

		while (same < l->n && str_eq(l->findings[same].check, f->check))
			same++;
		if (!str_eq(f->check, check))
			buf_addf(out, "\n## %s (%zu)\n\n", f->check, same - i);
		check = f->check;
		/* paths as code: a link in a report would be one of the wiki */
		buf_addf(out, "- `%s`: %s\n", f->page, f->detail);
	}
	if (l->more > 0)
		buf_addf(out, "\n%zu more were found and are not listed.\n", l->more);
}

static char *report_path(int64_t now_ms)
{
	char iso[TIME_TEXT_MAX];
	AUTO_BUF struct buf digits = BUF_INIT(BUF_OWN_MAX);

	(void)time_format_iso(now_ms, iso);
	for (const char *c = iso; *c && *c != '.'; c++)
		if (*c == 'T')
			buf_addc(&digits, '_');
		else if (*c >= '0' && *c <= '9')
			buf_addc(&digits, *c);
	return xasprintf("reports/lint_%s.md", buf_str(&digits));
}

static int save_report(struct kb *kb, struct kb_lint *l, struct err *e)
{
	AUTO_CHANGE struct change *c = NULL;
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *words =
		xasprintf("%zu findings, %zu pages put right", l->n + l->more, l->fixed);
	AUTO_FREE char *now = xasprintf("%" PRId64, time_now());
	int r = change_begin(kb, &c, e);

	write_report(l, &text);
	free(l->report);
	l->report = report_path(time_now());
	if (r == 0)
		r = change_set(c, l->report, buf_bytes(&text), e);
	if (r == 0)
		r = ledger_put(change_db(c), "kb", "lint", now, e);
	if (r < 0)
		return r;
	change_log(c, "lint", words);
	r = change_commit(c, e);
	return r == 1 ? err_set(e, ERR_BUSY, "the report was written by another at this moment")
		      : r;
}

static int by_check(const void *a, const void *b)
{
	const struct lint_finding *x = a, *y = b;
	int order = strcmp(x->check, y->check);

	if (order == 0)
		order = strcmp(x->page, y->page);
	return order ? order : strcmp(x->detail, y->detail);
}

static int count(struct kb *kb, struct kb_lint *l, struct err *e)
{
	int64_t pages = 0, documents = 0;
	int r = db_get_int(kb_db(kb), &pages, 0, e, "SELECT count(*) FROM kb_page", "");

	if (r == 0)
		r = db_get_int(kb_db(kb), &documents, 0, e, "SELECT count(*) FROM kb_doc", "");
	l->pages = (size_t)pages;
	l->documents = (size_t)documents;
	return r;
}

/* All rows of one moment; a file that others change meanwhile may show as a finding. */
static int look(struct kb *kb, struct kb_lint *l, struct err *e)
{
	AUTO_TX struct db *tx = kb_db(kb);
	int r = db_begin_read(tx, e);

	if (r == 0)
		r = count(kb, l, e);
	if (r == 0)
		r = lint_pages(kb, l, e);
	return r < 0 ? r : lint_sources(kb, l, e);
}

static int judge(struct kb *kb, const struct kb_lint_options *options, struct kb_lint *l,
		 struct err *e)
{
	const struct contradict_options how = {
		.pairs = options->dry_run ? 0 : options->pairs, /* an answer is written */
		.quiet = options->quiet,
		.cancel = options->cancel,
	};

	return lint_contradictions(kb, &how, l, e);
}

int kb_lint(struct kb *kb, const struct kb_lint_options *options, struct kb_lint *ret,
	    struct err *e)
{
	struct refresh_report refreshed = { 0 };
	int r = wiki_refresh(kb, REFRESH_EDITED, &refreshed, e);

	if (r == 0 && options->fix)
		r = fix(kb, options->dry_run, ret, e);
	if (r == 0)
		r = look(kb, ret, e);
	if (r == 0)
		r = judge(kb, options, ret, e);
	if (r < 0)
		return r;
	if (ret->n > 0)
		qsort(ret->findings, ret->n, sizeof(*ret->findings), by_check);
	return options->dry_run ? 0 : save_report(kb, ret, e);
}
