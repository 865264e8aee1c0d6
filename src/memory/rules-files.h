/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files: a bundle as Markdown under .claude/rules, where agents read it.
 *
 *	km_<id>.md        each mandatory rule
 *	km_approved.md    all approved ones, one after the other, each quoted ("> ")
 *
 * Each says where it comes from (hub, author, time), so that an agent does not take a colleague's
 * note for an order of its operator; as they are quoted, one cannot pose as the next one's author. The files are owned by Larder: what the ledger (space "rule",
 * key the file's name, fingerprint the SHA-256 written) does not know is not ours, and is put aside
 * as <file>.orig before its name is used. A rule that left the bundle leaves the disk; an empty
 * bundle removes all.
 *
 * Everything changes in one transaction through the journal. Threads: as the root.
 */
#ifndef LARDER_MEMORY_RULES_FILES_H
#define LARDER_MEMORY_RULES_FILES_H

#include "engine/lease.h"
#include "engine/root.h"
#include "memory/bundle.h"

#define RULES_FOLDER ".claude/rules"

struct rules_options {
	struct root *root;
	struct lease *lease;
	const char *server; /* for the line that says where a rule comes from */
	const char *etag;   /* of the bundle, recorded with it; NULL when it had none */
};

int rules_apply(const struct rules_options *options, const struct bundle *bundle, struct err *e);

/* Names of the files that are not as they were written; *ret_files counts all. */
int rules_changed(struct root *root, struct strv *names, size_t *ret_files, struct err *e);
/* 1 when every file is as it was written, 0 when one was changed or removed by another hand. */
int rules_intact(struct root *root, struct err *e);
/* The bundle's ETag as last applied from that server; NULL when never. The caller owns it. */
int rules_etag(struct root *root, const char *server, char **ret_etag, struct err *e);
/* Rules in force here: mandatory and approved. */
int rules_count(struct root *root, size_t *ret_count, struct err *e);

/* Pure: the text of a mandatory rule's file, and of the roll-up. */
void rules_render(const struct bundle_item *item, const char *server, struct buf *out);
void rules_render_approved(const struct bundle *bundle, const char *server, struct buf *out);

#endif
