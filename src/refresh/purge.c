/* SPDX-License-Identifier: Apache-2.0 */
#include "refresh/refresh.h"

#include "engine/journal.h"
#include "engine/ledger.h"
#include "refresh/intake.h"

struct old_parts {
	int64_t before_ms;
	struct strv *tables;
};

static int visit(void *ctx, const char *table, const char *etag, int64_t recorded_ms, struct err *e)
{
	struct old_parts *old = ctx;

	(void)etag;
	(void)e;
	if (recorded_ms < old->before_ms)
		strv_add(old->tables, table);
	return 0;
}

int refresh_purge(struct root *root, int64_t before_ms, struct strv *ret_ids, struct err *e)
{
	struct old_parts old = { before_ms, ret_ids };
	struct err ignored = { 0 };
	size_t first = ret_ids->n;
	int r = ledger_visit(root_db(root), INTAKE_PART_SPACE, visit, &old, e);

	for (size_t i = first; r == 0 && i < ret_ids->n; i++) {
		AUTO_FREE char *etag = NULL;
		AUTO_FREE char *part = NULL;

		r = ledger_get(root_db(root), INTAKE_PART_SPACE, ret_ids->v[i], &etag, e);
		part = etag ? intake_part_name(ret_ids->v[i], etag) : NULL;
		if (r == 0)
			r = ledger_forget(root_db(root), INTAKE_PART_SPACE, ret_ids->v[i], e);
		if (r == 0 && part) /* else litter for the next start */
			(void)journal_stage_remove(root, part, &ignored);
	}
	return r;
}
