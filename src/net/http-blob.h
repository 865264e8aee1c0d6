/* SPDX-License-Identifier: Apache-2.0 */
/* gzip for replies and uploads, and the bytes of the reference-counted texts of http-server.h: for
 * http-server-*.c, and for who keeps such texts and compares them. */
#ifndef LARDER_NET_HTTP_BLOB_H
#define LARDER_NET_HTTP_BLOB_H

#include "net/http-server.h"

/* The bytes gzipped, malloc'ed and the caller's; NULL when that would not make them smaller. */
char *http_gzip(struct bytes plain, size_t *ret_size);

struct bytes http_blob_plain(const struct http_blob *b);
struct bytes http_blob_gzip(const struct http_blob *b); /* no bytes when it has no such twin */

#endif
