/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/hub-verify.h"

#include "base/file.h"
#include "base/hash.h"
#include "tables/objects.h"
#include "tables/rollup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

/* A sentence about one object, version or file; paths are at most JOURNAL_PATH_MAX. */
#define PROBLEM_MAX 2000

static void PRINTF(2, 3) problem(struct tables_verify *v, const char *fmt, ...)
{
	AUTO_BUF struct buf text = BUF_INIT(PROBLEM_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	v->problems++;
	v->on_problem(v->ctx, buf_str(&text));
}

static int check_bytes(struct tables_verify *v, int fd, const struct stmt *q, struct err *e)
{
	AUTO_HASH struct hash *sha = hash_new(HASH_SHA256);
	AUTO_HASH struct hash *md5 = hash_new(HASH_MD5);
	const char *name = stmt_text(q, 0);
	char sha_hex[HASH_HEX_MAX];
	char md5_hex[HASH_HEX_MAX];
	int64_t size = 0;
	int r = hash_fd(fd, sha, md5, &size, e);

	if (r < 0) {
		problem(v, "object %.12s cannot be read: %s", name, e->msg);
		return 0;
	}
	hash_hex(sha, sha_hex);
	hash_hex(md5, md5_hex);
	if (size != stmt_int(q, 2))
		problem(v, "object %.12s has %" PRId64 " bytes, not %" PRId64, name, size,
			stmt_int(q, 2));
	else if (!str_eq(sha_hex, name))
		problem(v, "object %.12s has other bytes: their SHA-256 is %.12s", name, sha_hex);
	else if (!str_eq(md5_hex, stmt_text(q, 1)))
		problem(v, "object %.12s is recorded with another MD5", name);
	v->bytes += size;
	if (v->on_object)
		v->on_object(v->ctx, size);
	return 0;
}

/* What lies beside an object: `path` has to have the bytes whose hash is in the column. Who fetches by a
 * wrong chunk index or patch would fetch twice. */
static void check_beside(const struct root *root, struct tables_verify *v, const struct stmt *q,
			 int column, const char *path, const char *what)
{
	char hex[HASH_HEX_MAX] = "";
	AUTO_FD int fd = -1;
	struct err ignored = { 0 };

	if (stmt_is_null(q, column))
		return;
	fd = openat(root_dirfd(root), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || sha256_fd(fd, hex, NULL, &ignored) < 0)
		problem(v, "the %s of object %.12s cannot be read", what, stmt_text(q, 0));
	else if (!str_eq(hex, stmt_text(q, column)))
		problem(v, "the %s of object %.12s has other bytes", what, stmt_text(q, 0));
}

static int check_object(const struct root *root, struct tables_verify *v, const struct stmt *q,
			struct err *e)
{
	const char *staged = stmt_text(q, 3);
	char path[OBJECT_PATH_MAX];
	char beside[OBJECT_PATH_MAX];
	AUTO_FREE char *waiting = staged ? xasprintf(ROOT_STAGING "/%s", staged) : NULL;
	AUTO_FD int fd =
		openat(root_dirfd(root), waiting ? waiting : object_path(stmt_text(q, 0), path),
		       O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	v->objects++;
	check_beside(root, v, q, 4, object_chunks_path(stmt_text(q, 0), beside), "chunk index");
	check_beside(root, v, q, 5, object_patch_path(stmt_text(q, 0), beside), "patch");
	if (fd >= 0)
		return check_bytes(v, fd, q, e);
	problem(v, "object %.12s cannot be opened: %s", stmt_text(q, 0), strerror(errno));
	return 0;
}

static int check_objects(const struct root *root, struct tables_verify *v, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(root_db(root), &q, e,
			 "SELECT sha256, md5, size_bytes, staged, chunks_sha256, patch_sha256"
			 " FROM object"
			 " ORDER BY sha256",
			 "");

	while (r == 0 && (r = stmt_next(q, e)) > 0)
		r = check_object(root, v, q, e);
	return r;
}

/* Each query gives a sentence for each row that breaks a rule. */
static const char *const rules[] = {
	"SELECT 'part ''' || p.path || ''' of table ''' || v.table_id || ''' has no stored object'"
	" FROM part p JOIN version v ON v.id=p.version_id LEFT JOIN object o ON o.sha256=p.sha256"
	" AND o.state='stored' WHERE o.sha256 IS NULL",
	"SELECT 'part ''' || p.path || ''' of table ''' || v.table_id || ''' and its object differ in"
	" size or MD5' FROM part p JOIN version v ON v.id=p.version_id JOIN object o ON"
	" o.sha256=p.sha256 WHERE o.size_bytes<>p.size_bytes OR o.md5<>p.md5",
	"SELECT 'table ''' || t.id || ''' names a current version that is not its own' FROM tbl t"
	" LEFT JOIN version v ON v.id=t.current_version AND v.table_id=t.id"
	" WHERE t.current_version IS NOT NULL AND v.id IS NULL",
	"SELECT 'the current version of table ''' || t.id || ''' is marked as replaced' FROM tbl t"
	" JOIN version v ON v.id=t.current_version WHERE v.retired_ms IS NOT NULL",
	"SELECT 'a version of table ''' || v.table_id || ''' is neither current nor replaced' FROM"
	" version v LEFT JOIN tbl t ON t.current_version=v.id"
	" WHERE v.retired_ms IS NULL AND t.id IS NULL",
	"SELECT 'object ' || substr(o.sha256, 1, 12) || ' is stored and belongs to no version' FROM"
	" object o LEFT JOIN part p ON p.sha256=o.sha256 WHERE o.state='stored' AND p.sha256 IS NULL AND"
	" NOT EXISTS (SELECT 1 FROM excerpt x WHERE x.sha256=o.sha256)",
	"SELECT 'an excerpt of version ' || x.version_id || ' has no stored object or no version' FROM"
	" excerpt x LEFT JOIN version v ON v.id=x.version_id LEFT JOIN object o ON o.sha256=x.sha256"
	" AND o.state='stored' AND o.size_bytes=x.size_bytes AND o.md5=x.md5"
	" WHERE v.id IS NULL OR o.sha256 IS NULL",
};

static int check_rules(struct db *db, struct tables_verify *v, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(rules); i++) {
		AUTO_STMT struct stmt *q = NULL;

		r = db_query(db, &q, e, rules[i], "");
		while (r == 0 && (r = stmt_next(q, e)) > 0) {
			problem(v, "%s", stmt_text(q, 0));
			r = 0;
		}
	}
	return r;
}

struct version {
	int64_t id, parts;
	char *table, *sha256, *md5;
};

static void version_release(struct version *v)
{
	free(v->table);
	free(v->sha256);
	free(v->md5);
}

static int read_parts(struct db *db, int64_t version, struct strv *paths, struct strv *shas,
		      struct strv *md5s, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, "SELECT path, sha256, md5 FROM part WHERE version_id=?1", "i",
			 version);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_add(paths, stmt_text(q, 0));
		strv_add(shas, stmt_text(q, 1));
		strv_add(md5s, stmt_text(q, 2));
		r = 0;
	}
	return r;
}

