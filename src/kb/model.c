/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler that asks a model. */
#include "kb/model.h"

#include "kb/kb-internal.h"
#include "kb/links.h"
#include "kb/model-ask.h"
#include "kb/unicode.h"

#define SUMMARY_POINTS  12
#define BLOCK_POINTS    8
#define DESCRIPTION_MAX 96
#define SECTION_TEXT    400
/* A summary of 400 sections is the longest of the answers. */
#define SUMMARY_TOKENS 16000
#define PLAN_TOKENS    4000
#define WRITE_TOKENS   16000
/* Calls wait for the server, not for a processor. */
#define MODEL_JOBS 8

void model_digest_free(void *digest)
{
	struct model_digest *d = digest;

	if (!d)
		return;
	for (size_t i = 0; i < d->summary_count; i++)
		free(d->summaries[i]);
	free(d->summaries);
	free(d->description);
	model_points_release(&d->points);
	model_plan_release(&d->plan);
	strv_release(&d->keys);
	free(d);
}

/* What the steps of one digest share. */
struct digesting {
	struct model *m;
	const struct compile_input *in;
	struct model_digest *d;
	struct model_source source;
	struct buf rules;
};

static void digesting_release(struct digesting *g)
{
	model_source_release(&g->source);
	buf_release(&g->rules);
}

static void take_summaries(struct digesting *g, const struct json *sections)
{
	for (size_t i = 0; i < json_size(sections); i++) {
		const struct json *one = json_at(sections, i);
		int64_t at = json_int(json_get(one, "section"), -1);
		char *line = model_line(json_text(json_get(one, "summary")), SECTION_TEXT);

		if (at < 0 || (size_t)at >= g->d->summary_count || !line) {
			free(line);
			continue;
		}
		free(g->d->summaries[at]);
		g->d->summaries[at] = line;
	}
}

static int summarise_part(struct digesting *g, size_t from, size_t to, size_t points, struct err *e)
{
	bool whole = from == 0 && to == g->in->sections->n;
	AUTO_BUF struct buf document = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *answer = NULL;
	struct model_question q = { .purpose = "kb summary",
				    .system = buf_str(&g->rules),
				    .schema = model_schema_summary,
				    .max_tokens = SUMMARY_TOKENS };
	int r;

	if (whole) {
		model_add_document(g->in, g->d, &document);
	} else {
		buf_addf(&text, "The document \"%s\" (%s), sections %zu to %zu of %zu:\n\n",
			 g->in->title, g->in->name, from, to - 1, g->in->sections->n);
		model_add_sections(g->in, from, to, &text);
	}
	buf_addf(&text,
		 "\nSummarise this: a description of the document in one sentence below 100 "
		 "letters; at most %zu points that matter most; and for each section that says "
		 "something, a sentence on what it says.\n",
		 points);
	q.text = buf_str(&text);
	q.document = whole ? buf_str(&document) : NULL;
	r = model_ask(g->m, &q, g->d, &answer, e);
	if (r < 0)
		return r;
	if (!g->d->description)
		g->d->description =
			model_line(json_text(json_get(answer, "description")), DESCRIPTION_MAX);
	model_read_points(&g->source, json_get(answer, "points"), points, &g->d->points);
	take_summaries(g, json_get(answer, "sections"));
	return 0;
}

static size_t count_parts(const struct sections *s)
{
	size_t n = 0;

	for (size_t at = 0; at < s->n && n < MODEL_PARTS_MAX; n++)
		at = model_part_end(s, at);
	return n;
}

static int summarise(struct digesting *g, struct err *e)
{
	const struct sections *s = g->in->sections;
	size_t parts = count_parts(s), at = 0;
	size_t points = parts > 1 ? SUMMARY_POINTS * 2 / parts : SUMMARY_POINTS;
	int r = 0;

	g->d->summary_count = s->n;
	g->d->summaries = xcalloc(s->n + 1, sizeof(char *));
	for (size_t i = 0; r == 0 && i < parts; i++) {
		size_t end = model_part_end(s, at);

		r = summarise_part(g, at, end, points > 0 ? points : 1, e);
		at = end;
	}
	if (!g->d->description)
		g->d->description = model_line(g->in->title, DESCRIPTION_MAX);
	if (!g->d->description)
		g->d->description = xstrdup(g->in->doc_name);
	return r;
}

