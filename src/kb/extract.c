/* SPDX-License-Identifier: Apache-2.0 */
/* The extractive compiler: pages out of the document's own sentences. */
#include "kb/extract.h"

#include "kb/links.h"
#include "kb/pages.h"
#include "kb/unicode.h"

#define KEY_SENTENCES   6
#define BLOCK_SENTENCES 3
#define OUTLINE_MAX     80
#define DESCRIPTION_MAX 96
#define SECTION_TEXT    200
/* A document makes a few pages and joins those that are there. */
#define OWN_CONCEPTS 3
#define OWN_ENTITIES 6
#define JOIN_MAX     8
/* What so many documents share says nothing of one of them; and a page stays of a size that an add
 * can rewrite. */
#define PAGE_DOCS_MAX 100

static void digest_free(void *p)
{
	struct digest *d = p;

	if (!d)
		return;
	for (size_t i = 0; i < d->sentence_count; i++)
		free(d->sentences[i].text);
	for (size_t i = 0; i < d->phrase_count; i++) {
		free(d->phrases[i].key);
		free(d->phrases[i].words);
	}
	for (size_t i = 0; i < d->name_count; i++) {
		free(d->names[i].key);
		free(d->names[i].words);
	}
	free(d->sentences);
	free(d->phrases);
	free(d->names);
	free(d);
}

static int digest(const struct compiler *self, const struct compile_input *in, void **ret_digest,
		  struct err *e)
{
	struct digest *d = xcalloc(1, sizeof(*d));

	(void)self;
	(void)e;
	extract_sentences(in, d);
	extract_terms(in, d);
	*ret_digest = d;
	return 0;
}

struct planning {
	const struct compile_input *in;
	const struct digest *d;
	struct db *db;
	struct compile_result *out;
};

/* " ([[sources/a#Section]])" */
static void add_citation(const struct compile_input *in, size_t section, struct buf *out)
{
	const char *anchor = in->sections->v[section].anchor;

	buf_addf(out, " ([[sources/%s%s%s]])", in->doc_name, *anchor ? "#" : "", anchor);
}

static void add_point(const struct planning *p, size_t sentence, struct claims *claims,
		      struct buf *out)
{
	const struct sentence *s = &p->d->sentences[sentence];

	buf_adds(out, "- ");
	link_add_plain(out, bytes_of(s->text));
	add_citation(p->in, s->section, out);
	buf_addc(out, '\n');
	claims_add(claims, p->in->sections->v[s->section].anchor, s->text);
}

/* Cut between words. */
static char *shortened(const char *text, size_t max)
{
	size_t n = strlen(text);

	if (n <= max)
		return xstrdup(text);
	n = text_fit(text, max - 4);
	while (n > max / 2 && text[n] != ' ')
		n--;
	if (text[n] != ' ')
		n = text_fit(text, max - 4);
	return xasprintf("%.*s…", (int)n, text);
}

static char *description_of(const struct planning *p, const size_t *order, size_t n)
{
	return shortened(n ? p->d->sentences[order[0]].text : p->in->title, DESCRIPTION_MAX);
}

/* The best of some sentences, in `best`, best first. */
static size_t choose(const struct digest *d, const size_t *from, size_t n, size_t *best, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		size_t s = from ? from[i] : i;
		size_t at = count;

		while (at > 0 && d->sentences[best[at - 1]].score < d->sentences[s].score)
			at--;
		if (at == max)
			continue;
		count += count < max;
		memmove(best + at + 1, best + at, (count - at - 1) * sizeof(*best));
		best[at] = s;
	}
	return count;
}

static int by_number(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

static unsigned top_level(const struct sections *s)
{
	unsigned top = 6;

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].level > 0 && s->v[i].level < top)
			top = s->v[i].level;
	return top;
}

