/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UUIDs of version 7 (RFC 9562 section 5.7): 48 bits of wall clock in milliseconds, 74 random ones.
 * Later ones sort after earlier ones as text, those of one millisecond in no order; none repeats,
 * also when the clock steps back. Threads: any.
 *
 *	char id[UUID_TEXT_MAX];
 *	uuid_v7(id)           "0193a5c0-7c1e-7b3a-9f62-3d1a5e0c7b44"
 *	uuid_is(text)         36 characters of that form, lower case, of any version
 */
#ifndef LARDER_BASE_UUID_H
#define LARDER_BASE_UUID_H

#include "base/base.h"

#define UUID_TEXT_LEN 36
#define UUID_TEXT_MAX (UUID_TEXT_LEN + 1)

void uuid_v7(char out[UUID_TEXT_MAX]);
bool uuid_is(const char *text);

#endif
