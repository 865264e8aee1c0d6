/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-viewfile.h"

#include "base/fault.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>

/* Waiting for a lock ends by a signal; it is repeated, since the first could come before the wait.
 */
#define ALARM_INTERVAL_MS 100

static struct flock whole_file(short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET };
}

static int busy(const char *database, pid_t pid, struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT(256);
	AUTO_FREE char *path = xasprintf("/proc/%d/comm", (int)pid);
	struct err unknown = { 0 };

	if (pid <= 0 || file_read(AT_FDCWD, path, 64, &name, &unknown) < 0)
		return err_set(e, ERR_BUSY, "database '%s' is held for writing by another process",
			       database);
	return err_set(e, ERR_BUSY, "database '%s' is held for writing by '%.*s' (process %d)",
		       database, (int)strcspn(buf_str(&name), "\n"), buf_str(&name), (int)pid);
}

static int open_database(const char *database, int *ret_fd, struct err *e)
{
	int fd = open(database, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open '%s'", database);
	*ret_fd = fd;
	return 0;
}

/* A lock that a process other than this holds and that `type` would not get along with. */
static bool held_against(int fd, short type, struct flock *ret_lock)
{
	*ret_lock = whole_file(type);
	return fcntl(fd, F_OFD_GETLK, ret_lock) == 0 && ret_lock->l_type != F_UNLCK;
}

static void woken(int signal_number)
{
	(void)signal_number;
}

static int set_alarm(int first_ms, int interval_ms)
{
	const struct itimerval timer = { .it_value = { first_ms / 1000, first_ms % 1000 * 1000 },
					 .it_interval = { 0, interval_ms * 1000 } };

	return setitimer(ITIMER_REAL, &timer, NULL);
}

int viewfile_wait(const char *database, struct err *e)
{
	const struct sigaction waking = { .sa_handler = woken };
	struct flock lock = whole_file(F_RDLCK);
	AUTO_FD int fd = -1;
	int got;

	if (open_database(database, &fd, e) < 0)
		return e->code;
	if (sigaction(SIGALRM, &waking, NULL) < 0 || set_alarm(VIEWFILE_WAIT_MS, ALARM_INTERVAL_MS))
		return err_sys(e, "set a timer");
	got = fcntl(fd, F_OFD_SETLKW, &lock);
	(void)set_alarm(0, 0);
	if (got == 0)
		return 0;
	return held_against(fd, F_RDLCK, &lock) ? busy(database, lock.l_pid, e) : 0;
}

bool viewfile_is_read(const char *database)
{
	AUTO_FD int fd = open(database, O_RDONLY | O_CLOEXEC);
	struct flock lock;

	return fd >= 0 && held_against(fd, F_WRLCK, &lock) && lock.l_type == F_RDLCK;
}

static int copy_bytes(int from, int to, const char *staging, struct err *e)
{
	ssize_t n;

	do {
		n = copy_file_range(from, NULL, to, NULL, (size_t)1 << 30, 0);
		if (n < 0)
			return err_sys(e, "copy the database to '%s'", staging);
	} while (n > 0);
	return 0;
}

static bool has_log(const char *database)
{
	AUTO_FREE char *log = xasprintf("%s.wal", database);
	struct stat st;

	return stat(log, &st) == 0 && st.st_size > 0;
}

void viewfile_discard(const char *staging)
{
	AUTO_FREE char *log = xasprintf("%s.wal", staging);

	(void)unlink(staging); /* litter at worst, which the next run discards */
	(void)unlink(log);
}

int viewfile_copy(const char *database, const char *staging, int *ret_lock, struct err *e)
{
	struct flock lock = whole_file(F_RDLCK);
	AUTO_FD int from = -1, to = -1;
	struct stat st;

	if (open_database(database, &from, e) < 0)
		return e->code;
	if (fcntl(from, F_OFD_SETLK, &lock) < 0)
		return held_against(from, F_RDLCK, &lock) ? busy(database, lock.l_pid, e)
							  : err_sys(e, "lock '%s'", database);
	if (has_log(database)) {
		(void)err_set(
			e, ERR_BUSY,
			"database '%s' has changes of a writer that was cut off, and is being read",
			database);
		return err_hint(e,
				"close the programs that read it, so that it can be put in order");
	}
	viewfile_discard(staging);
	to = open(staging, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0 || fstat(from, &st) < 0 || fchmod(to, st.st_mode & 07777) < 0)
		return err_sys(e, "make '%s'", staging);
	if (copy_bytes(from, to, staging, e) < 0)
		return e->code;
	*ret_lock = TAKE_FD(from);
	return 0;
}

static int sync_staging(const char *staging, struct err *e)
{
	AUTO_FREE char *log = xasprintf("%s.wal", staging);
	AUTO_FD int fd = open(staging, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open '%s'", staging);
	if (access(log, F_OK) == 0)
		return err_set(e, ERR_FAILED, "DuckDB left a log beside '%s'", staging);
	return file_sync(fd, staging, e);
}

int viewfile_publish(const char *staging, const char *database, struct err *e)
{
	if (sync_staging(staging, e) < 0 ||
	    file_rename(AT_FDCWD, staging, AT_FDCWD, database, e) < 0)
		return e->code;
	return dir_sync_parent(AT_FDCWD, database, e);
}

int viewfile_publish_new(const char *staging, const char *database, struct err *e)
{
	if (sync_staging(staging, e) < 0)
		return e->code;
	if (fault_step("link", database) == 0 && link(staging, database) == 0) {
		(void)unlink(staging);
		return dir_sync_parent(AT_FDCWD, database, e);
	}
	if (errno == EEXIST)
		return err_set(e, ERR_CONFLICT, "database '%s' was made by another process",
			       database);
	return viewfile_publish(staging, database, e); /* a file system without links */
}
