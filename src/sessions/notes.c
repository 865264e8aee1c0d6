/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/notes.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/lines.h"
#include "engine/lease.h"
#include "engine/ledger.h"
#include "engine/pipeline.h"
#include "memory/knowledge.h"
#include "sessions/upload.h"

#define SPACE   "corporate-memory"
#define WORKERS 4
/* A model call takes seconds; a run that was killed is taken over after that. */
#define LEASE_MS ((int64_t)10 * 60 * 1000)
/* What the rules of this version found is found again by another one. */
#define RULES_VERSION "rules-1"
#define MODEL_VERSION "model-1"
/* Items of the catalog that a model is shown: some 50,000 tokens. */
#define CATALOG_BYTES ((size_t)200 << 10)

struct source {
	char *path;
	char *email;
	char *sha256;
	bool fresh;
	struct notes notes;
};

struct run {
	const struct notes_options *o;
	struct notes_report *report;
	struct llm *llm; /* NULL: by rules */
	const char *version;
	struct lease *lease;
	struct source *sources;
	size_t n, capacity;
	size_t *fresh; /* indices of what is to be read */
	size_t fresh_count;
	struct buf catalog;
};

void notes_report_release(struct notes_report *report)
{
	strv_release(&report->failures);
	free(report->model);
	*report = (struct notes_report){ 0 };
}

static void run_release(struct run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		free(run->sources[i].path);
		free(run->sources[i].email);
		free(run->sources[i].sha256);
		notes_release(&run->sources[i].notes);
	}
	free(run->sources);
	free(run->fresh);
	buf_release(&run->catalog);
	lease_drop(run->lease);
	llm_free(run->llm);
}

/* "local-md/<email>/CLAUDE.local.md" */
static char *email_of(const char *path)
{
	const char *start = strchr(path, '/');
	const char *end = start ? strchr(start + 1, '/') : NULL;

	return end ? xstrndup(start + 1, (size_t)(end - start - 1)) : NULL;
}

static void add_source(struct run *run, const struct stmt *q)
{
	AUTO_FREE char *email = email_of(stmt_text(q, 0));
	struct source *s;

	if (!email)
		return;
	run->sources = xgrow(run->sources, &run->capacity, run->n + 1, sizeof(*s));
	s = &run->sources[run->n++];
	*s = (struct source){ .path = xstrdup(stmt_text(q, 0)),
			      .sha256 = xstrdup(stmt_text(q, 1)) };
	s->email = TAKE(email);
}

static int list_sources(struct run *run, struct err *e)
{
	static const char sql_list[] =
		"SELECT path, sha256 FROM upload WHERE kind = ?1 ORDER BY path";
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(root_db(run->o->root), &q, e, sql_list, "t",
			 upload_kind_word(UPLOAD_LOCAL_MD));

	while (r >= 0 && (r = stmt_next(q, e)) > 0)
		add_source(run, q);
	run->report->files = (int64_t)run->n;
	for (size_t i = 0; i < run->n; i++)
		run->report->users +=
			i == 0 || !str_eq(run->sources[i].email, run->sources[i - 1].email);
	return r;
}

static char *fingerprint(const struct run *run, const struct source *s)
{
	return xasprintf("%s %s", run->version, s->sha256);
}

static int find_fresh(struct run *run, struct err *e)
{
	int seen = 0;

	run->fresh = xcalloc(run->n + 1, sizeof(*run->fresh));
	for (size_t i = 0; seen >= 0 && i < run->n; i++) {
		AUTO_FREE char *now = fingerprint(run, &run->sources[i]);

		seen = ledger_seen(root_db(run->o->root), SPACE, run->sources[i].path, now, e);
		if (seen == 0)
			run->fresh[run->fresh_count++] = i;
	}
	run->report->changed = (int64_t)run->fresh_count;
	run->report->skipped = run->fresh_count == 0;
	return seen < 0 ? seen : 0;
}

/* What the notes gave before, and what is in force: the newest that fit. */
static int read_catalog(struct run *run, struct err *e)
{
	struct json_out o = json_out(&run->catalog);
	int r;

	json_open(&o, NULL, '[');
	r = knowledge_catalog_add(root_db(run->o->root),
				  &(struct knowledge_catalog){ "claude_local_md", CATALOG_BYTES },
				  &o, e);
	json_close(&o);
	return r;
}

/* The bytes the row speaks of; an upload that came in between is the next run's. */
static int read_notes(const struct run *run, const struct source *s, struct buf *text,
		      struct err *e)
{
	char sha256[HASH_HEX_MAX];
	int r = file_read(root_dirfd(run->o->root), s->path, UPLOAD_LOCAL_MD_MAX, text, e);

	if (r < 0)
		return r;
	hash_text(HASH_SHA256, buf_bytes(text), sha256);
	if (!str_eq(sha256, s->sha256))
		return err_set(e, ERR_CORRUPT, "its bytes are not those that were uploaded");
	return 0;
}

