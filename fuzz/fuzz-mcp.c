/* SPDX-License-Identifier: Apache-2.0 */
/* A message of an MCP client: whatever it is, the answer is nothing or one JSON object. */
#include "mcp/mcp.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int echo(void *ctx, const struct json *arguments, struct mcp_result *result, struct err *e)
{
	(void)ctx, (void)e;
	json_add_text(&result->json, "query", mcp_text(arguments, "query"));
	json_add_text(&result->json, "sql", mcp_text(arguments, "sql"));
	json_add_int(&result->json, "limit", mcp_int(arguments, "limit", 1, MCP_ROWS_MAX));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mcp_backend backend = {
		.call = { [MCP_CATALOG_SEARCH] = echo, [MCP_QUERY_RUN] = echo },
	};
	static const struct mcp_server server = { .backend = &backend, .instructions = "" };
	AUTO_BUF struct buf reply = BUF_INIT(MCP_REPLY_MAX);
	AUTO_JSON struct json *message = NULL;
	AUTO_JSON struct json *answer = NULL;
	struct err e = { 0 };

	if (json_parse((struct bytes){ (const char *)data, size }, MCP_MESSAGE_MAX, &message, &e) <
	    0)
		return 0;
	(void)mcp_answer(&server, message, &reply);
	if (reply.n == 0)
		return 0;
	assert(!memchr(reply.p, '\n', reply.n));
	assert(json_parse(buf_bytes(&reply), MCP_REPLY_MAX, &answer, &e) == 0);
	assert(json_get(answer, "error") || json_get(answer, "result"));
	return 0;
}