static int plan_pages(struct digesting *g, const char *document, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *answer = NULL;
	struct model_question q = { .purpose = "kb plan",
				    .system = buf_str(&g->rules),
				    .document = document,
				    .schema = model_schema_plan,
				    .max_tokens = PLAN_TOKENS };
	int r;

	buf_adds(&text, "The nearest pages of the wiki:\n");
	r = model_add_candidates(g->in, g->d, &text, e);
	buf_addf(&text,
		 "\nWhich pages shall this document feed? At most %d: concepts and entities that "
		 "somebody would look up and of which it says something of substance. For one "
		 "above give its 'page' as it stands there (concepts/... or entities/...); for a "
		 "new one an empty 'page', a short title, for an entity its type, and a "
		 "description in one sentence below 100 letters. No page for the document "
		 "itself.\n",
		 MODEL_PAGES_MAX);
	q.text = buf_str(&text);
	if (r == 0)
		r = model_ask(g->m, &q, g->d, &answer, e);
	if (r == 0)
		model_read_plan(answer, MODEL_PAGES_MAX, &g->d->plan);
	return r;
}

static int write_pages(struct digesting *g, const char *document, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_JSON struct json *answer = NULL;
	struct model_question q = { .purpose = "kb write",
				    .system = buf_str(&g->rules),
				    .document = document,
				    .schema = model_schema_write,
				    .max_tokens = WRITE_TOKENS };
	const struct json *pages;
	int r;

	if (g->d->plan.n == 0)
		return 0;
	buf_adds(&text, "The pages it shall feed:\n");
	r = model_add_pages(g->in, g->d, &text, e);
	buf_addf(&text,
		 "\nFor each page, by its number: the points this document adds to it, at most "
		 "%d. Do not repeat what the page says already. No points when it adds nothing.\n",
		 BLOCK_POINTS);
	q.text = buf_str(&text);
	if (r == 0)
		r = model_ask(g->m, &q, g->d, &answer, e);
	pages = json_get(answer, "pages");
	for (size_t i = 0; r == 0 && i < json_size(pages); i++) {
		const struct json *page = json_at(pages, i);
		int64_t at = json_int(json_get(page, "page"), -1);

		if (at >= 0 && (size_t)at < g->d->plan.n && g->d->plan.v[at].points.n == 0)
			model_read_points(&g->source, json_get(page, "points"), BLOCK_POINTS,
					  &g->d->plan.v[at].points);
	}
	return r;
}

static int digest(const struct compiler *self, const struct compile_input *in, void **ret_digest,
		  struct err *e)
{
	struct model_digest *d = xcalloc(1, sizeof(*d));
	AUTO_BUF struct buf document = BUF_INIT(BUF_OWN_MAX);
	AUTO(digesting_release)
	struct digesting g = {
		.m = (struct model *)(uintptr_t)self, /* it is the first in it */
		.in = in,
		.d = d,
		.source = model_source_of(in->text, in->sections),
		.rules = BUF_INIT(BUF_OWN_MAX),
	};
	int r = model_add_rules(in, &g.rules, e);

	if (r == 0)
		r = summarise(&g, e);
	if (r == 0) {
		model_add_document(in, d, &document);
		r = plan_pages(&g, buf_str(&document), e);
	}
	if (r == 0)
		r = write_pages(&g, buf_str(&document), e);
	if (r < 0)
		model_digest_free(d);
	else
		*ret_digest = d;
	return r;
}

static void add_points(const struct compile_input *in, const struct model_points *points,
		       struct claims *claims, struct buf *out)
{
	for (size_t i = 0; i < points->n; i++) {
		const struct model_point *p = &points->v[i];
		const char *anchor = in->sections->v[p->section].anchor;

		buf_addf(out, "- %s ([[sources/%s%s%s]])\n", p->text, in->doc_name,
			 *anchor ? "#" : "", anchor);
		claims_add(claims, anchor, p->quote);
	}
}

static void add_outline(const struct compile_input *in, const struct model_digest *d,
			struct buf *out)
{
	const char *before = "";
	size_t lines = 0;

	for (size_t i = 0; i < d->summary_count; i++) {
		const struct section *s = &in->sections->v[i];

		if (!*s->anchor || str_eq(s->anchor, before) || !d->summaries[i])
			continue;
		before = s->anchor;
		buf_adds(out, lines++ == 0 ? "\n## Outline\n\n" : "");
		buf_addf(out, "- [[sources/%s#%s]]", in->doc_name, s->anchor);
		section_add_pages(in->sections, i, out);
		buf_adds(out, ": ");
		link_add_plain(out, bytes_of(d->summaries[i]));
		buf_addc(out, '\n');
	}
}

