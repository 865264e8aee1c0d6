/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the hub's machine: paths, patterns, folders. */
#include "refresh/intake.h"

#include "base/file.h"
#include "base/hash.h"
#include "tables/publish-files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>

#define READ_SIZE ((size_t)256 << 10)

static void glob_release(glob_t *g)
{
	globfree(g);
}

static int add_pattern(struct intake *f, const char *pattern, struct publish_files *files,
		       struct err *e)
{
	AUTO(glob_release) glob_t found = { 0 };
	const char *format = source_text(f->source, "format");
	int failed = glob(pattern, 0, NULL, &found);
	int r = 0;

	if (failed == GLOB_NOMATCH)
		return err_set(e, ERR_NOT_FOUND, "no file is there for '%s'", pattern);
	if (failed)
		return err_set(e, ERR_IO, "look for '%s': the folder cannot be read", pattern);
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
		r = publish_files_add(files, found.gl_pathv[i], format, e);
	return r;
}

/* The hub's own state must not become a table that others read. */
static int check_not_ours(const struct intake *f, const struct publish_files *files, struct err *e)
{
	AUTO_FREE char *own = xasprintf("%s/" ROOT_FOLDER "/", root_path(f->root));

	for (size_t i = 0; i < files->n; i++) {
		AUTO_FREE char *path = realpath(files->v[i].file, NULL);

		if (path && str_starts(path, own))
			return err_set(e, ERR_DENIED, "'%s' is the hub's own", files->v[i].file);
	}
	return 0;
}

/* Path, size, time and inode of each: equal means that nothing need be read. */
static int fingerprint(const struct publish_files *files, char **ret_text, struct err *e)
{
	AUTO_HASH struct hash *h = hash_new(HASH_SHA256);
	char hex[HASH_HEX_MAX];

	for (size_t i = 0; i < files->n; i++) {
		const struct publish_file *file = &files->v[i];
		AUTO_FREE char *line = NULL;
		struct stat st;

		if (stat(file->file, &st) < 0)
			return err_sys(e, "look at '%s'", file->file);
		line = xasprintf("%s %d %" PRId64 " %" PRId64 ".%09ld %" PRIu64 "\n", file->file,
				 file->format, (int64_t)st.st_size, (int64_t)st.st_mtim.tv_sec,
				 st.st_mtim.tv_nsec, (uint64_t)st.st_ino);
		hash_add(h, line, strlen(line));
	}
	hash_hex(h, hex);
	*ret_text = xstrdup(hex);
	return 0;
}

static int copy(struct intake *f, int fd, const char *name, struct object_upload *u, struct err *e)
{
	AUTO_FREE char *piece = xmalloc(READ_SIZE);
	ssize_t n;

	while ((n = read(fd, piece, READ_SIZE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "read '%s'", name);
		if (object_upload_add(u, (struct bytes){ piece, (size_t)n }, e) < 0 ||
		    intake_count(f, n, e) < 0)
			return e->code;
	}
	return object_upload_finish(u, e);
}

static int take_file(struct intake *f, const struct publish_file *file, struct err *e)
{
	AUTO_OBJECT_UPLOAD struct object_upload *u = NULL;
	struct object_wish wish = { .max = INT64_MAX }; /* intake_count() says it better */
	AUTO_FD int fd = -1;
	int r = intake_open(f, file->file, &fd, e);

	if (r == 0)
		r = object_upload_begin(f->root, &wish, &u, e);
	if (r == 0)
		r = copy(f, fd, file->file, u, e);
	if (r == 0)
		r = intake_record(f, u, e);
	if (r == 0)
		intake_add(f, file->path, object_upload_sha256(u), file->format);
	return r;
}

int intake_files(struct intake *f, struct err *e)
{
	AUTO(publish_files_release) struct publish_files files = { 0 };
	const struct json *patterns = json_get(f->source->spec, "files");
	AUTO_FREE char *after = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_size(patterns); i++)
		r = add_pattern(f, json_text(json_at(patterns, i)), &files, e);
	if (r == 0)
		r = publish_files_settle(&files, e);
	if (r == 0)
		r = check_not_ours(f, &files, e);
	if (r == 0)
		r = fingerprint(&files, &f->seen, e);
	if (r < 0)
		return r;
	if (f->table.version && str_eq(f->seen, f->source->seen)) {
		f->unchanged = true;
		return 0;
	}
	for (size_t i = 0; r == 0 && i < files.n; i++)
		r = take_file(f, &files.v[i], e);
	if (r == 0)
		r = fingerprint(&files, &after, e);
	if (r == 0 && !str_eq(after, f->seen))
		r = err_set(e, ERR_BUSY, "a file changed while it was read");
	return r;
}
