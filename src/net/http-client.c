/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-client.h"

#include "base/log.h"
#include "base/time.h"
#include "net/http-client-load.h"
#include "net/http-client-reply.h"
#include <inttypes.h>
#include <poll.h>

/* The largest libcurl takes: fewer, larger reads are what a bulk transfer lives on. */
#define RECEIVE_BUFFER 524288L
#define SEND_BUFFER    524288L

struct http_client {
	const struct curl_library *curl; /* NULL until the first request */
	CURL *handle;                    /* holds the connections from request to request */
	char *user_agent;
	char *ca_file;
	char *no_proxy;
	const atomic_bool *cancel;
	long stall_s;
};

/* One request while it runs. */
struct transfer {
	struct http_client *client;
	const struct http_request *request;
	struct http_reply *reply;
	struct curl_slist *headers;
	struct err *e; /* set when a callback of ours or of the caller ended it */
	int failed;
	size_t header_bytes;
	int64_t sent;
	int64_t moved, moved_ms; /* bytes in both directions, and when they last grew */
	bool head_done;
	bool to_caller;
	char message[CURL_ERROR_SIZE];
};

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static char *no_proxy_list(void)
{
	const char *given = or_null(getenv("no_proxy"));

	if (!given)
		given = or_null(getenv("NO_PROXY"));
	return xasprintf("%s%slocalhost,127.0.0.1,::1", given ? given : "", given ? "," : "");
}

struct http_client *http_client_new(const struct http_client_options *options)
{
	static const struct http_client_options defaults = { 0 };
	const struct http_client_options *o = options ? options : &defaults;
	struct http_client *c = xcalloc(1, sizeof(*c));
	const char *ca_file = o->ca_file;

	if (!ca_file)
		ca_file = or_null(getenv("CURL_CA_BUNDLE"));
	if (!ca_file)
		ca_file = or_null(getenv("SSL_CERT_FILE"));
	c->ca_file = copy(ca_file);
	c->user_agent = xstrdup(o->user_agent ? o->user_agent : "larder/" LARDER_VERSION);
	c->no_proxy = no_proxy_list();
	c->cancel = o->cancel;
	c->stall_s = o->stall_s > 0 ? o->stall_s : HTTP_STALL_S;
	return c;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	if (c->handle)
		c->curl->easy_cleanup(c->handle);
	free(c->user_agent);
	free(c->ca_file);
	free(c->no_proxy);
	free(c);
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	n *= size;
	t->header_bytes += n;
	if (t->header_bytes > HTTP_HEADERS_MAX) {
		t->failed = err_set(t->e, ERR_LIMIT, "the reply's headers are over %zu bytes",
				    HTTP_HEADERS_MAX);
		return 0;
	}
	if (t->head_done) /* trailers after the body: nothing of ours uses them */
		return n;
	t->head_done = http_reply_add_line(t->reply, (struct bytes){ p, n });
	if (t->head_done && t->request->on_head) {
		int r = t->request->on_head(t->request->ctx, t->reply, t->e);

		if (r < 0) {
			t->failed = r;
			return 0;
		}
		t->to_caller = r > 0;
	}
	return n;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	n *= size;
	t->reply->bytes_received += (int64_t)n;
	if (t->to_caller) {
		int r = t->request->on_body(t->request->ctx, p, n, t->e);

		if (r >= 0)
			return n;
		t->failed = r;
		return 0;
	}
	buf_add(&t->reply->body, p, n);
	if (!t->reply->body.full)
		return n;
	t->failed = err_set(t->e, ERR_LIMIT, "the reply is over %zu bytes", t->reply->body.max);
	return 0;
}

static size_t on_read(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	int64_t left = t->request->body_size - t->sent;
	size_t want = (int64_t)(n * size) < left ? n * size : (size_t)left;
	ssize_t got = pread(t->request->body_fd, p, want, t->sent);

	if (got < 0 || (got == 0 && want > 0)) {
		t->failed = got < 0 ? err_sys(t->e, "read the file to send")
				    : err_set(t->e, ERR_IO, "the file to send became shorter");
		return CURL_READFUNC_ABORT;
	}
	t->sent += got;
	return (size_t)got;
}

/* Asked when a kept connection turns out to be dead and the request is sent again. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
	struct transfer *t = ctx;

	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	t->sent = offset;
	return CURL_SEEKFUNC_OK;
}

/* Ours, because libcurl's own limit looks at a speed averaged over five seconds more. */
static bool is_stalled(struct transfer *t, int64_t moved)
{
	int64_t now = time_monotonic();

	if (moved != t->moved) {
		t->moved = moved;
		t->moved_ms = now;
	}
	return now - t->moved_ms > (int64_t)t->client->stall_s * 1000;
}

