/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/refusal.h"

#include <inttypes.h>

/* Open: {"detail": {reason, kind, message. */
static struct json_out begin(struct far_refusal *refusal, const char *reason, const char *kind,
			     const struct err *e)
{
	struct json_out o;

	buf_clear(&refusal->text);
	o = json_out(&refusal->text);
	json_open(&o, NULL, '{');
	json_open(&o, "detail", '{');
	json_add_text(&o, "reason", reason);
	json_add_text(&o, "kind", kind);
	json_add_text(&o, "message", e->msg);
	json_add_text(&o, "hint", e->hint[0] ? e->hint : NULL);
	return o;
}

static int finish(struct far_refusal *refusal, struct json_out *o, int status, const struct err *e)
{
	json_close(o);
	json_add_text(o, "code", err_word(e->code));
	json_close(o);
	refusal->status = status;
	return e->code;
}

static char *join(const struct strv *list)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

	for (size_t i = 0; i < list->n; i++)
		buf_addf(&text, "%s%s", i ? ", " : "", list->v[i]);
	return buf_take(&text);
}

/* A LIMIT ends a view's answer, not its scan: who adds one wonders why nothing became cheaper. */
static char *suggest(const struct far_too_large *t)
{
	AUTO_FREE char *views = join(t->view_targets);
	const char *snapshot =
		"larder snapshot create NAME --table TABLE --where CONDITION --estimate";

	if (t->view_targets->n > 0)
		return xasprintf("%s: each a VIEW, whose scan no LIMIT bounds; filter by what its "
				 "tables are partitioned by, or take an extract once: %s",
				 views, snapshot);
	return xasprintf(
		"select fewer columns, filter by what the table is partitioned by, or take "
		"an extract once: %s",
		snapshot);
}

int far_refuse_size(struct far_refusal *refusal, const struct far_too_large *t, struct err *e)
{
	AUTO_FREE char *tables = join(t->tables);
	AUTO_FREE char *suggestion = suggest(t);
	struct json_out o;

	(void)err_set(e, ERR_LIMIT,
		      "the statement would read %" PRId64 " bytes of %.200s, the limit is %" PRId64,
		      t->scan_bytes, tables, t->limit_bytes);
	(void)err_hint(e, "%.190s", suggestion);
	o = begin(refusal, "remote_scan_too_large", "remote_scan_too_large", e);
	json_add_int(&o, "scan_bytes", t->scan_bytes);
	json_add_int(&o, "limit_bytes", t->limit_bytes);
	json_add_texts(&o, "tables", t->tables);
	json_add_texts(&o, "view_targets", t->view_targets);
	json_add_text(&o, "suggestion", suggestion);
	return finish(refusal, &o, 400, e);
}

int far_refuse_budget(struct far_refusal *refusal, const struct far_over *over, struct err *e)
{
	bool daily = over->retry_after_s > 0;
	struct json_out o;

	if (daily)
		(void)err_set(e, ERR_BUSY,
			      "the bytes of this day are used up: %" PRId64 " of %" PRId64,
			      over->current, over->limit);
	else
		(void)err_set(e, ERR_BUSY,
			      "%" PRId64 " statements over remote tables of yours are running, the "
			      "limit is %" PRId64,
			      over->current, over->limit);
	(void)err_hint(e, daily ? "the next day begins at midnight, UTC"
				: "try again when one of them has ended");
	e->retry_after = daily ? (int)over->retry_after_s : 1;
	o = begin(refusal, over->reason, over->kind, e);
	json_add_int(&o, "current", over->current);
	json_add_int(&o, "limit", over->limit);
	json_add_int(&o, "retry_after_seconds", over->retry_after_s);
	return finish(refusal, &o, 429, e);
}

int far_refuse_path(struct far_refusal *refusal, const char *path, const char *expected_project,
		    bool is_cross_project, struct err *e)
{
	const char *reason = is_cross_project ? "bq_path_cross_project" : "bq_path_not_registered";
	struct json_out o;

	(void)err_set(e, ERR_DENIED,
		      is_cross_project ? "'%.200s' is of another project than the hub's tables"
				       : "'%.200s' is no table of this hub that you may ask",
		      path);
	(void)err_hint(e, is_cross_project
				  ? "name the project the hub's tables are of, or bq.dataset.table"
				  : "larder catalog lists the tables you may ask: use their names");
	o = begin(refusal, reason, reason, e);
	json_add_text(&o, "path", path);
	if (is_cross_project)
		json_add_text(&o, "expected_project", expected_project);
	return finish(refusal, &o, 403, e);
}

/* What is nobody's fault but the source's or its set-up: the word, and whether the contract has one of BigQuery's
 * own for it. */
struct fault {
	int code;
	bool is_prefixed;
	const char *word;
};

static const struct fault *fault_of(int code)
{
	static const struct fault faults[] = {
		{ ERR_CONFLICT, false, "not_configured" }, { ERR_AUTH, false, "auth_failed" },
		{ ERR_DENIED, true, "forbidden" },         { ERR_OFFLINE, true, "upstream_error" },
		{ ERR_REMOTE, true, "upstream_error" },    { ERR_CORRUPT, true, "upstream_error" },
	};

	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		if (faults[i].code == code)
			return &faults[i];
	}
	return NULL;
}

static int refuse_as(struct far_refusal *refusal, const char *reason, const char *kind, bool own,
		     struct err *e)
{
	AUTO_FREE char *underlying = xstrdup(e->msg);
	struct json_out o;

	/* The hub's own credentials are meant, not those of whoever asked. */
	(void)err_set(e, own ? ERR_USAGE : ERR_REMOTE, "%s", underlying);
	if (own)
		(void)err_hint(
			e, "the statement runs at the table's source, in its own dialect of SQL");
	else
		(void)err_hint(e, "an administrator of the hub can look: larder metadata tells "
				  "which sources answer");
	o = begin(refusal, reason, kind, e);
	json_add_text(&o, "underlying", underlying);
	return finish(refusal, &o, own ? 400 : 502, e);
}

int far_refuse_failure(struct far_refusal *refusal, const struct far_failure *failure,
		       struct err *e)
{
	const struct fault *fault = fault_of(e->code);
	AUTO_FREE char *kind = NULL;

	if (e->code == ERR_USAGE || e->code == ERR_NOT_FOUND)
		return refuse_as(refusal, failure->reason, failure->reason, true, e);
	if (!fault)
		return e->code; /* busy, a limit, cancelled: plain errors */
	kind = xasprintf("%s%s", fault->is_prefixed ? failure->kind_prefix : "", fault->word);
	return refuse_as(refusal, fault->word, kind, false, e);
}
