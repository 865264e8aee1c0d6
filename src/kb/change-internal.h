/* SPDX-License-Identifier: Apache-2.0 */
/* Between change.c (pages and commit) and change-index.c (the lines of index.md). */
#ifndef LARDER_KB_CHANGE_INTERNAL_H
#define LARDER_KB_CHANGE_INTERNAL_H

#include "kb/change.h"
#include "kb/pages.h"

#include <sys/stat.h>

#define HASH_FUNCTION HASH_SAX /* some paths a change: the plainest will do */
#include <uthash.h>

struct changed_page {
	char *path;
	struct buf before, now;
	bool was_there, there;
	struct stat st; /* of the file that was read */
	struct page_facts facts;
	bool has_facts;
	struct claims claims;
	int64_t claims_doc; /* 0: no claims were set */
	char *staged;
	UT_hash_handle hh;
};

struct change {
	struct kb *kb;
	struct db *tx;
	struct changed_page *pages;
	struct buf log;
	struct strv staged; /* to be made durable */
	struct strv aside, written, dropped;
	int64_t now;
};

bool page_has_changed(const struct changed_page *p);
/* Brings index.md up to date with the pages that changed. */
int change_index(struct change *c, struct err *e);

#endif
