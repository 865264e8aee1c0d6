/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of a PostgreSQL server. Its spec:
 *
 *	"connection", "connection_env" or "connection_file"    as of a source for refreshing; no password
 *	"table"                                                "schema.table"; without a schema: public
 *
 * A session is one read-only transaction with a time limit of the server's own, in which a name without
 * a schema is a function or type of the system and nothing else.
 */
#include "remote/postgres-internal.h"

#include "base/time.h"
#include "remote/postgres-plan.h"
#include "remote/text.h"

/* When nothing else is said; a catalog answers at once, or is locked. */
#define STATEMENT_MS_DEFAULT 30000
/* Between two looks at whether whoever asked is still there. */
#define GUARD_ROWS 1024

static const struct far_member members[] = {
	{ "connection", JSON_TEXT, false },
	{ "connection_env", JSON_TEXT, false },
	{ "connection_file", JSON_TEXT, false },
	{ "table", JSON_TEXT, true },
	{ 0 },
};

static const char *member(const struct json *spec, const char *key)
{
	return json_text(json_get(spec, key));
}

static int check(const struct json *spec, struct err *e)
{
	static const char *const keys[] = { "connection", "connection_env", "connection_file" };
	AUTO_STRV struct strv parts = STRV_INIT;
	int given = 0;

	if (far_check_members(spec, members, e) < 0)
		return e->code;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		given += member(spec, keys[i]) != NULL;
	if (given != 1)
		return err_set(
			e, ERR_USAGE,
			"one of 'connection', 'connection_env', 'connection_file' is needed");
	strv_split(&parts, member(spec, "table"), '.');
	if (parts.n > 2 || !parts.v[0][0] || !parts.v[parts.n - 1][0])
		return err_set(e, ERR_USAGE, "'table' must be 'table' or 'schema.table'");
	return member(spec, "connection") ? postgres_check_connection(member(spec, "connection"), e)
					  : 0;
}

static char *source(const struct json *spec)
{
	static const char *const keys[] = { "connection", "connection_env", "connection_file" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (member(spec, keys[i]))
			return xasprintf("postgres %s %s", keys[i], member(spec, keys[i]));
	}
	return xstrdup("postgres");
}

static char *path(const struct json *spec)
{
	const char *table = member(spec, "table");

	return strchr(table, '.') ? xstrdup(table) : xasprintf("public.%s", table);
}

char *far_postgres_split(const struct json *spec, const char **ret_table)
{
	char *at = path(spec), *dot = strchr(at, '.');

	*dot = '\0';
	*ret_table = dot + 1;
	return at;
}

static bool is_cancelled(void *ctx)
{
	struct err ignored = { 0 };

	return far_guard_check(ctx, &ignored) < 0;
}

static int64_t time_left(const struct far_guard *guard)
{
	int64_t left = guard->until_ms ? guard->until_ms - time_monotonic() : STATEMENT_MS_DEFAULT;

	return left > 0 ? left : 1;
}

/* A connection that cannot be made is the hub's fault when it names nothing, else the server's. */
static int open_session(const struct far_open *open, struct far_session **ret_session,
			struct err *e)
{
	AUTO_FREE struct far_session *session = xcalloc(1, sizeof(*session));
	AUTO_FREE char *secret = NULL;
	struct postgres_options o = {
		.connection = member(open->spec, "connection"),
		.statement_ms = time_left(open->guard),
		.stall_ms = time_left(open->guard) + 1000,
		.only_qualified = true,
		.is_cancelled = is_cancelled,
		.ctx = (void *)(uintptr_t)open->guard, /* read only */
	};

	if (far_secret(open->spec, "connection", &secret, e) < 0)
		return e->code;
	if (secret)
		o.connection = secret;
	if (postgres_open(&o, &session->pg, e) < 0)
		return e->code;
	session->guard = open->guard;
	*ret_session = TAKE(session);
	return 0;
}

static void close_session(struct far_session *session)
{
	if (!session)
		return;
	postgres_close(session->pg);
	free(session);
}

/* The server's own words for a time limit, and a wait that was given up, mean what the guard says. */
static int explain_failure(const struct far_session *session, struct err *e)
{
	struct err why = { 0 };

	if ((e->code == ERR_BUSY || e->code == ERR_CANCELLED || e->code == ERR_OFFLINE) &&
	    far_guard_check(session->guard, &why) < 0)
		*e = why;
	return e->code;
}

static void add_string(struct buf *out, struct bytes text)
{
	AUTO_FREE char *copy = xstrndup(text.p, text.n);

	sql_quote_text(out, copy); /* a backslash is a letter: the session says so */
}

static int add_path(struct buf *out, const struct json *spec, struct err *e)
{
	const char *table;
	AUTO_FREE char *schema = far_postgres_split(spec, &table);

	(void)e;
	sql_quote_name(out, schema);
	buf_addc(out, '.');
	sql_quote_name(out, table);
	return 0;
}

/* Conditions reach into the tables' own scans: a WITH alone would keep all their rows first. */
static const struct far_dialect dialect = { sql_quote_name, add_string, add_path,
					    "AS NOT MATERIALIZED" };

