/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What never leaves the machine:
 *
 *	a workspace that has the file .larder-private, or lies below a folder that has it: nothing
 *	sessions listed by id in push.private of the workspace's configuration, with their sub-agents
 *	sessions that were at work, for one line even, in a folder of push.exclude (absolute, or
 *	    relative to the workspace), below one, or where .larder-private says so
 *
 * Where a session worked is what its lines say ("cwd"). The lists are lent. Threads: any.
 */
#ifndef LARDER_SESSIONS_PRIVACY_H
#define LARDER_SESSIONS_PRIVACY_H

#include "base/str.h"

#define PRIVACY_MARKER ".larder-private"

struct privacy {
	const char *workspace; /* absolute */
	const struct strv *sessions;
	const struct strv *folders;
};

bool privacy_hides_all(const struct privacy *p);
bool privacy_hides_session(const struct privacy *p, const char *name);
bool privacy_hides_text(const struct privacy *p, struct bytes transcript);

#endif