static bool hash_fits(enum hash_kind kind, const struct strv *paths, const struct strv *hashes,
		      const char *recorded)
{
	AUTO_FREE struct rollup_part *parts = xcalloc(paths->n + 1, sizeof(*parts));
	char hex[HASH_HEX_MAX];

	if (paths->n == 1 && paths->v[0][0] == '\0')
		return str_eq(hashes->v[0], recorded);
	for (size_t i = 0; i < paths->n; i++)
		parts[i] = (struct rollup_part){ paths->v[i], hashes->v[i] };
	rollup_hash(kind, parts, paths->n, hex);
	return str_eq(hex, recorded);
}

static int check_version(struct db *db, struct tables_verify *v, const struct version *version,
			 struct err *e)
{
	AUTO_STRV struct strv paths = STRV_INIT;
	AUTO_STRV struct strv shas = STRV_INIT;
	AUTO_STRV struct strv md5s = STRV_INIT;
	int r = read_parts(db, version->id, &paths, &shas, &md5s, e);

	if (r < 0)
		return r;
	v->versions++;
	if ((int64_t)paths.n != version->parts)
		problem(v, "version %.12s of table '%s' has %zu parts, not %" PRId64,
			version->sha256, version->table, paths.n, version->parts);
	else if (!hash_fits(HASH_SHA256, &paths, &shas, version->sha256) ||
		 !hash_fits(HASH_MD5, &paths, &md5s, version->md5))
		problem(v, "version %.12s of table '%s' is not the hash of its parts",
			version->sha256, version->table);
	return 0;
}

static int check_versions(struct db *db, struct tables_verify *v, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, "SELECT id, parts, table_id, sha256, md5 FROM version", "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		AUTO(version_release)
		struct version version = {
			.id = stmt_int(q, 0),
			.parts = stmt_int(q, 1),
			.table = xstrdup(stmt_text(q, 2)),
			.sha256 = xstrdup(stmt_text(q, 3)),
			.md5 = xstrdup(stmt_text(q, 4)),
		};

		r = check_version(db, v, &version, e);
	}
	return r;
}

struct orphans {
	struct db *db;
	struct tables_verify *v;
};

static int check_file(void *ctx, const char *relative_path, const struct stat *st, struct err *e)
{
	struct orphans *o = ctx;
	const char *slash = strrchr(relative_path, '/');
	const char *name = slash ? slash + 1 : relative_path;
	char sha256[SHA256_HEX + 1];
	int64_t known = 0;
	int r = 0;

	(void)snprintf(sha256, sizeof(sha256), "%.64s", name);
	if (S_ISREG(st->st_mode) && str_eq(name + strlen(sha256), ".parquet"))
		r = db_get_int(o->db, &known, 0, e,
			       "SELECT 1 FROM object WHERE sha256=?1 AND state='stored'", "t",
			       sha256);
	else if (S_ISREG(st->st_mode) && str_eq(name + strlen(sha256), ".chunks"))
		r = db_get_int(o->db, &known, 0, e,
			       "SELECT 1 FROM object WHERE sha256=?1 AND chunks_sha256 IS NOT NULL",
			       "t", sha256);
	else if (S_ISREG(st->st_mode) && str_eq(name + strlen(sha256), ".patch"))
		r = db_get_int(o->db, &known, 0, e,
			       "SELECT 1 FROM object WHERE sha256=?1 AND patch_sha256 IS NOT NULL",
			       "t", sha256);
	if (r == 0 && !known)
		problem(o->v, "no row speaks of the file '%s'", relative_path);
	return r;
}

int tables_verify(const struct root *root, struct tables_verify *v, struct err *e)
{
	struct orphans orphans = { root_db(root), v };
	int r = check_objects(root, v, e);

	if (r == 0)
		r = check_rules(root_db(root), v, e);
	if (r == 0)
		r = check_versions(root_db(root), v, e);
	if (r == 0 && faccessat(root_dirfd(root), OBJECTS_FOLDER, F_OK, 0) == 0)
		r = tree_visit(root_dirfd(root), OBJECTS_FOLDER, check_file, &orphans, e);
	return r;
}
