/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a database that others may hold. DuckDB locks it with fcntl: readers share, a writer
 * is alone, and neither waits. A file held by readers only is changed as a copy:
 *
 *	AUTO_FD int lock = -1;
 *	viewfile_copy(database, staging, &lock, e)       no writer gets in while `lock` is open
 *	... open `staging` with DuckDB, change it, close it ...
 *	viewfile_publish(staging, database, e)           synced, renamed over
 *
 * Whoever has the old file open keeps it; whoever opens it next gets the new one.
 *
 * None of this may run while DuckDB has `database` open in this process: closing any descriptor of
 * a file drops a process's own fcntl locks on it.
 */
#ifndef LARDER_DUCK_WORKER_VIEWFILE_H
#define LARDER_DUCK_WORKER_VIEWFILE_H

#include "base/err.h"

/* How long a writer may take until it is called busy: DuckDB's own tools write for moments. */
#define VIEWFILE_WAIT_MS 2000

/* Waits until no writer holds the file. ERR_BUSY names the one that does not let go. */
int viewfile_wait(const char *database, struct err *e);
/* Is anybody reading it? Asked after DuckDB could not open it for writing. */
bool viewfile_is_read(const char *database);
/* ERR_BUSY when a writer came first, or when the file has a log that only a writer can work off. */
int viewfile_copy(const char *database, const char *staging, int *ret_lock, struct err *e);
int viewfile_publish(const char *staging, const char *database, struct err *e);
/* As publish, for a database that was not there: ERR_CONFLICT when one appeared meanwhile. */
int viewfile_publish_new(const char *staging, const char *database, struct err *e);
void viewfile_discard(const char *staging);

#endif
