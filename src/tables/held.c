/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/held.h"

/* The same chunk in more files than this is an empty page or the like: any of them will do. */
#define LOOKED_AT_MAX 8

static struct bytes hash_of(const struct chunk *c)
{
	return (struct bytes){ (const char *)c->hash, CHUNK_HASH };
}

static int has_index(struct db *db, const char *sha256, struct err *e)
{
	int64_t there = 0;
	int r = db_get_int(db, &there, 0, e, "SELECT 1 FROM ws_index WHERE sha256 = ?1", "t",
			   sha256);

	return r < 0 ? r : there == 1;
}

int held_add(struct db *db, const struct chunks *chunks, struct err *e)
{
	static const char sql_index[] = "INSERT INTO ws_index (sha256, text) VALUES (?1, ?2)";
	static const char sql_chunk[] = "INSERT INTO ws_chunk (hash, file, offset, length)"
					" VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
	int64_t file;
	int r = has_index(db, chunks->sha256, e);

	if (r != 0)
		return r < 0 ? r : 0;
	r = db_exec(db, e, sql_index, "tb", chunks->sha256, buf_bytes(&chunks->text));
	file = db_last_id(db);
	for (size_t i = 0; r == 0 && i < chunks->count; i++) {
		struct chunk c = chunks_at(chunks, i);

		r = db_exec(db, e, sql_chunk, "biii", hash_of(&c), file, c.offset, c.length);
	}
	return r;
}

int held_any(struct db *db, struct err *e)
{
	int64_t there = 0;
	int r = db_get_int(db, &there, 0, e, "SELECT 1 FROM ws_chunk LIMIT 1", "");

	return r < 0 ? r : there == 1;
}

int held_index(struct db *db, const char *sha256, struct chunks **ret_chunks, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, "SELECT text FROM ws_index WHERE sha256 = ?1", "t", sha256);

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0)
		return r;
	r = chunks_parse(stmt_bytes(q, 0), ret_chunks, e);
	return r < 0 ? r : 1;
}

static int forget_chunks(struct db *db, int64_t file, const struct chunks *chunks, struct err *e)
{
	static const char sql[] =
		"DELETE FROM ws_chunk WHERE hash = ?1 AND file = ?2 AND offset = ?3";
	int r = 0;

	for (size_t i = 0; r == 0 && i < chunks->count; i++) {
		struct chunk c = chunks_at(chunks, i);

		r = db_exec(db, e, sql, "bii", hash_of(&c), file, c.offset);
	}
	return r;
}

int held_forget(struct db *db, const char *sha256, struct err *e)
{
	AUTO_CHUNKS struct chunks *chunks = NULL;
	int64_t file = 0;
	int r = db_get_int(db, &file, 0, e, "SELECT id FROM ws_index WHERE sha256 = ?1", "t",
			   sha256);

	if (r < 0 || !file)
		return r;
	r = held_index(db, sha256, &chunks, e);
	if (r > 0)
		r = forget_chunks(db, file, chunks, e);
	else if (r == ERR_CORRUPT) /* not of this program: all rows are looked at */
		r = db_exec(db, e, "DELETE FROM ws_chunk WHERE file = ?1", "i", file);
	return r < 0 ? r : db_exec(db, e, "DELETE FROM ws_index WHERE id = ?1", "i", file);
}

int held_find(struct db *db, const struct chunk *chunk, const struct delta_place *wish,
	      struct delta_place *ret_place, struct err *e)
{
	static const char sql[] =
		"SELECT file, offset FROM ws_chunk WHERE hash = ?1 AND length = ?2";
	struct delta_place found = { .kind = DELTA_FETCH };
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "bi", hash_of(chunk), chunk->length);

	for (int i = 0; r == 0 && i < LOOKED_AT_MAX && (r = stmt_next(q, e)) > 0; i++) {
		struct delta_place place = { DELTA_COPY, stmt_int(q, 0), stmt_int(q, 1) };
		bool wished = wish->kind == DELTA_COPY && place.source == wish->source &&
			      place.from == wish->from;

		if (wished || found.kind == DELTA_FETCH)
			found = place;
		r = 0;
		if (wished)
			break;
	}
	if (r < 0)
		return r;
	*ret_place = found;
	return found.kind == DELTA_COPY;
}

int held_file(struct db *db, int64_t source, char out[HASH_HEX_MAX], struct err *e)
{
	AUTO_FREE char *sha256 = NULL;
	int r = db_get_text(db, &sha256, e, "SELECT sha256 FROM ws_index WHERE id = ?1", "i",
			    source);

	if (r == 0)
		(void)snprintf(out, HASH_HEX_MAX, "%s", sha256 ? sha256 : "");
	return r;
}
