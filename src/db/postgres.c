/* SPDX-License-Identifier: Apache-2.0 */
#include "db/postgres-internal.h"

#include "base/str.h"
#include "base/time.h"

#include <poll.h>

/* A peer that is cut off is noticed after a minute instead of the kernel's quarter of an hour. */
#define TCP_TIMEOUT_MS "60000"
/* A table that is locked for longer is being worked on. */
#define LOCK_MS 2000
/* Whoever has left is noticed within it. */
#define CANCEL_CHECK_MS 500
#define DIGITS_(n)      #n
#define DIGITS(n)       DIGITS_(n)

/* One state for all that is read, nothing that could change any, and texts that read the same
 * whatever the server's settings are. */
static const char session[] =
	"SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET bytea_output = 'hex';"
	" SET extra_float_digits = 3; SET standard_conforming_strings = on;"
	" SET IntervalStyle = 'iso_8601';"
	" BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

static void ignore_notice(void *ctx, const char *text)
{
	(void)ctx;
	(void)text; /* libpq would print it */
}

static int connect_to(struct postgres *pg, const char *connection, struct err *e)
{
	/* The last of two equal keywords counts, and "dbname" is expanded: ours come first. */
	const char *const keywords[] = { "connect_timeout", "tcp_user_timeout",
					 "client_encoding", "fallback_application_name",
					 "dbname",          NULL };
	const char *const values[] = {
		DIGITS(POSTGRES_CONNECT_S), TCP_TIMEOUT_MS, "UTF8", "larder", connection, NULL
	};

	pg->connection = pg->pq->connectdbParams(keywords, values, 1);
	if (!pg->connection)
		return err_set(e, ERR_FAILED, "connect to PostgreSQL: libpq has no memory");
	if (pg->pq->status(pg->connection) != CONNECTION_OK) {
		const char *why = pg->pq->errorMessage(pg->connection);
		enum err_code code = strstr(why, "password") || strstr(why, "authentication")
					     ? ERR_AUTH
					     : ERR_OFFLINE;

		(void)postgres_error(pg, NULL, "connect to PostgreSQL", e);
		e->code = code;
		return code;
	}
	(void)pg->pq->setNoticeProcessor(pg->connection, ignore_notice, NULL);
	return 0;
}

static int run(struct postgres *pg, const char *sql, const char *doing, struct err *e)
{
	AUTO_POSTGRES_RESULT struct postgres_result result = { pg->pq,
							       pg->pq->exec(pg->connection, sql) };

	if (pg->pq->resultStatus(result.r) == PGRES_COMMAND_OK)
		return 0;
	return postgres_error(pg, result.r, doing, e);
}

/* Inside the transaction, so that nothing of it outlives it. */
static int limit_session(struct postgres *pg, const struct postgres_options *o, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
	const char *doing = "set limits of PostgreSQL";

	if (o->statement_ms)
		buf_addf(&sql, "SET LOCAL statement_timeout = %lld; SET LOCAL lock_timeout = %d;",
			 (long long)o->statement_ms, LOCK_MS);
	if (o->only_qualified)
		buf_adds(&sql, "SET LOCAL search_path = '';");
	return sql.n ? run(pg, buf_str(&sql), doing, e) : 0;
}

int postgres_open(const struct postgres_options *options, struct postgres **ret_pg, struct err *e)
{
	AUTO_POSTGRES struct postgres *pg = xcalloc(1, sizeof(*pg));
	int r = postgres_library_load(&pg->pq, e);

	pg->stall_ms = options->stall_ms ? options->stall_ms : POSTGRES_STALL_MS;
	pg->is_cancelled = options->is_cancelled;
	pg->ctx = options->ctx;
	if (r == 0)
		r = connect_to(pg, options->connection, e);
	if (r == 0)
		r = run(pg, session, "begin to read from PostgreSQL", e);
	if (r == 0)
		r = limit_session(pg, options, e);
	if (r == 0)
		*ret_pg = TAKE(pg);
	return r;
}

void postgres_close(struct postgres *pg)
{
	if (!pg)
		return;
	if (pg->connection)
		pg->pq->finish(pg->connection);
	free(pg);
}

