/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-views.h"

#include "duck/worker.h"
#include <strings.h>

#define ALIAS    "larder"
#define FUNCTION "read_parquet("

/* An object of the database: a view with its text, or a table with none. */
struct object {
	char *name;
	char *sql;
};

struct objects {
	struct object *v;
	size_t n;
	size_t capacity;
};

static void objects_release(struct objects *o)
{
	for (size_t i = 0; i < o->n; i++) {
		free(o->v[i].name);
		free(o->v[i].sql);
	}
	free(o->v);
}

void views_release(struct views *views)
{
	for (size_t i = 0; i < views->n; i++) {
		strv_release(&views->v[i].files);
		free(views->v[i].failure);
	}
	free(views->v);
}

int views_parse(const struct json *request, struct views *ret_views, struct err *e)
{
	const struct json *array = json_get(request, "views");
	AUTO(views_release) struct views views = { .ours = json_text(json_get(request, "ours")) };
	size_t n = json_size(array);

	if (!views.ours || views.ours[0] != '/')
		return err_set(e, ERR_USAGE, "request: 'ours' is not an absolute folder");
	views.v = xcalloc(n ? n : 1, sizeof(*views.v));
	for (; views.n < n; views.n++) {
		const struct json *from = json_at(array, views.n);
		struct view *view = &views.v[views.n];

		view->name = json_text(json_get(from, "name"));
		view->hive = json_flag(json_get(from, "hive"), false);
		if (!view->name || !view->name[0])
			return err_set(e, ERR_USAGE, "request: view %zu has no name", views.n);
		if (engine_paths(json_get(from, "files"), &view->files, e) < 0)
			return e->code;
	}
	*ret_views = views;
	views = (struct views){ 0 };
	return 0;
}

void views_fail(struct view *view, const char *why)
{
	free(view->failure);
	view->failure = xstrdup(why);
	view->work = VIEW_FAILED;
}

void view_add_select(struct buf *sql, const struct view *view)
{
	buf_adds(sql, "SELECT * FROM ");
	engine_add_parquet(sql, &view->files, view->hive);
	buf_adds(sql, " AS " ALIAS);
}

static int by_name(const void *a, const void *b)
{
	return strcasecmp(((const struct object *)a)->name, ((const struct object *)b)->name);
}

static int read_objects(duckdb_connection con, const char *sql, struct objects *o, struct err *e)
{
	AUTO_RESULT duckdb_result rows = { 0 };
	size_t n;

	if (engine_ask(con, sql, &rows, e) < 0)
		return e->code;
	n = duckdb_row_count(&rows);
	o->v = xgrow(o->v, &o->capacity, o->n + n, sizeof(*o->v));
	for (idx_t i = 0; i < n; i++) {
		char *name = duckdb_value_varchar(&rows, 0, i);
		char *text = duckdb_value_varchar(&rows, 1, i);

		o->v[o->n++] = (struct object){ .name = xstrdup(name ? name : ""),
						.sql = text ? xstrdup(text) : NULL };
		duckdb_free(name);
		duckdb_free(text);
	}
	return 0;
}

static int find_objects(duckdb_connection con, struct objects *o, struct err *e)
{
	static const char sql_views[] =
		"SELECT view_name, sql FROM duckdb_views() WHERE NOT internal AND "
		"database_name = current_database() AND schema_name = 'main'";
	static const char sql_tables[] =
		"SELECT table_name, NULL FROM duckdb_tables() WHERE "
		"database_name = current_database() AND schema_name = 'main'";

	if (read_objects(con, sql_views, o, e) < 0 || read_objects(con, sql_tables, o, e) < 0)
		return e->code;
	if (o->n)
		qsort(o->v, o->n, sizeof(*o->v), by_name);
	return 0;
}

/* Past the bracket that closes the one before `p`, quoted texts skipped; NULL when there is none.
 */
static const char *after_call(const char *p)
{
	int open = 1;
	bool quoted = false;

	for (; *p && open > 0; p++) {
		if (*p == '\'')
			quoted = !quoted;
		else if (!quoted)
			open += (*p == '(') - (*p == ')');
	}
	return open == 0 ? p : NULL;
}

