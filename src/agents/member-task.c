/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks: taken, agreed to, begun, ended. */
#include "agents/member-internal.h"

#include "agents/change.h"
#include "agents/run.h"
#include "base/time.h"
#include "sessions/redact.h"

#include <inttypes.h>

/* A result with a report, and its findings once more (agents/record.h). */
#define RESULT_MAX ((size_t)3 << 20)

static char *subject_of(const char *what, int64_t task_id)
{
	return xasprintf("%s %" PRId64, what, task_id);
}

static int say_ack(struct db *db, const struct member *m, int64_t id, const char *lease,
		   struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *subject = subject_of(MEMBER_ACK, id);
	struct json_out o = json_out(&body);

	json_open(&o, NULL, '{');
	json_add_text(&o, "agent_id", m->agent_id);
	json_add_int(&o, "task_id", id);
	json_add_text(&o, "lease", lease);
	json_close(&o);
	/* One with an older lease is worth nothing any more. */
	return member_say(
		db, &(struct member_message){ MEMBER_ACK, subject, subject, buf_str(&body) }, e);
}

static int put_task(struct db *db, const struct member *m, int64_t id, const struct buf *body,
		    struct err *e)
{
	static const char sql_take[] =
		"INSERT INTO agent_task (task_id, agent_id, dispatch_id, state, body, taken_ms)"
		" VALUES (?1, ?2, ?3, 0, ?4, ?5) ON CONFLICT (task_id) DO NOTHING";
	char dispatch_id[UUID_TEXT_MAX];

	uuid_v7(dispatch_id);
	return db_exec(db, e, sql_take, "ittti", id, m->agent_id, dispatch_id, buf_str(body),
		       time_now());
}

int member_take(struct agents *a, const struct json *task, int64_t event, struct err *e)
{
	static const char sql_event[] = "UPDATE agent_member SET event = max(event, ?1)";
	AUTO_TX struct db *tx = NULL;
	AUTO_MEMBER struct member m = { 0 };
	AUTO_BUF struct buf body = BUF_INIT(MEMBER_TASK_MAX);
	struct member_task read = { 0 };
	int r = member_read_task(task, &read, &body, e);

	if (r < 0)
		return r;
	r = db_begin_tx(agents_db(a), &tx, e);
	if (r == 0)
		r = member_load(tx, &m, e);
	if (r <= 0)
		return r; /* we left meanwhile: its lease runs out */
	r = put_task(tx, &m, read.id, &body, e);
	if (r == 0)
		r = say_ack(tx, &m, read.id, read.lease, e);
	if (r == 0)
		r = db_exec(tx, e, sql_event, "i", event);
	return r < 0 ? r : db_commit(tx, e);
}

int member_note_sent(struct agents *a, const struct outbox_item *item, bool refused, struct err *e)
{
	static const char sql_agreed[] =
		"UPDATE agent_task SET state = 1 WHERE task_id = ?1 AND state = 0";
	static const char sql_refused[] = "DELETE FROM agent_task WHERE task_id = ?1 AND state = 0";
	static const char sql_done[] = "DELETE FROM agent_task WHERE task_id = ?1 AND state = 3";
	static const char sql_known[] = "UPDATE agent_member SET registered_ms = ?1, error = ''";
	const char *blank = strrchr(item->subject, ' ');
	struct db *db = agents_db(a);
	int64_t id = 0;

	if (str_eq(item->kind, MEMBER_REGISTER))
		return db_exec(db, e, sql_known, "i", time_now());
	if (!blank || parse_int64(blank + 1, 1, INT64_MAX, &id, e) < 0)
		return 0; /* of leaving: nothing follows */
	if (str_eq(item->kind, MEMBER_DONE))
		return db_exec(db, e, sql_done, "i", id);
	return db_exec(db, e, refused ? sql_refused : sql_agreed, "i", id);
}

static int say_done(struct db *db, int64_t task_id, const struct buf *body, struct err *e)
{
	static const char sql_ended[] = "UPDATE agent_task SET state = 3 WHERE task_id = ?1";
	AUTO_FREE char *subject = subject_of(MEMBER_DONE, task_id);
	int r = member_say(
		db, &(struct member_message){ MEMBER_DONE, subject, NULL, buf_str(body) }, e);

	return r < 0 ? r : db_exec(db, e, sql_ended, "i", task_id);
}

int member_refuse(struct db *db, int64_t task_id, const char *why, struct err *e)
{
	static const char sql_who[] = "SELECT agent_id FROM agent_task WHERE task_id = ?1";
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *agent_id = NULL;
	struct json_out o = json_out(&body);
	int r = db_get_text(db, &agent_id, e, sql_who, "i", task_id);

	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	json_add_text(&o, "agent_id", agent_id);
	json_add_int(&o, "task_id", task_id);
	json_open(&o, "result", '{');
	json_add_text(&o, "status", "failed");
	json_add_text(&o, "question", why);
	json_close(&o);
	json_close(&o);
	return say_done(db, task_id, &body, e);
}

