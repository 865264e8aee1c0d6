/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"
#include "cmd/dead.h"

#include "base/file.h"
#include "engine/outbox.h"

#include <fcntl.h>

/* A hub that restarts is back; a person does not wait longer. */
#define PATIENCE_MS 3000

struct push_args {
	struct agent_sync_args sync;
	bool quiet, dead, redrive;
	const char *from;
};

static const struct opt options[] = {
	OPT_FLAG(0, "dead", struct push_args, dead, "list what the hub will not take"),
	OPT_FLAG(0, "redrive", struct push_args, redrive, "send again what the hub refused, too"),
	OPT_TEXT(0, "from", struct push_args, from, "FILE",
		 "records of another tool, too (-: stdin)"),
	OPT_FLAG('q', "quiet", struct push_args, quiet, "nothing but warnings"),
	AGENT_SYNC_OPTIONS(struct push_args, sync),
	OPT_END,
};

static void as_json(const struct sync_pushed *p, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_int(&o, "sent", (int64_t)p->sent);
	json_add_int(&o, "duplicates", (int64_t)p->duplicates);
	json_add_int(&o, "collected", (int64_t)p->collected.taken);
	json_add_int(&o, "no_room", (int64_t)p->collected.left);
	json_add_int(&o, "waiting", (int64_t)p->waiting);
	json_add_int(&o, "paused", (int64_t)p->paused);
	json_add_int(&o, "dead", (int64_t)p->dead);
	json_add_int(&o, "requests", (int64_t)p->requests);
	json_add_int(&o, "bytes", p->bytes);
	json_add_int(&o, "next_ms", p->next_ms);
	json_add_bool(&o, "token_known", !p->no_token);
	json_add_bool(&o, "refused", p->refused);
	json_add_texts(&o, "errors", &p->failures);
	json_close(&o);
	buf_addc(out, '\n');
}

static void warn_all(const struct sync_pushed *p, const struct agent_peer *peer)
{
	for (size_t i = 0; i < p->failures.n; i++)
		cmd_warn("%s", p->failures.v[i]);
	if (p->dead > 0)
		cmd_warn("next: `larder agent push --dead` lists what the hub will not take, and "
			 "--redrive sends it again");
	if (p->no_token && p->waiting > 0) {
		cmd_warn("%s; %zu records wait until there is one", peer->why.msg, p->waiting);
		cmd_warn("next: %s", peer->why.hint);
	}
	if (p->collected.left > 0)
		cmd_warn("%zu records found no room among those that wait, and stay in their "
			 "folders until there is: LARDER_AGENT_QUEUE_MAX is the limit",
			 p->collected.left);
	if (p->refused)
		cmd_warn("the hub refuses this token; %zu records wait until it is another, which "
			 "LARDER_TOKEN or --token gives",
			 p->paused);
}

static int code_of(const struct sync_pushed *p)
{
	if (p->refused)
		return CMD_REPORTED(ERR_AUTH);
	if (p->dead > 0)
		return CMD_REPORTED(ERR_FAILED);
	return p->waiting + p->collected.left > 0 ? CMD_REPORTED(ERR_OFFLINE) : 0;
}

static int give(struct agents *a, const char *path, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(SYNC_GIVEN_MAX + 1);
	struct sync_collected ignored = { 0 };
	int r = file_read(AT_FDCWD, str_eq(path, "-") ? "/dev/stdin" : path, SYNC_GIVEN_MAX, &text,
			  e);

	if (r == 0)
		r = sync_give(a, buf_bytes(&text), &ignored, e);
	if (r == 0)
		return 0;
	(void)err_in(e, "records of '%.200s'", path);
	return err_hint(e, "nothing of it was queued; it must be a JSON array of records, as in "
			   "docs/format-agents.md");
}

static int push(struct agents *a, const struct push_args *args, struct err *e)
{
	AUTO(agent_peer_release) struct agent_peer peer = { 0 };
	AUTO_PUSH struct sync_pushed pushed = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	const struct sync_push_options how = {
		.patience_ms = PATIENCE_MS,
		.wait_ms = SYNC_WAIT_MS,
		.collect = true,
		.hurry = true,
		.redrive = args->redrive,
		.progress = !args->quiet && !args->sync.json,
	};
	int r = args->from ? give(a, args->from, e) : 0;

	if (r < 0)
		return r;
	agent_find_peer(&peer, args->sync.server, args->sync.token);
	r = sync_push(a, &peer.peer, &how, &pushed, e);
	if (r < 0)
		return r;
	if (args->sync.json)
		as_json(&pushed, &out);
	else if (!args->quiet)
		buf_addf(&out, "synced: %zu (%zu were there), %zu wait, %zu dead\n", pushed.sent,
			 pushed.duplicates, pushed.waiting + pushed.paused, pushed.dead);
	r = cmd_print(&out, e);
	warn_all(&pushed, &peer);
	return r < 0 ? r : code_of(&pushed);
}

static void add_name(struct json_out *o, const struct outbox_item *item)
{
	json_add_text(o, "id", item->subject);
}

static int run(int argc, char **argv, struct err *e)
{
	struct push_args args = { 0 };
	struct agents_options where = { .create = true };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_push, &operands, 0, 0, e);
	if (r < 0)
		return r;
	where.path = args.sync.home;
	where.self = args.sync.self;
	r = agents_open(&where, &a, e);
	if (r == 0)
		r = args.dead && !args.redrive
			    ? cmd_list_dead(agents_db(a), args.sync.json, add_name, e)
			    : push(a, &args, e);
	return agent_result(r, e);
}

const struct command agent_push = {
	.name = "push",
	.usage = "[--from FILE] [--dead] [--redrive] [--agent-id ID] [--json] [OPTION...]",
	.summary = "tell the hub what agents did",
	.description =
		"Sends the records of work that ended, in batches. What cannot be sent now is kept, "
		"for as long as it takes, and sent by a later push or by the daemon; it counts "
		"once, however often it is sent.\n\n"
		"Exit: 0 all is there; 1 something the hub will not take (--dead); 4 the token was "
		"refused; 75 something waits for a hub, or for a token.",
	.examples = "larder agent push|what is new\nlarder agent push --dead|what was rejected\n"
		    "larder agent push --from records.json|and what another tool has recorded",
	.options = options,
	.run = run,
};
