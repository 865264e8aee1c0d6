/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/kb.h"

#include "base/time.h"
#include "kb/docs.h"

struct list_args {
	struct kb_common common;
	bool pages;
};

static const struct opt options[] = {
	OPT_FLAG(0, "pages", struct list_args, pages, "the wiki's pages, too"),
	KB_OPTIONS(struct list_args, common),
	OPT_END,
};

struct listing {
	struct buf *out;
	struct json_out json;
	bool as_json;
	size_t n;
};

static void add_json(struct listing *l, const struct kb_doc *d)
{
	char time[TIME_TEXT_MAX];

	json_open(&l->json, NULL, '{');
	json_add_text(&l->json, "document", d->doc_name);
	json_add_text(&l->json, "name", d->name);
	json_add_text(&l->json, "title", d->title);
	json_add_text(&l->json, "type", d->type);
	json_add_text(&l->json, "doc_type", d->doc_type);
	if (d->pages >= 0)
		json_add_int(&l->json, "pages", d->pages);
	else
		json_add_null(&l->json, "pages");
	json_add_int(&l->json, "bytes", d->bytes);
	json_add_text(&l->json, "hash", d->hash);
	json_add_text(&l->json, "path", d->path);
	json_add_text(&l->json, "raw", d->raw_path);
	json_add_text(&l->json, "source", d->source_path);
	json_add_text(&l->json, "compiler", d->compiler);
	json_add_text(&l->json, "added_at", time_format_iso(d->added_ms, time));
	json_close(&l->json);
}

static void add_cell(struct buf *out, const char *text, size_t width)
{
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);
	size_t fit;

	kb_cmd_add_clean(&clean, text);
	fit = text_fit(buf_str(&clean), width);
	buf_add(out, buf_str(&clean), fit);
	for (size_t n = fit < clean.n ? width : text_width(buf_str(&clean)); n < width + 2; n++)
		buf_addc(out, ' ');
}

static int add_doc(void *ctx, const struct kb_doc *d, struct err *e)
{
	struct listing *l = ctx;
	char size[FORMAT_SIZE_MAX];

	(void)e;
	l->n++;
	if (l->as_json) {
		add_json(l, d);
		return 0;
	}
	add_cell(l->out, d->doc_name, 40);
	add_cell(l->out, d->type, 12);
	if (d->pages >= 0)
		buf_addf(l->out, "%6lld  ", (long long)d->pages);
	else
		buf_adds(l->out, "     -  ");
	buf_addf(l->out, "%10s  ", format_size(d->bytes, size));
	kb_cmd_add_clean(l->out, d->name);
	buf_addc(l->out, '\n');
	return 0;
}

static int add_pages(struct listing *l, struct db *db, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, "SELECT path, title, description FROM kb_page ORDER BY path",
			 "");

	if (l->as_json)
		json_open(&l->json, "pages", '[');
	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		r = 0;
		if (!l->as_json) {
			kb_cmd_add_clean(l->out, stmt_text(q, 0));
			buf_addc(l->out, '\n');
			continue;
		}
		json_open(&l->json, NULL, '{');
		json_add_text(&l->json, "path", stmt_text(q, 0));
		json_add_text(&l->json, "title", stmt_text(q, 1));
		json_add_text(&l->json, "description", stmt_text(q, 2));
		json_close(&l->json);
	}
	if (l->as_json)
		json_close(&l->json);
	return r;
}

static int list(const struct list_args *args, const struct kb *kb, struct buf *out, struct err *e)
{
	struct listing l = { .out = out, .json = json_out(out), .as_json = args->common.json };
	AUTO_TX struct db *tx = kb_db(kb);
	int r = db_begin_read(tx, e);

	if (r < 0)
		return r;
	if (l.as_json) {
		json_open(&l.json, NULL, '{');
		json_add_text(&l.json, "kb", kb_path(kb));
		json_open(&l.json, "documents", '[');
	} else {
		buf_addf(out, "%-40s  %-12s  %6s  %10s  %s\n", "DOCUMENT", "TYPE", "PAGES", "SIZE",
			 "FILE");
	}
	r = doc_visit(kb_db(kb), add_doc, &l, e);
	if (l.as_json)
		json_close(&l.json);
	else if (l.n == 0)
		buf_clear(out), buf_adds(out, "There is no document yet: larder kb add PATH\n");
	if (r == 0 && args->pages)
		r = add_pages(&l, kb_db(kb), e);
	if (l.as_json)
		json_close(&l.json);
	return r;
}

static int run(int argc, char **argv, struct err *e)
{
	struct list_args args = { 0 };
	AUTO_STRV struct strv operands = STRV_INIT;
	AUTO_KB struct kb *kb = NULL;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int r = opt_parse(options, &args, argc, argv, &operands, e);

	if (r == 0)
		r = cmd_operands(&kb_cmd_list, &operands, 0, 0, e);
	if (r == 0)
		r = kb_cmd_open(&args.common, true, &kb, e);
	if (r == 0)
		r = list(&args, kb, &out, e);
	return r < 0 ? r : kb_cmd_print(&args.common, &out, e);
}

const struct command kb_cmd_list = {
	.name = "list",
	.usage = "[--pages] [--kb DIR]",
	.summary = "the documents of a knowledge base",
	.examples = "larder kb list|in the order they were added\n"
		    "larder kb list --pages --json|with all pages of the wiki, for programs",
	.options = options,
	.run = run,
};
