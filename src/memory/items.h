/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Knowledge items, the rules that go out with a pull, as the hub keeps them.
 *
 *	struct rule_put put = { .fields = json, .by = caller };
 *	rule_put(db, &put, &id, &is_new, e)           in a transaction
 *	rule_list(db, &filter, &out, e)               all, without their content
 *
 * The fields are those of the wire contract (docs/http-api.md, "Bundle"); unknown ones are refused,
 * so that a misspelt one is noticed. Whoever puts a rule is responsible for it; what a workspace
 * makes of it is a file named by its id, so ids are name_is_rule() (base/str.h).
 *
 * Every change bumps the generation "rules" and leaves an audit row. Threads: as the db.
 * Errors: ERR_USAGE for a field that may not be so, ERR_LIMIT over a size, ERR_CONFLICT for an id
 * that is taken, ERR_NOT_FOUND.
 */
#ifndef LARDER_MEMORY_ITEMS_H
#define LARDER_MEMORY_ITEMS_H

#include "access/access.h"
#include "base/json.h"
#include "db/db.h"

extern const struct db_schema memory_schema;

/* A rule is read by a model at the start of each session: 256 KiB are 65,000 tokens, more than any
 * session can spare. */
#define RULE_CONTENT_MAX ((size_t)256 << 10)
#define RULE_TITLE_MAX   ((size_t)200)
/* Mandatory rules go out whole, to everybody, on each change. */
#define RULES_MANDATORY_MAX ((int64_t)4 << 20)
#define RULES_MAX           10000
/* A request that holds such a rule with every character escaped, and its other fields. */
#define RULE_BODY_MAX ((size_t)2 << 20)

struct rule_put {
	const struct json *fields;
	const struct caller *by;
	bool replace; /* an existing rule of that id; else it is a conflict */
};
/* fields.id absent: one is made up. The caller owns *ret_id. */
int rule_put(struct db *db, const struct rule_put *put, char **ret_id, bool *ret_is_new,
	     struct err *e);
int rule_remove(struct db *db, const struct caller *by, const char *id, struct err *e);

/* Objects into an open array, ordered by id. */
struct rule_filter {
	const char *status; /* a word of memory/knowledge.h; NULL any */
	const char *domain; /* NULL any */
};
int rule_list(struct db *db, const struct rule_filter *filter, struct json_out *out, struct err *e);
/* One whole item as an object: the array's next element, or with key NULL the document. */
int rule_add(struct db *db, const char *id, struct json_out *out, struct err *e);

#endif
