/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that others wrote, cut into its lines as it comes in pieces. For raw_lines (worker-lines.h);
 * without DuckDB, for its own tests.
 *
 *	AUTO_SPLIT struct split s = SPLIT_INIT;
 *	while ((n = read(fd, split_room(&s, PIECE), PIECE)) >= 0) {
 *		split_added(&s, n);
 *		while (split_next(&s, n == 0, &line)) ... s.number, line
 *		if (n == 0) break;
 *	}
 *
 * A line ends with a newline, or with the file: the last may be torn. Its number counts every line
 * from 1. Left out are blank ones and those over DUCK_LINE_MAX, at the cost of no other. What is
 * given is UTF-8: a byte that is none becomes U+FFFD; a byte order mark at the start and a carriage
 * return at an end are dropped. Any other byte stays, NUL too. Lent until the next call.
 *
 * Threads: one for each object.
 */
#ifndef LARDER_DUCK_WORKER_SPLIT_H
#define LARDER_DUCK_WORKER_SPLIT_H

#include "base/buf.h"

struct split {
	struct buf text;   /* what was added */
	struct buf mended; /* the line at hand, when it was no UTF-8 */
	size_t from, seen; /* of the text: taken; looked through for a newline */
	bool is_passed;    /* the line at hand is over the limit */
	int64_t number;    /* of the line that was given last */
};

#define SPLIT_INIT                                                                                 \
	{                                                                                          \
		.text = BUF_INIT(BUF_OWN_MAX), .mended = BUF_INIT(BUF_OWN_MAX)                     \
	}
void split_release(struct split *s);
#define AUTO_SPLIT AUTO(split_release)

/* Room for n bytes; then how many of it are there. */
char *split_room(struct split *s, size_t n);
void split_added(struct split *s, size_t n);
/* at_end: nothing more comes, so what is left is a line, too. */
bool split_next(struct split *s, bool at_end, struct bytes *ret_line);

#endif
