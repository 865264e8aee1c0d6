/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "base/log.h"
#include "hub/serve.h"

struct serve_args {
	const char *data, *listen, *tls_cert, *tls_key;
	const char *log_format;
	bool quiet, with_scheduler;
};

static const struct opt options[] = {
	OPT_TEXT(0, "data", struct serve_args, data, "DIR", "the hub's data folder"),
	OPT_TEXT(0, "listen", struct serve_args, listen, "ADDR:PORT",
		 "numeric address and port, 0 picks one (default " SERVE_LISTEN ")"),
	OPT_TEXT(0, "tls-cert", struct serve_args, tls_cert, "FILE", "certificate chain, PEM"),
	OPT_TEXT(0, "tls-key", struct serve_args, tls_key, "FILE", "private key, PEM"),
	OPT_FLAG(0, "with-scheduler", struct serve_args, with_scheduler,
		 "run larder scheduler, too"),
	OPT_TEXT(0, "log-format", struct serve_args, log_format, "FORMAT",
		 "text (default) or json"),
	OPT_FLAG('q', "quiet", struct serve_args, quiet, "log only warnings and errors"),
	OPT_END,
};

static int on_ready(void *ctx, const char *data, const char *url, struct err *e)
{
	AUTO_BUF struct buf line = BUF_INIT(BUF_OWN_MAX);

	(void)ctx;
	buf_addf(&line, "larder: serving %s at %s\n", data, url);
	return cmd_print(&line, e);
}

static int run(int argc, char **argv, struct err *e)
{
	struct serve_args args = { .listen = SERVE_LISTEN };
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&cmd_serve, &operands, 0, 0, e);
	if (r == 0 && !args.data)
		r = err_set(e, ERR_USAGE, "--data DIR is missing");
	if (r == 0)
		r = cmd_log_format(args.log_format, e);
	if (r < 0)
		return r;
	log_set_level(args.quiet ? LOG_WARN : LOG_INFO);
	return serve_run(&(struct serve_options){ .data = args.data,
						  .listen = args.listen,
						  .tls_cert = args.tls_cert,
						  .tls_key = args.tls_key,
						  .with_scheduler = args.with_scheduler,
						  .on_ready = on_ready },
			 e);
}

const struct command cmd_serve = {
	.name = "serve",
	.usage = "--data DIR [--listen ADDR:PORT] [--with-scheduler] ...",
	.summary = "run a hub: tables, rules and grants over HTTP",
	.description =
		"Serves the hub in DIR until SIGTERM, SIGINT or SIGHUP, then lets running replies finish "
		"and exits 0; a second signal ends it at once. One line on stdout says where it "
		"listens; the log goes to stderr. A second serve on the same folder is refused. "
		"Limits, retention and jobs are read from DIR/config.yaml.",
	.examples = "larder serve --data hub|listen on " SERVE_LISTEN "\n"
		    "larder serve --data hub --listen 127.0.0.1:0|pick a free port\n"
		    "larder serve --data hub --with-scheduler|with its jobs",
	.options = options,
	.run = run,
};
