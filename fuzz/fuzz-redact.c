/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text. How it is cut makes no difference, a second pass finds nothing, and JSON stays JSON.
 * Inputs that are longer than a word of redact.c are looked at only for crashes: what starts in an
 * overlong word is found by where it stands.
 */
#include "sessions/redact.h"

#include "base/json.h"
#include <assert.h>

#define JSON_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void append(void *ctx, struct bytes piece)
{
	buf_add(ctx, piece.p, piece.n);
}

static size_t in_pieces(struct bytes text, size_t cut, struct buf *out)
{
	AUTO_REDACT struct redact *r = redact_new(append, out);

	while (text.n > 0) {
		size_t n = cut < text.n ? cut : text.n;

		redact_add(r, (struct bytes){ text.p, n });
		text.p += n;
		text.n -= n;
	}
	redact_end(r);
	return redact_count(r);
}

static bool is_json(struct bytes text)
{
	AUTO_JSON struct json *doc = NULL;
	struct err e = { 0 };

	return json_parse(text, JSON_MAX, &doc, &e) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };
	AUTO_BUF struct buf once = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf cut = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf twice = BUF_INIT(BUF_OWN_MAX);
	size_t found = redact_text(text, &once);

	assert(in_pieces(text, size % 7 + 1, &cut) == found);
	assert(bytes_equal(buf_bytes(&once), buf_bytes(&cut)));
	assert(found > 0 || bytes_equal(text, buf_bytes(&once)));
	(void)redact_text(buf_bytes(&once), &twice);
	if (size < REDACT_WORD_MAX)
		assert(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
	if (found > 0 && size < JSON_MAX && is_json(text))
		assert(is_json(buf_bytes(&once)));
	return 0;
}
