/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/chat.h"

#include "base/hash.h"
#include "base/str.h"
#include "base/time.h"

static char *new_id(void)
{
	char iso[TIME_TEXT_MAX], random[RANDOM_TEXT_MAX];
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	(void)time_format_iso(time_now(), iso);
	for (const char *c = iso; *c && *c != '.'; c++)
		if (*c >= '0' && *c <= '9')
			buf_addc(&out, *c);
		else if (*c == 'T')
			buf_addc(&out, '-');
	random_text(3, random);
	buf_addf(&out, "-%s", random);
	return buf_take(&out);
}

static char *title_of(const char *question)
{
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);

	for (const char *c = question; *c; c++)
		buf_addc(&clean, (unsigned char)*c < 0x20 ? ' ' : *c);
	return xstrndup(buf_str(&clean), text_fit(buf_str(&clean), CHAT_TITLE_MAX));
}

static int add_chat(struct db *db, const char *id, const char *question, struct err *e)
{
	AUTO_FREE char *title = title_of(question);

	return db_exec(db, e,
		       "INSERT INTO kb_chat(id, title, created_ms, updated_ms)"
		       " VALUES(?1, ?2, ?3, ?3)",
		       "tti", id, title, time_now());
}

int chat_find(struct db *db, const char *text, char **ret_id, struct err *e)
{
	int64_t n = 0;
	int r;

	if (str_eq(text, "latest"))
		r = db_get_text(db, ret_id, e,
				"SELECT id FROM kb_chat ORDER BY updated_ms DESC, id DESC LIMIT 1",
				"");
	else
		r = db_get_int(db, &n, 0, e,
			       "SELECT count(*) FROM kb_chat WHERE substr(id, 1, length(?1))=?1",
			       "t", text);
	if (r == 0 && n > 1)
		return err_set(e, ERR_CONFLICT, "%lld chats begin with '%s'", (long long)n, text);
	if (r == 0 && n == 1)
		r = db_get_text(db, ret_id, e,
				"SELECT id FROM kb_chat WHERE substr(id, 1, length(?1))=?1", "t",
				text);
	if (r == 0 && !*ret_id) {
		(void)err_set(e, ERR_NOT_FOUND, "there is no chat '%.100s'", text);
		return err_hint(e, "'larder kb chat --list' names them");
	}
	return r;
}

static int add_turn(struct db *db, const char *id, const char *question, const char *answer,
		    struct err *e)
{
	int64_t turns = 0;
	int r = db_get_int(db, &turns, 0, e,
			   "SELECT coalesce(max(n), 0) FROM kb_turn WHERE chat_id=?1", "t", id);

	if (r == 0 && turns >= CHAT_TURNS_MAX)
		r = err_set(e, ERR_LIMIT, "a chat has at most %d turns", CHAT_TURNS_MAX);
	if (r == 0)
		r = db_exec(db, e,
			    "INSERT INTO kb_turn(chat_id, n, question, answer, at_ms)"
			    " VALUES(?1, ?2, ?3, ?4, ?5)",
			    "titti", id, turns + 1, question, answer, time_now());
	if (r == 0)
		r = db_exec(db, e, "UPDATE kb_chat SET updated_ms=?2 WHERE id=?1", "ti", id,
			    time_now());
	return r;
}

int chat_add(struct db *db, char **id, const char *question, const char *answer, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	AUTO_FREE char *first = *id ? NULL : new_id();
	int r = db_begin_tx(db, &tx, e);

	if (r == 0 && first)
		r = add_chat(db, first, question, e);
	if (r == 0)
		r = add_turn(db, first ? first : *id, question, answer, e);
	if (r == 0)
		r = db_commit(db, e);
	if (r == 0 && first)
		*id = TAKE(first);
	return r;
}

int chat_delete(struct db *db, const char *id, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(db, &tx, e);

	if (r == 0)
		r = db_exec(db, e, "DELETE FROM kb_chat WHERE id=?1", "t", id);
	return r < 0 ? r : db_commit(db, e);
}

int chat_visit(struct db *db, chat_visit_fn visit, void *ctx, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e,
			 "SELECT id, title, created_ms, updated_ms,"
			 " (SELECT count(*) FROM kb_turn t WHERE t.chat_id=c.id) FROM kb_chat c"
			 " ORDER BY updated_ms DESC, id DESC",
			 "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		const struct chat_row row = { stmt_text(q, 0), stmt_text(q, 1), stmt_int(q, 2),
					      stmt_int(q, 3), stmt_int(q, 4) };

		r = visit(ctx, &row, e);
	}
	return r;
}

int chat_visit_turns(struct db *db, const char *id, chat_turn_fn visit, void *ctx, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e,
			 "SELECT question, answer FROM kb_turn WHERE chat_id=?1 ORDER BY n", "t",
			 id);

	while (r == 0 && (r = stmt_next(q, e)) > 0)
		r = visit(ctx, stmt_text(q, 0), stmt_text(q, 1), e);
	return r;
}
