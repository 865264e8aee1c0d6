/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdarg.h>

static _Noreturn void out_of_memory(size_t n)
{
	(void)fprintf(stderr, "larder: out of memory (%zu bytes more were needed)\n", n);
	abort();
}

void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		out_of_memory(n);
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory(n);
	return p;
}

void *xrealloc(void *p, size_t n)
{
	void *q = realloc(p, n ? n : 1);

	if (!q)
		out_of_memory(n);
	return q;
}

void *xgrow(void *p, size_t *capacity, size_t want, size_t size)
{
	size_t room = *capacity ? *capacity : 8;
	size_t bytes;

	if (want <= *capacity && p)
		return p;
	while (room < want) {
		if (__builtin_mul_overflow(room, (size_t)2, &room))
			out_of_memory(want);
	}
	if (__builtin_mul_overflow(room, size, &bytes))
		out_of_memory(want);
	p = xrealloc(p, bytes);
	*capacity = room;
	return p;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = xmalloc(len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory(strlen(fmt));
	return text;
}
