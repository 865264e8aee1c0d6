/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/upload.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/journal.h"
#include "net/gunzip.h"
#include <errno.h>
#include <fcntl.h>

#define STAGED_MAX 64
#define COPY_CHUNK ((size_t)256 << 10)

static const char *const migrations[] = {
	"CREATE TABLE upload(kind TEXT NOT NULL, user_id INTEGER NOT NULL, name TEXT NOT NULL,"
	" path TEXT NOT NULL, sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,"
	" PRIMARY KEY(kind, user_id, name)) WITHOUT ROWID",
	NULL,
};

const struct db_schema uploads_schema = { "uploads", migrations };

static const struct {
	const char *word;
	const char *folder;
} kinds[] = {
	[UPLOAD_SESSION] = { "session", "sessions" },
	[UPLOAD_ARTIFACT] = { "artifact", "artifacts" },
	[UPLOAD_LOCAL_MD] = { "local-md", "local-md" },
};

struct upload {
	const struct root *root;
	enum upload_kind kind;
	int64_t user_id;
	char *name; /* as kept */
	char *path;
	char staged[STAGED_MAX];
	int fd;
	struct gunzip *gunzip; /* NULL: stored as it comes */
	struct hash *hash;
	char sha256[HASH_HEX_MAX];
	int64_t size;
	bool kept; /* the journal's, whatever becomes of the commit */
	bool no_space;
};

const char *upload_kind_word(enum upload_kind kind)
{
	return kinds[kind].word;
}

bool upload_name_is_ok(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = name ? strlen(name) : 0;

	return n > 0 && n <= UPLOAD_NAME_MAX && strspn(name, allowed) == n && !str_eq(name, ".") &&
	       !str_eq(name, "..");
}

static char *kept_name(const struct upload_wish *wish)
{
	bool packed = wish->kind == UPLOAD_SESSION && str_ends(wish->name, ".gz");

	return xstrndup(wish->name, strlen(wish->name) - (packed ? 3 : 0));
}

int upload_tail_parse(const char *offset, const char *sha256, struct upload_tail *ret_tail,
		      struct err *e)
{
	struct upload_tail tail = { 0 };

	if (!offset || !sha256)
		return err_set(e, ERR_USAGE, "a tail needs its offset and the hash before it");
	if (parse_int64(offset, 1, UPLOAD_BYTES_MAX, &tail.offset, e) < 0)
		return err_in(e, "the offset of a tail");
	if (!is_hex(sha256, SHA256_HEX))
		return err_set(e, ERR_USAGE, "the hash before a tail is no SHA-256");
	(void)snprintf(tail.sha256, sizeof(tail.sha256), "%s", sha256);
	*ret_tail = tail;
	return 0;
}

static int write_piece(void *ctx, struct bytes piece, struct err *e);

static int not_the_same(struct err *e)
{
	return err_set(e, ERR_CONFLICT, "what is kept here is not what this is the rest of");
}

/* The kept file as the beginning of this one, if it is what the sender says. */
static int take_kept(struct upload *u, const struct upload_tail *tail, struct err *e)
{
	AUTO_FD int fd = openat(root_dirfd(u->root), u->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_HASH struct hash *hash = hash_new(HASH_SHA256);
	AUTO_FREE char *chunk = xmalloc(COPY_CHUNK);
	char sha256[HASH_HEX_MAX];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size != tail->offset)
		return not_the_same(e);
	while ((n = read(fd, chunk, COPY_CHUNK)) > 0) {
		hash_add(hash, chunk, (size_t)n);
		if (write_piece(u, (struct bytes){ chunk, (size_t)n }, e) < 0)
			return e->code;
	}
	if (n < 0)
		return err_sys(e, "read '%s'", u->path);
	hash_hex(hash, sha256);
	return u->size == tail->offset && str_eq(sha256, tail->sha256) ? 0 : not_the_same(e);
}

int upload_begin(const struct root *root, const struct upload_wish *wish,
		 struct upload **ret_upload, struct err *e)
{
	AUTO_UPLOAD struct upload *u = xcalloc(1, sizeof(*u));
	char unique[RANDOM_TEXT_MAX];
	int r;

