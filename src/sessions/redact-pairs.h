/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets without a shape, known by what stands before them, for redact.c:
 *
 *	password=..., "password": "...", PGPASSWORD=..., --password ..., api_key: ...
 *	scheme://user:password@host
 *
 * A name counts by how it ends (db_password, X-Api-Key), capitals aside, in a shell, in code, in
 * YAML, in JSON and in JSON within JSON. A password is four characters or more; without quotes
 * behind a colon, where people write prose and types, it has something that is no lower-case
 * letter; other secrets are eight and have a digit. Left alone: null, true, variables ($NAME,
 * ${...}, <...>), what has a shape of its own (redact.c names it better) and what was taken out
 * before.
 *
 * A filter of bytes: what it lets pass, and "[redacted:password]", goes to `put`; nothing is held
 * but a value. One thread.
 */
#ifndef LARDER_SESSIONS_REDACT_PAIRS_H
#define LARDER_SESSIONS_REDACT_PAIRS_H

#include "base/buf.h"

/* Longer names than these are no names. */
#define PAIRS_NAME_MAX 64
/* Of a value that is looked at; what is longer is a secret all the same, and goes as a whole. */
#define PAIRS_VALUE_MAX 512

struct pairs {
	void *ctx;
	void (*put)(void *ctx, struct bytes piece);
	size_t count;

	int state;
	char name[PAIRS_NAME_MAX];
	size_t n;    /* of the word being read; past the maximum it is no name */
	bool secret; /* the name is that of a secret, not of a password */
	bool blank;  /* it is an option, "--password": a blank may follow */
	bool dashes; /* ... as it was when its value began */
	bool colon;  /* what stood between name and value */
	bool quoted_name;
	bool escaped;     /* a backslash stands before the quote that may come */
	char quote;       /* 0: none opened the value */
	unsigned slashes; /* of "://" */
	char value[PAIRS_VALUE_MAX];
	size_t length;
};

void pairs_add(struct pairs *p, struct bytes piece);
void pairs_end(struct pairs *p);

#endif
