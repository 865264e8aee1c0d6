/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of the wiki: pages read, edited in memory, and put in place together with all rows that
 * speak of them, or not at all. Every command that writes pages makes one.
 *
 *	AUTO_CHANGE struct change *c = NULL;
 *	if (change_begin(kb, &c, e) < 0) ...           the write transaction: nobody else writes now
 *	change_read(c, "concepts/wal.md", &text, e)    as it is on disk, or as set before
 *	change_set(c, "concepts/wal.md", new_text, e)
 *	change_drop(c, "summaries/old.md", e)
 *	change_log(c, "ingest", "policy.html")
 *	r = change_commit(c, e)                        1: somebody edited a page meanwhile; again
 *
 * A change that is freed without a commit has done nothing. On commit the index lines of the pages
 * that changed are put right, files are staged, made durable and moved by the journal, and the rows
 * of pages, links, claims and search follow. Only pages whose text is another are written.
 *
 * A page whose text is not what was last written here was edited by a person: change_is_edited().
 * change_set_aside() keeps such a text in reports/ before it is replaced.
 *
 * Paths are below wiki/. Threads: as the kb. Errors: the journal's and the db's.
 */
#ifndef LARDER_KB_CHANGE_H
#define LARDER_KB_CHANGE_H

#include "kb/compile.h"

struct change;

/* How often a commit is tried again because somebody saved a page at that very moment. */
#define CHANGE_TRIES 5

int change_begin(struct kb *kb, struct change **ret_change, struct err *e);
void change_free(struct change *c);
static inline void change_auto_(struct change **p)
{
	change_free(*p);
}
#define AUTO_CHANGE AUTO(change_auto_)

struct kb *change_kb(const struct change *c);
struct db *change_db(const struct change *c);

/* Lent until the page is set, dropped, or the change ends. n == 0 when there is no such page. */
int change_read(struct change *c, const char *path, struct bytes *ret_text, struct err *e);
int change_set(struct change *c, const char *path, struct bytes text, struct err *e);
int change_drop(struct change *c, const char *path, struct err *e);
/* 1 when the file is there and is not what Larder wrote, or is none of its pages. */
int change_is_edited(struct change *c, const char *path, struct err *e);
/* Keeps the text that is on disk as reports/edited_<time>_<kind>_<slug>.md. */
int change_set_aside(struct change *c, const char *path, struct err *e);
const struct strv *change_set_aside_paths(const struct change *c);

/* What the page claims of one document, in the place of what it claimed before. */
int change_claims(struct change *c, const char *path, int64_t doc_id, const struct claims *claims,
		  struct err *e);

/* Other files of the root; `staged` is durable already. As of pages, the mode of one that is replaced stays. */
int change_move(struct change *c, const char *staged, const char *target, struct err *e);
int change_remove(struct change *c, const char *target, struct err *e);

/* A line of log.md: "## [time] op | text". */
void change_log(struct change *c, const char *op, const char *text);

int change_commit(struct change *c, struct err *e);

/* Without a commit: the pages that would be written and dropped. */
int change_preview(struct change *c, struct strv *written, struct strv *dropped, struct err *e);
/* Pages written and dropped, for reports: after the commit. */
const struct strv *change_written(const struct change *c);
const struct strv *change_dropped(const struct change *c);

#endif
