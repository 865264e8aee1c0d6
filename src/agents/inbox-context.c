/* SPDX-License-Identifier: Apache-2.0 */
/* What agents are told of each other's work. */
#include "agents/inbox-internal.h"

#include "base/time.h"

#include <inttypes.h>

/* Of a task in an observation. */
#define TASK_SHOWN 500

static void add_tags(const struct inbox_record *record, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, NULL, '[');
	json_add_text(&o, NULL, "sync");
	if (*record->repo)
		json_add_text(&o, NULL, record->repo);
	json_add_text(&o, NULL, record->status);
	json_close(&o);
}

static void add_content(const struct inbox_record *record, struct buf *out)
{
	buf_addf(out, "%s: %s", *record->repo ? record->repo : record->workspace, record->status);
	if (*record->workspace)
		buf_addf(out, " (%s)", record->workspace);
	if (*record->task)
		buf_addf(out, ": %.*s", (int)text_fit(record->task, TASK_SHOWN), record->task);
}

int context_observe(struct db *db, const struct caller *by, const char *agent_id,
		    const struct inbox_record *record, struct err *e)
{
	/* A new number with each change, so that a cursor meets it again. */
	static const char sql_observe[] =
		"INSERT OR REPLACE INTO fleet_context (user_id, id, agent_id, type, content, tags,"
		" project, confidence, source, expires_ms, created_ms, updated_ms) VALUES (?1, ?2,"
		" ?3, 'observation', ?4, ?5, ?6, 0.7, 'sync.push', ?7, ?8, ?8)";
	AUTO_BUF struct buf content = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf tags = BUF_INIT(BUF_OWN_MAX);
	int64_t now = time_now();

	add_content(record, &content);
	add_tags(record, &tags);
	return db_exec(db, e, sql_observe, "itttttii", by->user_id, record->id, agent_id,
		       buf_str(&content), buf_str(&tags), record->repo, now + CONTEXT_KEEP_MS, now);
}

static void add_time(struct json_out *o, const char *key, const struct stmt *q, int column)
{
	char text[TIME_TEXT_MAX];

	json_add_text(o, key,
		      stmt_is_null(q, column) ? NULL : time_format_iso(stmt_int(q, column), text));
}

/* Columns as in sql_columns. */
static void add_item(struct json_out *o, const struct stmt *q)
{
	json_open(o, NULL, '{');
	json_add_text(o, "id", stmt_text(q, 1));
	if (stmt_int(q, 13)) {
		json_add_bool(o, "deleted", true);
		json_close(o);
		return;
	}
	json_add_text(o, "agent_id", stmt_text(q, 2));
	json_add_text(o, "type", stmt_text(q, 3));
	json_add_text(o, "content", stmt_text(q, 4));
	json_add_raw(o, "tags", stmt_bytes(q, 5));
	json_add_text(o, "project", stmt_text(q, 6));
	json_add_double(o, "confidence", stmt_double(q, 7));
	json_add_double(o, "score", stmt_double(q, 7));
	json_add_text(o, "source", stmt_text(q, 8));
	json_add_text(o, "supersedes_id", stmt_text(q, 9));
	add_time(o, "expires_at", q, 10);
	add_time(o, "created_at", q, 11);
	add_time(o, "updated_at", q, 12);
	json_close(o);
}

static int parse_cursor(const char *text, int64_t *ret_seq, struct err *e)
{
	*ret_seq = 0;
	if (!*text)
		return 0;
	if (text[0] != 'c' || parse_int64(text + 1, 0, INT64_MAX, ret_seq, e) < 0)
		return err_set(e, ERR_USAGE, "the cursor is none of ours");
	return 0;
}

#define COLUMNS                                                                                    \
	"seq, id, agent_id, type, content, tags, project, confidence, source, supersedes_id,"      \
	" expires_ms, created_ms, updated_ms, deleted OR coalesce(expires_ms <= ?2, 0) OR EXISTS"  \
	" (SELECT 1 FROM fleet_context n WHERE n.user_id = c.user_id AND n.supersedes_id = c.id)"

static int query(struct db *db, const struct context_query *c, int64_t seq, int64_t limit,
		 struct stmt **ret, struct err *e)
{
	static const char sql_page[] =
		"SELECT " COLUMNS " FROM fleet_context c WHERE user_id = ?1 AND seq > ?3"
		" AND created_ms >= ?4 AND (?6 = 0 OR agent_id <> ?5) ORDER BY seq LIMIT ?7";
	/* Older clients: the newest, what is gone left out. */
	static const char sql_newest[] =
		"SELECT " COLUMNS " FROM fleet_context c WHERE user_id = ?1 AND seq > ?3"
		" AND created_ms >= ?4 AND (?6 = 0 OR agent_id <> ?5) AND deleted = 0"
		" AND coalesce(expires_ms > ?2, 1) AND NOT EXISTS (SELECT 1 FROM fleet_context n"
		" WHERE n.user_id = c.user_id AND n.supersedes_id = c.id) ORDER BY seq DESC LIMIT ?7";

	return db_query(db, ret, e, c->cursor ? sql_page : sql_newest, "iiiitii", c->by->user_id,
			time_now(), seq, c->since_ms, c->agent_id, (int64_t)c->others_only, limit);
}

int context_add(struct db *db, const struct context_query *c, struct json_out *items,
		struct context_page *ret, struct err *e)
{
	int64_t limit = c->cursor ? (c->limit ? c->limit : CONTEXT_PAGE) : CONTEXT_OLD_PAGE;
	AUTO_STMT struct stmt *q = NULL;
	int64_t seq = 0;
	int r = inbox_check_agent(c->agent_id, e);

	if (r == 0)
		r = parse_cursor(c->cursor ? c->cursor : "", &seq, e);
	if (r == 0)
		r = query(db, c, seq, limit + (c->cursor ? 1 : 0), &q, e);
	while (r >= 0 && (r = stmt_next(q, e)) > 0) {
		if (ret->total == limit) {
			ret->more = true;
			break;
		}
		ret->total++;
		if (stmt_int(q, 0) > seq)
			seq = stmt_int(q, 0);
		add_item(items, q);
	}
	(void)snprintf(ret->cursor, sizeof(ret->cursor), "c%" PRId64, seq);
	return r < 0 ? r : 0;
}

int inbox_note_pull(struct db *db, const struct caller *by, const char *agent_id, struct err *e)
{
	static const char sql_pull[] =
		"INSERT INTO fleet_agent (user_id, agent_id, status, last_pull_ms)"
		" VALUES (?1, ?2, 'online', ?3) ON CONFLICT (user_id, agent_id) DO UPDATE"
		" SET last_pull_ms = excluded.last_pull_ms";

	int r = inbox_check_room(db, by, agent_id, e);

	return r < 0 ? r : db_exec(db, e, sql_pull, "iti", by->user_id, agent_id, time_now());
}

int inbox_expire(struct db *db, int64_t now_ms, struct err *e)
{
	/* Expired items are told of as gone for as long again, then a client that has not asked
	 * since lets them expire by itself. */
	static const char sql_context[] = "DELETE FROM fleet_context WHERE expires_ms < ?1";
	static const char sql_batch[] = "DELETE FROM fleet_batch WHERE at_ms < ?1";
	int r = db_exec(db, e, sql_context, "i", now_ms - CONTEXT_KEEP_MS);

	return r < 0 ? r : db_exec(db, e, sql_batch, "i", now_ms - INBOX_KEYS_KEEP_MS);
}
