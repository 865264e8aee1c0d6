/* SPDX-License-Identifier: Apache-2.0 */
#include "access/token.h"

#include "access/access-internal.h"
#include "access/scheduler.h"
#include "base/hash.h"
#include "base/time.h"

#define TOKEN_PREFIX     "lrd_"
#define TOKEN_PREFIX_LEN 4
/* 43 characters of base64url. */
#define SECRET_BYTES 32

int token_split(const char *text, char id[13], char secret_sha256[65])
{
	const char *rest = text + TOKEN_PREFIX_LEN;

	if (strlen(text) != TOKEN_PREFIX_LEN + TOKEN_ID_LEN + 1 + TOKEN_SECRET_LEN ||
	    !str_starts(text, TOKEN_PREFIX) || rest[TOKEN_ID_LEN] != '_')
		return -1;
	(void)snprintf(id, TOKEN_ID_LEN + 1, "%.*s", TOKEN_ID_LEN, rest);
	hash_text(HASH_SHA256, bytes_of(rest + TOKEN_ID_LEN + 1), secret_sha256);
	return 0;
}

static void make_text(struct token_made *made)
{
	unsigned char id[TOKEN_ID_LEN / 2];
	char secret[RANDOM_TEXT_MAX];

	random_bytes(id, sizeof(id));
	hex_encode(id, sizeof(id), made->id);
	random_text(SECRET_BYTES, secret);
	(void)snprintf(made->text, sizeof(made->text), TOKEN_PREFIX "%s_%.*s", made->id,
		       TOKEN_SECRET_LEN, secret);
}

