/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which manifests each set of groups was given, one after the other: for a caller who has one of
 * them, the tables that may differ from it to the present one.
 *
 *	AUTO(trail_found_release) struct trail_found found = TRAIL_FOUND_INIT;
 *	if (trails_follow(trails, key, &now, http_header(in, "If-None-Match"), &found))
 *		... found.names: sorted, each once; since_write(...) ...
 *
 * `key` is that of the caller's groups (cache_key() without generations) and `now` what was built or
 * found for that caller in this request's transaction: nothing is decided here. A caller is told of
 * what differs from a manifest that callers of the same groups were given, and nobody else; who
 * knows its tag, a hash of all of it, has seen it.
 *
 * A trail holds the present text, by reference, and for each manifest before it only the names
 * that changed to the next one. All is in memory, bounded, and lost with the process: who comes with a
 * manifest that is not known any more gets the whole one. Threads: any.
 */
#ifndef LARDER_HUB_TRAIL_H
#define LARDER_HUB_TRAIL_H

#include "hub/cache.h"

/* One for each set of groups in use: as many as there are manifests of in the cache. */
#define TRAILS_MAX CACHE_ENTRIES
/* Their texts are those of the cache while these are in it, and so no more than it keeps. Beyond, the
 * trail that was not asked for longest goes; a text over all of it has none. */
#define TRAILS_TEXT_MAX CACHE_BYTES_MAX
/* A manifest every five minutes for two days: who was away longer gets it whole. */
#define TRAIL_STEPS_MAX 576
/* Of the names in a trail: of 10,000 tables, all of them once. More would not be worth a difference. */
#define TRAIL_NAMES_MAX ((size_t)256 << 10)
/* Of the tags that a caller names: three of ours. Each is compared with each step. */
#define TRAIL_KNOWN_MAX 256

struct trails;

struct trail_found {
	char base[HASH_HEX_MAX + 2]; /* the tag of the one that the caller has */
	struct strv names;
};
#define TRAIL_FOUND_INIT                                                                           \
	{                                                                                          \
		.base = ""                                                                         \
	}
void trail_found_release(struct trail_found *found);

struct trails *trails_new(void);
void trails_free(struct trails *trails);

/* `known`: a list of tags as in If-None-Match, or NULL. False also where it names the present one, or is
 * over TRAIL_KNOWN_MAX. */
bool trails_follow(struct trails *trails, const char *key, const struct cached *now,
		   const char *known, struct trail_found *ret_found);

#endif
