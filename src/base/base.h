/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every file includes first: the cleanup attribute, allocation that does not fail, and the
 * list of functions that must not be used.
 *
 * Ownership in this code base: a returned `T *` is given to the caller, a returned `const T *` or
 * `struct bytes` is lent until the next call on the object. Every owned local is declared with its
 * AUTO_... cleanup and a value.
 *
 * Out of memory ends the process with a message: the state on disk survives a kill at any instant,
 * so a failing malloc is treated as one. The condition is that no size that comes from outside
 * reaches these functions without having passed a named limit first.
 */
#ifndef LARDER_BASE_BASE_H
#define LARDER_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define AUTO(done)   __attribute__((cleanup(done)))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define NODISCARD    __attribute__((warn_unused_result))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Moves an owned pointer out of its AUTO variable: the caller's cleanup then sees NULL. */
#define TAKE(p)                                                                                    \
	({                                                                                         \
		__typeof__(p) *take_ = &(p);                                                       \
		__typeof__(p) out_ = *take_;                                                       \
		*take_ = NULL;                                                                     \
		out_;                                                                              \
	})

/* The same for a file descriptor, whose empty value is -1. */
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int *take_ = &(fd);                                                                \
		int out_ = *take_;                                                                 \
		*take_ = -1;                                                                       \
		out_;                                                                              \
	})

/* Defines `name`, the cleanup of a local `type *`, from `void free_function(type *)`. */
#define DEFINE_AUTO(type, name, free_function)                                                     \
	static inline void name(type **p)                                                          \
	{                                                                                          \
		free_function(*p);                                                                 \
	}                                                                                          \
	struct larder_swallow_semicolon

static inline void auto_free_(void *p)
{
	free(*(void **)p);
}

static inline void auto_fd_(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* read side, or already synced: nothing left to report */
}

#define AUTO_FREE AUTO(auto_free_)
#define AUTO_FD   AUTO(auto_fd_)

void *xmalloc(size_t n) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t n) __attribute__((returns_nonnull));
/* Grows an array to hold at least `want` elements, doubling; *capacity is updated. */
void *xgrow(void *p, size_t *capacity, size_t want, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) PRINTF(1, 2) __attribute__((returns_nonnull));

#include "base/banned.h"

#endif
