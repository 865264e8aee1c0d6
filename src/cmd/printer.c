/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/printer.h"

#include "cmd/cmd.h"
#include <assert.h>

/* The table format needs the widths of all rows before the first line: this many are looked at. */
#define WIDTH_ROWS_MAX 1000
#define CELL_WIDTH_MAX 60

#define OUTPUT_PIECE ((size_t)64 << 10)

struct printer;

/* How one format writes; `begin` once, `row` for each, `end` once. */
struct format {
	const char *name;
	void (*begin)(struct printer *p, const struct duck_column *columns, size_t n);
	void (*row)(struct printer *p, const struct json *values);
	void (*end)(struct printer *p, int64_t rows, bool truncated);
};

struct printer {
	const struct format *format;
	struct buf out;
	size_t columns;
	int64_t rows;
	struct strv cells; /* of rows that wait for their widths, header first */
	size_t *widths;
	bool *numeric;
	bool flushed; /* widths are fixed, rows go straight out */
};

void printer_free(struct printer *p)
{
	if (!p)
		return;
	buf_release(&p->out);
	strv_release(&p->cells);
	free(p->widths);
	free(p->numeric);
	free(p);
}

/* What a cell shows: NULL for null. */
static void add_cell(struct buf *out, const struct json *value)
{
	if (json_kind(value) == JSON_TEXT)
		buf_add(out, json_bytes(value).p, json_bytes(value).n);
	else if (json_kind(value) != JSON_NULL && value)
		json_print(value, out, false);
}

/* RFC 4180: quoted when the text has a comma, a quote or a line end. An empty text is "", null is
 * nothing. */
static void add_csv(struct buf *out, struct bytes text, bool is_text)
{
	bool quote = is_text && text.n == 0;

	for (size_t i = 0; i < text.n && !quote; i++)
		quote = strchr(",\"\r\n", text.p[i]) && text.p[i];
	if (!quote) {
		buf_add(out, text.p, text.n);
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"')
			buf_addc(out, '"');
		buf_addc(out, text.p[i]);
	}
	buf_addc(out, '"');
}

static void csv_begin(struct printer *p, const struct duck_column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_addc(&p->out, ',');
		add_csv(&p->out, bytes_of(columns[i].name), true);
	}
	buf_adds(&p->out, "\r\n");
}

static void csv_row(struct printer *p, const struct json *values)
{
	for (size_t i = 0; i < p->columns; i++) {
		AUTO_BUF struct buf cell = BUF_INIT(BUF_OWN_MAX);

		if (i)
			buf_addc(&p->out, ',');
		add_cell(&cell, json_at(values, i));
		add_csv(&p->out, buf_bytes(&cell), json_kind(json_at(values, i)) == JSON_TEXT);
	}
	buf_adds(&p->out, "\r\n");
}

static void csv_end(struct printer *p, int64_t rows, bool truncated)
{
	(void)p, (void)rows, (void)truncated; /* a CSV has no place for remarks */
}

static void json_begin(struct printer *p, const struct duck_column *columns, size_t n)
{
	struct json_out o = json_out(&p->out);

	buf_adds(&p->out, "{\"columns\":");
	json_open(&o, NULL, '[');
	for (size_t i = 0; i < n; i++)
		json_add_text(&o, NULL, columns[i].name);
	json_close(&o);
	o = json_out(&p->out);
	buf_adds(&p->out, ",\"types\":");
	json_open(&o, NULL, '[');
	for (size_t i = 0; i < n; i++)
		json_add_text(&o, NULL, columns[i].type);
	json_close(&o);
	buf_adds(&p->out, ",\"rows\":[");
}

static void json_row(struct printer *p, const struct json *values)
{
	buf_adds(&p->out, p->rows ? ",\n" : "\n");
	json_print(values, &p->out, false);
}

static void json_end(struct printer *p, int64_t rows, bool truncated)
{
	buf_addf(&p->out, "],\"row_count\":%lld,\"truncated\":%s}\n", (long long)rows,
		 truncated ? "true" : "false");
}

/* A long cell ends in "..."; the cut is between letters. */
static char *fit_cell(const char *text)
{
	if (text_width(text) <= CELL_WIDTH_MAX)
		return xstrdup(text);
	return xasprintf("%.*s...", (int)text_fit(text, CELL_WIDTH_MAX - 3), text);
}

