/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two clocks: time_now() is the wall clock in milliseconds since 1970, for records;
 * time_monotonic() is for durations and deadlines. Tests own the wall clock through LARDER_NOW (an
 * ISO time or +/-seconds). Threads: any.
 */
#ifndef LARDER_BASE_TIME_H
#define LARDER_BASE_TIME_H

#include "base/err.h"

int64_t time_now(void);          /* ms since the epoch, UTC */
int64_t time_monotonic(void);    /* ms, arbitrary start, never steps */
int64_t time_monotonic_us(void); /* the same clock, for what is shorter */

#define TIME_TEXT_MAX 40
const char *time_format_iso(int64_t ms, char out[TIME_TEXT_MAX]); /* 2026-11-20T12:00:00.123Z */
const char *time_format_http(int64_t ms,
			     char out[TIME_TEXT_MAX]); /* Fri, 20 Nov 2026 12:00:00 GMT */
int time_parse_iso(const char *s, int64_t *ret_ms, struct err *e); /* offset optional: UTC then */
const char *time_format_ago(int64_t ms, char out[TIME_TEXT_MAX]);  /* "3 min ago", for people */

#endif
