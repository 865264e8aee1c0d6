/* SPDX-License-Identifier: Apache-2.0 */
/* What root.c and the journal share. */
#ifndef LARDER_ENGINE_ENGINE_INTERNAL_H
#define LARDER_ENGINE_ENGINE_INTERNAL_H

#include "base/str.h"
#include "engine/root.h"

struct root {
	char *path;
	int dirfd;
	int staging; /* -1 when read-only */
	struct db *db;
	bool recorded; /* an operation was recorded since the last replay */
};

/* Kinds of rows in table journal; the numbers are on disk. */
enum journal_kind { JOURNAL_MOVE = 1, JOURNAL_LINK = 2, JOURNAL_REMOVE = 3, JOURNAL_APPEND = 4 };

/*
 * Above this many files or folders one syncfs is cheaper than an fsync each: 2,000 small files took
 * 0.4 s against 0.8 s on ext4, 500 folders 0.1 s against 1.0 s. Below, syncfs may pay for what other
 * programs have written.
 */
#define JOURNAL_SYNC_EACH_MAX 32

/* Links are made under this name in staging, then renamed: no staged name starts with a dot. */
#define JOURNAL_LINK_NAME ".link"

/* Files and folders that are made durable together (journal-sync.c). */
struct sync_set {
	struct sync_one *v;
	size_t n;
	size_t capacity;
};
void sync_set_release(struct sync_set *s);
void sync_set_take(struct sync_set *s, int fd, const char *name); /* the fd is the set's then */
/* `flags`: O_DIRECTORY or 0. */
int sync_set_add(struct sync_set *s, int dirfd, const char *path, int flags, struct err *e);
int sync_set_run(struct sync_set *s, struct err *e);

/* ERR_USAGE unless it may name a staged file. */
int journal_check_staged(const char *name, struct err *e);

#endif
