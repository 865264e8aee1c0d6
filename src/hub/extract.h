/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a table that stays at its source on their way into a Parquet file of this hub's staging: to be sent, or
 * to be asked beside tables that are here. A child writes the file while rows come (duck_stream_begin()).
 *
 *	AUTO(extract_release) struct extract x = { 0 };
 *	extract_init(&x, hub, seconds);
 *	... engine->run(session, &statement, &x.run, &result, e), by the guard (remote/guard.h) ...
 *	extract_end(&x, result.truncated, e)     the file is whole: hub_staging(), x.file
 *
 * extract_release() removes the file, and ends the child when it is still at work. A hub that is killed leaves
 * litter in staging. What is more than EXTRACT_ROWS_MAX or EXTRACT_BYTES_MAX is ERR_LIMIT: an extract is whole or not
 * at all. Threads: one.
 */
#ifndef LARDER_HUB_EXTRACT_H
#define LARDER_HUB_EXTRACT_H

#include "hub/hub.h"
#include "remote/engine.h"

/* Of the system before this one. */
#define EXTRACT_ROWS_MAX  10000000
#define EXTRACT_BYTES_MAX ((int64_t)2 << 30)

struct extract {
	struct hub *hub;
	int64_t seconds;    /* that all of it may take */
	char file[80];      /* in staging */
	struct far_run run; /* its functions are given this extract: it must not move */
	struct duck_stream *stream;
	struct buf waiting; /* rows that the child has not got yet */
};
void extract_init(struct extract *x, struct hub *hub, int64_t seconds);
void extract_release(struct extract *x);
/* When all rows were given; `truncated`: not all were. */
int extract_end(struct extract *x, bool truncated, struct err *e);

#endif