/* 0 means never, which is later than any time. */
static int64_t earlier_end(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

static int check_rights(struct db *db, const struct caller *by, const struct token_wish *wish,
			int64_t user_id, struct err *e)
{
	static const char sql_is_admin[] =
		"SELECT EXISTS (SELECT 1 FROM member WHERE user_id = ?1 AND group_id = 'admin')";
	int64_t is_admin = 0;
	int r;

	if (by && (by->permissions || by->allowed_ips))
		return err_set(e, ERR_DENIED, "a key with limits of its own mints no tokens");
	if (by && by->scope < wish->scope)
		return err_set(e, ERR_DENIED,
			       "a token of scope %s mints none of scope %s; its own or narrower",
			       access_scope_word(by->scope), access_scope_word(wish->scope));
	if (by && by->user_id != user_id && access_need_admin(by, e) < 0)
		return err_in(e, "a token for another user");
	if (wish->scope != SCOPE_ADMIN)
		return 0;
	r = db_get_int(db, &is_admin, 0, e, sql_is_admin, "i", user_id);
	if (r == 0 && !is_admin)
		return err_set(e, ERR_DENIED, "scope admin is only for members of the group admin");
	return r;
}

static int check_number(struct db *db, const struct caller *by, int64_t user_id, struct err *e)
{
	static const char sql_count[] =
		"SELECT count(*) FROM token WHERE user_id = ?1 AND (created_ms > ?2 - 86400000"
		" OR (revoked_ms IS NULL AND coalesce(expires_ms > ?2, 1)))";
	int64_t n = 0;
	int r;

	if (!by || by->scope == SCOPE_ADMIN)
		return 0;
	r = db_get_int(db, &n, 0, e, sql_count, "ii", user_id, time_now());
	if (r == 0 && n >= TOKENS_PER_USER_MAX)
		return err_set(e, ERR_LIMIT,
			       "a user has at most %d tokens, and makes no more a day",
			       TOKENS_PER_USER_MAX);
	return r;
}

int token_mint(struct db *db, const struct caller *by, const struct token_wish *wish,
	       struct token_made *ret_made, struct err *e)
{
	static const char sql_add[] =
		"INSERT INTO token (id, user_id, name, scope, secret_sha256, created_ms,"
		" expires_ms, created_by, permissions, allowed_ips, rate_per_minute) VALUES (?1,"
		" ?2, ?3, ?4, ?5, ?6, nullif(?7, 0), nullif(?8, 0), nullif(?9, ''),"
		" nullif(?10, ''), nullif(?11, -1))";
	AUTO_BUF struct buf permissions = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf ips = BUF_INIT(BUF_OWN_MAX);
	struct token_made made = { .created_ms = time_now() };
	char secret_sha256[HASH_HEX_MAX], id[TOKEN_ID_LEN + 1];
	int64_t user_id = by ? by->user_id : 0;
	int r = access_check_text("the token's name", wish->name, TOKEN_NAME_MAX, e);

	if (r == 0 && by && str_eq(by->token_id, SCHEDULER_TOKEN_ID))
		r = err_set(e, ERR_DENIED, "the scheduler's secret mints no tokens");

	if (r == 0 && wish->email)
		r = user_find(db, wish->email, &user_id, e);
	if (r == 0)
		r = check_rights(db, by, wish, user_id, e);
	if (r == 0)
		r = check_number(db, by, user_id, e);
	if (r < 0)
		return r;
	made.expires_ms = earlier_end(wish->expires_ms, by ? by->token_expires_ms : 0);
	make_text(&made);
	(void)token_split(made.text, id, secret_sha256); /* ours: it is of the form */
	r = token_check_key(wish, &permissions, &ips, e);
	if (r == 0)
		r = db_exec(db, e, sql_add, "titttiiitti", made.id, user_id, wish->name,
			    access_scope_word(wish->scope), secret_sha256, made.created_ms,
			    made.expires_ms, by ? by->user_id : 0, buf_str(&permissions),
			    buf_str(&ips), wish->rate_per_minute);
	if (r == 0)
		r = audit_add(db, by, "token.create", made.id, wish->name, e);
	if (r == 0)
		*ret_made = made;
	return r;
}

/* A stolen token of scope read must not end the token its owner would answer with. */
static int check_may_revoke(struct db *db, const struct caller *by, const char *id, struct err *e)
{
	static const char sql_scope[] =
		"SELECT scope FROM token WHERE id = ?1 AND (?2 OR user_id = ?3)";
	bool any = by->is_admin && by->scope == SCOPE_ADMIN;
	enum access_scope scope = SCOPE_READ;
	AUTO_FREE char *word = NULL;
	int r = db_get_text(db, &word, e, sql_scope, "tii", id, (int64_t)any, by->user_id);

	if (r == 0 && !word)
		r = err_set(e, ERR_NOT_FOUND, "Token not found");
	if (r == 0)
		r = access_scope_parse(word, &scope, e);
	return r < 0 ? r : access_need_scope(by, scope, e);
}

int token_revoke(struct db *db, const struct caller *by, const char *id, struct err *e)
{
	static const char sql_revoke[] =
		"UPDATE token SET revoked_ms = coalesce(revoked_ms, ?1) WHERE id = ?2";
	int r = check_may_revoke(db, by, id, e);

	if (r == 0)
		r = db_exec(db, e, sql_revoke, "it", time_now(), id);
	return r < 0 ? r : access_changed(db, by, "token.revoke", id, NULL, e);
}

static void add_token(struct json_out *out, const struct stmt *q)
{
	char prefix[TOKEN_PREFIX_LEN + TOKEN_ID_LEN + 1];

	(void)snprintf(prefix, sizeof(prefix), TOKEN_PREFIX "%s", stmt_text(q, 0));
	json_open(out, NULL, '{');
	json_add_text(out, "id", stmt_text(q, 0));
	json_add_text(out, "name", stmt_text(q, 1));
	json_add_text(out, "user", stmt_text(q, 2));
	json_add_text(out, "scope", stmt_text(q, 3));
	json_add_text(out, "prefix", prefix);
	access_add_time(out, "created_at", stmt_int(q, 4));
	access_add_time(out, "expires_at", stmt_int(q, 5));
	access_add_time(out, "last_used_at", stmt_int(q, 6));
	access_add_time(out, "revoked_at", stmt_int(q, 7));
	json_add_text(out, "permissions", stmt_text(q, 8));
	json_close(out);
}

int token_list(struct db *db, const struct caller *by, bool all, struct json_out *out,
	       struct err *e)
{
	static const char sql_list[] =
		"SELECT t.id, t.name, u.email, t.scope, t.created_ms, t.expires_ms,"
		" t.last_used_ms, t.revoked_ms, t.permissions FROM token t JOIN user u ON u.id = t.user_id"
		" WHERE ?1 OR t.user_id = ?2 ORDER BY t.created_ms, t.id";
	AUTO_STMT struct stmt *q = NULL;
	int r = all ? access_need_admin(by, e) : 0;

	if (r == 0)
		r = db_query(db, &q, e, sql_list, "ii", (int64_t)all, by->user_id);
	if (r < 0)
		return r;
	while ((r = stmt_next(q, e)) > 0)
		add_token(out, q);
	return r;
}
