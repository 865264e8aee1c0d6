/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lines.h"

#include "base/str.h"

static void add_with_ends(struct buf *out, struct bytes text, char end)
{
	const char *p = text.p, *stop = text.p + text.n;

	while (p < stop) {
		const char *from = p;

		while (p < stop && *p != '\n' && *p != '\r' && *p != '\t')
			p++;
		text_add_clean(out, (struct bytes){ from, (size_t)(p - from) });
		if (p == stop)
			return;
		if (*p == '\r' && p + 1 < stop && p[1] == '\n')
			p++;
		buf_addc(out, *p == '\t' ? ' ' : end);
		p++;
	}
}

void text_add_lines(struct buf *out, struct bytes text)
{
	add_with_ends(out, text, '\n');
}

void text_add_line(struct buf *out, struct bytes text)
{
	add_with_ends(out, text, ' ');
}
