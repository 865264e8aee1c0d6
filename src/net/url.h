/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding for path segments and query values, and strict decoding. Pure. */
#ifndef LARDER_NET_URL_H
#define LARDER_NET_URL_H

#include "base/str.h"

void url_add_segment(struct buf *out, const char *text); /* '/' is encoded too */
void url_add_query(struct buf *out, const char *key,
		   const char *value); /* puts '?' or '&' itself */
/* Refuses bad escapes and embedded NUL. Decodes '+' only when told (query strings). */
int url_decode(struct bytes text, bool plus_is_blank, struct buf *out, struct err *e);
/* http:// or https://, a host, no user part, no fragment; the trailing slash is taken off. The
 * caller owns the text. */
int url_normalise_server(const char *text, char **ret_url, struct err *e);

#endif
