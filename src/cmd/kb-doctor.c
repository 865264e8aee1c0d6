/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "kb/doctor.h"

struct doctor_args {
	struct kb_common common;
	bool repair;
};

static const struct opt options[] = {
	OPT_FLAG(0, "repair", struct doctor_args, repair, "make again what can be made again"),
	KB_OPTIONS(struct doctor_args, common),
	OPT_END,
};

static const char *word_of(const struct kb_finding *f)
{
	return f->repaired ? "mended" : f->bad ? "bad" : "ok";
}

static void add_json(const struct kb *kb, const struct kb_doctor *d, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "kb", kb_path(kb));
	json_add_bool(&o, "healthy", d->bad == 0);
	json_open(&o, "findings", '[');
	for (size_t i = 0; i < d->n; i++) {
		json_open(&o, NULL, '{');
		json_add_text(&o, "check", d->v[i].check);
		json_add_text(&o, "result", word_of(&d->v[i]));
		json_add_text(&o, "detail", d->v[i].detail);
		json_add_text(&o, "next", d->v[i].next);
		json_close(&o);
	}
	json_close(&o);
	json_close(&o);
}

static void add_text(const struct kb_doctor *d, bool repair, struct buf *out)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct kb_finding *f = &d->v[i];

		buf_addf(out, "%-6s  %-12s", word_of(f), f->check);
		kb_cmd_add_clean(out, f->detail);
		buf_addc(out, '\n');
		if (f->next && f->bad)
			buf_addf(out, "%22s%s\n", "next: ", f->next);
	}
	if (d->bad > 0 && !repair)
		buf_adds(out, "'larder kb doctor --repair' makes again what can be.\n");
}

static int run(int argc, char **argv, struct err *e)
{
	struct doctor_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_KB struct kb *kb = NULL;
	AUTO_KB_DOCTOR struct kb_doctor doctor = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&kb_cmd_doctor, &operands, 0, 0, e);
	if (r == 0)
		r = kb_cmd_open(&args.common, false, &kb, e);
	if (r == 0)
		r = kb_doctor(kb, args.repair, &doctor, e);
	if (r < 0)
		return r;
	if (args.common.json)
		add_json(kb, &doctor, &out);
	else
		add_text(&doctor, args.repair, &out);
	r = kb_cmd_print(&args.common, &out, e);
	if (r < 0)
		return r;
	return doctor.bad > 0 ? CMD_REPORTED(ERR_FAILED) : 0;
}

const struct command kb_cmd_doctor = {
	.name = "doctor",
	.usage = "[--repair] [--kb DIR]",
	.summary = "is the knowledge base whole, and what can be done",
	.description =
		"Finishes what a crash left, and checks the database, each document's files and "
		"pages, and whether the pages are as they are known. With --repair a source or a "
		"summary that is gone is made again, and pages that people changed are read.\n\n"
		"Exit: 0 whole; 1 something is not.",
	.examples = "larder kb doctor|all checks\n"
		    "larder kb doctor --repair|and make again what can be",
	.options = options,
	.run = run,
};
