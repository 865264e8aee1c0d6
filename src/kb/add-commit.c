/* SPDX-License-Identifier: Apache-2.0 */
/* One document into the wiki: one transaction. */
#include "base/time.h"
#include "engine/journal.h"
#include "kb/add-internal.h"
#include "kb/withdraw.h"

#include <errno.h>
#include <fcntl.h>

/* How often the name, or a page, may turn out to be another, before it is given up. */
#define COMMIT_TRIES 8

/* What a try ended with. */
enum tried { TRY_DONE, TRY_AGAIN, TRY_PREPARE, TRY_MERGE };

struct committing {
	struct kb *kb;
	const struct compiler *compiler;
	struct kb_add_item *item;
	struct change *change;
	struct kb_doc old, doc;
	struct compile_result result;
	size_t stale;
	bool merged; /* the result holds pages that were made again */
};

static void committing_release(struct committing *c)
{
	change_free(c->change);
	c->change = NULL;
	kb_doc_release(&c->old);
	kb_doc_release(&c->doc);
}

static void set_text(char **target, const char *text)
{
	free(*target);
	*target = text ? xstrdup(text) : NULL;
}

/* A document that lies in raw/ already stays where it is. */
static bool lies_in_raw(const struct kb_add_item *item)
{
	return item->recompile > 0 || item->raw;
}

/* Of one that is compiled anew its files, and what is known of them, stay. */
static void keep_files(struct committing *c)
{
	struct kb_doc *d = &c->doc;
	const struct kb_doc *old = &c->old;

	memcpy(d->hash, old->hash, sizeof(d->hash));
	set_text(&d->name, old->name);
	set_text(&d->type, old->type);
	set_text(&d->path, old->path);
	set_text(&d->raw_path, old->raw_path);
	set_text(&d->source_path, old->source_path);
	set_text(&d->doc_type, old->doc_type);
	set_text(&d->extra, old->extra);
	d->pages = old->pages;
	d->bytes = old->bytes;
	d->mtime_ns = old->mtime_ns;
}

static void fill_raw(struct committing *c)
{
	const struct kb_add_item *item = c->item;
	const struct prepared *p = item->prepared;
	struct kb_doc *d = &c->doc;
	bool is_pdf = str_eq(item->type, "pdf");

	memcpy(d->hash, p->hash, sizeof(d->hash));
	set_text(&d->name, item->name);
	set_text(&d->type, p->is_long && is_pdf ? "long_pdf" : item->type);
	set_text(&d->path, item->path);
	free(d->raw_path);
	d->raw_path = item->raw ? xstrdup(item->raw)
				: xasprintf("raw/%s%s%s", item->doc_name, *item->type ? "." : "",
					    item->type);
	d->bytes = p->bytes;
	d->mtime_ns = p->mtime_ns;
}

static void fill_source(struct committing *c)
{
	const struct prepared *p = c->item->prepared;
	struct kb_doc *d = &c->doc;

	set_text(&d->doc_type, p->is_long ? "pageindex" : "short");
	free(d->source_path);
	d->source_path =
		xasprintf("wiki/sources/%s.%s", c->item->doc_name, p->is_long ? "json" : "md");
	d->pages = p->converted.pages;
}

static void fill_doc(struct committing *c)
{
	struct kb_doc *d = &c->doc;

	if (c->item->recompile)
		keep_files(c);
	else
		fill_raw(c);
	if (c->item->prepared->source)
		fill_source(c);
	d->id = c->old.id;
	d->added_ms = c->old.id ? c->old.added_ms : time_now();
	d->compiled_ms = time_now();
	set_text(&d->doc_name, c->item->doc_name);
	set_text(&d->title, c->item->prepared->title);
	set_text(&d->compiler, c->compiler->name);
	d->tokens_in = c->result.tokens_in;
	d->tokens_out = c->result.tokens_out;
	d->cost_micros = c->result.cost_micros;
}

/* 1 when it is known by its content: it is skipped. */
static int is_known(struct committing *c, struct err *e)
{
	AUTO_KB_DOC struct kb_doc same = { 0 };
	int r = doc_find(change_db(c->change), DOC_BY_HASH, c->item->prepared->hash, &same, e);

	if (r > 0 && same.id == c->item->recompile)
		return 0;
	if (r > 0)
		add_skip(c->item, "its content is known as '%s'", same.doc_name);
	return r;
}

