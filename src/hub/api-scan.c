/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filtered extract of a remote table as a file: priced, or run at its source into a spool, made Parquet by a
 * child, sent, and gone from here. Aside: it takes as long as the source does.
 */
#include "hub/api.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/time.h"
#include "engine/journal.h"
#include "hub/asking.h"
#include "remote/values.h"

#include <fcntl.h>
#include <strings.h>

/* Of the system before this one. */
#define SCAN_ROWS_MAX  10000000
#define SCAN_BYTES_MAX ((int64_t)2 << 30)
#define SCAN_SECONDS   1800
#define COLUMNS_MAX    1000
/* Gathered before it is written. */
#define WRITE_SIZE ((size_t)1 << 20)
/* Dollars for 10^12 bytes, as the system before this one shows them. */
#define BIGQUERY_COST 5.0

struct scanning {
	struct asking asking;
	struct asking_scan scan;
	struct far_run run;
	char *sql;
	bool price_only;
	char spool[80], file[80]; /* in staging */
	int fd;
	struct duck_column *columns;
	size_t column_count;
	struct buf waiting;
};

static void scanning_free(struct scanning *s)
{
	struct err ignored = { 0 }; /* what stays is reaped at the next start */
	const struct root *root;

	if (!s)
		return;
	root = hub_staging(s->asking.hub);
	auto_fd_(&s->fd);
	if (*s->spool)
		(void)journal_stage_remove(root, s->spool, &ignored);
	if (*s->file)
		(void)journal_stage_remove(root, s->file, &ignored);
	for (size_t i = 0; i < s->column_count; i++) {
		free(s->columns[i].name);
		free(s->columns[i].type);
	}
	free(s->columns);
	asking_release(&s->asking);
	buf_release(&s->waiting);
	free(s->sql);
	free(s);
}
DEFINE_AUTO(struct scanning, scanning_auto, scanning_free);

static int write_waiting(struct scanning *s, struct err *e)
{
	int r = file_write_all(s->fd, buf_bytes(&s->waiting), s->spool, e);

	buf_clear(&s->waiting);
	return r;
}

static int take_columns(void *ctx, const struct duck_column *columns, size_t n, struct err *e)
{
	struct scanning *s = ctx;

	(void)e;
	s->columns = xcalloc(n, sizeof(*s->columns));
	for (size_t i = 0; i < n; i++) {
		s->columns[i] =
			(struct duck_column){ xstrdup(columns[i].name), xstrdup(columns[i].type) };
		buf_adds(&s->waiting, i ? "," : "");
		sql_quote_name(&s->waiting, columns[i].name);
	}
	buf_addc(&s->waiting, '\n');
	s->column_count = n;
	return 0;
}

static int take_row(void *ctx, const struct bytes *values, size_t n, struct err *e)
{
	struct scanning *s = ctx;

	far_add_csv(&s->waiting, values, n);
	if (s->waiting.full)
		return err_set(e, ERR_LIMIT, "a row of the extract is too long");
	return s->waiting.n >= WRITE_SIZE ? write_waiting(s, e) : 0;
}

static int convert(struct scanning *s, struct err *e)
{
	const struct root *root = hub_staging(s->asking.hub);
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	AUTO_FREE char *from = journal_stage_path(root, s->spool);
	AUTO_FREE char *to = journal_stage_path(root, s->file);
	AUTO_STRV struct strv inputs = STRV_INIT, order = STRV_INIT;
	const struct duck_convert request = {
		.inputs = &inputs,
		.format = DUCK_CSV,
		.columns = s->columns,
		.column_count = s->column_count,
		.order_by = &order,
		.output = to,
		.memory_bytes = hub_settings(s->asking.hub)->convert_memory,
	};

	strv_add(&inputs, from);
	return duck_convert(&request, &info, e);
}

