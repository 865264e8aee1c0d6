/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include "workspace/doctor.h"

struct doctor_args {
	bool json, quiet;
	const char *workspace;
};

static const struct opt options[] = {
	OPT_FLAG('j', "json", struct doctor_args, json, "one JSON object on stdout"),
	OPT_FLAG('q', "quiet", struct doctor_args, quiet, "nothing that is ok"),
	OPT_TEXT('w', "workspace", struct doctor_args, workspace, "DIR", "the workspace in DIR"),
	OPT_END,
};

static const char *const words[] = {
	[FINDING_OK] = "ok",
	[FINDING_NOTE] = "note",
	[FINDING_BAD] = "bad",
};

static void print_json(const struct doctor *d, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "workspace", d->workspace);
	json_add_bool(&o, "healthy", d->bad == 0);
	json_open(&o, "findings", '[');
	for (size_t i = 0; i < d->n; i++) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "check", d->findings[i].check);
		json_add_text(&o, "result", words[d->findings[i].kind]);
		json_add_text(&o, "detail", d->findings[i].text);
		json_add_text(&o, "next", d->findings[i].next);
		json_close(&o);
	}
	json_close(&o);
	json_close(&o);
	buf_addc(out, '\n');
}

static void print_text(const struct doctor *d, bool quiet, struct buf *out)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct finding *f = &d->findings[i];

		if (quiet && f->kind == FINDING_OK)
			continue;
		buf_addf(out, "%-4s  %-12s", words[f->kind], f->check);
		text_add_clean(out, bytes_of(f->text));
		buf_addc(out, '\n');
		if (f->next)
			buf_addf(out, "%20s%s\n", "next: ", f->next);
	}
}

static int run(int argc, char **argv, struct err *e)
{
	struct doctor_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_DOCTOR struct doctor doctor = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (opt_parse(options, &args, argc, argv, &operands, e) < 0 ||
	    cmd_operands(&cmd_doctor, &operands, 0, 0, e) < 0 ||
	    workspace_doctor(args.workspace, &doctor, e) < 0)
		return e->code;
	if (args.json)
		print_json(&doctor, &out);
	else
		print_text(&doctor, args.quiet, &out);
	if (cmd_print(&out, e) < 0)
		return e->code;
	return doctor.bad ? CMD_REPORTED(ERR_FAILED) : 0;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.usage = "[--json] [--quiet] [--workspace DIR]",
	.summary = "what is wrong with this workspace, and the next step for each finding",
	.examples = "larder doctor|all checks; exit 1 when one is bad\n"
		    "larder doctor --json|for programs",
	.options = options,
	.run = run,
};
