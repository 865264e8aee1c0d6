/* SPDX-License-Identifier: Apache-2.0 */
/* A text, line by line: where the next one begins, and what stands in one. */
#ifndef LARDER_KB_LINES_H
#define LARDER_KB_LINES_H

#include "base/buf.h"

#include <string.h>

/* Behind the line's newline, or the end of the text. */
static inline size_t line_end(struct bytes text, size_t at)
{
	const char *end = at < text.n ? memchr(text.p + at, '\n', text.n - at) : NULL;

	return end ? (size_t)(end - text.p) + 1 : text.n;
}

/* Without what blanks and CR end it. */
static inline struct bytes line_at(struct bytes text, size_t at)
{
	size_t end = line_end(text, at);

	while (end > at && strchr(" \t\r\n", text.p[end - 1]))
		end--;
	return (struct bytes){ text.p + at, end - at };
}

#endif
