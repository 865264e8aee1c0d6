/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The home of the agents of one machine: a root (engine/root.h), private to its owner, with
 *
 *	<home>/.larder/state.db                       the truth
 *	<home>/workspace/<org>/<repo>/<task>/         a folder for each piece of work:
 *	    status.json                               a mirror of its row, for other tools
 *	    repo/                                     where the agent works; BLOCKED.md, ANSWER.md
 *	    .meta/                                    its log, report.json, how it ended
 *	<home>/workspace/events.jsonl                 what began and ended, appended, for other tools
 *	<home>/agents.yaml                            limits and pacing (agents/pace.h)
 *	<home>/sync/context.json                      a mirror of the context that was pulled
 *
 * Which folder: the one given, else LARDER_AGENTS, else CORE_WORKSPACE, else ~/Code/.core when that
 * exists, else $XDG_STATE_HOME/larder/agents (~/.local/state/larder/agents).
 *
 *	AUTO_AGENTS struct agents *a = NULL;
 *	agents_open(&(struct agents_options){ .path = args.home, .create = true }, &a, e)
 *
 * Who this machine is for the hub (agents_self) is made up once, from its name and random digits, and
 * kept; no two machines guess the same. Threads: one. Errors: the root's; ERR_NOT_FOUND when there is
 * no home and it is not to be made; for a damaged database ERR_CORRUPT with what to restore.
 */
#ifndef LARDER_AGENTS_HOME_H
#define LARDER_AGENTS_HOME_H

#include "engine/root.h"

#define AGENTS_FOLDER "workspace"
#define AGENTS_EVENTS AGENTS_FOLDER "/events.jsonl"
#define AGENTS_CONFIG "agents.yaml"

/* Years of a busy machine; a hub that never comes does not fill the disk. */
#define AGENTS_QUEUE_MAX ((int64_t)4 << 30)

struct agents;

struct agents_options {
	const char *path; /* NULL: found as told above */
	const char *self; /* the agent id to use; NULL: AGENT_NAME, else our own */
	bool create;
	bool read_only;
};

int agents_open(const struct agents_options *options, struct agents **ret_agents, struct err *e);
void agents_close(struct agents *a);
static inline void agents_auto_(struct agents **p)
{
	agents_close(*p);
}
#define AUTO_AGENTS AUTO(agents_auto_)

struct root *agents_root(const struct agents *a);
struct db *agents_db(const struct agents *a);
const char *agents_path(const struct agents *a); /* absolute */
int agents_dirfd(const struct agents *a);
const char *agents_self(const struct agents *a);
/* Bytes of records that may wait for a hub: LARDER_AGENT_QUEUE_MAX, else AGENTS_QUEUE_MAX. */
int64_t agents_queue_max(const struct agents *a);
/* True when agents_self() was named by a person, false when it was made up here. */
bool agents_self_is_given(const struct agents *a);

/* For ERR_CORRUPT of the database: the hint what to restore. Returns e->code. */
int agents_say_restore(struct err *e);

/* "workspace/<name>/<file>"; the caller owns it. */
char *agents_file(const char *name, const char *file);

#endif
