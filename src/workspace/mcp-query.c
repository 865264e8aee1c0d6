/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/mcp-internal.h"

#include "workspace/query.h"

struct rows {
	struct mcp_result *result;
	int64_t given;
};

static int take_columns(void *ctx, const struct duck_column *columns, size_t n, struct err *e)
{
	struct rows *rows = ctx;
	struct json_out *o = &rows->result->json;

	(void)e; /* a result that grows too large is told at its end */
	mcp_add_columns(o);
	for (size_t i = 0; i < n; i++)
		mcp_add_column(o, columns[i].name, columns[i].type);
	mcp_add_rows(o);
	return 0;
}

static int take_row(void *ctx, const struct json *values, struct err *e)
{
	struct rows *rows = ctx;
	AUTO_BUF struct buf text = BUF_INIT(MCP_RESULT_MAX);

	json_print(values, &text, false);
	if (text.full)
		return err_set(e, ERR_LIMIT, "one row is larger than %zu bytes", MCP_RESULT_MAX);
	json_add_raw(&rows->result->json, NULL, buf_bytes(&text));
	rows->given++;
	return 0;
}

int mcp_query_run(void *ctx, const struct json *arguments, struct mcp_result *result, struct err *e)
{
	struct workspace_tools *tools = ctx;
	AUTO(duck_query_result_release) struct duck_query_result end = { 0 };
	struct rows rows = { .result = result };
	const char *sql = mcp_text(arguments, "sql");
	const struct query_options query = {
		.sql = sql,
		.row_limit = mcp_int(arguments, "limit", MCP_ROW_LIMIT, MCP_ROWS_MAX),
		.byte_limit = (int64_t)MCP_ROWS_BYTES,
		.cell_limit = MCP_CELL_BYTES,
		.deadline_ms = MCP_DEADLINE_MS,
		.contained = true,
		.watch = tools->watch,
		.ctx = &rows,
		.on_columns = take_columns,
		.on_row = take_row,
	};

	if (strlen(sql) > MCP_SQL_MAX)
		return err_set(e, ERR_LIMIT, "the statement is longer than %zu bytes", MCP_SQL_MAX);
	if (workspace_query(tools->ws, &query, &end, e) < 0) {
		if (!e->hint[0])
			(void)err_hint(e, "table_describe tells the columns and their types");
		return e->code;
	}
	mcp_add_end(&result->json,
		    &(struct mcp_end){ rows.given, query.row_limit, end.cells_cut, end.truncated });
	return 0;
}
