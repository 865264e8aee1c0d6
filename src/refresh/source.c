/* SPDX-License-Identifier: Apache-2.0 */
#include "refresh/source.h"

#include "base/time.h"
#include "refresh/source-internal.h"

static const char *const migrations[] = {
	"CREATE TABLE source(table_id TEXT PRIMARY KEY REFERENCES tbl(id) ON DELETE CASCADE,"
	" spec TEXT NOT NULL, last_sync_ms INTEGER, last_try_ms INTEGER, outcome TEXT,"
	" error TEXT, seen TEXT, changed_ms INTEGER NOT NULL);"
	"CREATE TABLE refresh_run(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" table_id TEXT NOT NULL REFERENCES tbl(id) ON DELETE CASCADE,"
	" started_ms INTEGER NOT NULL, finished_ms INTEGER NOT NULL, outcome TEXT NOT NULL,"
	" rows INTEGER, bytes INTEGER, error TEXT);"
	"CREATE INDEX refresh_run_of_table ON refresh_run(table_id, id);",
	"CREATE TABLE refresh_asked(one INTEGER PRIMARY KEY CHECK (one = 1),"
	" asked_ms INTEGER NOT NULL);",
	NULL,
};

const struct db_schema refresh_schema = { "refresh", migrations };

/* A spec is a handful of names and one statement. */
#define SPEC_MAX ((size_t)256 << 10)

#define SOURCE_COLUMNS                                                                             \
	"SELECT table_id, spec, last_sync_ms, last_try_ms, outcome, error, seen FROM source"

void source_release(struct source *s)
{
	json_free(s->spec);
	free(s->table);
	free(s->schedule);
	free(s->outcome);
	free(s->error);
	free(s->seen);
	*s = (struct source){ 0 };
}

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

const char *source_text(const struct source *s, const char *key)
{
	return json_text(json_get(s->spec, key));
}

static int read_source(const struct stmt *q, struct source *ret_source, struct err *e)
{
	AUTO_SOURCE struct source s = { 0 };

	if (json_parse(bytes_of(stmt_text(q, 1)), SPEC_MAX, &s.spec, e) < 0 ||
	    source_read_spec(s.spec, &s, e) < 0)
		return err_in(e, "the source of table '%s'", stmt_text(q, 0));
	s.table = xstrdup(stmt_text(q, 0));
	s.last_sync_ms = stmt_int(q, 2);
	s.last_try_ms = stmt_int(q, 3);
	s.outcome = copy(stmt_text(q, 4));
	s.error = copy(stmt_text(q, 5));
	s.seen = copy(stmt_text(q, 6));
	*ret_source = s;
	s = (struct source){ 0 };
	return 0;
}

int source_find(struct db *db, const char *table, struct source *ret_source, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, SOURCE_COLUMNS " WHERE table_id=?1", "t", table);

	if (r == 0)
		r = stmt_next(q, e);
	if (r < 0)
		return r;
	if (r > 0)
		return read_source(q, ret_source, e);
	(void)err_set(e, ERR_NOT_FOUND, "table '%s' has no source", table);
	return err_hint(e, "larder admin table source %s --files ...", table);
}

int source_list(struct db *db, source_visit_fn visit, void *ctx, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, SOURCE_COLUMNS " ORDER BY table_id", "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		AUTO_SOURCE struct source s = { 0 };

		r = read_source(q, &s, e);
		if (r == 0)
			r = visit(ctx, &s, e);
	}
	return r;
}

int source_put(struct db *db, const char *table, const struct json *spec, struct err *e)
{
	static const char sql[] =
		"INSERT INTO source(table_id, spec, changed_ms) VALUES(?1, ?2, ?3)"
		" ON CONFLICT(table_id) DO UPDATE SET spec=excluded.spec, seen=NULL,"
		" last_sync_ms=NULL, changed_ms=excluded.changed_ms";
	AUTO_BUF struct buf text = BUF_INIT(SPEC_MAX);
	AUTO_SOURCE struct source s = { 0 };
	int r;

	json_print(spec, &text, false);
	if (text.full)
		return err_set(e, ERR_LIMIT, "the source is longer than %zu bytes", SPEC_MAX);
	/* From its text, so that what is checked is what will be read. */
	r = json_parse(buf_bytes(&text), SPEC_MAX, &s.spec, e);
	if (r == 0)
		r = source_read_spec(s.spec, &s, e);
	if (r == 0)
		r = source_check_connection(&s, e);
	return r < 0 ? r : db_exec(db, e, sql, "tti", table, buf_str(&text), time_now());
}

