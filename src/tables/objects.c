/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/objects.h"

#include "base/file.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

/* Enough for the disk to be at work, little enough to be on it soon. */
#define WRITE_OUT_BYTES ((int64_t)8 << 20)

const char *object_path(const char *sha256, char out[OBJECT_PATH_MAX])
{
	(void)snprintf(out, OBJECT_PATH_MAX, OBJECTS_FOLDER "/%.2s/%.64s.parquet", sha256, sha256);
	return out;
}

const char *object_chunks_path(const char *sha256, char out[OBJECT_PATH_MAX])
{
	(void)snprintf(out, OBJECT_PATH_MAX, OBJECTS_FOLDER "/%.2s/%.64s.chunks", sha256, sha256);
	return out;
}

const char *object_patch_path(const char *sha256, char out[OBJECT_PATH_MAX])
{
	(void)snprintf(out, OBJECT_PATH_MAX, OBJECTS_FOLDER "/%.2s/%.64s.patch", sha256, sha256);
	return out;
}

void object_release(struct object *o)
{
	free(o->columns);
	free(o->staged);
	*o = (struct object){ 0 };
}

/* A file that another hand removed or cut is as good as absent: it will be sent again. */
static bool has_size(const struct root *root, const char *path, int64_t size)
{
	struct stat st;

	return fstatat(root_dirfd(root), path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && st.st_size == size;
}

static bool is_present(const struct root *root, const char *sha256, const struct object *o)
{
	char path[OBJECT_PATH_MAX];
	AUTO_FREE char *staged = NULL;

	if (has_size(root, object_path(sha256, path), o->size_bytes))
		return true;
	staged = o->staged ? xasprintf(ROOT_STAGING "/%s", o->staged) : NULL;
	return staged && has_size(root, staged, o->size_bytes);
}

static int find_row(struct db *db, const char *sha256, struct object *ret_object, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(
		db, &q, e,
		"SELECT md5, size_bytes, rows, columns, staged, chunks_sha256, chunks_bytes"
		" FROM object WHERE sha256=?1",
		"t", sha256);
	struct object o = { 0 };

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0)
		return r;
	(void)snprintf(o.md5, sizeof(o.md5), "%s", stmt_text(q, 0));
	o.size_bytes = stmt_int(q, 1);
	o.rows = stmt_is_null(q, 2) ? -1 : stmt_int(q, 2);
	o.columns = stmt_is_null(q, 3) ? NULL : xstrdup(stmt_text(q, 3));
	o.staged = stmt_is_null(q, 4) ? NULL : xstrdup(stmt_text(q, 4));
	if (!stmt_is_null(q, 5))
		(void)snprintf(o.chunks_sha256, sizeof(o.chunks_sha256), "%s", stmt_text(q, 5));
	o.chunks_bytes = stmt_int(q, 6);
	*ret_object = o;
	return 1;
}

int object_find(const struct root *root, struct db *db, const char *sha256,
		struct object *ret_object, struct err *e)
{
	AUTO_OBJECT struct object o = { 0 };
	int r = find_row(db, sha256, &o, e);

	if (r <= 0 || !is_present(root, sha256, &o))
		return r < 0 ? r : 0;
	*ret_object = o;
	o = (struct object){ 0 };
	return 1;
}

int object_is_known(const struct root *root, struct db *db, const char *sha256, struct err *e)
{
	AUTO_OBJECT struct object o = { 0 };
	AUTO_OBJECT struct object became = { 0 };
	AUTO_FREE char *result = NULL;
	int r = object_find(root, db, sha256, &o, e);

	if (r != 0)
		return r;
	r = db_get_text(db, &result, e,
			"SELECT result_sha256 FROM conversion WHERE source_sha256=?1 LIMIT 1", "t",
			sha256);
	return r < 0 || !result ? r : object_find(root, db, result, &became, e);
}

