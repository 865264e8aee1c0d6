/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing a database to the schemas of this program; knows no backend. */
#include "db/db.h"

#include <inttypes.h>

static const char sql_schema[] =
	"CREATE TABLE IF NOT EXISTS schema(component TEXT PRIMARY KEY, version INTEGER NOT NULL)";

static int64_t newest(const struct db_schema *schema)
{
	int64_t n = 0;

	while (schema->migrations[n])
		n++;
	return n;
}

/* Refuses a component that is ahead, and a number that no program ever wrote. */
static int version_of(struct db *db, const struct db_schema *schema, int64_t *ret_version,
		      struct err *e)
{
	int r = db_get_int(db, ret_version, 0, e, "SELECT version FROM schema WHERE component=?1",
			   "t", schema->component);

	if (r < 0)
		return r;
	if (*ret_version < 0)
		return err_set(e, ERR_CORRUPT, "schema '%s' has the version %" PRId64,
			       schema->component, *ret_version);
	if (*ret_version <= newest(schema))
		return 0;
	err_set(e, ERR_CORRUPT,
		"written by a newer larder: '%s' is at version %" PRId64
		", this program knows %" PRId64,
		schema->component, *ret_version, newest(schema));
	return err_hint(e, "install the newer larder and run the command again");
}

/* 1 when every component is at its newest version, 0 when there is something to do. */
static int is_current(struct db *db, const struct db_schema *const *schemas, size_t n,
		      struct err *e)
{
	bool current = true;
	int r = db_is_migrated(db, e);

	if (r <= 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		int64_t version = 0;

		r = version_of(db, schemas[i], &version, e);
		if (r < 0)
			return r;
		current = current && version == newest(schemas[i]);
	}
	return current;
}

/* Asks for the version again: another process may have migrated while we waited for the lock. */
static int migrate_component(struct db *db, const struct db_schema *schema, struct err *e)
{
	int64_t version = 0;
	int r = version_of(db, schema, &version, e);

	for (; r == 0 && schema->migrations[version]; version++) {
		r = db_script(db, schema->migrations[version], e);
		if (r < 0)
			return err_in(e, "schema '%s' version %" PRId64, schema->component,
				      version + 1);
	}
	if (r < 0)
		return r;
	return db_exec(db, e,
		       "INSERT INTO schema(component, version) VALUES(?1, ?2)"
		       " ON CONFLICT(component) DO UPDATE SET version=excluded.version",
		       "ti", schema->component, version);
}

int db_migrate(struct db *db, const struct db_schema *const *schemas, size_t n, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = is_current(db, schemas, n, e);

	if (r != 0)
		return r < 0 ? r : 0;
	if (db_is_read_only(db)) {
		err_set(e, ERR_CONFLICT, "written by an older larder and opened read-only");
		return err_hint(e, "run a larder command that writes there first");
	}
	r = db_begin_tx(db, &tx, e);
	if (r == 0)
		r = db_script(db, sql_schema, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = migrate_component(db, schemas[i], e);
	return r < 0 ? r : db_commit(db, e);
}
