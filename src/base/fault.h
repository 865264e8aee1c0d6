/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam every durable step passes: a write that must survive, an fsync, a rename, an unlink, a
 * commit. Tests sweep it.
 *
 *	LARDER_CRASH_AT=n	ends the process (exit 99, no cleanup) just before the n-th step
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
 * Compiled in unless the build option `faults` is off (release packages); then it is a constant 0.
 * Threads: any. The variables are read once, at the first step. They are not passed on to child
 * processes.
 */
#ifndef LARDER_BASE_FAULT_H
#define LARDER_BASE_FAULT_H

#include "base/base.h"

#ifdef LARDER_FAULTS
int fault_step(const char *what, const char *path); /* 0, or -1 with errno set */
#else
static inline int fault_step(const char *what, const char *path)
{
	(void)what;
	(void)path;
	return 0;
}
#endif

#endif
