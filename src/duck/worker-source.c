/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-source.h"

#include "duck/worker-files.h"
#include <fcntl.h>

/* A header line: as many columns as a table can have, with long names. */
#define HEADER_MAX ((size_t)1 << 20)
/* What nests deeper stays JSON. Types cost their depth in square (1,000: 50 s); our own readers of
 * JSON stop at the same depth. */
#define JSON_OPTIONS ", maximum_depth = 64, sample_size = -1, union_by_name = true)"

void source_release(struct source *s)
{
	strv_release(&s->inputs);
}

/* How often `c` stands in the first line outside of quotes. */
static size_t count_in_header(struct bytes start, char c)
{
	bool quoted = false;
	size_t n = 0;

	for (size_t i = 0; i < start.n && (quoted || start.p[i] != '\n'); i++) {
		if (start.p[i] == '"')
			quoted = !quoted;
		n += !quoted && start.p[i] == c;
	}
	return n;
}

/* The candidate most used in the header line; a comma when there is none, or the file is packed. */
static char separator_of(struct bytes start)
{
	static const char candidates[] = ",;\t|";
	bool packed = start.n > 1 && (start.p[0] == '\x1f' || start.p[0] == '\x28');
	size_t most = 0;
	char best = ',';

	for (const char *c = candidates; *c && !packed; c++) {
		size_t n = count_in_header(start, *c);

		if (n > most) {
			best = *c;
			most = n;
		}
	}
	return best;
}

static int read_start(const char *path, struct buf *out, struct err *e)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *room = buf_reserve(out, HEADER_MAX);
	ssize_t n;

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	n = room ? read(fd, room, HEADER_MAX) : 0;
	if (n < 0)
		return err_sys(e, "read '%s'", path);
	out->n += (size_t)n;
	if (n == 0)
		return err_set(e, ERR_CORRUPT, "'%s' is empty: it has no header line", path);
	return 0;
}

static bool source_is_csv(const struct source *s)
{
	return str_eq(s->format, "csv") || str_eq(s->format, "tsv");
}

int source_open(struct source *s, struct err *e)
{
	if (engine_check_paths(&s->inputs, e) < 0)
		return e->code;
	if (!source_is_csv(s))
		return 0;
	if (s->columns) {
		s->separator = ',';
		return 0;
	}
	s->separator = '\t';
	for (size_t i = 0; i < s->inputs.n; i++) {
		AUTO_BUF struct buf start = BUF_INIT(HEADER_MAX + 1);
		char own;

		if (read_start(s->inputs.v[i], &start, e) < 0)
			return e->code;
		own = separator_of(buf_bytes(&start));
		if (str_eq(s->format, "tsv"))
			continue;
		if (i > 0 && own != s->separator)
			return err_set(e, ERR_CONFLICT,
				       "'%s' separates with '%c', the files before it with '%c'",
				       s->inputs.v[i], own, s->separator);
		s->separator = own;
	}
	return 0;
}

static void add_csv_dialect(struct buf *sql, const struct source *s)
{
	buf_adds(sql, ", delim = ");
	sql_quote_text(sql, (char[]){ s->separator, '\0' });
	buf_adds(sql, ", quote = '\"', escape = '\"', header = true");
}

/* A value of a database is longer than a line that people write: 16 MiB, where DuckDB stops at 2. */
#define ROW_OPTIONS                                                                                \
	", nullstr = '\\N', allow_quoted_nulls = false, max_line_size = 16777216, "                \
	"auto_detect = false, strict_mode = true, columns = {"

/* BLOBs come in hex digits. */
static bool is_blob(const struct json *column)
{
	return str_eq(json_text(json_get(column, "type")), "BLOB");
}

