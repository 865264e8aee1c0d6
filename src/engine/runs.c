/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/runs.h"

#include "engine/runs-internal.h"
#include "engine/schedule.h"
#include "engine/zone.h"

/*
 * schedule_job.next_ms is what the last judgement said, and what the next one is looked up by;
 * schedule_clock.seen_ms is the latest time at which any was made, so that a clock which was set
 * back is noticed, and then all are judged anew.
 */
static const char *const migrations[] = {
	"CREATE TABLE schedule_job(name TEXT PRIMARY KEY, schedule TEXT NOT NULL, zone TEXT,"
	" call TEXT NOT NULL, listed INTEGER NOT NULL, anchor_ms INTEGER NOT NULL,"
	" covered_ms INTEGER NOT NULL, retry_ms INTEGER NOT NULL DEFAULT 0,"
	" attempts INTEGER NOT NULL DEFAULT 0, next_ms INTEGER NOT NULL, running INTEGER,"
	" last_run INTEGER, last_success_ms INTEGER, failures INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX schedule_job_next ON schedule_job(next_ms)"
	" WHERE listed=1 AND running IS NULL;"
	"CREATE TABLE schedule_run(id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL,"
	" token TEXT NOT NULL, planned_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
	" finished_ms INTEGER, outcome TEXT, status INTEGER, duration_ms INTEGER,"
	" next_ms INTEGER, detail TEXT);"
	"CREATE INDEX schedule_run_job ON schedule_run(job, id);"
	"CREATE INDEX schedule_run_open ON schedule_run(id) WHERE finished_ms IS NULL;"
	"CREATE TABLE schedule_clock(one INTEGER PRIMARY KEY CHECK(one=1),"
	" seen_ms INTEGER NOT NULL);"
	"INSERT INTO schedule_clock(one, seen_ms) VALUES(1, 0);",
	NULL,
};

const struct db_schema runs_schema = { "schedule", migrations };

/* Zones that were opened for the jobs of one call: many jobs, few zones. */
struct known_zone {
	char *name;
	struct zone *zone;
};

void zones_release(struct zones *zones)
{
	for (size_t i = 0; i < zones->n; i++) {
		free(zones->v[i].name);
		zone_free(zones->v[i].zone);
	}
	free(zones->v);
	*zones = (struct zones){ 0 };
}

static int find_zone(struct zones *zones, const char *name, const struct zone **ret_zone,
		     struct err *e)
{
	struct zone *zone = NULL;

	*ret_zone = NULL;
	if (!name)
		return 0;
	for (size_t i = 0; i < zones->n; i++)
		if (str_eq(zones->v[i].name, name)) {
			*ret_zone = zones->v[i].zone;
			return 0;
		}
	if (zone_open(name, &zone, e) < 0)
		return e->code;
	zones->v = xgrow(zones->v, &zones->capacity, zones->n + 1, sizeof(*zones->v));
	zones->v[zones->n++] = (struct known_zone){ xstrdup(name), zone };
	*ret_zone = zone;
	return 0;
}

int zones_parse(struct zones *zones, const char *text, const char *zone, struct schedule *ret,
		struct err *e)
{
	const struct zone *z = NULL;
	int r = find_zone(zones, zone, &z, e);

	return r < 0 ? r : schedule_parse(text, z, ret, e);
}

static int add_job(struct db *db, const struct runs_job *job, const struct schedule *s, int64_t now,
		   struct err *e)
{
	static const char sql[] =
		"INSERT INTO schedule_job(name, schedule, zone, call, listed, anchor_ms,"
		" covered_ms, next_ms) VALUES(?1, ?2, ?3, ?4, 1, ?5, ?6, ?7)";

	return db_exec(db, e, sql, "ttttiii", job->name, job->schedule, job->zone, job->call,
		       job->anchor_ms, now - 1, schedule_next(s, job->anchor_ms, now - 1));
}

static int change_job(struct db *db, const struct runs_job *job, const struct schedule *s,
		      int64_t anchor, int64_t now, struct err *e)
{
	static const char sql[] =
		"UPDATE schedule_job SET schedule=?2, zone=?3, call=?4, listed=1, anchor_ms=?5,"
		" covered_ms=?6, next_ms=?7, retry_ms=0, attempts=0 WHERE name=?1";

	/* An anchor of its first days could still lie ahead, by the old schedule's measure. */
	if (anchor > now)
		anchor = now;
	return db_exec(db, e, sql, "ttttiii", job->name, job->schedule, job->zone, job->call,
		       anchor, now, schedule_next(s, anchor, now));
}

/* While a table is being set, the jobs of the one before are marked 2. */
static int set_job(struct db *db, struct zones *zones, const struct runs_job *job, int64_t now,
		   struct err *e)
{
	static const char sql_find[] =
		"SELECT schedule=?2 AND zone IS ?3 AND listed=2, anchor_ms FROM schedule_job"
		" WHERE name=?1";
	static const char sql_keep[] = "UPDATE schedule_job SET call=?2, listed=1 WHERE name=?1";
	AUTO_STMT struct stmt *q = NULL;
	struct schedule s;
	bool same;
	int64_t anchor;
	int r = zones_parse(zones, job->schedule, job->zone, &s, e);

	if (r == 0)
		r = db_query(db, &q, e, sql_find, "ttt", job->name, job->schedule, job->zone);
	if (r == 0)
		r = stmt_next(q, e);
	if (r < 0)
		return r;
	if (r == 0)
		return add_job(db, job, &s, now, e);
	same = stmt_int(q, 0) != 0;
	anchor = stmt_int(q, 1);
	stmt_done(TAKE(q));
	if (same)
		return db_exec(db, e, sql_keep, "tt", job->name, job->call);
	return change_job(db, job, &s, anchor, now, e);
}

int runs_set_jobs(struct db *db, const struct runs_job *jobs, size_t n, int64_t now_ms,
		  struct err *e)
{
	static const char sql_mark[] = "UPDATE schedule_job SET listed=2 WHERE listed=1";
	static const char sql_drop[] = "UPDATE schedule_job SET listed=0 WHERE listed=2";
	AUTO_ZONES struct zones zones = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct schedule ignored;

		if (zones_parse(&zones, jobs[i].schedule, jobs[i].zone, &ignored, e) < 0)
			return err_in(e, "job '%s'", jobs[i].name);
	}
	r = db_exec(db, e, sql_mark, "");
	for (size_t i = 0; r == 0 && i < n; i++)
		r = set_job(db, &zones, &jobs[i], now_ms, e);
	return r < 0 ? r : db_exec(db, e, sql_drop, "");
}
