/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections of a source text: what a citation points at, and what search finds.
 *
 *	AUTO_SECTIONS struct sections s = { 0 };
 *	sections_of(text, "Title", &s);
 *
 * A section runs from one heading (ATX or underlined, outside of code) to the next. What stands
 * before the first heading is a section with the document's title and no anchor. A section over
 * SECTION_SPLIT bytes is split between paragraphs into several of the same heading. A line
 * "<!-- page 12 -->" says that page 12 begins: converters of paged documents write it.
 *
 * The anchor is what a link has behind '#': the heading without the letters that mean something in
 * a link, "p. 12" in a paged text without headings, "" else.
 * Texts are foreign bytes. Threads: no state. `s` lends from `text`.
 */
#ifndef LARDER_KB_SECTION_H
#define LARDER_KB_SECTION_H

#include "base/str.h"

/* About two printed pages: what a reader, or a model, takes in at one look. */
#define SECTION_SPLIT ((size_t)6000)
/* A 10,000-page book with a heading a page; beyond, the last one takes the rest. */
#define SECTIONS_MAX       20000
#define SECTION_ANCHOR_MAX 120
/* A heading over this is a paragraph with a '#' in front. */
#define SECTION_TITLE_MAX 300

struct section {
	unsigned level; /* of its heading; 0 before the first */
	char *title;
	char *anchor;
	int64_t page;  /* the page it begins on; 0 when the text has none */
	char *summary; /* a sentence on what it says; NULL when nobody knows */
	size_t at, n;  /* the text below the heading */
};

struct sections {
	struct section *v;
	size_t n;
	size_t capacity;
	int64_t pages; /* the highest page number; 0 when the text has none */
};

void sections_of(struct bytes text, const char *title, struct sections *s);
void sections_release(struct sections *s);
#define AUTO_SECTIONS AUTO(sections_release)
/* The page on which the section and all below it ends: what follows may begin on the same; 0 when the
 * text has no pages. */
int64_t section_last_page(const struct sections *s, size_t i);
/* " (p. 3)", " (p. 3-7)", nothing in a text without pages. */
void section_add_pages(const struct sections *s, size_t i, struct buf *out);

/* "  The *WAL* [x](y) " -> "The WAL x": words of Markdown without its marks, on one line. */
char *section_plain(struct bytes markdown);
char *section_anchor(const char *title);

#endif
