/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A difference of manifests: what of a manifest is other than in one that was had before. Format:
 * docs/http-api.md, "A difference of manifests".
 *
 *	the hub, which keeps what manifests it gave (hub/trail.h):
 *	since_changes(older, newer, &names)		the tables whose entries differ, in order, and how
 *	since_write(newer, &names, &out)		the difference, from that one to `newer`
 *
 *	the workspace, whose rows are what that older manifest said:
 *	since_apply(body, local, &m, e)			as manifest_parse() of the newer one
 *
 * What is given back is a manifest in which each table that did not change has only its name, and
 * `as_before`. It is believed only when the digest is right: that of what decides a plan (names, ids,
 * hashes, times, rows, sizes) of all tables, which the newer manifest tells, and which is made here
 * from the entries that came and the rows of the others. So a row that is not as the hub thinks costs
 * a request for the whole manifest, and never a wrong plan.
 *
 * The texts of the hub are its own (manifest-build.c), by whose very form they are taken apart; what a
 * workspace reads is foreign, and fuzzed. Pure. Errors of since_apply(): whatever it is, the whole
 * manifest is to be asked for.
 */
#ifndef LARDER_TABLES_MANIFEST_SINCE_H
#define LARDER_TABLES_MANIFEST_SINCE_H

#include "tables/local.h"
#include "tables/manifest.h"

/* Of HTTP's delta encoding (RFC 3229): its name in A-IM and IM, and the status of such a reply. */
#define SINCE_MANIPULATION "larder-tables"
#define SINCE_STATUS       226

/*
 * One a line, after '+' (it is new), '-' (it went) or '=' (it is other). False when one of the texts is no manifest
 * of ours; `out` may then have some.
 */
bool since_changes(struct bytes older, struct bytes newer, struct buf *out);
/*
 * `names` sorted, each once; those that are no tables now are told as gone. False when it does not
 * fit, or the text is no manifest of ours.
 */
bool since_write(struct bytes newer, const struct strv *names, struct buf *out);

/* `local` must have nothing to be mended, and outlives what it was asked for. */
int since_apply(struct bytes text, const struct local *local, struct manifest **ret_manifest,
		struct err *e);

/* What of a table the digest is made of; texts NULL or "" and numbers below 0 where not known. */
struct since_table {
	const char *name, *id, *version, *hash, *updated;
	int64_t rows, size_bytes;
};
/* In the order of names; hash_hex() then is the digest. */
void since_digest_add(struct hash *digest, const struct since_table *table);

#endif
