/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/query-remote.h"

#include "base/json-rows.h"
#include "net/http-client.h"
#include "workspace/workspace.h"

/* A row as the hub's worker makes it at most, and as much again for what must be escaped. */
#define ROW_MAX ((size_t)128 << 20)
/* Names and types of columns, versions of tables. */
#define AROUND_MAX ((size_t)64 << 20)
/* The hub's own maximum of rows. */
#define ROWS_MAX 1000000

static int find_credentials(const struct query_remote *query, struct credentials *ret,
			    struct err *e)
{
	const struct credentials_hints hints = { .server = query->server, .token = query->token };
	const struct workspace_options o = { .path = query->workspace,
					     .server = query->server,
					     .token = query->token };
	AUTO_WORKSPACE struct workspace *ws = NULL;
	int r = workspace_open(&o, &ws, e);

	if (r == 0)
		return workspace_credentials(ws, ret, e);
	if (r != ERR_NOT_FOUND || query->workspace)
		return r;
	*e = (struct err){ 0 }; /* outside of a workspace the user's own will do */
	return credentials_find(&hints, ret, e);
}

static void write_question(const struct query_remote *query, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "sql", query->sql);
	json_add_int(&o, "limit", query->limit > 0 ? query->limit : ROWS_MAX);
	json_close(&o);
}

struct answer {
	struct printer *printer;
	struct json_rows *reader;
	int64_t rows;
};

static int print_columns(const struct json *answer, struct printer *printer, struct err *e)
{
	const struct json *names = json_get(answer, "columns"), *types = json_get(answer, "types");
	size_t n = json_size(names);
	AUTO_FREE struct duck_column *columns = xcalloc(n + 1, sizeof(*columns));
	AUTO_STRV struct strv texts = STRV_INIT;

	for (size_t i = 0; i < n; i++) {
		const char *name = json_text(json_at(names, i)),
			   *type = json_text(json_at(types, i));

		strv_add(&texts, name ? name : "");
		strv_add(&texts, type ? type : "VARCHAR");
	}
	for (size_t i = 0; i < n; i++)
		columns[i] = (struct duck_column){ texts.v[2 * i], texts.v[2 * i + 1] };
	return printer_columns(printer, columns, n, e);
}

static int on_columns(void *ctx, const struct json *head, struct err *e)
{
	const struct answer *a = ctx;

	return print_columns(head, a->printer, e);
}

static int on_row(void *ctx, const struct json *row, struct err *e)
{
	struct answer *a = ctx;

	a->rows++;
	return printer_row(a->printer, row, e);
}

/* An error is read as a whole, an answer as it comes. */
static int on_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	(void)ctx;
	(void)e;
	return reply->status == 200;
}

static int on_body(void *ctx, const void *p, size_t n, struct err *e)
{
	const struct answer *a = ctx;

	return json_rows_add(a->reader, (struct bytes){ p, n }, e);
}

/* What failed while rows were sent stands behind them; then the connection ends. */
static int explain_break(const struct answer *a, struct err *e)
{
	AUTO_JSON struct json *rest = json_rows_broken(a->reader);
	const char *detail = json_text(json_get(json_get(rest, "error"), "detail"));
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);

	if (!detail)
		return a->rows > 0 ? err_in(e, "after %lld rows", (long long)a->rows) : e->code;
	text_add_clean(&clean, bytes_of(detail));
	return err_set(e, ERR_REMOTE, "after %lld rows the hub gave up: %.300s", (long long)a->rows,
		       buf_str(&clean));
}

static int ask(const struct query_remote *query, struct answer *a, struct err *e)
{
	AUTO_CREDENTIALS struct credentials credentials = { 0 };
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_HTTP struct http_client *client = http_client_new(NULL);
	AUTO_FREE char *url = NULL;
	int r = find_credentials(query, &credentials, e);

	if (r < 0)
		return r;
	url = xasprintf("%s/api/query", credentials.server);
	write_question(query, &body);
	const struct http_request q = { .method = "POST",
					.url = url,
					.token = credentials.token,
					.content_type = "application/json",
					.body = buf_bytes(&body),
					.accept_gzip = true,
					.ctx = a,
					.on_head = on_head,
					.on_body = on_body };

	r = http_request(client, &q, &reply, e);
	if (r < 0)
		return explain_break(a, e);
	return http_expect(&reply, 200, e);
}

int query_remote(const struct query_remote *query, struct printer *printer,
		 struct query_remote_result *ret_result, struct err *e)
{
	struct answer answer = { .printer = printer };
	const struct json_rows_options o = { .member = "rows",
					     .row_max = ROW_MAX,
					     .rest_max = AROUND_MAX,
					     .ctx = &answer,
					     .on_head = on_columns,
					     .on_row = on_row };
	AUTO_JSON_ROWS struct json_rows *reader = json_rows_new(&o);
	AUTO_JSON struct json *rest = NULL;
	const char *cut_by;

	answer.reader = reader;
	if (ask(query, &answer, e) < 0)
		return e->code;
	if (json_rows_end(reader, &rest, e) < 0)
		return err_in(e, "the hub's answer");
	ret_result->rows = answer.rows;
	ret_result->truncated = json_flag(json_get(rest, "truncated"), false);
	cut_by = json_text(json_get(rest, "truncated_by"));
	(void)snprintf(ret_result->cut_by, sizeof(ret_result->cut_by), "%s", cut_by ? cut_by : "");
	return printer_end(printer, ret_result->rows, ret_result->truncated, e);
}
