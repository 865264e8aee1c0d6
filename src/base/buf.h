/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes lent and bytes owned.
 *
 * `struct bytes` is a lent pointer and length: what parsers consume. It need not end in NUL.
 *
 * `struct buf` is an owned, growing, NUL-terminated buffer whose maximum is set at birth. Past the
 * maximum it empties itself and sets the sticky flag `full`: append freely, check once at the end.
 *
 *	AUTO_BUF struct buf out = BUF_INIT(WIRE_MESSAGE_MAX);
 *	buf_addf(&out, "{\"id\":%" PRId64 "}", id);
 *	if (out.full)
 *		return err_set(e, ERR_LIMIT, ...);
 *
 * Threads: an object belongs to one thread at a time.
 */
#ifndef LARDER_BASE_BUF_H
#define LARDER_BASE_BUF_H

#include "base/base.h"
#include <stdarg.h>

struct bytes {
	const char *p;
	size_t n;
};

#define BYTES_LITERAL(s) ((struct bytes){ (s), sizeof(s) - 1 })
struct bytes bytes_of(const char *s); /* of a NUL-terminated string; NULL gives no bytes */
bool bytes_equal(struct bytes a, struct bytes b);

struct buf {
	char *p;  /* never NULL after the first append; always NUL-terminated then */
	size_t n; /* bytes in use, without the NUL */
	size_t capacity;
	size_t max; /* n never exceeds this */
	bool full;  /* an append did not fit: contents were dropped, later appends do nothing */
};

#define BUF_INIT(maximum)                                                                          \
	{                                                                                          \
		.max = (maximum)                                                                   \
	}
/* For text whose size is bounded by what produced it: our own output, never a peer's. */
#define BUF_OWN_MAX ((size_t)1 << 31)

void buf_release(struct buf *b);
#define AUTO_BUF AUTO(buf_release)

void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) PRINTF(2, 0);
/* Room for n more bytes to be written at b->p + b->n by the caller, who then adds to b->n; NULL and
 * full if over max. */
char *buf_reserve(struct buf *b, size_t n);
void buf_clear(struct buf *b); /* empties, keeps the memory, forgets `full` */
char *buf_take(struct buf *b); /* the string, now the caller's; never NULL */
struct bytes buf_bytes(const struct buf *b);
const char *buf_str(const struct buf *b); /* "" while nothing was appended */

#endif
