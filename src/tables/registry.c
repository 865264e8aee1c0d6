/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/registry.h"

#include "base/time.h"
#include "tables/registry-internal.h"

/*
 * Part rows of a one-file table have the path ''. An object is 'uploaded' while it waits in staging
 * (under the name `staged`) for a publish, then 'stored' in the objects folder. A conversion says
 * which stored object a source became, so that publishing the same source again converts nothing.
 */
static const char *const migrations[] = {
	"CREATE TABLE tbl(id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT,"
	" query_mode TEXT NOT NULL, source_type TEXT, sort_by TEXT, created_ms INTEGER NOT NULL,"
	" current_version INTEGER);"
	"CREATE TABLE version(id INTEGER PRIMARY KEY, table_id TEXT NOT NULL,"
	" sha256 TEXT NOT NULL, md5 TEXT NOT NULL, rows INTEGER, size_bytes INTEGER,"
	" parts INTEGER NOT NULL, created_ms INTEGER NOT NULL, created_by TEXT,"
	" retired_ms INTEGER);"
	"CREATE INDEX version_of_table ON version(table_id, sha256);"
	"CREATE INDEX version_retired ON version(retired_ms) WHERE retired_ms IS NOT NULL;"
	"CREATE TABLE part(version_id INTEGER NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL,"
	" md5 TEXT NOT NULL, size_bytes INTEGER NOT NULL, rows INTEGER,"
	" PRIMARY KEY(version_id, path)) WITHOUT ROWID;"
	"CREATE INDEX part_of_object ON part(sha256);"
	"CREATE TABLE object(sha256 TEXT PRIMARY KEY, md5 TEXT NOT NULL,"
	" size_bytes INTEGER NOT NULL, rows INTEGER, columns TEXT,"
	" state TEXT NOT NULL CHECK(state IN ('uploaded', 'stored')), staged TEXT,"
	" created_ms INTEGER NOT NULL);"
	"CREATE INDEX object_uploaded ON object(created_ms) WHERE state='uploaded';"
	"CREATE TABLE conversion(source_sha256 TEXT NOT NULL, how TEXT NOT NULL,"
	" result_sha256 TEXT NOT NULL, PRIMARY KEY(source_sha256, how));"
	"CREATE INDEX conversion_result ON conversion(result_sha256);",
	"CREATE TABLE column_statistics(sha256 TEXT NOT NULL, position INTEGER NOT NULL,"
	" name TEXT NOT NULL, type TEXT NOT NULL, nulls INTEGER, distinct_values INTEGER,"
	" min TEXT, max TEXT, common TEXT NOT NULL, rows INTEGER NOT NULL,"
	" PRIMARY KEY(sha256, position)) WITHOUT ROWID;"
	"CREATE INDEX version_of_contents ON version(sha256);",
	/* The chunk index beside a large object, if it has one. */
	"ALTER TABLE object ADD COLUMN chunks_sha256 TEXT;"
	"ALTER TABLE object ADD COLUMN chunks_bytes INTEGER;",
	/* Columns of the key, and where the parts of a version begin (duck/parts.h). */
	"ALTER TABLE tbl ADD COLUMN key_by TEXT;"
	"ALTER TABLE version ADD COLUMN borders TEXT;",
	/* What those see of a version whose grants are limited, made when first needed. */
	"CREATE TABLE excerpt(id INTEGER PRIMARY KEY, version_id INTEGER NOT NULL,"
	" rights TEXT NOT NULL, sha256 TEXT NOT NULL, md5 TEXT NOT NULL, rows INTEGER NOT NULL,"
	" size_bytes INTEGER NOT NULL, created_ms INTEGER NOT NULL, UNIQUE(version_id, rights));"
	"CREATE INDEX excerpt_of_object ON excerpt(sha256);",
	/* What was found out about tables that stay at their source (metadata.h). */
	"CREATE TABLE table_metadata(table_id TEXT PRIMARY KEY, rows INTEGER, size_bytes INTEGER,"
	" partition_by TEXT, clustered_by TEXT, entity_type TEXT, known_columns TEXT,"
	" refreshed_ms INTEGER, error_ms INTEGER, error_msg TEXT);"
	"CREATE INDEX tbl_by_name ON tbl(name COLLATE NOCASE);"
	"CREATE INDEX tbl_by_id ON tbl(id COLLATE NOCASE);",
	/* Their columns with types. */
	"ALTER TABLE table_metadata ADD COLUMN columns TEXT;",
	/* The patch beside a part, if it has one, and of which object. */
	"ALTER TABLE object ADD COLUMN patch_from TEXT;"
	"ALTER TABLE object ADD COLUMN patch_sha256 TEXT;"
	"ALTER TABLE object ADD COLUMN patch_bytes INTEGER;",
	NULL,
};

