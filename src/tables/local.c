/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/local.h"

#include "base/str.h"
#include "engine/journal.h"

#include <fcntl.h>

static const char schema_1[] =
	"CREATE TABLE ws_table (name TEXT PRIMARY KEY, id TEXT NOT NULL, version TEXT NOT NULL,"
	" hash TEXT NOT NULL, rows INTEGER, size_bytes INTEGER, updated TEXT NOT NULL,"
	" query_mode TEXT NOT NULL, parts INTEGER NOT NULL, changed_ms INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE ws_file (table_name TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL,"
	" md5 TEXT NOT NULL, size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
	" inode INTEGER NOT NULL, PRIMARY KEY (table_name, path)) WITHOUT ROWID;"
	"CREATE INDEX ws_file_sha256 ON ws_file (sha256);"
	"CREATE TABLE view_made (name TEXT PRIMARY KEY, files_sha256 TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE view_todo (name TEXT PRIMARY KEY) WITHOUT ROWID;";

/* Chunk indexes of the files that are here (held.h). */
static const char schema_2[] =
	"CREATE TABLE ws_index (id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE,"
	" text BLOB NOT NULL);"
	"CREATE TABLE ws_chunk (hash BLOB NOT NULL, file INTEGER NOT NULL, offset INTEGER NOT NULL,"
	" length INTEGER NOT NULL, PRIMARY KEY (hash, file, offset)) WITHOUT ROWID;";

/* What the hub says of the tables, to be shown without it. */
static const char schema_3[] = "ALTER TABLE ws_table ADD COLUMN description TEXT;";

/* What an extract of a remote table was asked for with; it goes with its table. */
static const char schema_4[] =
	"CREATE TABLE ws_snapshot (name TEXT PRIMARY KEY REFERENCES ws_table(name)"
	" ON DELETE CASCADE, request TEXT NOT NULL, refreshed_ms INTEGER NOT NULL);";

static const char *const migrations[] = { schema_1, schema_2, schema_3, schema_4, NULL };
const struct db_schema local_schema = { "local", migrations };

char *local_version_path(const char *sha256)
{
	return xasprintf(LOCAL_VERSIONS "/%s.parquet", sha256);
}

char *local_link_path(const char *table, const char *part)
{
	return *part ? xasprintf(LOCAL_LINKS "/%s/%s", table, part)
		     : xasprintf(LOCAL_LINKS "/%s.parquet", table);
}

char *local_link_target(const char *part, const char *sha256)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (*part)
		buf_adds(&out, "../");
	for (const char *p = part; *p; p++) {
		if (*p == '/')
			buf_adds(&out, "../");
	}
	buf_addf(&out, "../versions/%s.parquet", sha256);
	return buf_take(&out);
}

char *local_hive_target(const char *part, const char *sha256)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	buf_adds(&out, "../");
	for (const char *s = strchr(part, '/'); s; s = strchr(s + 1, '/'))
		buf_adds(&out, "../");
	buf_addf(&out, "%s.parquet", sha256);
	return buf_take(&out);
}

char *local_hive_path(const char *version, const char *part)
{
	return xasprintf(LOCAL_VERSIONS "/%s/%s", version, part);
}

bool local_is_hive(const struct local_table *table)
{
	for (size_t i = 0; i < table->file_count; i++) {
		if (strchr(table->files[i].path, '='))
			return true;
	}
	return false;
}

void local_add_paths(const struct root *root, const struct local_table *table, struct strv *out)
{
	bool hive = local_is_hive(table);

	for (size_t i = 0; i < table->file_count; i++) {
		const struct local_file *file = &table->files[i];
		AUTO_FREE char *path = hive ? local_hive_path(table->version, file->path)
					    : local_version_path(file->sha256);

		strv_addf(out, "%s/%s", root_path(root), path);
	}
}

static void copy_hash(char out[HASH_HEX_MAX], const char *text)
{
	(void)snprintf(out, HASH_HEX_MAX, "%s", text ? text : "");
}

static char *text_or_empty(const struct stmt *q, int column)
{
	const char *text = stmt_text(q, column);

	return xstrdup(text ? text : "");
}

static void fill_table(struct local_table *table, const struct stmt *q)
{
	*table = (struct local_table){
		.name = text_or_empty(q, 0),
		.id = text_or_empty(q, 1),
		.version = text_or_empty(q, 2),
		.hash = text_or_empty(q, 3),
		.updated = text_or_empty(q, 4),
		.rows = stmt_is_null(q, 5) ? -1 : stmt_int(q, 5),
		.size_bytes = stmt_is_null(q, 6) ? -1 : stmt_int(q, 6),
		.in_parts = stmt_int(q, 7) > 0,
		.description = text_or_empty(q, 14),
		.snapshot = str_eq(stmt_text(q, 15), LOCAL_SNAPSHOT),
	};
}

