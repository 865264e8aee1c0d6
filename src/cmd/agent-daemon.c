/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

#include "agents/daemon.h"
#include "base/file.h"
#include "base/log.h"

#include <fcntl.h>

struct daemon_args {
	struct agent_sync_args sync;
	const char *pull, *look;
	bool no_dispatch, once;
};

static const struct opt options[] = {
	OPT_TEXT(0, "pull", struct daemon_args, pull, "TIME",
		 "between pulls (default 15m; 0: none)"),
	OPT_TEXT(0, "look", struct daemon_args, look, "TIME",
		 "between looks at all folders (default 15m; 0: one)"),
	OPT_FLAG(0, "no-dispatch", struct daemon_args, no_dispatch, "start nothing that waits"),
	OPT_FLAG(0, "once", struct daemon_args, once, "one round, then end"),
	AGENT_SYNC_OPTIONS(struct daemon_args, sync),
	OPT_END,
};

struct daemon_times {
	int64_t pull_s, look_s;
};

struct finder {
	const struct daemon_args *args;
	struct agent_peer peer;
};

static void find_peer(void *ctx, struct sync_peer *ret)
{
	struct finder *f = ctx;

	agent_find_peer(&f->peer, f->args->sync.server, f->args->sync.token);
	*ret = f->peer.peer;
}

/* Its folder is made, so that a token that appears in it is noticed. */
static int find_file(char **ret_path, struct err *e)
{
	AUTO_FREE char *folder = NULL;

	*ret_path = credentials_path();
	folder = xstrndup(*ret_path, (size_t)(strrchr(*ret_path, '/') - *ret_path));
	return dir_make(AT_FDCWD, folder, 0700, e);
}

static int serve(struct agents *a, const struct daemon_args *args, const struct daemon_times *times,
		 struct err *e)
{
	struct finder f = { .args = args };
	AUTO_FREE char *credentials = NULL;
	struct daemon_options o = {
		.ctx = &f,
		.find_peer = find_peer,
		.pull_ms = times->pull_s * 1000,
		.look_ms = times->look_s * 1000,
		.no_dispatch = args->no_dispatch,
		.once = args->once,
	};
	int r = find_file(&credentials, e);

	o.credentials = credentials;
	log_set_level(LOG_INFO);
	log_event(LOG_INFO, "begins", "home=%s agent=%s", agents_path(a), agents_self(a));
	if (r == 0)
		r = daemon_run(a, &o, e);
	agent_peer_release(&f.peer);
	return r;
}

static int run(int argc, char **argv, struct err *e)
{
	struct daemon_args args = { 0 };
	struct agents_options where = { .create = true };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv operands = STRV_INIT;
	struct daemon_times times = { DAEMON_PULL_MS / 1000, DAEMON_LOOK_MS / 1000 };
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_daemon, &operands, 0, 0, e);
	if (r == 0 && args.pull)
		r = parse_duration(args.pull, &times.pull_s, e);
	if (r == 0 && args.look)
		r = parse_duration(args.look, &times.look_s, e);
	if (r < 0)
		return r;
	where.path = args.sync.home;
	where.self = args.sync.self;
	r = agents_open(&where, &a, e);
	return agent_result(r < 0 ? r : serve(a, &args, &times, e), e);
}

const struct command agent_daemon = {
	.name = "daemon",
	.usage = "[--pull TIME] [--look TIME] [--no-dispatch] [--once] [OPTION...]",
	.summary = "look after agents: reap, start, deliver, fetch",
	.description =
		"Finds out what became of work whose supervisor died, starts what waits for a slot, "
		"sends records when the hub is there and fetches context. It sleeps until something "
		"is due or happens; a token that appears is used at once. What other tools "
		"do to folders is looked at every quarter of an hour. Work it started goes on "
		"when it ends. One for each home; SIGTERM ends it.",
	.examples = "larder agent daemon|until it is told to end\n"
		    "larder agent daemon --once --no-dispatch|one round, from a timer",
	.options = options,
	.run = run,
};
