/* SPDX-License-Identifier: Apache-2.0 */
/* This machine as a member of a fleet: join, leave, status. */
#include "cmd/agent.h"

#include "agents/member.h"

#define PATIENCE_MS 3000

struct fleet_args {
	struct agent_sync_args sync;
	struct strv models, capabilities;
	const char *agent, *timeout;
	int64_t capacity;
};

static const struct opt join_options[] = {
	OPT_TEXT('a', "agent", struct fleet_args, agent, "TYPE[:MODEL]", "who works on a task"),
	OPT_LIST(0, "model", struct fleet_args, models, "NAME", "a model it has (may be repeated)"),
	OPT_LIST(0, "capability", struct fleet_args, capabilities, "NAME",
		 "what it can do (may be repeated)"),
	OPT_INT(0, "capacity", struct fleet_args, capacity, 1, MEMBER_CAPACITY_MAX, "N",
		"tasks at once (default 1)"),
	OPT_TEXT(0, "timeout", struct fleet_args, timeout, "TIME",
		 "a task is ended after this (default 60m; 0: never)"),
	AGENT_SYNC_OPTIONS(struct fleet_args, sync),
	OPT_END,
};

static const struct opt options[] = {
	AGENT_SYNC_OPTIONS(struct fleet_args, sync),
	OPT_END,
};

static int open_home(const struct fleet_args *args, bool create, struct agents **ret, struct err *e)
{
	const struct agents_options where = { .path = args->sync.home,
					      .self = args->sync.self,
					      .create = create,
					      .read_only = !create };

	return agents_open(&where, ret, e);
}

static void add_text(const struct json *doc, struct buf *out)
{
	const struct json *tasks = json_get(doc, "tasks");
	const char *beat = json_text(json_get(doc, "last_heartbeat_at"));
	const char *error = json_text(json_get(doc, "error"));

	if (!json_flag(json_get(doc, "member"), false))
		buf_adds(out, "This machine is no member of a fleet.\n");
	else
		buf_addf(out, "agent %s: %s, last heartbeat %s\n",
			 json_text(json_get(doc, "agent_id")),
			 json_text(json_get(doc, "registered_at")) ? "registered"
								   : "not yet registered",
			 beat ? beat : "never");
	if (error) {
		buf_adds(out, "the hub: ");
		text_add_clean(out, bytes_of(error));
		buf_addc(out, '\n');
	}
	for (size_t i = 0; i < json_size(tasks); i++) {
		const struct json *task = json_at(tasks, i);
		const char *name = json_text(json_get(task, "workspace"));

		buf_addf(out, "task %lld: %s%s%s\n",
			 (long long)json_int(json_get(task, "task_id"), 0),
			 json_text(json_get(task, "state")), name ? ", " : "", name ? name : "");
	}
}

static int tell(struct agents *a, bool as_json, struct err *e)
{
	AUTO_BUF struct buf json = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *doc = NULL;
	struct json_out o = json_out(&json);
	int r;

	json_open(&o, NULL, '{');
	r = member_status_add(agents_db(a), &o, e);
	json_close(&o);
	if (r == 0)
		r = json_parse(buf_bytes(&json), BUF_OWN_MAX, &doc, e);
	if (r < 0)
		return r;
	add_text(doc, &text);
	buf_addc(&json, '\n');
	return cmd_print(as_json ? &json : &text, e);
}

/* What was written down is said to the hub, if it is there: else by the daemon, later. */
static int say(struct agents *a, const struct fleet_args *args, struct err *e)
{
	AUTO(agent_peer_release) struct agent_peer peer = { 0 };
	AUTO_PUSH struct sync_pushed pushed = { 0 };
	const struct sync_push_options how = { .patience_ms = PATIENCE_MS,
					       .wait_ms = SYNC_WAIT_MS,
					       .hurry = true };
	int r;

	agent_find_peer(&peer, args->sync.server, args->sync.token);
	r = sync_push(a, &peer.peer, &how, &pushed, e);
	for (size_t i = 0; r == 0 && i < pushed.failures.n; i++)
		cmd_warn("%s", pushed.failures.v[i]);
	if (r == 0 && pushed.no_token)
		cmd_warn("%s; the hub is told when there is one", peer.why.msg);
	if (r == 0)
		r = tell(a, args->sync.json, e);
	if (r < 0)
		return r;
	if (pushed.refused)
		return CMD_REPORTED(ERR_AUTH);
	return pushed.waiting > 0 ? CMD_REPORTED(ERR_OFFLINE) : 0;
}

