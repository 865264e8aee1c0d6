/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of access/ share.
 *
 *	schema.c    the tables
 *	caller.c    who asks, and what that one sees
 *	token.c     tokens
 *	user.c group.c grant.c audit.c      their rows
 */
#ifndef LARDER_ACCESS_INTERNAL_H
#define LARDER_ACCESS_INTERNAL_H

#include "access/access.h"

/* People's words for groups, users, tokens: a line of text fits. */
#define ACCESS_NAME_MAX 128

/* The end of each verb that changes who may do what: generation and record, in its transaction. */
int access_changed(struct db *db, const struct caller *by, const char *action, const char *resource,
		   const char *detail, struct err *e);

/* Clean text of 1 to `max` bytes, or ERR_USAGE that names `what`. */
int access_check_text(const char *what, const char *text, size_t max, struct err *e);

/* The id of an active user, or ERR_NOT_FOUND. The address may be in any case. */
int user_find(struct db *db, const char *email, int64_t *ret_id, struct err *e);
/* The id of the group with that id or name, or ERR_NOT_FOUND. The caller owns it. */
int group_find(struct db *db, const char *group, char **ret_id, struct err *e);
/* ERR_CONFLICT when no active admin but this user is left. */
int user_check_last_admin(struct db *db, int64_t user_id, struct err *e);

/* A time as text, or null for 0. */
void access_add_time(struct json_out *out, const char *key, int64_t ms);

/* Splits "lrd_<id>_<secret>": the id, and the secret's SHA-256. -1 when it is not of that form. */
int token_split(const char *text, char id[13], char secret_sha256[65]);

/* Of a wish: the lists as they are kept, "" for none. ERR_USAGE. */
struct token_wish;
int token_check_key(const struct token_wish *wish, struct buf *ret_permissions, struct buf *ret_ips,
		    struct err *e);

#endif
