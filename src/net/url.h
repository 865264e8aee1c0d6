/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Percent-encoding for path segments and query values, and strict decoding (RFC 3986). Pure.
 *
 *	buf_adds(&url, server);                       from url_normalise_server()
 *	buf_adds(&url, "/api/data/");
 *	url_add_segment(&url, table);
 *	url_add_query(&url, "v", hash);
 */
#ifndef LARDER_NET_URL_H
#define LARDER_NET_URL_H

#include "base/str.h"

/* What browsers and proxies agree to carry; a server's own address is far shorter. */
#define URL_MAX ((size_t)8192)

void url_add_segment(struct buf *out, const char *text); /* '/' is encoded too */
/* Puts '?' or '&' itself, by looking for a '?' in what `out` holds. */
void url_add_query(struct buf *out, const char *key, const char *value);
/* Appends. Refuses bad escapes and NUL, encoded or not. Decodes '+' only when told (queries). */
int url_decode(struct bytes text, bool plus_is_blank, struct buf *out, struct err *e);
/* http:// or https://, a host, no user part, no query, no fragment; scheme and host in lower case,
 * the trailing slashes taken off. The caller owns the text. */
int url_normalise_server(const char *text, char **ret_url, struct err *e);

#endif
