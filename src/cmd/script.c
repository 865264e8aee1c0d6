/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "base/file.h"
#include "base/lines.h"
#include "base/proc.h"
#include "hub/hub.h"
#include "scripts/scripts.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>

struct script_args {
	const char *data;
	bool json, here;
};

static const struct opt options[] = {
	OPT_TEXT(0, "data", struct script_args, data, "DIR", "the hub's data folder"),
	OPT_FLAG(0, "here", struct script_args, here, "not in a process of its own"),
	OPT_FLAG('j', "json", struct script_args, json, "one JSON object on stdout"),
	OPT_END,
};

static int run(int argc, char **argv, struct err *e);

static const struct command run_script = {
	.name = "run",
	.usage = "--data DIR NAME",
	.summary = "run a script of the hub now",
	.description =
		"What POST /api/scripts/{id}/run does, in this process: the script runs confined, for as long "
		"as its timeout allows, and its end is written down. NAME is an id or a name; '-' reads a "
		"JSON object with a source from stdin and keeps nothing. Exit 1 when the script failed, "
		"75 while it is running already.",
	.examples = "larder script run --data hub nightly|now, whatever its schedule says",
	.options = options,
	.run = run,
};

/* Set by a signal only. */
static atomic_bool ended;

static void on_signal(int number)
{
	(void)number;
	atomic_store(&ended, true);
}

/*
 * Whatever ends us, the script and all it started end first: asked to, or because the process that
 * started us is gone, which then asks instead of killing.
 */
static void end_in_order(void)
{
	const struct sigaction action = { .sa_handler = on_signal };
	int signal_of_parent = 0;

	(void)sigaction(SIGTERM, &action, NULL); /* these fail only for signals that are none */
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	if (prctl(PR_GET_PDEATHSIG, &signal_of_parent) == 0 && signal_of_parent)
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static int tell(const struct script_args *args, const struct script_result *result, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&out);

	if (args->json) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "status", result->status);
		json_add_int(&o, "exit_code", result->exit_code);
		json_add_int(&o, "ms", result->ms);
		json_add_bool(&o, "truncated", result->truncated);
		json_add_bytes(&o, "output", buf_bytes(&result->output));
		json_close(&o);
		buf_addc(&out, '\n');
	} else {
		text_add_lines(&out, buf_bytes(&result->output));
		if (out.n > 0 && out.p[out.n - 1] != '\n')
			buf_addc(&out, '\n');
		buf_addf(&out, "%s after %lld ms\n", result->status, (long long)result->ms);
	}
	return cmd_print(&out, e);
}

static int relay(struct proc *p, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct bytes line;
	int status = 0;
	int r;

	while ((r = proc_read_line(p, &line, e)) > 0) {
		buf_add(&out, line.p, line.n);
		buf_addc(&out, '\n');
	}
	if (r == 0)
		r = proc_wait(p, &status, e);
	if (r == 0)
		r = cmd_print(&out, e);
	if (r < 0 || status == 0)
		return r;
	if (status == err_exit_code(ERR_BUSY))
		return CMD_REPORTED(ERR_BUSY);
	return CMD_REPORTED(status == err_exit_code(ERR_USAGE) ? ERR_USAGE : ERR_FAILED);
}

/*
 * In a second process, so that killing this one (a hub does, at its end) is noticed by somebody who
 * can still kill what the script has started.
 */
static int run_watched(const struct script_args *args, const char *name, struct err *e)
{
	const char *const argv[] = { "/proc/self/exe",
				     "script",
				     "run",
				     name,
				     "--here",
				     "--data",
				     args->data,
				     args->json ? "--json" : NULL,
				     NULL };
	AUTO_BUF struct buf input = BUF_INIT(4 * SCRIPT_SOURCE_MAX);
	AUTO_FREE char *parent = xasprintf(PROC_PARENT "=%d", (int)getpid());
	const char *const environment[] = { parent, NULL };
	struct proc_options o = { .argv = argv,
				  .environment = environment,
				  .inherit_stderr = true };
	AUTO_PROC struct proc *p = NULL;

	if (str_eq(name, "-") &&
	    file_read(AT_FDCWD, "/dev/stdin", 4 * SCRIPT_SOURCE_MAX, &input, e) < 0)
		return err_in(e, "stdin");
	o.input = buf_bytes(&input);
	if (proc_start(&o, &p, e) < 0)
		return e->code;
	return relay(p, e);
}

static int run_stdin(const struct script_args *args, struct script_result *result, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(4 * SCRIPT_SOURCE_MAX);
	AUTO_JSON struct json *json = NULL;
	AUTO_STRV struct strv env = STRV_INIT;
	struct script_wish wish = { .environment = &env };
	const struct json *names;
	AUTO_HUB struct hub *hub = NULL;

	if (file_read(AT_FDCWD, "/dev/stdin", 4 * SCRIPT_SOURCE_MAX, &text, e) < 0 ||
	    json_parse(buf_bytes(&text), 4 * SCRIPT_SOURCE_MAX, &json, e) < 0)
		return err_in(e, "stdin");
	names = json_get(json, "env");
	for (size_t i = 0; i < json_size(names); i++) {
		const char *name = json_text(json_at(names, i));

		strv_add(&env, name ? name : "");
	}
	wish.source = json_text(json_get(json, "source"));
	wish.timeout_s = json_int(json_get(json, "timeout"), 0);
	wish.network = json_flag(json_get(json, "network"), false);
	if (hub_open(&(struct hub_options){ .path = args->data }, &hub, e) < 0)
		return e->code;
	return script_run_source(hub_root(hub), &wish, &ended, result, e);
}

static int run_kept(const struct script_args *args, const char *name, struct script_result *result,
		    struct err *e)
{
	AUTO_HUB struct hub *hub = NULL;
	int r = hub_open(&(struct hub_options){ .path = args->data }, &hub, e);

	return r < 0 ? r : script_run(hub_root(hub), name, &ended, result, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct script_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_SCRIPT_RESULT struct script_result result = { 0 };
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&run_script, &operands, 1, 1, e);
	if (r == 0 && !args.data)
		r = err_set(e, ERR_USAGE, "--data DIR is missing");
	if (r == 0 && !args.here)
		return run_watched(&args, operands.v[0], e);
	if (r == 0)
		end_in_order();
	if (r == 0)
		r = str_eq(operands.v[0], "-") ? run_stdin(&args, &result, e)
					       : run_kept(&args, operands.v[0], &result, e);
	if (r == 0)
		r = tell(&args, &result, e);
	if (r == 0 && !str_eq(result.status, "success"))
		return CMD_REPORTED(ERR_FAILED);
	return r;
}

static const struct command *const sub[] = { &run_script, NULL };

const struct command cmd_script = {
	.name = "script",
	.usage = "run ...",
	.summary = "run a script that the hub keeps",
	.description = "Scripts are deployed, listed and removed by larder admin script.",
	.examples = "larder script run --data hub nightly|now, whatever its schedule says",
	.sub = sub,
};
