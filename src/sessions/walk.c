/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/walk.h"

#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only read from */
}

static bool may_be(const struct dirent *entry, bool folders)
{
	unsigned char wanted = folders ? DT_DIR : DT_REG;

	if (entry->d_name[0] == '.' || (entry->d_type != wanted && entry->d_type != DT_UNKNOWN))
		return false;
	return folders || str_ends(entry->d_name, SESSIONS_ENDING);
}

/* Folders get their '/', so that they are in the order of what is below them. ERR_NOT_FOUND when it
 * is no folder (any more). */
static int list(int fd, bool folders, struct strv *names, struct err *e)
{
	AUTO(close_dir) DIR *dir = fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return err_sys(e, "read a folder of sessions");
	for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0)
		if (may_be(entry, folders))
			strv_addf(names, "%s%s", entry->d_name, folders ? "/" : "");
	if (errno)
		return err_sys(e, "read a folder of sessions");
	strv_sort(names);
	return 0;
}

static int open_folder(int dirfd, const char *path, int *ret_fd, struct err *e)
{
	*ret_fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
		return err_set(e, ERR_NOT_FOUND, "folder '%s' is not there", path);
	return err_sys(e, "open folder '%s'", path);
}

/* 1 when it is a regular file. */
static int look_at(int fd, const char *name, struct session_stat *s)
{
	struct statx st;

	if (statx(fd, name, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC,
		  STATX_TYPE | STATX_SIZE | STATX_MTIME, &st) < 0 ||
	    !S_ISREG(st.stx_mode))
		return 0;
	s->size = (int64_t)st.stx_size;
	s->mtime_ns = st.stx_mtime.tv_sec * 1000000000 + st.stx_mtime.tv_nsec;
	return 1;
}

struct walk {
	session_visit_fn visit;
	void *ctx;
	struct buf session;
};

static int visit_files(struct walk *w, int fd, const char *email, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	AUTO_FD int listed = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int r = listed < 0 ? err_sys(e, "read a folder of sessions") : 0;

	if (r == 0)
		r = list(TAKE_FD(listed), false, &names, e); /* closes it */
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct session_stat s = { .email = email, .name = names.v[i] };

		if (!look_at(fd, s.name, &s))
			continue;
		buf_clear(&w->session);
		buf_adds(&w->session, email);
		buf_addc(&w->session, '/');
		buf_adds(&w->session, s.name);
		s.session = buf_str(&w->session);
		r = w->visit(w->ctx, &s, e);
	}
	return r;
}

static int visit_folder(struct walk *w, int top, char *email, struct err *e)
{
	AUTO_FD int fd = -1;
	int r;

	email[strlen(email) - 1] = '\0'; /* its '/' */
	r = open_folder(top, email, &fd, e);
	return r == ERR_NOT_FOUND ? 0 : r < 0 ? r : visit_files(w, fd, email, e);
}

int sessions_walk(int dirfd, session_visit_fn visit, void *ctx, struct err *e)
{
	AUTO_STRV struct strv emails = STRV_INIT;
	AUTO_FD int top = -1;
	AUTO_FD int listed = -1;
	struct walk w = { visit, ctx, BUF_INIT(BUF_OWN_MAX) };
	int r = open_folder(dirfd, SESSIONS_FOLDER, &top, e);

	if (r == ERR_NOT_FOUND)
		return 0;
	if (r == 0)
		r = open_folder(dirfd, SESSIONS_FOLDER, &listed, e);
	if (r == 0)
		r = list(TAKE_FD(listed), true, &emails, e); /* closes it */
	for (size_t i = 0; r == 0 && i < emails.n; i++)
		r = visit_folder(&w, top, emails.v[i], e);
	buf_release(&w.session);
	return r;
}
