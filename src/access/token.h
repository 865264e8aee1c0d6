/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: "lrd_<id>_<secret>", the id 12 hex digits, the secret 256 random bits in base64url. The
 * text is shown once; the database keeps the id and the SHA-256 of the secret, which needs no salt
 * since no dictionary holds 2^256 words. The secret is compared in constant time.
 *
 *	token_mint(db, &caller, &(struct token_wish){ .name = "laptop", ... }, &made, e)
 *
 * A token mints only tokens of its own scope or a narrower one, for its own user (scope admin: for
 * any), and none that outlives it: a later expiry is cut to its own. Scope admin is minted only for
 * members of the group admin. Threads: as the db. Errors: as access.h.
 */
#ifndef LARDER_ACCESS_TOKEN_H
#define LARDER_ACCESS_TOKEN_H

#include "access/access.h"

#define TOKEN_ID_LEN     12
#define TOKEN_SECRET_LEN 43
#define TOKEN_TEXT_MAX   64
#define TOKEN_NAME_MAX   128
/* The contract's default and its cap. */
#define TOKEN_DAYS_DEFAULT 90
#define TOKEN_DAYS_MAX     3650
/* Of one user, those that work and those made within a day: whoever may only read can mint, and each
 * is a durable write and a line of lists and audit. An admin's token, and the hub itself, are free. */
#define TOKENS_PER_USER_MAX 1000

struct token_wish {
	const char *email; /* NULL: the minting caller's own */
	const char *name;  /* for people: "laptop" */
	enum access_scope scope;
	int64_t expires_ms; /* 0: never, when the minting token allows it */
	/* Of a key: NULL, NULL, 0 for none of these. A key mints no other tokens. */
	const struct strv *permissions; /* words of TOKEN_PERMISSIONS */
	const struct strv *allowed_ips; /* numeric addresses */
	int64_t rate_per_minute;        /* -1: the hub's own; 0: any */
};

/* What a key may be limited to. */
#define TOKEN_PERMISSIONS "sync.read", "sync.write", "fleet.read", "fleet.write"
#define TOKEN_IPS_MAX     100
#define TOKEN_RATE_MAX    1000000

struct token_made {
	char id[TOKEN_ID_LEN + 1];
	char text[TOKEN_TEXT_MAX]; /* the secret: print it once, keep it nowhere */
	int64_t created_ms;
	int64_t expires_ms; /* 0: never */
};

int token_mint(struct db *db, const struct caller *by, const struct token_wish *wish,
	       struct token_made *ret_made, struct err *e);
/* One's own of the same scope or a narrower one, or any with scope admin; another's does not exist
 * for the rest. */
int token_revoke(struct db *db, const struct caller *by, const char *id, struct err *e);
/* The caller's own; `all` lists everybody's and is for admins. */
int token_list(struct db *db, const struct caller *by, bool all, struct json_out *out,
	       struct err *e);

#endif