/* A file of nobody in the place where one of the document's shall go is a person's. */
static int check_target(struct committing *c, const char *path, struct err *e)
{
	int64_t known = 0;
	int r;

	if (faccessat(root_dirfd(kb_root(c->kb)), path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	r = db_get_int(change_db(c->change), &known, 0, e,
		       "SELECT 1 FROM kb_doc_file WHERE path=?1", "t", path);
	if (r < 0 || known)
		return r;
	(void)err_set(e, ERR_CONFLICT, "'%s' is there and belongs to no document", path);
	return err_hint(e, "move it away, or add it first");
}

static int put_file(struct committing *c, const char *staged, const char *path, const char *hash,
		    struct strv *kept, struct err *e)
{
	int r = check_target(c, path, e);

	strv_add(kept, path);
	if (r == 0 && staged)
		r = change_move(c->change, staged, path, e);
	return r < 0 ? r : doc_put_file(change_db(c->change), c->doc.id, path, hash, e);
}

static int put_images(struct committing *c, struct strv *kept, struct err *e)
{
	const struct converted *converted = &c->item->prepared->converted;
	int r = 0;

	for (size_t i = 0; r == 0 && i < converted->image_count; i++) {
		AUTO_FREE char *path = xasprintf("wiki/sources/images/%s/%s", c->doc.doc_name,
						 converted->images[i].name);

		r = put_file(c, converted->images[i].staged, path, "", kept, e);
	}
	return r;
}

/* What an earlier version of the document had and this one has not. */
static int drop_old_files(struct committing *c, const struct strv *kept, struct err *e)
{
	AUTO_STRV struct strv files = STRV_INIT;
	struct db *db = change_db(c->change);
	int r = c->old.id ? doc_files(db, c->old.id, &files, e) : 0;

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		if (strv_has(kept, files.v[i]))
			continue;
		r = change_remove(c->change, files.v[i], e);
		if (r == 0)
			r = db_exec(db, e, "DELETE FROM kb_doc_file WHERE path=?1", "t",
				    files.v[i]);
	}
	return r;
}

static int put_files(struct committing *c, struct err *e)
{
	if (!c->item->prepared->source)
		return 0;

	const struct prepared *p = c->item->prepared;
	AUTO_STRV struct strv kept = STRV_INIT;
	bool stays = lies_in_raw(c->item);
	int r = stays ? 0 : check_target(c, c->doc.raw_path, e);

	strv_add(&kept, c->doc.raw_path);
	if (r == 0 && !stays)
		r = change_move(c->change, p->raw, c->doc.raw_path, e);
	if (r == 0)
		r = doc_put_file(change_db(c->change), c->doc.id, c->doc.raw_path, p->hash, e);
	if (r == 0)
		r = put_file(c, p->source, c->doc.source_path, p->source_hash, &kept, e);
	if (r == 0)
		r = put_images(c, &kept, e);
	return r < 0 ? r : drop_old_files(c, &kept, e);
}

/* What each section says becomes part of the tree that query walks. */
static void take_outline(struct committing *c)
{
	struct sections *s = &c->item->prepared->sections;

	for (size_t i = 0; i < s->n && i < c->result.outline_count; i++) {
		free(s->v[i].summary);
		s->v[i].summary = TAKE(c->result.outline[i]);
	}
}

static int compile(struct committing *c, struct err *e)
{
	int r;
	struct compile_input in = add_input(c->kb, c->item);

	in.wiki = c->kb;
	compile_result_release(&c->result);
	r = c->compiler->plan(c->compiler, &in, c->item->prepared->digest, &c->result, e);
	if (r == 0)
		take_outline(c);
	return r;
}

static int put_document(struct committing *c, struct err *e)
{
	const struct prepared *p = c->item->prepared;
	const struct withdraw_how how = { .except = &c->result };
	struct db *db = change_db(c->change);
	int r;

	fill_doc(c);
	r = doc_put(db, &c->doc, e);
	if (r == 0)
		r = put_files(c, e);
	if (r == 0)
		r = doc_put_sections(db, c->doc.id, buf_bytes(&p->converted.text), &p->sections, e);
	if (r == 0)
		r = contribute(c->change, &c->doc, &c->result, &c->stale, e);
	if (r == 0 && c->old.id)
		r = withdraw(c->change, &c->doc, &how, e);
	change_log(c->change, c->item->recompile ? "recompile" : "ingest", c->item->name);
	return r;
}

static void take_notes(struct committing *c)
{
	const struct strv *aside = change_set_aside_paths(c->change);

	for (size_t i = 0; i < aside->n; i++)
		strv_addf(&c->item->notes, "a page that was edited by hand is kept as 'wiki/%s'",
			  aside->v[i]);
}

static int finish(struct committing *c, enum tried *ret_tried, struct err *e)
{
	int r = change_commit(c->change, e);

	*ret_tried = r == 1 ? TRY_AGAIN : TRY_DONE;
	if (r != 0)
		return r < 0 ? r : 0;
	take_notes(c);
	c->item->outcome = c->old.id ? KB_UPDATED : KB_ADDED;
	c->item->tokens_in = c->result.tokens_in;
	c->item->tokens_out = c->result.tokens_out;
	c->item->cost_micros = c->result.cost_micros;
	return 0;
}

/* The document as it is registered, and its name: what a serial run would give it now. */
static int find_name(struct committing *c, struct err *e)
{
	struct db *db = change_db(c->change);
	AUTO_FREE char *id = xasprintf("%lld", (long long)c->item->recompile);
	AUTO_FREE char *name = NULL;
	int r = c->item->recompile ? doc_find(db, DOC_BY_ID, id, &c->old, e) : 0;

	if (c->item->recompile && r == 0)
		return err_set(e, ERR_NOT_FOUND, "it was removed meanwhile");
	if (r < 0)
		return r;
	r = 0;
	if (c->item->recompile)
		name = xstrdup(c->old.doc_name);
	else
		r = doc_name_for(db, NULL, c->item->path, c->item->name, &name, e);
	if (r == 0 && !c->item->recompile)
		r = doc_find(db, DOC_BY_NAME, name, &c->old, e);
	if (r < 0)
		return r;
	free(c->item->doc_name);
	c->item->doc_name = TAKE(name);
	return 0;
}

static int try_commit(struct committing *c, enum tried *ret_tried, struct err *e)
{
	int r = change_begin(c->kb, &c->change, e);

	*ret_tried = TRY_DONE;
	if (r == 0)
		r = is_known(c, e);
	if (r != 0)
		return r < 0 ? r : 0;
	r = find_name(c, e);
	if (r == 0 && !str_eq(c->item->doc_name, c->item->prepared->doc_name)) {
		*ret_tried = TRY_PREPARE;
		return 0;
	}
	if (r == 0 && !c->merged)
		r = compile(c, e);
	if (r < 0)
		return r;
	c->stale = SIZE_MAX;
	r = put_document(c, e);
	if (r == ERR_CONFLICT && c->stale < c->result.edit_count && c->compiler->merge) {
		*ret_tried = TRY_MERGE;
		return 0;
	}
	return r < 0 ? r : finish(c, ret_tried, e);
}

/* A page that moved is made again from what it is now; the transaction is over by then. */
static int merge(struct committing *c, struct err *e)
{
	struct page_edit *edit = &c->result.edits[c->stale];
	AUTO_FREE char *path = page_path(edit->kind, edit->slug);
	AUTO_FREE char *full = xasprintf("wiki/%s", path);
	AUTO_BUF struct buf page = BUF_INIT(PAGE_BYTES_MAX);
	struct compile_input in = add_input(c->kb, c->item);
	bool there;
	int r = kb_read(c->kb, full, PAGE_BYTES_MAX, &page, &there, e);

	in.wiki = c->kb;
	c->merged = true;
	return r < 0 ? r
		     : c->compiler->merge(c->compiler, &in, c->item->prepared->digest,
					  buf_bytes(&page), edit, e);
}

static int step(struct committing *c, enum tried *ret_tried, struct err *e)
{
	int r = try_commit(c, ret_tried, e);

	committing_release(c);
	if (r == 0 && *ret_tried == TRY_PREPARE)
		return add_prepare(c->kb, &(struct preparing){ .compiler = c->compiler }, c->item,
				   e);
	if (r == 0 && *ret_tried == TRY_MERGE)
		return merge(c, e);
	return r;
}

int add_commit(struct kb *kb, const struct compiler *compiler, struct kb_add_item *item,
	       struct err *e)
{
	struct committing c = { .kb = kb, .compiler = compiler, .item = item };
	enum tried tried = TRY_AGAIN;
	struct err why = { 0 };
	int r = 0;

	item->stage = "commit";
	for (int i = 0; r == 0 && tried != TRY_DONE && i < COMMIT_TRIES; i++)
		r = step(&c, &tried, &why);
	compile_result_release(&c.result);
	if (r == 0 && tried != TRY_DONE)
		r = err_set(&why, ERR_BUSY, "its pages kept changing while it was added");
	if (r == 0)
		return 0;
	/* the disk's errors are everybody's; after a commit the document is there all the same */
	add_fail(item, item->stage, &why);
	if (r != ERR_IO)
		return 0;
	*e = why;
	return r;
}
