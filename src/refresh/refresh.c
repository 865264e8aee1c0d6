/* SPDX-License-Identifier: Apache-2.0 */
#include "refresh/refresh.h"

#include "base/time.h"
#include "engine/journal.h"
#include "engine/lease.h"
#include "engine/pipeline.h"
#include "refresh/intake.h"
#include "refresh/order.h"

/* From the answer "triggered" to the lease: a process starts and opens its database. */
#define START_MS ((int64_t)30 * 1000)

/* One table on its way. */
struct job {
	struct source source;
	struct table before;
	int64_t started_ms, started_at; /* wall clock; monotonic */
	struct intake intake;
	struct publish *publish; /* NULL: nothing has changed */
	char *circle;            /* of order.h: why it is not made; NULL */
};

struct run {
	const struct refresh *refresh;
	struct refresh_report *report;
	struct lease *lease;
	struct job *jobs;
	size_t n, capacity;
	size_t first; /* of the pipeline's items */
};

static void job_release(struct job *job)
{
	free(job->circle);
	publish_free(job->publish);
	intake_release(&job->intake);
	source_release(&job->source);
	table_release(&job->before);
}

static void run_release(struct run *run)
{
	for (size_t i = 0; i < run->n; i++)
		job_release(&run->jobs[i]);
	free(run->jobs);
	lease_drop(run->lease);
}

void refresh_report_release(struct refresh_report *report)
{
	for (size_t i = 0; i < report->n; i++)
		free(report->v[i].table);
	free(report->v);
	*report = (struct refresh_report){ 0 };
}

static struct refresh_done *add_done(struct refresh_report *report, const char *table)
{
	report->v = xgrow(report->v, &report->capacity, report->n + 1, sizeof(*report->v));
	report->v[report->n] =
		(struct refresh_done){ .table = xstrdup(table), .rows = -1, .bytes = -1 };
	return &report->v[report->n++];
}

/* On a worker's thread. */

static void *worker_new(void *ctx)
{
	const struct run *run = ctx;
	const struct root_options o = { .path = root_path(run->refresh->root) };
	struct root *root = NULL;
	struct err e = { 0 };

	/* A failure shows again, with its error, in prepare(). */
	return root_open(&o, &root, &e) == 0 ? root : NULL;
}

static void worker_free(void *ctx, void *worker)
{
	(void)ctx;
	root_close(worker);
}

static int read_source(struct job *job, struct err *e)
{
	switch (job->source.kind) {
	case SOURCE_FILES:
		return intake_files(&job->intake, e);
	case SOURCE_HTTP:
		return intake_http(&job->intake, e);
	case SOURCE_POSTGRES:
		return intake_postgres(&job->intake, e);
	case SOURCE_SQL:
		break;
	}
	return intake_sql(&job->intake, e);
}

static int prepare_publish(const struct run *run, struct job *job, struct db *db, struct err *e)
{
	struct intake *f = &job->intake;
	AUTO_FREE struct publish_part *parts = xcalloc(f->n, sizeof(*parts));
	const struct publish_source source = { .root = run->refresh->root, .db = db };
	struct publish_request request = {
		.table = job->source.table,
		.parts = parts,
		.part_count = f->n,
		.convert_memory = run->refresh->convert_memory,
	};

	for (size_t i = 0; i < f->n; i++)
		parts[i] = (struct publish_part){ .path = f->parts[i].path,
						  .sha256 = f->parts[i].sha256,
						  .format = f->parts[i].format,
						  .as_it_is = f->parts[i].as_it_is };
	return publish_prepare(&source, &request, &job->publish, e);
}

static int prepare(void *ctx, void *worker, size_t item, struct err *e)
{
	struct run *run = ctx;
	struct job *job = &run->jobs[run->first + item];
	struct root *root = worker;
	int r;

	if (!root)
		return err_set(e, ERR_FAILED, "the hub's folder could not be opened once more");
	if (job->circle) {
		(void)err_set(e, ERR_USAGE, "these tables are made of each other: %s", job->circle);
		return err_hint(e, "change the SQL of one of them");
	}
	publish_free(TAKE(job->publish)); /* of an attempt before */
	intake_drop(&job->intake, root);
	intake_release(&job->intake);
	table_release(&job->before);
	r = registry_find(root_db(root), NULL, job->source.table, &job->before, e);
	if (r == 0)
		r = registry_find(root_db(root), NULL, job->source.table, &job->intake.table, e);
	job->intake.refresh = run->refresh;
	job->intake.source = &job->source;
	job->intake.root = root;
	if (r == 0 && str_eq(job->before.query_mode, "remote"))
		r = err_set(e, ERR_CONFLICT, "the table stays at its source: its mode is remote");
	if (r == 0)
		r = read_source(job, e);
	if (r == 0 && !job->intake.unchanged)
		r = prepare_publish(run, job, root_db(root), e);
	return r;
}

