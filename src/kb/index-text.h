/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.md as text: a heading, and a section of one-line entries for each kind of page, newest on
 * top. Edits touch one line of the section they are about; what people write around stays.
 *
 * So that an add costs the same in a wiki of ten and of ten thousand pages, a section keeps at most
 * INDEX_LINES_MAX lines: then its older half moves to a file of its own, index/<kind>-<n>.md, and
 * the section ends with links to those.
 */
#ifndef LARDER_KB_INDEX_TEXT_H
#define LARDER_KB_INDEX_TEXT_H

#include "base/str.h"
#include "kb/page.h"

/* Two hundred kilobytes of index.md at most, and so many lines nobody reads to the end. */
#define INDEX_LINES_MAX 400

/* What init writes. */
void index_text_new(struct buf *out);
/* "- [[concepts/wal]] — words"; `note` stands in parentheses behind the link, may be NULL. */
char *index_line(const char *link, const char *note, const char *description);
/* Puts the line on top of its section, or in the place of the line with the same link; a section
 * that is missing is made, where it belongs. */
void index_text_put(struct bytes index, enum page_kind kind, const char *line, struct buf *out);
void index_text_drop(struct bytes index, enum page_kind kind, const char *link, struct buf *out);
bool index_text_has(struct bytes index, enum page_kind kind, const char *link);
size_t index_text_count(struct bytes index, enum page_kind kind);
/* Moves the older half of a section's lines to `older`, in their order; the rest goes to `out`,
 * with `archive_link` ("- [[index/concepts-1]] older") behind them. */
void index_text_halve(struct bytes index, enum page_kind kind, const char *archive_link,
		      struct buf *out, struct buf *older);

#endif
