/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/fault.h"
#include "base/hash.h"
#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>

#define COPY_BUFFER ((size_t)256 << 10)

static int read_rest(int fd, const char *path, size_t max, struct buf *out, struct err *e)
{
	ssize_t n;
	size_t before = out->n;

	do {
		char *room = buf_reserve(out, 65536);

		if (!room)
			return err_set(e, ERR_LIMIT, "'%s' has more than %zu bytes", path, max);
		n = read(fd, room, 65536);
		if (n > 0)
			out->n += (size_t)n;
	} while (n > 0 && out->n - before <= max);
	if (n < 0)
		return err_sys(e, "read '%s'", path);
	if (out->n - before > max)
		return err_set(e, ERR_LIMIT, "'%s' has more than %zu bytes", path, max);
	if (out->p)
		out->p[out->n] = '\0';
	return 0;
}

int file_read(int dirfd, const char *path, size_t max, struct buf *out, struct err *e)
{
	AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(e, ERR_NOT_FOUND, "open '%s': no such file", path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open '%s'", path);
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_IO, "read '%s': it is a folder", path);
	/* Room for one piece past the end, so that the limit is told from a file of exactly `max`.
	 */
	if (out->max < out->n + max + 65536)
		out->max = out->n + max + 65536;
	return read_rest(fd, path, max, out, e);
}

int file_write_all(int fd, struct bytes contents, const char *name, struct err *e)
{
	if (fault_step("write", name) < 0)
		return err_sys(e, "write '%s'", name);
	fault_will_write(fd, -1, contents.n);
	while (contents.n > 0) {
		ssize_t n = write(fd, contents.p, contents.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "write '%s'", name);
		contents.p += n;
		contents.n -= (size_t)n;
	}
	return 0;
}

/* Where the kernel cannot: other file systems, older kernels. */
static ssize_t copy_through(const struct file_piece *piece, int64_t done, char *buffer)
{
	int64_t left = piece->n - done;
	size_t want = left < (int64_t)COPY_BUFFER ? (size_t)left : COPY_BUFFER;
	ssize_t n = pread(piece->from, buffer, want, piece->from_at + done);

	return n <= 0 ? n : pwrite(piece->to, buffer, (size_t)n, piece->to_at + done);
}

