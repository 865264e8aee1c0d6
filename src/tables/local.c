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

struct file_mark file_mark_of(const struct stat *st)
{
	return (struct file_mark){
		.size = st->st_size,
		.mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
		.inode = (int64_t)st->st_ino,
	};
}

static bool file_mark_equal(const struct file_mark *a, const struct file_mark *b)
{
	return a->size == b->size && a->mtime_ns == b->mtime_ns && a->inode == b->inode;
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

int local_load(struct root *root, struct local **ret_local, struct err *e)
{
	static const char sql[] =
		"SELECT t.name, t.id, t.version, t.hash, t.updated, t.rows, t.size_bytes, t.parts,"
		" f.path, f.sha256, f.md5, f.size_bytes, f.mtime_ns, f.inode,"
		" t.description, t.query_mode"
		" FROM ws_table t CROSS JOIN ws_file f ON f.table_name = t.name"
		" ORDER BY t.name, f.path";
	AUTO_LOCAL struct local *local = xcalloc(1, sizeof(*local));
	AUTO_STMT struct stmt *q = NULL;
	size_t capacity = 0;
	int r = db_query(root_db(root), &q, e, sql, "");

	if (r < 0)
		return r;
	while ((r = stmt_next(q, e)) > 0)
		take_row(local, &capacity, q);
	if (r < 0)
		return r;
	*ret_local = TAKE(local);
	return 0;
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

	for (size_t i = 0; r == 0 && i < m->count; i++)
		r = describe_table(db, &m->tables[i], local_find(before, m->tables[i].name), e);
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

/* What the file at `path` is, links followed: 1 as marked, 0 another or none. */
static int is_marked(int dirfd, const char *path, const struct file_mark *mark, bool *ret_exists)
{
	struct stat st;
	struct file_mark now;

	*ret_exists = fstatat(dirfd, path, &st, 0) == 0 && S_ISREG(st.st_mode);
	if (!*ret_exists)
		return 0;
	now = file_mark_of(&st);
	return file_mark_equal(&now, mark);
}

/* What a view over key=value folders reads. */
static bool is_hive_linked(int dirfd, const struct local_table *table,
			   const struct local_file *file)
{
	AUTO_FREE char *link = local_hive_path(table->version, file->path);
	bool exists;

	return is_marked(dirfd, link, &file->mark, &exists);
}

struct look {
	int root;
	int links; /* the folder of links, -1 when there is none: starting there halves each lookup */
};

static void look_release(struct look *look)
{
	if (look->links >= 0)
		(void)close(look->links); /* a folder: nothing to lose */
}

static struct look look_into(const struct root *root)
{
	int dirfd = root_dirfd(root);

	return (struct look){
		.root = dirfd,
		.links = openat(dirfd, LOCAL_LINKS, O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
}

static enum local_state state_of(const struct look *look, const struct local_table *table,
				 bool hive, const struct local_file *file)
{
	char link[NAME_MAX_LEN + PART_PATH_MAX + sizeof("/.parquet")];
	AUTO_FREE char *version = NULL;
	bool exists;

	(void)snprintf(link, sizeof(link), "%s%s%s", table->name, *file->path ? "/" : ".parquet",
		       file->path);
	/* The usual case takes one call: the right link leads to the right file. */
	if (look->links >= 0 && is_marked(look->links, link, &file->mark, &exists))
		return !hive || is_hive_linked(look->root, table, file) ? LOCAL_GOOD
									: LOCAL_UNLINKED;
	version = local_version_path(file->sha256);
	if (is_marked(look->root, version, &file->mark, &exists))
		return LOCAL_UNLINKED;
	return exists ? LOCAL_TOUCHED : LOCAL_MISSING;
}

void local_check(struct root *root, struct local *local)
{
	AUTO(look_release) struct look look = look_into(root);

	local->all_good = true;
	for (size_t i = 0; i < local->count; i++) {
		struct local_table *table = &local->tables[i];
		bool hive = local_is_hive(table);

		for (size_t j = 0; j < table->file_count; j++) {
			table->files[j].state = state_of(&look, table, hive, &table->files[j]);
			if (table->files[j].state != LOCAL_GOOD)
				local->all_good = false;
		}
	}
}

int local_record_mark(struct root *root, const struct local_table *table,
		      const struct local_file *file, const struct file_mark *mark, struct err *e)
{
	static const char sql[] = "UPDATE ws_file SET size_bytes = ?3, mtime_ns = ?4, inode = ?5"
				  " WHERE table_name = ?1 AND path = ?2";

	return db_exec(root_db(root), e, sql, "ttiii", table->name, file->path, mark->size,
		       mark->mtime_ns, mark->inode);
}

static int examine_file(struct root *root, const struct local_table *table, struct local_file *file,
			struct err *e)
{
	AUTO(look_release) struct look look = look_into(root);
	AUTO_FREE char *version = local_version_path(file->sha256);
	AUTO_FD int fd = openat(root_dirfd(root), version, O_RDONLY | O_CLOEXEC);
	char hex[HASH_HEX_MAX];
	struct stat st;

	file->state = LOCAL_MISSING;
	if (fd < 0 || fstat(fd, &st) < 0)
		return 0; /* as good as gone: it is fetched again */
	if (sha256_fd(fd, hex, NULL, e) < 0)
		return 0; /* an unreadable disk block is a wrong one */
	if (strcmp(hex, file->sha256) != 0)
		return 0;
	file->mark = file_mark_of(&st);
	file->state = state_of(&look, table, local_is_hive(table), file);
	return local_record_mark(root, table, file, &file->mark, e);
}

int local_examine(struct root *root, struct local *local, struct err *e)
{
	for (size_t i = 0; i < local->count; i++) {
		struct local_table *table = &local->tables[i];

		for (size_t j = 0; j < table->file_count; j++) {
			int r = table->files[j].state == LOCAL_TOUCHED
					? examine_file(root, table, &table->files[j], e)
					: 0;

			if (r < 0)
				return r;
		}
	}
	return 0;
}
