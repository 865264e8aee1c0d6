/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A form on its way in. The first byte says how the rest is cut: what comes out must not depend on
 * it.
 */
#include "net/multipart.h"

#include "base/str.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_part(void *ctx, const char *name, const char *filename, struct err *e)
{
	struct buf *out = ctx;

	(void)e;
	buf_addf(out, "[%s|%s]", name, filename ? filename : "");
	return 0;
}

static int on_data(void *ctx, struct bytes piece, struct err *e)
{
	(void)e;
	assert(piece.n > 0);
	buf_add(ctx, piece.p, piece.n);
	return 0;
}

static int parse(struct bytes text, size_t cut, struct buf *out)
{
	const struct multipart_sink sink = { .ctx = out, .on_part = on_part, .on_data = on_data };
	AUTO_MULTIPART struct multipart *m = NULL;
	struct err e = { 0 };
	int r = multipart_new("multipart/form-data; boundary=XX", &sink, &m, &e);

	while (r == 0 && text.n > 0) {
		size_t n = cut < text.n ? cut : text.n;

		r = multipart_feed(m, (struct bytes){ text.p, n }, &e);
		text.p += n;
		text.n -= n;
	}
	return r < 0 ? r : multipart_finish(m, &e);
}

static void head_only(struct bytes text)
{
	AUTO_FREE char *type = xstrndup(text.p, text.n);
	const struct multipart_sink sink = { 0 };
	AUTO_MULTIPART struct multipart *m = NULL;
	struct err e = { 0 };

	(void)multipart_new(type, &sink, &m, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data + (size > 0), size - (size > 0) };
	AUTO_BUF struct buf whole = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf cut = BUF_INIT(BUF_OWN_MAX);

	if (size == 0)
		return 0;
	assert(parse(text, SIZE_MAX, &whole) == parse(text, (size_t)data[0] + 1, &cut));
	assert(bytes_equal(buf_bytes(&whole), buf_bytes(&cut)));
	assert(whole.n <= size + (size_t)3 * MULTIPART_PARTS_MAX);
	head_only(text);
	return 0;
}
