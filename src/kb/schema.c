/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/schema.h"

/*
 * kb_text is the search index: a page has the row 2 x its id, a section of a source 2 x its id + 1.
 */
static const char schema_1[] =
	"CREATE TABLE kb_doc(id INTEGER PRIMARY KEY,"
	" hash TEXT NOT NULL UNIQUE," /* of the file's bytes */
	" name TEXT NOT NULL,"        /* the file's own name */
	" doc_name TEXT NOT NULL UNIQUE,"
	" type TEXT NOT NULL,"
	" path TEXT UNIQUE," /* its identity: where it was added from */
	" raw_path TEXT, source_path TEXT,"
	" title TEXT, doc_type TEXT NOT NULL, pages INTEGER,"
	" bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL DEFAULT 0,"
	" compiler TEXT NOT NULL, added_ms INTEGER NOT NULL, compiled_ms INTEGER NOT NULL,"
	" tokens_in INTEGER NOT NULL DEFAULT 0, tokens_out INTEGER NOT NULL DEFAULT 0,"
	" cost_micros INTEGER NOT NULL DEFAULT 0,"
	" extra TEXT);" /* JSON: what an imported registry said besides */
	"CREATE TABLE kb_doc_file(path TEXT PRIMARY KEY,"
	" doc_id INTEGER NOT NULL REFERENCES kb_doc(id) ON DELETE CASCADE,"
	" hash TEXT NOT NULL);"
	"CREATE INDEX kb_doc_file_doc ON kb_doc_file(doc_id);"
	"CREATE TABLE kb_section(id INTEGER PRIMARY KEY,"
	" doc_id INTEGER NOT NULL REFERENCES kb_doc(id) ON DELETE CASCADE,"
	" ordinal INTEGER NOT NULL, level INTEGER NOT NULL, title TEXT NOT NULL,"
	" anchor TEXT NOT NULL, page INTEGER, summary TEXT, UNIQUE(doc_id, ordinal));"
	"CREATE TABLE kb_page(id INTEGER PRIMARY KEY,"
	" path TEXT NOT NULL UNIQUE," /* below wiki/ */
	" kind INTEGER NOT NULL, key TEXT NOT NULL, title TEXT NOT NULL, type TEXT,"
	" description TEXT, hash TEXT NOT NULL," /* of the text that Larder last wrote or read */
	" size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL DEFAULT 0,"
	" index_file TEXT, updated_ms INTEGER NOT NULL);"
	"CREATE INDEX kb_page_key ON kb_page(key);"
	"CREATE TABLE kb_alias(page_id INTEGER NOT NULL REFERENCES kb_page(id) ON DELETE CASCADE,"
	" key TEXT NOT NULL, PRIMARY KEY(key, page_id)) WITHOUT ROWID;"
	"CREATE INDEX kb_alias_page ON kb_alias(page_id);"
	/* Which documents feed a page; the hash is of what Larder wrote for it. */
	"CREATE TABLE kb_page_doc(page_id INTEGER NOT NULL REFERENCES kb_page(id) ON DELETE CASCADE,"
	" doc_id INTEGER NOT NULL REFERENCES kb_doc(id) ON DELETE CASCADE,"
	" PRIMARY KEY(doc_id, page_id)) WITHOUT ROWID;"
	"CREATE INDEX kb_page_doc_page ON kb_page_doc(page_id);"
	"CREATE TABLE kb_link(page_id INTEGER NOT NULL REFERENCES kb_page(id) ON DELETE CASCADE,"
	" target TEXT NOT NULL, PRIMARY KEY(target, page_id)) WITHOUT ROWID;"
	"CREATE INDEX kb_link_page ON kb_link(page_id);"
	"CREATE TABLE kb_claim(id INTEGER PRIMARY KEY,"
	" page_id INTEGER NOT NULL REFERENCES kb_page(id) ON DELETE CASCADE,"
	" doc_id INTEGER NOT NULL REFERENCES kb_doc(id) ON DELETE CASCADE,"
	" anchor TEXT NOT NULL, quote TEXT NOT NULL);"
	"CREATE INDEX kb_claim_page ON kb_claim(page_id, doc_id);"
	"CREATE INDEX kb_claim_doc ON kb_claim(doc_id);"
	"CREATE VIRTUAL TABLE kb_text USING fts5(title, body,"
	" tokenize='porter unicode61 remove_diacritics 2');"
	/* Finished work of compilers, by a hash of all that went into it: a later run uses it. */
	"CREATE TABLE kb_work(key TEXT PRIMARY KEY, value TEXT NOT NULL,"
	" made_ms INTEGER NOT NULL);"
	"CREATE TABLE kb_chat(id TEXT PRIMARY KEY, title TEXT NOT NULL,"
	" created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL);"
	"CREATE TABLE kb_turn(chat_id TEXT NOT NULL REFERENCES kb_chat(id) ON DELETE CASCADE,"
	" n INTEGER NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL,"
	" at_ms INTEGER NOT NULL, PRIMARY KEY(chat_id, n)) WITHOUT ROWID;";

/* What a model said of two pages (or of one: twice the same), by the hashes of their texts. */
static const char schema_2[] =
	"CREATE TABLE kb_judged(first_id INTEGER NOT NULL REFERENCES kb_page(id) ON DELETE CASCADE,"
	" second_id INTEGER NOT NULL REFERENCES kb_page(id) ON DELETE CASCADE,"
	" first_hash TEXT NOT NULL, second_hash TEXT NOT NULL,"
	" verdict TEXT NOT NULL, model TEXT NOT NULL, judged_ms INTEGER NOT NULL,"
	" PRIMARY KEY(first_id, second_id)) WITHOUT ROWID;"
	"CREATE INDEX kb_judged_second ON kb_judged(second_id);";

static const char *const migrations[] = { schema_1, schema_2, NULL };
const struct db_schema kb_schema = { "kb", migrations };
