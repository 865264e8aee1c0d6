/* SPDX-License-Identifier: Apache-2.0 */
/* What root.c and the journal share. */
#ifndef LARDER_ENGINE_ENGINE_INTERNAL_H
#define LARDER_ENGINE_ENGINE_INTERNAL_H

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

/* Links are made under this name in staging, then renamed: no staged name starts with a dot. */
#define JOURNAL_LINK_NAME ".link"

/* ERR_USAGE unless it may name a staged file. */
int journal_check_staged(const char *name, struct err *e);

#endif
