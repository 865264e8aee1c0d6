/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying out the plan. Binding a view (opening its file's footer) is nearly all of the work, and
 * it belongs to the CREATE, so two threads with a transaction each are 1.5 times as fast as one.
 * That is done for views that are new, which may appear in any order; what replaces or drops
 * switches together, in one transaction, at the end.
 *
 * A file that cannot be read ends DuckDB's transaction. It is rolled back, the other files are
 * tried one by one, and the transaction is made again without the bad ones.
 */
#include "duck/worker-views.h"

#include <pthread.h>

/* Below this a second thread costs more than it gains (20 ms of work). */
#define PARALLEL_MIN 64

struct batch {
	duckdb_connection con;
	struct view **v;
	size_t n;
	struct err e; /* of the whole batch */
};

static void batch_release(struct batch *b)
{
	free(b->v);
}

static void add_statement(struct buf *sql, const struct view *view)
{
	buf_adds(sql, view->work == VIEW_DROP ? "DROP VIEW IF EXISTS main."
					      : "CREATE OR REPLACE VIEW main.");
	sql_quote_name(sql, view->name);
	if (view->work != VIEW_DROP) {
		buf_adds(sql, " AS ");
		view_add_select(sql, view);
	}
}

/* Is this the end of all work on this database, not of one view? */
static bool is_fatal(duckdb_error_type type)
{
	return type == DUCKDB_ERROR_FATAL || type == DUCKDB_ERROR_INTERNAL ||
	       type == DUCKDB_ERROR_OUT_OF_MEMORY || type == DUCKDB_ERROR_TRANSACTION;
}

static void fail_with(struct view *view, const char *why)
{
	struct err e = { 0 };

	(void)err_set(&e, ERR_FAILED, "%s", why ? why : "no reason given");
	engine_one_line(&e);
	views_fail(view, e.msg);
}

static int run_one(struct batch *b, struct view *view)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
	AUTO_RESULT duckdb_result result = { 0 };

	add_statement(&sql, view);
	if (duckdb_query(b->con, buf_str(&sql), &result) == DuckDBSuccess)
		return 0;
	if (is_fatal(duckdb_result_error_type(&result)))
		return engine_error(&b->e, duckdb_result_error_type(&result),
				    duckdb_result_error(&result));
	fail_with(view, duckdb_result_error(&result));
	return 1;
}

/* 0 done, 1 a view was found bad (all is rolled back), negative: an error. */
static int attempt(struct batch *b)
{
	struct err ignored = { 0 };
	int r = engine_run(b->con, "BEGIN", &b->e);

	for (size_t i = 0; i < b->n && r == 0; i++) {
		if (b->v[i]->work != VIEW_FAILED)
			r = run_one(b, b->v[i]);
	}
	if (r == 0)
		return engine_run(b->con, "COMMIT", &b->e);
	(void)engine_run(b->con, "ROLLBACK", &ignored); /* what failed is already said */
	return r;
}

/* Binds each SELECT by itself, so that one more attempt will do, however many files are bad. */
static void sift(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		AUTO(duckdb_destroy_prepare) duckdb_prepared_statement prepared = NULL;
		AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);
		struct view *view = b->v[i];

		if (view->work == VIEW_FAILED || view->work == VIEW_DROP)
			continue;
		view_add_select(&sql, view);
		if (duckdb_prepare(b->con, buf_str(&sql), &prepared) != DuckDBSuccess)
			fail_with(view, duckdb_prepare_error(prepared));
	}
}

static void *run_batch(void *arg)
{
	struct batch *b = arg;
	int r = b->n ? attempt(b) : 0;

	if (r > 0)
		sift(b);
	while (r > 0)
		r = attempt(b); /* each round that fails has one view less */
	return NULL;
}

static void collect(struct batch *b, struct views *views, bool is_new, size_t first, size_t step)
{
	size_t seen = 0;

	b->v = xcalloc(views->n ? views->n : 1, sizeof(struct view *));
	for (size_t i = 0; i < views->n; i++) {
		enum view_work work = views->v[i].work;

		if (is_new ? work != VIEW_NEW : work != VIEW_REPLACE && work != VIEW_DROP)
			continue;
		if (seen++ % step == first)
			b->v[b->n++] = &views->v[i];
	}
}

static int run_two(const struct engine *en, struct views *views, struct err *e)
{
	AUTO(batch_release) struct batch one = { .con = en->con }, two = { 0 };
	pthread_t thread;

	if (duckdb_connect(en->db, &two.con) != DuckDBSuccess)
		return err_set(e, ERR_FAILED, "connect to DuckDB twice");
	collect(&one, views, true, 0, 2);
	collect(&two, views, true, 1, 2);
	if (pthread_create(&thread, NULL, run_batch, &two) == 0) {
		(void)run_batch(&one);
		(void)pthread_join(thread, NULL);
	} else {
		(void)run_batch(&one);
		(void)run_batch(&two);
	}
	duckdb_disconnect(&two.con);
	*e = one.e.code ? one.e : two.e;
	return e->code;
}

static int run_alone(const struct engine *en, struct views *views, bool is_new, struct err *e)
{
	AUTO(batch_release) struct batch b = { .con = en->con };

	collect(&b, views, is_new, 0, 1);
	(void)run_batch(&b);
	*e = b.e;
	return e->code;
}

int views_apply(const struct engine *en, struct views *views, struct err *e)
{
	size_t fresh = 0;

	for (size_t i = 0; i < views->n; i++)
		fresh += views->v[i].work == VIEW_NEW;
	if (fresh >= PARALLEL_MIN ? run_two(en, views, e) < 0 : run_alone(en, views, true, e) < 0)
		return e->code;
	return run_alone(en, views, false, e);
}
