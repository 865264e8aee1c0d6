/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "hub/hub.h"
#include "sessions/processor.h"

struct process_args {
	bool json;
	const char *data;
};

static const struct opt options[] = {
	OPT_TEXT(0, "data", struct process_args, data, "DIR", "the hub's data folder"),
	OPT_FLAG('j', "json", struct process_args, json, "one JSON object on stdout"),
	OPT_END,
};

static int run(int argc, char **argv, struct err *e)
{
	struct process_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_BUF struct buf names = BUF_INIT(BUF_OWN_MAX);
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&cmd_process, &operands, 1, 1, e);
	if (r == 0 && !args.data)
		r = err_set(e, ERR_USAGE, "--data DIR is missing");
	if (r < 0)
		return r;
	processor_names(&names);
	return err_set(e, ERR_USAGE, "unknown processor '%s'; there are: %s", operands.v[0],
		       buf_str(&names));
}

const struct command cmd_process = {
	.name = "process",
	.usage = "--data DIR NAME",
	.summary = "run one processor over the sessions that are new to it",
	.description = "Runs a session processor over what the hub in DIR was sent since its last "
		       "run. The hub may be serving meanwhile.",
	.examples = "larder process usage --data hub|what is new goes into the usage tables",
	.options = options,
	.run = run,
};