const struct db_schema tables_schema = { "tables", migrations };

#define TABLE_COLUMNS                                                                                      \
	"SELECT t.id, t.name, t.description, t.query_mode, t.source_type, t.sort_by,"                      \
	" t.created_ms, v.id, " SEEN("sha256") ", " SEEN("md5") ", " SEEN("rows") ", " SEEN(               \
		"size_bytes") ", CASE WHEN r.rights='' THEN v.parts ELSE 1 END, v.created_ms,"             \
			      " nullif(r.rights, ''), x.id, t.key_by FROM r JOIN tbl t ON t.id=r.table_id" \
			      " LEFT JOIN version v ON v.id=t.current_version" JOIN_EXCERPT                \
			      " WHERE r.rights IS NOT NULL"

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

void table_release(struct table *t)
{
	free(t->id);
	free(t->name);
	free(t->description);
	free(t->query_mode);
	free(t->source_type);
	free(t->sort_by);
	free(t->key_by);
	free(t->sha256);
	free(t->md5);
	free(t->rights);
	*t = (struct table){ 0 };
}

static int64_t int_or_unknown(const struct stmt *q, int column)
{
	return stmt_is_null(q, column) ? -1 : stmt_int(q, column);
}

static struct table read_table(const struct stmt *q)
{
	return (struct table){ .id = copy(stmt_text(q, 0)),
			       .name = copy(stmt_text(q, 1)),
			       .description = copy(stmt_text(q, 2)),
			       .query_mode = copy(stmt_text(q, 3)),
			       .source_type = copy(stmt_text(q, 4)),
			       .sort_by = copy(stmt_text(q, 5)),
			       .created_ms = stmt_int(q, 6),
			       .version = stmt_int(q, 7),
			       .sha256 = copy(stmt_text(q, 8)),
			       .md5 = copy(stmt_text(q, 9)),
			       .rows = int_or_unknown(q, 10),
			       .size_bytes = int_or_unknown(q, 11),
			       .parts = stmt_int(q, 12),
			       .updated_ms = stmt_int(q, 13),
			       .rights = copy(stmt_text(q, 14)),
			       .excerpt = stmt_int(q, 15),
			       .key_by = copy(stmt_text(q, 16)) };
}

/* The same for what is not there and for what the caller may not see. */
static int no_table(const char *name, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "table '%.*s' not found", NAME_MAX_LEN, name);
}

int registry_find(struct db *db, const struct caller *caller, const char *id_or_name,
		  struct table *ret_table, struct err *e)
{
	static const char sql[] = "WITH r AS MATERIALIZED (SELECT t.id AS table_id, " RIGHTS_OR_ALL(
		"?2", "?3",
		"t.id") " AS rights FROM tbl t WHERE t.id=?1 OR t.name=?1) " TABLE_COLUMNS;
	AUTO_STMT struct stmt *q = NULL;
	bool all = !caller || caller->is_admin;
	int r;

	if (!name_is_table(id_or_name))
		return no_table(id_or_name, e);
	r = db_query(db, &q, e, sql, "tii", id_or_name, (int64_t)all,
		     all ? (int64_t)0 : caller->user_id);
	if (r == 0)
		r = stmt_next(q, e);
	if (r < 0)
		return r;
	if (r == 0)
		return no_table(id_or_name, e);
	*ret_table = read_table(q);
	return 0;
}

int registry_list(struct db *db, const struct caller *caller, registry_visit_fn visit, void *ctx,
		  struct err *e)
{
	static const char sql[] = "WITH r AS MATERIALIZED (SELECT t.id AS table_id, " RIGHTS_OR_ALL(
		"?1", "?2",
		"t.id") " AS rights FROM tbl t WHERE ?1=1 OR t.id IN " GRANTED_TABLES("?2") ") " TABLE_COLUMNS
											    " ORDER BY t.name";
	AUTO_STMT struct stmt *q = NULL;
	bool all = !caller || caller->is_admin;
	int r = db_query(db, &q, e, sql, "ii", (int64_t)all, all ? (int64_t)0 : caller->user_id);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		AUTO_TABLE struct table t = read_table(q);

