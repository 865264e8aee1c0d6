/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/front.h"
#include "kb/withdraw.h"

#define RELATED_DOCUMENTS "## Related Documents"

static char *summary_of(const struct kb_doc *doc)
{
	return xasprintf("summaries/%s", doc->doc_name);
}

/* "organization" -> "Organization", as earlier wikis have it. */
static char *title_case(const char *type)
{
	char *title = xstrdup(type);
	bool start = true;

	for (char *c = title; *c; c++) {
		if (start && *c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
		start = *c == ' ' || *c == '-';
	}
	return title;
}

static void new_page(const struct page_edit *edit, struct buf *out)
{
	AUTO_FREE char *type = title_case(edit->type ? edit->type : "other");
	AUTO_FREE char *quoted = front_quoted(edit->kind == PAGE_ENTITY ? type : "Concept");
	AUTO_FREE char *description = front_quoted(edit->description);

	buf_adds(out, "---\n");
	if (edit->kind == PAGE_ENTITY)
		buf_addf(out, "sources: []\ntype: %s\n", quoted);
	else
		buf_addf(out, "type: %s\nsources: []\n", quoted);
	buf_addf(out, "description: %s\n---\n\n", description);
	if (edit->how == EDIT_BLOCK)
		buf_addf(out, "# %s\n", edit->title ? edit->title : edit->slug);
}

/* The document first in the list of sources, newest first. */
static void put_source(struct buf *page, const struct kb_doc *doc)
{
	AUTO_STRV struct strv old = STRV_INIT;
	AUTO_STRV struct strv sources = STRV_INIT;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *list = NULL;
	AUTO_FREE char *source = xasprintf("summaries/%s.md", doc->doc_name);

	front_list(buf_bytes(page), "sources", &old);
	if (strv_has(&old, source))
		return;
	strv_add(&sources, source);
	for (size_t i = 0; i < old.n; i++)
		strv_add(&sources, old.v[i]);
	list = front_quoted_list(&sources);
	front_put(buf_bytes(page), "sources", list, &out);
	buf_clear(page);
	buf_add(page, out.p, out.n);
}

static void put_related(struct buf *page, const struct kb_doc *doc)
{
	AUTO_FREE char *bullet = xasprintf("- [[summaries/%s]]", doc->doc_name);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	page_put_bullet(buf_bytes(page), RELATED_DOCUMENTS, bullet, &out);
	buf_clear(page);
	buf_add(page, out.p, out.n);
}

/* A page that is there and says nothing of itself gets a description; one that does keeps it. */
static void put_description(struct buf *page, const struct page_edit *edit)
{
	AUTO_FREE char *old = front_text(buf_bytes(page), "description");
	AUTO_FREE char *quoted = front_quoted(edit->description);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (!edit->description || (old && *old && edit->how == EDIT_BLOCK))
		return;
	front_put(buf_bytes(page), "description", quoted, &out);
	buf_clear(page);
	buf_add(page, out.p, out.n);
}

static void put_block(struct bytes page, const struct kb_doc *doc, const struct page_edit *edit,
		      struct buf *out)
{
	AUTO_FREE char *heading = xasprintf("## From [[summaries/%s]]", doc->doc_name);

	page_put_section(page, heading, edit->text, out);
}

/* Front matter as it is, all below it new. */
static void rewrite(struct bytes page, const struct page_edit *edit, struct buf *out)
{
	struct front f = front_split(page);

	buf_add(out, page.p, f.body);
	buf_adds(out, "\n");
	buf_adds(out, edit->text);
}

static int check_base(struct bytes page, bool there, const struct page_edit *edit, struct err *e)
{
	char hash[HASH_HEX_MAX] = "";

	if (edit->how != EDIT_REWRITE)
		return 0;
	if (there)
		hash_text(HASH_SHA256, page, hash);
	if (str_eq(hash, edit->base ? edit->base : ""))
		return 0;
	return err_set(e, ERR_CONFLICT, "'%s' has changed since it was read", edit->slug);
}

/* A person's words in the part that is about to be replaced. */
static int keep_edits(struct change *c, const char *path, const struct kb_doc *doc,
		      const struct page_edit *edit, struct bytes text, struct err *e)
{
	AUTO_FREE char *heading = xasprintf("## From [[summaries/%s]]", doc->doc_name);
	int r = 0;

	if (edit->how == EDIT_REWRITE || page_section(text, heading).n > 0)
		r = change_is_edited(c, path, e);
	return r > 0 ? change_set_aside(c, path, e) : r;
}

/* Its text, with links to pages only. */
static int clean_edit(struct change *c, const struct compile_result *result, size_t i,
		      struct page_edit *ret, struct buf *text, struct err *e)
{
	int r = strip_ghosts(c, bytes_of(result->edits[i].text), result, text, e);

	*ret = result->edits[i]; /* lends all but the text */
	ret->text = text->p;
	return r;
}

static int put_edit(struct change *c, const struct kb_doc *doc, const struct page_edit *edit,
		    struct err *e)
{
	AUTO_FREE char *path = page_path(edit->kind, edit->slug);
	AUTO_BUF struct buf start = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf page = BUF_INIT(BUF_OWN_MAX);
	struct bytes text;
	int r = change_read(c, path, &text, e);

	if (r == 0)
		r = check_base(text, text.n > 0, edit, e);
	if (r == 0 && text.n > 0)
		r = keep_edits(c, path, doc, edit, text, e);
	if (r < 0)
		return r;
	if (text.n > 0)
		buf_add(&start, text.p, text.n);
	else
		new_page(edit, &start);
	if (edit->how == EDIT_BLOCK)
		put_block(buf_bytes(&start), doc, edit, &page);
	else
		rewrite(buf_bytes(&start), edit, &page);
	put_description(&page, edit);
	put_source(&page, doc);
	put_related(&page, doc);
	r = change_set(c, path, buf_bytes(&page), e);
	return r < 0 ? r : change_claims(c, path, doc->id, &edit->claims, e);
}

static void add_related(const struct compile_result *result, enum page_kind kind,
			const char *heading, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < result->edit_count; i++) {
		if (result->edits[i].kind != kind)
			continue;
		buf_addf(out, "%s- [[%s/%s]]\n", any ? "" : heading, page_kind_folder(kind),
			 result->edits[i].slug);
		any = true;
	}
}

