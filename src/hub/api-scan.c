/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filtered extract of a remote table as a file: priced, or run at its source, made Parquet by a child
 * meanwhile, sent, and gone from here. Aside: it takes as long as the source does.
 */
#include "hub/api.h"

#include "base/hash.h"
#include "base/time.h"
#include "engine/journal.h"
#include "hub/asking.h"
#include "hub/extract.h"

#include <fcntl.h>
#include <strings.h>

#define SCAN_SECONDS 1800
#define COLUMNS_MAX  1000
/* Dollars for 10^12 bytes, as the system before this one shows them. */
#define BIGQUERY_COST 5.0
#define PARQUET_TYPE  "application/vnd.apache.parquet"

struct scanning {
	struct asking asking;
	struct asking_scan scan;
	struct extract extract;
	char *sql;
	bool price_only;
};

static void scanning_free(struct scanning *s)
{
	if (!s)
		return;
	extract_release(&s->extract);
	asking_release(&s->asking);
	free(s->sql);
	free(s);
}
DEFINE_AUTO(struct scanning, scanning_auto, scanning_free);

static int send_file(struct scanning *s, struct http_in *in, int64_t rows, struct err *e)
{
	AUTO_FREE char *etag = NULL;
	AUTO_FD int fd = -1;
	char sha256[HASH_HEX_MAX], count[24];
	int r = journal_stage_open(hub_staging(s->asking.hub), s->extract.file, O_RDONLY, &fd, e);

	if (r == 0)
		r = sha256_fd(fd, sha256, NULL, e);
	if (r < 0)
		return r;
	etag = xasprintf("\"%s\"", sha256);
	(void)snprintf(count, sizeof(count), "%lld", (long long)rows);
	http_reply_add(in, "X-Larder-Table", s->asking.plan.tables[0].table.id);
	http_reply_add(in, "X-Larder-Rows", count);
	http_reply_add(in, "Cache-Control", "no-store");
	http_reply_file(in, TAKE_FD(fd), etag, time_now(), PARQUET_TYPE);
	return 0;
}

static int send_extract(struct scanning *s, struct http_in *in, struct err *e)
{
	struct duck_run_result result = { 0 };
	int r = asking_run(&s->asking, http_thread_slot(in), &result, e);

	if (r == 0)
		r = extract_end(&s->extract, result.truncated, e);
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
	r = s->price_only ? price(s, in, &e) : send_extract(s, in, &e);
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

/* Who can read nothing but what the contract older than this hub sends is told so, and not sent what it cannot. */
static bool takes_parquet(const struct http_in *in)
{
	const char *accept = http_header(in, "Accept");

	return !accept || !strcasestr(accept, "arrow") || strcasestr(accept, "parquet") ||
	       strstr(accept, "*/*") || strstr(accept, "application/*");
}

static int scan(struct request *q, bool price_only, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(QUERY_SQL_MAX);
	AUTO(scanning_auto) struct scanning *s = NULL;
	int r = write_sql(q->json, &sql, e);

	if (r < 0)
		return r;
	s = xcalloc(1, sizeof(*s));
	s->sql = buf_take(&sql);
	s->price_only = price_only;
	extract_init(&s->extract, q->hub, SCAN_SECONDS);
	s->scan = (struct asking_scan){ .run = price_only ? NULL : &s->extract.run,
					.seconds = SCAN_SECONDS };
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
	if (!takes_parquet(q->in)) {
		http_reply_detail(q->in, 406, "not_acceptable",
				  "extracts are sent as Parquet (" PARQUET_TYPE "), not as Arrow");
		return 0;
	}
	return scan(q, false, e);
}

int api_scan_estimate(struct request *q, struct err *e)
{
	return scan(q, true, e);
}
