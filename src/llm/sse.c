/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/sse.h"

#include <string.h>

void sse_release(struct sse *sse)
{
	buf_release(&sse->line);
	buf_release(&sse->data);
}

static int end_event(struct sse *sse, struct err *e)
{
	int r = 0;

	if (sse->has_data)
		r = sse->on_event(sse->ctx, buf_bytes(&sse->data), e);
	buf_clear(&sse->data);
	sse->has_data = false;
	return r;
}

static int end_line(struct sse *sse, struct err *e)
{
	struct bytes line = buf_bytes(&sse->line);
	int r = 0;

	if (line.n == 0) {
		r = end_event(sse, e);
	} else if (line.n >= 5 && memcmp(line.p, "data:", 5) == 0) {
		size_t skip = line.n > 5 && line.p[5] == ' ' ? 6 : 5;

		if (sse->has_data)
			buf_addc(&sse->data, '\n');
		buf_add(&sse->data, line.p + skip, line.n - skip);
		sse->has_data = true;
	}
	buf_clear(&sse->line);
	if (r == 0 && sse->data.full)
		r = err_set(e, ERR_LIMIT, "an event of the stream is over %zu bytes",
			    SSE_EVENT_MAX);
	return r;
}

int sse_add(struct sse *sse, struct bytes piece, struct err *e)
{
	const char *p = piece.p, *end = piece.p + piece.n;
	int r = 0;

	while (r == 0 && p < end) {
		size_t n = 0;

		if (sse->after_return && *p == '\n')
			p++;
		sse->after_return = false;
		while (p + n < end && p[n] != '\n' && p[n] != '\r')
			n++;
		buf_add(&sse->line, p, n);
		if (sse->line.full)
			return err_set(e, ERR_LIMIT, "a line of the stream is over %zu bytes",
				       SSE_EVENT_MAX);
		p += n;
		if (p == end)
			break;
		sse->after_return = *p++ == '\r';
		r = end_line(sse, e);
	}
	return r;
}
