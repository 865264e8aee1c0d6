/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/hub-objects.h"
#include "cmd/hub-verify.h"

#include "base/time.h"
#include "hub/init.h"

struct hub_args {
	bool json;
	const char *email;
};

static const struct opt init_options[] = {
	OPT_TEXT(0, "admin", struct hub_args, email, "EMAIL", "the first user, an admin"),
	OPT_FLAG('j', "json", struct hub_args, json, "one JSON object on stdout"),
	OPT_END,
};

static const struct opt token_options[] = {
	OPT_TEXT(0, "user", struct hub_args, email, "EMAIL", "a member of the group admin"),
	OPT_FLAG('j', "json", struct hub_args, json, "one JSON object on stdout"),
	OPT_END,
};

static int print_token(const struct hub_args *args, const char *data, const struct token_made *made,
		       struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&out);
	char expires[TIME_TEXT_MAX];

	if (args->json) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "data", data);
		json_add_text(&o, "admin", args->email);
		json_add_text(&o, "token", made->text);
		json_add_text(&o, "expires_at", time_format_iso(made->expires_ms, expires));
		json_close(&o);
		buf_addc(&out, '\n');
	} else {
		buf_addf(&out, "%s\n", made->text);
	}
	return cmd_print(&out, e);
}

typedef int (*make_token_fn)(const char *path, const char *email, struct token_made *ret_made,
			     struct err *e);

static int run(const struct command *command, int argc, char **argv, make_token_fn make,
	       struct err *e)
{
	struct hub_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	struct token_made made = { 0 };
	int r = opt_parse(command->options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(command, &operands, 1, 1, e);
	if (r == 0 && !args.email)
		r = err_set(e, ERR_USAGE, "--%s EMAIL is missing", command->options[0].name);
	if (r == 0)
		r = make(operands.v[0], args.email, &made, e);
	if (r == 0)
		r = print_token(&args, operands.v[0], &made, e);
	explicit_bzero(&made, sizeof(made));
	return r;
}

static int run_init(int argc, char **argv, struct err *e);
static int run_token(int argc, char **argv, struct err *e);

static const struct command cmd_init_hub = {
	.name = "init",
	.usage = "DIR --admin EMAIL",
	.summary = "make a hub's data folder and print the admin's token",
	.description =
		"Makes the folder DIR, an empty hub in it, and the first user, a member of the "
		"group admin. Prints that user's token, which is shown this once and expires after "
		"a year.",
	.examples = "larder hub init hub --admin ann@example.com|a new hub in ./hub\n"
		    "larder serve --data hub|start it",
	.options = init_options,
	.run = run_init,
};

static const struct command cmd_token_hub = {
	.name = "token",
	.usage = "DIR --user EMAIL",
	.summary = "print a new token for an admin, at the hub's own machine",
	.description = "For the day the admin's token is lost or has expired: who may write to the "
		       "data folder DIR may make a new one. The hub may be serving meanwhile.",
	.examples = "larder hub token hub --user ann@example.com|a new token for ann",
	.options = token_options,
	.run = run_token,
};

static int run_init(int argc, char **argv, struct err *e)
{
	return run(&cmd_init_hub, argc, argv, hub_init, e);
}

static int run_token(int argc, char **argv, struct err *e)
{
	return run(&cmd_token_hub, argc, argv, hub_admin_token, e);
}

static const struct command *const sub[] = { &cmd_init_hub, &hub_objects, &cmd_token_hub,
					     &hub_verify, NULL };

const struct command cmd_hub = {
	.name = "hub",
	.usage = "init|objects|token|verify DIR ...",
	.summary = "make and check a hub's data folder",
	.description = "What is done at the hub's own machine. All else is done over HTTP: larder "
		       "admin, larder publish.",
	.sub = sub,
};
