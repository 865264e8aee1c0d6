/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/lease.h"

#include "base/hash.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"

#include <limits.h>
#include <time.h>

/* A holder that gives way at once is met within 5 ms; a long one is asked four times a second. */
#define PAUSE_FIRST_MS 5
#define PAUSE_MAX_MS   250
/* 128 bits: no two leases share a token. */
#define TOKEN_BYTES 16
_Static_assert(LEASE_TOKEN_MAX == RANDOM_TEXT_MAX, "a token fits");

static const char *const migrations[] = {
	"CREATE TABLE lease(name TEXT PRIMARY KEY, token TEXT NOT NULL, holder TEXT NOT NULL,"
	" owner TEXT NOT NULL, host TEXT NOT NULL, expires_ms INTEGER NOT NULL)",
	NULL,
};

const struct db_schema lease_schema = { "lease", migrations };

struct lease {
	struct db *db;
	char *name;
	int64_t ttl_ms;
	char token[RANDOM_TEXT_MAX];
};

static void own_host(char out[HOST_NAME_MAX + 1])
{
	if (gethostname(out, HOST_NAME_MAX + 1) < 0)
		out[0] = '\0';
	out[HOST_NAME_MAX] = '\0';
}

static int held_by(const char *name, const struct stmt *row, int64_t now, struct err *e)
{
	int64_t left_s = (stmt_int(row, 3) - now + 999) / 1000;

	err_set(e, ERR_BUSY, "'%s' is held by %s (process %.*s on %s)", name, stmt_text(row, 0),
		(int)strcspn(stmt_text(row, 1), "/"), stmt_text(row, 1), stmt_text(row, 2));
	return err_hint(e, "try again when it has ended; its hold lapses in %lld s at the latest",
			(long long)left_s);
}

/* ERR_BUSY when another holds it and may still be at work. */
static int check_free(struct db *db, const char *name, int64_t now, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e,
			 "SELECT holder, owner, host, expires_ms FROM lease WHERE name=?1", "t",
			 name);

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0 || stmt_int(q, 3) <= now || proc_liveness(stmt_text(q, 1)) == PROC_DEAD)
		return r < 0 ? r : 0;
	return held_by(name, q, now, e);
}

static int put(struct db *db, const struct lease_claim *c, const char *token, int64_t now,
	       struct err *e)
{
	static const char sql[] =
		"INSERT INTO lease(name, token, holder, owner, host, expires_ms)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(name) DO UPDATE"
		" SET token=excluded.token, holder=excluded.holder, owner=excluded.owner,"
		" host=excluded.host, expires_ms=excluded.expires_ms";

	return db_exec(db, e, sql, "ttttti", c->name, token, c->holder, c->owner, c->host,
		       now + c->ttl_ms);
}

static int put_own(struct lease *lease, const char *holder, int64_t now, struct err *e)
{
	char owner[PROC_IDENTITY_MAX];
	char host[HOST_NAME_MAX + 1];
	const struct lease_claim claim = { .name = lease->name,
					   .holder = holder,
					   .owner = owner,
					   .host = host,
					   .ttl_ms = lease->ttl_ms };

	proc_identity(getpid(), owner);
	own_host(host);
	return put(lease->db, &claim, lease->token, now, e);
}

static void lease_free(struct lease *lease)
{
	free(lease->name);
	free(lease);
}

int lease_take(struct db *db, const char *name, int64_t ttl_ms, const char *holder,
	       struct lease **ret_lease, struct err *e)
{
	struct lease *lease;
	int64_t now;
	int r = db_begin_lazy(db, e);

	if (r < 0)
		return r;
	now = time_now(); /* after waiting for the lock */
	lease = xcalloc(1, sizeof(*lease));
	lease->db = db;
	lease->name = xstrdup(name);
	lease->ttl_ms = ttl_ms;
	random_text(TOKEN_BYTES, lease->token);
	r = check_free(db, name, now, e);
	if (r == 0)
		r = put_own(lease, holder, now, e);
	if (r == 0)
		r = db_commit(db, e);
	if (r < 0) {
		db_rollback(db);
		lease_free(lease);
		return r;
	}
	*ret_lease = lease;
	return 0;
}

static void pause_ms(int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL); /* a signal ends the pause early: we only look sooner */
}

int lease_wait(struct db *db, const struct lease_wait_options *options, struct lease **ret_lease,
	       struct err *e)
{
	int64_t until = time_monotonic() + options->wait_ms;
	int64_t pause = PAUSE_FIRST_MS;

