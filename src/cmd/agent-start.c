/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

static const struct opt options[] = {
	OPT_FLAG('j', "json", struct agent_work_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct agent_work_args, quiet, "say nothing but errors"),
	AGENT_HOME_OPTION(struct agent_work_args, home),
	OPT_END,
};

static int run(int argc, char **argv, struct err *e)
{
	struct agent_work_args args = { 0 };
	struct agents_options where = { 0 };
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_start, &operands, 1, 1, e);
	if (r < 0)
		return r;
	where.path = args.home;
	r = agents_open(&where, &a, e);
	if (r == 0)
		r = dispatch_find(agents_db(a), operands.v[0], &d, e);
	return r < 0 ? agent_result(r, e) : agent_work(a, &d, &args, e);
}

const struct command agent_start = {
	.name = "start",
	.usage = "[--json] [--quiet] [--home DIR] WORKSPACE|ID",
	.summary = "start work that waits, and watch over it",
	.description =
		"What the daemon does with work in the queue, when its pool has a slot. Exit: "
		"as `larder agent run`; 3 when it does not wait; 75 when there is no slot.",
	.examples = "larder agent start local/api/task-7|now, if it may",
	.options = options,
	.run = run,
};
