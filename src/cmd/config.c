/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "hub/settings.h"
#include <fcntl.h>

struct config_args {
	bool json;
	const char *data;
};

static const struct opt options[] = {
	OPT_TEXT(0, "data", struct config_args, data, "DIR", "the hub's data folder"),
	OPT_FLAG('j', "json", struct config_args, json, "one JSON object on stdout"),
	OPT_END,
};

static int run_check(int argc, char **argv, struct err *e);

static const struct command check = {
	.name = "check",
	.usage = "--data DIR",
	.summary = "read a hub's configuration and print what is in force",
	.description =
		"Reads DIR/config.yaml and the LARDER_HUB_... variables as larder serve would, and "
		"prints each setting. A key that does not exist or a value that may not be is told "
		"with its line, and nothing is changed.",
	.examples = "larder config check --data hub|before a restart",
	.options = options,
	.run = run_check,
};

static int print(const struct config_args *args, const struct hub_settings *settings, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *object = NULL;
	struct json_out o = json_out(&text);
	struct json_iter it;
	int r;

	json_open(&o, NULL, '{');
	hub_settings_add(settings, &o);
	json_close(&o);
	if (args->json) {
		buf_addc(&text, '\n');
		return cmd_print(&text, e);
	}
	r = json_parse(buf_bytes(&text), BUF_OWN_MAX, &object, e);
	it = json_iter(object);
	while (json_next(&it)) {
		buf_addf(&out, "%s: ", it.key);
		json_print(it.value, &out, false);
		buf_addc(&out, '\n');
	}
	return r < 0 ? r : cmd_print(&out, e);
}

static int run_check(int argc, char **argv, struct err *e)
{
	struct config_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_HUB_SETTINGS struct hub_settings settings = { 0 };
	AUTO_FD int fd = -1;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&check, &operands, 0, 0, e);
	if (r == 0 && !args.data)
		r = err_set(e, ERR_USAGE, "--data DIR is missing");
	if (r < 0)
		return r;
	fd = open(args.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s'", args.data);
	r = hub_settings_read(fd, &settings, e);
	return r < 0 ? r : print(&args, &settings, e);
}

static const struct command *const sub[] = { &check, NULL };

const struct command cmd_config = {
	.name = "config",
	.usage = "check --data DIR",
	.summary = "look at a hub's configuration",
	.sub = sub,
};
