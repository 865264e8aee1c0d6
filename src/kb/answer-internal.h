/* SPDX-License-Identifier: Apache-2.0 */
/* Between answer.c (what is asked) and answer-look.c (what is looked up). */
#ifndef LARDER_KB_ANSWER_INTERNAL_H
#define LARDER_KB_ANSWER_INTERNAL_H

#include "kb/answer.h"

/* A picture that was asked for. */
struct looked_picture {
	size_t passage; /* that names it */
	struct buf contents;
	struct llm_picture picture; /* lends from that */
};

struct looking {
	struct kb *kb;
	struct kb_passage v[ANSWER_PASSAGES];
	size_t n;
	size_t room; /* so many may be there for now */
	struct looked_picture pictures[ANSWER_PICTURES];
	size_t picture_count;
};
void looking_release(struct looking *l);

/* At most `more` passages that are not there yet. */
int look_search(struct looking *l, const char *words, size_t more, struct err *e);
/* "concepts/wal", "sources/a#Section", "sources/a" (the list of its sections), "sources/images/a/x.png"; else nothing. */
int look_read(struct looking *l, const char *link, struct err *e);

#endif
