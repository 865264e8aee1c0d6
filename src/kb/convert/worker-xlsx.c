/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Excel (ECMA-376 part 1, section 18): each sheet a heading and its table, written as CSV first, so
 * that large ones are described as those are. Values are the ones last computed; dates are told by
 * the format of their cell.
 */
#include "kb/convert/convert-internal.h"
#include "kb/convert/worker-package.h"

#include "base/time.h"

#define WORKBOOK    "xl/workbook.xml"
#define SHEETS_MAX  1000
#define STRINGS_MAX ((size_t)4 << 20)
#define COLUMNS_MAX 16384 /* Excel's own */
#define STYLES_MAX  65536 /* the same */

struct sheet {
	char *name, *id;
};

struct xlsx {
	struct package *package;
	struct output *out;
	struct relations relations;
	struct sheet *sheets;
	size_t sheet_count, sheet_capacity;
	struct strv strings; /* shared */
	struct buf string;
	bool in_string, in_phonetic;
	bool *dates; /* of cell formats */
	size_t date_count, date_capacity;
	struct strv date_formats; /* custom ids */
	bool in_formats;
	bool from_1904;

	struct buf csv, value; /* the sheet being read */
	int64_t row, column;   /* of the cell, from 0; column of the last written */
	char type;
	size_t style;
	bool in_value;
};

static void workbook_start(void *ctx, const char *name, const char **attributes)
{
	struct xlsx *x = ctx;
	const char *title = xml_attribute(attributes, "name");
	const char *id = NULL;
	const char *epoch = xml_attribute(attributes, "date1904");

	if (str_eq(name, "workbookPr") && epoch)
		x->from_1904 = str_eq(epoch, "1") || str_eq(epoch, "true");
	if (!str_eq(name, "sheet") || !title || x->sheet_count >= SHEETS_MAX)
		return;
	for (const char **a = attributes; a[0]; a += 2) {
		if (str_ends(a[0], ":id"))
			id = a[1];
	}
	x->sheets = xgrow(x->sheets, &x->sheet_capacity, x->sheet_count + 1, sizeof(*x->sheets));
	x->sheets[x->sheet_count++] = (struct sheet){ xstrdup(title), xstrdup(id ? id : "") };
}

/* Formats of dates that need no definition: 14 to 22, 27 to 36, 45 to 47, 50 to 58. */
static bool is_date_id(int64_t id)
{
	return (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) ||
	       (id >= 50 && id <= 58);
}

/* "yyyy\-mm\-dd", but not "#,##0" or '"days" 0'. */
static bool is_date_code(const char *code)
{
	bool quoted = false;

	for (; *code; code++) {
		if (*code == '"')
			quoted = !quoted;
		else if (*code == '\\' && code[1])
			code++;
		else if (*code == '[' && strchr(code, ']'))
			code = strchr(code, ']'); /* [Red], [$-409] */
		else if (!quoted && strchr("yYdDhH", *code))
			return true;
	}
	return false;
}

static int64_t number_of(const char *text, int64_t otherwise)
{
	struct err ignored = { 0 };
	int64_t n;

	return text && parse_int64(text, 0, INT32_MAX, &n, &ignored) == 0 ? n : otherwise;
}

static void styles_start(void *ctx, const char *name, const char **attributes)
{
	struct xlsx *x = ctx;
	const char *id = xml_attribute(attributes, "numFmtId");
	const char *code = xml_attribute(attributes, "formatCode");

	if (str_eq(name, "numFmt") && id && code && is_date_code(code))
		strv_add(&x->date_formats, id);
	if (str_eq(name, "cellXfs"))
		x->in_formats = true;
	if (!str_eq(name, "xf") || !x->in_formats || x->date_count >= STYLES_MAX)
		return;
	x->dates = xgrow(x->dates, &x->date_capacity, x->date_count + 1, sizeof(*x->dates));
	x->dates[x->date_count++] =
		id && (is_date_id(number_of(id, 0)) || strv_has(&x->date_formats, id));
}

static void styles_end(void *ctx, const char *name)
{
	struct xlsx *x = ctx;

	if (str_eq(name, "cellXfs"))
		x->in_formats = false;
}

static void strings_start(void *ctx, const char *name, const char **attributes)
{
	struct xlsx *x = ctx;

	(void)attributes;
	if (str_eq(name, "si"))
		buf_clear(&x->string);
	x->in_phonetic = x->in_phonetic || str_eq(name, "rPh");
	x->in_string = str_eq(name, "t");
}

static void strings_end(void *ctx, const char *name)
{
	struct xlsx *x = ctx;

	x->in_string = false;
	if (str_eq(name, "rPh"))
		x->in_phonetic = false;
	if (str_eq(name, "si") && x->strings.n < STRINGS_MAX)
		strv_add(&x->strings, buf_str(&x->string));
}

static void strings_text(void *ctx, struct bytes piece)
{
	struct xlsx *x = ctx;

	if (x->in_string && !x->in_phonetic)
		buf_add(&x->string, piece.p, piece.n);
}

/* "AB12": column 27. */
static int64_t column_of(const char *reference)
{
	int64_t column = 0;

	while (*reference >= 'A' && *reference <= 'Z' && column <= COLUMNS_MAX)
		column = column * 26 + (*reference++ - 'A' + 1);
	return column - 1;
}

