/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chats: questions and answers that belong together. Each turn is one transaction: a kill loses at
 * most the answer that was being given.
 *
 *	chat_find(db, "2026", &id, e)                     an id, the beginning of one, or "latest"
 *	chat_add(db, &id, question, answer, e)            with no id the first of a new chat, whose id
 *	                                                  it gives: "20261120-143015-k3x"
 *	chat_visit_turns(db, id, visit, ctx, e)
 */
#ifndef LARDER_KB_CHAT_H
#define LARDER_KB_CHAT_H

#include "db/db.h"

#define CHAT_TITLE_MAX 60
/* Of one chat; what comes after is a chat of its own. */
#define CHAT_TURNS_MAX 10000

/* ERR_NOT_FOUND; ERR_CONFLICT when several begin so. The caller's. */
int chat_find(struct db *db, const char *text, char **ret_id, struct err *e);
/* `id` is the caller's. */
int chat_add(struct db *db, char **id, const char *question, const char *answer, struct err *e);
int chat_delete(struct db *db, const char *id, struct err *e);

struct chat_row {
	const char *id, *title;
	int64_t created_ms, updated_ms, turns;
};
typedef int (*chat_visit_fn)(void *ctx, const struct chat_row *row, struct err *e);
int chat_visit(struct db *db, chat_visit_fn visit, void *ctx, struct err *e); /* newest first */

typedef int (*chat_turn_fn)(void *ctx, const char *question, const char *answer, struct err *e);
int chat_visit_turns(struct db *db, const char *id, chat_turn_fn visit, void *ctx, struct err *e);

#endif
