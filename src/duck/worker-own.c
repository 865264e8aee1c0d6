/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-own.h"

#include "duck/worker-lexer.h"
#include <strings.h>

/* Views on views on views: more is a circle, which DuckDB refuses by itself. */
#define VIEW_DEPTH_MAX 32

void own_release(struct own *own)
{
	free(own->catalog);
	free(own->note);
}

/* The name DuckDB itself would give: the file's without its ending; names it keeps for itself are
 * not free. */
static char *catalog_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	char *name = xstrndup(base, strcspn(base, "."));

	if (name[0] && !str_eq(name, "memory") && !str_eq(name, "system") && !str_eq(name, "temp"))
		return name;
	free(name);
	return xstrdup("workspace");
}

static int set_search_path(struct own *own, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX), paths = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv schemas = STRV_INIT;

	buf_adds(&sql, "SELECT schema_name FROM duckdb_schemas() WHERE (NOT internal OR "
		       "schema_name = 'main') AND database_name = ");
	sql_quote_text(&sql, own->catalog);
	buf_adds(&sql, " ORDER BY schema_name != 'main', schema_name");
	if (engine_ask_texts(own->con, buf_str(&sql), &schemas, e) < 0)
		return e->code;
	buf_adds(&paths, "memory.main");
	for (size_t i = 0; i < schemas.n; i++) { /* one that is not listed cannot be named at all */
		buf_addc(&paths, ',');
		sql_quote_name(&paths, own->catalog);
		buf_addc(&paths, '.');
		sql_quote_name(&paths, schemas.v[i]);
	}
	buf_clear(&sql);
	buf_adds(&sql, "SET search_path = ");
	sql_quote_text(&sql, buf_str(&paths));
	return engine_run(own->con, buf_str(&sql), e);
}

static int attach(struct own *own, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	own->catalog = catalog_name(own->path);
	buf_adds(&sql, "ATTACH ");
	sql_quote_text(&sql, own->path);
	buf_adds(&sql, " AS ");
	sql_quote_name(&sql, own->catalog);
	buf_adds(&sql, " (READ_ONLY)");
	if (engine_run(own->con, buf_str(&sql), e) < 0)
		return e->code;
	return set_search_path(own, e);
}

void own_attach(struct own *own)
{
	struct err e = { 0 };

	if (!own->path || own->attached || own->note || access(own->path, F_OK) < 0)
		return;
	if (attach(own, &e) == 0) {
		own->attached = true;
		return;
	}
	own->held = strstr(e.msg, "Could not set lock") != NULL;
	engine_one_line(&e);
	if (own->held)
		own->note = xasprintf("another program is writing '%s': tables and views of your "
				      "own are not visible",
				      own->path);
	else
		own->note = xasprintf("tables and views of your own are not visible: %s", e.msg);
}

/* name, text; name, text; ... of the user's catalogue */
static int read_views(const struct own *own, struct strv *out, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "SELECT unnest([view_name, sql]) FROM duckdb_views() WHERE NOT internal AND "
		       "schema_name = 'main' AND database_name = ");
	sql_quote_text(&sql, own->catalog);
	return engine_ask_texts(own->con, buf_str(&sql), out, e);
}

struct remake {
	struct own *own;
	struct strv views; /* name, text, ... */
	bool *done;        /* one for each view */
};

static int remake_mentioned(struct remake *m, const char *text, int depth, struct err *e)
{
	struct err refused = { 0 };

	for (size_t i = 0; i < m->own->tables->n; i++) {
		const struct table *table = &m->own->tables->v[i];

		if (lexer_mentions(text, table->name) && table_make_view(table, m->own->con, e) < 0)
			return e->code;
	}
	for (size_t i = 0; i + 1 < m->views.n && depth < VIEW_DEPTH_MAX; i += 2) {
		const char *name = m->views.v[i], *sql = m->views.v[i + 1];

		if (m->done[i / 2] || tables_find(m->own->tables, name) ||
		    !lexer_mentions(text, name))
			continue;
		m->done[i / 2] = true;
		if (remake_mentioned(m, sql, depth + 1, e) < 0)
			return e->code;
		/* one that cannot be made again is still there in its database */
		(void)engine_run(m->own->con, sql, &refused);
	}
	return 0;
}

int own_make_views(struct own *own, const char *sql, struct err *e)
{
	struct remake m = { .own = own };
	AUTO_FREE bool *done = NULL;
	int r = read_views(own, &m.views, e);

	m.done = done = xcalloc(m.views.n / 2 + 1, sizeof(*done));
	if (r == 0)
		r = remake_mentioned(&m, sql, 0, e);
	strv_release(&m.views);
	return r;
}

static int by_text(const void *a, const void *b)
{
	return strcasecmp(*(char *const *)a, *(char *const *)b);
}

int own_make_catalog(struct own *own, struct err *e)
{
	AUTO_STRV struct strv views = STRV_INIT, names = STRV_INIT;

	if (own->attached && read_views(own, &views, e) < 0)
		return e->code;
	for (size_t i = 0; i < views.n; i += 2)
		strv_add(&names, views.v[i]);
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), by_text);
	for (size_t i = 0; i < own->tables->n; i++) {
		const struct table *table = &own->tables->v[i];
		struct err unreadable = { 0 };

		if (names.n && bsearch(&table->name, names.v, names.n, sizeof(*names.v), by_text))
			continue;
		/* a table that cannot be read has no columns to list */
		(void)table_make_view(table, own->con, &unreadable);
	}
	return 0;
}

void own_add_listing(const struct own *own, struct buf *sql)
{
	buf_adds(sql, "WITH given(name) AS (SELECT unnest([");
	for (size_t i = 0; i < own->tables->n; i++) {
		buf_adds(sql, i ? ", " : "");
		sql_quote_text(sql, own->tables->v[i].name);
	}
	buf_adds(sql, "]::VARCHAR[])) SELECT name FROM given");
	if (own->attached) {
		static const char own_names[] =
			" UNION ALL SELECT name FROM (SELECT table_name AS name, database_name, "
			"schema_name FROM duckdb_tables() UNION ALL SELECT view_name, database_name, "
			"schema_name FROM duckdb_views()) WHERE schema_name = 'main' AND lower(name) "
			"NOT IN (SELECT lower(name) FROM given) AND database_name = ";

		buf_adds(sql, own_names);
		sql_quote_text(sql, own->catalog);
	}
	buf_adds(sql, " ORDER BY name");
}
