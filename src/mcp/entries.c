/* SPDX-License-Identifier: Apache-2.0 */
/* The three tools that are the same wherever rules and pages come from. */
#include "mcp/words.h"

struct using
{
	enum mcp_tool tool;
	const struct json *arguments;
	struct mcp_result *result;
};

static int use(void *ctx, const struct mcp_entry *entries, size_t n, struct err *e)
{
	const struct using *u = ctx;
	struct json_out *o = &u->result->json;
	const char *query = mcp_text(u->arguments, "query");
	int64_t limit = mcp_int(u->arguments, "limit", MCP_HITS_LIMIT, MCP_HITS_MAX);

	if (u->tool == MCP_PAGE_READ)
		return mcp_add_page(o, entries, n, mcp_text(u->arguments, "page"), e);
	if (u->tool == MCP_RULE_SEARCH)
		mcp_add_rules(o, entries, n, query, limit);
	else
		mcp_add_pages(o, entries, n, query, limit);
	return 0;
}

bool mcp_is_of_entries(enum mcp_tool tool)
{
	return tool == MCP_RULE_SEARCH || tool == MCP_PAGE_SEARCH || tool == MCP_PAGE_READ;
}

int mcp_call_entries(const struct mcp_backend *backend, enum mcp_tool tool,
		     const struct json *arguments, struct mcp_result *result, struct err *e)
{
	struct using u = { tool, arguments, result };

	return backend->lend_entries(backend->ctx, use, &u, e);
}
