/* SPDX-License-Identifier: Apache-2.0 */
#include "access/access-internal.h"

#include "access/scheduler.h"
#include "base/hash.h"
#include "base/time.h"

/* A lazy record: one write a minute and token at most, whatever the number of requests. */
#define USE_FRESH_MS 60000

static const char *const scope_words[] = { "read", "user", "admin" };

const char *access_scope_word(enum access_scope scope)
{
	return scope_words[scope];
}

int access_scope_parse(const char *word, enum access_scope *ret_scope, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(scope_words); i++) {
		if (str_eq(word, scope_words[i])) {
			*ret_scope = (enum access_scope)i;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "scope '%s' is not one of read, user, admin",
		       word ? word : "");
}

void caller_release(struct caller *caller)
{
	free(caller->email);
	free(caller->token_id);
	free(caller->permissions);
	free(caller->allowed_ips);
	strv_release(&caller->group_ids);
	strv_release(&caller->group_names);
	*caller = (struct caller)CALLER_INIT;
}

/* The row of a token and its user; the columns are those that check_life() and its callers name. */
static int find_token(struct db *db, const char *id, struct stmt **ret_q, struct err *e)
{
	static const char sql_token[] =
		"SELECT t.secret_sha256, t.revoked_ms, t.expires_ms, u.active, u.id, u.email,"
		" t.scope, t.last_used_ms, t.permissions, t.allowed_ips, t.rate_per_minute"
		" FROM token t JOIN user u ON u.id = t.user_id"
		" WHERE t.id = ?1";
	int r = db_query(db, ret_q, e, sql_token, "t", id);

	if (r == 0)
		r = stmt_next(*ret_q, e);
	if (r == 0)
		return err_set(e, ERR_AUTH, "Token unknown");
	return r < 0 ? r : 0;
}

static int check_life(const struct stmt *q, int64_t now, struct err *e)
{
	if (!stmt_is_null(q, 1))
		return err_set(e, ERR_AUTH, "Token revoked");
	if (!stmt_is_null(q, 2) && stmt_int(q, 2) <= now)
		return err_set(e, ERR_AUTH, "Token expired");
	if (stmt_int(q, 3) == 0)
		return err_set(e, ERR_AUTH, "Account deactivated");
	return 0;
}

struct caller caller_copy(const struct caller *caller)
{
	return (struct caller){
		.user_id = caller->user_id,
		.email = xstrdup(caller->email),
		.scope = caller->scope,
		.token_id = xstrdup(caller->token_id),
		.token_expires_ms = caller->token_expires_ms,
		.token_last_used_ms = caller->token_last_used_ms,
		.permissions = caller->permissions ? xstrdup(caller->permissions) : NULL,
		.allowed_ips = caller->allowed_ips ? xstrdup(caller->allowed_ips) : NULL,
		.rate_per_minute = caller->rate_per_minute,
	};
}

static int read_groups(struct db *db, struct caller *caller, struct err *e)
{
	static const char sql_groups[] =
		"SELECT g.id, g.name FROM member m JOIN user_group g ON g.id = m.group_id"
		" WHERE m.user_id = ?1 ORDER BY g.id";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_groups, "i", caller->user_id);

	if (r < 0)
		return r;
	while ((r = stmt_next(q, e)) > 0) {
		strv_add(&caller->group_ids, stmt_text(q, 0));
		strv_add(&caller->group_names, stmt_text(q, 1));
		if (str_eq(stmt_text(q, 0), ACCESS_ADMIN_GROUP))
			caller->is_admin = true;
	}
	return r;
}

static int read_token(struct db *db, const char *token, struct caller *caller, struct err *e)
{
	char id[13], secret_sha256[HASH_HEX_MAX];
	AUTO_STMT struct stmt *q = NULL;
	int r;

	bool other = token_split(token, id, secret_sha256) < 0;

	if (other) { /* not of our form: the scheduler's secret, or nobody's */
		hash_text(HASH_SHA256, bytes_of(token), secret_sha256);
		(void)snprintf(id, sizeof(id), "%s", SCHEDULER_TOKEN_ID);
	}
	r = find_token(db, id, &q, e);
	if (other && (r == ERR_AUTH || (r == 0 && !secret_equal(bytes_of(stmt_text(q, 0)),
								bytes_of(secret_sha256)))))
		return err_set(e, ERR_AUTH, "Invalid or expired token");
	/* The secret first: to one who does not have it, a token is not even revoked. */
	if (r == 0 && !secret_equal(bytes_of(stmt_text(q, 0)), bytes_of(secret_sha256)))
		r = err_set(e, ERR_AUTH, "Token mismatch");
	if (r == 0)
		r = check_life(q, time_now(), e);
	if (r < 0)
		return r;
	caller->token_expires_ms = stmt_int(q, 2);
	caller->user_id = stmt_int(q, 4);
	caller->email = xstrdup(stmt_text(q, 5));
	caller->token_id = xstrdup(id);
	caller->token_last_used_ms = stmt_int(q, 7);
	caller->permissions = stmt_is_null(q, 8) ? NULL : xstrdup(stmt_text(q, 8));
	caller->allowed_ips = stmt_is_null(q, 9) ? NULL : xstrdup(stmt_text(q, 9));
	caller->rate_per_minute = stmt_is_null(q, 10) ? -1 : stmt_int(q, 10);
	return access_scope_parse(stmt_text(q, 6), &caller->scope, e);
}

