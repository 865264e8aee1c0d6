/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target of a request as the server takes it in: decoded once and strictly, never mended. Pure;
 * fuzzed.
 *
 * A path that is accepted starts with '/', is valid UTF-8 without control characters, and has no
 * "." or ".." segment, no empty segment (but the one after a trailing slash) and no backslash, in
 * whatever way these were written. It may hold an encoded '/' only where one belongs: "%2F" is
 * refused, since two readers of such a path would not agree on its segments.
 */
#ifndef LARDER_NET_HTTP_PATH_H
#define LARDER_NET_HTTP_PATH_H

#include "base/str.h"

/* Of a decoded path; the longest route with a table and a part name is under 1 KB. */
#define HTTP_PATH_MAX ((size_t)4096)
/* Pairs of a query that are looked at; our own routes know fewer than ten. */
#define HTTP_QUERY_MAX 64

/* `target` is the request line's: a path, or "http://host/path" as sent to proxies, with or without
 * a query. -1 when it must be answered with 404. */
int http_path_decode(const char *target, struct buf *out);
/* Appends key, value, key, value ... of the target's query. A pair that cannot be decoded is left
 * out, as is all past HTTP_QUERY_MAX. */
void http_query_decode(const char *target, struct strv *out);

#endif
