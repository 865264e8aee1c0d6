/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress of long work on stderr: on a terminal one line redrawn at most ten times a second (rate,
 * percentage, time left), without one a text line per step, at most one every 5 s or 10 %. Quiet
 * shows nothing. A transfer that failed is never announced as done.
 *
 * Threads: progress_add() and progress_step() may be called from any thread; begin and end from the
 * owner.
 */
#ifndef LARDER_BASE_PROGRESS_H
#define LARDER_BASE_PROGRESS_H

#include "base/base.h"

struct progress;

/* total_bytes 0 = not known. `what` ("pull") stands at the start of each line. */
struct progress *progress_begin(const char *what, int64_t total_bytes, size_t total_items,
				bool quiet);
void progress_add(struct progress *p, int64_t bytes); /* may be negative: bytes thrown away */
void progress_step(struct progress *p, const char *item, bool ok); /* one item finished or failed */
void progress_end(struct progress *p); /* clears the line, frees; accepts NULL */

#endif
