/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transcripts as DuckDB reads them, in a child (duck/duck.h): what every processor that looks into
 * them shares.
 *
 *	AUTO_STRV struct strv setup = STRV_INIT, texts = STRV_INIT;
 *	transcript_add(files, n, &setup, &texts);
 *	... a duck_transform or duck_read with both, whose statements ask
 *	    raw_lines()                        as duck/duck.h says
 *	    line_of(text, 'SHAPE')             a line as json_transform() reads it; NULL: no JSON
 *	    file(file, session, username)      file: the place in `files`, from 0
 *
 * A line that is no JSON gets a second chance: halves of surrogate pairs and control characters are
 * what cuts and terminals leave behind, and cost only themselves. Any other is left out (torn at
 * the end of a growing file, garbage, over DUCK_LINE_MAX) and costs no other line.
 *
 * A file that cannot be read takes no other along:
 *
 *	transcript_read(files, n, outcomes, read, ctx)    calls `read` with runs of files that have
 *	                                                  no error yet; of one that fails, with
 *	                                                  either half, down to the one to blame
 *
 * Threads: one.
 */
#ifndef LARDER_SESSIONS_TRANSCRIPT_H
#define LARDER_SESSIONS_TRANSCRIPT_H

#include "sessions/processor.h"

void transcript_add(const struct session_source *files, size_t n, struct strv *setup,
		    struct strv *texts);

typedef int (*transcript_read_fn)(void *ctx, const struct session_source *files, size_t n,
				  struct err *e);
void transcript_read(const struct session_source *files, size_t n, struct session_outcome *outcomes,
		     transcript_read_fn read, void *ctx);

#endif
