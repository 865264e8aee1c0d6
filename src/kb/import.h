/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking over a wiki that is there: of an earlier program (.openkb/hashes.json, raw/, wiki/), or
 * plain Markdown in wiki/. Not a byte of it is changed, no file is moved: the folder gains
 * .larder/, and the database learns of documents, sections, pages and links. All rows are one
 * transaction, and kb.yaml comes last: killed on the way, it is said again.
 *
 * Done again it takes in what is new. ERR_CONFLICT when the earlier program's journal says that it
 * was in the middle of something: it has to finish that first.
 */
#ifndef LARDER_KB_IMPORT_H
#define LARDER_KB_IMPORT_H

#include "kb/kb.h"

/* Of hashes.json: 100,000 documents. */
#define IMPORT_REGISTRY_MAX ((size_t)128 << 20)

struct kb_import_report {
	size_t documents; /* that are new here */
	size_t known;
	size_t pages;
	struct strv problems; /* documents that could not be taken over, each with the reason */
};
void kb_import_report_release(struct kb_import_report *r);
#define AUTO_KB_IMPORT_REPORT AUTO(kb_import_report_release)

int kb_import(const char *path, bool dry_run, struct kb_import_report *report, struct err *e);

#endif
