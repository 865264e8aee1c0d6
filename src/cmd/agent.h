/* SPDX-License-Identifier: Apache-2.0 */
/* The sub-commands of `larder agent`, one file agent-*.c each, and what they share. */
#ifndef LARDER_CMD_AGENT_H
#define LARDER_CMD_AGENT_H

#include "agents/dispatch.h"
#include "agents/home.h"
#include "cmd/cmd.h"

extern const struct command agent_clean;
extern const struct command agent_list;
extern const struct command agent_reap;
extern const struct command agent_resume;
extern const struct command agent_run;
extern const struct command agent_show;
extern const struct command agent_stats;
extern const struct command agent_stop;

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

/* The members of a dispatch into an open object, its liveness among them. */
void agent_add_dispatch(struct json_out *o, const struct dispatch *d);
const char *agent_life_word(const struct dispatch *d);
/* The result as it is; damage that was met on the way gets its hint (agents/home.h). */
int agent_result(int r, struct err *e);
/* The first line, for a table. */
void agent_add_line(struct buf *out, const char *text);

#endif
