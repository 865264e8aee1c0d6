/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

#include "agents/change.h"
#include "agents/run.h"

struct run_args {
	struct agent_work_args work;
	const char *org, *repo, *task, *branch, *template, *agent, *timeout, *log_max;
	int64_t issue, pr, priority;
};

static const struct opt options[] = {
	OPT_TEXT('r', "repo", struct run_args, repo, "R", "what is worked on: REPO or ORG/REPO"),
	OPT_TEXT('o', "org", struct run_args, org, "O", "whose it is (default local)"),
	OPT_TEXT('t', "task", struct run_args, task, "T", "what is to be done"),
	OPT_TEXT('b', "branch", struct run_args, branch, "B", "the branch it is done on"),
	OPT_TEXT('a', "agent", struct run_args, agent, "TYPE[:MODEL]", "who does it"),
	OPT_TEXT(0, "template", struct run_args, template, "NAME", "the template it is made from"),
	OPT_INT(0, "issue", struct run_args, issue, 1, INT64_MAX, "N", "the issue it is about"),
	OPT_INT(0, "pr", struct run_args, pr, 1, INT64_MAX, "N", "the pull request it is about"),
	OPT_INT(0, "priority", struct run_args, priority, 0, RUN_PRIORITY_MAX, "N",
		"higher goes first (default 5)"),
	OPT_TEXT(0, "timeout", struct run_args, timeout, "TIME",
		 "ended after this (default 60m; 0: never)"),
	OPT_TEXT(0, "log-max", struct run_args, log_max, "SIZE", "of its log (default 16M)"),
	AGENT_WORK_OPTIONS(struct run_args, work),
	OPT_END,
};

/* Of a whole log: more is no log a person reads. */
#define LOG_MOST ((uint64_t)1 << 30)

static int plan(const struct run_args *args, const struct strv *command, struct dispatch *ret,
		struct err *e)
{
	struct run_wish wish = {
		.org = args->org,
		.repo = args->repo,
		.task = args->task,
		.branch = args->branch,
		.template = args->template,
		.agent = args->agent,
		.issue = args->issue,
		.pr = args->pr,
		.priority = args->priority,
		.command = command,
	};
	int64_t seconds = 0;
	uint64_t bytes = 0;
	int r = args->timeout ? parse_duration(args->timeout, &seconds, e) : 0;

	if (r == 0 && args->log_max)
		r = parse_size(args->log_max, LOG_MOST, &bytes, e);
	if (r < 0)
		return r;
	if (args->log_max && bytes < RUN_LOG_LEAST)
		return err_set(e, ERR_USAGE, "--log-max is at least 64K");
	wish.timeout_ms = args->timeout ? (seconds ? seconds * 1000 : -1) : 0;
	wish.log_max = (int64_t)bytes;
	return run_plan(&wish, ret, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct run_args args = { .priority = 5 };
	struct agents_options where = { .create = true };
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv command = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &command, e);

	if (r == 0)
		r = plan(&args, &command, &d, e);
	if (r < 0)
		return r;
	where.path = args.work.home;
	r = agents_open(&where, &a, e);
	if (r == 0)
		r = change_add(a, &d, e);
	return r < 0 ? agent_result(r, e) : agent_work(a, &d, &args.work, e);
}

const struct command agent_run = {
	.name = "run",
	.usage = "--repo R [--task T] [--agent TYPE[:MODEL]] [OPTION...] -- CMD...",
	.summary = "start a command as an agent's work, and watch over it",
	.description =
		"Makes the folder <home>/workspace/ORG/REPO/TASK (TASK is task-N of an issue, "
		"pr-N, the branch, or the task's first words), starts CMD in its folder repo, and "
		"stays until it ends. If this supervisor is killed the work goes on, and `larder "
		"agent reap` or the daemon records how it ended. An agent that leaves a question "
		"in repo/BLOCKED.md is blocked; findings in .meta/report.json go to the hub.\n\n"
		"When its pool has no slot (agents.yaml), or with --queue, it waits for the "
		"daemon.\n\n"
		"Exit: 0 completed, or queued as asked; 1 failed; 3 blocked; 75 it waits for a "
		"slot.",
	.examples =
		"larder agent run --repo api --issue 7 -- codex exec 'fix issue 7'|work\n"
		"larder agent run --repo core/api --branch fix --agent claude:opus -- ./work.sh|"
		"of another kind",
	.options = options,
	.run = run,
};