/* On a thread of the pipeline, which has no business in the database. */
static int prepare(void *ctx, void *worker, size_t item, struct err *e)
{
	const struct run *run = ctx;
	struct source *s = &run->sources[run->fresh[item]];
	AUTO_BUF struct buf text = BUF_INIT(UPLOAD_LOCAL_MD_MAX);
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);
	int r = read_notes(run, s, &text, e);

	(void)worker;
	if (r < 0)
		return r;
	text_add_lines(&clean, buf_bytes(&text));
	notes_release(&s->notes);
	if (!run->llm) {
		notes_by_rules(buf_str(&clean), &s->notes);
		return 0;
	}
	return notes_by_model(run->llm, buf_str(&clean), buf_bytes(&run->catalog), &s->notes, e);
}

static int record_note(const struct run *run, const struct source *s, const struct note *note,
		       struct err *e)
{
	const struct knowledge_proposal p = {
		.prefix = "km",
		.known_id = note->known_id,
		.title = note->title,
		.content = note->content,
		.category = "local_notes",
		.domain = note->domain,
		.sensitivity = "internal",
		.source_type = "claude_local_md",
		.source_ref = s->path,
		.source_user = s->email,
		.tags = &note->entities,
		.entities = &note->entities,
		.evidence = { .user = s->email,
			      .ref = s->path,
			      .detection = "claude_local_md",
			      .quote = note->quote,
			      .position = note->line > 0 ? note->line : -1 },
	};
	struct knowledge_outcome outcome;
	int r = knowledge_propose(root_db(run->o->root), NULL, &p, &outcome, e);

	if (r < 0)
		return r;
	run->report->proposed += outcome.is_new;
	run->report->preserved += !outcome.is_new;
	return 0;
}

static int record(struct run *run, const struct source *s, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	AUTO_FREE char *now = fingerprint(run, s);
	const struct notes_report before = *run->report;
	int r = db_begin_tx(root_db(run->o->root), &tx, e);

	if (r == 0)
		r = lease_check(run->lease, e);
	for (size_t i = 0; r == 0 && i < s->notes.n; i++)
		r = record_note(run, s, &s->notes.v[i], e);
	if (r == 0)
		r = ledger_put(tx, SPACE, s->path, now, e);
	if (r == 0)
		r = db_commit(tx, e);
	if (r < 0) {
		*run->report = before;
		return r;
	}
	run->report->extracted += s->notes.extracted;
	run->report->filtered += s->notes.filtered;
	return 0;
}

static void note_failure(struct run *run, const struct source *s, const struct err *why)
{
	run->report->errors++;
	if (run->report->failures.n < NOTES_ERRORS_MAX)
		strv_addf(&run->report->failures, "%s: %s", s->path, why->msg);
}

static int commit(void *ctx, const struct pipeline_result *results, size_t count, struct err *e)
{
	struct run *run = ctx;

	for (size_t i = 0; i < count; i++) {
		const struct source *s = &run->sources[run->fresh[results[i].item]];
		int r = results[i].result;

		if (r == 0)
			r = record(run, s, e);
		else
			*e = results[i].error;
		/* The database's troubles are not this file's. */
		if ((r == ERR_IO || r == ERR_BUSY) && results[i].result == 0)
			return r;
		if (r < 0)
			note_failure(run, s, e);
	}
	return 0;
}

static int work(struct run *run, struct err *e)
{
	const struct pipeline p = {
		.ctx = run,
		.items = run->fresh_count,
		.workers = run->llm ? WORKERS : 1,
		.attempts = run->llm ? LLM_ATTEMPTS : 1,
		.order = PIPELINE_IN_ORDER,
		.cancel = run->o->cancel,
		.prepare = prepare,
		.commit = commit,
	};
	int r = run->llm ? read_catalog(run, e) : 0;

	return r < 0 || p.items == 0 ? r : pipeline_run(&p, e);
}

static int run_open(struct run *run, struct err *e)
{
	int r = 0;

	run->version = RULES_VERSION;
	if (llm_configured()) {
		run->version = MODEL_VERSION;
		r = llm_new(&(struct llm_options){ .cancel = run->o->cancel }, &run->llm, e);
	}
	if (r == 0 && !run->o->dry_run)
		r = lease_take(root_db(run->o->root), "job:" SPACE, LEASE_MS,
			       "larder corporate-memory", &run->lease, e);
	return r == ERR_BUSY ? err_in(e, "corporate memory is already running") : r;
}

int notes_process(const struct notes_options *options, struct notes_report *ret, struct err *e)
{
	AUTO(run_release)
	struct run run = { .o = options, .report = ret, .catalog = BUF_INIT(BUF_OWN_MAX) };
	AUTO_BUF struct buf model = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&model);
	int r = run_open(&run, e);

	if (r == 0)
		r = list_sources(&run, e);
	if (r == 0)
		r = find_fresh(&run, e);
	if (r == 0 && !options->dry_run)
		r = work(&run, e);
	if (r < 0 || !run.llm)
		return r;
	llm_add_totals(run.llm, &o, NULL);
	ret->model = buf_take(&model);
	return 0;
}
