/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tools of Larder for agents: names, texts and schemas (tools.c), the same in a workspace and on
 * a hub; what they do is their backend's.
 *
 *	static int describe(void *ctx, const struct json *arguments, struct mcp_result *result,
 *			    struct err *e)
 *	{
 *		const char *table = mcp_text(arguments, "table");
 *
 *		json_add_text(&result->json, "table", table);              into an open object
 *	}
 *	const struct mcp_backend backend = { .ctx = ws, .call = { [MCP_TABLE_DESCRIBE] = describe } };
 *
 * A backend is asked with arguments that have passed the tool's schema: types are right, required
 * ones are there, there are no others. Its error is told to the agent with its hint as the next step.
 */
#ifndef LARDER_MCP_TOOLS_H
#define LARDER_MCP_TOOLS_H

#include "base/json.h"
#include "duck/duck.h"

/* What one call gives at most, as JSON: some 60,000 tokens; a model reads no more at once. */
#define MCP_RESULT_MAX ((size_t)256 << 10)
/* Room for what an agent is told about the cut itself. */
#define MCP_ROWS_BYTES (MCP_RESULT_MAX - ((size_t)16 << 10))
/* Of one value: some are whole documents, and one must not take the room of all. */
#define MCP_CELL_BYTES  ((int64_t)16 << 10)
#define MCP_ROW_LIMIT   200
#define MCP_ROWS_MAX    10000
#define MCP_HITS_LIMIT  20
#define MCP_HITS_MAX    100
#define MCP_NOTE_MAX    ((size_t)4000)
#define MCP_SQL_MAX     ((size_t)1 << 20)
#define MCP_DEADLINE_MS 60000

enum mcp_tool {
	MCP_CATALOG_SEARCH,
	MCP_TABLE_DESCRIBE,
	MCP_QUERY_RUN,
	MCP_RULE_SEARCH,
	MCP_PAGE_SEARCH,
	MCP_PAGE_READ,
	MCP_FRESHNESS,
	MCP_NOTE_SUBMIT,
	MCP_TOOLS
};

struct mcp_result {
	struct buf text; /* of `json` */
	struct json_out json;
};

typedef int (*mcp_call_fn)(void *ctx, const struct json *arguments, struct mcp_result *result,
			   struct err *e);

struct mcp_entry; /* words.h */
typedef int (*mcp_use_fn)(void *use_ctx, const struct mcp_entry *entries, size_t n, struct err *e);

struct mcp_backend {
	void *ctx;
	mcp_call_fn call[MCP_TOOLS]; /* NULL: the tool says that it is not to be had here */
	/* Calls `use` once with the rules and pages there are, and gives its result: rule_search,
	   page_search and page_read need no function of their own. NULL: they have one. */
	int (*lend_entries)(void *ctx, mcp_use_fn use, void *use_ctx, struct err *e);
	/* Objects {uri, name, title, mimeType, size?} into an open array; may be NULL. */
	int (*list_resources)(void *ctx, struct json_out *out, struct err *e);
	/* The text of one; ERR_NOT_FOUND. */
	int (*read_resource)(void *ctx, const char *uri, struct buf *text, struct err *e);
};

struct mcp_tool_info {
	const char *name, *title, *description;
	const char *input;  /* JSON schema: properties of type string, integer, boolean */
	const char *output; /* JSON schema */
	bool writes;
};
extern const struct mcp_tool_info mcp_tools[MCP_TOOLS];

/* The tool of that name, or MCP_TOOLS. */
enum mcp_tool mcp_tool_find(const char *name);
/* Do the arguments fit the tool's schema? ERR_USAGE with what does not. */
int mcp_check_arguments(enum mcp_tool tool, const struct json *arguments, struct err *e);

/* The answer of query_run, piece by piece: the columns (ctx is a struct mcp_rows: a callback as duck.h and its
 * like want it), each row (a JSON array, as it came), the end. */
struct mcp_rows {
	struct mcp_result *result;
	int64_t given;
};
int mcp_take_columns(void *ctx, const struct duck_column *columns, size_t n, struct err *e);
void mcp_add_row(struct mcp_rows *rows, struct bytes row);
struct mcp_end {
	int64_t given, limit; /* rows */
	int64_t cells_cut;
	bool truncated;
};
void mcp_add_end(struct json_out *o, const struct mcp_end *end);

/* "" when absent: the schema has said whether it may be. */
const char *mcp_text(const struct json *arguments, const char *key);
int64_t mcp_int(const struct json *arguments, const char *key, int64_t otherwise, int64_t max);

#endif
