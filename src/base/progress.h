/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress of long work on stderr.
 *
 * On a terminal one line, redrawn at most ten times a second and cut to the terminal's width:
 *
 *	pull: 12 of 32, 45 %, 460.0 MB of 1.0 GB, 34.5 MB/s, 16 s left, 1 failed
 *
 * Without one a text line when an item ends, at most one every 5 s or every 10 %:
 *
 *	pull: orders done: 12 of 32, 45 %, ...
 *
 * Quiet shows nothing. An item that failed counts as failed and is never announced as done; the
 * percentage is of what came, never over 100. Why it failed is the caller's to report.
 *
 * Threads: progress_add() and progress_step() may be called from any thread; begin and end from the
 * owner. Errors: none; what cannot be shown is not.
 */
#ifndef LARDER_BASE_PROGRESS_H
#define LARDER_BASE_PROGRESS_H

#include "base/base.h"

struct progress;

/*
 * total_bytes 0 = not known; then the items are what counts. `what` ("pull") stands at the start of
 * each line. Quiet gives NULL, which all functions below accept.
 */
struct progress *progress_begin(const char *what, int64_t total_bytes, size_t total_items,
				bool quiet);
void progress_add(struct progress *p, int64_t bytes); /* may be negative: bytes thrown away */
void progress_step(struct progress *p, const char *item, bool ok); /* one item finished or failed */
void progress_end(struct progress *p); /* clears the terminal's line, frees */

#endif
