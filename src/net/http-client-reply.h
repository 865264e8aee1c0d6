/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a reply from the header lines of the wire; for http-client.c only. */
#ifndef LARDER_NET_HTTP_CLIENT_REPLY_H
#define LARDER_NET_HTTP_CLIENT_REPLY_H

#include "net/http-client.h"

/* Empties it and sets the limit of its body. */
void http_reply_reset(struct http_reply *reply, size_t max_body);
/* One line as received, with its line end. A status line starts the reply anew (a 100 may precede
 * the real one). True at the empty line that ends the head of a final reply. */
bool http_reply_add_line(struct http_reply *reply, struct bytes line);

#endif
