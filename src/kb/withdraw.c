/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/withdraw.h"

#include "kb/front.h"
#include "kb/links.h"
#include "kb/pages.h"

static void swap(struct buf *page, struct buf *out)
{
	struct buf old = *page;

	*page = *out;
	*out = old;
}

/* Its section, its bullets, its "See also", its place in the list of sources. */
static size_t take_out(struct buf *page, const struct kb_doc *doc)
{
	AUTO_FREE char *heading = xasprintf("## From [[summaries/%s]]", doc->doc_name);
	AUTO_FREE char *summary = xasprintf("summaries/%s", doc->doc_name);
	AUTO_FREE char *source = xasprintf("summaries/%s.md", doc->doc_name);
	AUTO_STRV struct strv sources = STRV_INIT;
	AUTO_STRV struct strv left = STRV_INIT;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *list = NULL;

	page_drop_section(buf_bytes(page), heading, &out);
	swap(page, &out);
	page_drop_bullet(buf_bytes(page), "## Related Documents", summary, &out);
	swap(page, &out);
	page_drop_see_also(buf_bytes(page), summary, &out);
	swap(page, &out);
	front_list(buf_bytes(page), "sources", &sources);
	for (size_t i = 0; i < sources.n; i++)
		if (!str_eq(sources.v[i], source))
			strv_add(&left, sources.v[i]);
	if (left.n == sources.n)
		return left.n;
	list = front_quoted_list(&left);
	buf_clear(&out);
	front_put(buf_bytes(page), "sources", list, &out);
	swap(page, &out);
	return left.n;
}

/* A person's words in the part that goes are kept aside. */
static int keep_edits(struct change *c, const char *path, struct err *e)
{
	int r = change_is_edited(c, path, e);

	return r > 0 ? change_set_aside(c, path, e) : r;
}

static int take_from_page(struct change *c, const char *path, const struct kb_doc *doc,
			  const struct withdraw_how *how, struct strv *gone, struct err *e)
{
	AUTO_BUF struct buf page = BUF_INIT(BUF_OWN_MAX);
	struct bytes text;
	size_t left;
	int r = change_read(c, path, &text, e);

	if (r == 0)
		r = keep_edits(c, path, e);
	if (r < 0 || text.n == 0)
		return r;
	r = change_read(c, path, &text, e); /* what is set aside is a page of its own */
	buf_add(&page, text.p, text.n);
	left = take_out(&page, doc);
	if (r == 0 && left == 0 && !how->keep_empty) {
		strv_add(gone, path);
		return change_drop(c, path, e);
	}
	if (r == 0)
		r = change_set(c, path, buf_bytes(&page), e);
	return r < 0 ? r : change_claims(c, path, doc->id, &(struct claims){ 0 }, e);
}

struct ghosts {
	struct change *c;
	const struct compile_result *planned;
	int result;
	struct err *e;
};

/* A page that the change is about to make. */
static bool is_planned(const struct compile_result *planned, const char *target)
{
	for (size_t i = 0; planned && i < planned->edit_count; i++) {
		AUTO_FREE char *path = page_path(planned->edits[i].kind, planned->edits[i].slug);
		AUTO_FREE char *link = page_link(path);

		if (str_eq(link, target))
			return true;
	}
	return false;
}

static enum link_fate resolve(void *ctx, const char *target, char **ret_target)
{
	struct ghosts *g = ctx;
	AUTO_FREE char *path = xasprintf("%s.md", target);
	AUTO_FREE char *link = NULL;
	struct bytes text = { 0 };
	int r;

	if (is_planned(g->planned, target))
		return LINK_KEEP;
	r = g->result < 0 ? g->result : pages_resolve(change_db(g->c), target, &link, g->e);

	/* what this change drops is there for the database only, what it makes is not yet */
	if (r >= 0) {
		AUTO_FREE char *at = link ? xasprintf("%s.md", link) : xstrdup(path);

		if (!page_is_plain_file(at)) {
			int read = change_read(g->c, at, &text, g->e);

			r = read < 0 ? read : text.n > 0;
		}
	}
	if (r < 0) {
		g->result = r;
		return LINK_KEEP;
	}
	if (r == 0)
		return LINK_DROP;
	if (!link || str_eq(link, target) || str_ends(link, target))
		return LINK_KEEP;
	*ret_target = TAKE(link);
	return LINK_REPLACE;
}

int strip_ghosts(struct change *c, struct bytes text, const struct compile_result *planned,
		 struct buf *out, struct err *e)
{
	struct ghosts g = { .c = c, .planned = planned, .e = e };

	(void)link_rewrite(text, resolve, &g, out);
	return g.result < 0 ? g.result : 0;
}

/* Links to a page that goes leave their words. */
static int cut_links(struct change *c, const char *gone, struct err *e)
{
	AUTO_FREE char *link = page_link(gone);
	AUTO_STRV struct strv pages = STRV_INIT;
	int r = pages_linking_to(change_db(c), link, &pages, e);

	for (size_t i = 0; r == 0 && i < pages.n; i++) {
		AUTO_BUF struct buf bulletless = BUF_INIT(BUF_OWN_MAX);
		AUTO_BUF struct buf second = BUF_INIT(BUF_OWN_MAX);
		AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
		struct bytes text;

		r = change_read(c, pages.v[i], &text, e);
		if (r < 0 || text.n == 0)
			continue;
		page_drop_bullet(text, "## Related Concepts", link, &bulletless);
		page_drop_bullet(buf_bytes(&bulletless), "## Entities", link, &second);
		r = strip_ghosts(c, buf_bytes(&second), NULL, &out, e);
		if (r == 0)
			r = change_set(c, pages.v[i], buf_bytes(&out), e);
	}
	return r;
}

static bool is_kept(const struct withdraw_how *how, const char *path)
{
	AUTO_FREE char *link = page_link(path);

	return is_planned(how->except, link);
}

static int drop_summary(struct change *c, const char *summary, struct strv *gone, struct err *e)
{
	int r = keep_edits(c, summary, e);

	strv_add(gone, summary);
	return r < 0 ? r : change_drop(c, summary, e);
}

int withdraw(struct change *c, const struct kb_doc *doc, const struct withdraw_how *how,
	     struct err *e)
{
	AUTO_FREE char *summary = xasprintf("summaries/%s.md", doc->doc_name);
	AUTO_STRV struct strv pages = STRV_INIT;
	AUTO_STRV struct strv gone = STRV_INIT;
	int r = pages_of_doc(change_db(c), doc->id, &pages, e);

	for (size_t i = 0; r == 0 && i < pages.n; i++)
		if (!str_eq(pages.v[i], summary) && !is_kept(how, pages.v[i]))
			r = take_from_page(c, pages.v[i], doc, how, &gone, e);
	if (r == 0 && !how->except)
		r = drop_summary(c, summary, &gone, e);
	for (size_t i = 0; r == 0 && i < gone.n; i++)
		r = cut_links(c, gone.v[i], e);
	return r;
}
