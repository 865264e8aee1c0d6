/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/agent.h"

#include "base/time.h"

struct pull_args {
	struct agent_sync_args sync;
	bool quiet, anew, show;
	const char *since;
};

static const struct opt options[] = {
	OPT_TEXT(0, "since", struct pull_args, since, "TIME", "what was made since then"),
	OPT_FLAG(0, "anew", struct pull_args, anew, "all of it, as if nothing were known"),
	OPT_FLAG(0, "show", struct pull_args, show, "print the items, too"),
	OPT_FLAG('q', "quiet", struct pull_args, quiet, "nothing but warnings"),
	AGENT_SYNC_OPTIONS(struct pull_args, sync),
	OPT_END,
};

static int as_json(struct agents *a, const struct pull_args *args, const struct sync_pulled *p,
		   struct buf *out, struct err *e)
{
	struct json_out o = json_out(out);
	int64_t n = 0;
	int r = 0;

	json_open(&o, NULL, '{');
	json_add_int(&o, "count", p->count);
	json_add_int(&o, "taken", p->taken);
	json_add_int(&o, "removed", p->removed);
	json_add_int(&o, "requests", p->requests);
	json_add_int(&o, "bytes", p->bytes);
	json_add_bool(&o, "stale", p->stale);
	if (p->age_ms < 0)
		json_add_null(&o, "age_ms");
	else
		json_add_int(&o, "age_ms", p->age_ms);
	json_add_text(&o, "error", p->stale ? p->why.msg : NULL);
	if (args->show) {
		json_open(&o, "context", '[');
		r = sync_context_add(a, &o, &n, e);
		json_close(&o);
	}
	json_close(&o);
	buf_addc(out, '\n');
	return r;
}

static int as_text(struct agents *a, const struct pull_args *args, const struct sync_pulled *p,
		   struct buf *out, struct err *e)
{
	AUTO_BUF struct buf items = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *doc = NULL;
	struct json_out o = json_out(&items);
	int64_t n = 0;
	int r = 0;

	if (!args->quiet)
		buf_addf(out, "%lld items known, %lld new or changed, %lld gone\n",
			 (long long)p->count, (long long)p->taken, (long long)p->removed);
	if (!args->show)
		return 0;
	json_open(&o, NULL, '[');
	r = sync_context_add(a, &o, &n, e);
	json_close(&o);
	if (r == 0)
		r = json_parse(buf_bytes(&items), BUF_OWN_MAX, &doc, e);
	for (size_t i = 0; r == 0 && i < json_size(doc); i++) {
		const char *content = json_text(json_get(json_at(doc, i), "content"));

		text_add_clean(out, bytes_of(content ? content : ""));
		buf_addc(out, '\n');
	}
	return r;
}

static void warn_stale(const struct sync_pulled *p)
{
	if (!p->stale)
		return;
	if (p->age_ms < 0)
		cmd_warn("nothing was ever pulled: %s", p->why.msg);
	else
		cmd_warn("this is %lld min old: %s", (long long)(p->age_ms / 60000), p->why.msg);
	if (*p->why.hint)
		cmd_warn("next: %s", p->why.hint);
}

/* What is here can be used; that it is old is said by the code. */
static int code_of(const struct sync_pulled *p)
{
	if (!p->stale)
		return 0;
	return CMD_REPORTED(p->why.code == ERR_AUTH || p->why.code == ERR_DENIED ? p->why.code
										 : ERR_OFFLINE);
}

static int run(int argc, char **argv, struct err *e)
{
	struct pull_args args = { 0 };
	struct agents_options where = { .create = true };
	struct sync_pulled pulled = { 0 };
	struct sync_pull_options how = { 0 };
	AUTO(agent_peer_release) struct agent_peer peer = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_AGENTS struct agents *a = NULL;
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&agent_pull, &operands, 0, 0, e);
	if (r < 0)
		return r;
	where.path = args.sync.home;
	where.self = args.sync.self;
	how.since = args.since;
	how.anew = args.anew;
	r = agents_open(&where, &a, e);
	agent_find_peer(&peer, args.sync.server, args.sync.token);
	if (r == 0)
		r = sync_pull(a, &peer.peer, &how, &pulled, e);
	if (r == 0 && !peer.peer.token) { /* it knows better what lacks, and what to do */
		pulled.why = peer.why;
		pulled.why.code = ERR_AUTH;
	}
	if (r == 0)
		r = (args.sync.json ? as_json : as_text)(a, &args, &pulled, &out, e);
	if (r == 0)
		r = cmd_print(&out, e);
	if (r < 0)
		return agent_result(r, e);
	warn_stale(&pulled);
	return code_of(&pulled);
}

const struct command agent_pull = {
	.name = "pull",
	.usage = "[--since TIME] [--anew] [--show] [--agent-id ID] [--server URL] [--json]",
	.summary = "fetch what other agents have learned",
	.description = "Items are merged by their id into what is known here; what was taken back "
		       "goes. When the hub cannot be asked, what is known is used and marked "
		       "stale, with its age.\n\n"
		       "Exit: 0 fresh; 4 not allowed, or no token; 75 stale.",
	.examples = "larder agent pull|what is new\nlarder agent pull --show|and read it",
	.options = options,
	.run = run,
};
