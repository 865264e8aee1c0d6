/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/query-remote.h"

#include "net/http-client.h"
#include "workspace/workspace.h"

/* What a hub sends at most by its settings (a GiB could be set), as JSON in memory here. */
#define REPLY_MAX ((size_t)512 << 20)
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

static int ask(const struct query_remote *query, struct json **ret_answer, struct err *e)
{
	AUTO_CREDENTIALS struct credentials credentials = { 0 };
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_FREE char *url = NULL;
	struct http_client *client;
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
					.max_body = REPLY_MAX,
					.accept_gzip = true };

	client = http_client_new(NULL);
	r = http_request(client, &q, &reply, e);
	if (r == 0)
		r = http_expect(&reply, 200, e);
	http_client_free(client);
	if (r < 0)
		return r;
	r = json_parse(buf_bytes(&reply.body), REPLY_MAX, ret_answer, e);
	return r < 0 ? err_in(e, "reply of '%s'", url) : 0;
}

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

int query_remote(const struct query_remote *query, struct printer *printer,
		 struct query_remote_result *ret_result, struct err *e)
{
	AUTO_JSON struct json *answer = NULL;
	const struct json *rows;
	const char *cut_by;

	if (ask(query, &answer, e) < 0 || print_columns(answer, printer, e) < 0)
		return e->code;
	rows = json_get(answer, "rows");
	for (size_t i = 0; i < json_size(rows); i++) {
		if (printer_row(printer, json_at(rows, i), e) < 0)
			return e->code;
	}
	ret_result->rows = (int64_t)json_size(rows);
	ret_result->truncated = json_flag(json_get(answer, "truncated"), false);
	cut_by = json_text(json_get(answer, "truncated_by"));
	(void)snprintf(ret_result->cut_by, sizeof(ret_result->cut_by), "%s", cut_by ? cut_by : "");
	return printer_end(printer, ret_result->rows, ret_result->truncated, e);
}
