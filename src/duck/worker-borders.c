/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-borders.h"

#include "duck/worker-files.h"
#include <inttypes.h>

void borders_release(struct borders *b)
{
	strv_release(&b->key);
	strv_release(&b->types);
	strv_release(&b->values);
	free(b->rows);
}

static size_t count_of(const struct borders *b)
{
	return b->values.n / b->key.n;
}

static const char *value(const struct borders *b, size_t border, size_t column)
{
	return b->values.v[border * b->key.n + column];
}

/* CAST('...' AS TYPE) */
static void add_value(const struct borders *b, size_t border, size_t column, struct buf *sql)
{
	buf_adds(sql, "CAST(");
	sql_quote_text(sql, value(b, border, column));
	buf_addf(sql, " AS %s)", b->types.v[column]);
}

static void add_compared(const struct borders *b, size_t border, size_t column, const char *sign,
			 struct buf *sql)
{
	sql_quote_name(sql, b->key.v[column]);
	buf_addf(sql, " %s ", sign);
	add_value(b, border, column, sql);
}

/*
 * (k1, k2) < (v1, v2) as k1 < v1 OR k1 = v1 AND k2 < v2: DuckDB makes a BETWEEN of two comparisons of
 * rows, and then has none for them. The first column by itself as well, by which whole row groups
 * are skipped.
 */
static void add_side(const struct borders *b, size_t border, bool below, struct buf *sql)
{
	const char *strict = below ? "<" : ">";
	size_t last = b->key.n - 1;

	if (last > 0) {
		add_compared(b, border, 0, below ? "<=" : ">=", sql);
		buf_adds(sql, " AND (");
	}
	for (size_t i = 0; i < last; i++) {
		add_compared(b, border, i, strict, sql);
		buf_adds(sql, " OR (");
		add_compared(b, border, i, "=", sql);
		buf_adds(sql, " AND (");
	}
	add_compared(b, border, last, below ? "<" : ">=", sql);
	for (size_t i = 0; i < last; i++)
		buf_adds(sql, "))");
	if (last > 0)
		buf_addc(sql, ')');
}

void borders_add_range(const struct borders *b, size_t part, struct buf *sql)
{
	if (part > 0)
		add_side(b, part - 1, false, sql);
	else
		buf_adds(sql, "true");
	buf_adds(sql, " AND ");
	if (part < count_of(b))
		add_side(b, part, true, sql);
	else
		buf_adds(sql, "true");
}

static int count_part(const struct borders *b, size_t part, duckdb_connection con,
		      int64_t *ret_rows, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
	AUTO_RESULT duckdb_result row = { 0 };

	buf_adds(&sql, "SELECT count(*) FROM read_parquet(");
	sql_quote_text(&sql, b->file);
	buf_adds(&sql, ") WHERE ");
	borders_add_range(b, part, &sql);
	if (engine_ask(con, buf_str(&sql), &row, e) < 0)
		return e->code;
	*ret_rows = duckdb_value_int64(&row, 0, 0);
	return 0;
}

static int count_parts(struct borders *b, duckdb_connection con, struct err *e)
{
	int r = 0;

	free(b->rows);
	b->parts = count_of(b) + 1;
	b->rows = xcalloc(b->parts, sizeof(*b->rows));
	for (size_t i = 0; r == 0 && i < b->parts; i++)
		r = count_part(b, i, con, &b->rows[i], e);
	return r;
}

/* Border i goes: part i + 1 becomes the end of part i. */
static void remove_border(struct borders *b, size_t i)
{
	struct strv kept = STRV_INIT;

	for (size_t k = 0; k < b->values.n; k++) {
		if (k / b->key.n != i)
			strv_add(&kept, b->values.v[k]);
	}
	strv_release(&b->values);
	b->values = kept;
	b->rows[i] += b->rows[i + 1];
	memmove(&b->rows[i + 1], &b->rows[i + 2], (b->parts - i - 2) * sizeof(*b->rows));
	b->parts--;
}

/* Small ones join the smaller of their neighbours; empty ones go in any case. */
static void join_small(struct borders *b)
{
	for (size_t i = 0; i < b->parts && b->parts > 1;) {
		bool left = i > 0 && (i + 1 == b->parts || b->rows[i - 1] <= b->rows[i + 1]);

		if (b->rows[i] >= BORDERS_ROWS / 2) {
			i++;
			continue;
		}
		remove_border(b, left ? i - 1 : i);
		i = left ? i - 1 : i;
	}
}