/* On the caller's thread. */

static int columns_of(struct db *db, int64_t version, struct json **ret_columns, struct err *e)
{
	static const char sql[] = "SELECT o.columns FROM part p JOIN object o ON o.sha256=p.sha256"
				  " WHERE p.version_id=?1 ORDER BY p.path LIMIT 1";
	AUTO_FREE char *text = NULL;
	int r = db_get_text(db, &text, e, sql, "i", version);

	if (r < 0 || !text)
		return r;
	return json_parse(bytes_of(text), BUF_OWN_MAX, ret_columns, e);
}

static bool has_column(const struct json *columns, const char *name)
{
	for (size_t i = 0; i < json_size(columns); i++)
		if (str_eq(json_text(json_get(json_at(columns, i), "name")), name))
			return true;
	return false;
}

static int check_columns(struct db *db, const struct table *before, const struct table *after,
			 struct err *e)
{
	AUTO_JSON struct json *old = NULL, *new = NULL;
	int r = columns_of(db, before->version, &old, e);

	if (r == 0)
		r = columns_of(db, after->version, &new, e);
	for (size_t i = 0; r == 0 && i < json_size(old); i++) {
		const char *name = json_text(json_get(json_at(old, i), "name"));

		if (name && !has_column(new, name)) {
			(void)err_set(e, ERR_CONFLICT,
				      "refused: the source has no column '%s' any more", name);
			r = err_hint(e, "larder refresh %s --accept-loss, if that is meant",
				     before->id);
		}
	}
	return r;
}

/* Inside the transaction, when the new version stands: whatever is refused rolls it back. */
static int check_loss(const struct refresh *refresh, const struct job *job, struct db *db,
		      struct err *e)
{
	AUTO_TABLE struct table after = { 0 };
	const struct table *before = &job->before;
	int r = registry_find(db, NULL, job->source.table, &after, e);

	if (r < 0 || refresh->accept_loss || !before->version)
		return r;
	if (after.rows == 0 && before->rows > 0 && !job->source.allow_empty) {
		(void)err_set(e, ERR_CONFLICT,
			      "refused: the source has no rows, the table has %lld",
			      (long long)before->rows);
		return err_hint(e, "larder refresh %s --accept-loss, if that is meant", before->id);
	}
	return job->source.allow_column_loss ? 0 : check_columns(db, before, &after, e);
}

static int commit_success(struct run *run, struct job *job, struct refresh_done *done,
			  struct err *e)
{
	struct root *root = run->refresh->root;
	struct publish_result result = { 0 };
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(root_db(root), &tx, e);

	if (r == 0)
		r = lease_check(run->lease, e);
	if (r == 0 && job->publish)
		r = publish_apply(job->publish, root, run->refresh->by, &result, e);
	if (r == 0 && job->publish && !result.unchanged)
		r = check_loss(run->refresh, job, root_db(root), e);
	if (r < 0)
		return r;
	done->outcome = job->publish && !result.unchanged ? "updated" : "unchanged";
	done->rows = job->publish ? result.rows : job->before.rows;
	done->bytes = job->intake.bytes;
	r = source_record(root_db(root),
			  &(struct source_run){ .table = job->source.table,
						.started_ms = job->started_ms,
						.outcome = done->outcome,
						.rows = done->rows,
						.bytes = done->bytes,
						.seen = job->intake.seen },
			  e);
	return r < 0 ? r : journal_commit(root, e);
}

/* A failure is recorded as well, in a transaction of its own; that it cannot be is no more than a
 * gap in the history. */