static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
		       curl_off_t up)
{
	struct transfer *t = ctx;

	(void)down_total;
	(void)up_total;
	if (t->client->cancel && atomic_load(t->client->cancel)) {
		t->failed = err_set(t->e, ERR_CANCELLED, "cancelled");
		return 1;
	}
	if (is_stalled(t, down + up + (curl_off_t)t->header_bytes)) {
		t->failed = err_set(t->e, ERR_OFFLINE, "nothing came for %ld seconds",
				    t->client->stall_s);
		return 1;
	}
	if (t->request->on_sent && up > 0)
		t->request->on_sent(t->request->ctx, up);
	return 0;
}

/* A value with a line end in it would be a header of its own. */
static int add_header(struct transfer *t, const char *name, const char *value)
{
	AUTO_FREE char *line = NULL;

	if (!value)
		return 0;
	line = name ? xasprintf("%s: %s", name, value) : xstrdup(value);
	if (strpbrk(line, "\r\n"))
		return err_set(t->e, ERR_USAGE, "a line end in the header '%s'",
			       name ? name : "given");
	t->headers = t->client->curl->slist_append(t->headers, line);
	return 0;
}

static int add_range(struct transfer *t)
{
	const struct http_request *q = t->request;
	AUTO_FREE char *range = NULL;

	if (q->range_first <= 0 && q->range_last <= 0)
		return 0;
	range = q->range_last > 0 ? xasprintf("bytes=%lld-%lld", (long long)q->range_first,
					      (long long)q->range_last)
				  : xasprintf("bytes=%lld-", (long long)q->range_first);
	return add_header(t, "Range", range);
}

static int add_headers(struct transfer *t)
{
	const struct http_request *q = t->request;
	AUTO_FREE char *bearer = q->token ? xasprintf("Bearer %s", q->token) : NULL;

	if (add_header(t, "Authorization", bearer) < 0 ||
	    add_header(t, "If-None-Match", q->if_none_match) < 0 ||
	    add_header(t, "If-Range", q->if_range) < 0 || add_range(t) < 0 ||
	    /* without one, libcurl would call any body a form */
	    add_header(t, "Content-Type",
		       q->content_type ? q->content_type : "application/octet-stream") < 0)
		return t->e->code;
	for (size_t i = 0; q->headers && i < q->headers->n; i++)
		if (add_header(t, NULL, q->headers->v[i]) < 0)
			return t->e->code;
	return 0;
}

/* Cannot fail but for want of memory or on an older libcurl that lacks an option; neither leaves
 * the transfer less safe than it was. */
#define SET(option, value) ((void)curl->easy_setopt(h, option, value))

static void set_connection(struct transfer *t, const struct curl_library *curl, CURL *h)
{
	SET(CURLOPT_URL, t->request->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_NOPROXY, t->client->no_proxy);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
	SET(CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
	SET(CURLOPT_USERAGENT, t->client->user_agent);
	SET(CURLOPT_ERRORBUFFER, t->message);
	if (t->client->ca_file) {
		SET(CURLOPT_CAINFO, t->client->ca_file);
		SET(CURLOPT_CAPATH, NULL); /* it alone, not it too */
	}
}

static void set_callbacks(struct transfer *t, const struct curl_library *curl, CURL *h)
{
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, t);
}

static void set_method(struct transfer *t, const struct curl_library *curl, CURL *h)
{
	const struct http_request *q = t->request;

	if (q->accept_gzip)
		SET(CURLOPT_ACCEPT_ENCODING, "gzip");
	SET(CURLOPT_HTTPHEADER, t->headers);
	if (str_eq(q->method, "HEAD")) {
		SET(CURLOPT_NOBODY, 1L);
		return;
	}
	if (q->body.n > 0 || (str_eq(q->method, "POST") && q->body_fd <= 0)) {
		SET(CURLOPT_POSTFIELDS, q->body.n > 0 ? q->body.p : "");
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.n);
	} else if (q->body_fd > 0) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body_size);
		SET(CURLOPT_READFUNCTION, on_read);
		SET(CURLOPT_READDATA, t);
		SET(CURLOPT_SEEKFUNCTION, on_seek);
		SET(CURLOPT_SEEKDATA, t);
	}
	if (!str_eq(q->method, "GET") || q->body.n > 0 || q->body_fd > 0)
		SET(CURLOPT_CUSTOMREQUEST, q->method);
}
#undef SET