	for (;;) {
		int r = lease_take(db, options->name, options->ttl_ms, options->holder, ret_lease,
				   e);
		int64_t left = until - time_monotonic();

		if (r != ERR_BUSY || left <= 0)
			return r;
		pause_ms(pause < left ? pause : left);
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
	}
}

int lease_check(struct lease *lease, struct err *e)
{
	int64_t now = time_now();
	int64_t expires;
	int r = db_get_int(lease->db, &expires, 0, e,
			   "SELECT expires_ms FROM lease WHERE name=?1 AND token=?2", "tt",
			   lease->name, lease->token);

	if (r < 0)
		return r;
	if (expires == 0)
		return err_set(e, ERR_BUSY, "the hold on '%s' was lost to another process",
			       lease->name);
	if (expires - now > lease->ttl_ms / 2)
		return 0;
	return db_exec(lease->db, e, "UPDATE lease SET expires_ms=?1 WHERE name=?2 AND token=?3",
		       "itt", now + lease->ttl_ms, lease->name, lease->token);
}

int lease_owner_lives(struct db *db, const char *name, struct err *e)
{
	pid_t unused;

	return lease_owner(db, name, &unused, e);
}

int lease_owner(struct db *db, const char *name, pid_t *ret_pid, struct err *e)
{
	AUTO_FREE char *owner = NULL;
	int r = db_get_text(db, &owner, e, "SELECT owner FROM lease WHERE name=?1", "t", name);

	if (r < 0 || !owner || proc_liveness(owner) != PROC_ALIVE)
		return r < 0 ? r : 0;
	*ret_pid = (pid_t)strtol(owner, NULL, 10); /* an identity begins with it: base/proc.h */
	return 1;
}

void lease_drop(struct lease *lease)
{
	struct err ignored = { 0 }; /* a row that stays is taken over when we are gone */
	struct db *db;
	bool own;

	if (!lease)
		return;
	db = lease->db;
	own = !db_in_transaction(db) && db_begin_lazy(db, &ignored) == 0;
	if (db_exec(db, &ignored, "DELETE FROM lease WHERE name=?1 AND token=?2", "tt", lease->name,
		    lease->token) == 0 &&
	    own)
		(void)db_commit(db, &ignored);
	else if (own)
		db_rollback(db);
	lease_free(lease);
}

int lease_hold(struct db *db, const struct lease_claim *claim, char ret_token[LEASE_TOKEN_MAX],
	       struct err *e)
{
	static const char sql[] = "SELECT token=?2, owner=?3 FROM lease WHERE name=?1";
	char token[RANDOM_TEXT_MAX];
	int64_t now = time_now();
	AUTO_STMT struct stmt *q = NULL;
	bool renews, own;
	int r = db_query(db, &q, e, sql, "ttt", claim->name, claim->token, claim->owner);

	if (r == 0)
		r = stmt_next(q, e);
	if (r < 0)
		return r;
	renews = r > 0 && stmt_int(q, 0) != 0;
	own = r > 0 && stmt_int(q, 1) != 0;
	stmt_done(TAKE(q));
	r = renews || own ? 0 : check_free(db, claim->name, now, e);
	if (r < 0)
		return r;
	random_text(TOKEN_BYTES, token);
	if (renews)
		(void)snprintf(token, sizeof(token), "%s", claim->token);
	r = put(db, claim, token, now, e);
	if (r == 0)
		memcpy(ret_token, token, sizeof(token));
	return r;
}

int lease_release(struct db *db, const char *name, const char *token, struct err *e)
{
	static const char sql[] = "DELETE FROM lease WHERE name=?1 AND token=?2";

	return db_exec(db, e, sql, "tt", name, token);
}

void lease_view_release(struct lease_view *view)
{
	free(view->holder);
	free(view->host);
}

int lease_look(struct db *db, const char *name, struct lease_view *ret_view, struct err *e)
{
	static const char sql[] = "SELECT holder, host, expires_ms, owner FROM lease WHERE name=?1";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "t", name);

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0 || stmt_int(q, 2) <= time_now() || proc_liveness(stmt_text(q, 3)) == PROC_DEAD)
		return r < 0 ? r : 0;
	*ret_view = (struct lease_view){ xstrdup(stmt_text(q, 0)), xstrdup(stmt_text(q, 1)),
					 stmt_int(q, 2) };
	return 1;
}

int lease_any(struct db *db, bool (*counts)(const char *name), struct err *e)
{
	static const char sql[] = "SELECT name, owner FROM lease WHERE expires_ms>?1";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "i", time_now());

	while (r >= 0 && (r = stmt_next(q, e)) > 0)
		if (counts(stmt_text(q, 0)) && proc_liveness(stmt_text(q, 1)) != PROC_DEAD)
			return 1;
	return r;
}
