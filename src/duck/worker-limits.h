/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process may do, given away before DuckDB starts its first thread: base/sandbox.h with
 * what DuckDB needs of the machine added. None of it can be taken back.
 */
#ifndef LARDER_DUCK_WORKER_LIMITS_H
#define LARDER_DUCK_WORKER_LIMITS_H

#include "base/err.h"
#include "base/str.h"

struct limits {
	int64_t memory_bytes; /* of DuckDB; the address space gets this and LIMITS_SPACE_EXTRA */
	int64_t cpu_seconds;  /* of all threads together; 0: none */
	int64_t file_bytes;   /* of one file that is written; 0: any. More is an error, no signal */
	bool no_writing;      /* not a byte into any file */
	bool confine;         /* no socket, and of files only what is below */
	bool strict;          /* ... or not at all */
	const struct strv *readable; /* files and folders */
	const struct strv *writable; /* folders: files in them may be made, written, removed */
};

/* Address space that is reserved but never touched: the library, thread stacks, malloc's arenas. */
#define LIMITS_SPACE_EXTRA ((int64_t)2 << 30)

int limits_apply(const struct limits *limits, struct err *e);

#endif
