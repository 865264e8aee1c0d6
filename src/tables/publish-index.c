/* SPDX-License-Identifier: Apache-2.0 */
/* Beside each large object its chunk index, so that others need fetch only what they lack. */
#include "tables/publish-internal.h"

#include "engine/journal.h"
#include "tables/chunks.h"

#include <fcntl.h>
#include <sys/stat.h>

/* 1 when the object has an index that is there, 0 when it has none. */
static int has_index(const struct publish *p, struct db *db, const struct prepared *part,
		     struct err *e)
{
	AUTO_OBJECT struct object o = { 0 };
	char path[OBJECT_PATH_MAX];
	struct stat st;
	int r = object_find(p->root, db, part->sha256, &o, e);

	if (r <= 0 || !o.chunks_sha256[0])
		return r < 0 ? r : 0;
	return fstatat(root_dirfd(p->root), object_chunks_path(part->sha256, path), &st,
		       AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_size == o.chunks_bytes;
}

/* The bytes that will be served: what a conversion made, or the object. */
static int open_part(const struct publish *p, struct db *db, const struct prepared *part,
		     int *ret_fd, struct err *e)
{
	AUTO_OBJECT struct object o = { 0 };
	AUTO_FREE char *path = NULL;
	int r;

	if (part->made)
		return journal_stage_open(p->root, part->made, O_RDONLY, ret_fd, e);
	r = object_find(p->root, db, part->sha256, &o, e);
	if (r <= 0)
		return r < 0 ? r : publish_missing(part, e);
	path = publish_file_of(p, part->sha256, &o);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? err_sys(e, "open object %.12s", part->sha256) : 0;
}

static int make_index(struct publish *p, struct db *db, struct prepared *part, struct err *e)
{
	AUTO_BUF struct buf index = BUF_INIT(CHUNKS_TEXT_MAX);
	char unique[RANDOM_TEXT_MAX];
	AUTO_FD int fd = -1;
	int r = open_part(p, db, part, &fd, e);

	if (r == 0)
		r = chunks_build(fd, part->size_bytes, part->sha256, &index, e);
	if (r < 0)
		return r == ERR_LIMIT ? 0 : err_in(e, "part '%s'", part->path);
	random_text(9, unique);
	part->index = xasprintf("ix-%.16s-%.12s", part->sha256, unique);
	hash_text(HASH_SHA256, buf_bytes(&index), part->index_sha256);
	part->index_bytes = (int64_t)index.n;
	return journal_stage(p->root, part->index, buf_bytes(&index), e);
}

int publish_make_indexes(struct publish *p, struct db *db, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n; i++) {
		struct prepared *part = &p->parts[i];

		if (part->size_bytes < CHUNKS_FILE_MIN)
			continue;
		r = has_index(p, db, part, e);
		if (r == 0)
			r = make_index(p, db, part, e);
		if (r >= 0 && part->index)
			strv_add(&names, part->index);
		r = r < 0 ? r : 0;
	}
	return r == 0 && names.n > 0 ? journal_sync(p->root, &names, e) : r;
}

int publish_store_index(struct root *root, struct prepared *part, struct err *e)
{
	static const char sql[] =
		"UPDATE object SET chunks_sha256=?2, chunks_bytes=?3 WHERE sha256=?1";
	char path[OBJECT_PATH_MAX];
	int r;

	if (!part->index)
		return 0;
	r = db_exec(root_db(root), e, sql, "tti", part->sha256, part->index_sha256,
		    part->index_bytes);
	if (r == 0)
		r = journal_move(root, part->index, object_chunks_path(part->sha256, path), e);
	part->index_placed = r == 0;
	/* The manifest tells of it also where the version stays the same. */
	return r < 0 ? r : generation_bump(root_db(root), "tables", e);
}
