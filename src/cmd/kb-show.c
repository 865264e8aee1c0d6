/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "base/time.h"
#include "kb/docs.h"
#include "kb/outline.h"

struct show_args {
	struct kb_common common;
};

static const struct opt options[] = {
	KB_OPTIONS(struct show_args, common),
	OPT_END,
};

static void add_page(struct json_out *o, const char *key, int64_t page)
{
	if (page > 0)
		json_add_int(o, key, page);
	else
		json_add_null(o, key);
}

static void add_section_json(struct json_out *o, const struct sections *s, size_t i)
{
	json_open(o, NULL, '{');
	json_add_text(o, "title", s->v[i].title);
	json_add_text(o, "anchor", s->v[i].anchor);
	json_add_int(o, "level", s->v[i].level);
	add_page(o, "first_page", s->v[i].page);
	add_page(o, "last_page", section_last_page(s, i));
	json_add_text(o, "summary", s->v[i].summary);
	json_close(o);
}

static int add_pages_json(struct json_out *o, struct db *db, const struct kb_doc *d, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e,
			 "SELECT p.path FROM kb_page_doc o JOIN kb_page p ON p.id=o.page_id"
			 " WHERE o.doc_id=?1 ORDER BY p.path",
			 "i", d->id);

	json_open(o, "feeds", '[');
	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		json_add_text(o, NULL, stmt_text(q, 0));
		r = 0;
	}
	json_close(o);
	return r;
}

static int add_json(struct db *db, const struct kb_doc *d, const struct sections *s,
		    struct buf *out, struct err *e)
{
	struct json_out o = json_out(out);
	char time[TIME_TEXT_MAX];
	int r;

	json_open(&o, NULL, '{');
	json_add_text(&o, "document", d->doc_name);
	json_add_text(&o, "title", d->title);
	json_add_text(&o, "name", d->name);
	json_add_text(&o, "path", d->path);
	json_add_text(&o, "doc_type", d->doc_type);
	add_page(&o, "pages", d->pages);
	json_add_int(&o, "bytes", d->bytes);
	json_add_text(&o, "compiler", d->compiler);
	json_add_text(&o, "added_at", time_format_iso(d->added_ms, time));
	kb_cmd_add_spent(&o, d->tokens_in, d->tokens_out, d->cost_micros);
	r = add_pages_json(&o, db, d, e);
	json_open(&o, "sections", '[');
	for (size_t i = 0; i < s->n; i++)
		add_section_json(&o, s, i);
	json_close(&o);
	json_close(&o);
	return r;
}

static void add_text(const struct kb_doc *d, const struct sections *s, struct buf *out)
{
	kb_cmd_add_clean(out, d->doc_name);
	buf_adds(out, ": ");
	kb_cmd_add_clean(out, d->title);
	buf_adds(out, "\n");
	for (size_t i = 0; i < s->n; i++) {
		const struct section *section = &s->v[i];
		int indent = section->level > 0 ? 2 * (int)section->level : 2;

		buf_addf(out, "%*s", indent, "");
		kb_cmd_add_clean(out, section->title);
		section_add_pages(s, i, out);
		if (section->summary) {
			buf_addf(out, "\n%*s", indent + 2, "");
			kb_cmd_add_clean(out, section->summary);
		}
		buf_addc(out, '\n');
	}
}

static int show(const struct show_args *args, struct kb *kb, const char *document, struct buf *out,
		struct err *e)
{
	AUTO_TX struct db *tx = kb_db(kb);
	AUTO_KB_DOC struct kb_doc doc = { 0 };
	AUTO_SECTIONS struct sections sections = { 0 };
	int r = db_begin_read(tx, e);

	if (r == 0)
		r = doc_resolve(kb_db(kb), document, &doc, e);
	if (r == 0)
		r = outline_read(kb_db(kb), doc.doc_name, &sections, e);
	if (r < 0)
		return r;
	if (args->common.json)
		return add_json(kb_db(kb), &doc, &sections, out, e);
	add_text(&doc, &sections, out);
	return 0;
}

static int run(int argc, char **argv, struct err *e)
{
	struct show_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_KB struct kb *kb = NULL;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&kb_cmd_show, &operands, 1, 1, e);
	if (r == 0)
		r = kb_cmd_open(&args.common, true, &kb, e);
	if (r == 0)
		r = show(&args, kb, operands.v[0], &out, e);
	return r < 0 ? r : kb_cmd_print(&args.common, &out, e);
}

const struct command kb_cmd_show = {
	.name = "show",
	.usage = "DOCUMENT [--kb DIR]",
	.summary = "a document's sections: title, pages, and what each says",
	.description = "DOCUMENT is its name, its file's name, or a part of either that only one "
		       "has. The sections are the tree that a query walks; what each says is a "
		       "sentence of its own, or the model's when one compiled it.\n\n"
		       "Exit: 0 shown; 1 there is no such document; 3 several have that name.",
	.examples = "larder kb show policy|the outline of policy.pdf\n"
		    "larder kb show policy --json|and which pages it feeds, for programs",
	.options = options,
	.run = run,
};
