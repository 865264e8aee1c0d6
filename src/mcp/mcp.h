/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Model Context Protocol, as a server: one JSON-RPC message in, its answer out. Transports
 * (lines on stdio, POST /mcp) and what the tools do are others' (mcp_server.backend).
 *
 *	const struct mcp_server server = { .backend = &backend, .instructions = "..." };
 *	mcp_answer(&server, message, &reply, &what, e)     reply stays empty for notifications
 *
 * Both eras are answered, each message by itself, so a server needs no session:
 *
 *	2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25    `initialize`, then requests without an
 *	                                                  envelope
 *	2026-07-28                                        no handshake: each request carries
 *	                                                  _meta["io.modelcontextprotocol/..."];
 *	                                                  results have resultType, lists ttlMs and
 *	                                                  cacheScope
 *
 * The tools are the same wherever they run (mcp/tools.h): they read, but for note_submit. A tool
 * that fails gives a result with isError and a sentence that names the next step; an error of the
 * protocol is an error of JSON-RPC. Tools, their order and their texts never depend on the caller.
 *
 * Not built, as the current protocol has dropped them: sampling, roots, logging; and no change
 * notices, since nothing changes under a caller between two of its requests that it would not ask
 * for anew. Sources: modelcontextprotocol.io, revisions named above.
 *
 * Threads: no state of its own. Ownership: all lent but the reply. Errors: none of mcp_answer()
 * but for memory limits (a reply over MCP_REPLY_MAX becomes a tool error).
 */
#ifndef LARDER_MCP_MCP_H
#define LARDER_MCP_MCP_H

#include "base/json.h"
#include "mcp/tools.h"

/* A statement of 1 MB with every byte escaped, and its envelope. */
#define MCP_MESSAGE_MAX ((size_t)8 << 20)
/* Twice what a tool may give (MCP_RESULT_MAX), as text and as JSON, escaped. */
#define MCP_REPLY_MAX ((size_t)8 << 20)
/* Clients cut instructions and descriptions there. */
#define MCP_INSTRUCTIONS_MAX 2048

enum mcp_error {
	MCP_PARSE_ERROR = -32700,
	MCP_INVALID_REQUEST = -32600,
	MCP_METHOD_NOT_FOUND = -32601,
	MCP_INVALID_PARAMS = -32602,
	MCP_INTERNAL_ERROR = -32603,
	MCP_RESOURCE_NOT_FOUND = -32002,
	MCP_HEADER_MISMATCH = -32020,
	MCP_UNSUPPORTED_VERSION = -32022
};

/* What the transport wants to know of a message. */
struct mcp_head {
	bool is_request; /* it has a method and an id: there will be a reply */
	bool is_notification;
	bool modern;        /* it carries an envelope */
	const char *method; /* lent from the message, like the next */
	const char *name;   /* what header Mcp-Name must repeat; NULL: nothing */
	const char *version;
	const struct json *id;
};
/* NULL-safe; of anything that is no object all members are empty. */
struct mcp_head mcp_head_of(const struct json *message);

struct mcp_server {
	const struct mcp_backend *backend;
	const char *instructions;
};

/* What came of it, for HTTP's status: 0 or a code of enum mcp_error that the protocol itself gave
 * (not a tool). */
int mcp_answer(const struct mcp_server *server, const struct json *message, struct buf *reply);
/* The text of a message that is no JSON, or no message. */
void mcp_refuse(const struct json *id, enum mcp_error code, const char *why, struct buf *reply);

#endif