static int send_file(struct scanning *s, struct http_in *in, int64_t rows, struct err *e)
{
	AUTO_FREE char *etag = NULL;
	AUTO_FD int fd = -1;
	char sha256[HASH_HEX_MAX], count[24];
	int r = journal_stage_open(hub_staging(s->asking.hub), s->file, O_RDONLY, &fd, e);

	if (r == 0)
		r = sha256_fd(fd, sha256, NULL, e);
	if (r < 0)
		return r;
	etag = xasprintf("\"%s\"", sha256);
	(void)snprintf(count, sizeof(count), "%lld", (long long)rows);
	http_reply_add(in, "X-Larder-Table", s->asking.plan.tables[0].table.id);
	http_reply_add(in, "X-Larder-Rows", count);
	http_reply_add(in, "Cache-Control", "no-store");
	http_reply_file(in, TAKE_FD(fd), etag, time_now(), "application/vnd.apache.parquet");
	return 0;
}

static int extract(struct scanning *s, struct http_in *in, struct err *e)
{
	struct duck_run_result result = { 0 };
	char random[RANDOM_TEXT_MAX];
	int r;

	random_text(16, random);
	(void)snprintf(s->spool, sizeof(s->spool), "scan-%s.csv", random);
	(void)snprintf(s->file, sizeof(s->file), "scan-%s.parquet", random);
	r = journal_stage_create(hub_staging(s->asking.hub), s->spool, &s->fd, e);
	if (r == 0)
		r = asking_run(&s->asking, http_thread_slot(in), &result, e);
	if (r == 0 && result.truncated) {
		(void)err_set(e, ERR_LIMIT, "the extract has more than %d rows or %lld bytes",
			      SCAN_ROWS_MAX, (long long)SCAN_BYTES_MAX);
		(void)err_hint(e, "narrow it: fewer columns, a condition");
		r = e->code;
	}
	if (r == 0)
		r = write_waiting(s, e);
	if (r == 0)
		r = convert(s, e);
	return r < 0 ? r : send_file(s, in, result.rows, e);
}

static int price(struct scanning *s, struct http_in *in, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);
	struct duck_run_result none = { 0 };
	const struct far_estimate *estimate = &s->scan.estimate;
	const char *source;
	int r = asking_run(&s->asking, http_thread_slot(in), &none, e);

	if (r < 0)
		return r;
	source = s->asking.plan.tables[0].table.source_type;
	json_open(&o, NULL, '{');
	json_add_text(&o, "table_id", s->asking.plan.tables[0].table.id);
	json_add_int(&o, "estimated_scan_bytes", estimate->scan_bytes);
	if (estimate->rows >= 0)
		json_add_int(&o, "estimated_result_rows", estimate->rows);
	else
		json_add_null(&o, "estimated_result_rows");
	json_add_null(&o, "estimated_result_bytes"); /* no source tells it beforehand */
	if (str_eq(source, "bigquery"))
		json_add_double(&o, "bq_cost_estimate_usd",
				(double)estimate->scan_bytes / 1e12 * BIGQUERY_COST);
	else
		json_add_null(&o, "bq_cost_estimate_usd");
	json_close(&o);
	http_reply_add(in, "Cache-Control", "no-store");
	http_reply_bytes(in, 200, "application/json", buf_bytes(&text));
	return 0;
}

static void scan_aside(struct http_in *in, void *state)
{
	AUTO(scanning_auto) struct scanning *s = state;
	struct err e = { 0 };
	int r;

	s->asking.client_fd = http_client_fd(in);
	r = s->price_only ? price(s, in, &e) : extract(s, in, &e);
	if (r < 0 && s->asking.refusal.status)
		reply_refusal(in, &s->asking.refusal, &e);
	else if (r < 0)
		reply_error(in, &e);
}

static int add_columns(const struct json *list, struct buf *sql, struct err *e)
{
	AUTO_STRV struct strv seen = STRV_INIT;

	if (json_size(list) > COLUMNS_MAX)
		return err_set(e, ERR_LIMIT, "'select' names more than %d columns", COLUMNS_MAX);
	for (size_t i = 0; i < json_size(list); i++) {
		const char *name = json_text(json_at(list, i));

		if (!name || !*name || strv_has(&seen, name))
			return err_set(e, ERR_USAGE, "'select' is a list of names, each once");
		strv_add(&seen, name);
		buf_adds(sql, i ? ", " : "");
		sql_quote_name(sql, name);
	}
	buf_adds(sql, json_size(list) ? "" : "*");
	return 0;
}

