/* SPDX-License-Identifier: Apache-2.0 */
/* Between answer.c (what is asked) and answer-look.c (what is looked up). */
#ifndef LARDER_KB_ANSWER_INTERNAL_H
#define LARDER_KB_ANSWER_INTERNAL_H

#include "kb/answer.h"

struct looking {
	struct kb *kb;
	struct kb_passage v[ANSWER_PASSAGES];
	size_t n;
	size_t room; /* so many may be there for now */
};
void looking_release(struct looking *l);

/* At most `more` passages that are not there yet. */
int look_search(struct looking *l, const char *words, size_t more, struct err *e);
/* "concepts/wal", "sources/a#Section", "sources/a" (the list of its sections); else nothing. */
int look_read(struct looking *l, const char *link, struct err *e);

#endif
