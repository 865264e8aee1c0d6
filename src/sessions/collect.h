/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings the transcripts of people who work on the hub's own machine into the hub's store, as if
 * they had pushed them: token-shaped strings are taken out (redact.h), and what is private
 * (privacy.h, with the home folder as the workspace) stays where it is.
 *
 *	<home>/.claude/projects/<any>/<session>.jsonl      and sub-agents, as in find.h
 *	<home>/user/sessions/<name>.jsonl
 *
 * Whose home it is: the account's name in `users` ("account=email"), else the one active user of
 * the hub whose address begins with it and '@'. A home that is nobody's, or two people's, is left
 * alone and told.
 *
 * What was taken is in the ledger ("collect", path) by size, time and inode, written with the file
 * in one transaction: what has grown or changed since is taken again as a whole, the rest is not
 * opened. Only regular files that belong to the home's owner are read, no link is followed: a user
 * cannot have the hub read another's file.
 *
 * Threads: one. Errors: one file's or home's failure is in the report; else the db's.
 */
#ifndef LARDER_SESSIONS_COLLECT_H
#define LARDER_SESSIONS_COLLECT_H

#include "base/json.h"
#include "base/str.h"
#include "engine/root.h"

/* Below are accounts of the system. */
#define COLLECT_UID_MIN      1000
#define COLLECT_FAILURES_MAX 100

struct collect {
	struct root *root;
	const char *homes; /* each folder in it is a home; NULL: those of the system's accounts */
	const struct strv *users;
	bool dry_run; /* count only */
};
struct collect_report {
	int64_t users_processed, files_copied, files_extended, files_skipped, files_private;
	int64_t redacted, errors;
	struct strv failures; /* sentences */
};
void collect_report_release(struct collect_report *report);
#define AUTO_COLLECT_REPORT AUTO(collect_report_release)

int collect_run(const struct collect *collect, struct collect_report *report, struct err *e);

#endif
