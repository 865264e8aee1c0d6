/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: a function returns 0 or a negative `enum err_code`, and writes the sentence into the
 * `struct err` its caller owns. Nothing is allocated, so reporting cannot fail; nothing is printed,
 * so a daemon and a command share the code.
 *
 *	if (open_it(path, &fd, e) < 0)
 *		return err_in(e, "workspace '%s'", path);	"workspace 'x': open ..."
 *
 * A code exists for each thing a *caller does differently*, not for each cause. The one table in
 * err.c maps it to the exit code of a command and to the status of an HTTP reply; no other mapping
 * exists.
 *
 * Messages: lower case, no full stop, what could not be done first, the thing in single quotes,
 * then why; the limit or the expected value is named. `hint` is the next step for a person, printed
 * on a line of its own: run 'larder doctor'.
 *
 * A function handles an error or passes it up, never both. Only cmd/ and the daemon loops print.
 * Threads: a struct err belongs to one thread.
 */
#ifndef LARDER_BASE_ERR_H
#define LARDER_BASE_ERR_H

#include "base/base.h"

enum err_code {
	ERR_FAILED = -1,     /* anything a caller cannot treat specially; exit 1, HTTP 500 */
	ERR_USAGE = -2,      /* the caller's input is wrong; exit 2, HTTP 400 */
	ERR_NOT_FOUND = -3,  /* the thing does not exist (for this caller); exit 1, HTTP 404 */
	ERR_CONFLICT = -4,   /* a person must decide; exit 3, HTTP 409 */
	ERR_CORRUPT = -5,    /* bytes are not what they must be; exit 1, HTTP 422 */
	ERR_LIMIT = -6,      /* a named limit is exceeded; exit 1, HTTP 413 */
	ERR_IO = -7,         /* disk or kernel refused; exit 1, HTTP 500 */
	ERR_REMOTE = -8,     /* the peer failed or broke the contract; exit 1, HTTP 502 */
	ERR_AUTH = -9,       /* not known who asks; exit 4, HTTP 401 */
	ERR_DENIED = -10,    /* known, and not allowed; exit 4, HTTP 403 */
	ERR_BUSY = -11,      /* held by another, or told to come back; exit 75, HTTP 503 */
	ERR_OFFLINE = -12,   /* the peer cannot be reached; exit 75, HTTP 502 */
	ERR_CANCELLED = -13, /* the user or a shutdown stopped it; exit 1, HTTP 500 */
};

#define ERR_MSG_MAX  500
#define ERR_HINT_MAX 200

struct err {
	int code;
	int retry_after; /* seconds the peer asked to wait, 0 when it did not say */
	char msg[ERR_MSG_MAX];
	char hint[ERR_HINT_MAX];
};

/*
 * All three return the code, so that `return err_set(...)` is one line. err_sys() is ERR_IO and
 * appends ": " and errno's text; err_in() puts "context: " in front and keeps the code.
 */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF(3, 4);
int err_sys(struct err *e, const char *fmt, ...) PRINTF(2, 3);
int err_in(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Adds the next step for a person; the innermost hint wins. Returns e->code. */
int err_hint(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* May the same attempt succeed a moment later? (REMOTE, BUSY, OFFLINE) */
bool err_is_passing(int code);

int err_exit_code(int code);
int err_http_status(int code);
/* The machine-readable word of the code: "not_found", "limit", ... */
const char *err_word(int code);

#endif
