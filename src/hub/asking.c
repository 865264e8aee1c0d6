/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/asking.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/time.h"
#include "hub/asking-mixed.h"
#include "hub/excerpts.h"
#include "hub/query-pool.h"
#include "remote/functions.h"
#include "remote/paths.h"
#include "remote/text.h"

void asking_release(struct asking *a)
{
	if (a->hub)
		query_pool_return(hub_queries(a->hub), &a->worker);
	caller_release(&a->by);
	query_plan_release(&a->plan);
	far_refusal_release(&a->refusal);
}

/* The rights of this moment; excerpts that are not there yet are made, once. */
static int resolve(struct asking *a, struct db *db, struct duck_names *names, struct err *e)
{
	int r = db_begin_read(db, e);

	if (r == 0)
		r = access_renew(db, &a->by, e);
	if (r == 0)
		r = far_paths_find(db, &a->by, names, &a->refusal, e);
	if (r == 0)
		r = query_resolve(db, &a->by, names, &a->plan, e);
	db_rollback(db);
	return r;
}

static bool lacks_any(const struct query_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->tables[i].lacks_excerpt)
			return true;
	}
	return false;
}

static int make_excerpts(struct asking *a, struct db *db, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->plan.count; i++) {
		if (a->plan.tables[i].lacks_excerpt)
			r = excerpts_make(a->hub, db, &a->by, a->plan.tables[i].table.id, e);
	}
	return r;
}

static int plan_query(struct asking *a, struct db *db, struct duck_names *names, struct err *e)
{
	int r = resolve(a, db, names, e);

	if (r < 0 || !lacks_any(&a->plan))
		return r;
	r = make_excerpts(a, db, e);
	query_plan_release(&a->plan);
	if (r == 0)
		r = resolve(a, db, names, e);
	if (r == 0 && lacks_any(&a->plan))
		r = err_set(e, ERR_BUSY, "the rights to a table are just changing");
	return r;
}

/* Files of a publish that was committed a moment ago may still be on their way. */
static int fill(struct asking *a, struct room *room, struct err *e)
{
	int r = query_fill(&a->plan, hub_staging(a->hub), room, e);

	if (r != ERR_NOT_FOUND)
		return r;
	r = hub_settle(a->hub, e);
	for (size_t i = 0; i < a->plan.count; i++) {
		strv_release(&a->plan.tables[i].files);
		a->plan.tables[i].files = (struct strv)STRV_INIT;
	}
	return r < 0 ? r : query_fill(&a->plan, hub_staging(a->hub), room, e);
}

static bool is_hive(const struct strv *parts)
{
	return parts->n > 0 && strchr(parts->v[0], '=');
}

static int run(struct asking *a, struct duck_room *duck, struct duck_run_result *result,
	       struct err *e)
{
	AUTO_FREE struct duck_table *tables = xcalloc(a->plan.count + 1, sizeof(*tables));
	const struct duck_run request = { .tables = tables,
					  .table_count = a->plan.count,
					  .ctx = a->ctx,
					  .on_columns = a->on_columns,
					  .on_row = a->on_row };

	for (size_t i = 0; i < a->plan.count; i++) {
		const struct query_table *t = &a->plan.tables[i];

		tables[i] = (struct duck_table){ t->name, &t->files, is_hive(&t->parts) };
	}
	return duck_room_run(duck, &request, result, e);
}

/* All of it: neither the worker nor its place is needed while the source works. */
static int ask_source(struct asking *a, struct db *db, const struct duck_names *names,
		      struct duck_run_result *result, struct err *e)
{
	AUTO_FREE char *plain = NULL;
	int r = far_plain(a->sql, &plain, e);

	if (r == 0)
		r = far_check_functions(&names->functions, e);
	if (r < 0)
		return r;
	a->duck = NULL;
	query_pool_return(hub_queries(a->hub), &a->worker);
	return asking_remote(a, db, plain, result, e);
}

static int answer(struct asking *a, struct duck_run_result *result, struct err *e)
{
	int r = fill(a, a->worker.room, e);

	if (r == 0)
		r = run(a, a->worker.duck, result, e);
	a->scanned_bytes = query_bytes(&a->plan);
	return r;
}

/* Extracts of those that are not here come first; the place is others' meanwhile. */
static int answer_mixed(struct asking *a, struct db *db, const struct duck_names *names,
			struct duck_run_result *result, struct err *e)
{
	AUTO(mixed_release) struct mixed mixed = { 0 };
	int r;

