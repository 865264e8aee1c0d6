/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the faulty server is to do wrong: a text file, read anew for every request, so that a test
 * changes it while the server runs. A line is
 *
 *	PATH FAULT [TIMES]
 *
 * PATH is a path without its query, or one that ends in '*' for all that start so. The first line
 * that fits and has been used fewer than TIMES times (always, without TIMES) is what happens:
 *
 *	reset:N      the connection is reset after N bytes of the body (with %: of its length)
 *	short:N      it is closed in order after N bytes
 *	stall:N      nothing more comes after N bytes, and it stays open
 *	slow:N       N bytes a second
 *	late:N       the answer begins after N milliseconds
 *	long:N       N bytes follow the body
 *	flip:N       one bit of the body's N-th byte (with %) is wrong
 *	shift:N      a range begins N bytes later than was asked for
 *	norange      Range is ignored: 200 and the whole file
 *	etag:"TAG"   that entity tag instead of the right one
 *	status:CODE  that status, with a JSON error; status:CODE:S adds Retry-After: S
 *	body:TEXT    200 with that text, which has no blanks, as JSON
 *	redirect:URL 302 to it
 *	refuse       the connection is reset before any answer
 *	hang         the request is read and never answered
 *	garbage      bytes that are no HTTP
 *
 * Lines that start with '#' are skipped. Threads: any.
 */
#ifndef LARDER_TEST_FAULT_PLAN_H
#define LARDER_TEST_FAULT_PLAN_H

#include "base/str.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_RESET,
	FAULT_SHORT,
	FAULT_STALL,
	FAULT_SLOW,
	FAULT_LATE,
	FAULT_LONG,
	FAULT_FLIP,
	FAULT_NORANGE,
	FAULT_SHIFT,
	FAULT_ETAG,
	FAULT_STATUS,
	FAULT_REDIRECT,
	FAULT_REFUSE,
	FAULT_HANG,
	FAULT_GARBAGE,
	FAULT_BODY,
};

#define FAULT_TEXT_MAX 1024

struct fault {
	enum fault_kind kind;
	int64_t amount; /* N, or CODE */
	bool percent;
	char text[FAULT_TEXT_MAX]; /* what follows the colon */
};

struct fault_plan;

struct fault_plan *fault_plan_new(const char *path); /* the file may not exist yet */
/* The fault for a request of `path`, counted as used. A line that is not understood ends the
 * process with a message. */
struct fault fault_plan_next(struct fault_plan *plan, const char *path);
/* N as a number of bytes of a body of that length. */
int64_t fault_bytes(const struct fault *f, int64_t length);

#endif
