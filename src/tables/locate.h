/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a download asks for to the object that answers it, the caller's right included, in one
 * query.
 *
 *	const struct wanted w = { .table = "orders", .version = v, .part = part };
 *	struct located found;
 *	enum locate_answer a;
 *	if (locate(db, caller, &w, &a, &found, e) == 0 && a == LOCATE_FOUND) ...
 *
 * Threads: as the db. Errors: only the db's; what is not there is an answer.
 */
#ifndef LARDER_TABLES_LOCATE_H
#define LARDER_TABLES_LOCATE_H

#include "access/access.h"
#include "base/hash.h"

struct wanted {
	const char *table;   /* id or name */
	const char *version; /* its SHA-256; NULL: the current one */
	const char *part;    /* its path; NULL: the one file of a table without parts */
};

enum locate_answer {
	LOCATE_FOUND,
	LOCATE_NO_TABLE,   /* none of that name that the caller may see */
	LOCATE_NO_VERSION, /* it was never published, or that version is gone or was never */
	LOCATE_NO_PART,    /* the version has no such part */
	LOCATE_IN_PARTS,   /* the version has parts, and none was named */
	LOCATE_REMOTE,     /* the table stays at its source */
};

struct located {
	char table[NAME_MAX_LEN + 1]; /* the id */
	char sha256[SHA256_HEX + 1];  /* of the object */
	int64_t published_ms;
};

int locate(struct db *db, const struct caller *caller, const struct wanted *wanted,
	   enum locate_answer *ret_answer, struct located *ret_located, struct err *e);

#endif
