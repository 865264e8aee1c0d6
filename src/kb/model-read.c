/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/model-read.h"

#include "kb/links.h"
#include "kb/unicode.h"

#define TITLE_MAX 160
#define TYPE_MAX  60
#define QUOTE_MAX 800

struct model_source model_source_of(struct bytes text, const struct sections *sections)
{
	return (struct model_source){
		.text = text,
		.sections = sections,
		.words = xcalloc(sections->n + 1, sizeof(char *)),
	};
}

void model_source_release(struct model_source *s)
{
	for (size_t i = 0; s->words && i < s->sections->n; i++)
		free(s->words[i]);
	free(s->words);
	*s = (struct model_source){ 0 };
}

void model_points_release(struct model_points *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].text);
		free(p->v[i].quote);
	}
	free(p->v);
	*p = (struct model_points){ 0 };
}

void model_plan_release(struct model_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].link);
		free(p->v[i].title);
		free(p->v[i].type);
		free(p->v[i].description);
		model_points_release(&p->v[i].points);
	}
	free(p->v);
	*p = (struct model_plan){ 0 };
}

char *model_line(const char *text, size_t max)
{
	AUTO_BUF struct buf line = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf tame = BUF_INIT(BUF_OWN_MAX);
	size_t n = text ? strnlen(text, max + 1) : 0;

	for (size_t i = 0; i < n; i++) {
		bool blank = (unsigned char)text[i] <= ' ';

		if (blank && (line.n == 0 || line.p[line.n - 1] == ' '))
			continue;
		buf_addc(&line, blank ? ' ' : text[i]);
	}
	while (line.n > 0 && (line.n > max || ((unsigned char)line.p[line.n] & 0xc0) == 0x80))
		line.p[--line.n] = '\0';
	while (line.n > 0 && line.p[line.n - 1] == ' ')
		line.p[--line.n] = '\0';
	if (line.n == 0)
		return NULL;
	text_add_clean(&clean, buf_bytes(&line));
	link_add_tame(&tame, buf_bytes(&clean));
	return tame.n ? buf_take(&tame) : NULL;
}

/* Pages may be linked to. A citation is ours to make, from what was checked. */
static enum link_fate keep_pages(void *ctx, const char *target, char **ret_target)
{
	(void)ctx;
	(void)ret_target;
	return str_starts(target, "concepts/") || str_starts(target, "entities/") ? LINK_KEEP
										  : LINK_DROP;
}

static char *statement(const char *text)
{
	AUTO_FREE char *line = model_line(text, MODEL_TEXT_MAX);
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (!line)
		return NULL;
	(void)link_rewrite(bytes_of(line), keep_pages, NULL, &out);
	return out.n ? buf_take(&out) : NULL;
}

static const char *words_of(struct model_source *s, size_t i)
{
	const struct section *section = &s->sections->v[i];
	AUTO_FREE char *plain = NULL;

	if (!s->words[i]) {
		plain = section_plain((struct bytes){ s->text.p + section->at, section->n });
		s->words[i] = uni_letters(bytes_of(plain));
	}
	return s->words[i];
}

/* Where the quote stands: first where it is said to. */
static bool find_quote(struct model_source *s, const char *quote, int64_t named, size_t *ret)
{
	AUTO_FREE char *plain = section_plain(bytes_of(quote));
	AUTO_FREE char *words = uni_letters(bytes_of(plain));

	if (strlen(words) < MODEL_QUOTE_MIN)
		return false;
	if (named >= 0 && (size_t)named < s->sections->n &&
	    strstr(words_of(s, (size_t)named), words)) {
		*ret = (size_t)named;
		return true;
	}
	for (size_t i = 0; i < s->sections->n; i++) {
		if (strstr(words_of(s, i), words)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

void model_read_points(struct model_source *s, const struct json *points, size_t max,
		       struct model_points *out)
{
	size_t taken = 0;

	for (size_t i = 0; i < json_size(points) && taken < max; i++) {
		const struct json *point = json_at(points, i);
		AUTO_FREE char *text = statement(json_text(json_get(point, "text")));
		AUTO_FREE char *quote = model_line(json_text(json_get(point, "quote")), QUOTE_MAX);
		size_t section = 0;

		if (!text || !quote ||
		    !find_quote(s, quote, json_int(json_get(point, "section"), -1), &section))
			continue;
		out->v = xgrow(out->v, &out->capacity, out->n + 1, sizeof(*out->v));
		out->v[out->n++] = (struct model_point){ TAKE(text), TAKE(quote), section };
		taken++;
	}
}

/* A title is a heading and becomes a file's name: no link, no mark of Markdown in it. */
static char *title_of(const struct json *page)
{
	AUTO_FREE char *line = model_line(json_text(json_get(page, "title")), TITLE_MAX);
	AUTO_FREE char *plain = line ? section_plain(bytes_of(line)) : NULL;
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);

	if (!plain || !*plain)
		return NULL;
	link_add_plain(&out, bytes_of(plain));
	return buf_take(&out);
}

static bool is_twice(const struct model_plan *plan, const struct model_page *page)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct model_page *other = &plan->v[i];

		if (other->kind == page->kind &&
		    (str_eq(other->title, page->title) ||
		     (page->link && other->link && str_eq(page->link, other->link))))
			return true;
	}
	return false;
}

static void page_release(struct model_page *page)
{
	free(page->link);
	free(page->title);
	free(page->type);
	free(page->description);
}

/* Whether a page of that link is there is looked up by who has the wiki. */
static bool is_link(const char *link)
{
	return link && (str_starts(link, "concepts/") || str_starts(link, "entities/")) &&
	       strlen(link) < LINK_BYTES_MAX && link[strlen("concepts/")];
}

void model_read_plan(const struct json *answer, size_t max, struct model_plan *out)
{
	const struct json *pages = json_get(answer, "pages");

	for (size_t i = 0; i < json_size(pages) && out->n < max; i++) {
		const struct json *p = json_at(pages, i);
		const char *kind = json_text(json_get(p, "kind"));
		const char *link = json_text(json_get(p, "page"));
		bool is_page = is_link(link);
		AUTO(page_release)
		struct model_page page = {
			.kind = kind && str_eq(kind, "entity") ? PAGE_ENTITY : PAGE_CONCEPT,
			.link = is_page ? xstrdup(link) : NULL,
			.title = title_of(p),
			.type = model_line(json_text(json_get(p, "type")), TYPE_MAX),
			.description = model_line(json_text(json_get(p, "description")), 96),
		};

		if (is_page)
			page.kind = str_starts(link, "entities/") ? PAGE_ENTITY : PAGE_CONCEPT;
		if (!page.title || is_twice(out, &page))
			continue;
		out->v = xgrow(out->v, &out->capacity, out->n + 1, sizeof(*out->v));
		out->v[out->n++] = page;
		page = (struct model_page){ 0 };
	}
}
