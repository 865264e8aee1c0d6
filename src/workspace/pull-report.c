/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/pull.h"

#include "base/json.h"

int pull_report_code(const struct pull_report *report)
{
	int code = failures_code(&report->failures);

	return code && (report->tables_updated || report->tables_removed) ? ERR_FAILED : code;
}

void pull_report_release(struct pull_report *report)
{
	for (size_t i = 0; i < report->step_count; i++)
		free(report->steps[i].table);
	free(report->steps);
	strv_release(&report->views_blocked);
	strv_release(&report->warnings);
	failures_release(&report->failures);
}

static void add_errors(struct json_out *o, const struct failures *failures)
{
	json_open(o, "errors", '[');
	for (size_t i = 0; i < failures->n; i++) {
		const struct failure *f = &failures->v[i];

		json_open(o, NULL, '{');
		json_add_text(o, "stage", f->stage);
		if (f->table)
			json_add_text(o, "table", f->table);
		json_add_text(o, "error", f->error.msg);
		json_add_text(o, "code", err_word(f->error.code));
		json_close(o);
	}
	json_close(o);
}

static void add_steps(struct json_out *o, const struct pull_report *report)
{
	json_open(o, "plan", '[');
	for (size_t i = 0; i < report->step_count; i++) {
		const struct pull_step *step = &report->steps[i];

		json_open(o, NULL, '{');
		json_add_text(o, "table", step->table);
		json_add_text(o, "action", plan_action_word(step->action));
		json_add_text(o, "reason", step->reason);
		json_add_int(o, "bytes", step->bytes);
		json_add_int(o, "bytes_fetched", step->bytes_fetched);
		json_add_int(o, "bytes_reused", step->bytes_reused);
		json_close(o);
	}
	json_close(o);
}

void pull_report_json(const struct pull_report *report, const char *workspace, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_text(&o, "workspace", workspace);
	json_add_int(&o, "tables_updated", (int64_t)report->tables_updated);
	json_add_int(&o, "tables_removed", (int64_t)report->tables_removed);
	json_add_int(&o, "parquets_total", (int64_t)report->parquets_total);
	json_add_int(&o, "rules_count", (int64_t)report->rules_count);
	json_add_double(&o, "duration_s", (double)report->duration_ms / 1000);
	json_add_int(&o, "bytes_fetched", report->bytes_fetched);
	json_add_int(&o, "bytes_reused", report->bytes_reused);
	json_add_int(&o, "bytes_from_mirror", report->bytes_from_mirror);
	json_add_int(&o, "requests", report->requests);
	json_open(&o, "views", '{');
	json_add_int(&o, "changed", (int64_t)report->views_changed);
	json_add_texts(&o, "blocked", &report->views_blocked);
	json_close(&o);
	add_errors(&o, &report->failures);
	json_add_texts(&o, "warnings", &report->warnings);
	add_steps(&o, report);
	json_close(&o);
}
