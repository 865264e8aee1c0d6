/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/admin.h"

#include "base/file.h"
#include "cmd/remote.h"
#include "memory/items.h"
#include <fcntl.h>

struct rule_args {
	struct remote_args remote;
	const char *title, *file, *text, *category, *domain, *audience, *status, *confidence;
	const char *from, *until;
	struct strv tags;
	bool mandatory;
	bool replace;
};

static const struct opt add_options[] = {
	OPT_TEXT(0, "title", struct rule_args, title, "TEXT", "its heading"),
	OPT_TEXT('f', "file", struct rule_args, file, "FILE", "its content, Markdown ('-': stdin)"),
	OPT_TEXT(0, "text", struct rule_args, text, "TEXT", "its content, given here"),
	OPT_FLAG(0, "mandatory", struct rule_args, mandatory, "goes to everybody, whole"),
	OPT_TEXT(0, "audience", struct rule_args, audience, "WHO", "all (default) or group:NAME"),
	OPT_TEXT(0, "category", struct rule_args, category, "TEXT", "a word to sort by"),
	OPT_TEXT(0, "domain", struct rule_args, domain, "NAME", "the field it is about"),
	OPT_LIST(0, "tag", struct rule_args, tags, "TEXT", "may be given several times"),
	OPT_TEXT(0, "confidence", struct rule_args, confidence, "0..1", "how sure it is"),
	OPT_TEXT(0, "status", struct rule_args, status, "WORD",
		 "approved (default), pending, rejected, withdrawn"),
	OPT_TEXT(0, "from", struct rule_args, from, "TIME", "not before"),
	OPT_TEXT(0, "until", struct rule_args, until, "TIME", "not from then on"),
	OPT_FLAG(0, "replace", struct rule_args, replace, "an existing rule of that id"),
	REMOTE_OPTIONS(struct rule_args, remote),
	OPT_END,
};

static const struct opt options[] = { REMOTE_OPTIONS(struct rule_args, remote), OPT_END };

static int run_add(int argc, char **argv, struct err *e);
static int run_list(int argc, char **argv, struct err *e);
static int run_show(int argc, char **argv, struct err *e);
static int run_remove(int argc, char **argv, struct err *e);

static const struct command add = {
	.name = "add",
	.usage = "ID --title TEXT (--file FILE | --text TEXT) [--mandatory] ...",
	.summary = "add a rule, or replace one",
	.description =
		"A rule is a page of Markdown that goes out with each pull and lies in the "
		"workspace for agents to read. Mandatory rules come whole; of the others those "
		"that fit into a budget, the most certain and newest first.",
	.examples = "larder admin rule add revenue --title Revenue --file revenue.md|for everybody",
	.options = add_options,
	.run = run_add,
};

static const struct command list = {
	.name = "list",
	.usage = "",
	.summary = "list all rules",
	.examples = "larder admin rule list|with their status",
	.options = options,
	.run = run_list,
};

static const struct command show = {
	.name = "show",
	.usage = "ID",
	.summary = "print one rule",
	.examples = "larder admin rule show airports-key|its text",
	.options = options,
	.run = run_show,
};

static const struct command remove_rule = {
	.name = "remove",
	.usage = "ID",
	.summary = "remove a rule: it is gone from the next pulls",
	.examples = "larder admin rule remove airports-key|gone with the next pulls",
	.options = options,
	.run = run_remove,
};

/* Files from elsewhere end their lines with CR LF; a rule has plain newlines. */
static void drop_returns(struct buf *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->n; i++) {
		if (text->p[i] != '\r' || i + 1 == text->n || text->p[i + 1] != '\n')
			text->p[n++] = text->p[i];
	}
	text->n = n;
}

/* Refused here already: a file of 50 MB need not travel to be refused. */
static int read_content(const struct rule_args *args, struct buf *out, struct err *e)
{
	const char *path = str_eq(args->file, "-") ? "/dev/stdin" : args->file;
	int r;

	if (!args->file == !args->text)
		return err_set(e, ERR_USAGE, "give the content with either --file or --text");
	if (args->text) {
		buf_adds(out, args->text);
		return 0;
	}
	r = file_read(AT_FDCWD, path, RULE_CONTENT_MAX, out, e);
	if (r < 0)
		return err_in(e, "the rule's content");
	drop_returns(out);
	return 0;
}

static int add_confidence(struct json_out *o, const char *text, struct err *e)
{
	char *end = NULL;
	double value = text ? strtod(text, &end) : 0;

	if (!text)
		return 0;
	if (end == text || *end || !(value >= 0 && value <= 1))
		return err_set(e, ERR_USAGE, "--confidence '%s' is not a number from 0 to 1", text);
	json_add_double(o, "confidence", value);
	return 0;
}

