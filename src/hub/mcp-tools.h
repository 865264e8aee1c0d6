/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tools of mcp/tools.h over what a caller of the hub may see now: each call reads rows of this
 * moment, with the rights of this moment.
 *
 * Threads: a call belongs to the thread that answers it.
 */
#ifndef LARDER_HUB_MCP_TOOLS_H
#define LARDER_HUB_MCP_TOOLS_H

#include "hub/api.h"
#include "hub/asking.h"
#include "mcp/words.h"

/* One message being answered. */
struct mcp_call {
	struct hub *hub;
	struct caller by;
	struct json *message;
	struct http_in *in;
	struct db *db;
	struct asking asking; /* of query_run; released with the call */
};

struct mcp_backend hub_mcp(struct mcp_call *call);

#endif
