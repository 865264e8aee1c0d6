/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

#include "cmd/commands.h"

static const struct command *const sub[] = {
	&agent_clean, &agent_daemon, &agent_fleet,       &agent_list, &agent_listen, &agent_pull,
	&agent_push,  &agent_reap,   &agent_resume,      &agent_run,  &agent_show,   &agent_start,
	&agent_stats, &agent_stop,   &agent_sync_status, NULL,
};

const struct command cmd_agent = {
	.name = "agent",
	.usage = "run|list|show|push|pull|daemon|... ...",
	.summary = "what agents work on here: start, watch, find what died, tell the hub",
	.description =
		"Each piece of work has a folder below <home>/workspace and a row in "
		"<home>/.larder/state.db; <home> is --home, LARDER_AGENTS, CORE_WORKSPACE, "
		"~/Code/.core when it exists, or ~/.local/state/larder/agents. status.json in "
		"each folder says the same to other tools.",
	.examples = "larder agent run --repo api --task 'fix the build' -- codex exec|start work\n"
		    "larder agent list|what runs, what waits, what asks\n"
		    "larder agent show local/api/fix-the-build|all that is known of it",
	.sub = sub,
};
