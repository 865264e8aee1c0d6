/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model answers: statements and planned pages, read against a document. What is kept must have
 * its quote in the section it names, be one line, and link to pages only.
 */
#include "kb/links.h"
#include "kb/model-read.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char document[] =
	"# Storage\n\nThe write-ahead log records every change first.\n\n## Recovery\n\n"
	"After a crash the *log* is replayed. Prüfsummen schützen jeden Satz. 检查点将页面复制到数据库文件中。\n";

static void check_line(const char *text)
{
	if (!text || !*text || strchr(text, '\n') || !text_is_clean(bytes_of(text)))
		abort();
}

static void check_points(const struct model_points *points, const struct sections *s)
{
	for (size_t i = 0; i < points->n; i++) {
		struct link_scan scan = link_scan(bytes_of(points->v[i].text));
		struct wiki_link link;

		check_line(points->v[i].text);
		check_line(points->v[i].quote);
		if (points->v[i].section >= s->n)
			abort();
		while (link_next(&scan, &link)) {
			AUTO_FREE char *target = link_target(&link);

			if (!str_starts(target, "concepts/") && !str_starts(target, "entities/"))
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_SECTIONS struct sections s = { 0 };
	AUTO(model_source_release) struct model_source source = { 0 };
	AUTO(model_points_release) struct model_points points = { 0 };
	AUTO(model_plan_release) struct model_plan plan = { 0 };
	AUTO_JSON struct json *json = NULL;
	struct err e = { 0 };

	if (json_parse((struct bytes){ (const char *)p, n }, (size_t)1 << 20, &json, &e) < 0)
		return 0;
	sections_of(bytes_of(document), "Storage", &s);
	source = model_source_of(bytes_of(document), &s);
	model_read_points(&source, json_get(json, "points"), 12, &points);
	check_points(&points, &s);
	model_read_plan(json, 12, &plan);
	for (size_t i = 0; i < plan.n; i++) {
		check_line(plan.v[i].title);
		if (plan.v[i].link && strlen(plan.v[i].link) <= strlen("concepts/"))
			abort();
	}
	return 0;
}
