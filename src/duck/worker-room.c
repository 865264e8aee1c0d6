/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-room.h"

#include "duck/worker-files.h"
#include "duck/worker-guard.h"
#include "duck/worker-limits.h"
#include "duck/worker-parse.h"
#include "duck/worker-rows.h"
#include "duck/worker-tables.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>

/* Longer statements are made by mistake or to hurt; in JSON a byte takes up to six. */
#define SQL_MAX  ((size_t)1 << 20)
#define LINE_MAX (6 * SQL_MAX + 4096)
/* The hub's own work, downloads above all, goes first. */
#define NICENESS 10

struct room {
	struct reply *r;
	struct buf in; /* read and not yet given */
	char *path;
	struct engine en;
	struct tables tables;
	struct json *question, *answer; /* the tables' texts are lent from these */
	const char *sql;
	struct rows_limits limits;
};

static void room_release(struct room *room)
{
	engine_close(&room->en);
	tables_release(&room->tables);
	json_free(room->question);
	json_free(room->answer);
	buf_release(&room->in);
	free(room->path);
}

/* 1 and a line as JSON, 0 at the end of stdin. */
static int read_line(struct room *room, size_t max, struct json **ret_line, struct err *e)
{
	struct buf *in = &room->in;
	char *newline;

	while (!(newline = in->n ? memchr(in->p, '\n', in->n) : NULL)) {
		char *to = buf_reserve(in, 1 << 16);
		ssize_t n = to && in->n < max ? read(STDIN_FILENO, to, 1 << 16) : -1;

		if (!to || in->n >= max)
			return err_set(e, ERR_LIMIT, "request is larger than %zu bytes", max);
		if (n < 0)
			return err_sys(e, "read the request");
		if (n == 0)
			return 0;
		in->n += (size_t)n;
	}
	if (json_parse((struct bytes){ in->p, (size_t)(newline - in->p) }, max, ret_line, e) < 0)
		return err_in(e, "request");
	in->n -= (size_t)(newline + 1 - in->p);
	memmove(in->p, newline + 1, in->n);
	return 1;
}

/* Whoever asked holds the other end of stdin for as long as it wants an answer. */
static void *watch_stdin(void *ctx)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLRDHUP };

	(void)ctx;
	while (!(fd.revents & (POLLHUP | POLLERR | POLLNVAL | POLLRDHUP)))
		(void)poll(&fd, 1, -1); /* interrupted: again */
	_exit(1);
}

static int start_watching(struct err *e)
{
	pthread_t thread;
	pthread_attr_t detached;

	(void)pthread_attr_init(&detached);
	(void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	errno = pthread_create(&thread, &detached, watch_stdin, NULL);
	(void)pthread_attr_destroy(&detached);
	return errno ? err_sys(e, "watch stdin") : 0;
}

static int lock_down(const struct room *room, struct err *e)
{
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&sql, "SET allowed_directories = [");
	sql_quote_text(&sql, room->path);
	buf_adds(&sql, "]; SET enable_external_file_cache = false; "
		       "SET enable_external_access = false; SET lock_configuration = true");
	return engine_run(room->en.con, buf_str(&sql), e);
}

/* As a question is run, its rows thrown away. */
static int try_one(const struct room *room, const char *sql, struct err *e)
{
	AUTO(duckdb_destroy_prepare) duckdb_prepared_statement prepared = NULL;
	AUTO_RESULT duckdb_result result = { 0 };

	if (duckdb_prepare(room->en.con, sql, &prepared) != DuckDBSuccess ||
	    duckdb_execute_prepared_streaming(prepared, &result) != DuckDBSuccess)
		return err_set(e, ERR_FAILED, "get ready: %s", duckdb_prepare_error(prepared));
	for (;;) {
		AUTO(duckdb_destroy_data_chunk)
		duckdb_data_chunk chunk = duckdb_fetch_chunk(result);

		if (!chunk)
			return 0;
	}
}

/* What the first statements of a process pay for (code that is not in memory yet, what DuckDB sets up when it is first
 * needed), paid before there is one: half of the time of a small question. */
static int warm_up(const struct room *room, const char *sample, struct err *e)
{
	/* Before and behind what stands for the sample. */
	static const char *const statements[][2] = {
		{ "SELECT n, k, t, f, d FROM ",
		  " WHERE n > 10 AND t LIKE '%1%' ORDER BY n DESC LIMIT 10" },
		{ "SELECT k, count(*), sum(f), min(t), max(d), avg(n) FROM ",
		  " GROUP BY ALL ORDER BY 2 DESC, 1" },
		{ "SELECT count(*), max(n) FROM ", "" },
	};
	AUTO_BUF struct buf file = BUF_INIT(BUF_OWN_MAX), from = BUF_INIT(BUF_OWN_MAX);
	int r = engine_run(room->en.con,
			   "SELECT json_serialize_sql('SELECT a, count(*) FROM t GROUP BY ALL')",
			   e);

	if (!sample)
		return r;
	buf_adds(&file, "SELECT * FROM read_parquet([");
	sql_quote_text(&file, sample);
	buf_adds(&file, "])");
	buf_adds(&from, "query(");
	sql_quote_text(&from, buf_str(&file));
	buf_addc(&from, ')');
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(statements); i++) {
		AUTO_FREE char *sql =
			xasprintf("%s%s%s", statements[i][0], buf_str(&from), statements[i][1]);

		r = try_one(room, sql, e);
	}
	return r;
}

