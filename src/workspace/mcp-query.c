/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/mcp-internal.h"

#include "workspace/query.h"

static int take_row(void *ctx, const struct json *values, struct err *e)
{
	struct mcp_rows *rows = ctx;
	AUTO_BUF struct buf text = BUF_INIT(MCP_RESULT_MAX);

	json_print(values, &text, false);
	if (text.full)
		return err_set(e, ERR_LIMIT, "one row is larger than %zu bytes", MCP_RESULT_MAX);
	mcp_add_row(rows, buf_bytes(&text));
	return 0;
}

int mcp_query_run(void *ctx, const struct json *arguments, struct mcp_result *result, struct err *e)
{
	struct workspace_tools *tools = ctx;
	AUTO(duck_query_result_release) struct duck_query_result end = { 0 };
	struct mcp_rows rows = { .result = result };
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
		.on_columns = mcp_take_columns,
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
