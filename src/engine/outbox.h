/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox: what is to be delivered to a peer, one row for each thing, until the peer has said
 * that it has it.
 *
 *	outbox_put(db, &item, e)         inside a transaction; the same thing twice is one row
 *
 *	const struct outbox_drain_options o = { .db = db, .lease = lease, .deliver = send, ... };
 *	struct outbox_drain_report report = { 0 };
 *	outbox_drain(&o, &report, e)     sends what is due, one after the other, or in batches
 *
 * A thing is recorded as its kind, the text its owner needs to find it again (a path, not its
 * bytes) and a key that is the same whenever it is the same thing: the row is deleted only after
 * an answer, so a kill between the two sends it twice, and the peer tells by key or content.
 *
 * What follows from an attempt is decided by outbox_judge(), which is pure:
 *
 *	2xx of the expected shape            delivered; the row goes
 *	no answer, 408, 425, 429, 5xx,       again after 1, 5, 15, 60 s, then every 5 min, a quarter
 *	a redirect, a 2xx of another shape   more or less; or after Retry-After, if that is later
 *	401, 403                             all rows pause until the credential is another one
 *	any other 4xx, nothing to send       dead: kept for outbox_visit() and outbox_redrive()
 *
 * Batches (deliver_many): up to batch_rows due rows of batch_bytes payload go in one request, which has
 * a key of its own, the same whenever it holds the same rows. The peer says of each row whether it was
 * accepted, known already or rejected; the rejected are dead, each with its reason. A batch that is
 * rejected as a whole (400, 413, 422 ...) is split until the row that spoils it is alone, and only
 * that one is dead. A row at which a server has failed OUTBOX_ALONE_AFTER times goes alone, too.
 *
 * What a row costs does not depend on how many there are: only the first row of each subject is in
 * line (the others are promoted when it goes), counts are kept, a pause of all is one row.
 *
 * Rows of one subject go in the order they were put, dead ones excepted. A row that fails waits
 * alone; but when the peer does not answer at all, or says it is busy, the whole run waits as long,
 * so that 100,000 rows do not knock at a closed door each.
 *
 * Clocks: due times are stored as wall-clock time. A run takes the wall clock once and counts on by
 * the monotonic one; at its start, times that a stepped clock has put out of reach are brought back
 * (outbox_settle).
 *
 * Threads: as the db. Errors: the db's, the lease's. Drain is called outside a transaction; its
 * callers hold a lease, since two drains would send everything twice (which is harmless).
 */
#ifndef LARDER_ENGINE_OUTBOX_H
#define LARDER_ENGINE_OUTBOX_H

#include "base/hash.h"
#include "db/db.h"
#include "engine/lease.h"
#include <stdatomic.h>

extern const struct db_schema outbox_schema;

/* A peer that asks for more is asked again after an hour. */
#define OUTBOX_WAIT_MAX_MS ((int64_t)3600 * 1000)
/* In one request: more gains nothing over the round trip and its commit. */
#define OUTBOX_BATCH_MAX 1000

struct outbox_item {
	int64_t id; /* given by outbox_put() */
	const char *kind;
	const char *subject; /* order is kept within it */
	const char *key;     /* idempotency: unique among what waits */
	const char *payload; /* the owner's */
	unsigned attempts;
};

/* The pure part: what came of an attempt, and what follows. */
struct outbox_attempt {
	long status;      /* of the reply; 0: none came */
	int retry_after;  /* seconds, 0 when not said */
	bool as_expected; /* the reply is what a delivery is answered with */
	bool unneeded;    /* nothing was sent, and nothing need be */
	bool unsendable;  /* there is nothing (left) that could be sent */
};
enum outbox_state { OUTBOX_WAITING, OUTBOX_PAUSED, OUTBOX_DEAD, OUTBOX_DELIVERED };
struct outbox_verdict {
	enum outbox_state state;
	const char *word; /* the class, a literal: "offline", "busy", "server", "rejected", ... */
	int64_t wait_ms;  /* WAITING: from now */
	bool holds_all;   /* WAITING: the peer as a whole, not this row */
};
/* `attempts`: failed ones before this. `random`: any number, for the jitter. */
struct outbox_verdict outbox_judge(const struct outbox_attempt *a, unsigned attempts,
				   uint32_t random);

/* Two failures of a server are bad luck; then the row itself may be what it fails at. */
#define OUTBOX_ALONE_AFTER 3