	u->fd = -1;
	u->root = root;
	u->kind = wish->kind;
	u->user_id = wish->user_id;
	u->name = upload_name_is_ok(wish->name) ? kept_name(wish) : NULL;
	if (!upload_name_is_ok(u->name))
		return err_set(e, ERR_USAGE, "a file name is 1 to %d of A-Z a-z 0-9 . _ -",
			       UPLOAD_NAME_MAX);
	u->path = xasprintf("%s/%s/%s", kinds[u->kind].folder, wish->email, u->name);
	random_text(12, unique);
	(void)snprintf(u->staged, sizeof(u->staged), "in-%.40s", unique);
	r = journal_stage_create(root, u->staged, &u->fd, e);
	if (r < 0)
		return r;
	if (!str_eq(u->name, wish->name))
		u->gunzip = gunzip_new();
	u->hash = hash_new(HASH_SHA256);
	if (wish->tail.offset > 0 && take_kept(u, &wish->tail, e) < 0)
		return e->code;
	*ret_upload = TAKE(u);
	return 0;
}

static int noting_space(struct upload *u, int r)
{
	u->no_space |= r == ERR_IO && (errno == ENOSPC || errno == EDQUOT);
	return r;
}

static int write_piece(void *ctx, struct bytes piece, struct err *e)
{
	struct upload *u = ctx;
	char limit[FORMAT_SIZE_MAX];

	if (piece.n == 0)
		return 0;
	if ((int64_t)piece.n > UPLOAD_BYTES_MAX - u->size)
		return err_set(e, ERR_LIMIT, "the file is larger than %s, the largest that is kept",
			       format_size(UPLOAD_BYTES_MAX, limit));
	u->size += (int64_t)piece.n;
	hash_add(u->hash, piece.p, piece.n);
	return noting_space(u, file_write_all(u->fd, piece, u->staged, e));
}

int upload_add(struct upload *u, struct bytes piece, struct err *e)
{
	return u->gunzip ? gunzip_feed(u->gunzip, piece, write_piece, u, e)
			 : write_piece(u, piece, e);
}

int upload_finish(struct upload *u, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = u->gunzip ? gunzip_finish(u->gunzip, e) : 0;

	if (r < 0)
		return r;
	hash_hex(u->hash, u->sha256);
	strv_add(&names, u->staged);
	return noting_space(u, journal_sync(u->root, &names, e));
}

bool upload_found_no_space(const struct upload *u)
{
	return u && u->no_space;
}

/* 1 when these bytes are what is kept, and the file still looks like it. */
static int is_kept(const struct upload *u, struct db *db, struct err *e)
{
	static const char sql[] =
		"SELECT sha256 FROM upload WHERE kind=?1 AND user_id=?2 AND name=?3";
	AUTO_FREE char *known = NULL;
	struct stat st;
	int r = db_get_text(db, &known, e, sql, "tit", kinds[u->kind].word, u->user_id, u->name);

	if (r < 0 || !known || !str_eq(known, u->sha256))
		return r < 0 ? r : 0;
	return fstatat(root_dirfd(u->root), u->path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && st.st_size == u->size;
}

int upload_record(struct upload *u, struct root *root, bool *ret_duplicate, struct err *e)
{
	static const char sql[] =
		"INSERT INTO upload(kind, user_id, name, path, sha256, size_bytes, created_ms,"
		" updated_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)"
		" ON CONFLICT(kind, user_id, name) DO UPDATE SET path=excluded.path,"
		" sha256=excluded.sha256, size_bytes=excluded.size_bytes,"
		" updated_ms=excluded.updated_ms";
	int r = is_kept(u, root_db(root), e);

	*ret_duplicate = r == 1;
	if (r != 0)
		return r < 0 ? r : 0;
	r = db_exec(root_db(root), e, sql, "titttii", kinds[u->kind].word, u->user_id, u->name,
		    u->path, u->sha256, u->size, time_now());
	if (r < 0)
		return r;
	u->kept = true;
	return journal_move(root, u->staged, u->path, e);
}

const char *upload_name(const struct upload *u)
{
	return u->name;
}

int64_t upload_size(const struct upload *u)
{
	return u->size;
}

void upload_free(struct upload *u)
{
	struct err ignored = { 0 };

	if (!u)
		return;
	if (u->fd >= 0) {
		(void)close(u->fd); /* synced, or thrown away */
		if (!u->kept)       /* a failure leaves litter for the next start to take away */
			(void)journal_stage_remove(u->root, u->staged, &ignored);
	}
	gunzip_free(u->gunzip);
	hash_free(u->hash);
	free(u->name);
	free(u->path);
	free(u);
}
