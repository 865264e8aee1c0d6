/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

struct status_args {
	struct agent_sync_args sync;
	bool history;
};

static const struct opt options[] = {
	OPT_FLAG(0, "history", struct status_args, history, "the last pushes and pulls, too"),
	AGENT_SYNC_OPTIONS(struct status_args, sync),
	OPT_END,
};

static const char *text_of(const struct json *v)
{
	return json_text(v) ? json_text(v) : "never";
}

static void add_history(const struct json *rows, struct buf *out)
{
	for (size_t i = 0; i < json_size(rows); i++) {
		const struct json *row = json_at(rows, i);
		const char *error = json_text(json_get(row, "error"));

		buf_addf(out, "%s  %s  %lld items, %lld bytes%s",
			 text_of(json_get(row, "synced_at")), text_of(json_get(row, "direction")),
			 (long long)json_int(json_get(row, "items_count"), 0),
			 (long long)json_int(json_get(row, "payload_size"), 0), error ? ": " : "");
		text_add_clean(out, bytes_of(error ? error : ""));
		buf_addc(out, '\n');
	}
}

static int as_text(const struct buf *json, struct buf *out, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	const char *error;
	int r = json_parse(buf_bytes(json), BUF_OWN_MAX, &doc, e);

	if (r < 0)
		return r;
	error = json_text(json_get(doc, "remote_error"));
	buf_addf(out, "agent %s: %s\n", text_of(json_get(doc, "agent_id")),
		 text_of(json_get(doc, "status")));
	buf_addf(out, "last push %s, last pull %s\n", text_of(json_get(doc, "last_push_at")),
		 text_of(json_get(doc, "last_pull_at")));
	buf_addf(out, "%lld records wait, %lld are dead; %lld context items\n",
		 (long long)json_int(json_get(doc, "queued"), 0),
		 (long long)json_int(json_get(doc, "dead"), 0),
		 (long long)json_int(json_get(doc, "context_count"), 0));
	if (!json_flag(json_get(doc, "token_known"), false))
		buf_adds(out, "no token is known: records wait here\n");
	if (json_flag(json_get(doc, "paused"), false))
		buf_adds(out, "the hub refuses this token: records wait until it is another\n");
	if (json_int(json_get(doc, "queued"), 0) > 0 && json_text(json_get(doc, "next_attempt_at")))
		buf_addf(out, "next attempt %s\n", json_text(json_get(doc, "next_attempt_at")));
	if (error) {
		buf_adds(out, "the hub: ");
		text_add_clean(out, bytes_of(error));
		buf_addc(out, '\n');
	}
	add_history(json_get(doc, "history"), out);
	return 0;
}

static int show(struct agents *a, const struct status_args *args, struct err *e)
{
	AUTO(agent_peer_release) struct agent_peer peer = { 0 };
	AUTO_BUF struct buf json = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&json);
	int r;

	agent_find_peer(&peer, args->sync.server, args->sync.token);
	json_open(&o, NULL, '{');
	r = sync_status_add(a, &peer.peer, &o, e);
	if (r == 0 && args->history) {
		json_open(&o, "history", '[');
		r = sync_history_add(a, &o, e);
		json_close(&o);
	}
	json_close(&o);
	if (r == 0 && !args->sync.json)
		r = as_text(&json, &text, e);
	buf_addc(&json, '\n');
	return r < 0 ? r : cmd_print(args->sync.json ? &json : &text, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct status_args args = { 0 };
	struct agents_options where = { .read_only = true };
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_sync_status, &operands, 0, 0, e);
	if (r < 0)
		return r;
	where.path = args.sync.home;
	where.self = args.sync.self;
	r = agents_open(&where, &a, e);
	return agent_result(r < 0 ? r : show(a, &args, e), e);
}

const struct command agent_sync_status = {
	.name = "sync-status",
	.usage = "[--history] [--agent-id ID] [--server URL] [--json] [--home DIR]",
	.summary = "how far this machine and the hub agree about agents",
	.description = "What waits, what the hub refused, when was the last push and pull; the hub "
		       "is asked, too, when a token is known.",
	.examples = "larder agent sync-status|now\nlarder agent sync-status --history|and before",
	.options = options,
	.run = run,
};
