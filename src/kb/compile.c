/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/compile.h"

#include "base/time.h"
#include "kb/model.h"
#include "llm/llm.h"

void claims_add(struct claims *c, const char *anchor, const char *quote)
{
	c->v = xgrow(c->v, &c->capacity, c->n + 1, sizeof(*c->v));
	c->v[c->n++] = (struct claim){ xstrdup(anchor), xstrdup(quote) };
}

void claims_release(struct claims *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].anchor);
		free(c->v[i].quote);
	}
	free(c->v);
	*c = (struct claims){ 0 };
}

struct page_edit *compile_add_edit(struct compile_result *r)
{
	r->edits = xgrow(r->edits, &r->edit_capacity, r->edit_count + 1, sizeof(*r->edits));
	r->edits[r->edit_count] = (struct page_edit){ 0 };
	return &r->edits[r->edit_count++];
}

void compile_set_outline(struct compile_result *r, size_t section, const char *text)
{
	if (section >= r->outline_count) {
		r->outline = xrealloc(r->outline, (section + 1) * sizeof(*r->outline));
		while (r->outline_count <= section)
			r->outline[r->outline_count++] = NULL;
	}
	if (!r->outline[section])
		r->outline[section] = xstrdup(text);
}

void page_edit_release(struct page_edit *edit)
{
	free(edit->slug);
	free(edit->title);
	free(edit->type);
	free(edit->description);
	free(edit->text);
	free(edit->base);
	claims_release(&edit->claims);
	*edit = (struct page_edit){ 0 };
}

void compile_result_release(struct compile_result *r)
{
	free(r->description);
	free(r->body);
	claims_release(&r->claims);
	for (size_t i = 0; i < r->outline_count; i++)
		free(r->outline[i]);
	free(r->outline);
	for (size_t i = 0; i < r->edit_count; i++)
		page_edit_release(&r->edits[i]);
	free(r->edits);
	*r = (struct compile_result){ 0 };
}

int compile_choose(const struct kb *kb, const struct compile_choice *choice,
		   const struct compiler **ret_compiler, struct err *e)
{
	if (!choice->extractive && llm_configured())
		return model_compiler_new(kb, choice->cancel, ret_compiler, e);
	*ret_compiler = &compile_extractive;
	return 0;
}

void compile_close(const struct compiler *compiler)
{
	if (compiler && compiler->close)
		compiler->close(compiler);
}

int compile_memo_get(struct db *db, const char *key, char **ret_value, struct err *e)
{
	return db_get_text(db, ret_value, e, "SELECT value FROM kb_work WHERE key=?1", "t", key);
}

int compile_memo_put(struct db *db, const char *key, const char *value, struct err *e)
{
	int r = db_begin_lazy(db, e);

	if (r == 0)
		r = db_exec(db, e,
			    "INSERT INTO kb_work(key, value, made_ms) VALUES(?1, ?2, ?3)"
			    " ON CONFLICT(key) DO UPDATE SET value=excluded.value,"
			    " made_ms=excluded.made_ms",
			    "tti", key, value, time_now());
	if (r == 0)
		return db_commit(db, e);
	db_rollback(db);
	return r;
}
