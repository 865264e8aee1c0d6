/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tools of mcp/tools.h in a workspace: what the last pull brought, so they work offline.
 *
 *	const struct mcp_backend backend = workspace_mcp(&tools);      with tools = { .ws = ws }
 *
 * Queries run contained: they see the tables, no file, no network, and not the user's own objects in
 * the analytics file, as what an agent was told by a document must not reach further than its own
 * tools would. A note is added to CLAUDE.local.md, which `larder push` sends to the hub.
 *
 * Threads: as the workspace. `watch` is given to the child of a query (base/proc.h), so that a
 * client that gives up is heard.
 */
#ifndef LARDER_WORKSPACE_MCP_H
#define LARDER_WORKSPACE_MCP_H

#include "mcp/tools.h"
#include "workspace/workspace.h"

struct proc_watch;

struct workspace_tools {
	struct workspace *ws;
	const struct proc_watch *watch; /* may be NULL */
};

struct mcp_backend workspace_mcp(struct workspace_tools *tools);

#endif
