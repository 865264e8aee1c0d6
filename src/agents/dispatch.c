/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/dispatch.h"

#include "base/str.h"
#include "engine/outbox.h"

/* In one transaction; the others go the next time. */
#define FORGET_MAX 5000

static const char migration_1[] =
	"CREATE TABLE agent_dispatch (id TEXT PRIMARY KEY, name TEXT NOT NULL, org TEXT NOT NULL,"
	" repo TEXT NOT NULL, task TEXT NOT NULL, branch TEXT NOT NULL, template TEXT NOT NULL,"
	" agent TEXT NOT NULL, question TEXT NOT NULL, reason TEXT NOT NULL, pr_url TEXT NOT NULL,"
	" handle TEXT NOT NULL, command TEXT NOT NULL, identity TEXT NOT NULL,"
	" report_stamp TEXT NOT NULL, stats TEXT NOT NULL,"
	" current INTEGER NOT NULL, stopping INTEGER NOT NULL, status INTEGER NOT NULL,"
	" issue INTEGER NOT NULL, priority INTEGER NOT NULL, runs INTEGER NOT NULL,"
	" revision INTEGER NOT NULL, pid INTEGER NOT NULL, exit_code INTEGER NOT NULL,"
	" timeout_ms INTEGER NOT NULL, log_max INTEGER NOT NULL, queued_ms INTEGER NOT NULL,"
	" started_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
	" due_ms INTEGER NOT NULL, captured INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX agent_current ON agent_dispatch (name) WHERE current = 1;"
	"CREATE INDEX agent_by_status ON agent_dispatch (status, due_ms) WHERE current = 1;";

/* Of what is over for long: dispatch_forget(). */
static const char migration_2[] =
	"CREATE INDEX agent_history ON agent_dispatch (updated_ms) WHERE current = 0";
static const char *const migrations[] = { migration_1, migration_2, NULL };
const struct db_schema dispatch_schema = { "agents", migrations };

#define COLUMNS                                                                                    \
	"id, name, org, repo, task, branch, template, agent, question, reason, pr_url, handle,"    \
	" command, identity, report_stamp, stats, current, stopping, status, issue,"               \
	" priority, runs, revision, pid, exit_code, timeout_ms, log_max, queued_ms, started_ms,"   \
	" updated_ms, ended_ms, due_ms, captured"

#define VALUES                                                                                     \
	"?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,"    \
	" ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33"

/* In the order of COLUMNS: the texts first. */
static const size_t texts[] = {
	offsetof(struct dispatch, id),           offsetof(struct dispatch, name),
	offsetof(struct dispatch, org),          offsetof(struct dispatch, repo),
	offsetof(struct dispatch, task),         offsetof(struct dispatch, branch),
	offsetof(struct dispatch, template),     offsetof(struct dispatch, agent),
	offsetof(struct dispatch, question),     offsetof(struct dispatch, reason),
	offsetof(struct dispatch, pr_url),       offsetof(struct dispatch, handle),
	offsetof(struct dispatch, command),      offsetof(struct dispatch, identity),
	offsetof(struct dispatch, report_stamp), offsetof(struct dispatch, stats),
};
#define FIRST_NUMBER (ARRAY_LEN(texts) + 3) /* current, stopping and status between */
static const size_t numbers[] = {
	offsetof(struct dispatch, issue),      offsetof(struct dispatch, priority),
	offsetof(struct dispatch, runs),       offsetof(struct dispatch, revision),
	offsetof(struct dispatch, pid),        offsetof(struct dispatch, exit_code),
	offsetof(struct dispatch, timeout_ms), offsetof(struct dispatch, log_max),
	offsetof(struct dispatch, queued_ms),  offsetof(struct dispatch, started_ms),
	offsetof(struct dispatch, updated_ms), offsetof(struct dispatch, ended_ms),
	offsetof(struct dispatch, due_ms),     offsetof(struct dispatch, captured),
};

static char **text_at(struct dispatch *d, size_t i)
{
	return (char **)(void *)((char *)d + texts[i]);
}

static int64_t *number_at(struct dispatch *d, size_t i)
{
	return (int64_t *)(void *)((char *)d + numbers[i]);
}

void dispatch_init(struct dispatch *d)
{
	*d = (struct dispatch){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*text_at(d, i) = xstrdup("");
}

void dispatch_release(struct dispatch *d)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(*text_at(d, i));
	*d = (struct dispatch){ 0 };
}

void dispatch_set(char **text, const char *value)
{
	char *copy = xstrdup(value ? value : "");

	free(*text);
	*text = copy;
}

static void take_row(const struct stmt *q, struct dispatch *ret)
{
	int n = (int)ARRAY_LEN(texts);

	dispatch_release(ret);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*text_at(ret, i) = xstrdup(stmt_text(q, (int)i));
	ret->current = stmt_int(q, n) != 0;
	ret->stopping = stmt_int(q, n + 1) != 0;
	ret->status = (enum agent_status)stmt_int(q, n + 2);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		*number_at(ret, i) = stmt_int(q, (int)(FIRST_NUMBER + i));
}

