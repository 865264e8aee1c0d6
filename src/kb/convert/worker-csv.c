/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of text: RFC 4180, with the separator that the first line has most of. A small one becomes
 * a table of Markdown; of a large one its columns are described and its first rows shown.
 */
#include "base/file.h"
#include "kb/convert/convert-internal.h"
#include "kb/convert/worker.h"

#include <fcntl.h>

/* A table that one reads; a longer one is asked. */
#define TABLE_ROWS_MAX 200
#define SAMPLE_ROWS    30
/* More columns than this are a matrix, of which the first say what it is. */
#define COLUMNS_MAX    500
#define CELL_BYTES_MAX 500
#define EXAMPLES       5
#define EXAMPLE_BYTES  60

struct column {
	char *name;
	int64_t filled, numbers;
	double low, high;
	struct strv examples;
};

struct table {
	struct column columns[COLUMNS_MAX];
	size_t column_count;
	int64_t rows;
	bool cut; /* more columns than are kept */
	struct buf body;
	struct buf cell;
};

struct reader {
	struct bytes text;
	size_t at;
	char separator;
};

/* The next field into `cell`; *ret_last when its line ends with it. */
static void read_field(struct reader *r, struct buf *cell, bool *ret_last)
{
	bool quoted = r->at < r->text.n && r->text.p[r->at] == '"';

	buf_clear(cell);
	r->at += quoted;
	for (; r->at < r->text.n; r->at++) {
		char c = r->text.p[r->at];

		if (quoted && c == '"') {
			quoted = r->at + 1 < r->text.n && r->text.p[r->at + 1] == '"';
			if (!quoted)
				continue;
			r->at++;
		} else if (!quoted && (c == r->separator || c == '\n')) {
			break;
		}
		if (c != '\r' || quoted)
			buf_addc(cell, c);
	}
	*ret_last = r->at >= r->text.n || r->text.p[r->at] == '\n';
	r->at++;
}

static void add_cell(struct table *t, size_t column)
{
	struct bytes text = buf_bytes(&t->cell);

	if (text.n > CELL_BYTES_MAX)
		text.n = text_fit(buf_str(&t->cell), CELL_BYTES_MAX);
	buf_adds(&t->body, column == 0 ? "| " : " ");
	output_cell(&t->body, text);
	buf_adds(&t->body, " |");
}

static void note_example(struct column *c, const char *text)
{
	AUTO_FREE char *example = xstrndup(text, text_fit(text, EXAMPLE_BYTES));

	if (c->examples.n < EXAMPLES && !strv_has(&c->examples, example))
		strv_add(&c->examples, example);
}

static void note_value(struct column *c, const char *text)
{
	char *end = NULL;
	double value;

	if (!*text)
		return;
	value = strtod(text, &end);
	c->filled++;
	note_example(c, text);
	if (*end || end == text || !(value <= 1e300 && value >= -1e300))
		return;
	c->low = c->numbers == 0 || value < c->low ? value : c->low;
	c->high = c->numbers == 0 || value > c->high ? value : c->high;
	c->numbers++;
}

static void read_header(struct reader *r, struct table *t)
{
	bool last = false;

	while (!last) {
		read_field(r, &t->cell, &last);
		if (t->column_count == COLUMNS_MAX) {
			t->cut = true;
			continue;
		}
		add_cell(t, t->column_count);
		t->columns[t->column_count].name = xstrdup(buf_str(&t->cell));
		t->column_count++;
	}
	buf_adds(&t->body, "\n|");
	for (size_t i = 0; i < t->column_count; i++)
		buf_adds(&t->body, " --- |");
	buf_addc(&t->body, '\n');
}

static void read_row(struct reader *r, struct table *t)
{
	bool last = false;
	bool shown = t->rows < TABLE_ROWS_MAX;

	for (size_t i = 0; !last; i++) {
		read_field(r, &t->cell, &last);
		if (i >= t->column_count) {
			t->cut = true;
			continue;
		}
		note_value(&t->columns[i], buf_str(&t->cell));
		if (shown)
			add_cell(t, i);
	}
	if (shown)
		buf_addc(&t->body, '\n');
	t->rows++;
}

