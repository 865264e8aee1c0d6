/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bundle: the rules one caller gets. Mandatory ones whole; of the other approved ones those
 * that fit into the budget of tokens, the most trusted and newest first.
 *
 *	score = confidence (not said: 0.5) x how new (1 today, falling in a line to 0 at 365 days)
 *	tokens = characters of title and content / 4
 *
 * One that does not fit is skipped, and the next ones still get their chance. Mandatory rules count
 * into the budget but are never left out.
 *
 * Who sees what: audience null or "all" everybody, "group:NAME" its members; besides, everything in
 * a domain that was granted to a group of the caller; admins all. Personal items, those not
 * approved and those outside their time (valid_from, valid_until) go to nobody.
 *
 * Threads: as the db. Errors: the db's; ERR_LIMIT never, as RULES_MANDATORY_MAX bounds it.
 */
#ifndef LARDER_MEMORY_BUNDLE_BUILD_H
#define LARDER_MEMORY_BUNDLE_BUILD_H

#include "access/access.h"
#include "base/buf.h"

#define BUNDLE_TOKEN_BUDGET 6000
#define BUNDLE_BUILD_MAX    ((size_t)64 << 20)

/* *ret_good_until_ms: from then on the same rows give another bundle (a rule begins or expires, or
 * the order has aged). */
int bundle_build(struct db *db, const struct caller *caller, int64_t now_ms, struct buf *out,
		 int64_t *ret_good_until_ms, struct err *e);

#endif
