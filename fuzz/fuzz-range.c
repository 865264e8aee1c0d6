/* SPDX-License-Identifier: Apache-2.0 */
/* Range, Content-Range, entity tag lists and HTTP dates: the input is the header, up to its NUL. */
#include "net/http-range.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t sizes[] = { 0, 1, 100, INT64_MAX };
	AUTO_FREE char *header = xstrndup((const char *)data, size);
	struct http_content_range range;
	int64_t first = 0, length = 0, ms = 0;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		enum http_range_kind kind = http_range_parse(header, sizes[i], &first, &length);

		assert(kind == HTTP_RANGE_UNSATISFIABLE || (first >= 0 && length >= 0));
		assert(kind == HTTP_RANGE_UNSATISFIABLE || first <= sizes[i] - length);
		assert(kind != HTTP_RANGE_PART || length > 0);
	}
	if (http_content_range_parse(header, &range))
		assert(range.first <= range.last && (range.total < 0 || range.last < range.total));
	/* What matches strongly must match weakly. */
	assert(!http_etag_matches(header, "\"a\"", false) ||
	       http_etag_matches(header, "\"a\"", true));
	(void)http_date_parse(header, &ms);
	return 0;
}
