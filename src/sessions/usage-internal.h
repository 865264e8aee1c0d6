/* SPDX-License-Identifier: Apache-2.0 */
/* What usage.c and usage-build.c share. */
#ifndef LARDER_SESSIONS_USAGE_INTERNAL_H
#define LARDER_SESSIONS_USAGE_INTERNAL_H

#include "sessions/usage.h"

#define USAGE_FOLDER "usage"
/* Of a child: what it cannot do in it, it spills to disk. */
#define USAGE_MEMORY ((int64_t)1 << 30)

/* A name for a staged file that no other run uses. The caller owns it. */
char *usage_staged_name(const char *what);
/* In a transaction: the staged file becomes the newest extract. */
int usage_add_extract(struct root *root, const char *staged, int version, struct err *e);
/* Publishes what the extracts give, unless it was published already. */
int usage_build(struct root *root, int version, struct err *e);

#endif
