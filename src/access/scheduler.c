/* SPDX-License-Identifier: Apache-2.0 */
#include "access/scheduler.h"

#include "access/access-internal.h"
#include "base/hash.h"
#include "base/time.h"
#include <ctype.h>

static struct bytes strip(const char *text)
{
	size_t n;

	while (text && isspace((unsigned char)*text))
		text++;
	n = text ? strlen(text) : 0;
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	return (struct bytes){ text, n };
}

/* On demand, and again when it was removed. */
static int ensure_user(struct db *db, struct err *e)
{
	static const char sql_member[] =
		"INSERT INTO member (group_id, user_id) SELECT '" ACCESS_ADMIN_GROUP "', id"
		" FROM user WHERE email = '" SCHEDULER_EMAIL "' ON CONFLICT DO NOTHING";
	int r = user_add(db, NULL, SCHEDULER_EMAIL, "the scheduler", e);

	if (r == ERR_CONFLICT)
		r = 0;
	return r < 0 ? r : db_exec(db, e, sql_member, "");
}

static int put(struct db *db, const char *sha256, struct err *e)
{
	static const char sql[] =
		"INSERT INTO token (id, user_id, name, scope, secret_sha256, created_ms)"
		" SELECT '" SCHEDULER_TOKEN_ID
		"', id, 'scheduler secret', 'admin', ?1, ?2 FROM user"
		" WHERE email = '" SCHEDULER_EMAIL "' ON CONFLICT (id) DO UPDATE"
		" SET secret_sha256 = excluded.secret_sha256, created_ms = excluded.created_ms,"
		" revoked_ms = NULL, user_id = excluded.user_id";
	int r = ensure_user(db, e);

	if (r == 0)
		r = db_exec(db, e, sql, "ti", sha256, time_now());
	return r < 0 ? r : audit_add(db, NULL, "scheduler.secret", SCHEDULER_EMAIL, "set", e);
}

static int end(struct db *db, struct err *e)
{
	static const char sql[] = "UPDATE token SET revoked_ms = ?1 WHERE id = '" SCHEDULER_TOKEN_ID
				  "' AND revoked_ms IS NULL";
	int r = db_exec(db, e, sql, "i", time_now());

	if (r == 0 && db_changes(db) > 0)
		r = audit_add(db, NULL, "scheduler.secret", SCHEDULER_EMAIL, "unset", e);
	return r;
}

int scheduler_set_secret(struct db *db, const char *secret, struct err *e)
{
	static const char sql[] =
		"SELECT count(*) FROM token t JOIN user u ON u.id = t.user_id JOIN member m"
		" ON m.user_id = u.id AND m.group_id = '" ACCESS_ADMIN_GROUP "'"
		" WHERE t.id = '" SCHEDULER_TOKEN_ID "' AND t.secret_sha256 = ?1"
		" AND t.revoked_ms IS NULL AND u.active = 1";
	struct bytes text = strip(secret);
	char sha256[HASH_HEX_MAX];
	int64_t same = 0;
	int r;

	if (text.n < SCHEDULER_SECRET_MIN) {
		r = end(db, e);
		return r < 0 ? r : 0;
	}
	hash_text(HASH_SHA256, text, sha256);
	r = db_get_int(db, &same, 0, e, sql, "t", sha256);
	if (r == 0 && !same)
		r = put(db, sha256, e);
	return r < 0 ? r : 1;
}