int source_remove(struct db *db, const char *table, struct err *e)
{
	int r = db_exec(db, e, "DELETE FROM source WHERE table_id=?1", "t", table);

	if (r == 0 && db_changes(db) == 0)
		return err_set(e, ERR_NOT_FOUND, "table '%s' has no source", table);
	return r;
}

void source_add(const struct source *s, struct json_out *out)
{
	AUTO_BUF struct buf spec = BUF_INIT(SPEC_MAX);

	json_print(s->spec, &spec, false);
	json_add_text(out, "table", s->table);
	json_add_text(out, "kind", source_kind_word(s->kind));
	json_add_text(out, "schedule", s->schedule);
	json_add_raw(out, "source", buf_bytes(&spec));
	json_add_time(out, "last_sync", s->last_sync_ms);
	json_add_time(out, "last_try", s->last_try_ms);
	json_add_text(out, "outcome", s->outcome);
	json_add_text(out, "error", s->error);
}

static int forget_old_runs(struct db *db, const char *table, struct err *e)
{
	static const char sql[] =
		"DELETE FROM refresh_run WHERE table_id=?1 AND id <="
		" (SELECT id FROM refresh_run WHERE table_id=?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";

	return db_exec(db, e, sql, "ti", table, (int64_t)SOURCE_RUNS_KEPT);
}

int source_record(struct db *db, const struct source_run *run, struct err *e)
{
	static const char sql_run[] =
		"INSERT INTO refresh_run(table_id, started_ms, finished_ms, outcome, rows, bytes,"
		" error) SELECT ?1, ?2, ?3, ?4, nullif(?5, -1), nullif(?6, -1), ?7"
		" WHERE EXISTS(SELECT 1 FROM tbl WHERE id=?1)";
	/* A source that was changed meanwhile has not seen what this run read. */
	static const char sql_state[] =
		"UPDATE source SET last_try_ms=?2, outcome=?3, error=?4,"
		" last_sync_ms=CASE WHEN ?5 AND changed_ms < ?2 THEN ?2 ELSE last_sync_ms END,"
		" seen=CASE WHEN ?5 AND changed_ms < ?2 THEN ?6 ELSE seen END WHERE table_id=?1";
	int64_t now = time_now();
	bool done = str_eq(run->outcome, "updated") || str_eq(run->outcome, "unchanged");
	int r = db_exec(db, e, sql_run, "tiitiit", run->table, run->started_ms, now, run->outcome,
			run->rows, run->bytes, run->error);

	if (r == 0)
		r = db_exec(db, e, sql_state, "tittit", run->table, run->started_ms, run->outcome,
			    run->error, (int64_t)done, run->seen);
	return r < 0 ? r : forget_old_runs(db, run->table, e);
}

int source_runs(struct db *db, const char *table, struct json_out *out, struct err *e)
{
	static const char sql[] = "SELECT started_ms, finished_ms, outcome, rows, bytes, error"
				  " FROM refresh_run WHERE table_id=?1 ORDER BY id DESC";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "t", table);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		json_open(out, NULL, '{');
		json_add_time(out, "started", stmt_int(q, 0));
		json_add_int(out, "ms", stmt_int(q, 1) - stmt_int(q, 0));
		json_add_text(out, "outcome", stmt_text(q, 2));
		if (stmt_is_null(q, 3))
			json_add_null(out, "rows");
		else
			json_add_int(out, "rows", stmt_int(q, 3));
		if (stmt_is_null(q, 4))
			json_add_null(out, "bytes");
		else
			json_add_int(out, "bytes", stmt_int(q, 4));
		json_add_text(out, "error", stmt_text(q, 5));
		json_close(out);
		r = 0;
	}
	return r;
}
