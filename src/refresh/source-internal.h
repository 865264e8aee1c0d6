/* SPDX-License-Identifier: Apache-2.0 */
/* What source*.c share: source.c has the rows, -spec.c reads what a person says of a source. */
#ifndef LARDER_REFRESH_SOURCE_INTERNAL_H
#define LARDER_REFRESH_SOURCE_INTERNAL_H

#include "refresh/source.h"

/* Kind, schedule, limits and permissions from the spec, which stays the caller's; ERR_USAGE names
 * what is wrong in it. */
int source_read_spec(const struct json *spec, struct source *s, struct err *e);
/* What needs libpq to be told: done once, when it is put. */
int source_check_connection(const struct source *s, struct err *e);

#endif
