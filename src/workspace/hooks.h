/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two hooks of a workspace in `.claude/settings.json`: SessionStart pulls, and pushes
 * what an earlier end left behind; SessionEnd pushes. Pushing is detached: a hook waits for no
 * network. Pure: text in, text out; init.c writes it through the journal.
 *
 * Every foreign key, event and hook entry stays, in its order. Entries whose commands *all* are
 * ours, or those of the systems that Larder replaces, are taken out and put back once, so that
 * merging twice gives the same text. `old` without bytes gives a new file: permissions for reading
 * tools, and the hooks.
 *
 * Errors: ERR_CORRUPT when `old` is not a JSON object or holds hooks of another shape; the caller
 * keeps a copy and starts a new file. Source of the shape: the settings reference of Claude Code
 * ("hooks": event -> groups -> entries).
 */
#ifndef LARDER_WORKSPACE_HOOKS_H
#define LARDER_WORKSPACE_HOOKS_H

#include "base/buf.h"
#include "base/err.h"

/* Settings files are written by hand or by a tool; a megabyte is neither. */
#define HOOKS_SETTINGS_MAX ((size_t)1 << 20)

int hooks_merge(struct bytes old, struct buf *out, struct err *e);
/* The same for `.mcp.json`: the server "larder", which runs `larder mcp` in the folder of the project. */
int hooks_merge_mcp(struct bytes old, struct buf *out, struct err *e);
/* Are both hooks there, once? For doctor. */
bool hooks_present(struct bytes settings);

#endif