int access_authenticate(struct db *db, const char *token, struct caller *ret_caller, struct err *e)
{
	AUTO_CALLER struct caller caller = CALLER_INIT;
	int r;

	if (!token || !*token)
		return err_set(e, ERR_AUTH, "Missing or invalid Authorization header");
	r = read_token(db, token, &caller, e);
	if (r == 0)
		r = read_groups(db, &caller, e);
	if (r < 0)
		return r;
	*ret_caller = caller;
	caller = (struct caller)CALLER_INIT;
	return 0;
}

int access_renew(struct db *db, struct caller *caller, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = find_token(db, caller->token_id, &q, e);

	if (r == 0)
		r = check_life(q, time_now(), e);
	if (r < 0)
		return r;
	strv_release(&caller->group_ids);
	strv_release(&caller->group_names);
	caller->group_ids = (struct strv)STRV_INIT;
	caller->group_names = (struct strv)STRV_INIT;
	caller->is_admin = false;
	return read_groups(db, caller, e);
}

bool access_use_is_stale(const struct caller *caller, int64_t now_ms)
{
	/* Also when the clock was set back behind the record. */
	return now_ms - caller->token_last_used_ms > USE_FRESH_MS ||
	       caller->token_last_used_ms > now_ms + USE_FRESH_MS;
}

int access_record_use(struct db *db, const struct caller *caller, int64_t now_ms, struct err *e)
{
	static const char sql_use[] = "UPDATE token SET last_used_ms = ?1 WHERE id = ?2";

	return db_exec(db, e, sql_use, "it", now_ms, caller->token_id);
}

int access_need_scope(const struct caller *caller, enum access_scope scope, struct err *e)
{
	if (caller->scope >= scope)
		return 0;
	return err_set(e, ERR_DENIED, "this needs a token of scope %s, this one is of scope %s",
		       scope_words[scope], scope_words[caller->scope]);
}

int access_need_permission(const struct caller *caller, const char *permission, struct err *e)
{
	AUTO_STRV struct strv has = STRV_INIT;

	if (!caller->permissions)
		return 0;
	strv_split(&has, caller->permissions, ',');
	if (permission && strv_has(&has, permission))
		return 0;
	return err_set(e, ERR_DENIED, "this key may not do that: it has %s", caller->permissions);
}

int access_need_admin(const struct caller *caller, struct err *e)
{
	if (!caller->is_admin)
		return err_set(e, ERR_DENIED, "this needs a member of the group admin");
	return access_need_scope(caller, SCOPE_ADMIN, e);
}

int access_sees(struct db *db, const struct caller *caller, const char *type, const char *id,
		struct err *e)
{
	static const char sql_sees[] = "SELECT EXISTS (SELECT 1 FROM resource_grant g JOIN member m"
				       " ON m.group_id = g.group_id AND m.user_id = ?1"
				       " WHERE g.resource_type = ?2 AND g.resource_id = ?3)";
	int64_t sees = 0;
	int r;

	if (caller->is_admin)
		return 1;
	r = db_get_int(db, &sees, 0, e, sql_sees, "itt", caller->user_id, type, id);
	return r < 0 ? r : sees != 0;
}

int access_granted(struct db *db, const struct caller *caller, const char *type,
		   struct strv *ret_ids, struct err *e)
{
	static const char sql_granted[] =
		"SELECT DISTINCT g.resource_id FROM resource_grant g JOIN member m"
		" ON m.group_id = g.group_id AND m.user_id = ?1"
		" WHERE g.resource_type = ?2 ORDER BY 1";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_granted, "it", caller->user_id, type);

	if (r < 0)
		return r;
	while ((r = stmt_next(q, e)) > 0)
		strv_add(ret_ids, stmt_text(q, 0));
	return r;
}
