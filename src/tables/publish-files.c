/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/publish-files.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>

void publish_files_release(struct publish_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->v[i].file);
		free(files->v[i].path);
	}
	free(files->v);
	*files = (struct publish_files){ 0 };
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int find_format(const char *file, const char *given, enum duck_format *ret_format,
		       struct err *e)
{
	const char *dot = strrchr(base_name(file), '.');
	int r = publish_format_parse(given ? given : dot ? dot + 1 : "", ret_format, e);

	if (r == 0 || given)
		return r;
	err_set(e, ERR_USAGE, "'%s' has no extension that tells its format", file);
	return err_hint(e, "name it (--format parquet, csv, tsv, json or ndjson), or leave it out");
}

/* `path` is adopted. */
static int add_file(struct publish_files *files, const char *file, char *path, const char *format,
		    struct err *e)
{
	AUTO_FREE char *owned = path;
	struct publish_file f = { 0 };
	struct stat st;
	int r = find_format(file, format, &f.format, e);

	if (r < 0)
		return r;
	if (files->n == PUBLISH_PARTS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d files, the most a table may have",
			       PUBLISH_PARTS_MAX);
	if (stat(file, &st) < 0)
		return err_sys(e, "look at '%s'", file);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "'%s' is not a file", file);
	f.file = xstrdup(file);
	f.path = TAKE(owned);
	f.size_bytes = st.st_size;
	files->v = xgrow(files->v, &files->capacity, files->n + 1, sizeof(*files->v));
	files->v[files->n++] = f;
	files->bytes += st.st_size;
	return 0;
}

struct walk {
	struct publish_files *files;
	const char *folder, *format;
};

static bool is_note(const char *relative_path)
{
	for (const char *s = relative_path; s; s = strchr(s, '/')) {
		s += *s == '/';
		if (*s == '.' || *s == '_')
			return true;
	}
	return false;
}

static int visit(void *ctx, const char *relative_path, const struct stat *st, struct err *e)
{
	const struct walk *w = ctx;
	AUTO_FREE char *file = NULL;

	(void)st; /* of a link itself: what it points to counts */
	if (is_note(relative_path))
		return 0;
	file = xasprintf("%s/%s", w->folder, relative_path);
	return add_file(w->files, file, xstrdup(relative_path), w->format, e);
}

int publish_files_add(struct publish_files *files, const char *operand, const char *format,
		      struct err *e)
{
	struct walk w = { files, operand, format };
	struct stat st;

	if (stat(operand, &st) < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "there is no file or folder '%s'", operand);
	if (stat(operand, &st) == 0 && S_ISDIR(st.st_mode)) {
		files->folder = true;
		return tree_visit(AT_FDCWD, operand, visit, &w, e);
	}
	return add_file(files, operand, xstrdup(base_name(operand)), format, e);
}

static int by_path(const void *a, const void *b)
{
	const struct publish_file *x = a;
	const struct publish_file *y = b;

	return strcmp(x->path, y->path);
}

int publish_files_settle(struct publish_files *files, struct err *e)
{
	if (files->n == 0)
		return err_set(e, ERR_USAGE, "there is no data file to publish");
	if (files->n == 1 && !files->folder) {
		files->v[0].path[0] = '\0';
		return 0;
	}
	qsort(files->v, files->n, sizeof(*files->v), by_path);
	for (size_t i = 0; i < files->n; i++) {
		const struct publish_file *f = &files->v[i];

		if (!name_is_part(f->path))
			return err_set(e, ERR_USAGE,
				       "'%s' cannot be a part: only letters, digits, '_', '.', '=' "
				       "and '-' in its path",
				       f->file);
		if (i > 0 && str_eq(f->path, files->v[i - 1].path))
			return err_set(e, ERR_USAGE, "'%s' and '%s' would be the same part",
				       files->v[i - 1].file, f->file);
	}
	return 0;
}
