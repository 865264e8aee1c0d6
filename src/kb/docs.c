/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/docs.h"

#define COLUMNS                                                                                    \
	"id, hash, name, doc_name, type, path, raw_path, source_path, title, doc_type, pages,"     \
	" bytes, mtime_ns, compiler, added_ms, compiled_ms, tokens_in, tokens_out, cost_micros,"   \
	" extra"

void kb_doc_release(struct kb_doc *d)
{
	char **texts[] = { &d->name,        &d->doc_name, &d->type,     &d->path,     &d->raw_path,
			   &d->source_path, &d->title,    &d->doc_type, &d->compiler, &d->extra };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(*texts[i]);
	*d = (struct kb_doc){ 0 };
}

static char *copy(const struct stmt *q, int column)
{
	const char *text = stmt_text(q, column);

	return text ? xstrdup(text) : NULL;
}

static void read_row(const struct stmt *q, struct kb_doc *d)
{
	kb_doc_release(d);
	d->id = stmt_int(q, 0);
	(void)snprintf(d->hash, sizeof(d->hash), "%s", stmt_text(q, 1));
	d->name = copy(q, 2);
	d->doc_name = copy(q, 3);
	d->type = copy(q, 4);
	d->path = copy(q, 5);
	d->raw_path = copy(q, 6);
	d->source_path = copy(q, 7);
	d->title = copy(q, 8);
	d->doc_type = copy(q, 9);
	d->pages = stmt_is_null(q, 10) ? -1 : stmt_int(q, 10);
	d->bytes = stmt_int(q, 11);
	d->mtime_ns = stmt_int(q, 12);
	d->compiler = copy(q, 13);
	d->added_ms = stmt_int(q, 14);
	d->compiled_ms = stmt_int(q, 15);
	d->tokens_in = stmt_int(q, 16);
	d->tokens_out = stmt_int(q, 17);
	d->cost_micros = stmt_int(q, 18);
	d->extra = copy(q, 19);
}

int doc_find(struct db *db, enum doc_by by, const char *text, struct kb_doc *d, struct err *e)
{
	static const char *const sql[] = {
		[DOC_BY_ID] = "SELECT " COLUMNS " FROM kb_doc WHERE id=?1",
		[DOC_BY_HASH] = "SELECT " COLUMNS " FROM kb_doc WHERE hash=?1",
		[DOC_BY_NAME] = "SELECT " COLUMNS " FROM kb_doc WHERE doc_name=?1",
		[DOC_BY_PATH] = "SELECT " COLUMNS " FROM kb_doc WHERE path=?1",
	};
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql[by], "t", text);

	if (r == 0)
		r = stmt_next(q, e);
	if (r > 0)
		read_row(q, d);
	return r;
}

int doc_visit(struct db *db, doc_visit_fn visit, void *ctx, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	AUTO_KB_DOC struct kb_doc d = { 0 };
	int r = db_query(db, &q, e, "SELECT " COLUMNS " FROM kb_doc ORDER BY id", "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		read_row(q, &d);
		r = visit(ctx, &d, e);
	}
	return r;
}

/* The first match in *d; more are only named. */
static int match(struct db *db, const char *sql, const char *text, struct kb_doc *d,
		 struct strv *names, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql, "t", text);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		if (names->n == 0)
			read_row(q, d);
		strv_addf(names, "%s (%s)", stmt_text(q, 3), stmt_text(q, 2));
		r = 0;
	}
	return r;
}

static int several(const char *text, const struct strv *names, struct err *e)
{
	AUTO_BUF struct buf list = BUF_INIT(BUF_OWN_MAX);

	for (size_t i = 0; i < names->n && i < 5; i++)
		buf_addf(&list, "%s%s", i ? ", " : "", names->v[i]);
	(void)err_set(e, ERR_CONFLICT, "'%.100s' is %zu documents: %.300s%s", text, names->n,
		      buf_str(&list), names->n > 5 ? ", ..." : "");
	return err_hint(e, "say the whole name of one");
}

int doc_resolve(struct db *db, const char *text, struct kb_doc *d, struct err *e)
{
	static const char *const sql[] = {
		"SELECT " COLUMNS " FROM kb_doc WHERE name=?1 ORDER BY id",
		"SELECT " COLUMNS " FROM kb_doc WHERE doc_name=?1 ORDER BY id",
		"SELECT " COLUMNS " FROM kb_doc WHERE instr(lower(name), lower(?1)) > 0"
		" OR instr(lower(doc_name), lower(?1)) > 0 ORDER BY id",
	};

	for (size_t i = 0; *text && i < ARRAY_LEN(sql); i++) {
		AUTO_STRV struct strv names = STRV_INIT;
		int r = match(db, sql[i], text, d, &names, e);

		if (r < 0)
			return r;
		if (names.n > 1)
			return several(text, &names, e);
		if (names.n == 1)
			return 0;
	}
	(void)err_set(e, ERR_NOT_FOUND, "there is no document '%.200s'", text);
	return err_hint(e, "'larder kb list' names them");
}

static const char sql_put[] =
	"INSERT INTO kb_doc(" COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
	" nullif(?11, -1), ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)"
	" ON CONFLICT(id) DO UPDATE SET hash=excluded.hash, name=excluded.name,"
	" doc_name=excluded.doc_name, type=excluded.type, path=excluded.path,"
	" raw_path=excluded.raw_path, source_path=excluded.source_path, title=excluded.title,"
	" doc_type=excluded.doc_type, pages=excluded.pages, bytes=excluded.bytes,"
	" mtime_ns=excluded.mtime_ns, compiler=excluded.compiler,"
	" compiled_ms=excluded.compiled_ms, tokens_in=excluded.tokens_in,"
	" tokens_out=excluded.tokens_out, cost_micros=excluded.cost_micros,"
	" extra=excluded.extra";

int doc_put(struct db *db, struct kb_doc *d, struct err *e)
{
	int64_t next = d->id;
	int r = 0;

	/* not AUTOINCREMENT: after a removal the rows are those of before */
	if (next == 0)
		r = db_get_int(db, &next, 1, e, "SELECT coalesce(max(id), 0) + 1 FROM kb_doc", "");
	if (r == 0)
		r = db_exec(db, e, sql_put, "itttttttttiiitiiiiit", next, d->hash, d->name,
			    d->doc_name, d->type, d->path, d->raw_path, d->source_path, d->title,
			    d->doc_type, d->pages, d->bytes, d->mtime_ns, d->compiler, d->added_ms,
			    d->compiled_ms, d->tokens_in, d->tokens_out, d->cost_micros, d->extra);
	if (r == 0)
		d->id = next;
	return r;
}

int doc_delete(struct db *db, int64_t id, struct err *e)
{
	return db_exec(db, e, "DELETE FROM kb_doc WHERE id=?1", "i", id);
}
