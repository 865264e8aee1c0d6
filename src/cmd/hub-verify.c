/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/hub-verify.h"

#include "base/progress.h"
#include "hub/hub.h"
#include "tables/hub-verify.h"

struct verify_args {
	bool json, quiet;
};

static const struct opt options[] = {
	OPT_FLAG('j', "json", struct verify_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct verify_args, quiet, "no progress"),
	OPT_END,
};

static int run(int argc, char **argv, struct err *e);

const struct command hub_verify = {
	.name = "verify",
	.usage = "DIR",
	.summary = "check every file of a hub against its records",
	.description =
		"Finishes what a crash left, then reads every object again and compares size, "
		"SHA-256 and MD5 with the records; checks that each version has its parts, and "
		"that no file is there of which no record speaks. The hub may be serving "
		"meanwhile. Exit 1 when something is wrong.",
	.examples = "larder hub verify hub|is all of it there and unchanged?",
	.options = options,
	.run = run,
};

struct report {
	struct strv problems;
	struct progress *progress;
};

static void note_problem(void *ctx, const char *what)
{
	struct report *report = ctx;

	strv_add(&report->problems, what);
}

static void note_object(void *ctx, int64_t bytes)
{
	struct report *report = ctx;

	progress_add(report->progress, bytes);
}

static int print_report(const struct verify_args *args, const struct report *report,
			const struct tables_verify *v, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&out);
	char size[FORMAT_SIZE_MAX];

	if (!args->json) {
		for (size_t i = 0; i < report->problems.n; i++) {
			text_add_clean(&out, bytes_of(report->problems.v[i]));
			buf_addc(&out, '\n');
		}
		buf_addf(&out, "%zu objects, %s, %zu versions: %zu problems\n", v->objects,
			 format_size(v->bytes, size), v->versions, report->problems.n);
		return cmd_print(&out, e);
	}
	json_open(&o, NULL, '{');
	json_add_bool(&o, "ok", report->problems.n == 0);
	json_add_int(&o, "objects", (int64_t)v->objects);
	json_add_int(&o, "versions", (int64_t)v->versions);
	json_add_int(&o, "bytes", v->bytes);
	json_add_texts(&o, "problems", &report->problems);
	json_close(&o);
	buf_addc(&out, '\n');
	return cmd_print(&out, e);
}

static int verify(const struct verify_args *args, const char *path, struct report *report,
		  struct err *e)
{
	const struct hub_options o = { .path = path };
	AUTO_HUB struct hub *hub = NULL;
	struct tables_verify v = { .ctx = report,
				   .on_problem = note_problem,
				   .on_object = note_object };
	int r = hub_open(&o, &hub, e);

	if (r == 0)
		r = db_check(root_db(hub_staging(hub)), e);
	if (r < 0)
		return r;
	report->progress = progress_begin("verify", 0, 0, args->quiet || args->json);
	r = tables_verify(hub_staging(hub), &v, e);
	progress_end(report->progress);
	if (r == 0)
		r = print_report(args, report, &v, e);
	if (r == 0 && report->problems.n > 0)
		return CMD_REPORTED(ERR_CORRUPT);
	return r;
}

static int run(int argc, char **argv, struct err *e)
{
	struct verify_args args = { 0 };
	struct report report = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&hub_verify, &operands, 1, 1, e);
	if (r == 0)
		r = verify(&args, operands.v[0], &report, e);
	strv_release(&report.problems);
	return r;
}