int objects_check_space(const struct root *root, int64_t bytes, struct err *e)
{
	char want[FORMAT_SIZE_MAX];
	char have[FORMAT_SIZE_MAX];
	int64_t available = 0;
	int r = disk_free(root_path(root), &available, e);

	if (r < 0 || available - OBJECTS_KEEP_FREE >= (bytes > 0 ? bytes : 0))
		return r;
	return err_set(e, ERR_LIMIT, "no space for %s: the disk of the hub has %s left",
		       format_size(bytes > 0 ? bytes : 0, want), format_size(available, have));
}

struct object_upload {
	const struct root *root;
	char sha256[SHA256_HEX + 1];
	char md5[HASH_HEX_MAX];
	char staged[JOURNAL_STAGE_MAX + 1];
	int fd;
	struct hash *sha, *sum;
	int64_t size, max;
	int64_t written_out; /* up to here the kernel was told to write */
	bool kept;
};

int object_upload_begin(const struct root *root, const struct object_wish *wish,
			struct object_upload **ret_upload, struct err *e)
{
	AUTO_OBJECT_UPLOAD struct object_upload *u = xcalloc(1, sizeof(*u));
	char unique[RANDOM_TEXT_MAX];
	int r;

	u->fd = -1;
	u->root = root;
	u->max = wish->max;
	if (wish->sha256 && !is_hex(wish->sha256, SHA256_HEX))
		return err_set(e, ERR_USAGE, "an object is named by its SHA-256 in lower-case hex");
	(void)snprintf(u->sha256, sizeof(u->sha256), "%s", wish->sha256 ? wish->sha256 : "");
	random_text(9, unique);
	(void)snprintf(u->staged, sizeof(u->staged), "up-%.16s-%.12s",
		       wish->sha256 ? wish->sha256 : "any", unique);
	r = journal_stage_create(root, u->staged, &u->fd, e);
	if (r < 0)
		return r;
	u->sha = hash_new(HASH_SHA256);
	u->sum = hash_new(HASH_MD5);
	*ret_upload = TAKE(u);
	return 0;
}

/*
 * Starts writing what has come to the disk, without waiting for it: then the sync at the end, for
 * which a whole thread of the server waits, has little left to do.
 */
static void write_out(struct object_upload *u)
{
	if (u->size - u->written_out < WRITE_OUT_BYTES)
		return;
	(void)sync_file_range(u->fd, u->written_out, u->size - u->written_out,
			      SYNC_FILE_RANGE_WRITE); /* only a hint: the sync is what counts */
	u->written_out = u->size;
}

int object_upload_add(struct object_upload *u, struct bytes piece, struct err *e)
{
	char limit[FORMAT_SIZE_MAX];

	if ((int64_t)piece.n > u->max - u->size)
		return err_set(e, ERR_LIMIT, "the file is larger than %s, the largest upload",
			       format_size(u->max, limit));
	u->size += (int64_t)piece.n;
	hash_add(u->sha, piece.p, piece.n);
	hash_add(u->sum, piece.p, piece.n);
	if (file_write_all(u->fd, piece, u->staged, e) < 0)
		return e->code;
	write_out(u);
	return 0;
}

int object_upload_finish(struct object_upload *u, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	char found[HASH_HEX_MAX];

	hash_hex(u->sha, found);
	hash_hex(u->sum, u->md5);
	if (!u->sha256[0])
		memcpy(u->sha256, found, sizeof(u->sha256));
	if (!str_eq(found, u->sha256))
		return err_set(e, ERR_CORRUPT,
			       "%" PRId64 " bytes came whose SHA-256 is %.12s..., not %.12s...",
			       u->size, found, u->sha256);
	strv_add(&names, u->staged);
	return journal_sync(u->root, &names, e);
}

int object_upload_adopt(const struct root *root, const char *staged,
			struct object_upload **ret_upload, struct err *e)
{
	AUTO_OBJECT_UPLOAD struct object_upload *u = xcalloc(1, sizeof(*u));
	int r;

