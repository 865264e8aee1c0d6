/* SPDX-License-Identifier: Apache-2.0 */
/* Is what is on disk still what was recorded? A stat a file; bytes are read only where that differs. */
#include "tables/local.h"

#include "base/time.h"
#include "engine/ledger.h"

#include <fcntl.h>
#include <inttypes.h>

/* Ledger: (SPACE_LINKS, "") is the folder of links as it was when each of them was looked at. */
#define SPACE_LINKS "links"
/* A file system's clock ticks: what changes again within a tick has the same time. */
#define LINKS_SETTLED_MS 2000

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
static bool is_hive_linked(int dirfd, const char *version, const char *path,
			   const struct file_mark *mark)
{
	AUTO_FREE char *link = local_hive_path(version, path);
	bool exists;

	return is_marked(dirfd, link, mark, &exists);
}

struct look {
	int root;
	int links; /* the folder of links, -1 when there is none: starting there halves each lookup */
	int versions;
	bool links_known; /* it is as it was when each link in it led where it has to */
};

static void look_release(struct look *look)
{
	auto_fd_(&look->links);
	auto_fd_(&look->versions);
}

static struct look look_into(const struct root *root)
{
	int dirfd = root_dirfd(root);

	return (struct look){
		.root = dirfd,
		.links = openat(dirfd, LOCAL_LINKS, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.versions = openat(dirfd, LOCAL_VERSIONS, O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
}

/* Where the links are known, the file that one of them leads to is looked at without following it. */
static bool is_known_good(const struct look *look, const char *path, const char *sha256,
			  const struct file_mark *mark)
{
	char name[HASH_HEX_MAX + sizeof(".parquet")];
	size_t n = strlen(sha256);
	bool exists;

	if (!look->links_known || *path || look->versions < 0 || n >= HASH_HEX_MAX)
		return false;
	memcpy(name, sha256, n); /* by hand: this is done for each file at every pull */
	memcpy(name + n, ".parquet", sizeof(".parquet"));
	return is_marked(look->versions, name, mark, &exists);
}

/* The usual case takes one call: the right link leads to the right file. */
static bool is_linked(const struct look *look, const char *table, const char *path,
		      const struct file_mark *mark)
{
	char link[NAME_MAX_LEN + PART_PATH_MAX + sizeof("/.parquet")];
	bool exists;

	if (look->links < 0)
		return false;
	(void)snprintf(link, sizeof(link), "%s%s%s", table, *path ? "/" : ".parquet", path);
	return is_marked(look->links, link, mark, &exists);
}

static enum local_state state_of(const struct look *look, const struct local_table *table,
				 bool hive, const struct local_file *file)
{
	AUTO_FREE char *version = NULL;
	bool exists;

	if (is_linked(look, table->name, file->path, &file->mark))
		return !hive || is_hive_linked(look->root, table->version, file->path, &file->mark)
			       ? LOCAL_GOOD
			       : LOCAL_UNLINKED;
	version = local_version_path(file->sha256);
	if (is_marked(look->root, version, &file->mark, &exists))
		return LOCAL_UNLINKED;
	return exists ? LOCAL_TOUCHED : LOCAL_MISSING;
}

/*
 * A link cannot be changed, only replaced, which its folder tells by its ctime, and nobody can set
 * that. "" for a folder that may change once more without showing it.
 */
static char *mark_of_links(int fd)
{
	struct stat st;
	int64_t ctime_ns;

	if (fd < 0 || fstat(fd, &st) < 0)
		return xstrdup("");
	ctime_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
	if (time_now() - ctime_ns / 1000000 < LINKS_SETTLED_MS)
		return xstrdup("");
	return xasprintf("%" PRIu64 ":%" PRIu64 ":%" PRId64, (uint64_t)st.st_dev,
			 (uint64_t)st.st_ino, ctime_ns);
}

int local_record_links(struct root *root, const char *mark, struct err *e)
{
	return ledger_put(root_db(root), SPACE_LINKS, "", mark, e);
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

struct seen {
	char table[NAME_MAX_LEN + 1]; /* the last that was met */
	bool hive;                    /* its first part lies in key=value folders */
};

/* Of parts that lie in such folders and others that do not, it cannot tell: they take local_check(). */
static bool glance_at(const struct look *look, const struct seen *seen, const struct stmt *q)
{
	const char *path = stmt_text(q, 1);
	const struct file_mark mark = { stmt_int(q, 3), stmt_int(q, 4), stmt_int(q, 5) };
	const char *version = stmt_text(q, 6);

	if (is_known_good(look, path, stmt_text(q, 2), &mark))
		return true;
	return (version != NULL) == seen->hive && is_linked(look, seen->table, path, &mark) &&
	       (!version || is_hive_linked(look->root, version, path, &mark));
}

/* In the order of the key, so that a table's files come together. */
static int glance_at_all(struct root *root, const struct look *look, struct local_glance *glance,
			 struct err *e)
{
	static const char sql[] = "SELECT table_name, path, sha256, size_bytes, mtime_ns, inode,"
				  " CASE WHEN instr(path, '=') THEN"
				  " (SELECT version FROM ws_table WHERE name = table_name) END"
				  " FROM ws_file ORDER BY table_name, path";
	struct seen seen = { .table = "" };
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(root_db(root), &q, e, sql, "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		if (strcmp(stmt_text(q, 0), seen.table) != 0) {
			(void)snprintf(seen.table, sizeof(seen.table), "%s", stmt_text(q, 0));
			seen.hive = !stmt_is_null(q, 6);
			glance->tables++;
		}
		if (!glance_at(look, &seen, q)) {
			glance->all_good = false;
			return 0;
		}
		r = 0;
	}
	return r;
}

int local_glance(struct root *root, struct local_glance *ret_glance, struct err *e)
{
	AUTO(look_release) struct look look = look_into(root);
	AUTO_FREE char *mark = mark_of_links(look.links);
	AUTO_FREE char *seen = NULL;
	struct local_glance glance = { .all_good = true };
	int r = ledger_get(root_db(root), SPACE_LINKS, "", &seen, e);

	if (r < 0)
		return r;
	look.links_known = *mark && seen && str_eq(mark, seen);
	r = glance_at_all(root, &look, &glance, e);
	if (r < 0)
		return r;
	if (*mark && glance.all_good && !look.links_known)
		glance.links_mark = TAKE(mark);
	*ret_glance = glance;
	return 0;
}

void local_glance_release(struct local_glance *glance)
{
	free(glance->links_mark);
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
	local->all_good = true;
	for (size_t i = 0; i < local->count; i++) {
		struct local_table *table = &local->tables[i];

		for (size_t j = 0; j < table->file_count; j++) {
			int r = table->files[j].state == LOCAL_TOUCHED
					? examine_file(root, table, &table->files[j], e)
					: 0;

			if (r < 0)
				return r;
			if (table->files[j].state != LOCAL_GOOD)
				local->all_good = false;
		}
	}
	return 0;
}
