/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multipart/form-data (RFC 7578) as a stream: pieces in, parts out, nothing kept but a part's head
 * and what may be the start of a boundary. And its writing, for one file.
 *
 *	const struct multipart_sink sink = { .ctx = x, .on_part = part, .on_data = data };
 *	AUTO_MULTIPART struct multipart *m = NULL;
 *	multipart_new(content_type, &sink, &m, e)     ERR_CORRUPT: it is no multipart/form-data
 *	multipart_feed(m, piece, e)                   however it is cut
 *	multipart_finish(m, e)                        ERR_CORRUPT when the end did not come
 *
 * on_part is called with the field's name and its file name (NULL: none was given), lent for the
 * call; on_data then gets its bytes. A negative return of either ends the parsing and is passed on.
 * Limits: MULTIPART_PARTS_MAX parts, MULTIPART_HEAD_MAX bytes of a part's head: ERR_LIMIT.
 * Threads: one. Pure.
 */
#ifndef LARDER_NET_MULTIPART_H
#define LARDER_NET_MULTIPART_H

#include "base/buf.h"
#include "base/err.h"

/* A form has a handful of fields; more is somebody's play with our time. */
#define MULTIPART_PARTS_MAX 32
/* Two header lines with a long file name fit many times over. */
#define MULTIPART_HEAD_MAX ((size_t)4096)
/* RFC 2046 section 5.1.1. */
#define MULTIPART_BOUNDARY_MAX 70

struct multipart;

struct multipart_sink {
	void *ctx;
	int (*on_part)(void *ctx, const char *name, const char *filename, struct err *e);
	int (*on_data)(void *ctx, struct bytes piece, struct err *e);
};

int multipart_new(const char *content_type, const struct multipart_sink *sink,
		  struct multipart **ret_multipart, struct err *e);
void multipart_free(struct multipart *m);
static inline void multipart_auto_(struct multipart **p)
{
	multipart_free(*p);
}
#define AUTO_MULTIPART AUTO(multipart_auto_)

int multipart_feed(struct multipart *m, struct bytes piece, struct err *e);
int multipart_finish(const struct multipart *m, struct err *e);

/* Writing: head, the file's bytes, tail. The boundary is random text, so that no file holds it. */
void multipart_add_head(struct buf *out, const char *boundary, const char *field,
			const char *filename);
void multipart_add_tail(struct buf *out, const char *boundary);

#endif