static void record_failure(struct run *run, struct job *job, struct refresh_done *done)
{
	struct db *db = root_db(run->refresh->root);
	AUTO_TX struct db *tx = NULL;
	struct err ignored = { 0 };

	done->outcome = done->error.code == ERR_CONFLICT ? "refused" : "failed";
	if (db_begin_tx(db, &tx, &ignored) < 0)
		return;
	if (source_record(db,
			  &(struct source_run){ .table = job->source.table,
						.started_ms = job->started_ms,
						.outcome = done->outcome,
						.rows = -1,
						.bytes = -1,
						.error = done->error.msg },
			  &ignored) == 0)
		(void)db_commit(db, &ignored);
}

static void count(struct refresh_report *report, const struct refresh_done *done)
{
	report->updated += str_eq(done->outcome, "updated");
	report->unchanged += str_eq(done->outcome, "unchanged");
	report->refused += str_eq(done->outcome, "refused");
	report->failed += str_eq(done->outcome, "failed");
}

static void finish(struct run *run, const struct pipeline_result *result)
{
	struct job *job = &run->jobs[run->first + result->item];
	struct refresh_done *done = add_done(run->report, job->source.table);
	int r = result->result;

	done->error = result->error;
	if (r == 0)
		r = commit_success(run, job, done, &done->error);
	if (r < 0)
		record_failure(run, job, done);
	if (job->publish && r == 0)
		publish_settled(job->publish);
	else if (job->publish)
		publish_failed(job->publish, root_db(run->refresh->root));
	done->ms = time_monotonic() - job->started_at;
	count(run->report, done);
	if (run->refresh->on_table)
		run->refresh->on_table(run->refresh->ctx, job->source.table, r == 0);
	publish_free(TAKE(job->publish));
	if (r < 0)
		intake_drop(&job->intake, run->refresh->root);
	intake_release(&job->intake);
}

static int commit(void *ctx, const struct pipeline_result *results, size_t n, struct err *e)
{
	struct run *run = ctx;
	struct db *db = root_db(run->refresh->root);
	AUTO_TX struct db *tx = NULL;
	int r;

	for (size_t i = 0; i < n; i++)
		finish(run, &results[i]);
	if (n > 0)
		return 0;
	/* The tick: a table may take longer than the lease lasts. */
	if (db_begin_lazy(db, e) < 0)
		return e->code;
	tx = db;
	r = lease_check(run->lease, e);
	return r < 0 ? r : db_commit(db, e);
}

static int run_pipeline(struct run *run, size_t first, size_t n, unsigned workers, struct err *e)
{
	const struct pipeline p = {
		.ctx = run,
		.items = n,
		.workers = workers,
		.attempts = REFRESH_ATTEMPTS,
		.order = PIPELINE_AS_FINISHED,
		.tick_ms = REFRESH_LEASE_MS / 10,
		.cancel = run->refresh->cancel,
		.worker_new = worker_new,
		.worker_free = worker_free,
		.prepare = prepare,
		.commit = commit,
	};
	int64_t now = time_now();

	if (n == 0)
		return 0;
	run->first = first;
	for (size_t i = first; i < first + n; i++) {
		run->jobs[i].started_ms = now;
		run->jobs[i].started_at = time_monotonic();
	}
	return pipeline_run(&p, e);
}

/* Which tables. */

static int choose(void *ctx, const struct source *s, struct err *e)
{
	struct run *run = ctx;
	struct job job = { 0 };

	if (run->refresh->tables->n == 0 && !source_is_due(s, time_now())) {
		run->report->not_due++;
		return 0;
	}
	if (run->refresh->tables->n > 0 && !strv_has(run->refresh->tables, s->table))
		return 0;
	if (source_find(root_db(run->refresh->root), s->table, &job.source, e) < 0)
		return e->code;
	run->jobs = xgrow(run->jobs, &run->capacity, run->n + 1, sizeof(*run->jobs));
	run->jobs[run->n++] = job;
	return 0;
}

/* Names become ids; one that is not there, or has no source, ends the run before it begins. */
static int check_names(const struct refresh *refresh, struct strv *ret_ids, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < refresh->tables->n; i++) {
		AUTO_TABLE struct table t = { 0 };
		AUTO_SOURCE struct source s = { 0 };
		struct db *db = root_db(refresh->root);

		r = registry_find(db, NULL, refresh->tables->v[i], &t, e);
		if (r == 0)
			r = source_find(db, t.id, &s, e);
		if (r == 0)
			strv_add(ret_ids, t.id);
	}
	return r;
}