	query_pool_leave(hub_queries(a->hub), &a->worker);
	r = mixed_bring(a, db, names, &mixed, e);
	if (r == 0)
		r = query_pool_enter(hub_queries(a->hub), &a->worker,
				     hub_settings(a->hub)->query_s * 1000, e);
	if (r == 0)
		r = fill(a, a->worker.room, e);
	if (r == 0)
		r = mixed_link(&mixed, a, a->worker.room, e);
	if (r == 0)
		r = run(a, a->worker.duck, result, e);
	a->scanned_bytes = query_bytes(&a->plan) + mixed.scanned_bytes;
	return r;
}

static int check_scan(const struct asking *a, struct err *e)
{
	if (!a->scan)
		return 0;
	(void)err_set(e, ERR_USAGE, "the table is not remote: its files are here");
	return err_hint(e, "larder pull brings them");
}

static int answer_planned(struct asking *a, struct db *db, const struct duck_names *names,
			  struct duck_run_result *result, struct err *e)
{
	if (asking_is_mixed(a) && !a->scan)
		return answer_mixed(a, db, names, result, e);
	if (asking_is_remote(a))
		return ask_source(a, db, names, result, e);
	return check_scan(a, e) < 0 ? e->code : answer(a, result, e);
}

/* The text as a source reads it, too, when there is one; that there is none is no fault of a statement over
 * tables that are here. */
static char *text_to_judge(const struct asking *a)
{
	struct err none = { 0 };
	char *plain = NULL;

	return far_plain(a->sql, &plain, &none) < 0 ? xstrdup(a->sql) : plain;
}

static int ask(struct asking *a, struct db *db, struct duck_run_result *result, struct err *e)
{
	const struct hub_settings *settings = hub_settings(a->hub);
	AUTO_FREE char *text = text_to_judge(a);
	const struct duck_question question = { .sql = text,
						.row_limit = a->row_limit,
						.byte_limit = a->byte_limit,
						.cell_limit = a->cell_limit,
						.deadline_ms = settings->query_s * 1000 };
	AUTO(duck_names_release) struct duck_names names = { 0 };
	int r = duck_room_ask(a->worker.duck, &question, &names, e);

	if (r == 0)
		r = plan_query(a, db, &names, e);
	if (r == 0)
		r = answer_planned(a, db, &names, result, e);
	if (r == ERR_BUSY && !e->retry_after) /* the worker's deadline: asking again is no help */
		r = err_set(e, ERR_LIMIT, "the query was stopped: not done after %lld s",
			    (long long)settings->query_s);
	return r;
}

static void report(const struct asking *a, const struct duck_run_result *result, int64_t started,
		   const struct err *e)
{
	AUTO_BUF struct buf tables = BUF_INIT(BUF_OWN_MAX);
	char sha256[HASH_HEX_MAX];

	hash_text(HASH_SHA256, bytes_of(a->sql), sha256);
	for (size_t i = 0; i < a->plan.count; i++)
		buf_addf(&tables, "%s%s", i ? "," : "", a->plan.tables[i].table.id);
	log_event(LOG_INFO, "query",
		  "user=%s sql_sha256=%.16s tables=%s rows=%lld bytes=%lld ms=%lld verdict=%s%s%s",
		  a->by.email, sha256, buf_str(&tables), (long long)result->rows,
		  (long long)a->scanned_bytes, (long long)(time_monotonic() - started),
		  e->code ? err_word(e->code) : "done", e->code ? " error=" : "",
		  e->code ? e->msg : "");
}

int asking_run(struct asking *a, unsigned slot, struct duck_run_result *ret_result, struct err *e)
{
	struct query_pool *pool = hub_queries(a->hub);
	int64_t started = time_monotonic();
	struct db *db = hub_read_db(a->hub, slot, e);
	int r = db ? query_pool_take(pool, a->by.user_id, &a->worker, e) : e->code;

	a->refusal = (struct far_refusal)FAR_REFUSAL_INIT;
	if (r == 0) {
		a->duck = a->worker.duck;
		duck_room_watch(a->duck, a->client_fd);
		r = ask(a, db, ret_result, e);
	}
	a->duck = NULL;
	report(a, ret_result, started, e);
	return r;
}
