/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a power cut takes: the list of changes that were not synced yet, with what is needed to undo
 * them. LARDER_CUT=FOLDER keeps there, by another name, the files that were replaced or removed.
 *
 * The harshest disk is played: everything that was not synced is lost, in each folder and each file
 * by itself, whatever was synced elsewhere. A name that was moved between two folders of which only
 * the new one was synced is in both.
 */
#include "base/fault.h"

#ifdef LARDER_FAULTS

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

struct undo {
	/* Bytes of a file, by descriptor or by path. */
	int fd;
	char *path;
	char *old;
	size_t n;
	off_t at, size;
	/* A name. `from` NULL: it was made; `to` NULL: it was removed. */
	bool is_name, is_folder, is_added;
	char *from, *to, *kept;
	struct stat from_dir, to_dir;
};

static struct {
	pthread_mutex_t lock;
	pthread_once_t once;
	const char *folder; /* NULL: nothing is noted */
	struct undo *v;
	size_t n, capacity;
	unsigned kept;
} cut = { .lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT };

static void read_environment(void)
{
	cut.folder = getenv("LARDER_CUT");
}

static bool is_on(void)
{
	(void)pthread_once(&cut.once, read_environment);
	return cut.folder != NULL;
}

static void release(struct undo *u)
{
	if (u->fd >= 0)
		(void)close(u->fd);
	if (u->kept)
		(void)unlink(u->kept);
	free(u->path);
	free(u->old);
	free(u->from);
	free(u->to);
	free(u->kept);
}

static void add(const struct undo *u)
{
	cut.v = xgrow(cut.v, &cut.capacity, cut.n + 1, sizeof(*cut.v));
	cut.v[cut.n++] = *u;
}

/* Drops those that `fits`. */
static void forget(bool (*fits)(struct undo *u, const void *what), const void *what)
{
	size_t n = 0;

	for (size_t i = 0; i < cut.n; i++)
		if (fits(&cut.v[i], what))
			release(&cut.v[i]);
		else
			cut.v[n++] = cut.v[i];
	cut.n = n;
}

void fault_will_write(int fd, int64_t at, size_t n)
{
	struct undo u = { .fd = -1 };
	struct stat st;
	ssize_t got = 0;

	if (!is_on() || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	u.at = at >= 0 ? at : lseek(fd, 0, SEEK_CUR);
	u.size = st.st_size;
	u.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (u.at < st.st_size) {
		u.old = xmalloc(n);
		got = pread(fd, u.old, n, u.at);
	}
	u.n = got > 0 ? (size_t)got : 0;
	pthread_mutex_lock(&cut.lock);
	add(&u);
	pthread_mutex_unlock(&cut.lock);
}

bool fault_wants_old(void)
{
	return is_on();
}

void fault_will_change(const char *path, int64_t at, struct bytes old, int64_t size)
{
	struct undo u = { .fd = -1, .at = at, .size = size, .n = old.n };

	if (!is_on())
		return;
	u.path = xstrdup(path);
	u.old = xstrndup("", 0);
	if (old.n > 0) {
		u.old = xrealloc(u.old, old.n);
		memcpy(u.old, old.p, old.n);
	}
	pthread_mutex_lock(&cut.lock);
	add(&u);
	pthread_mutex_unlock(&cut.lock);
}

static char *absolute(int dirfd, const char *path)
{
	AUTO_FREE char *link = xasprintf("/proc/self/fd/%d", dirfd);
	char folder[4096];
	ssize_t n;

	if (path[0] == '/')
		return xstrdup(path);
	n = dirfd == AT_FDCWD ? readlink("/proc/self/cwd", folder, sizeof(folder))
			      : readlink(link, folder, sizeof(folder));
	return xasprintf("%.*s/%s", (int)(n > 0 ? n : 0), folder, path);
}

/* False: it cannot work, as there is no such folder. */
static bool look_at_parent(const char *path, struct stat *ret)
{
	AUTO_FREE char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));

	return stat(folder, ret) == 0;
}

