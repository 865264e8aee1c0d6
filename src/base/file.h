/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: one of the two doors to the disk. The other is the engine's journal, for files that belong
 * to a root (a hub's or a workspace's folder) and change together with its database; this one is
 * for the few that stand alone (credentials, an empty folder, a command's output file) and for what
 * the journal itself is made of.
 *
 * Everything durable passes fault_step(). Paths are relative to `dirfd` (AT_FDCWD allowed) unless
 * said otherwise. Threads: no state. Errors: ERR_NOT_FOUND when the file is absent, ERR_LIMIT over
 * a maximum, ERR_IO else.
 */
#ifndef LARDER_BASE_FILE_H
#define LARDER_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include <sys/stat.h>

/* The whole file, appended; more than `max` bytes is ERR_LIMIT. A link is followed. */
int file_read(int dirfd, const char *path, size_t max, struct buf *out, struct err *e);

/* Temporary beside it, write, fsync, rename, fsync folder: old or new, never torn. Mode as given,
 * whatever the umask. */
int file_replace(int dirfd, const char *path, struct bytes contents, mode_t mode, struct err *e);

/* mkdir -p; existing folders are fine, a file in the way is ERR_CONFLICT. The new folders' parents
 * are synced. */
int dir_make(int dirfd, const char *path, mode_t mode, struct err *e);

/* For lines appended by whoever comes: each write_all of a line is one write. Made when it lacks. */
int file_open_append(int dirfd, const char *path, mode_t mode, int *ret_fd, struct err *e);
/* Gives back the disk space between the first `head` and the last `tail` bytes; the size stays. Where
 * the file system cannot, nothing happens. */
void file_release_middle(int fd, int64_t head, int64_t tail);

int file_write_all(int fd, struct bytes contents, const char *name_for_errors, struct err *e);
int file_sync(int fd, const char *name_for_errors, struct err *e);
/* `n` bytes from one file to another, inside the kernel where it can: a file system with reflinks
 * then shares the blocks. ERR_IO also when the source ends before. */
struct file_piece {
	int from, to;
	int64_t from_at, to_at;
	int64_t n;
};
int file_copy_piece(const struct file_piece *piece, const char *name_for_errors, struct err *e);
int dir_sync(int dirfd, const char *path,
	     struct err *e); /* opens and fsyncs the folder at `path` */
int dir_sync_parent(int dirfd, const char *path,
		    struct err *e); /* ... the folder that holds `path` */
int file_rename(int from_dirfd, const char *from, int to_dirfd, const char *to,
		struct err *e);                              /* not synced */
int file_remove(int dirfd, const char *path, struct err *e); /* absent is fine; not synced */
int tree_remove(int dirfd, const char *path,
		struct err *e); /* a folder and all in it, no link followed */

/* Bytes that may still be written below `path` by this user. */
int disk_free(const char *path, int64_t *ret_bytes, struct err *e);

/* The names in a folder, sorted, without . and ..; appended. */
struct strv;
int dir_names(int dirfd, const char *path, struct strv *ret_names, struct err *e);
/* Calls back for every regular file and link below `path`, depth first, names sorted; a negative
 * return stops. */
typedef int (*tree_visit_fn)(void *ctx, const char *relative_path, const struct stat *st,
			     struct err *e);
int tree_visit(int dirfd, const char *path, tree_visit_fn visit, void *ctx, struct err *e);

/* realpath for an existing folder; the caller owns the text. */
int path_resolve(const char *path, char **ret_absolute, struct err *e);

/*
 * The folder that a command works on: the one that `given` or else the variable names, or else this one or the next
 * above that is of the kind. ERR_NOT_FOUND with the hint where there is none. The caller owns the path.
 */
struct folder_kind {
	const char *what;     /* "workspace" */
	const char *mark;     /* the file that makes a folder one */
	const char *variable; /* of the environment */
	const char *hint;
};
int folder_find(const struct folder_kind *kind, const char *given, char **ret_path, struct err *e);

#endif
