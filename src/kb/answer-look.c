/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/add-internal.h"
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
#define PICTURE_KIND  "picture"
#define IMAGES        "sources/images/"
/* Of a document, or a section. */
#define PICTURES_LISTED 40

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
	for (size_t i = 0; i < l->picture_count; i++)
		buf_release(&l->pictures[i].contents);
	l->n = l->picture_count = 0;
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

/* What a document has in sources/images/. */
static int list_pictures(struct looking *l, const char *doc, struct buf *out, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	size_t n = 0;
	int r = db_query(kb_db(l->kb), &q, e,
			 "SELECT f.path FROM kb_doc_file f JOIN kb_doc d ON d.id=f.doc_id"
			 " WHERE d.doc_name=?1 AND f.path LIKE 'wiki/" IMAGES
			 "%' ORDER BY f.path LIMIT ?2",
			 "ti", doc, (int64_t)PICTURES_LISTED);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		buf_addf(out, "%s[[%s]]",
			 n++ ? ", " : "\nPictures: ", stmt_text(q, 0) + strlen("wiki/"));
		r = 0;
	}
	return r;
}

/* The pictures that a section shows: its text in the index has only their words. */
static void add_shown(struct bytes text, struct buf *out)
{
	static const char begin[] = "](" IMAGES;
	size_t n = 0;

	for (const char *at = text.p, *end = text.p + text.n, *close;
	     (at = memmem(at, (size_t)(end - at), begin, sizeof(begin) - 1)) != NULL; at = close) {
		close = memchr(at, ')', (size_t)(end - at));
		if (!close || n >= PICTURES_LISTED)
			return;
		buf_addf(out, "%s[[%.*s]]", n++ ? ", " : "\nPictures: ", (int)(close - at - 2),
			 at + 2);
	}
}

static int add_pictures(struct looking *l, const char *doc, const char *anchor, struct buf *out,
			struct err *e)
{
	struct prepared p = { .converted = CONVERTED_INIT };
	int r = add_read_source(l->kb, doc, &p, e);

	if (r == 0)
		sections_of(buf_bytes(&p.converted.text), doc, &p.sections);
	for (size_t i = 0; i < p.sections.n; i++)
		if (str_eq(p.sections.v[i].anchor, anchor))
			add_shown((struct bytes){ p.converted.text.p + p.sections.v[i].at,
						  p.sections.v[i].n },
				  out);
	sections_release(&p.sections);
	converted_release(&p.converted);
	return r;
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
	r = *anchor ? add_pictures(l, doc, anchor, &out, e) : list_pictures(l, doc, &out, e);
	if (r == 0 && out.n > 0)
		add(l, link, anchor, OUTLINE_KIND, buf_take(&out));
	return r;
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

/* Only what belongs to a document: the name comes from a model. */
static int read_picture(struct looking *l, const char *link, struct err *e)
{
	struct looked_picture *p = &l->pictures[l->picture_count];
	AUTO_FREE char *full = xasprintf("wiki/%s", link);
	AUTO_BUF struct buf contents = BUF_INIT(LLM_PICTURE_MAX);
	struct err why = { 0 };
	const char *type;
	int64_t known = 0;
	bool there = false;
	int r = db_get_int(kb_db(l->kb), &known, 0, e, "SELECT 1 FROM kb_doc_file WHERE path=?1",
			   "t", full);

	if (r < 0 || !known || l->picture_count == ANSWER_PICTURES || l->n == ANSWER_PASSAGES ||
	    is_there(l, link, "", PICTURE_KIND))
		return r;
	if (kb_read(l->kb, full, LLM_PICTURE_MAX, &contents, &there, &why) < 0 || !there)
		return 0; /* too large, or gone: there is nothing to show */
	type = llm_picture_type(buf_bytes(&contents));
	if (!type)
		return 0;
	p->passage = l->n;
	p->contents = contents;
	contents = (struct buf)BUF_INIT(0);
	p->picture = (struct llm_picture){ type, buf_bytes(&p->contents) };
	l->picture_count++;
	add(l, link, "", PICTURE_KIND, xstrdup("It is among the pictures below."));
	return 0;
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
	if (str_starts(link, IMAGES))
		return read_picture(l, link, e);
	if (sharp && str_starts(target, "sources/"))
		return read_section(l, target + strlen("sources/"), sharp + 1, e);
	return read_page(l, target, e);
}
