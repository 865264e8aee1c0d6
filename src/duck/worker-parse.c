/* SPDX-License-Identifier: Apache-2.0 */
/* DuckDB's parser asked for what it makes of a text, which is then judged; nothing is run. */
#include "duck/worker-parse.h"

#include "duck/worker-files.h"
#include "duck/worker-guard.h"
#include "duck/worker-lexer.h"
#include "duck/worker-limits.h"
#include "duck/worker.h"

/* One row with one text. The statement goes in as a value: it is never part of another. */
static int ask_text(duckdb_connection con, const char *sql, const char *argument, struct buf *out,
		    struct err *e)
{
	AUTO(duckdb_destroy_prepare) duckdb_prepared_statement prepared = NULL;
	AUTO_RESULT duckdb_result result = { 0 };
	char *text;

	if (duckdb_prepare(con, sql, &prepared) != DuckDBSuccess)
		return engine_error(e, DUCKDB_ERROR_INVALID_INPUT, duckdb_prepare_error(prepared));
	if (duckdb_bind_varchar(prepared, 1, argument) != DuckDBSuccess ||
	    duckdb_execute_prepared(prepared, &result) != DuckDBSuccess) {
		(void)engine_error(e, duckdb_result_error_type(&result),
				   duckdb_result_error(&result));
		engine_one_line(e);
		return e->code;
	}
	text = duckdb_value_varchar(&result, 0, 0);
	buf_adds(out, text ? text : "");
	duckdb_free(text);
	return 0;
}

int guard_tree(duckdb_connection con, const char *sql, struct buf *out, struct err *e)
{
	if (ask_text(con, "SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)", sql,
		     out, e) < 0) {
		if (e->code != ERR_LIMIT)
			e->code =
				ERR_USAGE; /* whatever the parser stumbles over is in the statement */
		return e->code;
	}
	if (out->full)
		return err_set(e, ERR_LIMIT, "the statement is too large or nests too deeply");
	return 0;
}

#define FILTER_HEAD "SELECT * FROM t WHERE "

/* DuckDB's own form of a condition, with all its brackets: what is equal reads equal, and it means
 * the same wherever it is put. */
static int canonical(duckdb_connection con, const char *tree, char **ret_text, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	if (ask_text(con, "SELECT json_deserialize_sql(CAST(? AS JSON))", tree, &text, e) < 0)
		return e->code;
	if (!str_starts(buf_str(&text), FILTER_HEAD))
		return err_set(e, ERR_USAGE, "the condition is not one expression");
	*ret_text = xstrdup(buf_str(&text) + strlen(FILTER_HEAD));
	return 0;
}

/* "a) OR (b" would become an expression only by the brackets around it. */
static bool is_balanced(const char *where)
{
	int depth = 0;

	for (;;) {
		struct token token = lexer_next(&where);

		if (token.kind == TOKEN_END)
			return depth == 0;
		if (token.kind == TOKEN_MARK && token.text.p[0] == '(')
			depth++;
		if (token.kind == TOKEN_MARK && token.text.p[0] == ')' && --depth < 0)
			return false;
	}
}

static int parse_filter(duckdb_connection con, const char *where, char **ret_canonical,
			struct err *e)
{
	/* On a line of its own, so that a comment ends before the bracket. */
	AUTO_FREE char *sql = xasprintf(FILTER_HEAD "(\n%s\n)", where);
	AUTO_BUF struct buf tree = BUF_INIT(GUARD_TREE_MAX);

	if (!is_balanced(where))
		return err_set(e, ERR_USAGE, "the condition is not one expression");
	if (guard_tree(con, sql, &tree, e) < 0 || guard_judge_filter(buf_bytes(&tree), e) < 0)
		return e->code;
	return canonical(con, buf_str(&tree), ret_canonical, e);
}

int operation_filter(struct reply *r, const struct json *request, struct err *e)
{
	const char *where = json_text(json_get(request, "where"));
	AUTO_FREE char *text = NULL;
	AUTO_ENGINE struct engine en = { 0 };
	const struct limits limits = { .memory_bytes = GIB, .no_writing = true, .confine = true };
	struct json_out *o;

	if (!where)
		return err_set(e, ERR_USAGE, "request: there is no condition");
	if (limits_apply(&limits, e) < 0 ||
	    engine_open(&(struct engine_options){ .memory_bytes = GIB, .threads = 1 }, &en, e) <
		    0 ||
	    parse_filter(en.con, where, &text, e) < 0)
		return e->code;
	o = reply_line(r);
	json_open(o, NULL, '{');
	json_add_bool(o, "done", true);
	json_add_text(o, "where", text);
	json_close(o);
	return reply_end_line(r, e);
}
