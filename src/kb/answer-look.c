/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/answer-internal.h"

#include "kb/front.h"
#include "kb/links.h"
#include "kb/outline.h"
#include "kb/pages.h"
#include "kb/search.h"

/* Sections that are listed of a source, and bytes of that list: of a longer one the upper levels. */
#define OUTLINE_MAX   60
#define OUTLINE_BYTES ((size_t)8000)
#define OUTLINE_KIND  "outline"

static void passage_release(struct kb_passage *p)
{
	free(p->link);
	free(p->anchor);
	free(p->title);
	free(p->kind);
	free(p->text);
	*p = (struct kb_passage){ 0 };
}

void looking_release(struct looking *l)
{
	for (size_t i = 0; i < l->n; i++)
		passage_release(&l->v[i]);
	l->n = 0;
}

static bool is_there(const struct looking *l, const char *link, const char *anchor,
		     const char *kind)
{
	bool outline = str_eq(kind, OUTLINE_KIND); /* of a section that is there, what is below */

	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i].link, link) && str_eq(l->v[i].anchor, anchor) &&
		    str_eq(l->v[i].kind, OUTLINE_KIND) == outline)
			return true;
	return false;
}

/* The beginning, cut between letters. */
static char *beginning(const char *text, size_t max)
{
	size_t n = strlen(text);

	if (n > max)
		for (n = max; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
	return xstrndup(text, n);
}

static int take_hit(void *ctx, const struct search_hit *hit, struct err *e)
{
	struct looking *l = ctx;

	(void)e;
	if (l->n >= l->room || is_there(l, hit->link, hit->anchor, hit->kind))
		return 0;
	l->v[l->n++] = (struct kb_passage){
		.link = xstrdup(hit->link),
		.anchor = xstrdup(hit->anchor),
		.title = xstrdup(hit->title),
		.kind = xstrdup(hit->kind),
		.text = beginning(hit->text, ANSWER_PASSAGE_BYTES),
		.page = hit->page,
		.score = hit->score,
	};
	return 0;
}

int look_search(struct looking *l, const char *words, size_t more, struct err *e)
{
	const struct search_wish wish = { .words = words, .limit = 30, .any = true };
	struct err why = { 0 };
	int r;

	l->room = l->n + more < ANSWER_PASSAGES ? l->n + more : ANSWER_PASSAGES;
	r = search_run(kb_db(l->kb), &wish, take_hit, l, &why);
	if (r == 0 || r == ERR_USAGE) /* words that say nothing find nothing */
		return 0;
	*e = why;
	return r;
}

static void add(struct looking *l, const char *link, const char *anchor, const char *kind,
		char *text)
{
	if (l->n < ANSWER_PASSAGES && text && *text && !is_there(l, link, anchor, kind))
		l->v[l->n++] = (struct kb_passage){
			.link = xstrdup(link),
			.anchor = xstrdup(anchor),
			.title = xstrdup(*anchor ? anchor : link),
			.kind = xstrdup(kind),
			.text = beginning(text, str_eq(kind, OUTLINE_KIND) ? OUTLINE_BYTES
									   : ANSWER_PASSAGE_BYTES),
		};
	free(text);
}

static int list_sections(struct looking *l, const char *doc, const char *anchor, struct err *e)
{
	AUTO_FREE char *link = xasprintf("sources/%s", doc);
	AUTO_SECTIONS struct sections s = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	int r = outline_read(kb_db(l->kb), doc, &s, e);
	size_t at = *anchor ? outline_find(&s, anchor) : SIZE_MAX;

	if (r < 0 || at == s.n)
		return r;
	outline_add_below(&s, at, doc, OUTLINE_MAX, &out);
	if (out.n > 0)
		add(l, link, anchor, OUTLINE_KIND, buf_take(&out));
	return 0;
}

static int read_section(struct looking *l, const char *doc, const char *anchor, struct err *e)
{
	AUTO_FREE char *link = xasprintf("sources/%s", doc);
	char *text = NULL;
	int64_t id = 0;
	int r = db_get_int(kb_db(l->kb), &id, 0, e,
			   "SELECT s.id FROM kb_section s JOIN kb_doc d ON d.id=s.doc_id"
			   " WHERE d.doc_name=?1 AND s.anchor=?2 ORDER BY s.ordinal LIMIT 1",
			   "tt", doc, anchor);

	if (r == 0 && id)
		r = search_text(kb_db(l->kb), SEARCH_SECTION, id, &text, e);
	if (r < 0)
		return r;
	add(l, link, anchor, "source", text);
	return list_sections(l, doc, anchor, e);
}

static int read_page(struct looking *l, const char *target, struct err *e)
{
	AUTO_FREE char *link = NULL;
	AUTO_FREE char *path = NULL;
	AUTO_BUF struct buf page = BUF_INIT(PAGE_BYTES_MAX);
	struct front f;
	bool there;
	int r = pages_resolve(kb_db(l->kb), target, &link, e);

	if (r <= 0)
		return r;
	if (str_starts(link, "sources/"))
		return list_sections(l, link + strlen("sources/"), "", e);
	path = xasprintf("wiki/%s.md", link);
	r = kb_read(l->kb, path, PAGE_BYTES_MAX, &page, &there, e);
	if (r < 0 || !there)
		return r;
	f = front_split(buf_bytes(&page));
	add(l, link, "", "page", xstrdup(page.p + f.body));
	return 0;
}

int look_read(struct looking *l, const char *link, struct err *e)
{
	const char *sharp = strchr(link, '#');
	AUTO_FREE char *target = xstrndup(link, sharp ? (size_t)(sharp - link) : strlen(link));

	if (strlen(link) > LINK_BYTES_MAX)
		return 0;
	if (sharp && str_starts(target, "sources/"))
		return read_section(l, target + strlen("sources/"), sharp + 1, e);
	return read_page(l, target, e);
}
