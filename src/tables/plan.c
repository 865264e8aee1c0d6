/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/plan.h"

/* Files to fetch, unless the same bytes lie elsewhere: by their hashes. */
struct missing {
	struct plan_file **v;
	size_t n, capacity;
};

/* Does the table as a whole carry the mark it had when it was fetched? */
static bool same_mark(const struct manifest_table *want, const struct local_table *have)
{
	if (*want->hash || *have->hash)
		return str_eq(want->hash, have->hash);
	return *want->updated && str_eq(want->updated, have->updated) &&
	       want->size_bytes == have->size_bytes;
}

static bool same_bytes(const struct plan_table *table, const struct manifest_file *want,
		       const struct local_file *have)
{
	if (*want->sha256)
		return str_eq(want->sha256, have->sha256);
	if (*want->md5)
		return str_eq(want->md5, have->md5);
	return same_mark(table->want, table->have);
}

static bool is_on_disk(const struct local_file *file)
{
	return file->state == LOCAL_GOOD || file->state == LOCAL_UNLINKED;
}

/* Fills in which files are here already; NULL when all are, linked, and no other is. */
static const char *compare_files(struct plan_table *table)
{
	const struct manifest_table *want = table->want;
	bool moved = want->in_parts != table->have->in_parts;
	const char *reason =
		moved || want->file_count != table->have->file_count ? "changed" : NULL;

	for (size_t i = 0; i < want->file_count; i++) {
		struct plan_file *file = &table->files[i];
		const struct local_file *have = local_file_find(table->have, want->files[i].path);

		if (!have || !same_bytes(table, file->want, have))
			reason = "changed";
		else if (!is_on_disk(have))
			reason = reason ? reason : "missing or damaged";
		else
			file->have = have;
		if (!reason && have && have->state == LOCAL_UNLINKED)
			reason = "not linked";
	}
	return reason;
}

static bool same_record(const struct manifest_table *want, const struct local_table *have)
{
	return str_eq(want->id, have->id) && str_eq(want->hash, have->hash) &&
	       str_eq(want->updated, have->updated) && want->rows == have->rows &&
	       want->size_bytes == have->size_bytes;
}

static int compare_wanted(const void *a, const void *b)
{
	return strcmp((*(struct plan_file *const *)a)->want->sha256,
		      (*(struct plan_file *const *)b)->want->sha256);
}

static int compare_to_wanted(const void *sha256, const void *file)
{
	return strcmp(sha256, (*(struct plan_file *const *)file)->want->sha256);
}

static void note_missing(struct missing *missing, struct plan_table *table)
{
	for (size_t i = 0; i < table->want->file_count; i++) {
		struct plan_file *file = &table->files[i];

		if (file->have || !*file->want->sha256)
			continue;
		missing->v = xgrow(missing->v, &missing->capacity, missing->n + 1,
				   sizeof(struct plan_file *));
		missing->v[missing->n++] = file;
	}
}

static void offer(const struct missing *missing, const struct local_file *have)
{
	struct plan_file *const *found = bsearch(have->sha256, missing->v, missing->n,
						 sizeof(struct plan_file *), compare_to_wanted);
	struct plan_file *const *end = missing->v + missing->n;

	if (!found || (*found)->have) /* with all of that hash */
		return;
	while (found > missing->v && compare_wanted(found - 1, found) == 0)
		found--;
	for (; found < end && str_eq((*found)->want->sha256, have->sha256); found++)
		(*found)->have = have;
}

/*
 * Parts that moved to another path, or are another table's as well, are here. It is the missing that are
 * sorted: of thousands of files most often a few.
 */
static void find_elsewhere(const struct local *local, struct missing *missing)
{
	if (missing->n == 0)
		return;
	qsort(missing->v, missing->n, sizeof(struct plan_file *), compare_wanted);
	for (size_t i = 0; i < local->count; i++) {
		const struct local_table *table = &local->tables[i];

		for (size_t k = 0; k < table->file_count; k++) {
			if (is_on_disk(&table->files[k]))
				offer(missing, &table->files[k]);
		}
	}
}

static void decide(struct plan_table *table, struct missing *missing)
{
	const struct manifest_table *want = table->want;

	table->files = xcalloc(want->file_count, sizeof(*table->files));
	for (size_t i = 0; i < want->file_count; i++)
		table->files[i].want = &want->files[i];
	table->action = PLAN_FETCH;
	table->reason = table->have ? compare_files(table) : "new";
	if (table->reason) {
		note_missing(missing, table);
		return;
	}
	table->reason = "unchanged";
	table->action = same_record(want, table->have) ? PLAN_KEEP : PLAN_RECORD;
}

static void plan_one(struct plan *plan, const struct manifest *manifest, struct missing *missing,
		     const struct manifest_table *want, const struct local_table *have)
{
	struct plan_table *table = &plan->tables[plan->count];
	bool snapshot = have && have->snapshot;

	if (want && want->unusable && !have)
		return; /* the manifest's warning has said it */
	plan->count++;
	*table = (struct plan_table){ .want = want, .have = have };
	if (!want && snapshot && strv_has(&manifest->remote, have->id)) {
		table->action = PLAN_KEEP;
		table->reason = "a snapshot";
	} else if (!want) {
		table->action = PLAN_REMOVE;
		table->reason =
			snapshot ? "a snapshot of a table no longer offered" : "no longer offered";
	} else if (want->unusable) {
		table->action = PLAN_KEEP;
		table->reason = "its entry in the manifest cannot be used";
	} else if (want->as_before) {
		table->action = PLAN_KEEP;
		table->reason = "unchanged";
	} else {
		decide(table, missing);
	}
}

/* Both lists are sorted by name: one pass over the two. */
struct plan *plan_make(const struct local *local, const struct manifest *manifest)
{
	struct plan *plan = xcalloc(1, sizeof(*plan));
	struct missing missing = { 0 };
	size_t i = 0;
	size_t j = 0;

	plan->tables = xcalloc(local->count + manifest->count + 1, sizeof(*plan->tables));
	while (i < local->count || j < manifest->count) {
		const struct local_table *have = i < local->count ? &local->tables[i] : NULL;
		const struct manifest_table *want =
			j < manifest->count ? &manifest->tables[j] : NULL;
		int order = !have ? 1 : !want ? -1 : strcmp(have->name, want->name);

		plan_one(plan, manifest, &missing, order >= 0 ? want : NULL,
			 order <= 0 ? have : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	find_elsewhere(local, &missing);
	free(missing.v);
	return plan;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->count; i++)
		free(plan->tables[i].files);
	free(plan->tables);
	free(plan);
}

const char *plan_table_name(const struct plan_table *table)
{
	return table->want ? table->want->name : table->have->name;
}

const char *plan_action_word(enum plan_action action)
{
	switch (action) {
	case PLAN_KEEP:
		return "keep";
	case PLAN_RECORD:
		return "record";
	case PLAN_FETCH:
		return "fetch";
	case PLAN_REMOVE:
		return "remove";
	}
	return "";
}

int64_t plan_table_bytes(const struct plan_table *table)
{
	int64_t bytes = 0;

	for (size_t i = 0; table->action == PLAN_FETCH && i < table->want->file_count; i++) {
		if (!table->files[i].have && table->files[i].want->size_bytes > 0)
			bytes += table->files[i].want->size_bytes;
	}
	return bytes;
}
