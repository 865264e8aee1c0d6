/* SPDX-License-Identifier: Apache-2.0 */
/* One request, as libcurl's handle is told of it, and its callbacks. */
#include "net/http-transfer.h"

#include "base/log.h"
#include "base/time.h"
#include "net/http-client-reply.h"
#include <inttypes.h>

/* The largest libcurl takes: fewer, larger reads are what a bulk transfer lives on. */
#define RECEIVE_BUFFER 524288L
#define SEND_BUFFER    524288L
/* What libcurl has by default: for short answers, of which many are in memory at once. */
#define SMALL_BUFFER 16384L

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

	/* Fewer only at a new request on the same handle. */
	if (moved < t->moved || moved - t->moved >= t->client->stall_bytes) {
		t->moved = moved;
		t->moved_ms = now;
	}
	return now - t->moved_ms > (int64_t)t->client->stall_s * 1000;
}

static bool is_cancelled(const struct http_client *c)
{
	return atomic_load(&c->abandoned) || (c->cancel && atomic_load(c->cancel));
}

static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
		       curl_off_t up)
{
	struct transfer *t = ctx;

	(void)down_total;
	(void)up_total;
	if (is_cancelled(t->client)) {
		t->failed = err_set(t->e, ERR_CANCELLED, "cancelled");
		return 1;
	}
	if (is_stalled(t, down + up + (curl_off_t)t->header_bytes)) {
		t->failed = err_set(t->e, ERR_OFFLINE, "%s came for %ld seconds",
				    t->client->stall_bytes > 1 ? "next to nothing" : "nothing",
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

static void set_connection(const struct http_client *c, const struct curl_library *curl, CURL *h)
{
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_SOCKS5_AUTH, (long)CURLAUTH_BASIC); /* not Kerberos, which ours is without */
	SET(CURLOPT_NOPROXY, c->no_proxy);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, c->connect_ms);
	SET(CURLOPT_USERAGENT, c->user_agent);
	if (c->ca_file) {
		SET(CURLOPT_CAINFO, c->ca_file);
		SET(CURLOPT_CAPATH, NULL); /* it alone, not it too */
	}
}

static void set_buffers(const struct curl_library *curl, CURL *h, bool small)
{
	SET(CURLOPT_BUFFERSIZE, small ? SMALL_BUFFER : RECEIVE_BUFFER);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, small ? SMALL_BUFFER : SEND_BUFFER);
}

static void set_callbacks(struct transfer *t, const struct curl_library *curl, CURL *h)
{
	SET(CURLOPT_URL, t->request->url);
	SET(CURLOPT_ERRORBUFFER, t->message);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, t);
}

static void set_method(struct transfer *t, const struct curl_library *curl, CURL *h)
{
	const struct http_request *q = t->request;

	/* A handle that has been used may be set for another method: this takes it back to GET. */
	SET(CURLOPT_HTTPGET, 1L);
	SET(CURLOPT_CUSTOMREQUEST, NULL);
	SET(CURLOPT_ACCEPT_ENCODING, q->accept_gzip ? "gzip" : NULL);
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

/* `sent` and `head`: what went over the wire beside the bodies. */
static void trace(const struct transfer *t, CURL *handle)
{
	const struct curl_library *curl = t->client->curl;
	long sent = 0;
	long head = 0;

	if (!trace_enabled())
		return;
	(void)curl->easy_getinfo(handle, CURLINFO_REQUEST_SIZE, &sent); /* or 0: it is only told */
	(void)curl->easy_getinfo(handle, CURLINFO_HEADER_SIZE, &head);
	trace_event("http", t->started,
		    "\"method\":\"%s\",\"url\":\"%s\",\"status\":%ld,\"first\":%" PRId64
		    ",\"bytes\":%" PRId64 ",\"sent\":%ld,\"head\":%ld",
		    t->request->method, t->request->url, t->reply->status, t->request->range_first,
		    t->reply->bytes_received, sent, head);
}

int transfer_load(struct http_client *c, struct err *e)
{
	return c->curl ? 0 : curl_library_load(&c->curl, e);
}

int transfer_check(struct http_client *c, const struct http_request *q, struct err *e)
{
	if (strncasecmp(q->url, "http://", 7) != 0 && strncasecmp(q->url, "https://", 8) != 0)
		return err_set(e, ERR_USAGE, "'%s' is not an http address", q->url);
	return transfer_load(c, e);
}

void transfer_open(struct http_client *c, CURL *handle, bool many)
{
	const struct curl_library *curl = c->curl;

	set_connection(c, curl, handle);
	if (c->warm)
		http_warm_open(c, handle);
	set_buffers(curl, handle, many);
	(void)curl->easy_setopt(handle, CURLOPT_NOPROGRESS, (long)many); /* as SET says */
}

int transfer_prepare(struct transfer *t, CURL *handle)
{
	const struct curl_library *curl = t->client->curl;

	t->started = t->moved_ms = time_monotonic();
	if (add_headers(t) < 0)
		return t->e->code;
	set_callbacks(t, curl, handle);
	set_method(t, curl, handle);
	return 0;
}

int transfer_end(struct transfer *t, CURL *handle, CURLcode result)
{
	const struct curl_library *curl = t->client->curl;
	curl_off_t received = 0;

	if (curl->easy_getinfo(handle, CURLINFO_SIZE_DOWNLOAD_T, &received) == CURLE_OK)
		t->reply->bytes_received = received;
	trace(t, handle);
	return result == CURLE_OK ? 0 : explain(t, result);
}

void transfer_release(struct transfer *t, CURL *handle)
{
	const struct curl_library *curl = t->client->curl;

	if (handle) {
		(void)curl->easy_setopt(handle, CURLOPT_HTTPHEADER, NULL); /* what ends here */
		(void)curl->easy_setopt(handle, CURLOPT_ERRORBUFFER, NULL);
	}
	if (t->headers)
		curl->slist_free_all(t->headers);
	t->headers = NULL;
}