static int save_with(struct db *db, const char *sql, const struct dispatch *d, struct err *e)
{
	return db_exec(db, e, sql, "ttttttttttttttttiiiiiiiiiiiiiiiii", d->id, d->name, d->org,
		       d->repo, d->task, d->branch, d->template, d->agent, d->question, d->reason,
		       d->pr_url, d->handle, d->command, d->identity, d->report_stamp, d->stats,
		       (int64_t)d->current, (int64_t)d->stopping, (int64_t)d->status, d->issue,
		       d->priority, d->runs, d->revision, d->pid, d->exit_code, d->timeout_ms,
		       d->log_max, d->queued_ms, d->started_ms, d->updated_ms, d->ended_ms,
		       d->due_ms, d->captured);
}

int dispatch_save(struct db *db, const struct dispatch *d, struct err *e)
{
	static const char sql_change[] =
		"UPDATE agent_dispatch SET (" COLUMNS ") = (" VALUES ") WHERE id = ?1";
	static const char sql_add[] =
		"INSERT INTO agent_dispatch (" COLUMNS ") VALUES (" VALUES ")";
	int r = save_with(db, sql_change, d, e);

	return r < 0 || db_changes(db) > 0 ? r : save_with(db, sql_add, d, e);
}

static int take_one(struct stmt *q, struct dispatch *ret, struct err *e)
{
	int r = stmt_next(q, e);

	if (r > 0)
		take_row(q, ret);
	return r;
}

int dispatch_current(struct db *db, const char *name, struct dispatch *ret, struct err *e)
{
	static const char sql_name[] =
		"SELECT " COLUMNS " FROM agent_dispatch WHERE name = ?1 AND current = 1";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_name, "t", name);

	return r < 0 ? r : take_one(q, ret, e);
}

int dispatch_find(struct db *db, const char *id_or_name, struct dispatch *ret, struct err *e)
{
	static const char sql_id[] = "SELECT " COLUMNS " FROM agent_dispatch WHERE id = ?1";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_id, "t", id_or_name);

	if (r == 0)
		r = take_one(q, ret, e);
	if (r == 0)
		r = dispatch_current(db, id_or_name, ret, e);
	if (r != 0)
		return r < 0 ? r : 0;
	(void)err_set(e, ERR_NOT_FOUND, "there is no agent's work '%.200s'", id_or_name);
	return err_hint(e, "`larder agent list` shows the names");
}

/* One statement for each way through the indexes: a filter that is a parameter uses none. */
static int query(struct db *db, const struct dispatch_filter *f, struct stmt **ret, struct err *e)
{
	static const char sql_current[] =
		"SELECT " COLUMNS " FROM agent_dispatch WHERE current = 1 ORDER BY name LIMIT ?2";
	static const char sql_of_status[] =
		"SELECT " COLUMNS " FROM agent_dispatch WHERE current = 1 AND status = ?1"
		" ORDER BY name LIMIT ?2";
	static const char sql_all[] =
		"SELECT " COLUMNS " FROM agent_dispatch WHERE (?1 = 0 OR status = ?1)"
		" ORDER BY name, id LIMIT ?2";
	static const char sql_newest[] =
		"SELECT " COLUMNS " FROM agent_dispatch WHERE (?1 = 0 OR status = ?1)"
		" ORDER BY id DESC LIMIT ?2";
	const char *sql = f->newest_first ? sql_newest
			  : f->history    ? sql_all
			  : f->status     ? sql_of_status
					  : sql_current;

	return db_query(db, ret, e, sql, "ii", (int64_t)f->status,
			f->limit ? f->limit : (int64_t)-1);
}

int dispatch_visit(struct db *db, const struct dispatch_filter *filter, dispatch_visit_fn visit,
		   void *ctx, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_STMT struct stmt *q = NULL;
	int r = query(db, filter, &q, e);

	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		take_row(q, &d);
		r = visit(ctx, &d, e);
	}
	return r;
}

static int add_id(void *ctx, const struct dispatch *d, struct err *e)
{
	(void)e;
	strv_add(ctx, d->id);
	return 0;
}

int dispatch_ids(struct db *db, const struct dispatch_filter *filter, struct strv *ret_ids,
		 struct err *e)
{
	return dispatch_visit(db, filter, add_id, ret_ids, e);
}

int dispatch_forget(struct db *db, int64_t before_ms, size_t *ret_rows, struct err *e)
{
	static const char sql_old[] =
		"SELECT id FROM agent_dispatch WHERE current = 0 AND updated_ms < ?1 LIMIT ?2";
	static const char sql_forget[] = "DELETE FROM agent_dispatch WHERE id = ?1";
	AUTO_STRV struct strv ids = STRV_INIT;
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_old, "ii", before_ms, (int64_t)FORGET_MAX);

	while (r >= 0 && (r = stmt_next(q, e)) > 0)
		strv_add(&ids, stmt_text(q, 0));
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		r = outbox_holds(db, ids.v[i], e);
		if (r != 0) {
			r = r < 0 ? r : 0; /* the hub has not heard of it */
			continue;
		}
		r = db_exec(db, e, sql_forget, "t", ids.v[i]);
		*ret_rows += r == 0;
	}
	return r;
}

char *dispatch_pool(const struct dispatch *d)
{
	return xstrndup(d->agent, strcspn(d->agent, ":"));
}

const char *dispatch_model(const struct dispatch *d)
{
	const char *colon = strchr(d->agent, ':');

	return colon ? colon + 1 : "";
}
