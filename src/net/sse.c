/* SPDX-License-Identifier: Apache-2.0 */
#include "net/sse.h"

#include <string.h>

void sse_release(struct sse *sse)
{
	buf_release(&sse->line);
	buf_release(&sse->data);
	buf_release(&sse->name);
	buf_release(&sse->id);
}

static int end_event(struct sse *sse, struct err *e)
{
	int r = 0;

	if (sse->has_data)
		r = sse->on_event(sse->ctx, buf_bytes(&sse->data), e);
	buf_clear(&sse->data);
	buf_clear(&sse->name);
	sse->has_data = false;
	return r;
}

/* What follows "NAME:" and one blank; false for another field. */
static bool is_field(struct bytes line, const char *name, struct bytes *ret_value)
{
	size_t n = strlen(name);

	if (line.n < n || memcmp(line.p, name, n) != 0)
		return false;
	n += line.n > n && line.p[n] == ' ';
	*ret_value = (struct bytes){ line.p + n, line.n - n };
	return true;
}

static void set(struct buf *field, struct bytes value)
{
	buf_clear(field);
	if (value.n < SSE_NAME_MAX && !memchr(value.p, '\0', value.n))
		buf_add(field, value.p, value.n);
}

static int end_line(struct sse *sse, struct err *e)
{
	struct bytes line = buf_bytes(&sse->line);
	struct bytes value;
	int r = 0;

	if (line.n == 0) {
		r = end_event(sse, e);
	} else if (is_field(line, "data:", &value)) {
		if (sse->has_data)
			buf_addc(&sse->data, '\n');
		buf_add(&sse->data, value.p, value.n);
		sse->has_data = true;
	} else if (is_field(line, "event:", &value)) {
		set(&sse->name, value);
	} else if (is_field(line, "id:", &value)) {
		set(&sse->id, value);
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
