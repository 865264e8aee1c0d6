/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transcripts a hub keeps: <data>/sessions/<email>/<name>.jsonl, exactly so deep, regular files
 * only, no link followed, nothing whose name starts with a dot. One statx() each, in byte order of
 * "<email>/<name>", which is the order of the rows about them. Nothing is opened but folders; a
 * missing root is empty. A folder or file that goes meanwhile is left out.
 *
 * Threads: any. Errors: ERR_IO; a negative return of the visitor ends the walk with it.
 */
#ifndef LARDER_SESSIONS_WALK_H
#define LARDER_SESSIONS_WALK_H

#include "base/err.h"

#define SESSIONS_FOLDER "sessions"
#define SESSIONS_ENDING ".jsonl"

struct session_stat {
	const char *session; /* "<email>/<name>", lent for the call like the next two */
	const char *email, *name;
	int64_t size, mtime_ns;
};
typedef int (*session_visit_fn)(void *ctx, const struct session_stat *s, struct err *e);

int sessions_walk(int dirfd, session_visit_fn visit, void *ctx, struct err *e);

#endif