static void table_cell(struct printer *p, size_t column, const char *text)
{
	size_t pad =
		p->widths[column] > text_width(text) ? p->widths[column] - text_width(text) : 0;

	if (column)
		buf_adds(&p->out, "  ");
	if (p->numeric[column])
		buf_addf(&p->out, "%*s%s", (int)pad, "", text);
	else
		buf_addf(&p->out, "%s%*s", text, column + 1 < p->columns ? (int)pad : 0, "");
}

static void table_line(struct printer *p, char *const *cells)
{
	assert(!p->columns || cells);
	for (size_t i = 0; i < p->columns; i++)
		table_cell(p, i, cells[i]);
	buf_addc(&p->out, '\n');
}

static void table_flush(struct printer *p)
{
	for (size_t at = 0; at < p->cells.n; at++) {
		size_t *width = &p->widths[at % p->columns];

		*width = text_width(p->cells.v[at]) > *width ? text_width(p->cells.v[at]) : *width;
	}
	for (size_t at = 0; at + p->columns <= p->cells.n; at += p->columns) {
		table_line(p, p->cells.v + at);
		for (size_t i = 0; at == 0 && i < p->columns; i++) {
			for (size_t k = 0; k < p->widths[i] + (i + 1 < p->columns ? 2 : 0); k++)
				buf_addc(&p->out, '-');
		}
		if (at == 0)
			buf_addc(&p->out, '\n');
	}
	strv_release(&p->cells);
	p->flushed = true;
}

static void table_begin(struct printer *p, const struct duck_column *columns, size_t n)
{
	static const char *const right[] = { "TINYINT", "SMALLINT", "INTEGER",   "BIGINT",
					     "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
					     "UBIGINT", "UHUGEINT", "FLOAT",     "DOUBLE",
					     "DECIMAL" };

	p->widths = xcalloc(n, sizeof(*p->widths));
	p->numeric = xcalloc(n, sizeof(*p->numeric));
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < ARRAY_LEN(right); k++)
			p->numeric[i] |= str_starts(columns[i].type, right[k]) &&
					 !str_ends(columns[i].type, "]");
		strv_adopt(&p->cells, fit_cell(columns[i].name));
	}
}

static void table_row(struct printer *p, const struct json *values)
{
	AUTO_STRV struct strv line = STRV_INIT;

	for (size_t i = 0; i < p->columns; i++) {
		AUTO_BUF struct buf cell = BUF_INIT(BUF_OWN_MAX);
		AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);

		add_cell(&cell, json_at(values, i));
		text_add_clean(&clean, buf_bytes(&cell)); /* a terminal obeys what a table holds */
		strv_adopt(p->flushed ? &line : &p->cells, fit_cell(buf_str(&clean)));
	}
	if (p->flushed)
		table_line(p, line.v);
	else if (p->rows + 1 >= WIDTH_ROWS_MAX)
		table_flush(p);
}

static void table_end(struct printer *p, int64_t rows, bool truncated)
{
	if (!p->flushed && p->columns)
		table_flush(p);
	buf_addf(&p->out, "(%lld row%s%s)\n", (long long)rows, rows == 1 ? "" : "s",
		 truncated ? " shown, there are more" : "");
}

static const struct format formats[] = {
	{ "table", table_begin, table_row, table_end },
	{ "csv", csv_begin, csv_row, csv_end },
	{ "json", json_begin, json_row, json_end },
};

static int drain(struct printer *p, size_t keep, struct err *e)
{
	int r = 0;

	if (p->out.n > keep) {
		r = cmd_print(&p->out, e);
		buf_clear(&p->out);
	}
	return r;
}

int printer_columns(void *printer, const struct duck_column *columns, size_t n, struct err *e)
{
	struct printer *p = printer;

	p->columns = n;
	p->format->begin(p, columns, n);
	return drain(p, OUTPUT_PIECE, e);
}

int printer_row(void *printer, const struct json *values, struct err *e)
{
	struct printer *p = printer;

	p->format->row(p, values);
	p->rows++;
	return drain(p, OUTPUT_PIECE, e);
}

int printer_new(const char *format, struct printer **ret_printer, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (!str_eq(formats[i].name, format))
			continue;
		*ret_printer = xcalloc(1, sizeof(**ret_printer));
		(*ret_printer)->format = &formats[i];
		(*ret_printer)->out = (struct buf)BUF_INIT(BUF_OWN_MAX);
		return 0;
	}
	return err_set(e, ERR_USAGE, "unknown format '%s': table, csv or json", format);
}

int printer_end(struct printer *p, int64_t rows, bool truncated, struct err *e)
{
	p->format->end(p, rows, truncated);
	return drain(p, 0, e);
}