static bool is_ours(const char *sql, const char *folder)
{
	static const char shape[] = " AS SELECT * FROM " FUNCTION;
	AUTO_FREE char *below = xasprintf("%s/", folder);
	AUTO_BUF struct buf quoted = BUF_INIT(BUF_OWN_MAX);
	const char *at = strstr(sql, shape);
	const char *rest = at ? after_call(at + strlen(shape)) : NULL;

	if (!rest)
		return false;
	if (str_eq(rest, " AS " ALIAS ";"))
		return true;
	sql_quote_text(&quoted, below);
	quoted.p[--quoted.n] = '\0'; /* without the closing quote: the beginning of a path */
	return str_eq(rest, ";") && strstr(at, quoted.p);
}

/* DuckDB prints a view in its own way; this is ours, printed so. When another version of DuckDB
 * prints otherwise, the view is written once more, that is all. */
static bool is_same(const char *sql, const struct view *view)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	const char *at = strstr(sql, FUNCTION);

	buf_adds(&text, FUNCTION "main.list_value(");
	for (size_t i = 0; i < view->files.n; i++) {
		buf_adds(&text, i ? ", " : "");
		sql_quote_text(&text, view->files.v[i]);
	}
	buf_addf(&text, "), (hive_partitioning = CAST('%c' AS BOOLEAN))) AS " ALIAS ";",
		 view->hive ? 't' : 'f');
	return str_eq(at, buf_str(&text));
}

static enum view_work work_for(const struct view *view, const struct object *there,
			       const char *ours)
{
	if (!there)
		return view->files.n ? VIEW_NEW : VIEW_KEEP;
	if (!there->sql || !is_ours(there->sql, ours))
		return view->files.n ? VIEW_BLOCKED : VIEW_KEEP;
	if (view->files.n == 0)
		return VIEW_DROP;
	return is_same(there->sql, view) ? VIEW_KEEP : VIEW_REPLACE;
}

static void check_files(struct view *view)
{
	struct err e = { 0 };

	if ((view->work == VIEW_NEW || view->work == VIEW_REPLACE) &&
	    engine_check_paths(&view->files, &e) < 0)
		views_fail(view, e.msg);
}

static int by_view_name(const void *a, const void *b)
{
	const struct view *x = *(struct view *const *)a, *y = *(struct view *const *)b;
	int order = strcasecmp(x->name, y->name);

	if (order == 0)
		order = (x->files.n == 0) - (y->files.n == 0);
	return order ? order : (x > y) - (x < y);
}

/* DuckDB knows no capitals in names: of two that differ only there the first is made, and nothing
 * is dropped. */
static void settle_twins(struct views *views)
{
	AUTO_FREE struct view **sorted = xcalloc(views->n ? views->n : 1, sizeof(struct view *));

	for (size_t i = 0; i < views->n; i++)
		sorted[i] = &views->v[i];
	qsort(sorted, views->n, sizeof(*sorted), by_view_name);
	for (size_t i = 1; i < views->n; i++) {
		if (strcasecmp(sorted[i]->name, sorted[i - 1]->name) != 0)
			continue;
		if (sorted[i]->files.n == 0)
			sorted[i]->work = VIEW_KEEP;
		else
			views_fail(sorted[i], "another view has this name, capitals aside");
	}
}

int views_plan(duckdb_connection con, struct views *views, struct err *e)
{
	AUTO(objects_release) struct objects objects = { 0 };

	if (find_objects(con, &objects, e) < 0)
		return e->code;
	for (size_t i = 0; i < views->n; i++) {
		struct view *view = &views->v[i];
		struct object key = { .name = (char *)(uintptr_t)view->name };

		const struct object *there = NULL;

		if (objects.n)
			there = bsearch(&key, objects.v, objects.n, sizeof(*objects.v), by_name);
		view->work = work_for(view, there, views->ours);
		check_files(view);
	}
	settle_twins(views);
	return 0;
}
