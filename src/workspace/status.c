/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/status.h"

#include "engine/ledger.h"
#include <fcntl.h>
#include <sys/stat.h>

void status_release(struct status *status)
{
	local_free(status->local);
	free(status->last_pull);
	*status = (struct status){ 0 };
}

static const char sql_last_pull[] =
	"SELECT started_ms, result FROM pull_run ORDER BY id DESC LIMIT 1";
static const char sql_last_success[] =
	"SELECT max(started_ms) FROM pull_run WHERE json_array_length(result, '$.errors') = 0";
static const char sql_views_waiting[] = "SELECT count(*) FROM view_todo";

static int last_pull(struct db *db, struct status *s, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	const char *result;
	int r;

	if (db_query(db, &q, e, sql_last_pull, "") < 0 || (r = stmt_next(q, e)) < 0)
		return e->code;
	if (r == 0)
		return 0;
	s->last_pull_ms = stmt_int(q, 0);
	result = stmt_text(q, 1);
	s->last_pull = result ? xstrdup(result) : NULL;
	return 0;
}

static int count(struct db *db, size_t *ret_n, const char *sql, struct err *e)
{
	int64_t n;

	if (db_get_int(db, &n, 0, e, sql, "") < 0)
		return e->code;
	*ret_n = (size_t)n;
	return 0;
}

static int count_rule(void *ctx, const char *key, const char *fingerprint, int64_t recorded_ms,
		      struct err *e)
{
	struct status *s = ctx;

	(void)key, (void)fingerprint, (void)recorded_ms, (void)e; /* only their number counts */
	s->rules++;
	return 0;
}

static void add_up(struct status *s)
{
	for (size_t i = 0; i < s->local->count; i++) {
		const struct local_table *table = &s->local->tables[i];

		for (size_t k = 0; k < table->file_count; k++) {
			s->bytes += table->files[k].mark.size;
			s->touched += table->files[k].state == LOCAL_TOUCHED;
			s->damaged += table->files[k].state == LOCAL_MISSING ||
				      table->files[k].state == LOCAL_UNLINKED;
		}
	}
}

int workspace_status(struct workspace *ws, struct status *ret_status, struct err *e)
{
	AUTO_STATUS struct status s = { 0 };
	struct db *db = workspace_db(ws);
	struct stat st;

	if (local_load(workspace_root(ws), &s.local, e) < 0 || last_pull(db, &s, e) < 0 ||
	    db_get_int(db, &s.last_success_ms, 0, e, sql_last_success, "") < 0 ||
	    ledger_visit(db, "rule", count_rule, &s, e) < 0 ||
	    count(db, &s.views_waiting, sql_views_waiting, e) < 0)
		return e->code;
	local_check(workspace_root(ws), s.local);
	add_up(&s);
	s.database_exists =
		fstatat(root_dirfd(workspace_root(ws)), WORKSPACE_DATABASE, &st, 0) == 0;
	*ret_status = s;
	s = (struct status){ 0 };
	return 0;
}