static void sheet_start(void *ctx, const char *name, const char **attributes)
{
	struct xlsx *x = ctx;
	const char *where = xml_attribute(attributes, "r");
	const char *type = xml_attribute(attributes, "t");

	if (str_eq(name, "row")) {
		x->column = -1;
		x->row++;
	} else if (str_eq(name, "c")) {
		int64_t column = where ? column_of(where) : x->column + 1;

		/* Cells that are empty are not there: their separators are written here. */
		for (; x->column < column - 1 && x->column < COLUMNS_MAX; x->column++)
			buf_addc(&x->csv, ',');
		x->type = type ? type[0] == 's' && type[1] ? 'i' : type[0] : 'n';
		x->style = (size_t)number_of(xml_attribute(attributes, "s"), 0);
		buf_clear(&x->value);
	}
	x->in_value = str_eq(name, "v") || (x->type == 'i' && str_eq(name, "t"));
}

static void add_date(struct buf *out, double serial, bool from_1904)
{
	char text[TIME_TEXT_MAX];
	/* Day 0 is 1899-12-30 (with the leap day of 1900 that never was), or 1904-01-01. */
	double days = serial - (from_1904 ? 24107 : 25569);
	int64_t ms = (int64_t)(days * 86400000 + 0.5);

	(void)time_format_iso(ms, text);
	if (serial < 1)
		buf_addf(out, "%.8s", text + 11);
	else if (serial - (double)(int64_t)serial < 1e-9)
		buf_addf(out, "%.10s", text);
	else
		buf_addf(out, "%.10s %.8s", text, text + 11);
}

static void add_quoted(struct buf *out, const char *text)
{
	if (!text[strcspn(text, ",\"\n\r")]) {
		buf_adds(out, text);
		return;
	}
	buf_addc(out, '"');
	for (; *text; text++)
		buf_addf(out, "%s%c", *text == '"' ? "\"" : "", *text);
	buf_addc(out, '"');
}

static void add_value(struct xlsx *x)
{
	const char *text = buf_str(&x->value);
	char *end = NULL;
	double number = strtod(text, &end);
	size_t index = (size_t)number_of(text, INT32_MAX);
	bool is_date = x->style < x->date_count && x->dates[x->style];

	if (x->type == 's')
		add_quoted(&x->csv, index < x->strings.n ? x->strings.v[index] : "");
	else if (x->type == 'b')
		buf_adds(&x->csv, str_eq(text, "1") ? "true" : "false");
	else if (x->type == 'n' && is_date && *text && !*end && number >= 0 && number < 2958466)
		add_date(&x->csv, number, x->from_1904);
	else
		add_quoted(&x->csv, text);
}

static void sheet_end(void *ctx, const char *name)
{
	struct xlsx *x = ctx;

	x->in_value = false;
	if (str_eq(name, "c")) {
		if (x->column >= 0)
			buf_addc(&x->csv, ',');
		add_value(x);
		x->column++;
	} else if (str_eq(name, "row") && x->column >= 0) {
		buf_addc(&x->csv, '\n'); /* rows without cells are only air */
	}
}

static void sheet_text(void *ctx, struct bytes piece)
{
	struct xlsx *x = ctx;

	if (x->in_value)
		buf_add(&x->value, piece.p, piece.n);
}

static enum part add_sheet(struct xlsx *x, const struct sheet *sheet)
{
	static const struct xml_handler handler = { sheet_start, sheet_end, sheet_text };
	const char *target = relations_find(&x->relations, sheet->id);
	AUTO_FREE char *part = target ? package_resolve(WORKBOOK, target) : NULL;
	enum part r;

	if (!part)
		return PART_OK; /* a chart of its own */
	buf_clear(&x->csv);
	x->row = x->column = -1;
	r = package_parse(x->package, part, &handler, x);
	if (r != PART_OK || x->csv.n == 0)
		return r;
	buf_adds(&x->out->text, "# ");
	output_cell(&x->out->text, bytes_of(sheet->name));
	buf_adds(&x->out->text, "\n\n");
	csv_to_markdown(buf_bytes(&x->csv), ',', x->out);
	buf_addc(&x->out->text, '\n');
	if (x->csv.full)
		output_warn(x->out, "sheet '%s' is cut after %zu bytes", sheet->name,
			    CONVERT_TEXT_MAX);
	return PART_OK;
}

static void xlsx_release(struct xlsx *x)
{
	for (size_t i = 0; i < x->sheet_count; i++) {
		free(x->sheets[i].name);
		free(x->sheets[i].id);
	}
	free(x->sheets);
	free(x->dates);
	strv_release(&x->strings);
	strv_release(&x->date_formats);
	relations_release(&x->relations);
	buf_release(&x->string);
	buf_release(&x->csv);
	buf_release(&x->value);
	package_close(x->package);
}

int convert_xlsx(const char *path, struct output *out, struct err *e)
{
	static const struct xml_handler workbook = { .start = workbook_start };
	static const struct xml_handler styles = { styles_start, styles_end, NULL };
	static const struct xml_handler strings = { strings_start, strings_end, strings_text };
	AUTO(xlsx_release)
	struct xlsx x = {
		.out = out,
		.string = BUF_INIT(CONVERT_TEXT_MAX),
		.csv = BUF_INIT(CONVERT_TEXT_MAX),
		.value = BUF_INIT(CONVERT_TEXT_MAX),
	};
	enum part r;

	(void)e; /* whatever happens is an outcome */
	if (!package_open(path, out, &x.package))
		return 0;
	package_title(x.package, out);
	package_relations(x.package, WORKBOOK, &x.relations);
	r = package_parse(x.package, WORKBOOK, &workbook, &x);
	if (r != PART_OK)
		return package_refuse(out, WORKBOOK, r);
	(void)package_parse(x.package, "xl/styles.xml", &styles, &x); /* dates are numbers then */
	r = package_parse(x.package, "xl/sharedStrings.xml", &strings, &x);
	for (size_t i = 0; i < x.sheet_count && (r == PART_OK || r == PART_MISSING); i++)
		r = add_sheet(&x, &x.sheets[i]);
	return r == PART_OK || r == PART_MISSING ? 0 : package_refuse(out, "a sheet", r);
}
