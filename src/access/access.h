/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what: users, groups, members, tokens, grants, and the record of who changed what.
 *
 *	AUTO_CALLER struct caller caller = CALLER_INIT;
 *	if (access_authenticate(db, token_text, &caller, e) < 0)     ERR_AUTH: 401
 *		...
 *	if (access_need_admin(&caller, e) < 0)                       ERR_DENIED: 403
 *		...
 *	access_sees(db, &caller, "table", registry_id, e)            1 or 0
 *
 * Everything is decided for each request from the rows, without a cache: what was withdrawn a
 * moment ago is gone. It costs two queries: the token with its user, and the user's groups.
 *
 * Members of the group "admin" see everything; what they may change is decided by the scope of the
 * token they come with. Every change leaves an audit row, and one of who sees what bumps the
 * generation "access", in the transaction of its caller: the verbs that change run inside
 * db_begin() ... db_commit().
 *
 * Ownership: a struct caller owns its texts. Threads: as the db. Errors: ERR_AUTH, ERR_DENIED,
 * ERR_NOT_FOUND, ERR_CONFLICT (exists already), ERR_USAGE (a name that may not be), and the db's.
 * Tokens are in access/token.h.
 */
#ifndef LARDER_ACCESS_ACCESS_H
#define LARDER_ACCESS_ACCESS_H

#include "base/json.h"
#include "base/str.h"
#include "db/db.h"

extern const struct db_schema access_schema;

#define ACCESS_ADMIN_GROUP "admin" /* id and name; there from the start, never removed */
/* The longest address a mail system must accept (RFC 5321 section 4.5.3.1.3, less the brackets). */
#define ACCESS_EMAIL_MAX 254

/* From the narrowest to the widest: a token mints none that is wider. */
enum access_scope { SCOPE_READ, SCOPE_USER, SCOPE_ADMIN };
const char *access_scope_word(enum access_scope scope);
int access_scope_parse(const char *word, enum access_scope *ret_scope, struct err *e);

struct caller {
	int64_t user_id;
	char *email;
	bool is_admin; /* member of the group admin: sees everything */
	enum access_scope scope;
	char *token_id;
	int64_t token_expires_ms;   /* 0: never */
	int64_t token_last_used_ms; /* 0: never */
	/* Of a key (access/token.h): all it may do, and from which addresses, "a,b"; NULL: any. */
	char *permissions, *allowed_ips;
	int64_t rate_per_minute; /* -1: the hub's own; 0: any */
	struct strv group_ids;   /* sorted, so that equal sets are equal texts */
	struct strv group_names; /* in the order of group_ids */
};

#define CALLER_INIT                                                                                \
	{                                                                                          \
		0                                                                                  \
	}
void caller_release(struct caller *caller);
/* For what outlives its request: who it is, to be renewed before it is acted for; without groups. */
struct caller caller_copy(const struct caller *caller);
#define AUTO_CALLER AUTO(caller_release)

/* The sentences of ERR_AUTH are those of the wire contract. token NULL: none was sent. */
int access_authenticate(struct db *db, const char *token, struct caller *ret_caller, struct err *e);
/*
 * The same caller as the rows are in this transaction: groups are read anew, a token that ended
 * since is ERR_AUTH. For what acts later than it was asked (a body that came slowly, a long
 * conversion), and for what is kept under the caller's groups, which must be those of the rows it
 * is made of.
 */
int access_renew(struct db *db, struct caller *caller, struct err *e);
/* When the last use is over a minute old: one write, harmless to lose, in its own transaction. */
bool access_use_is_stale(const struct caller *caller, int64_t now_ms);
int access_record_use(struct db *db, const struct caller *caller, int64_t now_ms, struct err *e);

/* Of the group admin and with a token of scope admin, or ERR_DENIED. */
int access_need_admin(const struct caller *caller, struct err *e);
/* ERR_DENIED when the caller's token is of a narrower scope. */
int access_need_scope(const struct caller *caller, enum access_scope scope, struct err *e);
/* A token with a list of permissions may do what it names and nothing else; one without may do all
 * that its scope allows. `permission` NULL: something that no list names. ERR_DENIED. */