/* Outside first, SQL over what came last; ids are in order within both, as far as SQL does not read
 * other SQL. */
static int by_kind(const void *a, const void *b)
{
	const struct job *x = a;
	const struct job *y = b;
	int r = (x->source.kind == SOURCE_SQL) - (y->source.kind == SOURCE_SQL);

	return r ? r : strcmp(x->source.table, y->source.table);
}

/* Those that others read come first, by what DuckDB takes the statements for. */
static int put_in_order(struct run *run, size_t first, struct err *e)
{
	size_t n = run->n - first;
	struct job *jobs = run->jobs + first;
	AUTO_FREE struct order_item *items = xcalloc(n, sizeof(*items));
	AUTO_FREE struct job *ordered = xcalloc(n, sizeof(*ordered));
	struct db *db = root_db(run->refresh->root);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = registry_find(db, NULL, jobs[i].source.table, &jobs[i].before, e);
		if (r == ERR_NOT_FOUND) /* removed since: it will say so */
			r = 0;
		items[i] = (struct order_item){ .table = jobs[i].before.name ? jobs[i].before.name
									     : jobs[i].source.table,
						.sql = source_text(&jobs[i].source, "sql") };
	}
	if (r == 0)
		r = order_items(items, n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		jobs[i].circle = TAKE(items[i].circle);
		ordered[items[i].rank - 1] = jobs[i];
	}
	memcpy(jobs, ordered, n * sizeof(*jobs));
	return 0;
}

/* SQL sees what those before it have committed, so each is a pipeline of its own. */
static int run_all(struct run *run, struct err *e)
{
	size_t outside = 0;
	int r;

	while (outside < run->n && run->jobs[outside].source.kind != SOURCE_SQL)
		outside++;
	r = run_pipeline(run, 0, outside, REFRESH_WORKERS, e);
	if (r == 0 && run->n - outside > 1)
		r = put_in_order(run, outside, e);
	for (size_t i = outside; r == 0 && i < run->n; i++)
		r = run_pipeline(run, i, 1, 1, e);
	return r;
}

static void tell_only(struct run *run)
{
	for (size_t i = 0; i < run->n; i++)
		add_done(run->report, run->jobs[i].source.table)->outcome = "due";
}

/* It has come, or never will. */
static int forget_asked(struct db *db, struct err *e)
{
	return db_exec(db, e, "DELETE FROM refresh_asked", "");
}

int refresh_run(const struct refresh *refresh, struct refresh_report *report, struct err *e)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	struct refresh named = *refresh;
	AUTO(run_release) struct run run = { .refresh = &named, .report = report };
	struct db *db = root_db(refresh->root);
	int r = check_names(refresh, &ids, e);

	named.tables = &ids;
	if (r == 0 && !refresh->dry_run)
		r = lease_take(db, REFRESH_LEASE, REFRESH_LEASE_MS, "larder refresh", &run.lease,
			       e);
	if (r == 0 && !refresh->dry_run)
		r = forget_asked(db, e);
	if (r == 0)
		r = source_list(db, choose, &run, e);
	if (r < 0)
		return r;
	if (run.n > 0)
		qsort(run.jobs, run.n, sizeof(*run.jobs), by_kind);
	if (!refresh->dry_run)
		return run_all(&run, e);
	tell_only(&run);
	return 0;
}

int refresh_is_running(struct db *db, struct err *e)
{
	struct lease_view view = { 0 };
	int64_t now = time_now(), asked = 0;
	int r = lease_look(db, REFRESH_LEASE, &view, e);

	lease_view_release(&view);
	if (r == 0)
		r = db_get_int(db, &asked, 0, e,
			       "SELECT 1 FROM refresh_asked WHERE asked_ms BETWEEN ?1 AND ?2", "ii",
			       now - START_MS, now);
	return r < 0 ? r : r == 1 || asked == 1;
}

int refresh_ask(struct db *db, struct err *e)
{
	int r = refresh_is_running(db, e);

	if (r == 1)
		return err_set(e, ERR_BUSY, "a refresh is at work");
	if (r < 0)
		return r;
	return db_exec(db, e, "INSERT OR REPLACE INTO refresh_asked(one, asked_ms) VALUES(1, ?1)",
		       "i", time_now());
}
