/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/remote.h"

#include "hub/hub.h"
#include "sessions/list.h"
#include "sessions/state.h"

struct sessions_args {
	bool json, all;
	const char *data, *processor, *state, *user;
};

#define COMMON_OPTIONS                                                                             \
	OPT_TEXT(0, "data", struct sessions_args, data, "DIR", "the hub's data folder"),           \
		OPT_TEXT(0, "processor", struct sessions_args, processor, "NAME",                  \
			 "only this processor")

static const struct opt list_options[] = {
	COMMON_OPTIONS,
	OPT_TEXT(0, "state", struct sessions_args, state, "WORD",
		 "only done, new, doubt, retry, waiting or aside"),
	OPT_TEXT(0, "user", struct sessions_args, user, "EMAIL", "only sessions of this user"),
	OPT_FLAG('j', "json", struct sessions_args, json, "one JSON object on stdout"),
	OPT_END,
};

static const struct opt show_options[] = {
	COMMON_OPTIONS,
	OPT_FLAG('j', "json", struct sessions_args, json, "as one line"),
	OPT_END,
};

static const struct opt retry_options[] = {
	COMMON_OPTIONS,
	OPT_FLAG(0, "all", struct sessions_args, all, "all that failed"),
	OPT_FLAG('j', "json", struct sessions_args, json, "one JSON object on stdout"),
	OPT_END,
};

static int run_list(int argc, char **argv, struct err *e);
static int run_show(int argc, char **argv, struct err *e);
static int run_retry(int argc, char **argv, struct err *e);

static const struct command list = {
	.name = "list",
	.usage = "--data DIR [--processor NAME] [--state WORD] [--user EMAIL]",
	.summary = "the sessions of a hub and what was made of them",
	.description = "A line for each session and processor: done, new (not processed, or "
		       "changed since), doubt (the next run looks at its bytes), retry (failed, "
		       "and tried by the next run), waiting (failed, and tried later), aside "
		       "(failed five times).",
	.examples = "larder sessions list --data hub|all of them\n"
		    "larder sessions list --data hub --state aside|what needs a person",
	.options = list_options,
	.run = run_list,
};

static const struct command show = {
	.name = "show",
	.usage = "--data DIR [--processor NAME] SESSION",
	.summary = "one session, and the items that external processors found in it",
	.description = "Prints a JSON object. SESSION is what list calls it.",
	.examples = "larder sessions show --data hub bo@example.com/4f1c.jsonl|why did it fail?",
	.options = show_options,
	.run = run_show,
};

static const struct command retry = {
	.name = "retry",
	.usage = "--data DIR [--processor NAME] SESSION...|--all",
	.summary = "let the next run try sessions that failed or were set aside",
	.description = "Takes back the pause and the count of attempts. Nothing is processed now.",
	.examples = "larder sessions retry --data hub bo@example.com/4f1c.jsonl|this one\n"
		    "larder sessions retry --data hub --processor words --all|all of one processor",
	.options = retry_options,
	.run = run_retry,
};

static int open_hub(const struct sessions_args *args, struct hub **ret_hub, struct err *e)
{
	if (!args->data)
		return err_set(e, ERR_USAGE, "--data DIR is missing");
	return hub_open(&(struct hub_options){ .path = args->data }, ret_hub, e);
}

static struct session_list_options which(const struct sessions_args *args, const struct hub *hub)
{
	return (struct session_list_options){
		.configured = &hub_settings(hub)->processors,
		.processor = args->processor,
		.state = args->state,
		.user = args->user,
	};
}

static int print_list(const struct sessions_args *args, const struct buf *text, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "SESSION", "session" },
		{ "SIZE", "size" },
		{ "PROCESSOR", "processor" },
		{ "STATE", "state" },
		{ "ITEMS", "items" },
		{ "ERROR", "error" },
		{ 0 },
	};
	const struct remote_args how = { .json = args->json };
	AUTO_JSON struct json *reply = NULL;
	int r = json_parse(buf_bytes(text), BUF_OWN_MAX, &reply, e);

	return r < 0 ? r : remote_print_list(&how, reply, "sessions", columns, e);
}

static int run_list(int argc, char **argv, struct err *e)
{
	struct sessions_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&text);
	AUTO_HUB struct hub *hub = NULL;
	struct session_list_options what;
	int r = opt_parse(list_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&list, &operands, 0, 0, e);
	if (r == 0)
		r = open_hub(&args, &hub, e);
	if (r < 0)
		return r;
	what = which(&args, hub);
	json_open(&o, NULL, '{');
	json_open(&o, "sessions", '[');
	r = sessions_list(hub_root(hub), &what, &o, e);
	json_close(&o);
	json_close(&o);
	return r < 0 ? r : print_list(&args, &text, e);
}

static int run_show(int argc, char **argv, struct err *e)
{
	struct sessions_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *object = NULL;
	struct json_out o = json_out(&text);
	AUTO_HUB struct hub *hub = NULL;
	struct session_list_options what;
	int r = opt_parse(show_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&show, &operands, 1, 1, e);
	if (r == 0)
		r = open_hub(&args, &hub, e);
	if (r < 0)
		return r;
	what = which(&args, hub);
	json_open(&o, NULL, '{');
	r = sessions_show(hub_root(hub), &what, operands.v[0], &o, e);
	json_close(&o);
	if (r == 0)
		r = json_parse(buf_bytes(&text), BUF_OWN_MAX, &object, e);
	if (r < 0)
		return r;
	json_print(object, &out, !args.json);
	if (args.json)
		buf_addc(&out, '\n');
	return cmd_print(&out, e);
}

/* One transaction: all that were named, or none. */
static int retry_all(const struct sessions_args *args, const struct strv *sessions, struct db *db,
		     int64_t *ret_count, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int64_t n = 0;
	int r = db_begin_tx(db, &tx, e);

	if (r == 0 && args->all)
		r = session_retry(db, args->processor, NULL, ret_count, e);
	for (size_t i = 0; r == 0 && i < sessions->n; i++) {
		r = session_retry(db, args->processor, sessions->v[i], &n, e);
		if (r == 0 && n == 0)
			r = err_set(e, ERR_NOT_FOUND, "'%s' has not failed", sessions->v[i]);
		*ret_count += n;
	}
	return r < 0 ? r : db_commit(db, e);
}

static int run_retry(int argc, char **argv, struct err *e)
{
	struct sessions_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_HUB struct hub *hub = NULL;
	int64_t count = 0;
	int r = opt_parse(retry_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&retry, &operands, args.all ? 0 : 1, args.all ? 0 : SIZE_MAX, e);
	if (r == 0)
		r = open_hub(&args, &hub, e);
	if (r == 0)
		r = retry_all(&args, &operands, root_db(hub_root(hub)), &count, e);
	if (r < 0)
		return r;
	if (args.json)
		buf_addf(&out, "{\"retried\":%lld}\n", (long long)count);
	else
		buf_addf(&out, "%lld will be tried by the next run\n", (long long)count);
	return cmd_print(&out, e);
}

static const struct command *const sub[] = { &list, &retry, &show, NULL };

const struct command cmd_sessions = {
	.name = "sessions",
	.usage = "list|show|retry --data DIR ...",
	.summary = "what a hub's processors made of the sessions it got",
	.description = "Looks into the data folder of a hub, which may be serving meanwhile.",
	.examples = "larder sessions list --data hub|what was processed, what failed, and why\n"
		    "larder sessions retry --data hub --all|try what failed again",
	.sub = sub,
};
