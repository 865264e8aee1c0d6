/* SPDX-License-Identifier: Apache-2.0 */
/* The sub-commands of `larder agent`, one file agent-*.c each, and what they share. */
#ifndef LARDER_CMD_AGENT_H
#define LARDER_CMD_AGENT_H

#include "agents/dispatch.h"
#include "agents/home.h"
#include "cmd/cmd.h"

extern const struct command agent_list;
extern const struct command agent_run;
extern const struct command agent_show;

#define AGENT_HOME_OPTION(type, member)                                                            \
	OPT_TEXT(0, "home", type, member, "DIR", "the agents of DIR (default LARDER_AGENTS)")

/* The members of a dispatch into an open object, its liveness among them. */
void agent_add_dispatch(struct json_out *o, const struct dispatch *d);
const char *agent_life_word(const struct dispatch *d);
/* The result as it is; damage that was met on the way gets its hint (agents/home.h). */
int agent_result(int r, struct err *e);
/* The first line, for a table. */
void agent_add_line(struct buf *out, const char *text);

#endif
