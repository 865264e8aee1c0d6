/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two streams for those who watch, never mixed with the output on stdout.
 *
 * Log: daemons and -v; one line per event on stderr: time level event key=value...
 * Trace: LARDER_TRACE=file; one JSON line per command, library, child, HTTP request and transaction, with
 * durations in ms. Tests read it to prove *how* a result came about. Costs one comparison when off.
 *
 *	log_event(LOG_INFO, "listening", "address=%s port=%d", host, port);
 *	trace_event("http", started_ms, "\"url\":\"%s\",\"status\":%d", url, status);
 *
 * The format is printf's, cut down to %d %i %u %x %c %f %s %% with l, ll, z, j and a precision, and
 * each %s is one value: in the log it is quoted when it is empty or holds a blank, '"', '=' or '\',
 * in the trace it is escaped for the JSON text around it, in both control characters and invalid
 * UTF-8 become '?'. So a name that a peer chose can neither end a line nor pose as another key. A
 * NULL is written as "-" (log) or "" (trace). Values over LOG_VALUE_MAX bytes are cut.
 *
 * Each line is one write(): processes that share the file or the stderr do not mix their lines.
 * Threads: any, but log_set_level() and log_set_format() belong before the first of them. Errors:
 * none; a line that cannot be written is lost, since watching must not break the work that is
 * watched.
 */
#ifndef LARDER_BASE_LOG_H
#define LARDER_BASE_LOG_H

#include "base/buf.h"

/* A path or a URL fits; a page of HTML in an error does not. */
#define LOG_VALUE_MAX 2000
/* A line with a handful of such values. A longer one keeps its event and says "cut". */
#define LOG_LINE_MAX 16000

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/*
 * LOG_JSON: one JSON object a line, {"time", "level", "event", and a member for each key}; a value
 * that is a number there is one here. LOG_TEXT until set; before the first thread.
 */
enum log_format { LOG_TEXT, LOG_JSON };
void log_set_format(enum log_format format);
enum log_format log_format(void);

/* LOG_WARN until set. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
void log_event(enum log_level level, const char *event, const char *fmt, ...) PRINTF(3, 4);

bool trace_enabled(void);
/*
 * `members` is a format for JSON members without braces, or ""; a %s stands between '"'.
 * started_ms is from time_monotonic(), 0 for no duration.
 */
void trace_event(const char *kind, int64_t started_ms, const char *members, ...) PRINTF(3, 4);

#endif
