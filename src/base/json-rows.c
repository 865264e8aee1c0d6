/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scanner that knows strings and brackets, and nothing more: it cuts the text into pieces that the
 * parser then reads strictly.
 */
#include "base/json-rows.h"

#include <string.h>

enum place { HEAD, BETWEEN, ROW, REST };

struct json_rows {
	struct json_rows_options options;
	enum place place;
	struct buf text; /* of what is being read: the head, a row, the rest */
	unsigned depth;  /* of brackets that are open in it */
	bool in_string, escaped;
	bool had_row, comma; /* BETWEEN */
};

struct json_rows *json_rows_new(const struct json_rows_options *options)
{
	struct json_rows *rows = xcalloc(1, sizeof(*rows));

	rows->options = *options;
	rows->text.max = options->rest_max;
	return rows;
}

void json_rows_free(struct json_rows *rows)
{
	if (!rows)
		return;
	buf_release(&rows->text);
	free(rows);
}

static int corrupt(struct err *e, const char *where)
{
	return err_set(e, ERR_CORRUPT, "it is no JSON object with rows: %s", where);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Does the byte belong to a string, or begin or end one? */
static bool takes_string(struct json_rows *rows, char c)
{
	if (!rows->in_string) {
		rows->in_string = c == '"';
		return rows->in_string;
	}
	if (rows->escaped)
		rows->escaped = false;
	else if (c == '\\')
		rows->escaped = true;
	else if (c == '"')
		rows->in_string = false;
	return true;
}

/* Where the member's key begins, when the text ends in `"rows" :`; SIZE_MAX else. */
static size_t key_at_end(const struct json_rows *rows)
{
	const struct buf *b = &rows->text;
	size_t n = b->n, length = strlen(rows->options.member);

	while (n > 0 && is_space(b->p[n - 1]))
		n--;
	if (n == 0 || b->p[--n] != ':')
		return SIZE_MAX;
	while (n > 0 && is_space(b->p[n - 1]))
		n--;
	if (n < length + 2 || b->p[n - 1] != '"' || b->p[n - length - 2] != '"' ||
	    memcmp(b->p + n - length - 1, rows->options.member, length) != 0)
		return SIZE_MAX;
	n -= length + 2;
	return n > 0 && b->p[n - 1] == '\\' ? SIZE_MAX : n; /* the end of another key */
}

static int too_long(const struct json_rows *rows, struct err *e)
{
	return err_set(e, ERR_LIMIT, "%s over %zu bytes",
		       rows->place == ROW ? "a row is" : "what stands around the rows is",
		       rows->text.max);
}

static int read_text(struct json_rows *rows, struct json **ret, struct err *e)
{
	if (rows->text.full)
		return too_long(rows, e);
	return json_parse_deep(buf_bytes(&rows->text), rows->text.max,
			       rows->options.depth ? rows->options.depth : JSON_DEPTH_MAX, ret, e);
}

static void begin(struct json_rows *rows, enum place place, size_t max)
{
	rows->place = place;
	rows->depth = 0;
	buf_clear(&rows->text);
	rows->text.max = max;
}

/* The text up to the key, closed, is an object. */
static int end_head(struct json_rows *rows, size_t key, struct err *e)
{
	AUTO_JSON struct json *head = NULL;
	int r;

	while (key > 0 && is_space(rows->text.p[key - 1]))
		key--;
	if (key > 0 && rows->text.p[key - 1] == ',')
		key--;
	rows->text.n = key;
	buf_addc(&rows->text, '}');
	r = read_text(rows, &head, e);
	if (r == 0)
		r = rows->options.on_head(rows->options.ctx, head, e);
	begin(rows, BETWEEN, rows->options.row_max);
	return r;
}

static int take_head(struct json_rows *rows, char c, struct err *e)
{
	size_t key = SIZE_MAX;

	if (!takes_string(rows, c)) {
		if (c == '[' && rows->depth == 1)
			key = key_at_end(rows);
		if (key != SIZE_MAX)
			return end_head(rows, key, e);
		rows->depth += c == '{' || c == '[';
		rows->depth -= (c == '}' || c == ']') && rows->depth > 0;
	}
	buf_addc(&rows->text, c);
	return rows->text.full ? too_long(rows, e) : 0;
}

static int take_between(struct json_rows *rows, char c, struct err *e)
{
	if (is_space(c))
		return 0;
	if (c == ',' && rows->had_row && !rows->comma) {
		rows->comma = true;
		return 0;
	}
	if (c == ']' && !rows->comma) {
		begin(rows, REST, rows->options.rest_max);
		buf_addc(&rows->text, '{');
		return 0;
	}
	if ((c != '[' && c != '{') || rows->had_row != rows->comma)
		return corrupt(e, "what is between two rows");
	begin(rows, ROW, rows->options.row_max);
	rows->depth = 1;
	buf_addc(&rows->text, c);
	return 0;
}

static int end_row(struct json_rows *rows, struct err *e)
{
	AUTO_JSON struct json *row = NULL;
	int r = rows->options.on_row ? read_text(rows, &row, e) : 0;

	if (r == 0 && row)
		r = rows->options.on_row(rows->options.ctx, row, e);
	begin(rows, BETWEEN, rows->options.row_max);
	rows->had_row = true;
	rows->comma = false;
	return r;
}

/* As much of the piece as belongs to the row: copied at once. */
static int take_row(struct json_rows *rows, struct bytes piece, size_t *at, struct err *e)
{
	size_t from = *at;

	while (*at < piece.n && rows->depth > 0) {
		char c = piece.p[(*at)++];

		if (takes_string(rows, c))
			continue;
		rows->depth += c == '{' || c == '[';
		rows->depth -= c == '}' || c == ']';
	}
	buf_add(&rows->text, piece.p + from, *at - from);
	if (rows->text.full)
		return too_long(rows, e);
	return rows->depth == 0 ? end_row(rows, e) : 0;
}

/* The object is begun anew, without what came before: one comma is left over. */
static int take_rest(struct json_rows *rows, char c, struct err *e)
{
	if (c == ',' && rows->text.n == 1 && !rows->comma) {
		rows->comma = true;
		return 0;
	}
	if (!is_space(c) || rows->text.n > 1)
		buf_addc(&rows->text, c);
	return rows->text.full ? too_long(rows, e) : 0;
}

int json_rows_add(struct json_rows *rows, struct bytes piece, struct err *e)
{
	int r = 0;

	for (size_t at = 0; r == 0 && at < piece.n;) {
		if (rows->place == ROW)
			r = take_row(rows, piece, &at, e);
		else if (rows->place == HEAD)
			r = take_head(rows, piece.p[at++], e);
		else if (rows->place == BETWEEN)
			r = take_between(rows, piece.p[at++], e);
		else
			r = take_rest(rows, piece.p[at++], e);
	}
	return r;
}

int json_rows_end(struct json_rows *rows, struct json **ret_rest, struct err *e)
{
	AUTO_JSON struct json *head = NULL;
	int r;

	if (rows->place == REST)
		return read_text(rows, ret_rest, e);
	if (rows->place != HEAD)
		return corrupt(e, "it ends before its rows do");
	r = read_text(rows, &head, e);
	if (r == 0 && json_kind(head) != JSON_OBJECT)
		return corrupt(e, "it is no object");
	if (r == 0)
		r = rows->options.on_head(rows->options.ctx, head, e);
	if (r == 0)
		*ret_rest = json_new_object();
	return r;
}

struct json *json_rows_broken(const struct json_rows *rows)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json *rest = NULL;
	struct err ignored = { 0 };

	if (rows->place != REST)
		return NULL;
	buf_add(&text, rows->text.p, rows->text.n);
	buf_addc(&text, '}');
	return json_parse(buf_bytes(&text), text.n, &rest, &ignored) == 0 ? rest : NULL;
}
