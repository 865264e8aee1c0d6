/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the files of a workspace to the hub, through the outbox (engine/outbox.h).
 *
 *	struct sender s = { .db = db, .http = http, .server = ..., .token = ..., .privacy = ... };
 *	sender_offer(&s, &thing, &is_new, e)     a row, unless the hub has it; in a transaction
 *	drain.deliver = sender_deliver, drain.delivered = sender_delivered, drain.ctx = &s
 *
 * What was sent is in the ledger ("push", "<server> <kind> <name>") as "<size>:<mtime>:<sha256 of
 * what was sent>", before the hash its length: equal size and time need no look, an equal hash no
 * request. Bytes are read when they are sent, so a file that grew meanwhile goes as it is then; texts
 * go redacted (redact.h).
 *
 * What a hub takes beyond whole files is in its replies (X-Larder-Accepts) and in the ledger
 * ("<server> accepts"): of a session whose beginning, as it would be sent now, is what was sent then,
 * only the rest goes, with its offset and the hash of what is before it; sessions go gzipped. When
 * such a request is refused or not understood (an older hub, another file there), the same attempt
 * sends the whole. What is private is looked at when it is sent, and noted in the place of
 * a hash: it is looked at again when it has changed.
 *
 * A sender belongs to one thread. Errors: the db's.
 */
#ifndef LARDER_SESSIONS_SEND_H
#define LARDER_SESSIONS_SEND_H

#include "base/hash.h"
#include "engine/outbox.h"
#include "net/http-client.h"
#include "sessions/privacy.h"
#include "sessions/upload.h"

struct sending {
	enum upload_kind kind;
	const char *name;
	const char *path; /* absolute */
	int64_t size, mtime_ns;
};

struct sent_count {
	size_t of_kind[UPLOAD_LOCAL_MD + 1];
	size_t duplicates; /* ... of which the hub had already */
	size_t private;    /* held back */
	size_t redacted;   /* tokens taken out of what was sent */
	int64_t bytes;     /* of the files */
	int64_t sent;      /* of them on the wire: tails, gzipped */
	size_t tails;      /* of which only the rest was sent */
	size_t requests;
};

struct sender {
	struct db *db;
	struct http_client *http;
	const char *server;
	const char *token;
	struct privacy privacy;
	struct sent_count count;
	char *fingerprint; /* of the last delivery, for the ledger */
	char *accepts;     /* of the hub, as far as known; NULL: not looked up yet */
	bool accepts_is_new;
	char boundary[64];
	char key[HASH_HEX_MAX]; /* idempotency, of the thing being sent */
};
void sender_release(struct sender *s);

/* 1 when the hub does not have it as far as is known, 0 when it does. Reads only. */
int sender_wants(struct sender *s, const struct sending *thing, struct err *e);
/* Inside a transaction. */
int sender_offer(struct sender *s, const struct sending *thing, struct err *e);

/* What would be sent, appended: 0; ERR_DENIED when it is private. */
int sender_preview(struct sender *s, const struct sending *thing, struct buf *out, struct err *e);

/* Of struct outbox_drain_options; ctx is the sender. */
int sender_deliver(void *ctx, const struct outbox_item *item, struct outbox_attempt *ret,
		   struct err *why);
int sender_delivered(void *ctx, const struct outbox_item *item, struct err *e);

#endif
