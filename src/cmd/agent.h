/* SPDX-License-Identifier: Apache-2.0 */
/* The sub-commands of `larder agent`, one file agent-*.c each, and what they share. */
#ifndef LARDER_CMD_AGENT_H
#define LARDER_CMD_AGENT_H

#include "agents/dispatch.h"
#include "agents/home.h"
#include "agents/sync.h"
#include "cmd/cmd.h"
#include "workspace/credentials.h"

extern const struct command agent_clean;
extern const struct command agent_daemon;
extern const struct command agent_fleet;
extern const struct command agent_fleet_join;
extern const struct command agent_fleet_leave;
extern const struct command agent_fleet_status;
extern const struct command agent_list;
extern const struct command agent_listen;
extern const struct command agent_pull;
extern const struct command agent_push;
extern const struct command agent_reap;
extern const struct command agent_resume;
extern const struct command agent_run;
extern const struct command agent_show;
extern const struct command agent_start;
extern const struct command agent_stats;
extern const struct command agent_stop;
extern const struct command agent_sync_status;

#define AGENT_HOME_OPTION(type, member)                                                            \
	OPT_TEXT(0, "home", type, member, "DIR", "the agents of DIR (default LARDER_AGENTS)")

/* Starting what waits, for a person who watches. */
struct agent_work_args {
	bool json, quiet, queue;
	const char *home;
};
#define AGENT_WORK_OPTIONS(type, member)                                                           \
	OPT_FLAG(0, "queue", type, member.queue, "leave it to the daemon"),                        \
		OPT_FLAG('j', "json", type, member.json, "one JSON object on stdout"),             \
		OPT_FLAG('q', "quiet", type, member.quiet, "say nothing but errors"),              \
		AGENT_HOME_OPTION(type, member.home)
int agent_work(struct agents *a, struct dispatch *d, const struct agent_work_args *args,
	       struct err *e);

/* Whom to speak to, and as whom: as workspace/credentials.h says, outside a workspace. What is not known
 * is NULL in `peer`, and `why` says what lacks. */
struct agent_peer {
	struct sync_peer peer;
	struct credentials found;
	char *server;
	struct err why;
};
void agent_find_peer(struct agent_peer *p, const char *server, const char *token);
void agent_peer_release(struct agent_peer *p);

struct agent_sync_args {
	bool json;
	const char *home, *self, *server, *token;
};
#define AGENT_SYNC_OPTIONS(type, member)                                                           \
	OPT_TEXT(0, "agent-id", type, member.self, "ID", "who this is for the hub"),               \
		OPT_TEXT(0, "server", type, member.server, "URL",                                  \
			 "the hub (default "                                                       \
			 "LARDER_SERVER)"),                                                        \
		OPT_TEXT(0, "token", type, member.token, "TOKEN",                                  \
			 "who asks (default LARDER_TOKEN)"),                                       \
		OPT_FLAG('j', "json", type, member.json, "one JSON object on stdout"),             \
		AGENT_HOME_OPTION(type, member.home)

/* The members of a dispatch into an open object, its liveness among them. */
void agent_add_dispatch(struct json_out *o, const struct dispatch *d);
const char *agent_life_word(const struct dispatch *d);
/* The result as it is; damage that was met on the way gets its hint (agents/home.h). */
int agent_result(int r, struct err *e);
/* The first line, for a table. */
void agent_add_line(struct buf *out, const char *text);

#endif
