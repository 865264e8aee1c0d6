/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.json: whatever another tool writes, texts are bounded and whole, the id is none or a UUID, and
 * what is written back over it says what the row says and can be read again.
 */
#include "agents/mirror.h"

#include "base/json.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_DISPATCH struct dispatch again = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct err e = { 0 };

	if (mirror_parse(text, &d, &e) < 0) {
		assert(e.msg[0]);
		return 0;
	}
	assert(d.status != AGENT_NONE && d.runs >= 0 && d.revision >= 0);
	assert(!*d.id || uuid_is(d.id));
	assert(strlen(d.task) <= DISPATCH_TASK_MAX && strlen(d.repo) <= DISPATCH_TEXT_MAX);
	mirror_render(&d, text, &out);
	assert(!out.full);
	if (out.n <= STATUS_BYTES_MAX) {
		assert(mirror_parse(buf_bytes(&out), &again, &e) == 0);
		assert(again.status == d.status && str_eq(again.repo, d.repo));
	}
	return 0;
}
