/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/record.h"

#include "agents/evidence.h"
#include "agents/member.h"
#include "agents/mirror.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/time.h"
#include "engine/journal.h"
#include "engine/outbox.h"
#include "sessions/redact.h"

#include <inttypes.h>

/* Before the stamp of a report that could not be sent. */
#define UNSENT '!'
/* A corrupt report is kept as it is, up to this; a person moves larger ones. */
#define ASIDE_BYTES_MAX ((size_t)16 << 20)

int report_parse(struct bytes text, struct json **ret_report, struct err *e)
{
	AUTO_JSON struct json *doc = NULL;
	int r = json_parse(text, REPORT_BYTES_MAX, &doc, e);

	if (r == 0 && json_kind(doc) != JSON_OBJECT)
		r = err_set(e, ERR_CORRUPT, "it is no JSON object");
	if (r == 0)
		*ret_report = TAKE(doc);
	return r;
}

/* "" when there is none. */
static char *stamp_of(const struct agents *a, const struct dispatch *d)
{
	AUTO_FREE char *path = agents_file(d->name, EVIDENCE_REPORT);
	struct stat st;

	if (fstatat(agents_dirfd(a), path, &st, 0) < 0 || !S_ISREG(st.st_mode))
		return xstrdup("");
	return xasprintf("%" PRId64 ":%" PRId64, (int64_t)st.st_size,
			 (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
}

static int set_aside(struct agents *a, const struct dispatch *d, struct bytes text, struct err *e)
{
	AUTO_FREE char *staged = xasprintf("report-%s", d->id);
	AUTO_FREE char *file = xasprintf(EVIDENCE_REPORT ".corrupt-%" PRId64, time_now());
	AUTO_FREE char *target = agents_file(d->name, file);
	AUTO_FREE char *path = agents_file(d->name, EVIDENCE_REPORT);
	int r = mirror_put_file(a, staged, text, target, e);

	log_event(LOG_WARN, "report-set-aside", "file=%s", target);
	return r < 0 ? r : journal_remove(agents_root(a), path, e);
}

/* NULL when there is none, or it is none: then `why` says it. */
static int read_report(struct agents *a, const struct dispatch *d, struct json **ret,
		       struct err *why, struct err *e)
{
	AUTO_FREE char *path = agents_file(d->name, EVIDENCE_REPORT);
	AUTO_BUF struct buf text = BUF_INIT(ASIDE_BYTES_MAX);
	int r = file_read(agents_dirfd(a), path, ASIDE_BYTES_MAX, &text, e);

	if (r == ERR_NOT_FOUND || r == ERR_LIMIT) {
		*why = r == ERR_LIMIT ? *e : *why;
		*e = (struct err){ 0 };
		return 0;
	}
	if (r < 0)
		return r;
	if (report_parse(buf_bytes(&text), ret, why) < 0)
		return set_aside(a, d, buf_bytes(&text), e);
	return 0;
}

static void add_time(struct json_out *o, const char *key, int64_t ms)
{
	char text[TIME_TEXT_MAX];

	if (ms)
		json_add_text(o, key, time_format_iso(ms, text));
}

static void add_json(struct json_out *o, const char *key, const struct json *v)
{
	AUTO_BUF struct buf text = BUF_INIT(RECORD_BYTES_MAX);

	if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL)
		return;
	json_print(v, &text, false);
	if (!text.full)
		json_add_raw(o, key, buf_bytes(&text));
}

static void add_row(struct json_out *o, const struct dispatch *d)
{
	AUTO_FREE char *pool = dispatch_pool(d);
	const struct {
		const char *key, *value;
		bool always;
	} texts[] = {
		{ "id", d->id, true },
		{ "workspace", d->name, true },
		{ "repo", d->repo, true },
		{ "org", d->org, false },
		{ "task", d->task, true },
		{ "agent", d->agent, true },
		{ "agent_type", pool, true },
		{ "agent_model", dispatch_model(d), false },
		{ "template", d->template, false },
		{ "branch", d->branch, false },
		{ "status", agent_status_word(d->status), true },
		{ "reason", d->reason, true },
		{ "question", d->question, false },
		{ "process_id", d->handle, false },
		{ "pr_url", d->pr_url, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (*texts[i].value || texts[i].always)
			json_add_text(o, texts[i].key, texts[i].value);
	if (d->issue)
		json_add_int(o, "issue", d->issue);
	json_add_int(o, "runs", d->runs);
	json_add_int(o, "revision", d->revision);
	if (d->exit_code >= 0)
		json_add_int(o, "exit_code", d->exit_code);
	add_time(o, "started_at", d->started_ms);
	add_time(o, "updated_at", d->updated_ms);
	add_time(o, "completed_at", d->ended_ms ? d->ended_ms : d->updated_ms);
}

void record_render(const struct dispatch *d, const struct json *report, const char *report_error,
		   struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '{');
	json_add_int(&o, "schema", RECORD_SCHEMA);
	add_row(&o, d);
	add_json(&o, "report", report);
	add_json(&o, "findings", json_get(report, "findings"));
	add_json(&o, "changes", json_get(report, "changes"));
	if (report_error)
		json_add_text(&o, "report_error", report_error);
	json_close(&o);
}

/* What is put, and what it leaves behind in the folder. */
struct capture {
	struct json *report; /* NULL: there is none, or none that can be sent */
	char *stamp;
	struct err why; /* of a report that cannot be sent */
	struct buf body;
	bool again; /* without its report, or with an older one, the record was captured */
	bool later; /* the report is sent when there is room */
};

static void capture_release(struct capture *c)
{
	json_free(c->report);
	free(c->stamp);
	buf_release(&c->body);
}

/* Secrets out; a report with which it does not fit stays in its folder. `without`: why it goes alone,
 * or NULL. */
static int make_body(const struct dispatch *d, struct capture *c, const char *without,
		     struct err *e)
{
	AUTO_BUF struct buf plain = BUF_INIT(RECORD_BYTES_MAX);
	const char *error = without ? without : *c->why.msg ? c->why.msg : NULL;

	buf_clear(&c->body);
	record_render(d, without ? NULL : c->report, error, &plain);
	if (plain.full) {
		(void)err_set(&c->why, ERR_LIMIT, "the report is too large to be sent");
		buf_clear(&plain);
		record_render(d, NULL, c->why.msg, &plain);
	}
	(void)redact_text(buf_bytes(&plain), &c->body);
	return c->body.full ? err_set(e, ERR_LIMIT, "the record of '%.100s' is too large", d->name)
			    : 0;
}

char *record_key(const char *id, int64_t revision, struct bytes body)
{
	char sha256[HASH_HEX_MAX];

	hash_text(HASH_SHA256, body, sha256);
	return xasprintf("%s:%" PRId64 ":%.16s", id, revision, sha256);
}

static int put(struct agents *a, const struct dispatch *d, const struct buf *body, struct err *e)
{
	AUTO_FREE char *key = record_key(d->id, d->revision, buf_bytes(body));
	const struct outbox_item item = {
		.kind = RECORD_KIND, .subject = d->id, .key = key, .payload = buf_str(body)
	};
	int r = outbox_put(agents_db(a), &item, d->id, e);

	return r < 0 ? r : 0;
}

int record_is_due(const struct agents *a, const struct dispatch *d, struct err *e)
{
	AUTO_FREE char *stamp = stamp_of(a, d);

	(void)e;
	if (!agent_is_terminal(d->status))
		return 0;
	/* A report that is gone, with its folder or set aside, was captured when it was there. */
	return d->captured != d->revision ||
	       (*stamp && !str_eq(stamp, d->report_stamp + record_left_report(d)));
}

bool record_left_report(const struct dispatch *d)
{
	return *d->report_stamp == UNSENT;
}

/* 1 when so much more may wait. */
static int has_room(const struct agents *a, const struct buf *body, struct err *e)
{
	struct outbox_summary sum = { 0 };
	int r = outbox_summary(agents_db(a), "", &sum, e);

	return r < 0 ? r : sum.bytes + (int64_t)body->n <= agents_queue_max(a);
}

/* 1 with a body that may be put. When too much waits already, first the report stays behind; then the
 * record itself. */
static int make_within(struct agents *a, const struct dispatch *d, struct capture *c, struct err *e)
{
	int r = make_body(d, c, NULL, e);

	if (r == 0)
		r = has_room(a, &c->body, e);
	if (r != 0 || !c->report || c->again)
		return r;
	c->later = true;
	r = make_body(d, c, "too much waits for the hub: the report follows", e);
	return r < 0 ? r : has_room(a, &c->body, e);
}

static void note_captured(struct dispatch *d, const struct capture *c)
{
	AUTO_BUF struct buf stats = BUF_INIT(RECORD_BYTES_MAX);
	AUTO_FREE char *unsent = xasprintf("%c%s", UNSENT, c->stamp);

	record_stats(c->report, &stats);
	if (c->report || !*d->stats)
		dispatch_set(&d->stats, buf_str(&stats));
	dispatch_set(&d->report_stamp, c->later ? "" : *c->why.msg ? unsent : c->stamp);
	d->captured = d->revision;
}

int record_capture(struct agents *a, struct dispatch *d, struct err *e)
{
	AUTO(capture_release)
	struct capture c = { .stamp = stamp_of(a, d),
			     .body = BUF_INIT(RECORD_BYTES_MAX),
			     .again = d->captured == d->revision };
	int r = record_is_due(a, d, e);

	if (r <= 0)
		return r;
	r = read_report(a, d, &c.report, &c.why, e);
	if (r == 0)
		r = member_note_end(a, d, c.report,
				    e); /* before the record: whoever gave it waits */
	if (r < 0)
		return r;
	d->revision += c.again;
	r = make_within(a, d, &c, e);
	if (r > 0)
		r = put(a, d, &c.body, e) < 0 ? e->code : 1;
	if (r <= 0) {
		d->revision -= c.again;
		return r;
	}
	note_captured(d, &c);
	return 0;
}
