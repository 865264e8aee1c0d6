/* SPDX-License-Identifier: Apache-2.0 */
#include "refresh/intake.h"

#include "base/file.h"
#include "base/hash.h"
#include "engine/journal.h"

#include <fcntl.h>
#include <sys/stat.h>

/* A token or a connection with all its options. */
#define SECRET_MAX ((size_t)16 << 10)
/* How often room on the disk is looked for while bytes come. */
#define SPACE_EVERY ((int64_t)64 << 20)

void intake_release(struct intake *f)
{
	struct err ignored = { 0 };

	for (size_t i = 0; i < f->n; i++)
		free(f->parts[i].path);
	free(f->parts);
	free(f->seen);
	for (size_t i = 0; f->root && i < f->staged.n; i++) /* else litter for the next start */
		(void)journal_stage_remove(f->root, f->staged.v[i], &ignored);
	strv_release(&f->staged);
	table_release(&f->table);
	*f = (struct intake){ 0 };
}

void intake_add(struct intake *f, const char *path, const char *sha256, enum duck_format format)
{
	struct intake_part part = { .path = xstrdup(path),
				    .format = format,
				    .is_new = f->last_is_new };

	(void)snprintf(part.sha256, sizeof(part.sha256), "%s", sha256);
	f->parts = xgrow(f->parts, &f->capacity, f->n + 1, sizeof(*f->parts));
	f->parts[f->n++] = part;
	f->last_is_new = false;
}

int intake_count(struct intake *f, int64_t bytes, struct err *e)
{
	int64_t before = f->bytes;
	char limit[FORMAT_SIZE_MAX];

	f->bytes += bytes;
	if (f->bytes > f->source->max_bytes)
		return err_set(e, ERR_LIMIT, "the source has more than %s, its max_bytes",
			       format_size(f->source->max_bytes, limit));
	if (before / SPACE_EVERY == f->bytes / SPACE_EVERY)
		return 0;
	return objects_check_space(f->root, bytes, e);
}

const char *intake_stage_name(struct intake *f, const char *ending)
{
	char unique[RANDOM_TEXT_MAX];

	random_text(12, unique);
	strv_addf(&f->staged, "rf-%s%s", unique, ending);
	return f->staged.v[f->staged.n - 1];
}

static int drop_one(struct root *root, const char *sha256, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	AUTO_FREE char *staged = NULL;
	int r = db_begin_tx(root_db(root), &tx, e);

	if (r == 0)
		r = db_get_text(root_db(root), &staged, e,
				"SELECT staged FROM object WHERE sha256=?1 AND state='uploaded'",
				"t", sha256);
	if (r < 0 || !staged)
		return r;
	r = db_exec(root_db(root), e, "DELETE FROM object WHERE sha256=?1 AND state='uploaded'",
		    "t", sha256);
	if (r == 0)
		r = db_commit(root_db(root), e);
	return r < 0 ? r : journal_stage_remove(root, staged, e);
}

void intake_drop(struct intake *f, struct root *root)
{
	struct err ignored = { 0 };

	for (size_t i = 0; i < f->n; i++) /* what cannot be dropped goes by its age */
		if (f->parts[i].is_new)
			(void)drop_one(root, f->parts[i].sha256, &ignored);
}

int intake_record(struct intake *f, struct object_upload *u, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	bool is_new = false;
	int r = db_begin_tx(root_db(f->root), &tx, e);

	if (r == 0)
		r = object_upload_record(u, f->root, &is_new, e);
	if (r == 0)
		r = journal_commit(f->root, e);
	if (r == 0 && is_new)
		object_upload_keep(u);
	f->last_is_new = r == 0 && is_new;
	return r;
}

int intake_adopt(struct intake *f, const char *staged, const char *path, enum duck_format format,
		 struct err *e)
{
	AUTO_OBJECT_UPLOAD struct object_upload *u = NULL;
	int r = object_upload_adopt(f->root, staged, &u, e);

	/* The upload's from here on: it removes what was there already. */
	for (size_t i = 0; r == 0 && i < f->staged.n; i++)
		if (str_eq(f->staged.v[i], staged)) {
			free(f->staged.v[i]);
			f->staged.v[i] = f->staged.v[--f->staged.n];
			f->staged.v[f->staged.n] = NULL;
			break;
		}
	if (r == 0)
		r = intake_record(f, u, e);
	if (r == 0)
		intake_add(f, path, object_upload_sha256(u), format);
	return r;
}

/* The descriptor says where the file is, not the path, under which another may lie by then. */
static int check_place(const struct intake *f, int fd, const char *path, struct err *e)
{
	AUTO_FREE char *own = xasprintf("/proc/self/fd/%d", fd);
	AUTO_FREE char *place = realpath(own, NULL);
	const struct strv *folders = f->refresh->folders;
	bool allowed = !folders || folders->n == 0;

	for (size_t i = 0; place && !allowed && i < folders->n; i++) {
		AUTO_FREE char *folder = realpath(folders->v[i], NULL);
		size_t n = folder ? strlen(folder) : 0;

		allowed = n == 1 || (n > 0 && str_starts(place, folder) && place[n] == '/');
	}
	if (allowed)
		return 0;
	(void)err_set(e, ERR_DENIED, "'%s' is in none of the folders that refreshes may read",
		      path);
	return err_hint(e, "refresh.folders in the hub's config.yaml names them");
}

int intake_open(const struct intake *f, const char *path, int *ret_fd, struct err *e)
{
	/* A pipe under that name would make us wait for its writer. */
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "'%s' is not a file", path);
	if (check_place(f, fd, path, e) < 0)
		return e->code;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int read_secret(const struct intake *f, const char *path, struct buf *out, struct err *e)
{
	AUTO_FREE char *own = NULL;
	AUTO_FD int fd = -1;
	int r = intake_open(f, path, &fd, e);

	own = xasprintf("/proc/self/fd/%d", fd);
	if (r == 0)
		r = file_read(AT_FDCWD, own, SECRET_MAX, out, e);

	while (r == 0 && out->n > 0 && strchr(" \t\r\n", out->p[out->n - 1]))
		out->p[--out->n] = '\0';
	return r;
}

int intake_secret(const struct intake *f, const char *key, char **ret_text, struct err *e)
{
	const struct source *s = f->source;
	AUTO_FREE char *env_key = xasprintf("%s_env", key);
	AUTO_FREE char *file_key = xasprintf("%s_file", key);
	AUTO_BUF struct buf text = BUF_INIT(SECRET_MAX);
	const char *name = source_text(s, env_key);
	const char *path = source_text(s, file_key);
	const char *value = name ? getenv(name) : NULL;

	*ret_text = NULL;
	if (name && (!value || !*value)) {
		(void)err_set(e, ERR_NOT_FOUND, "the environment has no '%s'", name);
		return err_hint(e, "set it where the hub is started");
	}
	if (path && read_secret(f, path, &text, e) < 0)
		return err_in(e, "%s", file_key);
	if (value)
		*ret_text = xstrdup(value);
	else if (path)
		*ret_text = buf_take(&text);
	return 0;
}
