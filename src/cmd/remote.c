/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/remote.h"

#include "cmd/cmd.h"
#include "net/url.h"
#include "workspace/credentials.h"
#include <stdarg.h>

struct remote {
	struct credentials credentials;
	struct http_client *client;
};

int remote_open(const struct remote_args *args, struct remote **ret_remote, struct err *e)
{
	AUTO_REMOTE struct remote *remote = xcalloc(1, sizeof(*remote));
	struct credentials_hints hints = { .server = args->server, .token = args->token };
	int r = credentials_find(&hints, &remote->credentials, e);

	if (r < 0)
		return r;
	remote->client = http_client_new(NULL);
	*ret_remote = TAKE(remote);
	return 0;
}

void remote_close(struct remote *remote)
{
	if (!remote)
		return;
	http_client_free(remote->client);
	credentials_release(&remote->credentials);
	free(remote);
}

const char *remote_server(const struct remote *remote)
{
	return remote->credentials.server;
}

const char *remote_token(const struct remote *remote)
{
	return remote->credentials.token;
}

int remote_ask(struct remote *remote, const struct remote_call *call, struct json **ret_reply,
	       struct err *e)
{
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_FREE char *url = xasprintf("%s%s", remote_server(remote), call->path);
	struct http_request q = {
		.method = call->method,
		.url = url,
		.token = remote_token(remote),
		.content_type = call->body.n ? "application/json" : NULL,
		.body = call->body,
		.max_body = REMOTE_REPLY_MAX,
		.accept_gzip = true,
	};
	int r = http_request(remote->client, &q, &reply, e);

	if (r == 0 && reply.status / 100 != 2)
		r = http_expect(&reply, 200, e);
	if (r < 0 || !ret_reply || reply.body.n == 0)
		return r;
	r = json_parse(buf_bytes(&reply.body), REMOTE_REPLY_MAX, ret_reply, e);
	return r < 0 ? err_in(e, "reply of '%s'", url) : 0;
}

int remote_ask_once(const struct remote_args *args, const struct remote_call *call,
		    struct json **ret_reply, struct err *e)
{
	AUTO_REMOTE struct remote *remote = NULL;
	int r = remote_open(args, &remote, e);

	return r < 0 ? r : remote_ask(remote, call, ret_reply, e);
}

char *remote_path(const char *base, const char *segment)
{
	struct buf path = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&path, base);
	url_add_segment(&path, segment);
	return buf_take(&path);
}

/* A cell of the table: one line, nothing that a terminal would obey. */
static void add_value(struct buf *out, const struct json *v)
{
	size_t before = out->n;

	switch (json_kind(v)) {
	case JSON_TEXT:
		text_add_clean(out, json_bytes(v));
		break;
	case JSON_ARRAY:
		for (size_t i = 0; i < json_size(v); i++) {
			if (i > 0)
				buf_adds(out, ", ");
			add_value(out, json_at(v, i));
		}
		break;
	case JSON_BOOL:
		buf_adds(out, json_flag(v, false) ? "yes" : "no");
		break;
	case JSON_INT:
	case JSON_DOUBLE:
	case JSON_OBJECT:
		json_print(v, out, false);
		break;
	case JSON_NONE:
	case JSON_NULL:
		break;
	}
	for (size_t i = before; i < out->n; i++) {
		if (out->p[i] == '\n' || out->p[i] == '\t')
			out->p[i] = ' ';
	}
	if (out->n == before)
		buf_addc(out, '-');
}

static void add_row(struct buf *out, char *const *cells, const size_t *widths, size_t columns)
{
	for (size_t i = 0; i < columns; i++) {
		buf_adds(out, cells[i]);
		for (size_t n = text_width(cells[i]); i + 1 < columns && n < widths[i] + 2; n++)
			buf_addc(out, ' ');
	}
	buf_addc(out, '\n');
}

static void fill_cells(struct strv *cells, const struct json *list,
		       const struct remote_column *columns)
{
	for (const struct remote_column *c = columns; c->title; c++)
		strv_add(cells, c->title);
	for (size_t i = 0; i < json_size(list); i++) {
		for (const struct remote_column *c = columns; c->title; c++) {
			struct buf cell = BUF_INIT(BUF_OWN_MAX);

			add_value(&cell, json_get(json_at(list, i), c->key));
			strv_adopt(cells, buf_take(&cell));
		}
	}
}

static void add_table(struct buf *out, const struct json *list, const struct remote_column *columns)
{
	AUTO_STRV struct strv cells = STRV_INIT;
	AUTO_FREE size_t *widths = NULL;
	size_t n = 0;

	while (columns[n].title)
		n++;
	fill_cells(&cells, list, columns);
	widths = xcalloc(n, sizeof(*widths));
	for (size_t i = 0; i < cells.n; i++) {
		size_t w = text_width(cells.v[i]);

		if (w > widths[i % n])
			widths[i % n] = w;
	}
	for (size_t i = 0; i < cells.n; i += n)
		add_row(out, cells.v + i, widths, n);
}

int remote_print_list(const struct remote_args *args, const struct json *reply, const char *key,
		      const struct remote_column *columns, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (args->json)
		json_print(reply, &out, true);
	else
		add_table(&out, key ? json_get(reply, key) : reply, columns);
	return cmd_print(&out, e);
}

int remote_print_done(const struct remote_args *args, const struct json *reply, struct err *e,
		      const char *fmt, ...)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (!args->json)
		text_add_clean(&out, buf_bytes(&text));
	else if (reply)
		json_print(reply, &out, true);
	else
		buf_adds(&out, "{}");
	if (!args->json || !reply)
		buf_addc(&out, '\n');
	return cmd_print(&out, e);
}
