/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of work that ended, for the hub: a JSON object of schema version 1 (docs/format-agents.md)
 * made from the row and the report that the agent left, put into the outbox by the transaction that
 * ends the work. From then on the folder may go.
 *
 *	record_capture(a, &d, e)       inside a transaction; the caller saves the row afterwards
 *
 * The identity of a record is the dispatch's id with its revision; the same revision twice is one row
 * of the outbox, a newer one takes the place of an older that still waits. A report that came after
 * the end makes a new revision. Nothing is captured for work that is not over.
 *
 * .meta/report.json is foreign bytes: one that is no JSON object or is over REPORT_BYTES_MAX is set
 * aside as report.json.corrupt-<time>, the record says so in `report_error`. Token-shaped strings are
 * taken out of the record.
 *
 * What may wait for a hub is bounded (agents_queue_max), and what finds no room is not lost: first the
 * record goes without its report, which follows, then it is not captured, and record_is_due() says so
 * until it is (sync_collect). Errors: the db's and the journal's.
 */
#ifndef LARDER_AGENTS_RECORD_H
#define LARDER_AGENTS_RECORD_H

#include "agents/dispatch.h"
#include "agents/home.h"
#include "base/json.h"

/* Thousands of findings with a sentence each. */
#define REPORT_BYTES_MAX ((size_t)512 << 10)
/* A record with its report, and the report's findings once more, escaped anew. */
#define RECORD_BYTES_MAX ((size_t)2 << 20)
/* What the hub keeps of one report. */
#define RECORD_FINDINGS_MAX 1000
#define RECORD_SCHEMA       1
#define RECORD_KIND         "agent-record"

int record_capture(struct agents *a, struct dispatch *d, struct err *e);
/* 1 when what stands in the outbox or was delivered is not all there is: never captured, or a report
 * came later. Cheap: one look at a file. */
int record_is_due(const struct agents *a, const struct dispatch *d, struct err *e);
/* A report of it is in the folder only: it was none, or too large to be sent. */
bool record_left_report(const struct dispatch *d);

/* Pure: its key in the outbox, which holds what the bytes must be, so that damage shows before they are
 * sent; the caller owns it. */
char *record_key(const char *id, int64_t revision, struct bytes body);
/* Pure. `report` may be NULL. */
void record_render(const struct dispatch *d, const struct json *report, const char *report_error,
		   struct buf *out);
/* Counts of a report for the row: findings in all and by severity, tool, category; changes. */
void record_stats(const struct json *report, struct buf *out);
/* Pure: a report as it must be. ERR_CORRUPT, ERR_LIMIT. */
int report_parse(struct bytes text, struct json **ret_report, struct err *e);

#endif
