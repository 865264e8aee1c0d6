/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/backup-list.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

void backup_list_release(struct backup_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].path);
	free(list->v);
	*list = (struct backup_list){ 0 };
}

void backup_list_add(struct backup_list *list, const struct backup_file *file)
{
	list->v = xgrow(list->v, &list->capacity, list->n + 1, sizeof(*list->v));
	list->v[list->n] = *file;
	list->v[list->n++].path = xstrdup(file->path);
}

static int by_path(const void *a, const void *b)
{
	const struct backup_file *x = a;
	const struct backup_file *y = b;

	return strcmp(x->path, y->path);
}

void backup_list_sort(struct backup_list *list)
{
	if (list->n > 0)
		qsort(list->v, list->n, sizeof(*list->v), by_path);
}

static int key_to_file(const void *key, const void *file)
{
	return strcmp(key, ((const struct backup_file *)file)->path);
}

const struct backup_file *backup_list_find(const struct backup_list *list, const char *path)
{
	if (list->n == 0)
		return NULL;
	return bsearch(path, list->v, list->n, sizeof(*list->v), key_to_file);
}

void backup_list_write(const struct backup_list *list, struct buf *out)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct backup_file *f = &list->v[i];

		buf_addf(out, "%s %" PRId64 " %" PRId64 " %" PRIu64 " %s\n", f->sha256, f->size,
			 f->mtime_ns, f->inode, f->path);
	}
	buf_addf(out, "end %zu %s\n", list->n, list->database);
}

/* A path of a list is below the hub's folder, whoever wrote the list. */
static bool path_is_safe(const char *path)
{
	if (path[0] == '/' || path[0] == '\0' || str_eq(path, "..") || str_starts(path, "../"))
		return false;
	return !strstr(path, "/../") && !str_ends(path, "/..") && text_is_clean(bytes_of(path)) &&
	       !str_starts(path, ".larder/");
}

static int read_line(char *line, struct backup_list *list, struct err *e)
{
	struct backup_file f = { 0 };
	AUTO_STRV struct strv words = STRV_INIT;
	int64_t inode = 0;
	char *path = line;

	for (int i = 0; i < 4 && path; i++) {
		char *blank = strchr(path, ' ');

		if (blank)
			*blank = '\0';
		strv_add(&words, path);
		path = blank ? blank + 1 : NULL;
	}
	if (!path || !is_hex(words.v[0], SHA256_HEX) || !path_is_safe(path) ||
	    parse_int64(words.v[1], 0, INT64_MAX, &f.size, e) < 0 ||
	    parse_int64(words.v[2], 0, INT64_MAX, &f.mtime_ns, e) < 0 ||
	    parse_int64(words.v[3], 0, INT64_MAX, &inode, e) < 0)
		return err_set(e, ERR_CORRUPT, "line %zu is none of a backup's list", list->n + 1);
	memcpy(f.sha256, words.v[0], sizeof(f.sha256));
	f.inode = (uint64_t)inode;
	f.path = path;
	backup_list_add(list, &f);
	return 0;
}

static int read_end(const char *line, struct backup_list *list, struct err *e)
{
	AUTO_STRV struct strv words = STRV_INIT;
	int64_t n = -1;

	strv_split(&words, line, ' ');
	if (words.n != 3 || parse_int64(words.v[1], 0, INT64_MAX, &n, e) < 0 ||
	    (size_t)n != list->n || !is_hex(words.v[2], SHA256_HEX))
		return err_set(e, ERR_CORRUPT, "its last line does not fit: it was cut or changed");
	memcpy(list->database, words.v[2], sizeof(list->database));
	return 0;
}

static int parse_lines(char *text, struct backup_list *list, struct err *e)
{
	for (char *line = text; *line;) {
		char *end = strchr(line, '\n');

		if (!end)
			break;
		*end = '\0';
		if (str_starts(line, "end "))
			return end[1] ? err_set(e, ERR_CORRUPT, "something follows its last line")
				      : read_end(line, list, e);
		if (read_line(line, list, e) < 0)
			return e->code;
		line = end + 1;
	}
	return err_set(e, ERR_CORRUPT, "it has no last line: it was cut");
}

int backup_list_parse(char *text, struct backup_list *ret_list, struct err *e)
{
	AUTO_BACKUP_LIST struct backup_list list = { 0 };

	if (parse_lines(text, &list, e) < 0)
		return e->code;
	backup_list_sort(&list);
	*ret_list = list;
	list = (struct backup_list){ 0 };
	return 0;
}

int backup_list_read(const char *path, struct backup_list *ret_list, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BACKUP_LIST_MAX);
	int r = file_read(AT_FDCWD, path, BACKUP_LIST_MAX, &text, e);

	buf_addc(&text, '\0'); /* also when the file is empty */
	if (r == 0)
		r = backup_list_parse(text.p, ret_list, e);
	return r < 0 ? err_in(e, "the list '%s'", path) : 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only read from */
}

int backup_snapshots(const char *folder, struct strv *ret_names, struct err *e)
{
	AUTO_FREE char *path = xasprintf("%s/snapshots", folder);
	AUTO(close_dir) DIR *dir = opendir(path);

	if (!dir)
		return errno == ENOENT ? 0 : err_sys(e, "open folder '%s'", path);
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		if (entry->d_name[0] != '.')
			strv_add(ret_names, entry->d_name);
	strv_sort(ret_names);
	return 0;
}

char *backup_store_path(const char *folder, const char *sha256)
{
	return xasprintf("%s/store/%.2s/%s", folder, sha256, sha256);
}