static enum err_code code_of(CURLcode result)
{
	static const struct {
		CURLcode result;
		enum err_code code;
	} table[] = {
		{ CURLE_COULDNT_RESOLVE_PROXY, ERR_OFFLINE },
		{ CURLE_COULDNT_RESOLVE_HOST, ERR_OFFLINE },
		{ CURLE_COULDNT_CONNECT, ERR_OFFLINE },
		{ CURLE_PROXY, ERR_OFFLINE },
		{ CURLE_PARTIAL_FILE, ERR_OFFLINE },
		{ CURLE_OPERATION_TIMEDOUT, ERR_OFFLINE },
		{ CURLE_SSL_CONNECT_ERROR, ERR_OFFLINE },
		{ CURLE_GOT_NOTHING, ERR_OFFLINE },
		{ CURLE_SEND_ERROR, ERR_OFFLINE },
		{ CURLE_RECV_ERROR, ERR_OFFLINE },
		{ CURLE_SEND_FAIL_REWIND, ERR_OFFLINE },
		{ CURLE_URL_MALFORMAT, ERR_USAGE },
		{ CURLE_PEER_FAILED_VERIFICATION, ERR_FAILED },
		{ CURLE_SSL_CACERT_BADFILE, ERR_FAILED },
		{ CURLE_OUT_OF_MEMORY, ERR_FAILED },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].result == result)
			return table[i].code;
	return ERR_REMOTE;
}

/* The place for messages: queries carry texts of users, which do not belong in every log. */
static int place_length(const char *url)
{
	return (int)strcspn(url, "?");
}

static int explain(const struct transfer *t, CURLcode result)
{
	const struct http_request *q = t->request;
	enum err_code code = t->failed < 0 ? (enum err_code)t->failed : code_of(result);

	if (t->failed < 0)
		return err_in(t->e, "%s '%.*s'", q->method, place_length(q->url), q->url);
	(void)err_set(t->e, code, "%s '%.*s': %s", q->method, place_length(q->url), q->url,
		      t->message[0] ? t->message : t->client->curl->easy_strerror(result));
	if (result == CURLE_PEER_FAILED_VERIFICATION)
		(void)err_hint(t->e, "name the file with your own authority's certificate in "
				     "SSL_CERT_FILE");
	return code;
}

static void trace(const struct transfer *t, int64_t started)
{
	trace_event("http", started,
		    "\"method\":\"%s\",\"url\":\"%s\",\"status\":%ld,\"first\":%" PRId64
		    ",\"bytes\":%" PRId64,
		    t->request->method, t->request->url, t->reply->status, t->request->range_first,
		    t->reply->bytes_received);
}

static int perform(struct transfer *t)
{
	const struct curl_library *curl = t->client->curl;
	CURL *h = t->client->handle;
	int64_t started = t->moved_ms = time_monotonic();
	curl_off_t received = 0;
	CURLcode result;

	curl->easy_reset(h);
	set_connection(t, curl, h);
	set_callbacks(t, curl, h);
	set_method(t, curl, h);
	result = curl->easy_perform(h);
	if (curl->easy_getinfo(h, CURLINFO_SIZE_DOWNLOAD_T, &received) == CURLE_OK)
		t->reply->bytes_received = received;
	trace(t, started);
	return result == CURLE_OK ? 0 : explain(t, result);
}

/* Whatever can be read from a kept connection now was not asked for: it has ended, or the server
 * sent more than it announced, which must not be taken for the answer to the next request. */
static bool kept_is_dirty(const struct http_client *c)
{
	struct pollfd p = { .fd = -1, .events = POLLIN };
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (c->curl->easy_getinfo(c->handle, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK)
		p.fd = fd;
	return fd != CURL_SOCKET_BAD && poll(&p, 1, 0) > 0;
}

static int prepare(struct http_client *c, const struct http_request *q, struct err *e)
{
	if (strncasecmp(q->url, "http://", 7) != 0 && strncasecmp(q->url, "https://", 8) != 0)
		return err_set(e, ERR_USAGE, "'%s' is not an http address", q->url);
	if (!c->curl && curl_library_load(&c->curl, e) < 0)
		return e->code;
	if (c->handle && kept_is_dirty(c))
		c->curl->easy_cleanup(TAKE(c->handle));
	if (!c->handle)
		c->handle = c->curl->easy_init();
	return c->handle ? 0 : err_set(e, ERR_FAILED, "start libcurl: it refuses");
}

int http_request(struct http_client *c, const struct http_request *request,
		 struct http_reply *reply, struct err *e)
{
	struct transfer t = { .client = c, .request = request, .reply = reply, .e = e };
	int r;

	http_reply_reset(reply, request->max_body ? request->max_body : HTTP_SMALL_BODY_MAX);
	r = prepare(c, request, e);
	if (r < 0)
		return r;
	r = add_headers(&t);
	if (r == 0)
		r = perform(&t);
	c->curl->slist_free_all(t.headers);
	return r;
}