/* "day", "-day" and "day desc" for the largest first. */
static int add_order(const struct json *list, struct buf *sql, struct err *e)
{
	if (json_size(list) > COLUMNS_MAX)
		return err_set(e, ERR_LIMIT, "'order_by' names more than %d columns", COLUMNS_MAX);
	for (size_t i = 0; i < json_size(list); i++) {
		const char *given = json_text(json_at(list, i));
		const char *name = given && *given == '-' ? given + 1 : given;
		size_t n = name ? strlen(name) : 0;
		bool down = name != given, word = n > 5 && strcasecmp(name + n - 5, " desc") == 0;
		bool up = n > 4 && strcasecmp(name + n - 4, " asc") == 0;
		AUTO_FREE char *column = name ? xstrndup(name, n - (word ? 5 : up ? 4 : 0)) : NULL;

		if (!column || !*column)
			return err_set(e, ERR_USAGE, "'order_by' is a list of names of columns");
		buf_adds(sql, i ? ", " : " ORDER BY ");
		sql_quote_name(sql, column);
		buf_adds(sql, down || word ? " DESC" : "");
	}
	return 0;
}

static int write_sql(const struct json *body, struct buf *sql, struct err *e)
{
	const char *table = json_text(json_get(body, "table_id"));
	const struct json *where = json_get(body, "where");
	const char *condition = json_text(where);
	int64_t limit = json_int(json_get(body, "limit"), 0);

	if (!table || !name_is_table(table))
		return err_set(e, ERR_USAGE, "'table_id' must name a table");
	if (json_get(body, "limit") && json_kind(json_get(body, "limit")) != JSON_NULL && limit < 1)
		return err_set(e, ERR_USAGE, "'limit' must be at least 1");
	if (where && json_kind(where) != JSON_NULL && !condition)
		return err_set(e, ERR_USAGE, "'where' must be a condition as text");
	buf_adds(sql, "SELECT ");
	if (add_columns(json_get(body, "select"), sql, e) < 0)
		return e->code;
	buf_adds(sql, " FROM ");
	sql_quote_name(sql, table);
	if (condition && *condition)
		buf_addf(sql, " WHERE (%s\n)", condition);
	if (add_order(json_get(body, "order_by"), sql, e) < 0)
		return e->code;
	if (limit > 0)
		buf_addf(sql, " LIMIT %lld", (long long)limit);
	return sql->full ? err_set(e, ERR_LIMIT, "the request is too long") : 0;
}

static int scan(struct request *q, bool price_only, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(QUERY_SQL_MAX);
	AUTO(scanning_auto) struct scanning *s = NULL;
	int r = write_sql(q->json, &sql, e);

	if (r < 0)
		return r;
	s = xcalloc(1, sizeof(*s));
	s->fd = -1;
	s->sql = buf_take(&sql);
	s->price_only = price_only;
	s->waiting.max = 8 * FAR_ROW_MAX;
	s->run = (struct far_run){ .row_limit = SCAN_ROWS_MAX,
				   .byte_limit = SCAN_BYTES_MAX,
				   .ctx = s,
				   .on_columns = take_columns,
				   .on_row = take_row };
	s->scan =
		(struct asking_scan){ .run = price_only ? NULL : &s->run, .seconds = SCAN_SECONDS };
	s->asking = (struct asking){
		.hub = q->hub, .by = caller_copy(q->caller), .sql = s->sql, .scan = &s->scan
	};
	r = http_run_aside(q->in, HTTP_ASIDE_QUERY, scan_aside, s, e);
	if (r == 0)
		(void)TAKE(s); /* scan_aside() frees it */
	return r;
}

int api_scan(struct request *q, struct err *e)
{
	return scan(q, false, e);
}

int api_scan_estimate(struct request *q, struct err *e)
{
	return scan(q, true, e);
}
