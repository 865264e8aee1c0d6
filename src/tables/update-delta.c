/* SPDX-License-Identifier: Apache-2.0 */
/* Around the files that come in pieces: their indexes first, what was measured, what is reported. */
#include "tables/update-internal.h"

#include "base/time.h"
#include "engine/ledger.h"
#include "engine/pipeline.h"
#include "tables/batch.h"

#include <inttypes.h>

/* Attempts at an index: without one the file comes whole, which is no reason to wait long. */
#define INDEX_ATTEMPTS 2
/* (SPACE_LINK, server) is "round trip in us, bytes a second". */
#define SPACE_LINK "link"
/* Fewer bytes say nothing of a link's rate. */
#define RATE_BYTES_MIN ((int64_t)1 << 20)

/* A workspace whose patches come to nothing (another DuckDB than the hub's) is not asked again for a week. */
#define SPACE_PATCH  "patch"
#define PATCH_OFF_MS ((int64_t)7 * 24 * 3600 * 1000)
/* Until it was measured: of two cores. */
#define REBUILD_RATE ((int64_t)25 << 20)

/* A server further away than this is not on the same network; and what is done about it. */
#define FAR_FACTOR   4
#define FAR_JOBS_MAX 32

/* A file that is smaller comes as fast by one connection; and what a range has at least and at most: less would
 * be spent on round trips, with more the last one of a file is waited for alone. */
#define PIECES_FILE_MIN ((int64_t)8 << 20)
#define RANGE_MIN       ((int64_t)4 << 20)
#define RANGE_MAX       ((int64_t)32 << 20)
#define RANGES_EACH     4 /* that a connection brings of all there is */

struct finding {
	struct update *u;
	size_t *items; /* those with an index */
	size_t n;
};

static void *worker_new(void *ctx)
{
	return update_take_worker(((struct finding *)ctx)->u);
}

static void worker_free(void *ctx, void *worker)
{
	update_give_worker(((struct finding *)ctx)->u, worker);
}

static int prepare(void *ctx, void *worker, size_t i, struct err *e)
{
	struct finding *f = ctx;

	return fetch_index(worker, &f->u->work->items[f->items[i]], e);
}

/* No index is no failure of the table: its file then comes whole. */
static int take_results(void *ctx, const struct pipeline_result *results, size_t count,
			struct err *e)
{
	struct finding *f = ctx;

	(void)e;
	for (size_t i = 0; i < count; i++) {
		struct fetch_item *item = &f->u->work->items[f->items[results[i].item]];

		if (results[i].result < 0)
			(void)fetch_give_up(item, "its chunk index did not come: %.200s",
					    results[i].error.msg);
	}
	return 0;
}

/*
 * One child makes all parts that are made from patches, and starts while these come. By this thread, as it ends with
 * the one that started it. Where it cannot be started, the first part says so.
 */
static void start_rebuilder(struct update *u)
{
	struct err ignored = { 0 };
	int64_t largest = 0;

	for (size_t i = 0; i < u->work->item_count; i++) {
		const struct fetch_item *item = &u->work->items[i];

		if (item->patched && item->want->size_bytes > largest)
			largest = item->want->size_bytes;
	}
	if (largest > 0)
		(void)fetch_start_rebuilder(&u->common, largest, &u->common.rebuilder, &ignored);
}

int update_find_chunks(struct update *u, struct err *e)
{
	AUTO_FREE size_t *items = xcalloc(u->work->item_count + 1, sizeof(*items));
	struct finding f = { .u = u, .items = items };
	struct pipeline p = {
		.ctx = &f,
		.workers = u->common.at_once,
		.attempts = INDEX_ATTEMPTS,
		.order = PIPELINE_AS_FINISHED,
		.cancel = u->options->cancel,
		.worker_new = worker_new,
		.worker_free = worker_free,
		.prepare = prepare,
		.commit = take_results,
	};

	for (size_t i = 0; i < u->work->item_count; i++) {
		if (*u->work->items[i].want->chunks_sha256 || *u->work->items[i].want->patch_sha256)
			items[f.n++] = i;
	}
	p.items = f.n;
	if (f.n > 0 && pipeline_run(&p, e) < 0)
		return e->code;
	start_rebuilder(u);
	return 0;
}

/* Far from the server most of the time is waiting: more requests wait at once. */
unsigned update_connections(unsigned jobs, bool may_add_jobs, int64_t rtt_us)
{
	unsigned more = jobs * FAR_FACTOR < FAR_JOBS_MAX ? jobs * FAR_FACTOR : FAR_JOBS_MAX;

	return rtt_us > UPDATE_FAR_US && may_add_jobs && more > jobs ? more : jobs;
}

/* Far away all connections have the same number of batches, as few as the limit allows: each costs a round trip. */
int64_t update_batch_bytes(const struct update *u)
{
	int64_t bytes = worklist_small_bytes(u->work);
	int64_t most = (int64_t)BATCH_BYTES_MAX * u->common.at_once;
	int64_t rounds = (bytes + most - 1) / most;
	int64_t each = bytes / (u->common.at_once * (rounds ? rounds : 1)) + BATCH_FILE_MAX;

	if (u->options->rtt_us <= UPDATE_FAR_US || each < BATCH_BYTES_NEAR)
		return BATCH_BYTES_NEAR;
	return each < (int64_t)BATCH_BYTES_MAX ? each : (int64_t)BATCH_BYTES_MAX;
}

