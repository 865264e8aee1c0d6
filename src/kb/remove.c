/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/remove.h"

#include "base/file.h"
#include "kb/add-internal.h"
#include "kb/withdraw.h"

#include <fcntl.h>

void kb_remove_report_release(struct kb_remove_report *r)
{
	kb_doc_release(&r->doc);
	strv_release(&r->written);
	strv_release(&r->dropped);
	strv_release(&r->files);
	strv_release(&r->aside);
}

static int remove_files(struct change *c, const struct kb_remove_options *options,
			struct kb_remove_report *report, struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT;
	AUTO_FREE char *images = xasprintf("wiki/sources/images/%s", report->doc.doc_name);
	int r = doc_files(change_db(c), report->doc.id, &files, e);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		if (options->keep_raw && str_starts(files.v[i], "raw/"))
			continue;
		strv_add(&report->files, files.v[i]);
		r = change_remove(c, files.v[i], e);
	}
	/* goes when it is empty by then */
	if (r == 0 && faccessat(root_dirfd(kb_root(change_kb(c))), images, F_OK, 0) == 0)
		r = change_remove(c, images, e);
	return r;
}

static void copy(const struct strv *from, struct strv *to)
{
	for (size_t i = 0; i < from->n; i++)
		strv_add(to, from->v[i]);
	strv_sort(to);
}

static void clear(struct kb_remove_report *r)
{
	kb_remove_report_release(r);
	*r = (struct kb_remove_report){ 0 };
}

/* 1: a page was saved by somebody at this moment. */
static int try_remove(struct kb *kb, const struct kb_remove_options *options,
		      struct kb_remove_report *report, struct err *e)
{
	const struct withdraw_how how = { .keep_empty = options->keep_empty };
	AUTO_CHANGE struct change *c = NULL;
	int r = change_begin(kb, &c, e);

	if (r == 0)
		r = doc_resolve(change_db(c), options->document, &report->doc, e);
	if (r == 0)
		r = withdraw(c, &report->doc, &how, e);
	if (r == 0)
		r = remove_files(c, options, report, e);
	if (r == 0)
		r = doc_drop_sections(change_db(c), report->doc.id, e);
	if (r == 0)
		r = doc_delete(change_db(c), report->doc.id, e);
	if (r < 0)
		return r;
	change_log(c, "remove", report->doc.name);
	copy(change_set_aside_paths(c), &report->aside);
	if (options->dry_run)
		return change_preview(c, &report->written, &report->dropped, e);
	r = change_commit(c, e);
	copy(change_written(c), &report->written);
	copy(change_dropped(c), &report->dropped);
	return r;
}

int kb_remove(struct kb *kb, const struct kb_remove_options *options,
	      struct kb_remove_report *report, struct err *e)
{
	for (int i = 0; i < CHANGE_TRIES; i++) {
		int r = try_remove(kb, options, report, e);

		if (r <= 0)
			return r;
		clear(report);
	}
	return err_set(e, ERR_BUSY, "its pages kept changing while it was removed");
}
