/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/update-internal.h"

#include "base/file.h"
#include "base/time.h"
#include "engine/journal.h"
#include "engine/pipeline.h"
#include "tables/commit.h"

/* Prepared files that wait for their commit: enough that the workers go on during a sync. */
#define WINDOW 256
/* As many files in a row without an answer mean that the server is away. */
#define OFFLINE_IN_A_ROW 8
/*
 * New tables appear at most so often: a commit makes the disk write all that is under way, which
 * costs 32 large files half of their time when each has one of its own. What a kill catches before
 * its commit is in staging, whole.
 */
#define COMMIT_EVERY_MS 3000

void update_report_release(struct update_report *report)
{
	strv_release(&report->wanted);
	strv_release(&report->warnings);
	free(report->tables);
	failures_release(&report->failures);
}

struct fetch_worker *update_take_worker(struct update *u)
{
	return u->idle_count ? u->idle[--u->idle_count] : fetch_worker_new(&u->common);
}

void update_give_worker(struct update *u, struct fetch_worker *w)
{
	u->idle[u->idle_count++] = w;
}

static void end_workers(struct update *u)
{
	while (u->idle_count > 0)
		fetch_worker_free(u->idle[--u->idle_count]);
	free(TAKE(u->idle));
	duck_rebuilder_free(TAKE(u->common.rebuilder));
}

static void *worker_new(void *ctx)
{
	return update_take_worker(ctx);
}

static void worker_free(void *ctx, void *worker)
{
	update_give_worker(ctx, worker);
}

static int prepare(void *ctx, void *worker, size_t i, struct err *e)
{
	struct update *u = ctx;
	int r;

	if (atomic_load(&u->given_up))
		return err_set(e, ERR_CANCELLED, "not asked for");
	r = fetch_unit(worker, &u->work->units[i], e);
	if (r == ERR_AUTH) /* here, and not when it is told: others ask meanwhile */
		atomic_store(&u->given_up, true);
	return r;
}

/* Is there a point in asking for the other files? */
static void judge_server(struct update *u, const struct pipeline_result *result)
{
	u->offline_in_a_row = result->result == ERR_OFFLINE ? u->offline_in_a_row + 1 : 0;
	if (result->result == ERR_AUTH || u->offline_in_a_row >= OFFLINE_IN_A_ROW)
		atomic_store(&u->given_up, true);
}

static void fail_tables(struct update *u, size_t item, const struct pipeline_result *result)
{
	bool skipped = result->result == ERR_CANCELLED;

	for (const struct work_ref *ref = worklist_refs(u->work, item); ref && ref->item == item;
	     ref = worklist_next(u->work, ref)) {
		struct work_table *table = &u->work->tables[ref->table];

		if (table->failed)
			continue;
		table->failed = true;
		if (skipped)
			u->not_asked++;
		else
			failures_add(&u->report->failures, "download", plan_table_name(table->plan),
				     &result->error);
	}
}

static void count_down(struct update *u, size_t item)
{
	for (const struct work_ref *ref = worklist_refs(u->work, item); ref && ref->item == item;
	     ref = worklist_next(u->work, ref))
		u->work->tables[ref->table].missing--;
}

static bool is_ready(const struct work_table *table)
{
	return !table->committed && !table->failed && table->missing == 0;
}

/* Switches those that `select` picks among the ready ones, in one transaction. */
static int commit_ready(struct update *u, bool (*select)(const struct work_table *), struct err *e)
{
	const struct commit c = { u->options->root, u->options->lease, u->options->keep_old_ms };
	AUTO_FREE struct commit_table *batch = xcalloc(u->work->table_count + 1, sizeof(*batch));
	size_t n = 0;
	int r;

	for (size_t i = 0; i < u->work->table_count; i++) {
		struct work_table *table = &u->work->tables[i];

		if (is_ready(table) && select(table))
			batch[n++] = (struct commit_table){ table->plan, table->items };
	}
	r = n ? commit_tables(&c, batch, n, e) : 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < u->work->table_count; i++) {
		struct work_table *table = &u->work->tables[i];

		if (!is_ready(table) || !select(table))
			continue;
		table->committed = true;
		u->report->updated += table->plan->action == PLAN_FETCH;
		u->report->removed += table->plan->action == PLAN_REMOVE;
	}
	return 0;
}

