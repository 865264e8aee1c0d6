/* SPDX-License-Identifier: Apache-2.0 */
/* A URL's bytes into staging, its name out of its path, its type out of its first bytes. */
#include "base/file.h"
#include "engine/journal.h"
#include "kb/add-internal.h"
#include "kb/unicode.h"
#include "net/http-client.h"
#include "net/url.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>

/* Pages move, from http to https and to their long names; more is a loop. */
#define REDIRECTS_MAX 5
#define STEM_MAX      80
#define HEAD_BYTES    64

struct fetching {
	struct kb *kb;
	int fd;
	int64_t bytes;
	char head[HEAD_BYTES];
	size_t head_n;
};

static int on_head(void *ctx, const struct http_reply *reply, struct err *e)
{
	(void)ctx;
	(void)e;
	return reply->status == 200;
}

static int on_body(void *ctx, const void *p, size_t n, struct err *e)
{
	struct fetching *f = ctx;
	size_t more = HEAD_BYTES - f->head_n < n ? HEAD_BYTES - f->head_n : n;

	memcpy(f->head + f->head_n, p, more);
	f->head_n += more;
	f->bytes += (int64_t)n;
	if (f->bytes > CONVERT_INPUT_MAX)
		return err_set(e, ERR_LIMIT, "it is larger than %lld bytes",
			       (long long)CONVERT_INPUT_MAX);
	return file_write_all(f->fd, (struct bytes){ p, n }, "download", e);
}

/* "/docs/b.html" and "https://x/y" are relative to where they came from. */
static char *absolute(const char *from, const char *location)
{
	const char *host = strstr(from, "://") + 3;
	size_t n = strcspn(host, "/?#");
	const char *slash = strrchr(host, '/');

	if (str_starts(location, "http://") || str_starts(location, "https://"))
		return xstrdup(location);
	if (str_starts(location, "//"))
		return xasprintf("%.*s%s", (int)(host - 2 - from), from, location);
	if (location[0] == '/')
		return xasprintf("%.*s%s", (int)(host + (ptrdiff_t)n - from), from, location);
	return xasprintf("%.*s/%s", slash ? (int)(slash - from) : (int)strlen(from), from,
			 location);
}

static int ask(struct http_client *http, struct fetching *f, const char *url,
	       struct http_reply *reply, struct err *e)
{
	const struct http_request q = {
		.method = "GET",
		.url = url,
		.accept_gzip = true,
		.ctx = f,
		.on_head = on_head,
		.on_body = on_body,
	};

	if (ftruncate(f->fd, 0) < 0 || lseek(f->fd, 0, SEEK_SET) < 0)
		return err_sys(e, "write the download");
	f->bytes = 0;
	f->head_n = 0;
	return http_request(http, &q, reply, e);
}

static int follow(struct fetching *f, const char *url, struct http_reply *reply, struct err *e)
{
	AUTO_HTTP struct http_client *http = http_client_new(NULL);
	AUTO_FREE char *at = xstrdup(url);

	for (int i = 0; i <= REDIRECTS_MAX; i++) {
		char *next;
		int r = ask(http, f, at, reply, e);

		if (r < 0)
			return r;
		if (reply->status < 300 || reply->status >= 400 || !reply->location)
			return http_expect(reply, 200, e);
		next = absolute(at, reply->location);
		free(at);
		at = next;
	}
	return err_set(e, ERR_REMOTE, "more than %d redirects", REDIRECTS_MAX);
}

/* The first bytes say more than the server does. */
static const char *type_of(const struct fetching *f, const struct http_reply *reply)
{
	struct bytes head = { f->head, f->head_n };
	const char *said = reply->content_type ? reply->content_type : "";

	if (head.n >= 5 && memcmp(head.p, "%PDF-", 5) == 0)
		return "pdf";
	while (head.n > 0 && isspace((unsigned char)head.p[0]))
		head = (struct bytes){ head.p + 1, head.n - 1 };
	if (head.n > 0 && head.p[0] == '<')
		return "html";
	if (str_starts(said, "text/csv"))
		return "csv";
	if (str_starts(said, "text/markdown"))
		return "md";
	return str_starts(said, "text/html") ? "html" : str_starts(said, "text/") ? "txt" : NULL;
}

static char *stem_of(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	AUTO_FREE char *path = xstrndup(host, strcspn(host, "?#"));
	AUTO_BUF struct buf decoded = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };
	char *slash, *dot;
	AUTO_FREE char *slug = NULL;

	while (*path && path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	slash = strrchr(path, '/');
	if (url_decode(bytes_of(slash ? slash + 1 : path), false, &decoded, &e) < 0)
		buf_clear(&decoded);
	dot = decoded.n && slash ? strrchr(decoded.p, '.') : NULL;
	if (dot && dot != decoded.p)
		*dot = '\0';
	slug = uni_slug(buf_str(&decoded), "document");
	return xstrndup(slug, text_fit(slug, STEM_MAX));
}

static int fetch(struct kb *kb, struct kb_add_item *item, const char *staged, struct err *e)
{
	AUTO_FREE char *stem = stem_of(item->path);
	AUTO_HTTP_REPLY struct http_reply reply = HTTP_REPLY_INIT;
	AUTO_FD int fd = -1;
	AUTO_FREE char *known = convert_type_of(item->path);
	struct fetching f = { .kb = kb };
	const char *type;
	int r = journal_stage_create(kb_root(kb), staged, &fd, e);

	f.fd = fd;
	if (r == 0)
		r = follow(&f, item->path, &reply, e);
	if (r < 0)
		return err_in(e, "fetch '%.300s'", item->path);
	type = type_of(&f, &reply);
	if (convert_knows(known) && !(type && (str_eq(type, "pdf") || str_eq(type, "html"))))
		type = known;
	if (!type || !convert_knows(type))
		return err_set(e, ERR_USAGE, "'%.300s' is of no type that can be converted (%s)",
			       item->path, reply.content_type ? reply.content_type : "unknown");
	item->type = xstrdup(type);
	item->name = xasprintf("%s.%s", stem, type);
	return 0;
}

int add_fetch(struct kb *kb, struct kb_add_item *item, struct err *e)
{
	AUTO_FREE char *staged = kb_stage_name(kb, "download");
	struct err ignored = { 0 };
	int r = fetch(kb, item, staged, e);

	if (r == 0)
		item->staged = TAKE(staged);
	else
		(void)journal_stage_remove(kb_root(kb), staged, &ignored); /* else it is reaped */
	return r;
}
