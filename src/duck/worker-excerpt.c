/* SPDX-License-Identifier: Apache-2.0 */
/* Those rows and columns of a table that limits leave, as one file (excerpt.h says what they mean). */
#include "duck/worker-files.h"
#include "duck/worker-limits.h"
#include "duck/worker.h"

#include <strings.h>

struct excerpt {
	struct strv files;
	bool hive;
	struct json *rights; /* owned: the list */
	char *output;
	struct strv names, types; /* of the table */
	int64_t memory_bytes, cpu_seconds;
};

/* Of all groups of one caller; each has a condition of some KB at most. */
#define RIGHTS_TEXT_MAX ((size_t)4 << 20)

static void excerpt_release(struct excerpt *x)
{
	strv_release(&x->files);
	json_free(x->rights);
	free(x->output);
	strv_release(&x->names);
	strv_release(&x->types);
}

static int parse(const struct json *request, struct excerpt *x, struct err *e)
{
	const char *output = json_text(json_get(request, "output"));
	const char *rights = json_text(json_get(request, "rights"));

	x->hive = json_flag(json_get(request, "hive"), false);
	x->memory_bytes = json_int(json_get(request, "memory_bytes"), GIB);
	x->cpu_seconds = json_int(json_get(request, "cpu_seconds"), 0);
	if (!output || !rights || json_size(json_get(request, "files")) == 0)
		return err_set(e, ERR_USAGE, "request: files, rights and output are needed");
	x->output = worker_absolute_path(output);
	if (engine_paths(json_get(request, "files"), &x->files, e) < 0)
		return e->code;
	if (json_parse(bytes_of(rights), RIGHTS_TEXT_MAX, &x->rights, e) < 0)
		return err_in(e, "request: rights");
	if (json_size(x->rights) == 0) /* nobody is meant to see nothing by an empty list */
		return err_set(e, ERR_USAGE, "request: there are no rights");
	return 0;
}

static const char *where_of(const struct json *right)
{
	return json_text(json_get(right, "where"));
}

static bool gives_column(const struct json *right, const char *name)
{
	const struct json *columns = json_get(right, "columns");

	for (size_t i = 0; columns && i < json_size(columns); i++) {
		const char *column = json_text(json_at(columns, i));

		if (column && strcasecmp(column, name) == 0)
			return true;
	}
	return !columns;
}

static int check_columns(const struct excerpt *x, struct err *e)
{
	for (size_t i = 0; i < json_size(x->rights); i++) {
		const struct json *columns = json_get(json_at(x->rights, i), "columns");

		for (size_t k = 0; columns && k < json_size(columns); k++) {
			const char *name = json_text(json_at(columns, k));
			bool found = false;

			for (size_t n = 0; name && n < x->names.n; n++)
				found = found || strcasecmp(x->names.v[n], name) == 0;
			if (!found)
				return err_set(e, ERR_USAGE, "the table has no column '%s'",
					       name ? name : "");
		}
	}
	return 0;
}

/* "(a) OR (b)" of all that give the column (NULL: of all); nothing when one gives every row. A line
 * of its own ends what could begin in a condition. */
static void add_condition(struct buf *sql, const struct excerpt *x, const char *column)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	for (size_t i = 0; i < json_size(x->rights); i++) {
		const struct json *right = json_at(x->rights, i);

		if (column && !gives_column(right, column))
			continue;
		if (!where_of(right))
			return;
		buf_addf(&text, "%s(%s\n)", text.n ? " OR " : "", where_of(right));
	}
	buf_add(sql, text.p, text.n);
}

static bool is_given(const struct excerpt *x, const char *column)
{
	for (size_t i = 0; i < json_size(x->rights); i++) {
		if (gives_column(json_at(x->rights, i), column))
			return true;
	}
	return false;
}

/* All who may see a column see all rows that are there: no cell of it is to be hidden. */
static bool needs_mask(const struct excerpt *x, const char *column)
{
	return json_size(x->rights) > 1 && column;
}

static void add_cells(struct buf *sql, const struct excerpt *x, const char *column)
{
	AUTO_BUF struct buf condition = BUF_INIT(BUF_OWN_MAX);

	if (needs_mask(x, column))
		add_condition(&condition, x, column);
	if (condition.n > 0)
		buf_addf(sql, "CASE WHEN %s THEN ", buf_str(&condition));
	sql_quote_name(sql, column);
	if (condition.n == 0)
		return;
	buf_adds(sql, " END AS ");
	sql_quote_name(sql, column);
}

static int add_select(struct buf *sql, const struct excerpt *x, struct err *e)
{
	AUTO_BUF struct buf where = BUF_INIT(BUF_OWN_MAX);
	size_t given = 0;

	buf_adds(sql, "SELECT ");
	for (size_t i = 0; i < x->names.n; i++) {
		if (!is_given(x, x->names.v[i]))
			continue;
		buf_adds(sql, given++ ? ", " : "");
		add_cells(sql, x, x->names.v[i]);
	}
	if (given == 0)
		return err_set(e, ERR_USAGE, "no column is left");
	buf_adds(sql, " FROM ");
	engine_add_parquet(sql, &x->files, x->hive);
	add_condition(&where, x, NULL);
	if (where.n > 0)
		buf_addf(sql, " WHERE %s", buf_str(&where));
	return 0;
}

static int find_columns(struct excerpt *x, duckdb_connection con, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "SELECT * FROM ");
	engine_add_parquet(&sql, &x->files, x->hive);
	if (files_columns(con, buf_str(&sql), &x->names, &x->types, e) < 0)
		return e->code;
	return check_columns(x, e);
}

static int write_excerpt(struct excerpt *x, duckdb_connection con, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	if (find_columns(x, con, e) < 0)
		return e->code;
	buf_adds(&sql, "COPY (");
	if (add_select(&sql, x, e) < 0)
		return e->code;
	buf_adds(&sql, ") TO ");
	sql_quote_text(&sql, x->output);
	buf_adds(&sql, " (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2)");
	if (engine_run(con, buf_str(&sql), e) == 0)
		return 0;
	engine_one_line(e);
	if (e->code == ERR_FAILED)
		e->code = ERR_CORRUPT;
	return e->code;
}

static int confine(const struct excerpt *x, struct err *e)
{
	AUTO_STRV struct strv folders = STRV_INIT;
	const char *slash = strrchr(x->output, '/');
	struct limits limits = { .memory_bytes = x->memory_bytes,
				 .cpu_seconds = x->cpu_seconds,
				 .confine = true,
				 .readable = &x->files,
				 .writable = &folders };

	strv_adopt(&folders, xstrndup(x->output, (size_t)(slash - x->output)));
	return limits_apply(&limits, e);
}

int operation_excerpt(struct reply *r, const struct json *request, struct err *e)
{
	AUTO(excerpt_release) struct excerpt x = { 0 };
	AUTO_ENGINE struct engine en = { 0 };
	struct json_out *o;

	if (parse(request, &x, e) < 0 || confine(&x, e) < 0 ||
	    engine_check_paths(&x.files, e) < 0 ||
	    engine_open(&(struct engine_options){ .memory_bytes = x.memory_bytes }, &en, e) < 0 ||
	    write_excerpt(&x, en.con, e) < 0)
		return e->code;
	o = reply_line(r);
	json_open(o, NULL, '{');
	json_add_bool(o, "done", true);
	if (files_add_info(o, en.con, x.output, e) < 0) {
		buf_clear(&r->text);
		return e->code;
	}
	json_close(o);
	return reply_end_line(r, e);
}