int64_t far_postgres_number(struct bytes text)
{
	AUTO_FREE char *copy = xstrndup(text.p ? text.p : "", text.n);
	struct err ignored = { 0 };
	int64_t n = -1;

	(void)parse_int64(copy, -1, INT64_MAX, &n, &ignored);
	return n;
}

static bool is_text(struct bytes value, const char *text)
{
	return value.n == strlen(text) && memcmp(value.p, text, value.n) == 0;
}

static int take_size(void *ctx, const struct bytes *values, size_t n, struct err *e)
{
	struct plan *plan = ctx;

	(void)n;
	(void)e;
	for (size_t i = 0; i < plan->count; i++) {
		struct plan_scan *s = &plan->scans[i];

		if (is_text(values[0], s->schema) && is_text(values[1], s->table)) {
			s->table_bytes = far_postgres_number(values[2]);
			s->table_rows = far_postgres_number(values[3]);
		}
	}
	return 0;
}

/* With what is stored out of line: rows that are read are read whole. */
static int add_sizes(struct far_session *session, struct plan *plan, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(PLAN_TEXT_MAX);
	struct postgres_ask ask = { .ctx = plan, .on_row = take_size };

	if (plan->count == 0)
		return 0;
	buf_adds(&sql, "SELECT n.nspname::text, c.relname::text, pg_catalog.pg_table_size(c.oid),"
		       " c.reltuples::bigint FROM pg_catalog.pg_class c JOIN"
		       " pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
		       " WHERE (n.nspname::text, c.relname::text) IN (");
	for (size_t i = 0; i < plan->count; i++) {
		buf_adds(&sql, i ? ", (" : "(");
		sql_quote_text(&sql, plan->scans[i].schema);
		buf_addc(&sql, ',');
		sql_quote_text(&sql, plan->scans[i].table);
		buf_addc(&sql, ')');
	}
	buf_addc(&sql, ')');
	ask.query = buf_str(&sql);
	return postgres_ask(session->pg, &ask, e);
}

static int estimate(struct far_session *session, const struct far_statement *statement,
		    struct far_estimate *ret_estimate, struct err *e)
{
	AUTO(plan_release) struct plan plan = { 0 };
	AUTO_BUF struct buf sql = BUF_INIT(2 * FAR_SQL_MAX);
	AUTO_FREE char *text = NULL;
	int r = far_render(statement, &dialect, &sql, e);

	if (r == 0)
		r = postgres_explain(session->pg, buf_str(&sql), &text, e);
	if (r == 0)
		r = plan_read(bytes_of(text), &plan, e);
	if (r == 0)
		r = add_sizes(session, &plan, e);
	if (r < 0)
		return explain_failure(session, e);
	*ret_estimate = (struct far_estimate){ plan_bytes(&plan), plan.rows };
	return 0;
}

struct running {
	const struct far_run *run;
	struct far_result *result;
	const struct far_guard *guard;
};

static int take_columns(void *ctx, const struct postgres_columns *columns, struct err *e)
{
	const struct running *running = ctx;
	AUTO_FREE struct duck_column *own = xcalloc(columns->n, sizeof(*own));

	for (size_t i = 0; i < columns->n; i++) {
		/* The interface lacks a const that it means. */
		own[i].name = columns->v[i].name;
		own[i].type = (char *)(uintptr_t)columns->v[i].type;
	}
	return running->run->on_columns(running->run->ctx, own, columns->n, e);
}

static int take_row(void *ctx, const struct bytes *values, size_t n, struct err *e)
{
	struct running *running = ctx;
	struct far_result *result = running->result;
	int64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += (int64_t)values[i].n;
	if (bytes > (int64_t)FAR_ROW_MAX)
		return err_set(e, ERR_LIMIT, "a row of the result is longer than %zu bytes",
			       FAR_ROW_MAX);
	if ((running->run->row_limit && result->rows >= running->run->row_limit) ||
	    (running->run->byte_limit && result->bytes + bytes > running->run->byte_limit)) {
		result->truncated = true;
		return 1;
	}
	result->rows++;
	result->bytes += bytes;
	if (result->rows % GUARD_ROWS == 0 && far_guard_check(running->guard, e) < 0)
		return e->code;
	return running->run->on_row(running->run->ctx, values, n, e);
}

static int run(struct far_session *session, const struct far_statement *statement,
	       const struct far_run *run, struct far_result *ret_result, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(2 * FAR_SQL_MAX);
	struct far_result result = { .scanned_bytes = -1 };
	struct running running = { run, &result, session->guard };
	struct postgres_ask ask = { .ctx = &running,
				    .on_columns = take_columns,
				    .on_row = take_row };
	int r = far_render(statement, &dialect, &sql, e);

	ask.query = buf_str(&sql);
	if (r == 0)
		r = postgres_ask(session->pg, &ask, e);
	if (r < 0)
		return explain_failure(session, e);
	*ret_result = result;
	return 0;
}

const struct far_engine far_postgres = {
	.name = "postgres",
	.title = "PostgreSQL",
	.sql_flavor = "postgres",
	.kind_prefix = "",
	.check = check,
	.source = source,
	.path = path,
	.open = open_session,
	.close = close_session,
	.estimate = estimate,
	.run = run,
	.describe = far_postgres_describe,
};
