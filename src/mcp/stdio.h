/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol on two pipes: one JSON object a line, in both directions. stdout is the protocol's
 * alone; what else is to be said goes to stderr.
 *
 *	AUTO_MCP_LINES struct mcp_lines *lines = mcp_lines_new(STDIN_FILENO, STDOUT_FILENO);
 *	tools.watch = mcp_lines_watch(lines);       so that a running tool hears the client
 *	mcp_lines_serve(lines, &server, e)          until the input ends
 *
 * One request at a time, in the order they come. While a tool waits for a child process, what comes
 * in is read through the watch: a cancelled request is given up (its child is killed, no reply is
 * sent), one that was not begun yet is forgotten.
 * What came before the end of the input is still answered.
 *
 * A line over MCP_MESSAGE_MAX is refused and skipped, as is one that is no JSON; more than
 * MCP_PENDING_MAX lines are not read ahead. Threads: one. Errors: ERR_IO when the output is gone.
 */
#ifndef LARDER_MCP_STDIO_H
#define LARDER_MCP_STDIO_H

#include "mcp/mcp.h"

/* Clients send a handful at once. */
#define MCP_PENDING_MAX 64

struct proc_watch;
struct mcp_lines;

struct mcp_lines *mcp_lines_new(int in, int out);
void mcp_lines_free(struct mcp_lines *lines);
static inline void mcp_lines_auto_(struct mcp_lines **p)
{
	mcp_lines_free(*p);
}
#define AUTO_MCP_LINES AUTO(mcp_lines_auto_)

const struct proc_watch *mcp_lines_watch(struct mcp_lines *lines);
int mcp_lines_serve(struct mcp_lines *lines, const struct mcp_server *server, struct err *e);

#endif
