/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a mirror (docs/mirror.md) is of use to who has this manifest: for `larder doctor`, since a pull
 * finds out by using it.
 *
 *	struct mirror_check found;
 *	mirror_check(manifest, server, &found)		found.state, found.text
 *
 * The smallest file that a pull would ask for there comes in two ranges and is hashed; nothing is kept of it.
 * As in a pull the mirror gets no token and no redirect is followed. Takes MIRROR_CHECK_MS and the time for two
 * replies to begin at most.
 *
 * Threads: any.
 */
#ifndef LARDER_TABLES_MIRROR_CHECK_H
#define LARDER_TABLES_MIRROR_CHECK_H

#include "tables/manifest.h"

/* Somebody waits for the answer. */
#define MIRROR_CHECK_MS 20000
/* Of a larger file only its ends come. */
#define MIRROR_CHECK_MAX ((int64_t)16 << 20)

enum mirror_state {
	MIRROR_NONE,   /* the hub names none */
	MIRROR_GOOD,   /* also where no file of this manifest would be asked for there */
	MIRROR_UNUSED, /* its address is none, or not as safe as the hub's */
	MIRROR_AWAY,   /* no answer */
	MIRROR_FAULTY, /* its answers cannot be used */
	MIRROR_LACKS,
	MIRROR_WRONG, /* other bytes */
};

struct mirror_check {
	enum mirror_state state;
	char text[ERR_MSG_MAX]; /* one line; "" for MIRROR_NONE */
};

void mirror_check(const struct manifest *manifest, const char *server,
		  struct mirror_check *ret_check);

#endif
