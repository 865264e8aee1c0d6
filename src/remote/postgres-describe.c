/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/postgres-internal.h"

#define SQL_MAX ((size_t)8192)

struct describing {
	struct far_found *found;
	int64_t rows;
	int64_t oid; /* -1: it is not there */
	char kind;   /* pg_class.relkind */
};

static const struct {
	char kind;
	const char *entity_type;
} kinds[] = {
	{ 'r', "BASE TABLE" },        { 'p', "BASE TABLE" }, { 'v', "VIEW" },
	{ 'm', "MATERIALIZED VIEW" }, { 'f', "EXTERNAL" },
};

/* The caller owns it; NULL for null. */
static char *text_of(struct bytes value)
{
	return value.p ? xstrndup(value.p, value.n) : NULL;
}

static int ask(struct far_session *session, const struct buf *sql, struct describing *d,
	       int (*on_row)(void *ctx, const struct bytes *values, size_t n, struct err *e),
	       struct err *e)
{
	const struct postgres_ask ask = { .query = buf_str(sql), .ctx = d, .on_row = on_row };

	return postgres_ask(session->pg, &ask, e);
}

static int take_table(void *ctx, const struct bytes *values, size_t n, struct err *e)
{
	struct describing *d = ctx;
	AUTO_JSON struct json *clustered = NULL;

	(void)n;
	if (values[4].p && json_parse(values[4], BUF_OWN_MAX, &clustered, e) < 0)
		return e->code;
	d->oid = far_postgres_number(values[0]);
	d->kind = values[1].n ? values[1].p[0] : '?';
	d->rows = far_postgres_number(values[2]);
	free(d->found->partition_by);
	d->found->partition_by = text_of(values[3]);
	for (size_t i = 0; i < json_size(clustered); i++)
		strv_add(&d->found->clustered_by, json_text(json_at(clustered, i)));
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].kind == d->kind)
			d->found->entity_type = kinds[i].entity_type;
	}
	d->found->has_layout = true;
	return 0;
}

/* What the catalog says without looking at the table, so that a lock on it is no hindrance. */
static int look_up(struct far_session *session, const struct json *spec, struct describing *d,
		   struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(SQL_MAX);
	const char *table;
	AUTO_FREE char *schema = far_postgres_split(spec, &table);

	buf_adds(&sql,
		 "SELECT c.oid::bigint, c.relkind::text, c.reltuples::bigint,"
		 " pg_catalog.pg_get_partkeydef(c.oid), (SELECT pg_catalog.json_agg(a.attname ORDER"
		 " BY k.n)::text FROM pg_catalog.pg_index i, LATERAL pg_catalog.unnest(i.indkey)"
		 " WITH ORDINALITY AS k(attnum, n), pg_catalog.pg_attribute a WHERE"
		 " i.indrelid = c.oid AND i.indisclustered AND a.attrelid = c.oid"
		 " AND a.attnum = k.attnum) FROM pg_catalog.pg_class c JOIN"
		 " pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ");
	sql_quote_text(&sql, schema);
	buf_adds(&sql, " AND c.relname = ");
	sql_quote_text(&sql, table);
	if (ask(session, &sql, d, take_table, e) < 0)
		return e->code;
	if (d->oid < 0)
		return err_set(e, ERR_NOT_FOUND, "PostgreSQL has no table '%.100s.%.100s'", schema,
			       table);
	return 0;
}

static int take_column(void *ctx, const struct bytes *values, size_t n, struct err *e)
{
	struct describing *d = ctx;
	struct far_found *found = d->found;
	char type[24];

	(void)n;
	if (found->column_count >= FAR_COLUMNS_MAX)
		return err_set(e, ERR_LIMIT, "the table has more than %d columns", FAR_COLUMNS_MAX);
	postgres_type_name(far_postgres_number(values[1]), far_postgres_number(values[2]), type);
	found->columns[found->column_count].name = xstrndup(values[0].p, values[0].n);
	found->columns[found->column_count++].type = xstrdup(type);
	return 0;
}

static int list_columns(struct far_session *session, struct describing *d, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(SQL_MAX);
	int r;

	buf_addf(&sql,
		 "SELECT attname::text, atttypid::bigint, atttypmod FROM pg_catalog.pg_attribute"
		 " WHERE attrelid = %lld AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
		 (long long)d->oid);
	d->found->columns = xcalloc(FAR_COLUMNS_MAX, sizeof(*d->found->columns));
	r = ask(session, &sql, d, take_column, e);
	d->found->has_columns = r == 0;
	return r;
}

static int take_size(void *ctx, const struct bytes *values, size_t n, struct err *e)
{
	struct describing *d = ctx;

	(void)n;
	(void)e;
	d->found->size_bytes = far_postgres_number(values[0]);
	return 0;
}

/* Of tables and what is stored of views; of a view itself and a foreign table nobody knows. */
static int measure(struct far_session *session, struct describing *d, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(SQL_MAX);
	int r = 0;

	d->found->size_bytes = -1;
	d->found->rows = d->rows;
	if (d->kind == 'v')
		d->found->rows = -1;
	if (d->kind == 'p')
		buf_addf(&sql,
			 "SELECT sum(pg_catalog.pg_table_size(relid))::bigint FROM"
			 " pg_catalog.pg_partition_tree(%lld)",
			 (long long)d->oid);
	else if (d->kind == 'r' || d->kind == 'm')
		buf_addf(&sql, "SELECT pg_catalog.pg_table_size(%lld)", (long long)d->oid);
	if (sql.n)
		r = ask(session, &sql, d, take_size, e);
	d->found->has_figures = r == 0;
	return r;
}

int far_postgres_describe(struct far_session *session, const struct json *spec,
			  struct far_found *ret_found, struct err *e)
{
	AUTO(far_found_release) struct far_found found = { .rows = -1, .size_bytes = -1 };
	struct describing d = { .found = &found, .rows = -1, .oid = -1 };

	if (look_up(session, spec, &d, e) < 0)
		return e->code;
	/* A failure ends the transaction, so what is likeliest to fail comes last. */
	if (list_columns(session, &d, &found.missing) == 0)
		(void)measure(session, &d, &found.missing);
	*ret_found = found;
	found = (struct far_found){ 0 };
	return 0;
}
