/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of the outbox: outbox.c has the rows, -drain.c a run, -batch.c what is taken from
 * the rows for one request.
 *
 * `state` on disk: 0 in line, 2 dead, 4 behind an older row of its subject. Table outbox_state has one
 * row: how many are in line or behind, how many dead, the bytes of all payloads, the latest time that
 * was written into any row, and the credential under which all pause (NULL: they do not).
 */
#ifndef LARDER_ENGINE_OUTBOX_INTERNAL_H
#define LARDER_ENGINE_OUTBOX_INTERNAL_H

#include "engine/outbox.h"

/* Inside a transaction: what is added to the counts, and the latest time. */
struct outbox_counts {
	int64_t waiting, dead, bytes, at_ms;
};
int outbox_count(struct db *db, const struct outbox_counts *more, struct err *e);
/* The row is gone or dead: the next of its subject is in line. */
int outbox_promote(struct db *db, const char *subject, struct err *e);

/* Rows taken for one request, with texts of their own. */
struct outbox_taken {
	struct outbox_item items[OUTBOX_BATCH_MAX];
	size_t n;
	size_t bytes;
	int64_t due_ms; /* of the first */
};
void outbox_taken_free(struct outbox_taken *t);
DEFINE_AUTO(struct outbox_taken, outbox_taken_auto_, outbox_taken_free);
#define AUTO_TAKEN AUTO(outbox_taken_auto_)
/* 1 and at least one row, 0 when none is in line. Rows that are due at `now`; when none is, the one
 * that will be next, alone. */
int outbox_take(const struct outbox_drain_options *o, int64_t now, struct outbox_taken *ret,
		struct err *e);
void outbox_batch_key(const struct outbox_item *items, size_t n, char out[HASH_HEX_MAX]);

#endif
