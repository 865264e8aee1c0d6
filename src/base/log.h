/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two streams for those who watch, never mixed with the output on stdout.
 *
 * Log: daemons and -v; one line per event on stderr: time level event key=value... Values with
 *blanks or control characters are quoted. The level is the only mutable global of the program (set
 *once, before threads start).
 *
 * Trace: LARDER_TRACE=file; one JSON line per command, child, HTTP request and transaction, with
 *durations in ms. Tests read it to prove *how* a result came about. Costs one comparison when off.
 *
 *	log_event(LOG_INFO, "listening", "address=%s port=%d", host, port);
 *	trace_event("http", started_ms, "\"url\":\"%s\",\"status\":%d", clean_url, status);
 */
#ifndef LARDER_BASE_LOG_H
#define LARDER_BASE_LOG_H

#include "base/buf.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
void log_event(enum log_level level, const char *event, const char *fmt, ...) PRINTF(3, 4);

bool trace_enabled(void);
/* `members` is a format for JSON members without braces, or ""; started_ms from time_monotonic(), 0
 * for no duration. */
void trace_event(const char *kind, int64_t started_ms, const char *members, ...) PRINTF(3, 4);

#endif
