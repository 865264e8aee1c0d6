/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/add.h"

#include "base/progress.h"
#include "base/time.h"
#include "engine/journal.h"
#include "engine/pipeline.h"
#include "kb/add-internal.h"

#define HASH_FUNCTION HASH_SAX /* the keys are hashes already: the plainest will do */
#include <uthash.h>

static const char *const words[] = {
	[KB_PENDING] = "pending", [KB_ADDED] = "added",   [KB_UPDATED] = "updated",
	[KB_SKIPPED] = "skipped", [KB_FAILED] = "failed",
};

const char *kb_add_outcome_word(enum kb_add_outcome outcome)
{
	return words[outcome];
}

static void item_release(struct kb_add_item *item)
{
	char **texts[] = { &item->input, &item->file,   &item->path,     &item->name,
			   &item->type,  &item->staged, &item->doc_name, &item->raw };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(*texts[i]);
	strv_release(&item->notes);
}

void kb_add_report_release(struct kb_add_report *r)
{
	for (size_t i = 0; i < r->n; i++)
		item_release(&r->items[i]);
	free(r->items);
	*r = (struct kb_add_report){ 0 };
}

struct seen {
	const char *hash;
	const struct kb_add_item *item;
	UT_hash_handle hh;
};

struct batch {
	struct kb *kb;
	const struct kb_add_options *options;
	struct kb_add_report *report;
	const struct compiler *compiler;
	struct preparing how;
	struct progress *progress;
	size_t *todo; /* items, by their place in the pipeline */
	size_t todo_count;
	struct seen *seen;
	struct name_set *names;
};

static void batch_release(struct batch *b)
{
	struct seen *s, *next;

	HASH_ITER(hh, b->seen, s, next)
	{
		HASH_DEL(b->seen, s);
		free(s);
	}
	name_set_free(b->names);
	progress_end(b->progress);
	compile_close(b->compiler);
	turnstile_free(b->how.convert);
	turnstile_free(b->how.digest);
	free(b->todo);
}

static struct kb_add_item *item_at(struct batch *b, size_t i)
{
	return &b->report->items[b->todo[i]];
}

static void collect_pending(struct batch *b)
{
	b->todo_count = 0;
	free(b->todo);
	b->todo = xcalloc(b->report->n + 1, sizeof(*b->todo));
	for (size_t i = 0; i < b->report->n; i++)
		if (b->report->items[i].outcome == KB_PENDING)
			b->todo[b->todo_count++] = i;
}

static unsigned convert_jobs(const struct batch *b)
{
	return kb_jobs(b->kb, b->options->jobs);
}

static int read_one(void *ctx, void *worker, size_t i, struct err *e)
{
	struct batch *b = ctx;

	(void)worker;
	return add_read(b->kb, item_at(b, i), e);
}

/* A file in raw/ that is that of a document, changed there, is that document. */
static int know_raw(struct batch *b, struct kb_add_item *item, struct err *e)
{
	AUTO_FREE char *path = NULL;
	int r = item->raw ? db_get_text(kb_db(b->kb), &path, e,
					"SELECT path FROM kb_doc WHERE raw_path=?1", "t", item->raw)
			  : 0;

	if (r == 0 && path) {
		free(item->path);
		item->path = TAKE(path);
	}
	return r;
}

/* Twice in the batch, or registered: by content. */
static int filter(struct batch *b, struct kb_add_item *item, struct err *e)
{
	AUTO_KB_DOC struct kb_doc known = { 0 };
	struct seen *seen = NULL;
	int r = doc_find(kb_db(b->kb), DOC_BY_HASH, item->hash, &known, e);

	if (r > 0)
		add_skip(item, "its content is known as '%s'", known.doc_name);
	if (r != 0)
		return r < 0 ? r : 0;
	HASH_FIND_STR(b->seen, item->hash, seen);
	if (seen) {
		add_skip(item, "its content is that of '%s'", seen->item->input);
		return 0;
	}
	seen = xcalloc(1, sizeof(*seen));
	seen->hash = item->hash;
	seen->item = item;
	HASH_ADD_KEYPTR(hh, b->seen, seen->hash, SHA256_HEX, seen);
	r = know_raw(b, item, e);
	if (r == 0)
		r = doc_name_for(kb_db(b->kb), b->names, item->path, item->name, &item->doc_name,
				 e);
	if (r == 0)
		name_set_add(b->names, item->doc_name, item->path);
	return r;
}

static int filter_read(void *ctx, const struct pipeline_result *results, size_t count,
		       struct err *e)
{
	struct batch *b = ctx;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		struct kb_add_item *item = item_at(b, results[i].item);

		if (results[i].result < 0)
			add_fail(item, item->file ? "read" : "fetch", &results[i].error);
		else
			r = filter(b, item, e);
	}
	return r;
}

static int prefilter(struct batch *b, struct err *e)
{
	const struct pipeline p = {
		.ctx = b,
		.items = b->todo_count,
		.workers = convert_jobs(b),
		.attempts = 3, /* of a URL that could not be reached */
		.batch = 64,
		.order = PIPELINE_IN_ORDER,
		.cancel = b->options->cancel,
		.prepare = read_one,
		.commit = filter_read,
	};

	return b->todo_count ? pipeline_run(&p, e) : 0;
}

static int prepare_one(void *ctx, void *worker, size_t i, struct err *e)
{
	struct batch *b = ctx;
	struct kb_add_item *item = item_at(b, i);
	int64_t started = time_monotonic();
	int r;

	(void)worker;
	r = add_prepare(b->kb, &b->how, item, e);
	item->ms += time_monotonic() - started;
	return r;
}

