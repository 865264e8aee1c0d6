/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>

/* The one mapping of codes to what a command exits with and an HTTP reply says. */
static const struct {
	int code;
	int exit_code;
	int http_status;
	const char *word;
} codes[] = {
	{ 0, 0, 200, "ok" },
	{ ERR_FAILED, 1, 500, "failed" },
	{ ERR_USAGE, 2, 400, "bad_request" },
	{ ERR_NOT_FOUND, 1, 404, "not_found" },
	{ ERR_CONFLICT, 3, 409, "conflict" },
	{ ERR_CORRUPT, 1, 422, "corrupt" },
	{ ERR_LIMIT, 1, 413, "limit" },
	{ ERR_IO, 1, 500, "io" },
	{ ERR_REMOTE, 1, 502, "remote" },
	{ ERR_AUTH, 4, 401, "unauthorized" },
	{ ERR_DENIED, 4, 403, "forbidden" },
	{ ERR_BUSY, 75, 503, "busy" },
	{ ERR_OFFLINE, 75, 502, "offline" },
	{ ERR_CANCELLED, 1, 500, "cancelled" },
};

static size_t find_code(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (codes[i].code == code)
			return i;
	}
	return 1;
}

int err_exit_code(int code)
{
	return codes[find_code(code)].exit_code;
}

int err_http_status(int code)
{
	return codes[find_code(code)].http_status;
}

const char *err_word(int code)
{
	return codes[find_code(code)].word;
}

bool err_is_passing(int code)
{
	return code == ERR_REMOTE || code == ERR_BUSY || code == ERR_OFFLINE;
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	e->retry_after = 0;
	e->hint[0] = '\0';
	va_start(ap, fmt);
	(void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap); /* a cut message is still a message */
	va_end(ap);
	return code;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	int error = errno;
	va_list ap;
	int n;

	e->code = ERR_IO;
	e->retry_after = 0;
	e->hint[0] = '\0';
	va_start(ap, fmt);
	n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(e->msg))
		(void)snprintf(e->msg + n, sizeof(e->msg) - (size_t)n, ": %s", strerror(error));
	if (error == ENOSPC || error == EDQUOT)
		return err_hint(e, "make room on the disk, then run the command again");
	return ERR_IO;
}

int err_in(struct err *e, const char *fmt, ...)
{
	char context[ERR_MSG_MAX];
	size_t half = sizeof(e->msg) / 2;
	size_t taken = strlen(e->msg) + sizeof(": ");
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(context, sizeof(context), fmt, ap); /* what is cut here is cut below too */
	va_end(ap);
	/* Only when both are long does either lose, and then each keeps half. */
	n = strnlen(context, taken < half ? sizeof(e->msg) - taken : half);
	memmove(e->msg + n + 2, e->msg, sizeof(e->msg) - n - 2);
	e->msg[sizeof(e->msg) - 1] = '\0';
	memcpy(e->msg, context, n);
	memcpy(e->msg + n, ": ", 2);
	return e->code;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (e->hint[0])
		return e->code;
	va_start(ap, fmt);
	(void)vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	return e->code;
}
