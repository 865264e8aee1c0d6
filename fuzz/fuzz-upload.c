/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heads of an upload, "<name>\n<offset>\n<hash>": what is let through is a safe name, and an offset
 * and a hash in bounds.
 */
#include "sessions/upload.h"

#include "base/str.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	AUTO_STRV struct strv lines = STRV_INIT;
	struct upload_tail tail = { 0 };
	struct err e = { 0 };
	const char *name;

	strv_split(&lines, text, '\n');
	name = strv_at(&lines, 0);
	if (upload_name_is_ok(name))
		assert(strlen(name) <= UPLOAD_NAME_MAX && !strchr(name, '/') &&
		       strcmp(name, "..") != 0 && strcmp(name, ".") != 0);
	if (upload_tail_parse(strv_at(&lines, 1), strv_at(&lines, 2), &tail, &e) < 0) {
		assert(e.code == ERR_USAGE && tail.offset == 0);
		return 0;
	}
	assert(tail.offset > 0 && tail.offset <= UPLOAD_BYTES_MAX);
	assert(is_hex(tail.sha256, SHA256_HEX));
	return 0;
}
