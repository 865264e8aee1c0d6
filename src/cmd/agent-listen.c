/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

#include "agents/member.h"

struct listen_args {
	struct agent_sync_args sync;
	bool quiet;
};

static const struct opt options[] = {
	OPT_FLAG('q', "quiet", struct listen_args, quiet, "say nothing but errors"),
	AGENT_SYNC_OPTIONS(struct listen_args, sync),
	OPT_END,
};

static int listen_to(struct agents *a, const struct listen_args *args, struct err *e)
{
	AUTO(agent_peer_release) struct agent_peer peer = { 0 };
	int r;

	agent_find_peer(&peer, args->sync.server, args->sync.token);
	if (!peer.peer.server || !peer.peer.token) {
		*e = peer.why;
		return e->code;
	}
	r = sync_check_server(peer.peer.server, e);
	return r < 0 ? r : member_listen(a, &peer.peer, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct listen_args args = { 0 };
	struct agents_options where = { 0 };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_listen, &operands, 0, 0, e);
	if (r < 0)
		return r;
	where.path = args.sync.home;
	where.self = args.sync.self;
	r = agents_open(&where, &a, e);
	return agent_result(r < 0 ? r : listen_to(a, &args, e), e);
}

const struct command agent_listen = {
	.name = "listen",
	.usage = "[--server URL] [--quiet] [--home DIR]",
	.summary = "hear what the hub's fleet gives this machine to do",
	.description = "What the daemon of a member runs: one stream, until it ends or the daemon "
		       "does. Each task becomes a row, which the daemon acknowledges and begins.",
	.examples = "larder agent listen|beside a daemon that lost its own",
	.options = options,
	.run = run,
};
