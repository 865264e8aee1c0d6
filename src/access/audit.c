/* SPDX-License-Identifier: Apache-2.0 */
#include "access/access-internal.h"

#include "base/time.h"

int generation_get(struct db *db, const char *name, int64_t *ret_value, struct err *e)
{
	static const char sql_get[] = "SELECT value FROM generation WHERE name = ?1";

	return db_get_int(db, ret_value, 0, e, sql_get, "t", name);
}

int generation_bump(struct db *db, const char *name, struct err *e)
{
	static const char sql_bump[] = "INSERT INTO generation (name, value) VALUES (?1, 1)"
				       " ON CONFLICT (name) DO UPDATE SET value = value + 1";

	return db_exec(db, e, sql_bump, "t", name);
}

int audit_add(struct db *db, const struct caller *by, const char *action, const char *resource,
	      const char *detail, struct err *e)
{
	static const char sql_add[] = "INSERT INTO audit (at_ms, user_id, action, resource, detail)"
				      " VALUES (?1, nullif(?2, 0), ?3, ?4, ?5)";

	return db_exec(db, e, sql_add, "iittt", time_now(), by ? by->user_id : 0, action, resource,
		       detail);
}

int access_changed(struct db *db, const struct caller *by, const char *action, const char *resource,
		   const char *detail, struct err *e)
{
	int r = generation_bump(db, "access", e);

	return r < 0 ? r : audit_add(db, by, action, resource, detail, e);
}

void access_add_time(struct json_out *out, const char *key, int64_t ms)
{
	char text[TIME_TEXT_MAX];

	json_add_text(out, key, ms > 0 ? time_format_iso(ms, text) : NULL);
}

/* '*' is the only sign of ours that means something to GLOB; its own others are quoted. */
static char *glob_of(const char *rule)
{
	struct buf out = BUF_INIT(BUF_OWN_MAX);

	for (const char *p = rule; *p; p++) {
		if (*p == '?' || *p == '[')
			buf_addf(&out, "[%c]", *p);
		else
			buf_addc(&out, *p);
	}
	return buf_take(&out);
}

/* A rule as two patterns, of which one is NULL: what fits, and what does not. */
struct patterns {
	char *only, *without;
};

static void patterns_release(struct patterns *p)
{
	free(p->only);
	free(p->without);
}
#define AUTO_PATTERNS AUTO(patterns_release)

static struct patterns patterns_of(const char *rule)
{
	struct patterns p = { 0 };

	if (rule && rule[0] == '!')
		p.without = glob_of(rule + 1);
	else if (rule)
		p.only = glob_of(rule);
	return p;
}

static void add_record(struct json_out *out, const struct stmt *q)
{
	json_open(out, NULL, '{');
	json_add_int(out, "id", stmt_int(q, 0));
	access_add_time(out, "at", stmt_int(q, 1));
	json_add_text(out, "user", stmt_text(q, 2));
	json_add_text(out, "action", stmt_text(q, 3));
	json_add_text(out, "resource", stmt_text(q, 4));
	json_add_text(out, "detail", stmt_text(q, 5));
	json_close(out);
}

int audit_list(struct db *db, const struct audit_query *query, struct json_out *out, struct err *e)
{
	static const char sql_list[] =
		"SELECT a.id, a.at_ms, u.email, a.action, a.resource, a.detail"
		" FROM audit a LEFT JOIN user u ON u.id = a.user_id"
		" WHERE (?1 = 0 OR a.id < ?1) AND (?2 = 0 OR a.at_ms >= ?2)"
		" AND (?3 = 0 OR a.at_ms < ?3)"
		" AND (?4 IS NULL OR a.action GLOB ?4) AND (?5 IS NULL OR a.action NOT GLOB ?5)"
		" AND (?6 IS NULL OR coalesce(u.email, '') GLOB ?6)"
		" AND (?7 IS NULL OR coalesce(u.email, '') NOT GLOB ?7)"
		" AND (?8 IS NULL OR coalesce(a.resource, '') GLOB ?8)"
		" AND (?9 IS NULL OR coalesce(a.resource, '') NOT GLOB ?9)"
		" ORDER BY a.id DESC LIMIT ?10";
	AUTO_PATTERNS struct patterns action = patterns_of(query->action);
	AUTO_PATTERNS struct patterns user = patterns_of(query->user);
	AUTO_PATTERNS struct patterns resource = patterns_of(query->resource);
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_list, "iiitttttti", query->before_id, query->since_ms,
			 query->until_ms, action.only, action.without, user.only, user.without,
			 resource.only, resource.without, query->limit);

	while (r >= 0 && (r = stmt_next(q, e)) > 0)
		add_record(out, q);
	return r;
}
