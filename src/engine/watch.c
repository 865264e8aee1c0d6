/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/watch.h"

#include "base/str.h"
#include "base/time.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>

#define FILE_EVENTS                                                                                \
	(IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM |        \
	 IN_ATTRIB)
/* Before the processes in the list that is polled. */
enum { FILES, SIGNALS, FIXED };

struct watched_file {
	int folder; /* inotify's number */
	char *name; /* NULL: all in the folder */
};

struct watch {
	int signals;
	int notify;
	struct watched_file *files;
	size_t files_n, files_capacity;
	struct pollfd *polled; /* FIXED, then a pidfd for each process */
	pid_t *pids;
	size_t pids_n, polled_capacity, pids_capacity;
	bool ended; /* a process that was gone before it was watched */
};

struct watch *watch_new(void)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->signals = -1;
	w->notify = -1;
	w->polled = xgrow(NULL, &w->polled_capacity, FIXED, sizeof(*w->polled));
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	auto_fd_(&w->signals);
	auto_fd_(&w->notify);
	for (size_t i = 0; i < w->files_n; i++)
		free(w->files[i].name);
	for (size_t i = 0; i < w->pids_n; i++)
		auto_fd_(&w->polled[FIXED + i].fd);
	free(w->files);
	free(w->polled);
	free(w->pids);
	free(w);
}

int watch_signals(struct watch *w, struct err *e)
{
	sigset_t set;

	(void)sigemptyset(&set); /* these fail only for signals that do not exist */
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return w->signals < 0 ? err_sys(e, "wait for signals") : 0;
}

static int add_folder(struct watch *w, const char *folder, const char *path, int *ret_wd,
		      struct err *e)
{
	int wd = -1;

	if (w->notify < 0)
		w->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->notify < 0)
		return err_sys(e, "watch '%s'", path);
	wd = inotify_add_watch(w->notify, *folder ? folder : "/", FILE_EVENTS | IN_ONLYDIR);
	if (wd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "watch '%s': its folder does not exist", path);
	if (wd < 0)
		return err_sys(e, "watch '%s'", path);
	*ret_wd = wd;
	return 0;
}

int watch_file(struct watch *w, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *folder = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
	int wd = -1;

	if (add_folder(w, folder, path, &wd, e) < 0)
		return e->code;
	w->files = xgrow(w->files, &w->files_capacity, w->files_n + 1, sizeof(*w->files));
	w->files[w->files_n++] = (struct watched_file){ wd, xstrdup(slash ? slash + 1 : path) };
	return 0;
}

int watch_folder(struct watch *w, const char *path, struct err *e)
{
	int wd = -1;

	if (add_folder(w, path, path, &wd, e) < 0)
		return e->code;
	for (size_t i = 0; i < w->files_n; i++)
		if (w->files[i].folder == wd && !w->files[i].name)
			return 0;
	w->files = xgrow(w->files, &w->files_capacity, w->files_n + 1, sizeof(*w->files));
	w->files[w->files_n++] = (struct watched_file){ wd, NULL };
	return 0;
}

int watch_process(struct watch *w, pid_t pid, struct err *e)
{
	int fd;

	for (size_t i = 0; i < w->pids_n; i++)
		if (w->pids[i] == pid)
			return 0;
	fd = pidfd_open(pid, 0);
	if (fd < 0 && errno == ESRCH) {
		w->ended = true;
		return 0;
	}
	if (fd < 0)
		return err_sys(e, "watch process %d", (int)pid);
	w->pids = xgrow(w->pids, &w->pids_capacity, w->pids_n + 1, sizeof(*w->pids));
	w->polled =
		xgrow(w->polled, &w->polled_capacity, FIXED + w->pids_n + 1, sizeof(*w->polled));
	w->pids[w->pids_n] = pid;
	w->polled[FIXED + w->pids_n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return 0;
}

static bool is_watched(const struct watch *w, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		return true;
	for (size_t i = 0; i < w->files_n; i++)
		if (w->files[i].folder == event->wd && event->len > 0 &&
		    (!w->files[i].name || str_eq(w->files[i].name, event->name)))
			return true;
	return false;
}

/* Takes all that was reported; is one of ours among it? */
static bool read_files(const struct watch *w)
{
	_Alignas(struct inotify_event) char room[8192];
	bool found = false;
	ssize_t n;

	while ((n = read(w->notify, room, sizeof(room))) > 0) {
		for (char *at = room; at < room + n;) {
			const struct inotify_event *event = (const void *)at;

			found = found || is_watched(w, event);
			at += sizeof(*event) + event->len;
		}
	}
	return found;
}

static bool read_signals(const struct watch *w)
{
	struct signalfd_siginfo info;
	bool found = false;

	while (read(w->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		found = true;
	return found;
}

static bool forget_ended(struct watch *w)
{
	bool found = w->ended;

	w->ended = false;
	for (size_t i = 0; i < w->pids_n;) {
		if (!w->polled[FIXED + i].revents) {
			i++;
			continue;
		}
		found = true;
		(void)close(w->polled[FIXED + i].fd); /* nothing is written through it */
		w->pids_n--;
		w->pids[i] = w->pids[w->pids_n];
		w->polled[FIXED + i] = w->polled[FIXED + w->pids_n];
	}
	return found;
}

static int poll_ms(const struct watch *w, int64_t until)
{
	int64_t left = until - time_monotonic();

	if (w->ended || (until >= 0 && left <= 0))
		return 0;
	return until < 0 ? -1 : left < INT_MAX ? (int)left : INT_MAX;
}

int watch_wait(struct watch *w, int64_t wait_ms, struct err *e)
{
	int64_t until = wait_ms < 0 ? -1 : time_monotonic() + wait_ms;

	for (;;) {
		bool changed, signalled;
		int ms = poll_ms(w, until);
		int n;

		w->polled[FILES] = (struct pollfd){ .fd = w->notify, .events = POLLIN };
		w->polled[SIGNALS] = (struct pollfd){ .fd = w->signals, .events = POLLIN };
		n = poll(w->polled, FIXED + w->pids_n, ms);
		if (n < 0 && errno != EINTR)
			return err_sys(e, "wait");
		if (n < 0)
			continue;
		signalled = w->polled[SIGNALS].revents && read_signals(w);
		changed = w->polled[FILES].revents && read_files(w);
		changed = forget_ended(w) || changed;
		if (signalled)
			return WATCH_SIGNAL;
		if (changed)
			return WATCH_CHANGE;
		if (until >= 0 && time_monotonic() >= until)
			return WATCH_TIME;
	}
}