static int prepare(struct room *room, struct err *e)
{
	AUTO_JSON struct json *setup = NULL;
	AUTO_STRV struct strv readable = STRV_INIT;
	struct limits limits = {
		.no_writing = true, .confine = true, .strict = true, .readable = &readable
	};
	int r = read_line(room, LINE_MAX, &setup, e);
	const char *path = r > 0 ? json_text(json_get(setup, "room")) : NULL;

	if (r < 0 || !path)
		return r < 0 ? r : err_set(e, ERR_USAGE, "request: there is no room");
	room->path = xstrdup(path);
	if (chdir(path) < 0) /* names of files are given from here */
		return err_sys(e, "enter the room");
	strv_add(&readable, path);
	limits.memory_bytes = json_int(json_get(setup, "memory_bytes"), GIB);
	limits.cpu_seconds = json_int(json_get(setup, "cpu_seconds"), 0);
	(void)setpriority(PRIO_PROCESS, 0, NICENESS); /* only a courtesy */
	if (limits_apply(&limits, e) < 0 || start_watching(e) < 0 ||
	    engine_open(&(struct engine_options){ .memory_bytes = limits.memory_bytes }, &room->en,
			e) < 0)
		return e->code;
	return warm_up(room, json_text(json_get(setup, "sample")), e) < 0 || lock_down(room, e) < 0
		       ? e->code
		       : 0;
}

static int check_sql(struct room *room, struct err *e)
{
	struct bytes sql = json_bytes(json_get(room->question, "sql"));

	room->sql = json_text(json_get(room->question, "sql"));
	if (sql.n > SQL_MAX)
		return err_set(e, ERR_LIMIT, "the statement is longer than %zu bytes", SQL_MAX);
	if (!room->sql)
		return err_set(e, ERR_USAGE, "the statement is no text without NUL");
	room->limits.rows = json_int(json_get(room->question, "row_limit"), 0);
	room->limits.bytes = json_int(json_get(room->question, "byte_limit"), 0);
	room->limits.cell = json_int(json_get(room->question, "cell_limit"), 0);
	return 0;
}

static int answer_guard(struct room *room, const struct guard *guard, struct err *e)
{
	struct json_out *o = reply_line(room->r);

	json_open(o, NULL, '{');
	guard_add_tables(guard, o);
	json_close(o);
	return reply_end_line(room->r, e) < 0 ? e->code : reply_flush(room->r, e);
}

static int judge(struct room *room, struct err *e)
{
	AUTO(guard_release) struct guard guard = { 0 };
	AUTO_BUF struct buf tree = BUF_INIT(GUARD_TREE_MAX);

	if (guard_tree(room->en.con, room->sql, &tree, e) < 0 ||
	    guard_judge(buf_bytes(&tree), &guard, e) < 0)
		return e->code;
	return answer_guard(room, &guard, e);
}

static int run(struct room *room, struct err *e)
{
	AUTO(duckdb_destroy_prepare) duckdb_prepared_statement prepared = NULL;
	struct rows_sent sent = { 0 };
	struct json_out *o;

	if (tables_parse(json_get(room->answer, "tables"), &room->tables, e) < 0)
		return e->code;
	tables_offer(&room->tables, room->en.db);
	if (tables_make_dotted(&room->tables, room->sql, room->en.con, e) < 0)
		return e->code;
	if (duckdb_prepare(room->en.con, room->sql, &prepared) != DuckDBSuccess)
		return engine_error(e, DUCKDB_ERROR_BINDER, duckdb_prepare_error(prepared));
	if (duckdb_prepared_statement_type(prepared) != DUCKDB_STATEMENT_TYPE_SELECT)
		return err_set(e, ERR_USAGE, "only statements that read are run here");
	if (rows_send(room->r, prepared, &room->limits, &sent, e) < 0)
		return e->code;
	o = reply_line(room->r);
	json_open(o, NULL, '{');
	json_add_bool(o, "done", true);
	json_add_int(o, "rows", sent.rows);
	json_add_int(o, "bytes", sent.bytes);
	json_add_bool(o, "truncated", sent.truncated);
	json_add_int(o, "cells_cut", sent.cells_cut);
	json_close(o);
	/* At once: DuckDB takes longer to end than a small question to run. */
	return reply_end_line(room->r, e) < 0 ? e->code : reply_flush(room->r, e);
}

/* Where the hub keeps its files is nobody's business. */
static void hide_path(const struct room *room, struct err *e)
{
	size_t n = room->path ? strlen(room->path) : 0;

	for (char *at = n ? strstr(e->msg, room->path) : NULL; at; at = strstr(at, room->path))
		memmove(at, at + n, strlen(at + n) + 1);
}

/* What a statement stumbles over is its writer's, unless DuckDB itself calls it a fault of its own. */
static void blame(struct err *e)
{
	if (e->code == ERR_FAILED && !str_starts(e->msg, "INTERNAL") &&
	    !str_starts(e->msg, "FATAL"))
		e->code = ERR_USAGE;
}

static int converse(struct room *room, struct err *e)
{
	int r = prepare(room, e);

	if (r == 0)
		r = read_line(room, LINE_MAX, &room->question, e);
	if (r <= 0)
		return r; /* never asked: nothing to answer */
	if (check_sql(room, e) < 0 || judge(room, e) < 0)
		return e->code;
	r = read_line(room, WORKER_REQUEST_MAX, &room->answer, e);
	return r <= 0 ? r : run(room, e);
}

int room_run(struct reply *r, struct err *e)
{
	AUTO(room_release) struct room room = { .r = r, .in = BUF_INIT(WORKER_REQUEST_MAX) };
	int result = converse(&room, e);

	if (result < 0) {
		blame(e);
		hide_path(&room, e);
	}
	return result;
}
