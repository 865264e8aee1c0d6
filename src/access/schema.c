/* SPDX-License-Identifier: Apache-2.0 */
#include "access/access-internal.h"

/* AUTOINCREMENT: an id in the audit or in a grant's address never comes to mean another row. */
static const char migration_1[] =
	"CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE,"
	" name TEXT, active INTEGER NOT NULL DEFAULT 1, created_ms INTEGER NOT NULL,"
	" last_pull_ms INTEGER);"
	"CREATE TABLE user_group (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" created_ms INTEGER NOT NULL);"
	"INSERT INTO user_group (id, name, created_ms) VALUES ('admin', 'admin', 0);"
	"CREATE TABLE member (group_id TEXT NOT NULL REFERENCES user_group(id) ON DELETE CASCADE,"
	" user_id INTEGER NOT NULL REFERENCES user(id), PRIMARY KEY (user_id, group_id));"
	"CREATE INDEX member_by_group ON member (group_id);"
	"CREATE TABLE token (id TEXT PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES user(id),"
	" name TEXT NOT NULL, scope TEXT NOT NULL, secret_sha256 TEXT NOT NULL,"
	" created_ms INTEGER NOT NULL, expires_ms INTEGER, last_used_ms INTEGER,"
	" revoked_ms INTEGER, created_by INTEGER REFERENCES user(id));"
	"CREATE INDEX token_by_user ON token (user_id);"
	"CREATE TABLE resource_grant (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" group_id TEXT NOT NULL REFERENCES user_group(id) ON DELETE CASCADE,"
	" resource_type TEXT NOT NULL, resource_id TEXT NOT NULL, created_ms INTEGER NOT NULL,"
	" UNIQUE (group_id, resource_type, resource_id));"
	"CREATE INDEX grant_by_resource ON resource_grant (resource_type, resource_id);"
	"CREATE TABLE generation (name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
	"CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,"
	" user_id INTEGER, action TEXT NOT NULL, resource TEXT, detail TEXT);";

/* What a grant is limited to (access.h); null: nothing. */
static const char migration_2[] = "ALTER TABLE resource_grant ADD COLUMN rights TEXT;"
				  "CREATE INDEX grant_limited ON resource_grant (resource_id)"
				  " WHERE rights IS NOT NULL;";
/* A key: a token that may do only what it names, from where it says, so often. */
static const char migration_3[] = "ALTER TABLE token ADD COLUMN permissions TEXT;"
				  "ALTER TABLE token ADD COLUMN allowed_ips TEXT;"
				  "ALTER TABLE token ADD COLUMN rate_per_minute INTEGER;";

static const char *const migrations[] = { migration_1, migration_2, migration_3, NULL };

const struct db_schema access_schema = { .component = "access", .migrations = migrations };
