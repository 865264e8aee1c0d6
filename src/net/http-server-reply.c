/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-server-internal.h"

#include "base/json.h"
#include "base/time.h"
#include "net/http-blob.h"
#include "net/http-range.h"
#include <assert.h>
#include <inttypes.h>
#include <sys/stat.h>

/* Below it the head outweighs what gzip saves, and the packet is not full anyway. */
#define GZIP_MIN ((size_t)1024)
/* What a busy server asks its clients to wait when the error does not say. */
#define RETRY_AFTER_S 5
/* What is read of a source at a time: each connection that sends one has so much memory. */
#define SOURCE_BLOCK ((size_t)128 << 10)

void http_reply_add(struct http_in *in, const char *name, const char *value)
{
	strv_add(&in->headers, name);
	strv_add(&in->headers, value);
}

static const char *added(const struct http_in *in, const char *name)
{
	for (size_t i = 0; i + 1 < in->headers.n; i += 2)
		if (strcasecmp(in->headers.v[i], name) == 0)
			return in->headers.v[i + 1];
	return NULL;
}

/* Takes the response over. One reply per request; a second is a mistake of ours. */
void http_reply_adopt(struct http_in *in, int status, int64_t size, struct MHD_Response *response)
{
	assert(!in->response);
	if (!response) /* only for want of memory, which ends the process everywhere else too */
		abort();
	in->response = response;
	in->status = status;
	in->reply_size =
		str_eq(in->method, "HEAD") || size < 0 ? 0 : size; /* its body stays here */
}

static void adopt_copy(struct http_in *in, int status, struct bytes body)
{
	/* The library takes a non-const pointer but only reads when told to copy. */
	void *p = (void *)(uintptr_t)body.p;

	http_reply_adopt(
		in, status, (int64_t)body.n,
		in->server->mhd->create_response_from_buffer(body.n, p, MHD_RESPMEM_MUST_COPY));
}

/* "gzip", "*" or "x, gzip;q=0.5", but not "gzip;q=0" (RFC 9110 section 12.5.3). */
static bool accepts_gzip(const struct http_in *in)
{
	const char *p = http_header(in, "Accept-Encoding");

	while (p && *p) {
		size_t n, word;

		p += strspn(p, " \t,");
		n = strcspn(p, ",");
		word = strcspn(p, " \t,;");
		if ((word == 4 && strncasecmp(p, "gzip", 4) == 0) || (word == 1 && *p == '*')) {
			const char *q = memmem(p, n, "q=0", 3);

			/* q=0, q=0.0, q=0.000 forbid it; q=0.5 does not */
			return !q || q[3 + strspn(q + 3, ".0")] > '0';
		}
		p += n;
	}
	return false;
}

static bool is_text(const char *content_type)
{
	return str_starts(content_type, "text/") || strstr(content_type, "json") ||
	       strstr(content_type, "javascript") || strstr(content_type, "xml");
}

static void note_gzip(struct http_in *in)
{
	const char *etag = added(in, "ETag");

	http_reply_add(in, "Content-Encoding", "gzip");
	if (etag && !str_starts(etag, "W/")) {
		AUTO_FREE char *weak = xasprintf("W/%s", etag);

		for (size_t i = 0; i + 1 < in->headers.n; i += 2) {
			if (strcasecmp(in->headers.v[i], "ETag") != 0)
				continue;
			free(in->headers.v[i + 1]);
			in->headers.v[i + 1] = TAKE(weak);
			return;
		}
	}
}

void http_reply_bytes(struct http_in *in, int status, const char *content_type, struct bytes body)
{
	bool could = body.n >= GZIP_MIN && is_text(content_type);
	char *gzip = NULL;
	size_t n = 0;

	http_reply_add(in, "Content-Type", content_type);
	if (could)
		http_reply_add(in, "Vary", "Accept-Encoding");
	if (could && accepts_gzip(in))
		gzip = http_gzip(body, &n);
	if (!gzip) {
		adopt_copy(in, status, body);
		return;
	}
	note_gzip(in);
	http_reply_adopt(
		in, status, (int64_t)n,
		in->server->mhd->create_response_from_buffer(n, gzip, MHD_RESPMEM_MUST_FREE));
}

static void unref_blob(void *blob)
{
	http_blob_unref(blob);
}

void http_reply_blob(struct http_in *in, int status, const char *content_type,
		     struct http_blob *blob)
{
	struct bytes body = http_blob_gzip(blob);

	http_reply_add(in, "Content-Type", content_type);
	if (body.n > 0)
		http_reply_add(in, "Vary", "Accept-Encoding");
	if (body.n > 0 && accepts_gzip(in))
		note_gzip(in);
	else
		body = http_blob_plain(blob);
	http_blob_ref(blob);
	http_reply_adopt(in, status, (int64_t)body.n,
			 in->server->mhd->create_response_from_buffer_with_free_callback_cls(
				 body.n, (void *)(uintptr_t)body.p, unref_blob, blob));
}