/* The best sentence of each section, for those who walk the tree of them. */
static void note_sections(struct planning *p)
{
	const struct digest *d = p->d;

	for (size_t from = 0, to; from < d->sentence_count; from = to) {
		size_t best = from;
		AUTO_FREE char *text = NULL;

		for (to = from; to < d->sentence_count &&
				d->sentences[to].section == d->sentences[from].section;
		     to++)
			if (d->sentences[to].score > d->sentences[best].score)
				best = to;
		text = shortened(d->sentences[best].text, SECTION_TEXT);
		compile_set_outline(p->out, d->sentences[best].section, text);
	}
}

/* Of a long document the pages, and what is said on them, as earlier wikis have it. */
static void add_note(struct planning *p, size_t section, struct buf *out)
{
	const struct sections *sections = p->in->sections;
	const struct section *s = &sections->v[section];
	const char *note = section < p->out->outline_count ? p->out->outline[section] : NULL;

	if (!str_eq(p->in->doc_type, "pageindex"))
		return;
	section_add_pages(sections, section, out);
	if (!note)
		return;
	buf_adds(out, ": ");
	link_add_plain(out, bytes_of(note));
	claims_add(&p->out->claims, s->anchor, note);
}

static void add_outline(struct planning *p, struct buf *out)
{
	const struct sections *sections = p->in->sections;
	unsigned top = top_level(sections);
	size_t lines = 0;
	const char *before = "";

	for (size_t i = 0; i < sections->n && lines < OUTLINE_MAX; i++) {
		const struct section *s = &sections->v[i];

		/* the next part of the same section, or nothing to point at */
		if (!*s->anchor || str_eq(s->anchor, before))
			continue;
		before = s->anchor;
		buf_adds(out, lines++ == 0 ? "\n## Outline\n\n" : "");
		for (unsigned k = top; k < s->level; k++)
			buf_adds(out, "  ");
		buf_addf(out, "- [[sources/%s#%s]]", p->in->doc_name, s->anchor);
		add_note(p, i, out);
		buf_addc(out, '\n');
	}
}

static void plan_summary(struct planning *p)
{
	size_t best[KEY_SENTENCES];
	size_t n = choose(p->d, NULL, p->d->sentence_count, best, KEY_SENTENCES);
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);

	p->out->description = description_of(p, best, n);
	qsort(best, n, sizeof(*best), by_number);
	buf_adds(&body, "# ");
	link_add_plain(&body, bytes_of(p->in->title));
	buf_adds(&body, n ? "\n\n" : "\n");
	for (size_t i = 0; i < n; i++)
		add_point(p, best[i], &p->out->claims, &body);
	note_sections(p);
	add_outline(p, &body);
	p->out->body = buf_take(&body);
}

/* 1 and how many others feed it, when there is such a page. */
static int look_up(const struct planning *p, enum page_kind kind, const struct term *t,
		   char **ret_slug, int64_t *ret_docs, struct err *e)
{
	AUTO_FREE char *path = NULL;
	AUTO_FREE char *link = NULL;
	int r = pages_find_key(p->db, kind, t->key, &path, e);

	if (r <= 0)
		return r;
	link = page_link(path);
	*ret_slug = xstrdup(strchr(link, '/') + 1);
	r = db_get_int(p->db, ret_docs, 0, e,
		       "SELECT count(*) FROM kb_page_doc d JOIN kb_page p ON p.id=d.page_id"
		       " JOIN kb_doc o ON o.id=d.doc_id WHERE p.path=?1 AND o.doc_name<>?2",
		       "tt", path, p->in->doc_name);
	return r < 0 ? r : 1;
}

static const char *type_of(const struct planning *p, const char *name)
{
	static const char *const organizations[] = { "Inc",         "Ltd",        "GmbH",
						     "AG",          "Corp",       "Corporation",
						     "Foundation",  "University", "Institute",
						     "Project",     "Group",      "Committee",
						     "Association", "Company",    "Team" };
	const char *last = strrchr(name, ' ');

	for (size_t i = 0; last && i < ARRAY_LEN(organizations); i++)
		if (str_eq(last + 1, organizations[i]) &&
		    strv_has(&p->in->settings->entity_types, "organization"))
			return "organization";
	return "other";
}