struct outbox_batch {
	const struct outbox_item *items;
	size_t n;
	char key[HASH_HEX_MAX]; /* for Idempotency-Key: of the rows' keys in their order */
};
enum outbox_word { OUTBOX_UNANSWERED, OUTBOX_ACCEPTED, OUTBOX_DUPLICATE, OUTBOX_REJECTED };
struct outbox_answer { /* of one row of a batch, when the reply is as expected */
	enum outbox_word word;
	char why[ERR_MSG_MAX]; /* REJECTED: the peer's sentence */
};

/* Inside a transaction. 1 when the row is new, 0 when one of this key waits, is paused or is dead
 * already. Other rows of `supersedes` (a subject; NULL: none) are removed: what would be sent for
 * them is the newer content. */
int outbox_put(struct db *db, const struct outbox_item *item, const char *supersedes,
	       struct err *e);

struct outbox_drain_options {
	struct db *db;
	struct lease *lease;
	const char *credential; /* any text that changes when the credential does; never a secret */
	int64_t patience_ms;    /* for rows that are due later: 0 sends only what is due now */
	const atomic_bool *cancel; /* may be NULL */
	void *ctx;
	/* Sends it; fills *ret. Negative only for what must end the run; `why` gets the sentence
	   for an attempt that failed. Outside any transaction. */
	int (*deliver)(void *ctx, const struct outbox_item *item, struct outbox_attempt *ret,
		       struct err *why);
	/* In its place, for batches; answers are UNANSWERED before it is called, and count only when
	   the attempt was answered as expected. */
	int (*deliver_many)(void *ctx, const struct outbox_batch *batch, struct outbox_attempt *ret,
			    struct outbox_answer *answers, struct err *why);
	const char *batch_kind; /* rows of other kinds go alone; NULL: all go together */
	size_t batch_rows;      /* at most OUTBOX_BATCH_MAX */
	size_t batch_bytes;     /* of payloads; one row may be larger, and goes alone */
	/* May be NULL. Inside the transaction that removes the row. */
	int (*delivered)(void *ctx, const struct outbox_item *item, struct err *e);
	/* May be NULL. After each attempt that is not yet a delivery. */
	void (*failed)(void *ctx, const struct outbox_item *item, const struct outbox_verdict *v,
		       const struct err *why);
};
struct outbox_drain_report {
	size_t delivered;
	size_t duplicates;            /* of these: the peer had them already */
	size_t attempts;              /* requests that were tried */
	size_t waiting, paused, dead; /* rows after the run */
	int64_t next_ms;              /* until the first of them is due; -1: none waits */
	bool refused;                 /* the credential was; nothing is tried until it changes */
};
int outbox_drain(const struct outbox_drain_options *options, struct outbox_drain_report *report,
		 struct err *e);

/* What outbox_drain() does first, for a given time: brings back what a stepped clock put off, and
 * wakes what was paused under another credential. Inside a transaction. */
int outbox_settle(struct db *db, int64_t now_ms, const char *credential, struct err *e);
/* Rows that failed for want of any answer are due now: somebody asks for it. In a transaction. */
int outbox_hurry(struct db *db, int64_t now_ms, struct err *e);
/* Dead and paused rows become due again. In a transaction. */
int outbox_redrive(struct db *db, int64_t now_ms, size_t *ret_rows, struct err *e);

/* Rows of that state in their order; texts are lent. A negative return stops. */
struct outbox_row {
	struct outbox_item item;
	const char *word;  /* of the last failure; NULL: never tried */
	const char *error; /* its sentence */
	int64_t created_ms, due_ms;
};
typedef int (*outbox_visit_fn)(void *ctx, const struct outbox_row *row, struct err *e);
int outbox_visit(struct db *db, enum outbox_state state, outbox_visit_fn visit, void *ctx,
		 struct err *e);
/* 1 when anything is to be sent or paused. */
int outbox_has_work(struct db *db, struct err *e);
/* Rows that are to be sent, and dead ones; the bytes of their payloads; when the next is due by the wall
 * clock (-1: none is), and whether all pause under that credential. At a cost that does not grow with
 * the rows, so that who puts can keep to a limit of their own. */
struct outbox_summary {
	int64_t waiting, dead, bytes, due_ms;
	bool paused;
};
int outbox_summary(struct db *db, const char *credential, struct outbox_summary *ret,
		   struct err *e);
/* 1 when there is a row of that subject, in whatever state. */
int outbox_holds(struct db *db, const char *subject, struct err *e);

#endif
