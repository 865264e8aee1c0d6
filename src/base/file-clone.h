/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file once more under another name, as cheaply as the file system can: sharing its blocks
 * (reflink), as a second name of it (hard link, only when told that neither is ever written), else
 * by copying.
 *
 *	file_clone(&(struct file_clone){ .from = a, .to = b, .mode = 0600 }, e)
 *
 * Made under a temporary name and renamed: the new name is absent or whole. Not synced. What has
 * the new name already is replaced. Threads: no state. Errors: as file.h.
 */
#ifndef LARDER_BASE_FILE_CLONE_H
#define LARDER_BASE_FILE_CLONE_H

#include "base/err.h"
#include <sys/types.h>

struct file_clone {
	const char *from, *to; /* paths */
	bool may_link;         /* the bytes of both never change */
	mode_t mode;           /* of a copy or reflink; a hard link has that of the file */
};

int file_clone(const struct file_clone *clone, struct err *e);

#endif