static char *title_of(const struct term *t)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (!t->name && t->words[0] >= 'a' && t->words[0] <= 'z')
		buf_addf(&out, "%c%s", t->words[0] - 'a' + 'A', t->words + 1);
	else
		buf_adds(&out, t->words);
	return buf_take(&out);
}

static void add_edit(struct planning *p, const struct term *t, char *slug)
{
	struct page_edit *edit = compile_add_edit(p->out);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	size_t best[BLOCK_SENTENCES];
	size_t n = choose(p->d, t->sentences, t->sentence_count, best, BLOCK_SENTENCES);

	edit->kind = t->name ? PAGE_ENTITY : PAGE_CONCEPT;
	edit->how = EDIT_BLOCK;
	edit->slug = slug;
	edit->title = title_of(t);
	edit->type = t->name ? xstrdup(type_of(p, t->words)) : NULL;
	edit->description = description_of(p, best, n);
	qsort(best, n, sizeof(*best), by_number);
	for (size_t i = 0; i < n; i++)
		add_point(p, best[i], &edit->claims, &text);
	edit->text = buf_take(&text);
}

/* The topic of the document itself has its summary. */
static bool is_topic(const struct compile_input *in, const struct term *t)
{
	AUTO_FREE char *slug = uni_slug(in->title, "");
	AUTO_FREE char *key = uni_link_key(bytes_of(slug));
	AUTO_FREE char *name = uni_link_key(bytes_of(in->doc_name));

	return str_eq(key, t->key) || str_eq(name, t->key);
}

/* Says all that there is to say of it what another edit says already? */
static bool is_planned(const struct planning *p, enum page_kind kind, const char *slug)
{
	for (size_t i = 0; i < p->out->edit_count; i++)
		if (p->out->edits[i].kind == kind && str_eq(p->out->edits[i].slug, slug))
			return true;
	return false;
}

/*
 * The best terms have a page whether there is one or not: so the same document gives the same pages
 * again, whatever came since. Of the others those are joined that are there.
 */
static int plan_terms(struct planning *p, const struct term *terms, size_t n, size_t own_max,
		      struct err *e)
{
	size_t own = 0, joined = 0;

	for (size_t i = 0; i < n && (own < own_max || joined < JOIN_MAX); i++) {
		const struct term *t = &terms[i];
		enum page_kind kind = t->name ? PAGE_ENTITY : PAGE_CONCEPT;
		bool is_own = own < own_max && t->count >= 2;
		AUTO_FREE char *slug = NULL;
		int64_t docs = 0;
		int r;

		if (is_topic(p->in, t))
			continue;
		r = look_up(p, kind, t, &slug, &docs, e);
		if (r < 0)
			return r;
		if (!is_own && (r == 0 || joined >= JOIN_MAX))
			continue;
		own += is_own;
		joined += !is_own;
		if (docs >= PAGE_DOCS_MAX)
			continue;
		if (r == 0)
			slug = t->name ? uni_slug(t->words, "unnamed-entity") : xstrdup(t->key);
		if (!is_planned(p, kind, slug))
			add_edit(p, t, TAKE(slug));
	}
	return 0;
}

static int plan(const struct compiler *self, const struct compile_input *in, void *digested,
		struct compile_result *out, struct err *e)
{
	struct planning p = { .in = in, .d = digested, .db = kb_db(in->wiki), .out = out };
	int r;

	(void)self;
	plan_summary(&p);
	r = plan_terms(&p, p.d->phrases, p.d->phrase_count, OWN_CONCEPTS, e);
	return r < 0 ? r : plan_terms(&p, p.d->names, p.d->name_count, OWN_ENTITIES, e);
}

const struct compiler compile_extractive = {
	.name = "extractive",
	.digest = digest,
	.digest_free = digest_free,
	.plan = plan,
};