static void add_report(struct json_out *o, const struct json *report)
{
	static const char *const keys[] = { "findings", "changes" };
	AUTO_BUF struct buf whole = BUF_INIT(RESULT_MAX);

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		AUTO_BUF struct buf text = BUF_INIT(RESULT_MAX);
		const struct json *v = json_get(report, keys[i]);

		if (json_kind(v) != JSON_ARRAY && json_kind(v) != JSON_OBJECT)
			continue;
		json_print(v, &text, false);
		json_add_raw(o, keys[i], buf_bytes(&text));
	}
	if (json_kind(report) != JSON_OBJECT)
		return;
	json_print(report, &whole, false);
	json_add_raw(o, "report", buf_bytes(&whole));
}

static void add_result(struct json_out *o, const struct dispatch *d)
{
	bool well = d->status != AGENT_FAILED;

	json_open(o, "result", '{');
	json_add_text(o, "status", well ? "completed" : "failed");
	json_add_text(o, "dispatch_id", d->id);
	json_add_text(o, "workspace", d->name);
	json_add_text(o, "reason", d->reason);
	json_add_text(o, "question", *d->question ? d->question : NULL);
	json_add_text(o, "pr_url", *d->pr_url ? d->pr_url : NULL);
	if (d->exit_code >= 0)
		json_add_int(o, "exit_code", d->exit_code);
	json_close(o);
}

int member_note_end(struct agents *a, const struct dispatch *d, const struct json *report,
		    struct err *e)
{
	static const char sql_task[] =
		"SELECT task_id, agent_id FROM agent_task WHERE dispatch_id = ?1 AND state < 3";
	AUTO_BUF struct buf plain = BUF_INIT(RESULT_MAX);
	AUTO_BUF struct buf body = BUF_INIT(RESULT_MAX);
	AUTO_STMT struct stmt *q = NULL;
	struct json_out o = json_out(&plain);
	int64_t id;
	int r = d->status == AGENT_BLOCKED /* it goes on when somebody answers */
			? 0
			: db_query(agents_db(a), &q, e, sql_task, "t", d->id);

	if (r == 0 && q)
		r = stmt_next(q, e);
	if (r <= 0)
		return r;
	id = stmt_int(q, 0);
	json_open(&o, NULL, '{');
	json_add_text(&o, "agent_id", stmt_text(q, 1));
	json_add_int(&o, "task_id", id);
	add_result(&o, d);
	add_report(&o, report);
	json_close(&o);
	stmt_done(TAKE(q));
	(void)redact_text(buf_bytes(&plain), &body); /* how many there were is in the record */
	if (body.full || plain.full)
		return err_set(e, ERR_LIMIT, "the result of task %" PRId64 " is too large", id);
	return say_done(agents_db(a), id, &body, e);
}

struct agreed {
	int64_t id;
	char *dispatch_id, *body;
};

static void agreed_release(struct agreed *t)
{
	free(t->dispatch_id);
	free(t->body);
}

static int next_agreed(struct db *db, struct agreed *ret, struct err *e)
{
	static const char sql_next[] = "SELECT task_id, dispatch_id, body FROM agent_task"
				       " WHERE state = 1 ORDER BY task_id LIMIT 1";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_next, "");

	if (r == 0)
		r = stmt_next(q, e);
	if (r > 0)
		*ret = (struct agreed){ stmt_int(q, 0), xstrdup(stmt_text(q, 1)),
					xstrdup(stmt_text(q, 2)) };
	return r;
}

static int note_begun(struct agents *a, const struct agreed *t, const char *refusal, struct err *e)
{
	static const char sql_begun[] = "UPDATE agent_task SET state = 2 WHERE task_id = ?1"
					" AND state = 1";
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(agents_db(a), &tx, e);

	if (r == 0)
		r = refusal ? member_refuse(tx, t->id, refusal, e)
			    : db_exec(tx, e, sql_begun, "i", t->id);
	return r < 0 ? r : db_commit(tx, e);
}

/* Its dispatch has the id that was written down when it was taken: one that is there is not made again,
 * however often we were killed in between. What cannot be begun here has failed. */
static int begin(struct agents *a, const struct member *m, const struct agreed *t, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	struct err why = { 0 };
	int r = dispatch_find(agents_db(a), t->dispatch_id, &d, e);

	if (r == 0)
		return note_begun(a, t, NULL, e);
	if (r != ERR_NOT_FOUND)
		return r;
	*e = (struct err){ 0 };
	r = member_plan(m, t->id, bytes_of(t->body), &d, &why);
	if (r == 0) {
		dispatch_set(&d.id, t->dispatch_id);
		r = change_add(a, &d, &why);
	}
	if (r == ERR_USAGE || r == ERR_CONFLICT || r == ERR_LIMIT || r == ERR_CORRUPT)
		return note_begun(a, t, why.msg, e);
	if (r < 0) {
		*e = why;
		return r;
	}
	return note_begun(a, t, NULL, e);
}

int member_start(struct agents *a, struct err *e)
{
	AUTO_MEMBER struct member m = { 0 };
	int r = member_load(agents_db(a), &m, e);

	while (r > 0) {
		AUTO(agreed_release) struct agreed t = { 0 };

		r = next_agreed(agents_db(a), &t, e);
		if (r > 0) {
			int begun = begin(a, &m, &t, e);

			r = begun < 0 ? begun : 1;
		}
	}
	return r;
}