/* The rows at which new borders are to be: a full part each, and the rest no half of one. */
static size_t find_cuts(const struct borders *b, int64_t **ret_rows)
{
	size_t n = 0, capacity = 0;
	int64_t start = 0;

	*ret_rows = NULL;
	for (size_t i = 0; i < b->parts; i++) {
		int64_t end = start + b->rows[i];
		int64_t at = start + BORDERS_ROWS;

		for (; b->rows[i] > 2 * BORDERS_ROWS && end - at >= BORDERS_ROWS / 2;
		     at += BORDERS_ROWS) {
			*ret_rows = xgrow(*ret_rows, &capacity, n + 1, sizeof(**ret_rows));
			(*ret_rows)[n++] = at;
		}
		start = end;
	}
	return n;
}

static int read_values(const struct borders *b, size_t column, const char *rows,
		       duckdb_connection con, struct strv *out, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "SELECT left(CAST(");
	sql_quote_name(&sql, b->key.v[column]);
	buf_addf(&sql, " AS VARCHAR), %d) FROM read_parquet(", BORDER_TEXT_MAX);
	sql_quote_text(&sql, b->file);
	buf_addf(&sql,
		 ", file_row_number = true) WHERE file_row_number IN (%s)"
		 " ORDER BY file_row_number",
		 rows);
	return engine_ask_texts(con, buf_str(&sql), out, e);
}

/* Where border `i` of the new ones belongs: both lists are ascending by row. */
struct merging {
	const struct borders *b;
	const int64_t *at; /* rows of the new ones */
	size_t n;
	struct strv *columns; /* their values, a list a column */
};

static void merge(const struct merging *m, struct strv *out)
{
	const struct borders *b = m->b;
	int64_t start = b->rows[0];
	size_t fresh = 0;

	for (size_t old = 0; old < count_of(b) || fresh < m->n;) {
		bool take_new = fresh < m->n && (old == count_of(b) || m->at[fresh] < start);

		for (size_t k = 0; k < b->key.n; k++)
			strv_add(out, take_new ? m->columns[k].v[fresh] : value(b, old, k));
		if (take_new) {
			fresh++;
			continue;
		}
		old++;
		start += b->rows[old];
	}
}

static int add_borders(struct borders *b, const struct merging *m, duckdb_connection con,
		       struct err *e)
{
	AUTO_BUF struct buf rows = BUF_INIT(BUF_OWN_MAX);
	struct strv merged = STRV_INIT;
	int r = 0;

	for (size_t i = 0; i < m->n; i++)
		buf_addf(&rows, "%s%" PRId64, i ? ", " : "", m->at[i]);
	for (size_t k = 0; r == 0 && k < b->key.n; k++) {
		r = read_values(b, k, buf_str(&rows), con, &m->columns[k], e);
		if (r == 0 && m->columns[k].n != m->n)
			r = err_set(e, ERR_FAILED, "borders: %zu values for %zu rows",
				    m->columns[k].n, m->n);
	}
	if (r < 0)
		return r;
	merge(m, &merged);
	strv_release(&b->values);
	b->values = merged;
	return count_parts(b, con, e);
}

static void remove_empty(struct borders *b)
{
	for (size_t i = 0; i < b->parts && b->parts > 1;) {
		if (b->rows[i] == 0)
			remove_border(b, i > 0 ? i - 1 : i);
		else
			i++;
	}
}

int borders_choose(struct borders *b, duckdb_connection con, struct err *e)
{
	AUTO_FREE int64_t *cuts = NULL;
	struct merging m = { .b = b };
	int r = count_parts(b, con, e);

	if (r < 0)
		return r;
	join_small(b);
	m.n = find_cuts(b, &cuts);
	if (m.n == 0)
		return 0;
	m.at = cuts;
	m.columns = xcalloc(b->key.n, sizeof(*m.columns));
	r = add_borders(b, &m, con, e);
	for (size_t k = 0; k < b->key.n; k++)
		strv_release(&m.columns[k]);
	free(m.columns);
	/* Equal values of the key at two cuts leave nothing between them. */
	if (r == 0)
		remove_empty(b);
	return r;
}
