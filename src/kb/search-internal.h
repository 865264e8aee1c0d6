/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of search:
 *
 *	search.c         the rows of the index
 *	search-words.c   what is asked, as terms of FTS5
 *	search-run.c     which rows, in which order
 */
#ifndef LARDER_KB_SEARCH_INTERNAL_H
#define LARDER_KB_SEARCH_INTERNAL_H

#include "kb/search.h"

/* Letters of a script without blanks with joints between them, and without; the caller's. */
void search_add_jointed(struct bytes text, struct buf *out);
char *search_without_joints(const char *text);

/* Terms of FTS5, each once: "wal", "write ahead", "log"*. Words that say nothing only when there are no others. */
void search_terms(const char *words, struct strv *ret_terms);

#endif
