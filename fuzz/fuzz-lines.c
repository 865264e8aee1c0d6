/* SPDX-License-Identifier: Apache-2.0 */
/* Transcripts are cut into lines: UTF-8 without newlines, numbered forward, the same in any pieces. */
#include "base/str.h"
#include "duck/worker-split.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void cut(const uint8_t *p, size_t n, size_t piece, struct buf *out)
{
	AUTO_SPLIT struct split s = SPLIT_INIT;
	struct bytes line;
	int64_t before = 0;

	for (bool at_end = false; !at_end;) {
		size_t some = n < piece ? n : piece;

		memcpy(split_room(&s, some + 1), p, some);
		split_added(&s, some);
		at_end = some == 0;
		while (split_next(&s, at_end, &line)) {
			assert(s.number > before);
			before = s.number;
			assert(line.n > 0 && !memchr(line.p, '\n', line.n) && text_is_utf8(line));
			buf_addf(out, "%lld:", (long long)s.number);
			buf_add(out, line.p, line.n);
			buf_addc(out, '\n');
		}
		p += some;
		n -= some;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_BUF struct buf whole = BUF_INIT(BUF_OWN_MAX), pieces = BUF_INIT(BUF_OWN_MAX);
	size_t piece = n > 0 ? p[0] % 16 + (size_t)1 : 1;

	cut(p, n, n + 1, &whole);
	cut(p, n, piece, &pieces);
	assert(bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)));
	return 0;
}
