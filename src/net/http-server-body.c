/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http-server-internal.h"

#include <assert.h>
#include <inttypes.h>

void http_take_body(struct http_in *in, const struct http_body *body)
{
	assert(!in->has_body && !in->response);
	in->body = *body;
	in->has_body = true;
}

void http_body_release(struct http_in *in)
{
	gunzip_free(TAKE(in->gunzip));
	if (!in->has_body)
		return;
	in->has_body = false;
	if (in->body.on_free)
		in->body.on_free(in->body.state);
}

static int over_limit(const struct http_in *in, struct err *e)
{
	return err_set(e, ERR_LIMIT, "the body is over %" PRId64 " bytes", in->body.max);
}

static int deliver(struct http_in *in, struct bytes piece, struct err *e)
{
	in->decoded += (int64_t)piece.n;
	if (in->decoded > in->body.max)
		return over_limit(in, e);
	if (piece.n == 0 || !in->body.on_data)
		return 0;
	return in->body.on_data(in->body.state, in, piece, e);
}

static int decoded(void *ctx, struct bytes piece, struct err *e)
{
	return deliver(ctx, piece, e);
}

static int decode(struct http_in *in, struct bytes piece, struct err *e)
{
	if (!in->gunzip)
		in->gunzip = gunzip_new();
	return gunzip_feed(in->gunzip, piece, decoded, in, e);
}

static bool is_gzip(const struct http_in *in)
{
	const char *encoding = http_header(in, "Content-Encoding");

	return in->body.decode_gzip && encoding && strcasecmp(encoding, "gzip") == 0;
}

static int take_piece(struct http_in *in, struct bytes piece, struct err *e)
{
	in->received += (int64_t)piece.n;
	if (in->received > in->body.max)
		return over_limit(in, e);
	return is_gzip(in) ? decode(in, piece, e) : deliver(in, piece, e);
}

bool http_body_piece(struct http_in *in, struct bytes piece)
{
	struct err e = { 0 };

	if (!in->has_body) {
		in->discard_left -= (int64_t)piece.n;
		return in->discard_left >= 0;
	}
	/* Not http_conn_enter(): a new turn for each piece would start the rate's window anew. */
	atomic_store_explicit(&in->conn->phase, HTTP_PHASE_BUSY, memory_order_relaxed);
	if (take_piece(in, piece, &e) < 0) {
		/* The library cannot reply in the middle of a body. Who announced a length within
		 * the limit is let to finish; others get as far as an unwanted body does. */
		in->discard_left = in->content_length > 0 ? in->content_length - in->received
							  : HTTP_DISCARD_MAX;
		http_fail(in, &e);
	}
	atomic_store_explicit(&in->conn->phase, HTTP_PHASE_BODY, memory_order_relaxed);
	return true;
}

void http_body_end(struct http_in *in)
{
	struct err e = { 0 };

	if (!in->has_body)
		return;
	if (in->gunzip && gunzip_finish(in->gunzip, &e) < 0) {
		http_fail(in, &e);
		return;
	}
	if (in->body.on_end)
		in->body.on_end(in->body.state, in);
	http_body_release(in);
}

struct small_body {
	struct buf text;
	void (*done)(struct http_in *in, struct bytes body);
};

static int small_data(void *state, struct http_in *in, struct bytes piece, struct err *e)
{
	struct small_body *s = state;

	(void)in;
	(void)e; /* the limit was checked before: it always fits */
	buf_add(&s->text, piece.p, piece.n);
	return 0;
}

static void small_end(void *state, struct http_in *in)
{
	struct small_body *s = state;

	s->done(in, (struct bytes){ buf_str(&s->text), s->text.n });
}

static void small_free(void *state)
{
	struct small_body *s = state;

	buf_release(&s->text);
	free(s);
}

void http_take_small_body(struct http_in *in, size_t max,
			  void (*done)(struct http_in *in, struct bytes body))
{
	struct small_body *s = xcalloc(1, sizeof(*s));
	struct http_body body = { .max = (int64_t)max,
				  .decode_gzip = true,
				  .state = s,
				  .on_data = small_data,
				  .on_end = small_end,
				  .on_free = small_free };

	s->text = (struct buf)BUF_INIT(max);
	s->done = done;
	http_take_body(in, &body);
}
