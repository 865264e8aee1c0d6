/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/worklist.h"

#include "tables/batch.h"
#include <fcntl.h>

static void add_refs(struct worklist *work, size_t t, size_t *capacity)
{
	const struct plan_table *plan = work->tables[t].plan;

	for (size_t i = 0; plan->action == PLAN_FETCH && i < plan->want->file_count; i++) {
		if (plan->files[i].have)
			continue;
		work->refs = xgrow(work->refs, capacity, work->ref_count + 1, sizeof(*work->refs));
		work->refs[work->ref_count++] = (struct work_ref){
			.table = t,
			.file = i,
			.staged = fetch_staged_name(plan->want, &plan->want->files[i]),
		};
		work->tables[t].missing++;
	}
}

static void add_table(struct worklist *work, const struct plan_table *plan, size_t *capacity)
{
	struct work_table *table = &work->tables[work->table_count];

	*table = (struct work_table){ .plan = plan };
	if (plan->action == PLAN_FETCH)
		table->items = xcalloc(plan->want->file_count, sizeof(struct fetch_item *));
	add_refs(work, work->table_count++, capacity);
}

static int compare_refs(const void *a, const void *b)
{
	const struct work_ref *left = a;
	const struct work_ref *right = b;
	int order = strcmp(left->staged, right->staged);

	if (order)
		return order;
	return left->table < right->table ? -1 : left->table > right->table;
}

/* Refs of one name stand together: each run of them becomes an item. */
static void number_items(struct worklist *work)
{
	work->items = xcalloc(work->ref_count + 1, sizeof(*work->items));
	work->first_ref = xcalloc(work->ref_count + 1, sizeof(*work->first_ref));
	for (size_t i = 0; i < work->ref_count; i++) {
		struct work_ref *ref = &work->refs[i];
		struct work_table *table = &work->tables[ref->table];
		struct fetch_item *item = &work->items[work->item_count];

		if (i > 0 && str_eq(ref->staged, item[-1].staged)) {
			free(ref->staged);
			item--;
		} else {
			item->staged = ref->staged;
			item->table = table->plan->want;
			item->want = table->plan->files[ref->file].want;
			work->first_ref[work->item_count++] = i;
		}
		ref->staged = NULL;
		ref->item = (size_t)(item - work->items);
		table->items[ref->file] = item;
	}
}

struct worklist *worklist_make(const struct plan *plan)
{
	struct worklist *work = xcalloc(1, sizeof(*work));
	size_t capacity = 0;

	work->tables = xcalloc(plan->count + 1, sizeof(*work->tables));
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->tables[i].action != PLAN_KEEP)
			add_table(work, &plan->tables[i], &capacity);
	}
	if (work->ref_count)
		qsort(work->refs, work->ref_count, sizeof(*work->refs), compare_refs);
	number_items(work);
	return work;
}

void worklist_free(struct worklist *work)
{
	if (!work)
		return;
	for (size_t i = 0; i < work->table_count; i++)
		free(work->tables[i].items);
	for (size_t i = 0; i < work->item_count; i++)
		fetch_item_release(&work->items[i]);
	free(work->tables);
	free(work->items);
	free(work->refs);
	free(work->first_ref);
	free(work->units);
	free(work->batched);
	free(work);
}

static size_t ranges_of(const struct fetch_item *item)
{
	size_t n = 0;

	for (size_t i = 0; item->delta && i < item->delta->n; i++)
		n += item->delta->pieces[i].place.kind == DELTA_FETCH;
	return n;
}

static void add_units(struct worklist *work, struct fetch_item *item)
{
	size_t ranges = ranges_of(item);

	atomic_store(&item->units_left, ranges ? ranges : 1);
	item->units_missing = ranges ? ranges : 1;
	if (ranges == 0) /* whole, or all of it was here and only is to be checked */
		work->units[work->unit_count++] = (struct fetch_unit){ .item = item };
	for (size_t i = 0; ranges > 0 && i < item->delta->n; i++) {
		const struct delta_piece *piece = &item->delta->pieces[i];

		if (piece->place.kind == DELTA_FETCH)
			work->units[work->unit_count++] = (struct fetch_unit){
				.item = item, .first = piece->offset, .length = piece->length
			};
	}
}