static ssize_t read_source(void *ctx, uint64_t position, char *out, size_t max)
{
	struct http_source *source = ctx;
	ssize_t n = source->read(source->ctx, out, max);

	(void)position;
	return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_source(void *ctx)
{
	struct http_source *source = ctx;

	source->free(source->ctx);
	free(source);
}

void http_reply_source(struct http_in *in, int status, const char *content_type,
		       const struct http_source *source)
{
	struct http_source *kept = xmalloc(sizeof(*kept));

	*kept = *source;
	http_reply_add(in, "Content-Type", content_type);
	http_reply_adopt(in, status, source->size,
			 in->server->mhd->create_response_from_callback((uint64_t)source->size,
									SOURCE_BLOCK, read_source,
									kept, free_source));
}

void http_reply_status(struct http_in *in, int status)
{
	adopt_copy(in, status, BYTES_LITERAL(""));
}

bool http_reply_not_modified(struct http_in *in, const char *etag)
{
	const char *known = http_header(in, "If-None-Match");

	http_reply_add(in, "ETag", etag);
	if (!known || !http_etag_matches(known, etag, true))
		return false;
	http_reply_status(in, 304);
	return true;
}

struct complaint {
	int status;
	const char *code, *detail, *hint; /* the last NULL or "" for none */
};

static void reply_complaint(struct http_in *in, const struct complaint *c)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);

	json_open(&o, NULL, '{');
	if (in->watch && !in->detail)
		in->detail = xstrdup(c->detail);
	json_add_text(&o, "detail", c->detail);
	json_add_text(&o, "code", c->code);
	if (c->hint && *c->hint)
		json_add_text(&o, "hint", c->hint);
	json_close(&o);
	if (c->status == 401)
		http_reply_add(in, "WWW-Authenticate", "Bearer");
	http_reply_bytes(in, c->status, "application/json", buf_bytes(&text));
}

void http_reply_detail(struct http_in *in, int status, const char *code, const char *detail)
{
	reply_complaint(in, &(struct complaint){ status, code, detail, NULL });
}

void http_reply_error(struct http_in *in, const struct err *e)
{
	char seconds[16];

	if (e->code == ERR_BUSY) {
		(void)snprintf(seconds, sizeof(seconds), "%d",
			       e->retry_after > 0 ? e->retry_after : RETRY_AFTER_S);
		http_reply_add(in, "Retry-After", seconds);
	}
	reply_complaint(in, &(struct complaint){ err_http_status(e->code), err_word(e->code),
						 e->msg, e->hint });
}

static void add_content_range(struct http_in *in, int64_t first, int64_t length, int64_t size)
{
	AUTO_FREE char *text = NULL;

	text = length > 0 ? xasprintf("bytes %" PRId64 "-%" PRId64 "/%" PRId64, first,
				      first + length - 1, size)
			  : xasprintf("bytes */%" PRId64, size);
	http_reply_add(in, "Content-Range", text);
}

static void add_validators(struct http_in *in, const char *etag, int64_t modified_ms)
{
	char date[TIME_TEXT_MAX];

	http_reply_add(in, "Accept-Ranges", "bytes");
	if (etag)
		http_reply_add(in, "ETag", etag);
	http_reply_add(in, "Last-Modified", time_format_http(modified_ms, date));
}

static void reply_part(struct http_in *in, int status, int *fd, int64_t first, int64_t length)
{
	/* The library closes the fd with the response. */
	http_reply_adopt(in, status, length,
			 in->server->mhd->create_response_from_fd_at_offset64(
				 (uint64_t)length, TAKE_FD(*fd), (uint64_t)first));
}

void http_reply_file(struct http_in *in, int fd, const char *etag, int64_t modified_ms,
		     const char *content_type)
{
	AUTO_FD int owned = fd;
	struct http_conditions conditions = {
		.if_match = http_header(in, "If-Match"),
		.if_none_match = http_header(in, "If-None-Match"),
		.if_range = http_header(in, "If-Range"),
		.range = http_header(in, "Range"),
		.if_modified_since = http_header(in, "If-Modified-Since"),
		.if_unmodified_since = http_header(in, "If-Unmodified-Since"),
		.is_read = str_eq(in->method, "GET") || str_eq(in->method, "HEAD"),
	};
	struct http_representation rep = { .etag = etag, .modified_ms = modified_ms };
	int64_t first = 0, length = 0;
	struct err e = { 0 };
	struct stat st;
	int status;

	if (fstat(owned, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)err_set(&e, ERR_IO, "the file cannot be read");
		http_reply_error(in, &e);
		return;
	}
	rep.size = st.st_size;
	status = http_conditions_decide(&conditions, &rep, &first, &length);
	add_validators(in, etag, modified_ms);
	if (status == 206 || status == 416)
		add_content_range(in, first, status == 206 ? length : 0, rep.size);
	if (status == 412 || status == 416) {
		http_reply_detail(in, status, status == 412 ? "precondition" : "range",
				  status == 412 ? "the file is not the version asked for"
						: "the file has no such bytes");
		return;
	}
	if (status == 304) {
		http_reply_status(in, 304);
		return;
	}
	http_reply_add(in, "Content-Type", content_type);
	reply_part(in, status, &owned, first, length);
}

enum MHD_Result http_reply_queue(struct http_in *in)
{
	const struct mhd_library *mhd = in->server->mhd;

	http_tell_watch(in);
	http_reply_add(in, "X-Request-Id", in->id);
	http_reply_add(in, "X-Content-Type-Options", "nosniff");
	if (atomic_load(&in->server->stopping))
		http_reply_add(in, "Connection", "close");
	for (size_t i = 0; i + 1 < in->headers.n; i += 2)
		if (mhd->add_response_header(in->response, in->headers.v[i],
					     in->headers.v[i + 1]) != MHD_YES)
			return MHD_NO; /* a line end in a value: better no reply than a forged one
					*/
	http_conn_enter(in->conn, HTTP_PHASE_REPLY);
	return mhd->queue_response(in->connection, (unsigned)in->status, in->response);
}
