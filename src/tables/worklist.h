/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files a plan asks to be fetched, each once, and which tables wait for which of them. The same
 * bytes under two names are one item.
 *
 * Ownership: lends from the plan. Threads: one at a time; a fetch worker writes its own item only.
 */
#ifndef LARDER_TABLES_WORKLIST_H
#define LARDER_TABLES_WORKLIST_H

#include "tables/fetch.h"
#include "tables/plan.h"

struct work_table {
	const struct plan_table *plan;
	struct fetch_item **items; /* one a file; NULL where nothing is fetched */
	size_t missing;            /* files that have not come yet */
	bool failed;
	bool committed;
};

/* Table `table` waits for item `item`, for its file number `file`. */
struct work_ref {
	size_t item;
	size_t table;
	size_t file;
	char *staged; /* the item's name until it has a number; not owned after */
};

struct worklist {
	struct work_table *tables; /* those with anything to do, by name */
	size_t table_count;
	struct fetch_item *items;
	size_t item_count;
	struct work_ref *refs; /* by item */
	size_t ref_count;
	size_t *first_ref; /* of each item */
	/* What the workers do, one after the other: of each item the whole, or its ranges. */
	struct fetch_item **batched; /* in the order of their batches */
	struct fetch_unit *units;
	size_t unit_count;
};

struct worklist *worklist_make(const struct plan *plan);
void worklist_free(struct worklist *work);
static inline void worklist_auto_(struct worklist **p)
{
	worklist_free(*p);
}
#define AUTO_WORKLIST AUTO(worklist_auto_)

const struct work_ref *worklist_refs(const struct worklist *work, size_t item);
/* NULL after the last of all; the caller compares the item. */
const struct work_ref *worklist_next(const struct worklist *work, const struct work_ref *ref);

/* After the deltas are known. Small files come in batches of at most so many bytes; 0: each alone. */
void worklist_make_units(struct worklist *work, int64_t batch_bytes);
/* After those: what did not come in its batch, each alone. */
void worklist_make_rest(struct worklist *work);

int64_t worklist_small_bytes(const struct worklist *work);
int64_t worklist_bytes(const struct worklist *work);
/* Without what partial files of earlier runs hold already. */
int64_t worklist_missing_bytes(const struct worklist *work, const struct root *root);

#endif
