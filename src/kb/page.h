/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of the wiki as text: their kinds, and edits that touch one place and leave every other byte
 * as it is, whoever wrote it.
 *
 *	page_put_section(page, "## From [[summaries/a]]", block, &out)
 *	page_drop_section(page, "## From [[summaries/a]]", &out)        the inverse, to the byte
 *	page_put_bullet(page, "## Related Documents", "- [[summaries/a]]", &out)
 *	page_drop_bullet(page, "## Related Documents", "summaries/a", &out)
 *
 * A section is a heading line and what follows up to the next heading of its level or above, or the
 * end. `out` gets the whole page and is cleared first. What does not apply leaves the page as it
 * is. Texts are foreign bytes. Threads: no state.
 */
#ifndef LARDER_KB_PAGE_H
#define LARDER_KB_PAGE_H

#include "base/str.h"

/* A page is read by people and models: 4 MB are a thousand printed pages. */
#define PAGE_BYTES_MAX ((size_t)4 << 20)

/* The numbers are on disk. */
enum page_kind {
	PAGE_OTHER = 0, /* a note of a person, somewhere in wiki/ */
	PAGE_SUMMARY = 1,
	PAGE_CONCEPT = 2,
	PAGE_ENTITY = 3,
	PAGE_EXPLORATION = 4,
};
#define PAGE_KINDS 5

const char *page_kind_folder(enum page_kind kind);  /* "concepts"; "" for PAGE_OTHER */
const char *page_kind_word(enum page_kind kind);    /* "concept" */
const char *page_kind_section(enum page_kind kind); /* its heading in index.md: "## Concepts" */
/* Of a path below wiki/: "concepts/wal.md". */
enum page_kind page_kind_of(const char *path);
/* index.md, log.md, AGENTS.md, SCHEMA.md, and what lies in reports/, sources/, index/: no pages. */
bool page_is_plain_file(const char *path);
/* "concepts/wal.md" -> "concepts/wal"; the caller's. */
char *page_link(const char *path);
char *page_path(enum page_kind kind, const char *slug);

/* The first "# " heading below the front matter, else NULL. */
char *page_title(struct bytes page);
/* The section with its heading; n == 0 when there is none. */
struct bytes page_section(struct bytes page, const char *heading);

/* Replaces the section of that heading; a new one goes in front of the lists of related pages at
 * the end. `text` has no heading and ends in a newline. */
void page_put_section(struct bytes page, const char *heading, const char *text, struct buf *out);
void page_drop_section(struct bytes page, const char *heading, struct buf *out);
/* A new bullet goes to the top; one that links to the same page is replaced where it stands. */
void page_put_bullet(struct bytes page, const char *heading, const char *bullet, struct buf *out);
/* The section goes with its last bullet. */
void page_drop_bullet(struct bytes page, const char *heading, const char *target, struct buf *out);
/* The line "See also: [[target]]" of earlier wikis, or that link in such a line. */
void page_drop_see_also(struct bytes page, const char *target, struct buf *out);

#endif