static void describe_column(const struct column *c, int64_t rows, struct buf *out)
{
	buf_adds(out, "- **");
	output_cell(out, bytes_of(*c->name ? c->name : "(no name)"));
	if (c->filled > 0 && c->numbers == c->filled)
		buf_addf(out, "**: numbers from %g to %g", c->low, c->high);
	else
		buf_adds(out, "**: text");
	if (c->filled < rows)
		buf_addf(out, ", %lld empty", (long long)(rows - c->filled));
	for (size_t i = 0; c->numbers < c->filled && i < c->examples.n; i++) {
		buf_adds(out, i ? ", " : ", such as ");
		output_cell(out, bytes_of(c->examples.v[i]));
	}
	buf_addc(out, '\n');
}

static void add_lines(struct bytes body, size_t lines, struct buf *out)
{
	size_t at = 0;

	while (lines-- > 0 && at < body.n) {
		const char *end = memchr(body.p + at, '\n', body.n - at);
		size_t next = end ? (size_t)(end - body.p) + 1 : body.n;

		buf_add(out, body.p + at, next - at);
		at = next;
	}
}

static void write_table(struct table *t, struct output *out)
{
	bool large = t->rows > TABLE_ROWS_MAX;

	buf_addf(&out->text, "A table of %lld rows and %zu columns.\n\n", (long long)t->rows,
		 t->column_count);
	if (large) {
		buf_adds(&out->text, "## Columns\n\n");
		for (size_t i = 0; i < t->column_count; i++)
			describe_column(&t->columns[i], t->rows, &out->text);
		buf_adds(&out->text, "\n## First rows\n\n");
	}
	add_lines(buf_bytes(&t->body), large ? SAMPLE_ROWS + 2 : SIZE_MAX, &out->text);
	if (t->cut)
		output_warn(out, "some rows have more columns than the first line (or than %d)",
			    COLUMNS_MAX);
}

static void table_free(struct table *t)
{
	for (size_t i = 0; i < t->column_count; i++) {
		free(t->columns[i].name);
		strv_release(&t->columns[i].examples);
	}
	buf_release(&t->body);
	buf_release(&t->cell);
	free(t);
}

/* Of the usual ones, the one that the first line has most of. */
static char guess(struct bytes text)
{
	static const char usual[] = ",;\t|";
	const char *end = text.n ? memchr(text.p, '\n', text.n) : NULL;
	size_t n = end ? (size_t)(end - text.p) : text.n;
	size_t most = 0;
	char best = ',';

	for (size_t k = 0; usual[k]; k++) {
		size_t found = 0;

		for (size_t i = 0; i < n; i++)
			found += text.p[i] == usual[k];
		if (found > most) {
			most = found;
			best = usual[k];
		}
	}
	return best;
}

void csv_to_markdown(struct bytes csv, char separator, struct output *out)
{
	struct table *t = xcalloc(1, sizeof(*t));
	struct reader r = { .text = csv, .separator = separator ? separator : guess(csv) };

	t->body.max = CONVERT_TEXT_MAX;
	t->cell.max = BUF_OWN_MAX;
	read_header(&r, t);
	while (r.at < r.text.n)
		read_row(&r, t);
	write_table(t, out);
	table_free(t);
}

static int convert(const char *path, char separator, struct output *out, struct err *e)
{
	AUTO_BUF struct buf raw = BUF_INIT((size_t)CONVERT_INPUT_MAX);
	AUTO_BUF struct buf text = BUF_INIT((size_t)CONVERT_INPUT_MAX);
	int r = file_read(AT_FDCWD, path, (size_t)CONVERT_INPUT_MAX, &raw, e);

	if (r < 0)
		return r;
	convert_clean_text(buf_bytes(&raw), &text);
	buf_release(&raw);
	if (!convert_has_text(buf_bytes(&text)))
		return output_refuse(out, CONVERT_EMPTY, "there is no text in it");
	csv_to_markdown(buf_bytes(&text), separator, out);
	return 0;
}

int convert_csv(const char *path, struct output *out, struct err *e)
{
	return convert(path, '\0', out, e);
}

int convert_tsv(const char *path, struct output *out, struct err *e)
{
	return convert(path, '\t', out, e);
}
