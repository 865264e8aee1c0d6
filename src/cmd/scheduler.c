/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/scheduler.h"

#include "base/log.h"
#include "clock/loop.h"
#include "cmd/commands.h"
#include "hub/serve.h"
#include "hub/settings.h"
#include "net/url.h"
#include <ctype.h>
#include <fcntl.h>

struct scheduler_args {
	const char *server, *token, *data, *config, *log_format;
	bool list, json, once, quiet;
};

static const struct opt options[] = {
	OPT_TEXT(0, "server", struct scheduler_args, server, "URL",
		 "the hub (default LARDER_SERVER, API_URL)"),
	OPT_TEXT(0, "token", struct scheduler_args, token, "TOKEN",
		 "an admin's (default SCHEDULER_API_TOKEN)"),
	OPT_TEXT(0, "data", struct scheduler_args, data, "DIR",
		 "take the jobs from the config.yaml of the hub in DIR"),
	OPT_TEXT(0, "config", struct scheduler_args, config, "FILE", "take the jobs from FILE"),
	OPT_FLAG(0, "list", struct scheduler_args, list,
		 "print the jobs with their next three times, and end"),
	OPT_FLAG('j', "json", struct scheduler_args, json, "with --list: one JSON object"),
	OPT_FLAG(0, "once", struct scheduler_args, once, "do what is due now, and end"),
	OPT_TEXT(0, "log-format", struct scheduler_args, log_format, "FORMAT",
		 "text (default) or json"),
	OPT_FLAG('q', "quiet", struct scheduler_args, quiet, "log only warnings and errors"),
	OPT_END,
};

static int read_settings(const struct scheduler_args *args, struct hub_settings *settings,
			 struct err *e)
{
	AUTO_FD int fd = -1;

	if (args->data && args->config)
		return err_set(e, ERR_USAGE, "--data and --config both say where the jobs are");
	if (args->config)
		return hub_settings_read_file(args->config, settings, e);
	if (!args->data)
		return 0;
	fd = open(args->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s'", args->data);
	return hub_settings_read(fd, settings, e);
}

static const char *first_of(const char *given, const char *a, const char *b)
{
	const char *names[] = { a, b };

	for (size_t i = 0; !given && i < ARRAY_LEN(names); i++) {
		given = getenv(names[i]);
		if (given && !*given)
			given = NULL;
	}
	return given;
}

/* Without the line end of the file it came from; NULL when there is none. */
static char *token_of(const struct scheduler_args *args)
{
	const char *text = first_of(args->token, "SCHEDULER_API_TOKEN", "LARDER_TOKEN");
	size_t n;

	while (text && isspace((unsigned char)*text))
		text++;
	n = text ? strlen(text) : 0;
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	return n > 0 ? xstrndup(text, n) : NULL;
}

static int run_loop(const struct scheduler_args *args, const struct clock_table *table,
		    struct err *e)
{
	const char *given = first_of(args->server, "LARDER_SERVER", "API_URL");
	AUTO_FREE char *server = NULL;
	AUTO_FREE char *token = token_of(args);
	struct clock_options o = { .table = table, .once = args->once };
	int r = url_normalise_server(given ? given : "http://" SERVE_LISTEN, &server, e);

	if (r < 0)
		return r;
	if (!token)
		log_event(LOG_WARN, "no-token", "advice=%s",
			  "set SCHEDULER_API_TOKEN to what the hub was started with");
	o.server = server;
	o.token = token;
	r = clock_run(&o, e);
	if (token)
		explicit_bzero(token, strlen(token));
	return r;
}

static int run(int argc, char **argv, struct err *e)
{
	struct scheduler_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_HUB_SETTINGS struct hub_settings settings = { .jobs.map = &clock_job_map };
	AUTO_CLOCK_TABLE struct clock_table table = { 0 };
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&cmd_scheduler, &operands, 0, 0, e);
	if (r == 0)
		r = cmd_log_format(args.log_format, e);
	if (r == 0)
		r = read_settings(&args, &settings, e);
	if (r == 0)
		r = clock_table_build(&settings.jobs, &table, e);
	if (r < 0)
		return r;
	log_set_level(args.quiet ? LOG_WARN : LOG_INFO);
	if (table.warning)
		log_event(LOG_WARN, "configuration", "error=%s", table.warning);
	return args.list ? scheduler_list(&table, args.json, e) : run_loop(&args, &table, e);
}

const struct command cmd_scheduler = {
	.name = "scheduler",
	.usage = "[--server URL] [--data DIR|--config FILE] [--list|--once]",
	.summary = "call the hub's jobs when they are due",
	.description =
		"Asks the hub what is due, calls it over HTTP, and sleeps until the next time. It keeps "
		"nothing: what ran, runs and comes next are rows on the hub, so it can be killed and "
		"started anywhere. Of several, one leads, and another takes over within half a minute. "
		"SIGTERM ends it at once; jobs that are at work go on.\n\n"
		"The jobs are those of docs/scheduler.md, changed by the SCHEDULER_... variables and by "
		"the list 'jobs' of the configuration file. Those whose endpoint the hub lacks are left "
		"out. larder jobs shows how they do.",
	.examples = "larder scheduler --data hub --list|what would run when\n"
		    "larder scheduler --data hub --server http://127.0.0.1:8765|beside a hub\n"
		    "larder serve --data hub --with-scheduler|both in one\n"
		    "larder scheduler --data hub --once|from a cron of your own",
	.options = options,
	.run = run,
};
