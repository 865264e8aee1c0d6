/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that must not be used: a use fails to compile. Each has one replacement in base/:
 *
 *   strcpy strcat strncpy sprintf   buf_addf, xasprintf, snprintf
 *   strtok                          strv_split (str.h)
 *   gmtime localtime                time_format_iso (time.h)
 *   atoi atol atoll                 parse_int64, parse_size (str.h)
 *   alloca                          xmalloc
 *   sleep usleep                    wait for the thing itself
 */
#ifndef LARDER_BASE_BANNED_H
#define LARDER_BASE_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* _FORTIFY_SOURCE makes macros of these two under clang; only what is no macro can be poisoned. */
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy sprintf vsprintf strtok gmtime localtime atoi atol atoll
#undef alloca
#pragma GCC poison alloca sleep usleep

#endif
