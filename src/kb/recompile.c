/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/recompile.h"

#include "base/time.h"
#include "kb/add-internal.h"
#include "kb/change.h"

#include <fcntl.h>

static void add_item(const struct kb *kb, struct kb_add_report *report, const struct kb_doc *d)
{
	struct kb_add_item *item;

	report->items =
		xgrow(report->items, &report->capacity, report->n + 1, sizeof(*report->items));
	item = &report->items[report->n++];
	*item = (struct kb_add_item){
		.input = xstrdup(d->doc_name),
		.file = xasprintf("%s/%s", kb_path(kb), d->raw_path ? d->raw_path : ""),
		.path = xstrdup(d->path       ? d->path
				: d->raw_path ? d->raw_path
					      : d->name),
		.name = xstrdup(d->name),
		.type = convert_type_of(d->raw_path ? d->raw_path : d->name),
		.doc_name = xstrdup(d->doc_name),
		.recompile = d->id,
	};
	memcpy(item->hash, d->hash, sizeof(item->hash));
}

struct listing {
	const struct kb *kb;
	struct kb_add_report *report;
};

static int visit(void *ctx, const struct kb_doc *d, struct err *e)
{
	struct listing *l = ctx;

	(void)e;
	add_item(l->kb, l->report, d);
	return 0;
}

static int collect(struct kb *kb, const char *document, struct kb_add_report *report, struct err *e)
{
	struct listing l = { kb, report };
	AUTO_KB_DOC struct kb_doc doc = { 0 };
	int r;

	if (!document)
		return doc_visit(kb_db(kb), visit, &l, e);
	r = doc_resolve(kb_db(kb), document, &doc, e);
	if (r == 0)
		add_item(kb, report, &doc);
	return r;
}

/* What a person wrote there is kept beside it. */
static int refresh_schema(struct kb *kb, struct err *e)
{
	AUTO_CHANGE struct change *c = NULL;
	struct bytes old, today = bytes_of(kb_schema_page());
	int r = change_begin(kb, &c, e);

	if (r == 0)
		r = change_read(c, "AGENTS.md", &old, e);
	if (r < 0 || bytes_equal(old, today))
		return r;
	r = change_set(c, "AGENTS.md.bak", old, e);
	if (r == 0)
		r = change_set(c, "AGENTS.md", today, e);
	if (r == 0)
		r = change_commit(c, e);
	return r == 1 ? err_set(e, ERR_BUSY, "AGENTS.md was saved by another meanwhile") : r;
}

int kb_recompile(struct kb *kb, const struct kb_recompile_options *options,
		 struct kb_add_report *report, struct err *e)
{
	const struct kb_add_options how = {
		.jobs = options->jobs,
		.dry_run = options->dry_run,
		.extractive = options->extractive,
		.quiet = options->quiet,
		.cancel = options->cancel,
	};
	int64_t started = time_monotonic();
	int r = collect(kb, options->document, report, e);

	if (r == 0 && options->refresh_schema && !options->dry_run)
		r = refresh_schema(kb, e);
	if (r == 0)
		r = add_run_items(kb, &how, report, e);
	report->duration_ms = time_monotonic() - started;
	return r;
}
