/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An empty hub's database with one admin, ann@example.com, and short words for what tests do to it.
 * Every verb must succeed; what should fail is called directly.
 *
 *	AUTO_SCRATCH char *folder = scratch_new();
 *	AUTO_DB struct db *db = access_new(folder, schemas, n);
 *	AUTO_CALLER struct caller ann = who(db, token_of(db, "ann@example.com", SCOPE_ADMIN));
 */
#ifndef LARDER_TEST_ACCESS_FIXTURE_H
#define LARDER_TEST_ACCESS_FIXTURE_H

#include "access/token.h"
#include "base/time.h"
#include "scratch.h"

#define ANN "ann@example.com"
#define BOB "bob@example.com"

static inline struct db *access_new(const char *folder, const struct db_schema *const *schemas,
				    size_t n)
{
	AUTO_FREE char *path = xasprintf("%s/x.db", folder);
	struct db_options o = { .path = path, .create = true };
	struct db *db = NULL;
	struct err e = { 0 };

	CHECK_OK(db_open(&o, &db, &e));
	CHECK_OK(db_migrate(db, schemas, n, &e));
	CHECK_OK(user_add(db, NULL, ANN, "Ann", &e));
	CHECK_OK(member_add(db, NULL, "admin", ANN, &e));
	return db;
}

/* The caller owns the text. */
static inline char *token_of(struct db *db, const char *email, enum access_scope scope)
{
	struct token_wish wish = { .email = email, .name = "t", .scope = scope };
	struct token_made made;
	struct err e = { 0 };

	CHECK_OK(token_mint(db, NULL, &wish, &made, &e));
	return xstrdup(made.text);
}

static inline struct caller who(struct db *db, const char *token)
{
	struct caller caller = CALLER_INIT;
	struct err e = { 0 };

	CHECK_OK(access_authenticate(db, token, &caller, &e));
	return caller;
}

static inline struct caller caller_of(struct db *db, const char *email, enum access_scope scope)
{
	AUTO_FREE char *token = token_of(db, email, scope);

	return who(db, token);
}

/* A user, made a member of a group that is made when it lacks. */
static inline void join(struct db *db, const char *email, const char *group)
{
	AUTO_FREE char *id = NULL;
	struct err e = { 0 };

	(void)user_add(db, NULL, email, NULL, &e); /* may be there */
	(void)group_add(db, NULL, group, &id, &e); /* may be there */
	CHECK_OK(member_add(db, NULL, group, email, &e));
}

static inline int64_t grant_table(struct db *db, const char *group, const char *table)
{
	struct grant grant = { group, "table", table };
	struct err e = { 0 };
	int64_t id = 0;

	CHECK_OK(grant_add(db, NULL, &grant, &id, &e));
	return id;
}

#endif
