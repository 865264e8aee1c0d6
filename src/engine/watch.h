/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for something to do without asking for it again and again: until the earliest due row, or
 * until a file changes (another process has committed, a token appears), a process ends, a signal
 * comes. With nothing due and nothing happening it costs no processor time at all.
 *
 *	AUTO_WATCH struct watch *w = watch_new();
 *	watch_signals(w, e)                      SIGTERM, SIGINT, SIGHUP come through here
 *	watch_file(w, "/x/.larder/state.db-wal", e)    also when it is not there yet
 *	watch_process(w, pid, e)
 *	for (;;) {
 *		... do what is due, find out what is due next ...
 *		r = watch_wait(w, next_ms, e);   WATCH_TIME, WATCH_CHANGE, WATCH_SIGNAL
 *	}
 *
 * A change that comes while work is done is not lost: the next wait returns at once. Changes of our
 * own count as well, so work that finds nothing to do must write nothing. A file is watched by its
 * folder, which must exist; one that is replaced stays watched. Processes that ended are forgotten.
 *
 * Threads: one; watch_signals() is called before there are others. Errors: ERR_IO (too many watches,
 * no descriptors), ERR_NOT_FOUND for a folder that does not exist.
 */
#ifndef LARDER_ENGINE_WATCH_H
#define LARDER_ENGINE_WATCH_H

#include "base/err.h"
#include <sys/types.h>

struct watch;

struct watch *watch_new(void);
void watch_free(struct watch *w);
static inline void watch_auto_(struct watch **p)
{
	watch_free(*p);
}
#define AUTO_WATCH AUTO(watch_auto_)

int watch_signals(struct watch *w, struct err *e);
int watch_file(struct watch *w, const char *path, struct err *e);
/* Whatever happens to the entries of a folder, not of those below it. Once for each: more are ignored. */
int watch_folder(struct watch *w, const char *path, struct err *e);
/* One that is not there any more counts as ended. Once for each process: more are ignored. */
int watch_process(struct watch *w, pid_t pid, struct err *e);

enum watch_cause { WATCH_TIME, WATCH_CHANGE, WATCH_SIGNAL };
/* `wait_ms` from now; -1: for as long as it takes. Negative returns are errors. */
int watch_wait(struct watch *w, int64_t wait_ms, struct err *e);

#endif
