/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json-cells.h"

#include "base/json.h"

/* Behind the value that begins at `at`. */
static size_t value_end(struct bytes row, size_t at)
{
	unsigned depth = 0;
	bool in_string = false;

	for (; at < row.n; at++) {
		char c = row.p[at];

		if (in_string && c == '\\')
			at++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && depth == 0 && (c == ',' || c == ']' || c == '}'))
			break;
		else if (!in_string)
			depth += (c == '[' || c == '{') - (c == ']' || c == '}');
	}
	return at < row.n ? at : row.n;
}

/* The longest beginning of at most n bytes that ends between letters. */
static size_t fit(struct bytes text, size_t n)
{
	if (n >= text.n)
		return text.n;
	while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* The same in the text of a JSON string: an escape is one letter. */
static size_t fit_escaped(struct bytes text, size_t n)
{
	size_t at = 0;

	n = fit(text, n);
	while (at < n) {
		size_t length = text.p[at] != '\\' ? 1 : text.p[at + 1] == 'u' ? 6 : 2;

		if (at + length > n)
			break;
		at += length;
	}
	return at;
}

static void add_cut(struct bytes value, size_t max, struct buf *out)
{
	struct bytes inner = { value.p + 1, value.n - 2 };
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(out);

	if (value.p[0] == '"') {
		buf_addc(out, '"');
		buf_add(out, inner.p, fit_escaped(inner, max));
		buf_addf(out, "... (%zu bytes)\"", inner.n);
		return;
	}
	buf_add(&text, value.p, fit(value, max));
	buf_addf(&text, "... (%zu bytes)", value.n);
	json_add_bytes(&o, NULL, buf_bytes(&text));
}

int64_t json_cut_cells(struct bytes row, size_t cell_max, struct buf *out)
{
	int64_t cut = 0;

	for (size_t at = 0, end; at < row.n; at = end) {
		end = at + 1;
		if (row.p[at] == ',' || (at == 0 && row.p[at] == '[') || at + 1 == row.n) {
			buf_addc(out, row.p[at]);
			continue;
		}
		end = value_end(row, at);
		if (end <= at) /* no JSON: as it is */
			end = at + 1;
		if (end - at <= cell_max + 2) {
			buf_add(out, row.p + at, end - at);
			continue;
		}
		add_cut((struct bytes){ row.p + at, end - at }, cell_max, out);
		cut++;
	}
	return cut;
}
