/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-split.h"

#include "base/str.h"
#include "duck/duck.h"

static const char byte_order_mark[] = "\xef\xbb\xbf";

void split_release(struct split *s)
{
	buf_release(&s->text);
	buf_release(&s->mended);
}

char *split_room(struct split *s, size_t n)
{
	if (s->from > 0) { /* what was taken makes room */
		s->text.n -= s->from;
		memmove(s->text.p, s->text.p + s->from, s->text.n);
		s->seen -= s->from;
		s->from = 0;
	}
	return buf_reserve(&s->text, n); /* never NULL: a line over its limit is not kept */
}

void split_added(struct split *s, size_t n)
{
	s->text.n += n;
}

static bool is_blank(struct bytes line)
{
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r')
			return false;
	}
	return true;
}

static void mend(struct split *s, struct bytes *line)
{
	if (s->number == 1 && line->n >= 3 && memcmp(line->p, byte_order_mark, 3) == 0)
		*line = (struct bytes){ line->p + 3, line->n - 3 };
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	if (text_is_utf8(*line))
		return;
	buf_clear(&s->mended);
	text_add_utf8(&s->mended, *line);
	*line = buf_bytes(&s->mended);
}

/* The end of the line at hand, NULL when it did not come yet. */
static const char *find_end(struct split *s, bool at_end)
{
	const char *end =
		s->text.n > s->seen ? memchr(s->text.p + s->seen, '\n', s->text.n - s->seen) : NULL;

	s->seen = end ? (size_t)(end - s->text.p) : s->text.n;
	return end || !at_end ? end : s->text.n > s->from ? s->text.p + s->text.n : NULL;
}

bool split_next(struct split *s, bool at_end, struct bytes *ret_line)
{
	const char *end;

	while ((end = find_end(s, at_end)) != NULL) {
		struct bytes line = { s->text.p + s->from, (size_t)(end - s->text.p) - s->from };
		bool is_passed = s->is_passed || line.n > DUCK_LINE_MAX;

		s->from = s->seen = line.p + line.n - s->text.p + (end < s->text.p + s->text.n);
		s->number++;
		s->is_passed = false;
		if (is_passed)
			continue;
		mend(s, &line);
		if (is_blank(line))
			continue;
		*ret_line = line;
		return true;
	}
	if (s->is_passed || s->text.n - s->from > DUCK_LINE_MAX) { /* its rest is not kept */
		s->is_passed = true;
		s->from = s->seen = s->text.n;
	}
	return false;
}
