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

/* What is nobody's fault but the source's or its set-up. */
static const char *kind_of(int code)
{
	switch (code) {
	case ERR_CONFLICT:
		return "not_configured";
	case ERR_AUTH:
		return "auth_failed";
	case ERR_DENIED:
		return "forbidden";
	case ERR_OFFLINE:
	case ERR_REMOTE:
	case ERR_CORRUPT:
		return "upstream_error";
	default:
		return NULL;
	}
}

int far_refuse_failure(struct far_refusal *refusal, const char *reason, struct err *e)
{
	bool fault = e->code == ERR_USAGE || e->code == ERR_NOT_FOUND;
	const char *kind = fault ? reason : kind_of(e->code);
	AUTO_FREE char *underlying = xstrdup(e->msg);
	struct json_out o;

	if (!kind)
		return e->code; /* busy, a limit, cancelled: plain errors */
	/* The hub's own credentials are meant, not those of whoever asked. */
	(void)err_set(e, fault ? ERR_USAGE : ERR_REMOTE, "%s", underlying);
	if (fault)
		(void)err_hint(
			e, "the statement runs at the table's source, in its own dialect of SQL");
	o = begin(refusal, kind, kind, e);
	json_add_text(&o, "underlying", underlying);
	return finish(refusal, &o, fault ? 400 : 502, e);
}