static void write_summary(const struct compile_input *in, const struct model_digest *d,
			  struct compile_result *out)
{
	AUTO_BUF struct buf body = BUF_INIT(BUF_OWN_MAX);

	out->description = xstrdup(d->description);
	for (size_t i = 0; i < d->summary_count; i++)
		if (d->summaries[i])
			compile_set_outline(out, i, d->summaries[i]);
	buf_adds(&body, "# ");
	link_add_plain(&body, bytes_of(in->title));
	buf_adds(&body, d->points.n ? "\n\n" : "\n");
	add_points(in, &d->points, &out->claims, &body);
	add_outline(in, d, &body);
	out->body = buf_take(&body);
}

static bool is_planned(const struct compile_result *out, enum page_kind kind, const char *slug)
{
	for (size_t i = 0; i < out->edit_count; i++)
		if (out->edits[i].kind == kind && str_eq(out->edits[i].slug, slug))
			return true;
	return false;
}

static const char *type_of(const struct compile_input *in, const struct model_page *page)
{
	AUTO_FREE char *fold = page->type ? uni_fold(bytes_of(page->type)) : NULL;
	const struct strv *types = &in->settings->entity_types;

	for (size_t i = 0; fold && i < types->n; i++)
		if (str_eq(types->v[i], fold))
			return types->v[i];
	return "other";
}

static int add_edit(const struct compile_input *in, const struct model_page *page,
		    struct compile_result *out, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *slug = NULL;
	struct page_edit *edit;
	int r = page->points.n ? model_find_page(kb_db(in->wiki), page, &slug, e) : 0;

	if (r < 0 || page->points.n == 0 || is_planned(out, page->kind, slug))
		return r < 0 ? r : 0;
	edit = compile_add_edit(out);
	*edit = (struct page_edit){
		.kind = page->kind,
		.how = EDIT_BLOCK,
		.slug = TAKE(slug),
		.title = xstrdup(page->title),
		.type = page->kind == PAGE_ENTITY ? xstrdup(type_of(in, page)) : NULL,
		.description = xstrdup(page->description ? page->description : page->title),
	};
	add_points(in, &page->points, &edit->claims, &text);
	edit->text = buf_take(&text);
	return 0;
}

/* In the transaction that adds the document its answers go: they are in the wiki then. */
static int plan(const struct compiler *self, const struct compile_input *in, void *digested,
		struct compile_result *out, struct err *e)
{
	const struct model_digest *d = digested;
	int r = 0;

	(void)self;
	write_summary(in, d, out);
	for (size_t i = 0; r == 0 && i < d->plan.n; i++)
		r = add_edit(in, &d->plan.v[i], out, e);
	for (size_t i = 0; r == 0 && i < d->keys.n; i++)
		r = db_exec(kb_db(in->wiki), e, "DELETE FROM kb_work WHERE key=?1", "t",
			    d->keys.v[i]);
	out->tokens_in = d->tokens_in;
	out->tokens_out = d->tokens_out;
	out->cost_micros = d->cost_micros;
	return r;
}

static void model_free(struct model *m)
{
	llm_free(m->llm);
	root_close(m->root);
	pthread_mutex_destroy(&m->lock);
	free(m->name);
	free(m);
}

static void close_model(const struct compiler *self)
{
	model_free((struct model *)(uintptr_t)self);
}

int model_compiler_new(const struct kb *kb, const atomic_bool *cancel,
		       const struct compiler **ret_compiler, struct err *e)
{
	const struct llm_options options = { .cancel = cancel };
	struct model *m = xcalloc(1, sizeof(*m));
	int r;

	pthread_mutex_init(&m->lock, NULL);
	r = llm_new(&options, &m->llm, e);
	if (r == 0)
		r = kb_open_root(kb_path(kb), false, false, &m->root, e);
	if (r == 0)
		r = model_forget_old(m, e);
	if (r < 0) {
		model_free(m);
		return r;
	}
	m->name = xasprintf("model:%s", llm_model(m->llm));
	m->compiler = (struct compiler){
		.name = m->name,
		.reads_wiki = true,
		.jobs = MODEL_JOBS,
		.attempts = LLM_ATTEMPTS,
		.digest = digest,
		.digest_free = model_digest_free,
		.plan = plan,
		.close = close_model,
	};
	*ret_compiler = &m->compiler;
	return 0;
}
