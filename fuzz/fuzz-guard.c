/* SPDX-License-Identifier: Apache-2.0 */
/* What the parser says of a statement is judged: any JSON is walked within its bounds, and what is
 * passed has names that are there. */
#include "duck/worker-guard.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bytes text = { (const char *)p, n };
	AUTO(guard_release) struct guard guard = { 0 };
	struct err e = { 0 };

	if (guard_judge(text, &guard, &e) == 0) {
		assert(guard.count <= GUARD_TABLES_MAX);
		for (size_t i = 0; i < guard.count; i++)
			assert(guard.tables[i].name[0] && guard.tables[i].schema);
	} else {
		assert(e.code < 0 && e.msg[0]);
	}
	(void)guard_judge_filter(text, &e);
	return 0;
}
