/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processor "usage": what was done in sessions, as tables of the hub that analysts pull like any
 * other: usage_events, usage_sessions, usage_tools_daily (their columns: docs/sessions.md).
 *
 * In two steps, both by DuckDB in a child (duck_transform):
 *
 *	extract   each batch of transcripts becomes one Parquet file of their lines that matter,
 *	          <data>/usage/<name>.parquet, a row in usage_extract. Of a session the extract with
 *	          the highest number counts, so a grown file replaces what it gave before
 *	build     all extracts become the three tables, which are published in one transaction; the
 *	          ledger ("usage", "published") says from which extracts, so that a run that was
 *	          killed between the two is made up for by the next. Many extracts are merged into
 *	          one on the way, and so they are when sessions are gone, without these
 *
 * Lines are read as sessions/transcript.h says. Threads: one.
 */
#ifndef LARDER_SESSIONS_USAGE_H
#define LARDER_SESSIONS_USAGE_H

#include "db/db.h"
#include "sessions/processor.h"

/* Each is opened by every build. */
#define USAGE_EXTRACTS_MAX 16

extern const struct db_schema usage_schema;
extern const struct processor usage_processor;

/* The statements of both steps: pure. The first over what transcript_add() makes. */
extern const char usage_sql_extract[];
/* extracts: oldest first; gone: sessions to be left out */
void usage_add_views(struct strv *setup, const struct strv *extracts, const struct strv *gone);
extern const char usage_sql_merged[];
extern const char usage_sql_events[];
extern const char usage_sql_sessions[];
extern const char usage_sql_tools[];

#endif
