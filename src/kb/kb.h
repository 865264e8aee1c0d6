/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A knowledge base: a folder of documents (raw/) and the wiki that is made of them (wiki/), plain
 * Markdown that Obsidian opens. It is a root (engine/root.h): pages and rows change together.
 *
 *	<kb>/raw/<doc><.ext>                   the documents as they were added
 *	<kb>/wiki/index.md, log.md, AGENTS.md  ... summaries/ concepts/ entities/ sources/ ...
 *	<kb>/.larder/kb.yaml                   settings; a folder with it is a knowledge base
 *	<kb>/.larder/state.db                  registry, pages, links, search index (docs/format-kb.md)
 *
 *	const struct kb_options o = { .path = args.kb };
 *	AUTO_KB struct kb *kb = NULL;
 *	if (kb_open(&o, &kb, e) < 0) ...
 *
 * Which folder: the path given (a flag), else LARDER_KB, else the nearest folder upwards from the
 * current one that is one. There is no other default, so a command never works on a knowledge base
 * nobody meant.
 *
 * One that is opened for writing holds a lease on the names it stages under, so that others tell
 * its files from the litter of a dead one, which is removed when one is opened.
 *
 * Threads: a struct kb belongs to one thread; kb_stage_name() may be called from any. Errors:
 * ERR_NOT_FOUND when there is none, with the command that makes one as the hint.
 */
#ifndef LARDER_KB_KB_H
#define LARDER_KB_KB_H

#include "base/str.h"
#include "engine/root.h"

#define KB_CONFIG   ".larder/kb.yaml"
#define KB_JOBS_MAX 64
/* Texts in pages of this many are "long" documents, as earlier wikis have it. */
#define KB_LONG_PAGES 20

struct kb;

struct kb_options {
	const char *path; /* NULL: found as told above */
	bool read_only;
};

struct kb_settings {
	char *language;
	struct strv entity_types; /* lower case; "other" is among them */
	int64_t long_pages;
	int64_t jobs; /* 0: as many as there are processors */
	char *server; /* where `publish` proposes pages; NULL: the usual sources */
};

int kb_find(const char *given, char **ret_path, struct err *e);
int kb_open(const struct kb_options *options, struct kb **ret_kb, struct err *e);
void kb_close(struct kb *kb);
static inline void kb_auto_(struct kb **p)
{
	kb_close(*p);
}
#define AUTO_KB AUTO(kb_auto_)

/*
 * Makes the folders, the first pages and the state; kb.yaml comes last. What is there stays:
 * repeating it is fine, and an existing wiki is not touched (kb_import() takes it over).
 * ERR_CONFLICT for a workspace, ERR_USAGE for a setting.
 */
struct kb_new {
	const char *path;
	const char *language; /* NULL: "en" */
};
int kb_create(const struct kb_new *how, bool *ret_made, struct err *e);

/* What init writes into AGENTS.md. */
const char *kb_schema_page(void);

struct root *kb_root(const struct kb *kb);
struct db *kb_db(const struct kb *kb);
const char *kb_path(const struct kb *kb);
const struct kb_settings *kb_settings(const struct kb *kb);
unsigned kb_jobs(const struct kb *kb, int64_t asked); /* of the asked, the settings, the machine */

/* A new name in staging that is ours until the kb is closed; the caller's. Any thread. */
char *kb_stage_name(const struct kb *kb, const char *what);

/* The whole text of a file below the root; an absent one gives no bytes and *ret_there false. */
int kb_read(const struct kb *kb, const char *path, size_t max, struct buf *out, bool *ret_there,
	    struct err *e);

#endif
