/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people, and other programs, did to the wiki's files: read into the database, so that search,
 * links and lint know of it. A page is read when its size or its time is not what was noted.
 *
 *	struct refresh_report report = { 0 };
 *	wiki_refresh(kb, REFRESH_EDITED, &report, e)
 *
 * The files are not changed. With REFRESH_EDITED the hash of what Larder wrote stays noted, so that
 * a page is still known to be edited by hand; with REFRESH_ADOPTED the texts are taken for ours: a
 * wiki that is taken over. In a transaction of its own, or, when one is open, in that.
 */
#ifndef LARDER_KB_REFRESH_H
#define LARDER_KB_REFRESH_H

#include "kb/kb.h"

enum refresh_how { REFRESH_EDITED, REFRESH_ADOPTED };

struct refresh_report {
	size_t seen, changed, gone;
};

int wiki_refresh(struct kb *kb, enum refresh_how how, struct refresh_report *report, struct err *e);

#endif