static void add_given(struct json_out *o, const char *key, const char *value)
{
	if (value)
		json_add_text(o, key, value);
}

static int build_rule(const struct rule_args *args, const char *id, struct buf *body, struct err *e)
{
	AUTO_BUF struct buf content = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(body);
	int r = read_content(args, &content, e);

	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_text(&o, "id", id);
	json_add_text(&o, "title", args->title);
	json_add_bytes(&o, "content", buf_bytes(&content));
	add_given(&o, "category", args->category);
	add_given(&o, "domain", args->domain);
	add_given(&o, "audience", args->audience);
	add_given(&o, "status", args->status);
	add_given(&o, "valid_from", args->from);
	add_given(&o, "valid_until", args->until);
	json_add_bool(&o, "mandatory", args->mandatory);
	json_add_bool(&o, "replace", args->replace);
	json_open(&o, "tags", '[');
	for (size_t i = 0; i < args->tags.n; i++)
		json_add_text(&o, NULL, args->tags.v[i]);
	json_close(&o);
	r = add_confidence(&o, args->confidence, e);
	json_close(&o);
	return r;
}

static void release_tags(struct rule_args *args)
{
	strv_release(&args->tags);
}

static int run_add(int argc, char **argv, struct err *e)
{
	AUTO(release_tags) struct rule_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	int r = opt_parse(add_options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&add, &operands, 1, 1, e);
	if (r == 0 && !args.title)
		r = err_set(e, ERR_USAGE, "--title TEXT is missing");
	if (r == 0)
		r = build_rule(&args, operands.v[0], &body, e);
	if (r == 0)
		r = remote_ask_once(
			&args.remote,
			&(struct remote_call){ "POST", "/api/admin/rules", buf_bytes(&body) },
			&reply, e);
	return r < 0 ? r
		     : remote_print_done(&args.remote, reply, e, "rule %s is in force",
					 operands.v[0]);
}

static int run_list(int argc, char **argv, struct err *e)
{
	static const struct remote_column columns[] = {
		{ "ID", "id" },
		{ "TITLE", "title" },
		{ "MANDATORY", "mandatory" },
		{ "AUDIENCE", "audience" },
		{ "DOMAIN", "domain" },
		{ "STATUS", "status" },
		{ "CONFIDENCE", "confidence" },
		{ "BYTES", "size_bytes" },
		{ 0 },
	};
	struct rule_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&list, &operands, 0, 0, e);
	if (r == 0)
		r = remote_ask_once(&args.remote,
				    &(struct remote_call){ "GET", "/api/admin/rules" }, &reply, e);
	return r < 0 ? r : remote_print_list(&args.remote, reply, "rules", columns, e);
}

/* Its lines as they are, but nothing in them that a terminal would obey. */
static int print_rule(const struct json *rule, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv lines = STRV_INIT;
	const char *content = json_text(json_get(rule, "content"));

	buf_adds(&out, "# ");
	text_add_clean(&out, json_bytes(json_get(rule, "title")));
	buf_adds(&out, "\n\n");
	strv_split(&lines, content ? content : "", '\n');
	for (size_t i = 0; i < lines.n; i++) {
		text_add_clean(&out, bytes_of(lines.v[i]));
		buf_addc(&out, '\n');
	}
	return cmd_print(&out, e);
}

static int run_show(int argc, char **argv, struct err *e)
{
	struct rule_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_JSON struct json *reply = NULL;
	AUTO_FREE char *path = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&show, &operands, 1, 1, e);
	if (r < 0)
		return r;
	path = remote_path("/api/admin/rules/", operands.v[0]);
	r = remote_ask_once(&args.remote, &(struct remote_call){ "GET", path }, &reply, e);
	if (r < 0)
		return r;
	return args.remote.json ? remote_print_done(&args.remote, reply, e, "rule")
				: print_rule(reply, e);
}

static int run_remove(int argc, char **argv, struct err *e)
{
	struct rule_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_FREE char *path = NULL;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&remove_rule, &operands, 1, 1, e);
	if (r < 0)
		return r;
	path = remote_path("/api/admin/rules/", operands.v[0]);
	r = remote_ask_once(&args.remote, &(struct remote_call){ "DELETE", path }, NULL, e);
	return r < 0 ? r
		     : remote_print_done(&args.remote, NULL, e, "rule %s removed", operands.v[0]);
}

static const struct command *const sub[] = { &add, &list, &remove_rule, &show, NULL };

const struct command admin_rule = {
	.name = "rule",
	.usage = "add|list|show|remove ...",
	.summary = "knowledge that goes out with each pull",
	.sub = sub,
};