		r = visit(ctx, &t, e);
	}
	return r;
}

/* Would the text mean two tables? DuckDB knows no capitals in names: two that differ only there would
 * be one view. */
static int check_taken(struct db *db, const char *id, const char *text, struct err *e)
{
	int64_t taken = 0;
	int r;

	if (!name_is_table(text))
		return err_set(
			e, ERR_USAGE,
			"'%.*s' cannot be the name of a table: letters, digits, '_', '.' and "
			"'-', up to %d, not starting with '.' or '-'",
			NAME_MAX_LEN, text, NAME_MAX_LEN);
	r = db_get_int(db, &taken, 0, e,
		       "SELECT 1 FROM tbl WHERE id<>?1 AND (id=?2 COLLATE NOCASE"
		       " OR name=?2 COLLATE NOCASE) LIMIT 1",
		       "tt", id, text);
	if (r < 0 || !taken)
		return r;
	return err_set(e, ERR_CONFLICT, "there is a table '%s' already, capitals aside", text);
}

static int check_text(const char *what, const char *text, size_t max, struct err *e)
{
	if (!text || (strlen(text) <= max && text_is_clean(bytes_of(text))))
		return 0;
	return err_set(e, ERR_USAGE, "the %s must be clean text of at most %zu bytes", what, max);
}

static int check_values(const struct table_change *t, struct err *e)
{
	int r = check_text("description", t->description, TABLE_DESCRIPTION_MAX, e);

	if (r == 0)
		r = check_text("source type", t->source_type, TABLE_SOURCE_MAX, e);
	if (r == 0)
		r = check_text("order", t->sort_by, TABLE_SORT_MAX, e);
	if (r == 0)
		r = check_text("key", t->key_by, TABLE_SORT_MAX, e);
	if (r < 0 || !t->query_mode || str_eq(t->query_mode, "local") ||
	    str_eq(t->query_mode, "materialized") || str_eq(t->query_mode, "remote"))
		return r;
	return err_set(e, ERR_USAGE, "the query mode must be 'local', 'materialized' or 'remote'");
}

int registry_add(struct db *db, const struct table_change *table, struct err *e)
{
	static const char sql[] = "INSERT INTO tbl(id, name, description, query_mode, source_type,"
				  " sort_by, created_ms, key_by) VALUES(?1, ?2, nullif(?3, ''), ?4,"
				  " nullif(?5, ''), nullif(?6, ''), ?7, nullif(?8, ''))";
	const char *name = table->name ? table->name : table->id;
	int r = check_taken(db, "", table->id, e);

	if (r == 0)
		r = check_taken(db, "", name, e);
	if (r == 0)
		r = check_values(table, e);
	if (r == 0)
		r = db_exec(db, e, sql, "ttttttit", table->id, name, table->description,
			    table->query_mode ? table->query_mode : "local", table->source_type,
			    table->sort_by, time_now(), table->key_by);
	return r < 0 ? r : generation_bump(db, "tables", e);
}

int registry_change(struct db *db, const char *id, const struct table_change *change, struct err *e)
{
	static const char sql[] = "UPDATE tbl SET name=coalesce(?2, name),"
				  " description=nullif(coalesce(?3, description), ''),"
				  " query_mode=coalesce(?4, query_mode),"
				  " source_type=nullif(coalesce(?5, source_type), ''),"
				  " sort_by=nullif(coalesce(?6, sort_by), ''),"
				  " key_by=nullif(coalesce(?7, key_by), '') WHERE id=?1";
	int r = change->name ? check_taken(db, id, change->name, e) : 0;

	if (r == 0)
		r = check_values(change, e);
	if (r == 0)
		r = db_exec(db, e, sql, "ttttttt", id, change->name, change->description,
			    change->query_mode, change->source_type, change->sort_by,
			    change->key_by);
	if (r == 0 && db_changes(db) == 0)
		return no_table(id, e);
	return r < 0 ? r : generation_bump(db, "tables", e);
}