int postgres_check_connection(const char *connection, struct err *e)
{
	const struct postgres_library *pq = NULL;
	PQconninfoOption *options;
	char *why = NULL;
	bool secret = false;

	if (postgres_library_load(&pq, e) < 0)
		return e->code;
	options = pq->conninfoParse(connection, &why);
	if (!options) {
		(void)err_set(e, ERR_USAGE, "that is no connection of PostgreSQL: %.200s",
			      why ? why : "");
		pq->freemem(why);
		return e->code;
	}
	for (const PQconninfoOption *o = options; o->keyword; o++)
		secret = secret || (o->val && strstr(o->keyword, "password") &&
				    !str_eq(o->keyword, "passfile"));
	pq->conninfoFree(options);
	if (!secret)
		return 0;
	(void)err_set(e, ERR_USAGE, "a connection with a password in it is not kept");
	return err_hint(e, "name an environment variable or a file of the hub that holds it");
}

void postgres_columns_release(struct postgres_columns *columns)
{
	for (size_t i = 0; i < columns->n; i++)
		free(columns->v[i].name);
	free(columns->v);
	*columns = (struct postgres_columns){ 0 };
}

/* Arrays and composites, whose numbers are the database's own, are asked for as JSON. */
static int mark_nested(struct postgres *pg, const PGresult *described,
		       struct postgres_columns *columns, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
	AUTO_POSTGRES_RESULT struct postgres_result found = { .pq = pg->pq };

	buf_adds(&sql, "SELECT oid::text FROM pg_catalog.pg_type WHERE typcategory IN ('A', 'C')"
		       " AND oid IN (0");
	for (size_t i = 0; i < columns->n; i++)
		buf_addf(&sql, ",%u", pg->pq->ftype(described, (int)i));
	buf_adds(&sql, ")");
	found.r = pg->pq->exec(pg->connection, buf_str(&sql));
	if (pg->pq->resultStatus(found.r) != PGRES_TUPLES_OK)
		return postgres_error(pg, found.r, "look up types of PostgreSQL", e);
	for (int row = 0; row < pg->pq->ntuples(found.r); row++) {
		const char *oid = pg->pq->getvalue(found.r, row, 0);

		for (size_t i = 0; i < columns->n; i++) {
			char own[16];

			(void)snprintf(own, sizeof(own), "%u", pg->pq->ftype(described, (int)i));
			if (str_eq(own, oid))
				columns->v[i].kind = POSTGRES_JSON;
		}
	}
	return 0;
}

int postgres_describe(struct postgres *pg, const char *query, struct postgres_columns *ret_columns,
		      struct err *e)
{
	AUTO_POSTGRES_COLUMNS struct postgres_columns columns = { 0 };
	AUTO_POSTGRES_RESULT struct postgres_result made = {
		pg->pq, pg->pq->prepare(pg->connection, "", query, 0, NULL)
	};
	AUTO_POSTGRES_RESULT struct postgres_result described = { .pq = pg->pq };
	int n;

	if (pg->pq->resultStatus(made.r) != PGRES_COMMAND_OK)
		return postgres_error(pg, made.r, "prepare the query for PostgreSQL", e);
	described.r = pg->pq->describePrepared(pg->connection, "");
	if (pg->pq->resultStatus(described.r) != PGRES_COMMAND_OK)
		return postgres_error(pg, described.r, "describe the query to PostgreSQL", e);
	n = pg->pq->nfields(described.r);
	if (n < 1 || n > POSTGRES_COLUMNS_MAX)
		return err_set(e, ERR_USAGE, "the query gives %d columns, it must be 1 to %d", n,
			       POSTGRES_COLUMNS_MAX);
	columns.v = xcalloc((size_t)n, sizeof(*columns.v));
	for (; columns.n < (size_t)n; columns.n++) {
		struct postgres_column *c = &columns.v[columns.n];

		c->name = xstrdup(pg->pq->fname(described.r, (int)columns.n));
		postgres_type(c, pg->pq->ftype(described.r, (int)columns.n),
			      pg->pq->fmod(described.r, (int)columns.n));
		if (!c->type)
			c->type = c->text;
	}
	if (mark_nested(pg, described.r, &columns, e) < 0)
		return e->code;
	*ret_columns = columns;
	columns = (struct postgres_columns){ 0 };
	return 0;
}

static void add_column(struct buf *sql, const struct postgres_column *c)
{
	const char *before = c->kind == POSTGRES_HEX    ? "encode("
			     : c->kind == POSTGRES_JSON ? "to_json("
							: "";
	const char *after = c->kind == POSTGRES_HEX    ? ", 'hex')"
			    : c->kind == POSTGRES_JSON ? ")::text"
			    : c->kind == POSTGRES_TEXT ? "::text"
						       : "";

	buf_adds(sql, before);
	sql_quote_name(sql, c->name);
	buf_addf(sql, "%s AS ", after);
	sql_quote_name(sql, c->name);
}

