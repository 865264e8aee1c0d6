/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

#include "agents/stop.h"

struct stop_args {
	bool json, force;
	const char *home;
};

static const struct opt options[] = {
	OPT_FLAG('f', "force", struct stop_args, force, "kill it at once"),
	OPT_FLAG('j', "json", struct stop_args, json, "one JSON object on stdout"),
	AGENT_HOME_OPTION(struct stop_args, home),
	OPT_END,
};

static int stop(struct agents *a, const struct stop_args *args, const char *name, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&out);
	int r = stop_work(a, name, args->force, &d, e);

	if (r < 0)
		return r;
	if (args->json) {
		json_open(&o, NULL, '{');
		agent_add_dispatch(&o, &d);
		json_close(&o);
		buf_addc(&out, '\n');
	} else {
		buf_addf(&out, "%s: %s, %s\n", d.name, agent_status_word(d.status), d.reason);
	}
	return cmd_print(&out, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct stop_args args = { 0 };
	struct agents_options where = { 0 };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_stop, &operands, 1, 1, e);
	if (r < 0)
		return r;
	where.path = args.home;
	r = agents_open(&where, &a, e);
	return agent_result(r < 0 ? r : stop(a, &args, operands.v[0], e), e);
}

const struct command agent_stop = {
	.name = "stop",
	.usage = "[--force] [--json] [--home DIR] WORKSPACE|ID",
	.summary = "end an agent's work, or take it out of the queue",
	.description = "Tells its process group to end (SIGTERM), kills it after ten seconds, and "
		       "waits until its end is on record. Exit: 3 when it is over already, or runs "
		       "on another machine.",
	.examples = "larder agent stop local/api/task-7|end it\n"
		    "larder agent stop --force local/api/task-7|at once",
	.options = options,
	.run = run,
};
