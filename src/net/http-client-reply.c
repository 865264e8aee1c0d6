/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-client-reply.h"

#include "base/json.h"
#include "base/time.h"
#include "net/http-range.h"
#include <ctype.h>

void http_reply_release(struct http_reply *reply)
{
	free(reply->etag);
	free(reply->location);
	free(reply->content_type);
	strv_release(&reply->headers);
	buf_release(&reply->body);
	*reply = (struct http_reply)HTTP_REPLY_INIT;
}

void http_reply_reset(struct http_reply *reply, size_t max_body)
{
	http_reply_release(reply);
	reply->body.max = max_body;
}

const char *http_reply_header(const struct http_reply *reply, const char *lower_case_name)
{
	size_t n = strlen(lower_case_name);

	for (size_t i = 0; i < reply->headers.n; i++) {
		const char *line = reply->headers.v[i];

		if (strncmp(line, lower_case_name, n) == 0 && line[n] == ':')
			return line + n + 2;
	}
	return NULL;
}

/* Seconds, or an HTTP date (RFC 9110 section 10.2.3). Nonsense counts as absent. */
static int retry_after(const char *value)
{
	struct err e = { 0 };
	int64_t seconds = 0, ms;

	if (http_date_parse(value, &ms)) /* a second more, for the part that was cut off */
		seconds = (ms - time_now()) / 1000 + 1;
	else if (parse_int64(value, 0, INT64_MAX, &seconds, &e) < 0)
		return 0;
	if (seconds < 0)
		return 0;
	return seconds > HTTP_RETRY_AFTER_MAX ? HTTP_RETRY_AFTER_MAX : (int)seconds;
}

static void keep(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

static void note_known(struct http_reply *reply, const char *name, const char *value)
{
	struct http_content_range range;
	struct err e = { 0 };

	if (str_eq(name, "etag")) {
		keep(&reply->etag, value);
	} else if (str_eq(name, "location")) {
		keep(&reply->location, value);
	} else if (str_eq(name, "content-type")) {
		keep(&reply->content_type, value);
	} else if (str_eq(name, "retry-after")) {
		reply->retry_after = retry_after(value);
	} else if (str_eq(name, "content-length")) {
		if (parse_int64(value, 0, INT64_MAX, &reply->content_length, &e) < 0)
			reply->content_length = -1;
	} else if (str_eq(name, "content-range") && http_content_range_parse(value, &range)) {
		reply->range_first = range.first;
		reply->range_total = range.total;
	}
}

static void add_header(struct http_reply *reply, const char *text, size_t n)
{
	const char *colon = memchr(text, ':', n);
	AUTO_FREE char *name = NULL;
	AUTO_FREE char *value = NULL;
	const char *p;

	if (!colon)
		return;
	name = xstrndup(text, (size_t)(colon - text));
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	for (p = colon + 1; p < text + n && (*p == ' ' || *p == '\t'); p++)
		;
	while (n > (size_t)(p - text) && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	value = xstrndup(p, n - (size_t)(p - text));
	strv_addf(&reply->headers, "%s: %s", name, value);
	note_known(reply, name, value);
}

/* "HTTP/1.1 206 Partial Content": libcurl has checked that it is one. */
static long status_of(const char *line, size_t n)
{
	const char *blank = memchr(line, ' ', n);
	long status = 0;

	if (!blank)
		return 0;
	for (size_t i = (size_t)(blank - line) + 1; i < n && isdigit((unsigned char)line[i]); i++)
		if (status < 1000)
			status = status * 10 + (line[i] - '0');
	return status;
}

bool http_reply_add_line(struct http_reply *reply, struct bytes line)
{
	size_t n = line.n;

	while (n > 0 && (line.p[n - 1] == '\r' || line.p[n - 1] == '\n'))
		n--;
	if (n == 0)
		return reply->status >= 200;
	if (n >= 5 && memcmp(line.p, "HTTP/", 5) == 0) {
		http_reply_reset(reply, reply->body.max);
		reply->status = status_of(line.p, n);
	} else {
		add_header(reply, line.p, n);
	}
	return false;
}

struct meaning {
	long status;
	enum err_code code;
	const char *text;
};

static const struct meaning *meaning_of(long status)
{
	static const struct meaning meanings[] = {
		{ 400, ERR_USAGE, "the request is not understood" },
		{ 401, ERR_AUTH, "the server does not know this token" },
		{ 403, ERR_DENIED, "not allowed" },
		{ 404, ERR_NOT_FOUND, "not found" },
		{ 407, ERR_OFFLINE, "the proxy wants a log-in" },
		{ 408, ERR_OFFLINE, "the server gave up waiting" },
		{ 409, ERR_CONFLICT, "in conflict with what the server has" },
		{ 410, ERR_NOT_FOUND, "gone" },
		{ 413, ERR_LIMIT, "larger than the server takes" },
		{ 422, ERR_CORRUPT, "the server cannot use what was sent" },
		{ 429, ERR_BUSY, "too many requests" },
		{ 503, ERR_BUSY, "the server is busy" },
	};
	static const struct meaning other = { 0, ERR_REMOTE, "the server failed" };
	static const struct meaning unexpected = { 0, ERR_REMOTE,
						   "an answer that was not asked for" };

	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (meanings[i].status == status)
			return &meanings[i];
	return status >= 500 ? &other : &unexpected;
}

/* What the server says about it, made fit for a terminal; "" when it says nothing readable. */
static void add_detail(const struct http_reply *reply, struct buf *out, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	AUTO_BUF struct buf hint = BUF_INIT(HTTP_SMALL_BODY_MAX);
	const struct json *detail;
	const char *text, *next;
	struct err ignored = { 0 };

	if (json_parse(buf_bytes(&reply->body), HTTP_SMALL_BODY_MAX, &doc, &ignored) < 0)
		return;
	/* A sentence, or of some refusals an object with the sentence in it. */
	detail = json_get(doc, "detail");
	text = json_text(json_kind(detail) == JSON_OBJECT ? json_get(detail, "message") : detail);
	next = json_text(json_get(json_kind(detail) == JSON_OBJECT ? detail : doc, "hint"));
	if (text)
		text_add_clean(out, bytes_of(text));
	if (!next)
		return;
	text_add_clean(&hint, bytes_of(next));
	(void)err_hint(e, "%s", buf_str(&hint));
}

int http_expect(const struct http_reply *reply, long status, struct err *e)
{
	AUTO_BUF struct buf detail = BUF_INIT(HTTP_SMALL_BODY_MAX);
	const struct meaning *m = NULL;
	struct err said = { 0 };

	if (reply->status == status)
		return 0;
	m = meaning_of(reply->status);
	if (reply->status >= 300 && reply->status < 400 && reply->location) {
		text_add_clean(&detail, bytes_of(reply->location));
		(void)err_set(e, ERR_REMOTE, "the server points to '%s' (HTTP %ld)",
			      buf_str(&detail), reply->status);
		return err_hint(e, "if that is where it lives now, use that address");
	}
	add_detail(reply, &detail, &said);
	(void)err_set(e, m->code, "%s (HTTP %ld)", detail.n > 0 ? buf_str(&detail) : m->text,
		      reply->status);
	if (said.hint[0])
		(void)err_hint(e, "%s", said.hint);
	e->retry_after = reply->retry_after;
	return e->code;
}