/* What was staged and not moved is removed at once; a kill leaves it to the next run. */
static void tidy(struct batch *b, struct kb_add_item *item)
{
	struct prepared *p = item->prepared;
	struct err ignored = { 0 };
	const char *staged[] = { p ? p->raw : NULL, p ? p->source : NULL, item->staged };

	for (size_t i = 0; i < ARRAY_LEN(staged); i++)
		if (staged[i])
			(void)journal_stage_discard(kb_root(b->kb), staged[i], &ignored);
	for (size_t i = 0; p && i < p->converted.image_count; i++)
		(void)journal_stage_discard(kb_root(b->kb), p->converted.images[i].staged,
					    &ignored);
	for (size_t i = 0; p && i < p->converted.warnings.n; i++)
		strv_add(&item->notes, p->converted.warnings.v[i]);
	prepared_free(b->compiler, p);
	item->prepared = NULL;
}

static int commit_one(struct batch *b, const struct pipeline_result *result, struct err *e)
{
	struct kb_add_item *item = item_at(b, result->item);
	int64_t started = time_monotonic();
	int r = 0;

	if (result->result < 0)
		add_fail(item, item->stage, &result->error);
	else
		r = add_commit(b->kb, b->compiler, item, e);
	item->ms += time_monotonic() - started;
	tidy(b, item);
	progress_step(b->progress, item->input, item->outcome != KB_FAILED);
	return r;
}

static int commit(void *ctx, const struct pipeline_result *results, size_t count, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = commit_one(ctx, &results[i], e);
	return r;
}

/* 0 when a digest is work for a processor like a conversion. */
static unsigned digest_jobs(const struct batch *b)
{
	if (b->compiler->jobs == 0 || b->options->jobs || kb_settings(b->kb)->jobs)
		return b->compiler->jobs ? convert_jobs(b) : 0;
	return b->compiler->jobs;
}

/* While some documents wait for answers, others are converted. */
static void open_turnstiles(struct batch *b)
{
	unsigned digests = digest_jobs(b);

	b->how.compiler = b->compiler;
	if (digests == 0)
		return;
	b->how.convert = turnstile_new(convert_jobs(b), b->options->cancel);
	b->how.digest = turnstile_new(digests, b->options->cancel);
}

static int run(struct batch *b, struct err *e)
{
	size_t most = convert_jobs(b) > digest_jobs(b) ? convert_jobs(b) : digest_jobs(b);
	unsigned workers = convert_jobs(b) + digest_jobs(b);
	const struct pipeline p = {
		.ctx = b,
		.items = b->todo_count,
		.workers = workers,
		.attempts = b->compiler->attempts,
		/* Whole documents are held; so many that a round of them can wait for its commits while
		 * the next one is under way. */
		.window = workers + most,
		.order = PIPELINE_IN_ORDER,
		.cancel = b->options->cancel,
		.prepare = prepare_one,
		.commit = commit,
	};

	if (b->todo_count == 0)
		return 0;
	open_turnstiles(b);
	b->progress = progress_begin("kb add", 0, b->todo_count, b->options->quiet);
	return pipeline_run(&p, e);
}

static void sum_up(struct kb_add_report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct kb_add_item *item = &r->items[i];

		r->added += item->outcome == KB_ADDED;
		r->updated += item->outcome == KB_UPDATED;
		r->skipped += item->outcome == KB_SKIPPED;
		r->failed += item->outcome == KB_FAILED;
		r->tokens_in += item->tokens_in;
		r->tokens_out += item->tokens_out;
		r->cost_micros += item->cost_micros;
	}
}

/* A run that was cut short: what was prepared and is not committed goes. */
static void tidy_rest(struct batch *b)
{
	for (size_t i = 0; i < b->report->n; i++)
		tidy(b, &b->report->items[i]);
}

static int run_items(struct batch *b, struct err *e)
{
	int r = 0;

	collect_pending(b);
	if (!b->options->dry_run)
		r = run(b, e);
	tidy_rest(b);
	sum_up(b->report);
	return r;
}

static int choose_compiler(struct batch *b, struct err *e)
{
	const struct compile_choice choice = { b->options->extractive, b->options->cancel };

	return compile_choose(b->kb, &choice, &b->compiler, e);
}

int add_run_items(struct kb *kb, const struct kb_add_options *options, struct kb_add_report *report,
		  struct err *e)
{
	AUTO(batch_release)
	struct batch b = {
		.kb = kb,
		.options = options,
		.report = report,
	};
	int r = choose_compiler(&b, e);

	return r < 0 ? r : run_items(&b, e);
}

int kb_add(struct kb *kb, const struct kb_add_options *options, struct kb_add_report *report,
	   struct err *e)
{
	int64_t started = time_monotonic();
	AUTO(batch_release)
	struct batch b = {
		.kb = kb,
		.options = options,
		.report = report,
		.names = name_set_new(),
	};
	int r = choose_compiler(&b, e);

	if (r < 0)
		return r;
	r = add_scan(kb, options, report, e);

	if (r == 0) {
		collect_pending(&b);
		r = prefilter(&b, e);
	}
	if (r == 0) {
		r = run_items(&b, e);
	} else {
		tidy_rest(&b);
		sum_up(report);
	}
	report->duration_ms = time_monotonic() - started;
	return r;
}