static void add_told_columns(struct buf *sql, const struct json *columns)
{
	buf_adds(sql, ROW_OPTIONS);
	for (size_t i = 0, n = json_size(columns); i < n; i++) {
		const struct json *c = json_at(columns, i);
		const char *name = json_text(json_get(c, "name"));
		const char *type = json_text(json_get(c, "type"));

		buf_adds(sql, i ? ", " : "");
		sql_quote_text(sql, name ? name : "");
		buf_adds(sql, ": ");
		sql_quote_text(sql, !is_blob(c) && type ? type : "VARCHAR");
	}
	buf_adds(sql, "})");
}

/* The table function over the inputs, with everything said that it would else guess. */
static int add_function(struct buf *sql, const struct source *s, struct err *e)
{
	static const char csv_options[] = ", skip = 0, comment = '', null_padding = false, "
					  "ignore_errors = false, sample_size = -1, "
					  "union_by_name = true)";
	static const struct {
		const char *format, *function, *options;
	} readers[] = {
		{ "csv", "read_csv", csv_options },
		{ "tsv", "read_csv", csv_options },
		{ "json", "read_json", ", format = 'auto'" JSON_OPTIONS },
		{ "ndjson", "read_json", ", format = 'newline_delimited'" JSON_OPTIONS },
		{ "parquet", "read_parquet", ", hive_partitioning = false, union_by_name = true)" },
	};

	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		if (!str_eq(readers[i].format, s->format))
			continue;
		buf_addf(sql, "%s([", readers[i].function);
		for (size_t k = 0; k < s->inputs.n; k++) {
			buf_adds(sql, k ? ", " : "");
			sql_quote_text(sql, s->inputs.v[k]);
		}
		buf_adds(sql, "]");
		if (source_is_csv(s))
			add_csv_dialect(sql, s);
		if (s->columns)
			add_told_columns(sql, s->columns);
		else
			buf_adds(sql, readers[i].options);
		return 0;
	}
	return err_set(e, ERR_USAGE, "request: no format '%s'", s->format);
}

/* Which columns of type JSON hold an object or an array anywhere: those stay JSON. */
static int find_nested(const struct strv *columns, const char *function, duckdb_connection con,
		       duckdb_result *ret_row, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "SELECT ");
	for (size_t i = 0; i < columns->n; i++) {
		buf_adds(&sql, i ? ", coalesce(bool_or(json_type(" : "coalesce(bool_or(json_type(");
		sql_quote_name(&sql, columns->v[i]);
		buf_adds(&sql, ") IN ('OBJECT', 'ARRAY')), false)");
	}
	buf_addf(&sql, " FROM %s", function);
	return engine_ask(con, buf_str(&sql), ret_row, e);
}

static void json_columns(const struct strv *names, const struct strv *types, struct strv *out)
{
	for (size_t i = 0; i < names->n; i++) {
		if (str_eq(types->v[i], "JSON"))
			strv_add(out, names->v[i]);
	}
}

/*
 * A member that is a number here and a text there is of type JSON for DuckDB, which shows texts in
 * their quotes. People mean a text, so it becomes one.
 */
static int add_with_texts(struct buf *sql, const char *function, duckdb_connection con,
			  struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT, types = STRV_INIT, mixed = STRV_INIT;
	AUTO_BUF struct buf plain = BUF_INIT(BUF_OWN_MAX), texts = BUF_INIT(BUF_OWN_MAX);
	AUTO_RESULT duckdb_result nested = { 0 };

	buf_addf(&plain, "SELECT * FROM %s", function);
	if (files_columns(con, buf_str(&plain), &names, &types, e) < 0)
		return e->code;
	if (names.n == 1 && str_eq(names.v[0], "json") && str_eq(types.v[0], "JSON"))
		return err_set(e, ERR_CORRUPT, "it holds no objects, which would be the rows");
	json_columns(&names, &types, &mixed);
	if (mixed.n > 0 && find_nested(&mixed, function, con, &nested, e) < 0)
		return e->code;
	for (size_t i = 0; i < mixed.n; i++) {
		if (duckdb_value_boolean(&nested, i, 0))
			continue;
		buf_adds(&texts, texts.n ? ", " : "");
		sql_quote_name(&texts, mixed.v[i]);
		buf_adds(&texts, " ->> '$' AS ");
		sql_quote_name(&texts, mixed.v[i]);
	}
	if (texts.n)
		buf_addf(sql, "(SELECT * REPLACE (%s) FROM %s)", buf_str(&texts), function);
	else
		buf_adds(sql, function);
	return 0;
}