	u->fd = -1;
	u->root = root;
	(void)snprintf(u->staged, sizeof(u->staged), "%s", staged);
	r = journal_stage_open(root, staged, O_RDONLY, &u->fd, e);
	if (r < 0)
		return r;
	u->sha = hash_new(HASH_SHA256);
	u->sum = hash_new(HASH_MD5);
	r = hash_fd(u->fd, u->sha, u->sum, &u->size, e);
	if (r == 0)
		r = object_upload_finish(u, e);
	if (r == 0)
		*ret_upload = TAKE(u);
	return r;
}

/* The row stays, its file is gone: ours takes its place, where the row says it must be. */
static int replace_lost(struct object_upload *u, struct root *root, const struct object *row,
			struct err *e)
{
	char path[OBJECT_PATH_MAX];

	if (!row->staged) {
		u->kept = true; /* the journal's from here on, whatever becomes of the commit */
		return journal_move(root, u->staged, object_path(u->sha256, path), e);
	}
	return db_exec(root_db(root), e,
		       "UPDATE object SET staged=?2, created_ms=?3 WHERE sha256=?1", "tti",
		       u->sha256, u->staged, time_now());
}

int object_upload_record(struct object_upload *u, struct root *root, bool *ret_is_new,
			 struct err *e)
{
	static const char sql[] = "INSERT INTO object(sha256, md5, size_bytes, state, staged,"
				  " created_ms) VALUES(?1, ?2, ?3, 'uploaded', ?4, ?5)";
	AUTO_OBJECT struct object row = { 0 };
	int r = find_row(root_db(root), u->sha256, &row, e);
	bool is_new = r == 0 || (r == 1 && !is_present(root, u->sha256, &row));

	if (r == 1 && is_new)
		r = replace_lost(u, root, &row, e);
	else if (r == 0)
		r = db_exec(root_db(root), e, sql, "ttiti", u->sha256, u->md5, u->size, u->staged,
			    time_now());
	if (r < 0)
		return r;
	*ret_is_new = is_new;
	return 0;
}

void object_upload_keep(struct object_upload *u)
{
	u->kept = true;
}

int64_t object_upload_size(const struct object_upload *u)
{
	return u->size;
}

const char *object_upload_sha256(const struct object_upload *u)
{
	return u->sha256;
}

void object_upload_free(struct object_upload *u)
{
	struct err ignored = { 0 };

	if (!u)
		return;
	if (u->fd >= 0) {
		(void)close(u->fd); /* synced, or thrown away */
		if (!u->kept)       /* a failure leaves litter for the next start to take away */
			(void)journal_stage_remove(u->root, u->staged, &ignored);
	}
	hash_free(u->sha);
	hash_free(u->sum);
	free(u);
}

int objects_reap_uploads(struct db *db, int64_t age_ms, struct strv *ret_staged, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int64_t before = time_now() - age_ms;
	int r = db_query(db, &q, e,
			 "SELECT staged FROM object WHERE state='uploaded' AND created_ms < ?1",
			 "i", before);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_add(ret_staged, stmt_text(q, 0));
		r = 0;
	}
	if (r < 0 || ret_staged->n == 0)
		return r;
	return db_exec(db, e, "DELETE FROM object WHERE state='uploaded' AND created_ms < ?1", "i",
		       before);
}

/* Of a download that was cut (refresh/intake-http.c): the next run goes on from its last byte. */
static bool is_part(const char *name, int64_t age_ms)
{
	return str_starts(name, "rf-") && str_ends(name, ".part") &&
	       age_ms < OBJECTS_UPLOAD_KEEP_MS;
}

static bool is_listed(void *ctx, const char *name, int64_t size, int64_t age_ms)
{
	const struct strv *wanted = ctx;

	(void)size;
	return strv_has(wanted, name) || is_part(name, age_ms);
}

int objects_clean_staging(struct root *root, size_t *ret_removed, struct err *e)
{
	AUTO_STRV struct strv wanted = STRV_INIT;
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(root_db(root), &q, e, "SELECT staged FROM object WHERE state='uploaded'",
			 "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_add(&wanted, stmt_text(q, 0));
		r = 0;
	}
	return r < 0 ? r : journal_reap(root, is_listed, &wanted, ret_removed, e);
}