static int join(struct agents *a, const struct fleet_args *args, const struct strv *command,
		struct err *e)
{
	struct member_wish wish = { .agent = args->agent,
				    .models = &args->models,
				    .capabilities = &args->capabilities,
				    .command = command,
				    .capacity = args->capacity };
	int64_t seconds = 0;
	int r = args->timeout ? parse_duration(args->timeout, &seconds, e) : 0;

	if (args->timeout)
		wish.timeout_ms = seconds ? seconds * 1000 : -1;
	if (r == 0)
		r = member_join(a, &wish, e);
	return r < 0 ? r : say(a, args, e);
}

static void args_release(struct fleet_args *args)
{
	strv_release(&args->models);
	strv_release(&args->capabilities);
}

static int run_join(int argc, char **argv, struct err *e)
{
	AUTO(args_release) struct fleet_args args = { .capacity = 1 };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv command = STRV_INIT;
	int r = opt_parse(join_options, &args, argc, argv, &command, e);

	if (r == 0)
		r = open_home(&args, true, &a, e);
	return agent_result(r < 0 ? r : join(a, &args, &command, e), e);
}

static int run_leave(int argc, char **argv, struct err *e)
{
	AUTO(args_release) struct fleet_args args = { 0 };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_fleet_leave, &operands, 0, 0, e);
	if (r == 0)
		r = open_home(&args, true, &a, e);
	if (r == 0)
		r = member_leave(a, e);
	return agent_result(r < 0 ? r : say(a, &args, e), e);
}

static int run_status(int argc, char **argv, struct err *e)
{
	AUTO(args_release) struct fleet_args args = { 0 };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_fleet_status, &operands, 0, 0, e);
	if (r == 0)
		r = open_home(&args, false, &a, e);
	return agent_result(r < 0 ? r : tell(a, args.sync.json, e), e);
}

const struct command agent_fleet_join = {
	.name = "join",
	.usage = "--agent-id ID [OPTION...] -- CMD...",
	.summary = "be given tasks by the hub",
	.description =
		"The daemon then takes tasks from the hub, CMD is run for each as `larder agent "
		"run` does, and the hub is told how it ended. CMD finds the task in "
		"LARDER_AGENT_TASK, LARDER_AGENT_ORG, LARDER_AGENT_REPO, LARDER_AGENT_BRANCH, "
		"LARDER_AGENT_TEMPLATE and LARDER_AGENT_TYPE. A task is taken once, whatever "
		"dies in between; one that this machine did not acknowledge goes to another. "
		"Joining again replaces what was said before.\n\n"
		"Exit: 0 the hub knows; 4 the token was refused; 75 it is told later.",
	.examples = "larder agent fleet join --agent-id builder-1 -- ./work.sh|one at a time\n"
		    "larder agent fleet join --agent-id builder-1 --capacity 4 -- ./work.sh|four",
	.options = join_options,
	.run = run_join,
};

const struct command agent_fleet_leave = {
	.name = "leave",
	.usage = "[--server URL] [--json] [--home DIR]",
	.summary = "be given no more tasks",
	.description = "Tasks that were not begun go back to the hub as failed; those at work are "
		       "finished and told. Exit: as of join.",
	.examples = "larder agent fleet leave|until it joins again",
	.options = options,
	.run = run_leave,
};

const struct command agent_fleet_status = {
	.name = "status",
	.usage = "[--json] [--home DIR]",
	.summary = "membership, and the tasks it was given",
	.description = "What is written here; nobody is asked.",
	.examples = "larder agent fleet status|tasks and the last heartbeat",
	.options = options,
	.run = run_status,
};

static const struct command *const sub[] = { &agent_fleet_join, &agent_fleet_leave,
					     &agent_fleet_status, NULL };

const struct command agent_fleet = {
	.name = "fleet",
	.usage = "join|leave|status ...",
	.summary = "this machine as a member of the hub's fleet",
	.description = "A member says that it lives, is given tasks under leases, acknowledges "
		       "them, runs them and tells how they ended. `larder agent daemon` does it.",
	.examples = "larder agent fleet join --agent-id builder-1 -- ./work.sh|begin",
	.sub = sub,
};