static void add_with_blobs(struct buf *sql, const char *function, const struct json *columns)
{
	AUTO_BUF struct buf blobs = BUF_INIT(BUF_OWN_MAX);

	for (size_t i = 0, n = json_size(columns); i < n; i++) {
		const char *name = json_text(json_get(json_at(columns, i), "name"));

		if (!is_blob(json_at(columns, i)) || !name)
			continue;
		buf_adds(&blobs, blobs.n ? ", from_hex(" : "from_hex(");
		sql_quote_name(&blobs, name);
		buf_adds(&blobs, ") AS ");
		sql_quote_name(&blobs, name);
	}
	if (blobs.n)
		buf_addf(sql, "(SELECT * REPLACE (%s) FROM %s)", buf_str(&blobs), function);
	else
		buf_adds(sql, function);
}

int source_add(struct buf *sql, const struct source *s, duckdb_connection con, struct err *e)
{
	AUTO_BUF struct buf function = BUF_INIT(BUF_OWN_MAX);

	if (add_function(&function, s, e) < 0)
		return e->code;
	if (str_eq(s->format, "json") || str_eq(s->format, "ndjson"))
		return add_with_texts(sql, buf_str(&function), con, e);
	add_with_blobs(sql, buf_str(&function), s->columns);
	return 0;
}

/*
 * Types are found by trying them on all lines, and when a line does not fit the header that trial
 * only says that it failed. Reading once more with every column a text names the line.
 */
static int source_find_bad_line(const struct source *s, duckdb_connection con, struct err *e)
{
	for (size_t i = 0; i < s->inputs.n; i++) {
		AUTO_BUF struct buf start = BUF_INIT(HEADER_MAX + 1), sql = BUF_INIT(BUF_OWN_MAX);
		struct err found = { 0 };
		size_t columns;

		if (read_start(s->inputs.v[i], &start, &found) < 0)
			continue;
		columns = count_in_header(buf_bytes(&start), s->separator) + 1;
		buf_adds(&sql, "SELECT sum(hash(COLUMNS(*))) FROM read_csv(");
		sql_quote_text(&sql, s->inputs.v[i]);
		add_csv_dialect(&sql, s);
		buf_adds(&sql, ", auto_detect = false, columns = {");
		for (size_t k = 0; k < columns; k++)
			buf_addf(&sql, "%s'c%zu': 'VARCHAR'", k ? ", " : "", k);
		buf_adds(&sql, "})");
		if (engine_run(con, buf_str(&sql), &found) < 0) {
			*e = found;
			return err_in(e, "'%s'", s->inputs.v[i]);
		}
	}
	return e->code;
}

int source_explain(const struct source *s, duckdb_connection con, struct err *e)
{
	static const char *const noise[] = { "Possible fixes:", "Possible Solution:" };

	if (source_is_csv(s) && !s->columns && strstr(e->msg, "sniffing"))
		(void)source_find_bad_line(s, con, e); /* e is then the better reason */
	for (size_t i = 0; i < ARRAY_LEN(noise); i++) {
		char *at = strstr(e->msg, noise[i]);

		if (at)
			*at = '\0';
	}
	engine_one_line(e);
	if (e->code == ERR_FAILED)
		e->code = ERR_CORRUPT;
	if (s->inputs.n == 1 && !strstr(e->msg, s->inputs.v[0]))
		return err_in(e, "'%s'", s->inputs.v[0]);
	return e->code;
}
