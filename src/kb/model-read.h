/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model answered, made into statements that stand in the document. Its JSON is foreign: of
 * the schema in form, any text in content.
 *
 *	AUTO(model_source_release) struct model_source s = model_source_of(text, sections);
 *	model_read_points(&s, json_get(answer, "points"), max, &points);
 *	model_read_plan(answer, &plan);
 *
 * A point is kept when its quote stands in the section it names, or in another one, which is then
 * its section. Texts are cleaned: one line, and of links only those to concepts and entities.
 * Pure; no state beside the source's.
 */
#ifndef LARDER_KB_MODEL_READ_H
#define LARDER_KB_MODEL_READ_H

#include "base/json.h"
#include "kb/page.h"
#include "kb/section.h"

/* Letters of a quote: fewer stand in any text. */
#define MODEL_QUOTE_MIN 8
/* Bytes of what is kept of one statement; the schemas ask for less. */
#define MODEL_TEXT_MAX 1200

struct model_source {
	struct bytes text;
	const struct sections *sections;
	char **words; /* of each section, made when first looked at */
};
struct model_source model_source_of(struct bytes text, const struct sections *sections);
void model_source_release(struct model_source *s);

struct model_point {
	char *text, *quote;
	size_t section;
};
struct model_points {
	struct model_point *v;
	size_t n;
	size_t capacity;
};
void model_points_release(struct model_points *p);
/* Adds at most `max`. */
void model_read_points(struct model_source *s, const struct json *points, size_t max,
		       struct model_points *out);

struct model_page {
	enum page_kind kind;
	char *link; /* "concepts/wal" when the model means one it saw; else NULL */
	char *title, *type, *description;
	struct model_points points;
};
struct model_plan {
	struct model_page *v;
	size_t n;
	size_t capacity;
};
void model_plan_release(struct model_plan *p);
void model_read_plan(const struct json *answer, size_t max, struct model_plan *out);

/* One clean line of at most `max` bytes; NULL when nothing is left. The caller's. */
char *model_line(const char *text, size_t max);

#endif
