/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/ledger.h"

#include "base/str.h"
#include "base/time.h"

static const char *const migrations[] = {
	"CREATE TABLE ledger(space TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,"
	" recorded_ms INTEGER NOT NULL, PRIMARY KEY(space, key))",
	NULL,
};

const struct db_schema ledger_schema = { "ledger", migrations };

int ledger_get(struct db *db, const char *space, const char *key, char **ret_fingerprint,
	       struct err *e)
{
	return db_get_text(db, ret_fingerprint, e,
			   "SELECT fingerprint FROM ledger WHERE space=?1 AND key=?2", "tt", space,
			   key);
}

int ledger_seen(struct db *db, const char *space, const char *key, const char *fingerprint,
		struct err *e)
{
	AUTO_FREE char *recorded = NULL;
	int r = ledger_get(db, space, key, &recorded, e);

	return r < 0 ? r : recorded && str_eq(recorded, fingerprint);
}

int ledger_put(struct db *db, const char *space, const char *key, const char *fingerprint,
	       struct err *e)
{
	return db_exec(db, e,
		       "INSERT INTO ledger(space, key, fingerprint, recorded_ms)"
		       " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(space, key) DO UPDATE"
		       " SET fingerprint=excluded.fingerprint, recorded_ms=excluded.recorded_ms",
		       "ttti", space, key, fingerprint, time_now());
}

int ledger_forget(struct db *db, const char *space, const char *key, struct err *e)
{
	if (!key)
		return db_exec(db, e, "DELETE FROM ledger WHERE space=?1", "t", space);
	return db_exec(db, e, "DELETE FROM ledger WHERE space=?1 AND key=?2", "tt", space, key);
}

int ledger_visit(struct db *db, const char *space, ledger_visit_fn visit, void *ctx, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e,
			 "SELECT key, fingerprint, recorded_ms FROM ledger WHERE space=?1"
			 " ORDER BY key",
			 "t", space);

	while (r >= 0 && (r = stmt_next(q, e)) > 0)
		r = visit(ctx, stmt_text(q, 0), stmt_text(q, 1), stmt_int(q, 2), e);
	return r;
}
