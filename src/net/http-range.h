/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Range header of RFC 9110 section 14, single ranges only (several, or another unit: the whole
 * file is sent, as the RFC allows). Pure; fuzzed.
 */
#ifndef LARDER_NET_HTTP_RANGE_H
#define LARDER_NET_HTTP_RANGE_H

#include "base/base.h"

enum http_range_kind { HTTP_RANGE_WHOLE, HTTP_RANGE_PART, HTTP_RANGE_UNSATISFIABLE };

enum http_range_kind http_range_parse(const char *header, int64_t size, int64_t *ret_first,
				      int64_t *ret_length);
/* Does an If-None-Match / If-Match list contain the (quoted, strong) tag? "*" matches all; weak
 * tags compare weakly if told. */
bool http_etag_matches(const char *header, const char *etag, bool weak_ok);

#endif