/* The query was prepared alone, so it cannot end the parenthesis it stands in. */
static void add_copy(struct buf *sql, const struct postgres_read *read)
{
	buf_adds(sql, "COPY (SELECT ");
	for (size_t i = 0; i < read->columns->n; i++) {
		buf_adds(sql, i ? ", " : "");
		add_column(sql, &read->columns->v[i]);
	}
	buf_addf(sql, " FROM (%s\n) AS q) TO STDOUT (FORMAT csv, HEADER, NULL '\\N')", read->query);
}

/* How long one wait may be: whoever may cancel is asked in between. */
static int next_wait_ms(const struct postgres *pg, int64_t until)
{
	int64_t left = until - time_monotonic();

	if (pg->is_cancelled && left > CANCEL_CHECK_MS)
		left = CANCEL_CHECK_MS;
	return left > 0 ? (int)left : 0;
}

int postgres_wait(struct postgres *pg, struct err *e)
{
	struct pollfd fd = { .fd = pg->pq->socket(pg->connection), .events = POLLIN };
	int64_t until = time_monotonic() + pg->stall_ms;

	while (poll(&fd, 1, next_wait_ms(pg, until)) <= 0) {
		if (pg->is_cancelled && pg->is_cancelled(pg->ctx))
			return err_set(e, ERR_CANCELLED,
				       "read from PostgreSQL: not wanted any more");
		if (time_monotonic() >= until)
			return err_set(e, ERR_OFFLINE,
				       "read from PostgreSQL: nothing came for %lld s",
				       (long long)(pg->stall_ms / 1000));
	}
	if (!pg->pq->consumeInput(pg->connection))
		return postgres_error(pg, NULL, "read from PostgreSQL", e);
	return 0;
}

static int read_rows(struct postgres *pg, const struct postgres_read *read, struct err *e)
{
	for (;;) {
		char *row = NULL;
		int n = pg->pq->getCopyData(pg->connection, &row, 1);
		int r = 0;

		if (n == -1)
			return 0;
		if (n == -2)
			return postgres_error(pg, NULL, "read from PostgreSQL", e);
		if (n == 0)
			r = postgres_wait(pg, e);
		else
			r = read->on_data(read->ctx, (struct bytes){ row, (size_t)n }, e);
		pg->pq->freemem(row);
		if (r < 0)
			return r;
	}
}

int postgres_read(struct postgres *pg, const struct postgres_read *read, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
	AUTO_POSTGRES_RESULT struct postgres_result begun = { .pq = pg->pq };
	AUTO_POSTGRES_RESULT struct postgres_result ended = { .pq = pg->pq };

	add_copy(&sql, read);
	begun.r = pg->pq->exec(pg->connection, buf_str(&sql));
	if (pg->pq->resultStatus(begun.r) != PGRES_COPY_OUT)
		return postgres_error(pg, begun.r, "read from PostgreSQL", e);
	if (read_rows(pg, read, e) < 0)
		return e->code;
	/* Rows that came are whole only when the server says so here. */
	ended.r = pg->pq->getResult(pg->connection);
	if (pg->pq->resultStatus(ended.r) != PGRES_COMMAND_OK)
		return postgres_error(pg, ended.r, "read from PostgreSQL", e);
	while (ended.r) {
		pg->pq->clear(ended.r);
		ended.r = pg->pq->getResult(pg->connection);
	}
	return 0;
}

int postgres_get_text(struct postgres *pg, const char *query, char **ret_text, struct err *e)
{
	AUTO_POSTGRES_RESULT struct postgres_result result = { pg->pq, pg->pq->exec(pg->connection,
										    query) };

	if (pg->pq->resultStatus(result.r) != PGRES_TUPLES_OK)
		return postgres_error(pg, result.r, "ask PostgreSQL", e);
	*ret_text = NULL;
	if (pg->pq->ntuples(result.r) > 0 && pg->pq->nfields(result.r) > 0 &&
	    !pg->pq->getisnull(result.r, 0, 0))
		*ret_text = xstrdup(pg->pq->getvalue(result.r, 0, 0));
	return 0;
}
