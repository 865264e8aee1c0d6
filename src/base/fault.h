/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam every durable step passes: a write that must survive, an fsync, a rename, an unlink, a
 * commit. Tests sweep it.
 *
 *	LARDER_CRASH_AT=n	ends the process (exit 99, no cleanup) just before the n-th step
 *	LARDER_CUT=folder	... with LARDER_CRASH_AT: what was not synced by then is undone first, as
 *				by a power cut: bytes, names, a database's pages (an empty folder
 *				on the same file system is needed for it)
 *	LARDER_FAIL_AT=n	the n-th step and every later one fail
 *	LARDER_FAIL_WITH=X	... with EIO (the default) or ENOSPC
 *	LARDER_FAIL_ONCE=1	... only the n-th
 *	LARDER_STEPS=file	appends "n what path" for each step, to see what a sweep covers
 *
 * A caller writes
 *
 *	if (fault_step("fsync", path) < 0 || fsync(fd) < 0)
 *		return err_sys(e, "sync '%s'", path);
 *
 * Who writes, names or syncs in a way of its own tells of it: fault_will_write() before bytes are
 * written, fault_will_name() before a file is made (from NULL), removed (to NULL) or renamed,
 * fault_did_sync() after a file or folder was synced.
 *
 * Compiled in unless the build option `faults` is off (release packages); then it is a constant 0.
 * Threads: any. The variables are read once, at the first step. They are not passed on to child
 * processes.
 */
#ifndef LARDER_BASE_FAULT_H
#define LARDER_BASE_FAULT_H

#include "base/str.h"

#ifdef LARDER_FAULTS
int fault_step(const char *what, const char *path); /* 0, or -1 with errno set */
/* At -1: where it stands. */
void fault_will_write(int fd, int64_t at, size_t n);
void fault_will_name(int from_dirfd, const char *from, int to_dirfd, const char *to);
void fault_did_sync(int fd);
void fault_did_sync_all(void);
/* For files that are known by path only: what stood at `at`, and how large the file was. */
bool fault_wants_old(void);
void fault_will_change(const char *path, int64_t at, struct bytes old, int64_t size);
void fault_did_sync_path(const char *path);
void fault_cut(void); /* fault.c calls it before it ends the process */
#else
static inline int fault_step(const char *what, const char *path)
{
	(void)what;
	(void)path;
	return 0;
}
static inline void fault_will_write(int fd, int64_t at, size_t n)
{
	(void)fd;
	(void)at;
	(void)n;
}
static inline void fault_will_name(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
	(void)from_dirfd;
	(void)from;
	(void)to_dirfd;
	(void)to;
}
static inline void fault_did_sync(int fd)
{
	(void)fd;
}
static inline void fault_did_sync_all(void)
{
}
#endif

#endif
