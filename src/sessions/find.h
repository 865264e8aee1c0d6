/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transcripts of a workspace, wherever its agents leave them:
 *
 *	<config>/projects/<the workspace's path, encoded>/<session>.jsonl
 *	<config>/projects/<...>/<session>/subagents/agent-<x>.jsonl      named <session>.agent-<x>.jsonl
 *	<workspace>/user/sessions/<name>.jsonl                           unless found above
 *
 * <config> is CLAUDE_CONFIG_DIR, else ~/.claude. The path is encoded in one of three ways, by the
 * age of the agent: '/' becomes '-'; every character that is no letter or digit does; every run of
 * those does. A name of more than 200 letters is cut there, with a hash behind: such a folder counts when a
 * transcript in it says that it works in this workspace ("cwd"). Of files with the same name the newest counts. Sorted by name; names a hub would not
 * take are left out. Nothing else is opened. Threads: any. Errors: ERR_IO; a missing folder is empty.
 */
#ifndef LARDER_SESSIONS_FIND_H
#define LARDER_SESSIONS_FIND_H

#include "base/str.h"

struct session_file {
	char *name; /* as the hub will call it */
	char *path; /* absolute */
	int64_t size, mtime_ns;
	bool fallback; /* of user/sessions */
};
struct session_files {
	struct session_file *v;
	size_t n, capacity;
};
void session_files_release(struct session_files *f);
#define AUTO_SESSION_FILES AUTO(session_files_release)

int sessions_find(const char *workspace, struct session_files *ret_files, struct err *e);
/* Of all workspaces of a home, for who takes them in there: <home>/.claude/projects, whatever the
 * environment says, and <home>/user/sessions. */
int sessions_find_home(const char *home, struct session_files *ret_files, struct err *e);
/* The name of the folder, for each encoding; without doubles. */
void sessions_encode(const char *workspace, struct strv *out);

#endif