static void fill_file(struct local_file *file, const struct stmt *q)
{
	*file = (struct local_file){
		.path = text_or_empty(q, 8),
		.mark = { stmt_int(q, 11), stmt_int(q, 12), stmt_int(q, 13) },
	};
	copy_hash(file->sha256, stmt_text(q, 9));
	copy_hash(file->md5, stmt_text(q, 10));
}

/* One row of the join: a file of the table last met, or of the next one. */
static void take_row(struct local *local, size_t *capacity, const struct stmt *q)
{
	struct local_table *table = local->count ? &local->tables[local->count - 1] : NULL;
	size_t files = table ? table->file_count : 0;

	if (!table || strcmp(table->name, stmt_text(q, 0)) != 0) {
		local->tables =
			xgrow(local->tables, capacity, local->count + 1, sizeof(*local->tables));
		table = &local->tables[local->count++];
		fill_table(table, q);
		files = 0;
	}
	/* Doubling without a stored capacity: at each power of two. */
	if ((files & (files - 1)) == 0)
		table->files =
			xrealloc(table->files, (files ? 2 * files : 1) * sizeof(*table->files));
	fill_file(&table->files[files], q);
	table->file_count = files + 1;
	local->file_count++;
}

#define SELECT_FILES                                                                               \
	"SELECT t.name, t.id, t.version, t.hash, t.updated, t.rows, t.size_bytes, t.parts,"        \
	" f.path, f.sha256, f.md5, f.size_bytes, f.mtime_ns, f.inode,"                             \
	" t.description, t.query_mode FROM ws_table t CROSS JOIN ws_file f ON f.table_name = t.name"

static int take_rows(struct local *local, size_t *capacity, struct stmt *q, struct err *e)
{
	int r;

	while ((r = stmt_next(q, e)) > 0)
		take_row(local, capacity, q);
	return r;
}

int local_load(struct root *root, struct local **ret_local, struct err *e)
{
	static const char sql[] = SELECT_FILES " ORDER BY t.name, f.path";
	AUTO_LOCAL struct local *local = xcalloc(1, sizeof(*local));
	AUTO_STMT struct stmt *q = NULL;
	size_t capacity = 0;
	int r = db_query(root_db(root), &q, e, sql, "");

	if (r == 0)
		r = take_rows(local, &capacity, q, e);
	if (r == 0)
		*ret_local = TAKE(local);
	return r;
}

int local_load_named(struct root *root, const struct strv *names, struct local **ret_local,
		     struct err *e)
{
	static const char sql[] = SELECT_FILES " WHERE t.name = ?1 ORDER BY f.path";
	AUTO_LOCAL struct local *local = xcalloc(1, sizeof(*local));
	size_t capacity = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->n; i++) {
		AUTO_STMT struct stmt *q = NULL;

		r = db_query(root_db(root), &q, e, sql, "t", names->v[i]);
		if (r == 0)
			r = take_rows(local, &capacity, q, e);
	}
	if (r == 0)
		*ret_local = TAKE(local);
	return r;
}

static void release_table(struct local_table *table)
{
	for (size_t i = 0; i < table->file_count; i++)
		free(table->files[i].path);
	free(table->files);
	free(table->name);
	free(table->id);
	free(table->version);
	free(table->hash);
	free(table->updated);
	free(table->description);
}

void local_free(struct local *local)
{
	if (!local)
		return;
	for (size_t i = 0; i < local->count; i++)
		release_table(&local->tables[i]);
	free(local->tables);
	free(local);
}

static int compare_name(const void *name, const void *table)
{
	return strcmp(name, ((const struct local_table *)table)->name);
}

static int describe_table(struct db *db, const struct manifest_table *want,
			  const struct local_table *have, struct err *e)
{
	static const char sql[] =
		"UPDATE ws_table SET description = nullif(?2, '') WHERE name = ?1";
	const char *old = have ? have->description : "";

	if (!want->description || str_eq(want->description, old))
		return 0;
	return db_exec(db, e, sql, "tt", want->name, want->description);
}

int local_describe(struct db *db, const struct local *before, const struct manifest *m,
		   struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->count; i++) {
		const struct manifest_table *want = &m->tables[i];

		if (!want->as_before)
			r = describe_table(db, want, local_find(before, want->name), e);
	}
	return r;
}

const struct local_table *local_find(const struct local *local, const char *name)
{
	if (!local->count)
		return NULL;
	return bsearch(name, local->tables, local->count, sizeof(*local->tables), compare_name);
}

static int compare_path(const void *path, const void *file)
{
	return strcmp(path, ((const struct local_file *)file)->path);
}

const struct local_file *local_file_find(const struct local_table *table, const char *path)
{
	if (!table->file_count)
		return NULL;
	return bsearch(path, table->files, table->file_count, sizeof(*table->files), compare_path);
}
