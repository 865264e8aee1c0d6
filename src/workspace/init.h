/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a workspace: ask the hub whether the token is good, then write the folder.
 *
 *	struct init_options o = { .path = "ws", .server = url, .token = token };
 *	AUTO_INIT_RESULT struct init_result result = { 0 };
 *	workspace_init(&o, &result, e)
 *
 * Nothing is saved before the hub has accepted the token. Then, in this order: the credentials; the
 * root with its state, and config.yaml, which makes the folder a workspace; in one transaction
 * CLAUDE.md (the hub's welcome text), LARDER_WORKSPACE.md, .claude/settings.json with the hooks
 * merged in, and .claude/CLAUDE.local.md when absent. It waits for a pull that runs, and a second init for
 * the first. Running it again finishes what a kill left, repairs and refreshes, with
 * the server and the account of the workspace when none is given: files that a person changed are
 * kept (result.kept names them) unless `force`, and with `force` they are kept as
 * <name>.orig-<time>. CLAUDE.local.md is never touched once it is there. A settings file that
 * cannot be read is kept as .corrupt-<time>. The token is in none of these files.
 *
 * Errors: ERR_CONFLICT for a folder that belongs to another hub or user, or is no place for a
 * workspace (the home folder, "/"); ERR_BUSY while a pull runs on; ERR_AUTH, ERR_DENIED, ERR_OFFLINE from the hub. Threads: none
 * shared.
 */
#ifndef LARDER_WORKSPACE_INIT_H
#define LARDER_WORKSPACE_INIT_H

#include "base/str.h"

struct init_options {
	const char *path; /* made when absent */
	const char *server;
	const char *token;
	bool force;
	bool mcp; /* register `larder mcp` in .mcp.json */
};

struct init_result {
	char *path; /* absolute */
	char *server;
	struct strv written; /* relative paths */
	struct strv kept;    /* "path: why" */
};
void init_result_release(struct init_result *result);
#define AUTO_INIT_RESULT AUTO(init_result_release)

int workspace_init(const struct init_options *options, struct init_result *ret_result,
		   struct err *e);

#endif