int access_need_permission(const struct caller *caller, const char *permission, struct err *e);
/* 1 when the caller is admin or one of the caller's groups was granted (type, id); 0; or an error.
 */
int access_sees(struct db *db, const struct caller *caller, const char *type, const char *id,
		struct err *e);
/* All ids of that type granted to one of the caller's groups, sorted. Not asked for admins. */
int access_granted(struct db *db, const struct caller *caller, const char *type,
		   struct strv *ret_ids, struct err *e);

/* Numbers that grow with each change of "access", "tables", "rules": what is made from the rows of
 * an area is good as long as its number stands. */
int generation_get(struct db *db, const char *name, int64_t *ret_value, struct err *e);
int generation_bump(struct db *db, const char *name, struct err *e);

/* by NULL: the machine's owner, at the command line of the hub. detail may be NULL. */
int audit_add(struct db *db, const struct caller *by, const char *action, const char *resource,
	      const char *detail, struct err *e);
/*
 * The record, the newest first, as objects into an open array. Each rule is a text in which '*'
 * stands for anything ("token.*"), with a '!' in front for all but these ("!job.*"); NULL: all. The
 * user of what was done at the hub's own command line is "".
 */
#define AUDIT_PAGE_MAX 1000
struct audit_query {
	const char *action, *user, *resource;
	int64_t since_ms, until_ms; /* 0: open */
	int64_t before_id;          /* 0: from the newest */
	int64_t limit;
};
int audit_list(struct db *db, const struct audit_query *query, struct json_out *out, struct err *e);

/* Addresses are kept in lower case; one @, no blanks or slashes. */
int user_add(struct db *db, const struct caller *by, const char *email, const char *name,
	     struct err *e);
/* Deactivates: tokens stop, memberships go, the row stays for the record. Adding the same address
 * again activates it. The last active admin cannot go (ERR_CONFLICT). */
int user_remove(struct db *db, const struct caller *by, const char *email, struct err *e);
int user_list(struct db *db, struct json_out *out, struct err *e);
int user_note_pull(struct db *db, const struct caller *caller, int64_t now_ms, struct err *e);

int group_add(struct db *db, const struct caller *by, const char *name, char **ret_id,
	      struct err *e);
/* group: id or name, everywhere. Grants and memberships go with it. */
int group_remove(struct db *db, const struct caller *by, const char *group, struct err *e);
int group_list(struct db *db, struct json_out *out, struct err *e);
/* Being a member already is ERR_CONFLICT, not being one ERR_NOT_FOUND. */
int member_add(struct db *db, const struct caller *by, const char *group, const char *email,
	       struct err *e);
int member_remove(struct db *db, const struct caller *by, const char *group, const char *email,
		  struct err *e);

/* resource_id is the registry's id (the route translates names); type "table" or "memory_domain".
 */
struct grant {
	const char *group;
	const char *resource_type;
	const char *resource_id;
	/* Of a table: a JSON object that says which of its rows and columns, in the one form that
	 * equal limits have (tables/rights.h); NULL: all of it. */
	const char *rights;
};
int grant_add(struct db *db, const struct caller *by, const struct grant *grant, int64_t *ret_id,
	      struct err *e);
int grant_remove(struct db *db, const struct caller *by, int64_t id, struct err *e);
/* Ordered by group, type and resource. A negative return of `visit` ends it; the row is lent. */
struct grant_row {
	int64_t id;
	const char *group_id, *group;
	const char *resource_type, *resource_id;
	int64_t created_ms;
	const char *rights; /* NULL: all of it */
};
typedef int (*grant_visit_fn)(void *ctx, const struct grant_row *row, struct err *e);
int grant_visit(struct db *db, grant_visit_fn visit, void *ctx, struct err *e);
/* All grants of a resource that is being removed. */
int grant_forget(struct db *db, const char *resource_type, const char *resource_id, struct err *e);

#endif