static bool is_small(const struct fetch_item *item)
{
	return item->table->pinned && !item->patched && *item->want->sha256 &&
	       item->want->size_bytes > 0 && item->want->size_bytes <= BATCH_FILE_MAX;
}

/* The last unit takes one more, or a new one begins. */
static void add_to_batch(struct worklist *work, size_t at, int64_t most, int64_t *bytes)
{
	struct fetch_unit *last = work->unit_count ? &work->units[work->unit_count - 1] : NULL;
	int64_t size = work->batched[at]->want->size_bytes + BATCH_LENGTH_BYTES;

	if (at == 0 || last->batch_count == BATCH_FILES_MAX || *bytes + size > most) {
		last = &work->units[work->unit_count++];
		*last = (struct fetch_unit){ .item = work->batched[at],
					     .batch = &work->batched[at] };
		*bytes = 0;
	}
	last->batch_count++;
	work->batched[at]->units_missing = 1;
	*bytes += size;
}

void worklist_make_units(struct worklist *work, int64_t batch_bytes)
{
	size_t small = 0;
	size_t n = 0;
	int64_t bytes = 0;

	work->batched = xcalloc(work->item_count + 1, sizeof(*work->batched));
	for (size_t i = 0; i < work->item_count; i++) {
		n += ranges_of(&work->items[i]) + 1;
		if (batch_bytes > 0 && is_small(&work->items[i]))
			work->batched[small++] = &work->items[i];
	}
	work->units = xcalloc(n + 1, sizeof(*work->units));
	for (size_t i = 0; small > 1 && i < small; i++)
		add_to_batch(work, i, batch_bytes, &bytes);
	for (size_t i = 0; i < work->item_count; i++) {
		if (small < 2 || !is_small(&work->items[i]))
			add_units(work, &work->items[i]);
	}
}

void worklist_make_rest(struct worklist *work)
{
	size_t n = 0;

	for (size_t i = 0; i < work->unit_count; i++) {
		const struct fetch_unit *unit = &work->units[i];

		for (size_t k = 0; k < unit->batch_count; k++) {
			if (!unit->batch[k]->ready && !atomic_load(&unit->batch[k]->failed))
				work->batched[n++] = unit->batch[k];
		}
	}
	work->unit_count = 0;
	for (size_t i = 0; i < n; i++)
		add_units(work, work->batched[i]);
}

const struct work_ref *worklist_refs(const struct worklist *work, size_t item)
{
	return item < work->item_count ? &work->refs[work->first_ref[item]] : NULL;
}

const struct work_ref *worklist_next(const struct worklist *work, const struct work_ref *ref)
{
	return ref + 1 < work->refs + work->ref_count ? ref + 1 : NULL;
}

int64_t worklist_small_bytes(const struct worklist *work)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < work->item_count; i++) {
		if (is_small(&work->items[i]))
			bytes += work->items[i].want->size_bytes + BATCH_LENGTH_BYTES;
	}
	return bytes;
}

int64_t worklist_bytes(const struct worklist *work)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < work->item_count; i++) {
		if (work->items[i].want->size_bytes > 0)
			bytes += work->items[i].want->size_bytes;
	}
	return bytes;
}

static int64_t held_bytes(const struct root *root, const char *staged)
{
	AUTO_FREE char *path = xasprintf("%s/%s", ROOT_STAGING, staged);
	struct stat st;

	if (fstatat(root_dirfd(root), path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	/* What is not there yet of a file that came in pieces is a hole. */
	return st.st_size < st.st_blocks * 512 ? st.st_size : st.st_blocks * 512;
}

int64_t worklist_missing_bytes(const struct worklist *work, const struct root *root)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < work->item_count; i++) {
		int64_t left =
			work->items[i].want->size_bytes - held_bytes(root, work->items[i].staged);

		if (left > 0)
			bytes += left;
	}
	return bytes;
}
