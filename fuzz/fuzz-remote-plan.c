/* SPDX-License-Identifier: Apache-2.0 */
/* A plan of PostgreSQL: read or refused; its price is never negative. */
#include "base/base.h"
#include "remote/postgres-plan.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(plan_release) struct plan plan = { 0 };
	struct err e = { 0 };

	if (plan_read((struct bytes){ (const char *)p, n }, &plan, &e) < 0)
		return 0;
	assert(plan.rows >= 0 && plan_bytes(&plan) >= 0);
	for (size_t i = 0; i < plan.count; i++) {
		assert(plan.scans[i].schema && plan.scans[i].table);
		plan.scans[i].table_bytes = INT64_MAX;
		plan.scans[i].table_rows = (int64_t)i;
	}
	assert(plan_bytes(&plan) >= 0);
	return 0;
}
