/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections of a document that is in the wiki, as a tree: what a query walks instead of the text.
 *
 *	AUTO_SECTIONS struct sections s = { 0 };
 *	r = outline_read(db, "policy", &s, e);            0 and none when there is no such document
 *	for (i = 0; i < s.n; i = outline_next(&s, i)) ...      its chapters
 *	outline_add(&s, i, "policy", &out)                "[[sources/policy#Scope]] (p. 3-7): words"
 *
 * A section that was split has one entry here. The tree is in the levels, as in the headings.
 * Threads and errors: as the db.
 */
#ifndef LARDER_KB_OUTLINE_H
#define LARDER_KB_OUTLINE_H

#include "db/db.h"
#include "kb/section.h"

/* Of each its title, anchor, level, pages and summary; no text. Sections without an anchor are none
 * that can be named. */
int outline_read(struct db *db, const char *doc_name, struct sections *ret, struct err *e);
/* The section with that anchor; s->n when there is none. */
size_t outline_find(const struct sections *s, const char *anchor);
/* The first that is not below that one. */
size_t outline_next(const struct sections *s, size_t i);
void outline_add(const struct sections *s, size_t i, const char *doc_name, struct buf *out);
/*
 * What can be read next from there: what is below section `i`, or all for SIZE_MAX, down to the level of
 * which `max` lines hold all. Of a flat list that is longer every k-th is named.
 */
void outline_add_below(const struct sections *s, size_t i, const char *doc_name, size_t max,
		       struct buf *out);

#endif