static int put_summary(struct change *c, const struct kb_doc *doc,
		       const struct compile_result *result, struct err *e)
{
	AUTO_FREE char *link = summary_of(doc);
	AUTO_FREE char *path = xasprintf("%s.md", link);
	AUTO_FREE char *description = front_quoted(result->description);
	AUTO_FREE char *source = front_quoted(doc->source_path + strlen("wiki/"));
	AUTO_BUF struct buf page = BUF_INIT(BUF_OWN_MAX);
	int r;

	buf_addf(&page,
		 "---\ntype: \"Summary\"\ndescription: %s\ndoc_type: %s\nfull_text: %s\n---\n\n",
		 description, doc->doc_type, source);
	r = strip_ghosts(c, bytes_of(result->body), result, &page, e);
	add_related(result, PAGE_CONCEPT, "\n## Related Concepts\n\n", &page);
	add_related(result, PAGE_ENTITY, "\n## Entities\n\n", &page);
	if (r == 0)
		r = change_is_edited(c, path, e);
	if (r > 0)
		r = change_set_aside(c, path, e);
	if (r == 0)
		r = change_set(c, path, buf_bytes(&page), e);
	return r < 0 ? r : change_claims(c, path, doc->id, &result->claims, e);
}

int contribute(struct change *c, const struct kb_doc *doc, const struct compile_result *result,
	       size_t *ret_stale, struct err *e)
{
	/* first, as pages may link to it */
	int r = put_summary(c, doc, result, e);

	for (size_t i = 0; r == 0 && i < result->edit_count; i++) {
		AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
		struct page_edit edit;

		*ret_stale = i;
		r = clean_edit(c, result, i, &edit, &text, e);
		if (r == 0)
			r = put_edit(c, doc, &edit, e);
	}
	return r;
}
