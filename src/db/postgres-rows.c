/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a statement of somebody else's: one statement, one row at a time, ended when enough came. */
#include "db/postgres-internal.h"

#include "base/str.h"

struct asking {
	struct postgres *pg;
	const struct postgres_ask *ask;
	const struct postgres_columns *columns; /* NULL: plain texts */
	struct bytes *values;
};

/* What the server does for a statement whose rows nobody reads any more goes on until it is told. */
static void cancel(struct postgres *pg)
{
	PGcancel *at = pg->pq->getCancel(pg->connection);
	char why[256];

	if (at)
		(void)pg->pq->cancel(at, why, sizeof(why)); /* it ends with its time limit, too */
	pg->pq->freeCancel(at);
}

static struct bytes value_of(const struct asking *a, const PGresult *r, int column)
{
	const struct postgres_library *pq = a->pg->pq;
	struct bytes v = { pq->getvalue(r, 0, column), (size_t)pq->getlength(r, 0, column) };
	const struct postgres_column *c = a->columns ? &a->columns->v[column] : NULL;

	if (pq->getisnull(r, 0, column))
		return (struct bytes){ 0 };
	if (c && c->kind == POSTGRES_HEX && v.n >= 2)
		return (struct bytes){ v.p + 2, v.n - 2 }; /* without its \x */
	if (c && str_eq(c->type, "BOOLEAN"))
		return bytes_of(v.p[0] == 't' ? "true" : "false");
	return v;
}

static int take_row(const struct asking *a, const PGresult *r, struct err *e)
{
	int n = a->pg->pq->nfields(r);

	for (int i = 0; i < n; i++)
		a->values[i] = value_of(a, r, i);
	return a->ask->on_row(a->ask->ctx, a->values, (size_t)n, e);
}

/* 1 a row was taken, 0 the end. */
static int take_result(const struct asking *a, bool *ret_enough, struct err *e)
{
	AUTO_POSTGRES_RESULT struct postgres_result result = { .pq = a->pg->pq };
	int r = 0;

	while (r == 0 && a->pg->pq->isBusy(a->pg->connection))
		r = postgres_wait(a->pg, e);
	if (r < 0)
		return r;
	result.r = a->pg->pq->getResult(a->pg->connection);
	if (!result.r)
		return 0;
	switch ((int)a->pg->pq->resultStatus(result.r)) {
	case PGRES_SINGLE_TUPLE:
		r = take_row(a, result.r, e);
		*ret_enough = r > 0;
		return r < 0 ? r : 1;
	case PGRES_TUPLES_OK:
		return 1; /* no more rows; what is next is the end */
	default:
		return postgres_error(a->pg, result.r, "ask PostgreSQL", e);
	}
}

static int take_results(const struct asking *a, const char *sql, struct err *e)
{
	const struct postgres_library *pq = a->pg->pq;
	bool enough = false;
	int r = 1;

	/* As a message of its own kind: of a text with two statements, the server would refuse both. */
	if (!pq->sendQueryParams(a->pg->connection, sql, 0, NULL, NULL, NULL, NULL, 0) ||
	    !pq->setSingleRowMode(a->pg->connection))
		return postgres_error(a->pg, NULL, "ask PostgreSQL", e);
	while (r > 0 && !enough)
		r = take_result(a, &enough, e);
	if (r != 0)
		cancel(a->pg);
	return r < 0 ? r : 0;
}

static bool has_nested(const struct postgres_columns *columns)
{
	for (size_t i = 0; i < columns->n; i++) {
		if (columns->v[i].kind == POSTGRES_JSON)
			return true;
	}
	return false;
}

/* The query was prepared alone, so it cannot end the parenthesis it stands in; names of its columns
 * may come twice, so they get others. */
static char *with_nested_as_json(const char *query, const struct postgres_columns *columns)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "SELECT ");
	for (size_t i = 0; i < columns->n; i++)
		buf_addf(&sql,
			 columns->v[i].kind == POSTGRES_JSON ? "%spg_catalog.to_json(c%zu)"
							     : "%sc%zu",
			 i ? ", " : "", i);
	buf_addf(&sql, " FROM (%s\n) AS q(", query);
	for (size_t i = 0; i < columns->n; i++)
		buf_addf(&sql, "%sc%zu", i ? ", " : "", i);
	buf_adds(&sql, ")");
	return buf_take(&sql);
}

int postgres_ask(struct postgres *pg, const struct postgres_ask *ask, struct err *e)
{
	AUTO_POSTGRES_COLUMNS struct postgres_columns columns = { 0 };
	AUTO_FREE struct bytes *values = NULL;
	AUTO_FREE char *nested = NULL;
	int r = postgres_describe(pg, ask->query, &columns, e);

	if (r == 0 && ask->on_columns)
		r = ask->on_columns(ask->ctx, &columns, e);
	if (r < 0)
		return r;
	values = xcalloc(columns.n, sizeof(*values));
	if (has_nested(&columns))
		nested = with_nested_as_json(ask->query, &columns);
	return take_results(&(struct asking){ pg, ask, &columns, values },
			    nested ? nested : ask->query, e);
}

static int keep_text(void *ctx, const struct bytes *values, size_t n, struct err *e)
{
	char **text = ctx;

	(void)e;
	free(*text);
	*text = n ? xstrndup(values[0].p ? values[0].p : "", values[0].n) : NULL;
	return 0;
}

int postgres_explain(struct postgres *pg, const char *query, char **ret_plan, struct err *e)
{
	AUTO_FREE char *sql = xasprintf("EXPLAIN (VERBOSE, FORMAT JSON) %s", query);
	AUTO_FREE char *plan = NULL;
	struct postgres_ask ask = { .ctx = &plan, .on_row = keep_text };
	struct bytes value;
	int r = take_results(&(struct asking){ pg, &ask, NULL, &value }, sql, e);

	if (r == 0 && !plan)
		r = err_set(e, ERR_REMOTE, "PostgreSQL gave no plan");
	if (r == 0)
		*ret_plan = TAKE(plan);
	return r;
}
