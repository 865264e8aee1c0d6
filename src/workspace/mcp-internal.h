/* SPDX-License-Identifier: Apache-2.0 */
/* The tools, one file for each group. */
#ifndef LARDER_WORKSPACE_MCP_INTERNAL_H
#define LARDER_WORKSPACE_MCP_INTERNAL_H

#include "mcp/words.h"
#include "workspace/mcp.h"

/* A heading and what follows it, in a rule file of ours. */
struct rule_text {
	char *id; /* the file, and for one of several in it "#<heading>" */
	char *title;
	char *text;
	bool mandatory;
};
struct rule_texts {
	struct rule_text *v;
	size_t n, capacity;
};
void rule_texts_release(struct rule_texts *rules);
#define AUTO_RULE_TEXTS AUTO(rule_texts_release)
int rule_texts_load(struct workspace *ws, struct rule_texts *ret, struct err *e);

struct mcp_entry *rule_texts_view(const struct rule_texts *rules); /* the caller's */

int mcp_catalog_search(void *ctx, const struct json *arguments, struct mcp_result *result,
		       struct err *e);
int mcp_table_describe(void *ctx, const struct json *arguments, struct mcp_result *result,
		       struct err *e);
int mcp_freshness(void *ctx, const struct json *arguments, struct mcp_result *result,
		  struct err *e);
int mcp_query_run(void *ctx, const struct json *arguments, struct mcp_result *result,
		  struct err *e);
/* Rules of the last pull, and approved knowledge, as which pages of a knowledge base come. */
int mcp_lend_entries(void *ctx, mcp_use_fn use, void *use_ctx, struct err *e);
int mcp_note_submit(void *ctx, const struct json *arguments, struct mcp_result *result,
		    struct err *e);
int mcp_list_resources(void *ctx, struct json_out *out, struct err *e);
int mcp_read_resource(void *ctx, const char *uri, struct buf *text, struct err *e);

#endif
