/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding what appears in folders: raw/ of the knowledge base, or others.
 *
 *	const struct kb_watch_options o = { .folders = &folders, .settle_ms = 2000, ... };
 *	kb_watch(kb, &o, e)              until SIGTERM or SIGINT, or once with `once`
 *
 * A file is added when it has not changed for settle_ms. One whose bytes were tried, whatever came
 * of it, is left alone until it changes (size or time): a failing document costs one attempt. That
 * is noted in the ledger, so also after a restart. Nothing is polled: inotify and the settling tell
 * when to look.
 */
#ifndef LARDER_KB_WATCHING_H
#define LARDER_KB_WATCHING_H

#include "kb/add.h"

#define KB_SETTLE_MS 2000
/* inotify has some 8,000 for a user. */
#define KB_WATCH_FOLDERS_MAX 4000

struct kb_watch_options {
	const struct strv *folders; /* none: raw/ */
	int64_t settle_ms;
	int64_t jobs;
	bool extractive; /* no model, though one is configured */
	bool once;       /* ends when nothing is left to be added or to settle */
	void *ctx;
	/* After each batch; the report is lent. Negative ends the watch. */
	int (*added)(void *ctx, const struct kb_add_report *report, struct err *e);
};

int kb_watch(struct kb *kb, const struct kb_watch_options *options, struct err *e);

#endif
