/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "base/time.h"
#include "kb/chat.h"
#include "kb/query.h"

struct chat_args {
	struct kb_common common;
	const char *resume, *delete;
	bool list, extractive;
};

static const struct opt options[] = {
	OPT_TEXT('r', "resume", struct chat_args, resume, "ID",
		 "go on with it ('latest': the last)"),
	OPT_FLAG('x', "extractive", struct chat_args, extractive,
		 "passages, though a model is configured"),
	OPT_FLAG('l', "list", struct chat_args, list, "list the chats"),
	OPT_TEXT(0, "delete", struct chat_args, delete, "ID", "delete one"),
	KB_OPTIONS(struct chat_args, common),
	OPT_END,
};

struct listing {
	struct buf *out;
	struct json_out json;
	bool as_json;
};

static int add_chat(void *ctx, const struct chat_row *row, struct err *e)
{
	struct listing *l = ctx;
	char time[TIME_TEXT_MAX];

	(void)e;
	if (!l->as_json) {
		buf_addf(l->out, "%s  %4lld  %s  ", row->id, (long long)row->turns,
			 time_format_iso(row->updated_ms, time));
		kb_cmd_add_clean(l->out, row->title);
		buf_addc(l->out, '\n');
		return 0;
	}
	json_open(&l->json, NULL, '{');
	json_add_text(&l->json, "id", row->id);
	json_add_text(&l->json, "title", row->title);
	json_add_int(&l->json, "turns", row->turns);
	json_add_text(&l->json, "created_at", time_format_iso(row->created_ms, time));
	json_add_text(&l->json, "updated_at", time_format_iso(row->updated_ms, time));
	json_close(&l->json);
	return 0;
}

static int list(const struct chat_args *args, struct kb *kb, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct listing l = { .out = &out, .json = json_out(&out), .as_json = args->common.json };
	int r;

	if (l.as_json) {
		json_open(&l.json, NULL, '{');
		json_open(&l.json, "chats", '[');
	}
	r = chat_visit(kb_db(kb), add_chat, &l, e);
	if (l.as_json) {
		json_close(&l.json);
		json_close(&l.json);
	} else if (out.n == 0) {
		buf_adds(&out, "There is no chat yet.\n");
	}
	return r < 0 ? r : kb_cmd_print(&args->common, &out, e);
}

static int delete_chat(const struct chat_args *args, struct kb *kb, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *id = NULL;
	struct json_out o = json_out(&out);
	int r = chat_find(kb_db(kb), args->delete, &id, e);

	if (r == 0)
		r = chat_delete(kb_db(kb), id, e);
	if (r < 0)
		return r;
	if (args->common.json) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "deleted", id);
		json_close(&o);
	} else {
		buf_addf(&out, "Chat %s is deleted.\n", id);
	}
	return kb_cmd_print(&args->common, &out, e);
}

/* The turn is in the database before it is shown, or once it was streamed. */
static int turn(const struct chat_args *args, struct kb *kb, char **id, const char *question,
		struct err *e)
{
	AUTO_KB_ANSWER struct kb_answer answer = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&out);
	struct kb_cmd_asking asking = { &args->common, args->extractive, *id, false };
	int r = kb_cmd_answer(&asking, kb, question, &answer, e);

	if (r == 0)
		r = chat_add(kb_db(kb), id, question, answer.text, e);
	if (r < 0)
		return r;
	if (args->common.json) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "chat", *id);
		json_add_text(&o, "question", question);
		kb_cmd_add_answer_json(&o, &answer);
		kb_cmd_add_spent(&o, answer.tokens_in, answer.tokens_out, answer.cost_micros);
		json_close(&o);
	} else if (!asking.streamed) {
		kb_cmd_add_lines(&out, answer.text);
	}
	return kb_cmd_print(&args->common, &out, e);
}

static int show_turn(void *ctx, const char *question, const char *answer, struct err *e)
{
	struct buf *out = ctx;

	(void)e;
	buf_adds(out, "? ");
	kb_cmd_add_clean(out, question);
	buf_addc(out, '\n');
	kb_cmd_add_lines(out, answer);
	return 0;
}

static int show_history(const struct chat_args *args, struct kb *kb, const char *id, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int r;

	if (args->common.json)
		return 0;
	r = chat_visit_turns(kb_db(kb), id, show_turn, &out, e);
	return r < 0 ? r : kb_cmd_print(&args->common, &out, e);
}

static bool ends_chat(const char *line)
{
	return str_eq(line, "/exit") || str_eq(line, "/quit");
}

/* One question a line; a question that cannot be asked ends nothing. */
static int talk(const struct chat_args *args, struct kb *kb, char **id, struct err *e)
{
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	bool terminal = isatty(STDIN_FILENO);
	ssize_t n;
	int r = 0;

	while (r == 0) {
		if (terminal)
			(void)fputs("? ", stderr);
		n = getline(&line, &room, stdin);
		if (n < 0)
			break;
		while (n > 0 && strchr("\r\n \t", line[n - 1]))
			line[--n] = '\0';
		if (ends_chat(line))
			break;
		if (n == 0)
			continue;
		r = turn(args, kb, id, line, e);
		if (r == ERR_USAGE || r == ERR_LIMIT || (terminal && err_is_passing(r))) {
			cmd_warn("%s", e->msg);
			r = 0;
		}
	}
	return r;
}

static int chat(const struct chat_args *args, struct kb *kb, const struct strv *operands,
		struct err *e)
{
	AUTO_FREE char *id = NULL;
	int r = args->resume ? chat_find(kb_db(kb), args->resume, &id, e) : 0;

	if (r < 0)
		return r;
	if (operands->n > 0)
		return turn(args, kb, &id, operands->v[0], e);
	if (id)
		r = show_history(args, kb, id, e);
	if (r == 0)
		r = talk(args, kb, &id, e);
	if (r == 0 && id && !args->common.json && !args->common.quiet)
		(void)fprintf(stderr, "larder: go on with: larder kb chat --resume %s\n", id);
	return r;
}

static int run(int argc, char **argv, struct err *e)
{
	struct chat_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_KB struct kb *kb = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&kb_cmd_chat, &operands, 0, args.list || args.delete ? 0 : 1, e);
	if (r == 0)
		r = kb_cmd_open(&args.common, args.list, &kb, e);
	if (r < 0)
		return r;
	if (args.list)
		return list(&args, kb, e);
	return args.delete ? delete_chat(&args, kb, e) : chat(&args, kb, &operands, e);
}

const struct command kb_cmd_chat = {
	.name = "chat",
	.usage = "[QUESTION] [--resume ID] [--list] [--delete ID]",
	.summary = "ask one question after the other; chats are kept",
	.description =
		"One question a line, or the one that is given. Each turn is kept as it is "
		"answered, so a chat that was cut short can be resumed: by its id, the beginning of "
		"it, or 'latest'. /exit ends it. With a model (docs/models.md) the last turns are part "
		"of the question.",
	.examples = "larder kb chat|ask at the prompt\n"
		    "larder kb chat --resume latest|go on where you were\n"
		    "larder kb chat --list|all chats\n"
		    "larder kb chat 'What is a checkpoint?' --json|one turn, for programs",
	.options = options,
	.run = run,
};
