/* SPDX-License-Identifier: Apache-2.0 */
/* What else the database knows of a document: its sections, and its files. */
#include "kb/add-internal.h"
#include "kb/search.h"

int doc_drop_sections(struct db *db, int64_t doc_id, struct err *e)
{
	int r = db_exec(db, e,
			"DELETE FROM kb_text WHERE rowid IN"
			" (SELECT 2 * id + 1 FROM kb_section WHERE doc_id=?1)",
			"i", doc_id);

	return r < 0 ? r : db_exec(db, e, "DELETE FROM kb_section WHERE doc_id=?1", "i", doc_id);
}

int doc_put_sections(struct db *db, int64_t doc_id, struct bytes text, const struct sections *s,
		     struct err *e)
{
	int r = doc_drop_sections(db, doc_id, e);

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		const struct section *section = &s->v[i];
		struct bytes part = { text.p + section->at, section->n };
		AUTO_FREE char *plain = section_plain(part);

		r = db_exec(db, e,
			    "INSERT INTO kb_section(doc_id, ordinal, level, title, anchor, page,"
			    " summary) VALUES(?1, ?2, ?3, ?4, ?5, nullif(?6, 0), ?7)",
			    "iiittit", doc_id, (int64_t)i, (int64_t)section->level, section->title,
			    section->anchor, section->page, section->summary);
		if (r == 0)
			r = search_put(db, SEARCH_SECTION, db_last_id(db), section->title, plain,
				       e);
	}
	return r;
}

int doc_put_file(struct db *db, int64_t doc_id, const char *path, const char *hash, struct err *e)
{
	return db_exec(db, e,
		       "INSERT INTO kb_doc_file(path, doc_id, hash) VALUES(?1, ?2, ?3)"
		       " ON CONFLICT(path) DO UPDATE SET doc_id=excluded.doc_id,"
		       " hash=excluded.hash",
		       "tit", path, doc_id, hash);
}

int doc_files(struct db *db, int64_t doc_id, struct strv *out, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, "SELECT path FROM kb_doc_file WHERE doc_id=?1 ORDER BY path",
			 "i", doc_id);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		strv_add(out, stmt_text(q, 0));
		r = 0;
	}
	return r;
}
