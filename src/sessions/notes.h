/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Corporate memory: the notes that people keep for their agents (CLAUDE.local.md, as uploaded) become
 * proposed knowledge, each with its author as evidence.
 *
 *	AUTO_NOTES_REPORT struct notes_report report = { 0 };
 *	const struct notes_options o = { .root = root };
 *	r = notes_process(&o, &report, e);      0 also when single files failed: report.errors
 *
 * The set of notes is fingerprinted (engine/ledger); an unchanged set is skipped, and of a changed
 * one only the files that changed are read. A file's proposals and the mark that it was read are
 * one transaction. With a model when one is configured, else by rules (docs/knowledge.md).
 *
 * What is private must not get out by this: candidates with tokens, addresses, secrets or words
 * of that kind are dropped, and with a model each new one needs its word that it is harmless. An
 * answer that lacks it drops the candidate; a model that fails fails the file, which is done again
 * by the next run.
 *
 * Errors: ERR_BUSY when another run is at work, the db's, what the settings of the model say.
 * Threads: as the root.
 */
#ifndef LARDER_SESSIONS_NOTES_H
#define LARDER_SESSIONS_NOTES_H

#include "base/str.h"
#include "engine/root.h"
#include "llm/llm.h"
#include <stdatomic.h>

/* Of one file: nobody keeps more in mind. */
#define NOTES_ITEMS_MAX 100
/* Failures that are told with a sentence. */
#define NOTES_ERRORS_MAX 100

struct notes_options {
	struct root *root;
	bool dry_run; /* counts what would be read; reads, asks and writes nothing */
	const atomic_bool *cancel;
};

struct notes_report {
	int64_t users, files; /* with notes */
	int64_t changed;      /* files that were read, or would be */
	int64_t extracted;    /* candidates */
	int64_t filtered;     /* of them dropped as private */
	int64_t preserved;    /* known already */
	int64_t proposed;     /* new, and waiting for an admin */
	bool skipped;         /* nothing had changed */
	int64_t errors;
	struct strv failures; /* "path: why" */
	char *model;          /* an object, as llm_add_totals() gives it; NULL without one */
};
void notes_report_release(struct notes_report *report);
#define AUTO_NOTES_REPORT AUTO(notes_report_release)

int notes_process(const struct notes_options *options, struct notes_report *ret, struct err *e);

/* A candidate. */
struct note {
	char *title;
	char *content;
	char *quote;
	char *known_id; /* of an item that says the same; NULL: none */
	const char *domain;
	struct strv entities;
	int64_t line;
};
struct notes {
	struct note *v;
	size_t n, capacity;
	int64_t extracted, filtered;
};
void notes_release(struct notes *notes);
#define AUTO_NOTES AUTO(notes_release)
struct note *notes_next(struct notes *notes); /* NULL when there are NOTES_ITEMS_MAX */

/* Pure: statements in lists and paragraphs. */
void notes_by_rules(const char *text, struct notes *out);
/* Words and shapes that a private matter has. */
bool note_is_private(const char *text);
/* catalog: a JSON array of {"id", "title", "content"} that is known. One attempt. */
int notes_by_model(struct llm *llm, const char *text, struct bytes catalog, struct notes *out,
		   struct err *e);

#endif
