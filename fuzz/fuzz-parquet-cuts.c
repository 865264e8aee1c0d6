/* SPDX-License-Identifier: Apache-2.0 */
/* A Parquet footer: whatever comes, cuts are ascending and inside of the file. */
#include "tables/parquet-cuts.h"

#include <assert.h>

#define FILE_SIZE ((int64_t)1 << 30)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(parquet_cuts_release) struct parquet_cuts cuts = { 0 };
	struct bytes footer = { (const char *)data, size };
	struct err e = { 0 };

	if (parquet_cuts_parse(footer, FILE_SIZE, &cuts, &e) < 0) {
		assert(cuts.n == 0 && e.msg[0]);
		return 0;
	}
	assert(cuts.data_end >= 0 && cuts.data_end < FILE_SIZE);
	assert(cuts.groups_end >= 0 && cuts.groups_end < FILE_SIZE);
	for (size_t i = 0; i < cuts.n; i++)
		assert(cuts.v[i] > (i ? cuts.v[i - 1] : 0) && cuts.v[i] < FILE_SIZE);
	return 0;
}
