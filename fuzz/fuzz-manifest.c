/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest: whatever comes, what is listed can be a file below its folder, has bounded sizes
 * and a place of its own; a plan over it names each table once, in order.
 */
#include "tables/plan.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_file(const struct manifest_table *table, size_t i)
{
	const struct manifest_file *file = &table->files[i];

	assert(table->in_parts ? name_is_part(file->path) : !*file->path);
	assert(!*file->sha256 || is_hex(file->sha256, SHA256_HEX));
	assert(!*file->md5 || is_hex(file->md5, MD5_HEX));
	assert(file->size_bytes >= -1 && file->size_bytes <= MANIFEST_FILE_MAX);
	assert(i == 0 || strcmp(table->files[i - 1].path, file->path) < 0);
}

static void check_table(const struct manifest_table *table)
{
	assert(name_is_table(table->name));
	assert(table->hash && table->updated && table->query_mode && table->id);
	if (table->unusable)
		return;
	assert(name_is_table(table->id));
	assert(table->file_count > 0);
	for (size_t i = 0; i < table->file_count; i++)
		check_file(table, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_MANIFEST struct manifest *m = NULL;
	AUTO_PLAN struct plan *plan = NULL;
	struct local none = { 0 };
	struct err e = { 0 };

	if (manifest_parse((struct bytes){ (const char *)data, size }, &m, &e) < 0) {
		assert(!m && e.msg[0]);
		return 0;
	}
	assert(strlen(m->mirror) <= MANIFEST_MIRROR_MAX);
	assert(!*m->mirror || strncmp(m->mirror, "http://", 7) == 0 ||
	       strncmp(m->mirror, "https://", 8) == 0);
	assert(!strpbrk(m->mirror, "?# "));
	for (size_t i = 0; i < m->count; i++)
		check_table(&m->tables[i]);
	plan = plan_make(&none, m);
	for (size_t i = 1; i < plan->count; i++)
		assert(strcmp(plan_table_name(&plan->tables[i - 1]),
			      plan_table_name(&plan->tables[i])) < 0);
	return 0;
}