/* A file that is more than its share of all there is would be waited for while other connections idle. */
static void choose_pieces(struct update *u)
{
	int64_t share = worklist_bytes(u->work) / u->common.at_once;
	int64_t range = share / RANGES_EACH;

	range = range / CHUNKS_BLOCK * CHUNKS_BLOCK;
	u->common.range = range < RANGE_MIN ? RANGE_MIN : range > RANGE_MAX ? RANGE_MAX : range;
	u->common.pieces_from = share < PIECES_FILE_MIN ? PIECES_FILE_MIN : share + 1;
	if (u->common.at_once == 1)
		u->common.pieces_from = INT64_MAX;
}

static int load_patching(struct update *u, struct err *e)
{
	struct db *db = root_db(u->options->root);
	AUTO_FREE char *rate = NULL;
	AUTO_FREE char *off = NULL;
	int64_t since = 0;
	int r = ledger_get(db, SPACE_PATCH, "rate", &rate, e);

	if (r == 0)
		r = ledger_get(db, SPACE_PATCH, u->options->server, &off, e);
	if (r < 0)
		return r;
	u->common.patches = u->options->patches;
	if (!rate || sscanf(rate, "%" SCNd64, &u->common.rebuild_rate) != 1)
		u->common.rebuild_rate = REBUILD_RATE;
	if (off && sscanf(off, "%" SCNd64, &since) == 1 && time_now() - since < PATCH_OFF_MS &&
	    u->common.patches == PATCHES_AUTO)
		u->common.patches = PATCHES_NEVER;
	return 0;
}

static int save_patching(struct update *u, struct err *e)
{
	struct db *db = root_db(u->options->root);
	int64_t us = atomic_load(&u->common.rebuild_us);
	int64_t bytes = atomic_load(&u->common.rebuilt_bytes);
	AUTO_FREE char *rate = NULL;
	AUTO_FREE char *now = xasprintf("%" PRId64, time_now());
	int r = 0;

	if (us > 0 && bytes > 0) {
		rate = xasprintf("%" PRId64, (int64_t)((double)bytes * 1e6 / (double)us));
		r = ledger_put(db, SPACE_PATCH, "rate", rate, e);
	}
	if (r == 0 && atomic_load(&u->common.patch_failed))
		r = ledger_put(db, SPACE_PATCH, u->options->server, now, e);
	return r;
}

int update_load_link(struct update *u, struct err *e)
{
	AUTO_FREE char *known = NULL;
	int64_t rtt = DELTA_RTT_US;
	int64_t rate = DELTA_RATE;
	int r = ledger_get(root_db(u->options->root), SPACE_LINK, u->options->server, &known, e);

	/* Whatever it says is only a guess, kept in bounds by delta_gap(). */
	if (r == 0 && known && sscanf(known, "%" SCNd64 " %" SCNd64, &rtt, &rate) != 2)
		rate = DELTA_RATE;
	u->common.rate = rate;
	u->common.at_once =
		update_connections(u->options->jobs, u->options->may_add_jobs, u->options->rtt_us);
	choose_pieces(u);
	return r < 0 ? r : load_patching(u, e);
}

int update_save_link(struct update *u, int64_t took_ms, struct err *e)
{
	struct db *db = root_db(u->options->root);
	int64_t bytes = atomic_load(&u->common.bytes_fetched);
	int64_t rtt = atomic_load(&u->common.rtt_us);
	AUTO_FREE char *text = NULL;
	AUTO_TX struct db *tx = NULL;
	int r;

	if ((rtt == 0 || bytes < RATE_BYTES_MIN) && atomic_load(&u->common.rebuild_us) == 0)
		return 0;
	text = xasprintf("%" PRId64 " %" PRId64, rtt, bytes * 1000 / (took_ms > 0 ? took_ms : 1));
	r = db_begin_lazy(db, e);
	if (r < 0)
		return r;
	tx = db;
	if (rtt > 0 && bytes >= RATE_BYTES_MIN)
		r = ledger_put(db, SPACE_LINK, u->options->server, text, e);
	if (r == 0)
		r = save_patching(u, e);
	return r < 0 ? r : db_commit(db, e);
}

static void report_table(struct update *u, const struct work_table *table)
{
	struct update_table *t = &u->report->tables[u->report->table_count];

	if (table->plan->action != PLAN_FETCH)
		return;
	u->report->table_count++;
	*t = (struct update_table){ .plan = table->plan };
	for (size_t i = 0; i < table->plan->want->file_count; i++) {
		const struct fetch_item *item = table->items[i];

		if (item) {
			t->bytes_fetched += atomic_load(&item->bytes_fetched);
			t->bytes_reused += atomic_load(&item->bytes_reused);
		} else if (table->plan->files[i].have) {
			t->bytes_reused += table->plan->files[i].have->mark.size;
		}
	}
}

void update_report_items(struct update *u)
{
	u->report->tables = xcalloc(u->work->table_count + 1, sizeof(*u->report->tables));
	for (size_t i = 0; i < u->work->table_count; i++)
		report_table(u, &u->work->tables[i]);
	for (size_t i = 0; i < u->work->item_count; i++) {
		struct fetch_item *item = &u->work->items[i];

		if (item->warning)
			strv_adopt(&u->report->warnings, TAKE(item->warning));
	}
	if (*u->common.mirror.why)
		strv_addf(&u->report->warnings, "mirror '%s': %s; the hub was asked instead",
			  u->options->mirror, u->common.mirror.why);
}