int file_copy_piece(const struct file_piece *piece, const char *name, struct err *e)
{
	AUTO_FREE char *buffer = NULL;
	int64_t done = 0;

	if (fault_step("write", name) < 0)
		return err_sys(e, "write '%s'", name);
	fault_will_write(piece->to, piece->to_at, (size_t)piece->n);
	while (done < piece->n) {
		off_t from = piece->from_at + done;
		off_t to = piece->to_at + done;
		ssize_t n = buffer ? copy_through(piece, done, buffer)
				   : copy_file_range(piece->from, &from, piece->to, &to,
						     (size_t)(piece->n - done), 0);

		if (n < 0 && !buffer &&
		    (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
			buffer = xmalloc(COPY_BUFFER);
			continue;
		}
		if (n < 0)
			return err_sys(e, "copy into '%s'", name);
		if (n == 0)
			return err_set(e, ERR_IO, "copy into '%s': the source ended", name);
		done += n;
	}
	return 0;
}

int file_sync(int fd, const char *name, struct err *e)
{
	if (fault_step("fsync", name) < 0 || fsync(fd) < 0)
		return err_sys(e, "sync '%s'", name);
	fault_did_sync(fd);
	return 0;
}

int dir_sync(int dirfd, const char *path, struct err *e)
{
	AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open folder '%s'", path);
	return file_sync(fd, path, e);
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

int dir_sync_parent(int dirfd, const char *path, struct err *e)
{
	AUTO_FREE char *parent = parent_of(path);

	return dir_sync(dirfd, parent, e);
}

int file_rename(int from_dirfd, const char *from, int to_dirfd, const char *to, struct err *e)
{
	if (fault_step("rename", to) < 0)
		return err_sys(e, "rename '%s' to '%s'", from, to);
	fault_will_name(from_dirfd, from, to_dirfd, to);
	if (renameat(from_dirfd, from, to_dirfd, to) < 0)
		return err_sys(e, "rename '%s' to '%s'", from, to);
	return 0;
}

int file_remove(int dirfd, const char *path, struct err *e)
{
	if (fault_step("unlink", path) < 0)
		return err_sys(e, "remove '%s'", path);
	fault_will_name(dirfd, path, -1, NULL);
	if (unlinkat(dirfd, path, 0) < 0 && errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, "remove '%s'", path);
	return 0;
}

int file_replace(int dirfd, const char *path, struct bytes contents, mode_t mode, struct err *e)
{
	char suffix[RANDOM_TEXT_MAX];
	AUTO_FREE char *temporary = NULL;
	AUTO_FD int fd = -1;

	random_text(9, suffix);
	temporary = xasprintf("%s.tmp-%s", path, suffix);
	if (fault_step("create", path) < 0)
		return err_sys(e, "create '%s'", path);
	fault_will_name(-1, NULL, dirfd, temporary);
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return err_sys(e, "create '%s'", path);
	if (fchmod(fd, mode) < 0) {
		(void)unlinkat(dirfd, temporary, 0); /* the first error is the one to tell */
		return err_sys(e, "set the mode of '%s'", path);
	}
	if (file_write_all(fd, contents, path, e) < 0 || file_sync(fd, path, e) < 0 ||
	    file_rename(dirfd, temporary, dirfd, path, e) < 0) {
		(void)unlinkat(dirfd, temporary, 0); /* the first error is the one to tell */
		return e->code;
	}
	return dir_sync_parent(dirfd, path, e);
}

static int make_one(int dirfd, const char *path, mode_t mode, struct err *e)
{
	struct stat st;

	if (fstatat(dirfd, path, &st, 0) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		return err_set(e, ERR_CONFLICT, "make folder '%s': a file is in the way", path);
	}
	if (fault_step("mkdir", path) < 0 || (mkdirat(dirfd, path, mode) < 0 && errno != EEXIST))
		return err_sys(e, "make folder '%s'", path);
	return dir_sync_parent(dirfd, path, e);
}

int dir_make(int dirfd, const char *path, mode_t mode, struct err *e)
{
	AUTO_FREE char *copy = xstrdup(path);

	for (char *at = copy + 1; *copy && (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		if (make_one(dirfd, copy, mode, e) < 0)
			return e->code;
		*at = '/';
	}
	return make_one(dirfd, path, mode, e);
}

int disk_free(const char *path, int64_t *ret_bytes, struct err *e)
{
	struct statvfs st;

	if (statvfs(path, &st) < 0)
		return err_sys(e, "ask for free space at '%s'", path);
	*ret_bytes = (int64_t)(st.f_bavail * st.f_frsize);
	return 0;
}

int path_resolve(const char *path, char **ret_absolute, struct err *e)
{
	char *absolute = realpath(path, NULL);

	if (!absolute && (errno == ENOENT || errno == ENOTDIR))
		return err_set(e, ERR_NOT_FOUND, "'%s' does not exist", path);
	if (!absolute)
		return err_sys(e, "resolve '%s'", path);
	*ret_absolute = absolute;
	return 0;
}

int file_open_append(int dirfd, const char *path, mode_t mode, int *ret_fd, struct err *e)
{
	int fd = openat(dirfd, path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	*ret_fd = fd;
	return 0;
}

void file_release_middle(int fd, int64_t head, int64_t tail)
{
	struct stat st;

	/* A saving of space only: what cannot be given back is cut away when the file is done. */
	if (fstat(fd, &st) == 0 && st.st_size > head + tail)
		(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, head,
				st.st_size - head - tail);
}