static bool is_new(const struct work_table *table)
{
	return !table->plan->have;
}

static bool is_any(const struct work_table *table)
{
	(void)table;
	return true;
}

static int commit_new(struct update *u, struct err *e)
{
	int r;

	if (u->options->atomic || time_monotonic() < u->commit_at)
		return 0;
	r = commit_ready(u, is_new, e);
	u->commit_at = time_monotonic() + COMMIT_EVERY_MS;
	return r;
}

/* A file is there when all of its units are. */
static void take_item(struct update *u, struct fetch_item *item,
		      const struct pipeline_result *result)
{
	size_t number = (size_t)(item - u->work->items);
	bool failed = atomic_load(&item->failed);

	if (result->result < 0) {
		atomic_store(&item->failed, true);
		fail_tables(u, number, result);
	}
	if (failed || (result->result == 0 && --item->units_missing > 0))
		return;
	progress_step(u->common.progress, item->table->name, result->result == 0);
	if (result->result == 0)
		count_down(u, number);
}

static void take_unit(struct update *u, const struct pipeline_result *result)
{
	const struct fetch_unit *unit = &u->work->units[result->item];

	if (!unit->batch)
		take_item(u, unit->item, result);
	/* Of a batch that failed, what came is here; of one that did not, the rest comes alone. */
	for (size_t i = 0; i < unit->batch_count; i++) {
		const struct pipeline_result good = { .item = result->item };

		if (unit->batch[i]->ready)
			take_item(u, unit->batch[i], &good);
		else if (result->result < 0)
			take_item(u, unit->batch[i], result);
	}
}

/* Also called when none came for a while: what finished before is not to wait for the next. */
static int take_results(void *ctx, const struct pipeline_result *results, size_t count,
			struct err *e)
{
	struct update *u = ctx;

	for (size_t i = 0; i < count; i++) {
		judge_server(u, &results[i]);
		take_unit(u, &results[i]);
	}
	return commit_new(u, e);
}

static int fetch_all(struct update *u, struct err *e)
{
	struct pipeline p = {
		.ctx = u,
		.workers = u->common.at_once,
		.attempts = UPDATE_ATTEMPTS,
		.window = WINDOW,
		.batch = WINDOW,
		.order = PIPELINE_AS_FINISHED,
		.tick_ms = COMMIT_EVERY_MS,
		.cancel = u->options->cancel,
		.worker_new = worker_new,
		.worker_free = worker_free,
		.prepare = prepare,
		.commit = take_results,
	};
	int64_t begun = time_monotonic();
	int r;

	if (u->work->item_count == 0)
		return 0;
	u->idle = xcalloc(u->common.at_once, sizeof(struct fetch_worker *));
	u->common.progress = progress_begin("pull", worklist_bytes(u->work), u->work->item_count,
					    u->options->quiet);
	r = update_find_chunks(u, e);
	worklist_make_units(u->work, u->options->batches ? update_batch_bytes(u) : 0);
	p.items = u->work->unit_count;
	u->commit_at = time_monotonic() + COMMIT_EVERY_MS;
	if (r == 0)
		r = pipeline_run(&p, e);
	worklist_make_rest(u->work);
	p.items = u->work->unit_count;
	if (r == 0 && p.items > 0)
		r = pipeline_run(&p, e);
	if (r == 0)
		r = update_save_link(u, time_monotonic() - begun, e);
	end_workers(u);
	progress_end(u->common.progress);
	u->common.progress = NULL;
	return r;
}