/* Another name for what is there, so that it can come back. */
static void keep(struct undo *u, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return;
	u->is_folder = S_ISDIR(st.st_mode);
	if (u->is_folder)
		return;
	u->kept = xasprintf("%s/%d-%u", cut.folder, (int)getpid(), cut.kept++);
	if (link(path, u->kept) < 0) {
		free(u->kept);
		u->kept = NULL;
	}
}

void fault_will_name(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
	struct undo u = { .fd = -1, .is_name = true };
	int keep_errno = errno;
	bool possible;

	if (!is_on())
		return;
	u.from = from ? absolute(from_dirfd, from) : NULL;
	u.to = to ? absolute(to_dirfd, to) : NULL;
	possible = (!u.from || look_at_parent(u.from, &u.from_dir)) &&
		   (!u.to || look_at_parent(u.to, &u.to_dir)) &&
		   access(from ? u.from : u.to, F_OK) == (from ? 0 : -1);
	pthread_mutex_lock(&cut.lock);
	if (possible) {
		keep(&u, to ? u.to : u.from);
		add(&u);
		u = (struct undo){ .fd = -1 };
	}
	pthread_mutex_unlock(&cut.lock);
	release(&u);
	errno = keep_errno;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

static bool is_of_folder(struct undo *u, const void *what)
{
	if (!u->is_name)
		return false;
	if (u->to && is_same(&u->to_dir, what))
		u->is_added = true;
	if (!u->from)
		return u->is_added;
	return is_same(&u->from_dir, what) && (!u->to || u->is_added);
}

static bool is_of_file(struct undo *u, const void *what)
{
	struct stat st;

	return u->fd >= 0 && fstat(u->fd, &st) == 0 && is_same(&st, what);
}

static bool is_of_path(struct undo *u, const void *what)
{
	return u->path && str_eq(u->path, what);
}

static bool is_any(struct undo *u, const void *what)
{
	(void)what;
	return u->path == NULL; /* a database syncs itself */
}

void fault_did_sync(int fd)
{
	struct stat st;

	if (!is_on() || fstat(fd, &st) < 0)
		return;
	pthread_mutex_lock(&cut.lock);
	forget(S_ISDIR(st.st_mode) ? is_of_folder : is_of_file, &st);
	pthread_mutex_unlock(&cut.lock);
}

void fault_did_sync_all(void)
{
	if (!is_on())
		return;
	pthread_mutex_lock(&cut.lock);
	forget(is_any, NULL);
	pthread_mutex_unlock(&cut.lock);
}

void fault_did_sync_path(const char *path)
{
	if (!is_on())
		return;
	pthread_mutex_lock(&cut.lock);
	forget(is_of_path, path);
	pthread_mutex_unlock(&cut.lock);
}

static int undo_bytes(const struct undo *u)
{
	int fd = u->path ? open(u->path, O_WRONLY | O_CLOEXEC) : u->fd;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	return u->n > 0 && pwrite(fd, u->old, u->n, u->at) < 0 ? -1 : ftruncate(fd, u->size);
}

static int undo_name(const struct undo *u)
{
	int r;

	if (!u->from)
		return unlink(u->to);
	if (!u->to && u->is_folder)
		return mkdir(u->from, 0755);
	if (!u->to)
		return u->kept ? link(u->kept, u->from) : 0;
	if (u->is_added)
		return link(u->to, u->from);
	r = rename(u->to, u->from);
	return r == 0 && u->kept ? link(u->kept, u->to) : r;
}

/* Not an error: a step that failed, or was never made, has nothing to undo. */
static bool is_nothing(int r)
{
	return r == 0 || errno == ENOENT || errno == EEXIST;
}

void fault_cut(void)
{
	if (!is_on())
		return;
	pthread_mutex_lock(&cut.lock); /* and never given back: nobody writes any more */
	for (size_t i = cut.n; i-- > 0;) {
		const struct undo *u = &cut.v[i];

		if (!is_nothing(u->is_name ? undo_name(u) : undo_bytes(u)))
			(void)fprintf(stderr, "cut: '%s' cannot be undone: %s\n",
				      u->to     ? u->to
				      : u->from ? u->from
				      : u->path ? u->path
						: "a file",
				      strerror(errno));
	}
}

#endif
