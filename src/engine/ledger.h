/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: what was already seen, as a fingerprint of (namespace, key). What has not changed is
 * skipped.
 *
 *	ledger_get(db, "manifest", server_url, &etag, e);      NULL when never seen
 *	ledger_put(db, "manifest", server_url, new_etag, e);   inside the transaction that used it
 *
 * A fingerprint is any short text: a hash, an ETag, "size:mtime:inode". Writing belongs into the
 * same transaction as the result, so that "seen" is never true of work that was lost. Threads and
 * errors: as the db.
 */
#ifndef LARDER_ENGINE_LEDGER_H
#define LARDER_ENGINE_LEDGER_H

#include "db/db.h"

extern const struct db_schema ledger_schema;

int ledger_get(struct db *db, const char *space, const char *key, char **ret_fingerprint,
	       struct err *e);
/* 1 when (space, key) was recorded with exactly this fingerprint, else 0. */
int ledger_seen(struct db *db, const char *space, const char *key, const char *fingerprint,
		struct err *e);
int ledger_put(struct db *db, const char *space, const char *key, const char *fingerprint,
	       struct err *e);
/* Key NULL: the whole space. */
int ledger_forget(struct db *db, const char *space, const char *key, struct err *e);

/*
 * In the order of the keys; a negative return stops. The callback does not write to the
 * ledger, nor end the transaction.
 */
typedef int (*ledger_visit_fn)(void *ctx, const char *key, const char *fingerprint,
			       int64_t recorded_ms, struct err *e);
int ledger_visit(struct db *db, const char *space, ledger_visit_fn visit, void *ctx, struct err *e);

#endif
