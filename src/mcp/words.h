/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words that an agent looks for, in the short texts it is offered: all must occur, whatever their
 * capitals. Pure.
 */
#ifndef LARDER_MCP_WORDS_H
#define LARDER_MCP_WORDS_H

#include "mcp/tools.h"

/* A rule or a page, as search and reading give them; texts are lent. */
struct mcp_entry {
	const char *id, *title, *text;
	bool mandatory;
};

/* Do all words of the query occur in one of the texts? An empty query matches. */
bool mcp_matches(const char *query, const char *const *texts, size_t n);

/* The answers of rule_search (whole texts, mandatory ones first) and page_search (approved ones, with
 * the passage of the first word), members of an open object. */
void mcp_add_rules(struct json_out *o, const struct mcp_entry *texts, size_t n, const char *query,
		   int64_t limit);
void mcp_add_pages(struct json_out *o, const struct mcp_entry *texts, size_t n, const char *query,
		   int64_t limit);
/* What rules say of a table: the member "rules". */
void mcp_add_rules_of(struct json_out *o, const struct mcp_entry *texts, size_t n,
		      const char *table);
/* The answer of page_read; ERR_NOT_FOUND. */
int mcp_add_page(struct json_out *o, const struct mcp_entry *texts, size_t n, const char *id,
		 struct err *e);

/* rule_search, page_search and page_read, over what the backend lends. */
bool mcp_is_of_entries(enum mcp_tool tool);
int mcp_call_entries(const struct mcp_backend *backend, enum mcp_tool tool,
		     const struct json *arguments, struct mcp_result *result, struct err *e);

#endif
