/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Range and conditional headers of RFC 9110 sections 13 and 14, single ranges only (several, or
 * another unit: the whole file is sent, as the RFC allows). Pure; fuzzed.
 */
#ifndef LARDER_NET_HTTP_RANGE_H
#define LARDER_NET_HTTP_RANGE_H

#include "base/base.h"

enum http_range_kind { HTTP_RANGE_WHOLE, HTTP_RANGE_PART, HTTP_RANGE_UNSATISFIABLE };

/* Of a body of `size` bytes. NULL, malformed and multiple ranges give WHOLE. The two results are
 * written for WHOLE and PART; then first + length <= size. */
enum http_range_kind http_range_parse(const char *header, int64_t size, int64_t *ret_first,
				      int64_t *ret_length);

/* Content-Range of a 206 ("bytes 5-9/100"; a star for the total gives -1) or of a 416 (a star for
 * the range gives first = last = -1). False when it is neither; nothing is written then. */
struct http_content_range {
	int64_t first, last, total;
};
bool http_content_range_parse(const char *header, struct http_content_range *ret_range);

/* Does an If-None-Match / If-Match list contain the (quoted, strong) tag? "*" matches all; weak
 * tags compare weakly if told. */
bool http_etag_matches(const char *header, const char *etag, bool weak_ok);

/* An HTTP date in its one preferred form (RFC 9110 section 5.6.7); false for any other text. */
bool http_date_parse(const char *text, int64_t *ret_ms);

/* What the request's preconditions say, in the order of RFC 9110 section 13.2.2. */
struct http_conditions {
	const char *if_match, *if_none_match, *if_range, *range; /* NULL when absent */
	const char *if_modified_since, *if_unmodified_since;
	bool is_read; /* GET or HEAD */
};
struct http_representation {
	const char *etag; /* quoted and strong; NULL when there is none */
	int64_t modified_ms;
	int64_t size;
};
/* 200, 206, 304, 412 or 416; for 200 and 206 also which bytes. */
int http_conditions_decide(const struct http_conditions *c, const struct http_representation *rep,
			   int64_t *ret_first, int64_t *ret_length);

#endif