/* Then nothing need be looked for before it is fetched. */
static int find_out_fresh(struct update *u, const struct plan *plan, struct err *e)
{
	AUTO_STRV struct strv staged = STRV_INIT;
	int r = journal_stage_list(u->options->root, &staged, e);
	bool fresh = r == 0;

	for (size_t i = 0; fresh && i < plan->count; i++)
		fresh = !plan->tables[i].have;
	for (size_t i = 0; fresh && i < staged.n; i++)
		fresh = !str_ends(staged.v[i], FETCH_STAGED_END);
	u->common.fresh = fresh;
	return r;
}

static int check_space(const struct update *u, struct err *e)
{
	int64_t needed = worklist_missing_bytes(u->work, u->options->root);
	char needed_text[FORMAT_SIZE_MAX];
	char free_text[FORMAT_SIZE_MAX];
	int64_t free_bytes;
	int r = needed ? disk_free(root_path(u->options->root), &free_bytes, e) : 1;

	if (r != 0)
		return r < 0 ? r : 0;
	if (needed + UPDATE_DISK_RESERVE <= free_bytes)
		return 0;
	return err_set(e, ERR_IO, "the files to fetch need %s, the disk of '%s' has %s left",
		       format_size(needed, needed_text), root_path(u->options->root),
		       format_size(free_bytes, free_text));
}

static void report_given_up(struct update *u)
{
	struct failures *failures = &u->report->failures;
	struct err *first = failures->n ? &failures->v[failures->n - 1].error : NULL;
	struct err why = { 0 };

	if (!u->not_asked || !first)
		return;
	(void)err_set(&why, first->code, "%zu more tables were not asked for: %.300s", u->not_asked,
		      first->msg);
	failures_add(failures, "download", NULL, &why);
}

/* Replacements, removals and facts: all of them, or all that are ready. */
static int switch_rest(struct update *u, struct err *e)
{
	struct err why = { 0 };

	if (!u->options->atomic || u->report->failures.n == 0)
		return commit_ready(u, is_any, e);
	(void)err_set(&why, ERR_FAILED, "nothing was changed, as all or none was asked for");
	failures_add(&u->report->failures, "commit", NULL, &why);
	return 0;
}

/* Also of what was given to a commit: it may have failed, and what it moved has that name no more. */
static void note_wanted(struct update *u)
{
	for (size_t i = 0; i < u->work->item_count; i++)
		strv_add(&u->report->wanted, u->work->items[i].staged);
	strv_sort(&u->report->wanted);
	u->report->requests += atomic_load(&u->common.requests);
	u->report->bytes_fetched += atomic_load(&u->common.bytes_fetched);
	u->report->bytes_reused += atomic_load(&u->common.bytes_reused);
	u->report->bytes_from_mirror += atomic_load(&u->common.mirror.bytes);
}

int update_run(const struct update_options *options, const struct plan *plan,
	       struct update_report *report, struct err *e)
{
	AUTO_WORKLIST struct worklist *work = worklist_make(plan);
	struct update u = {
		.options = options,
		.report = report,
		.work = work,
		.common = { .root = options->root,
			    .server = options->server,
			    .token = options->token,
			    .cancel = options->cancel,
			    .near = options->near,
			    .warm = options->warm,
			    .rebuilding = PTHREAD_MUTEX_INITIALIZER,
			    .mirror = { .lock = PTHREAD_MUTEX_INITIALIZER } },
	};
	int r = check_space(&u, e);

	fetch_mirror_begin(&u.common.mirror, options->mirror, options->server);
	if (r == 0)
		r = find_out_fresh(&u, plan, e);
	if (r == 0)
		r = update_load_link(&u, e);
	if (r == 0)
		r = fetch_all(&u, e);
	if (r == 0)
		report_given_up(&u);
	if (r == 0)
		r = switch_rest(&u, e);
	note_wanted(&u);
	update_report_items(&u);
	return r;
}
