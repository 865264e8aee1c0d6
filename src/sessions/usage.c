/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/usage-internal.h"

#include "base/hash.h"
#include "duck/duck.h"
#include "engine/journal.h"
#include "sessions/transcript.h"
#include <fcntl.h>

/* A batch fills a child for a second or two; so many small files fit its statement. */
#define BATCH_FILES 1000
#define BATCH_BYTES ((int64_t)256 << 20)
/* A batch of that size takes seconds; what takes longer hangs. */
#define EXTRACT_MS    ((int64_t)5 * 60 * 1000)
#define STAGED_PREFIX "usage-"

static const char *const migrations[] = {
	"CREATE TABLE usage_extract(number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" path TEXT NOT NULL UNIQUE, version INTEGER NOT NULL)",
	/* What the next build takes out of all extracts. */
	"CREATE TABLE usage_gone(session TEXT PRIMARY KEY) WITHOUT ROWID",
	NULL,
};

const struct db_schema usage_schema = { "usage", migrations };

/* The extracts of the batch at hand, staged. */
struct batch {
	struct strv staged;
};

char *usage_staged_name(const char *what)
{
	char unique[RANDOM_TEXT_MAX];

	random_text(12, unique);
	return xasprintf(STAGED_PREFIX "%s-%s", what, unique);
}

static bool is_not_ours(void *ctx, const char *name, int64_t size, int64_t age_ms)
{
	(void)ctx;
	(void)size;
	(void)age_ms;
	return !str_starts(name, STAGED_PREFIX);
}

/* What a killed run left in staging goes: the run has the lease. */
static int open_run(struct processing *p, struct err *e)
{
	int r = journal_reap(p->root, is_not_ours, NULL, NULL, e);

	if (r == 0)
		p->state = xcalloc(1, sizeof(struct batch));
	return r;
}

/* What no commit took away. */
static void drop_staged(const struct processing *p)
{
	struct batch *b = p->state;
	struct err ignored = { 0 };

	for (size_t i = 0; i < b->staged.n; i++) /* litter at worst, which a start takes away */
		(void)journal_stage_remove(p->root, b->staged.v[i], &ignored);
	strv_release(&b->staged);
}

static void close_run(struct processing *p)
{
	drop_staged(p);
	free(p->state);
}

static int extract(void *ctx, const struct session_source *files, size_t n, struct err *e)
{
	const struct processing *p = ctx;
	struct batch *b = p->state;
	AUTO_STRV struct strv setup = STRV_INIT, texts = STRV_INIT;
	AUTO_FREE char *name = usage_staged_name("extract");
	AUTO_FREE char *path = journal_stage_path(p->root, name);
	AUTO(duck_file_info_release) struct duck_file_info info = { 0 };
	const struct duck_output output = { usage_sql_extract, path };
	const struct duck_transform t = { .setup = &setup,
					  .texts = &texts,
					  .outputs = &output,
					  .output_count = 1,
					  .memory_bytes = USAGE_MEMORY,
					  .deadline_ms = EXTRACT_MS };

	transcript_add(files, n, &setup, &texts);
	strv_add(&b->staged, name);
	return duck_transform(&t, &info, e);
}

static int sync_staged(struct processing *p, struct err *e)
{
	struct batch *b = p->state;
	AUTO_STRV struct strv there = STRV_INIT;

	for (size_t i = 0; i < b->staged.n; i++) {
		AUTO_FREE char *path = journal_stage_path(p->root, b->staged.v[i]);

		if (access(path, F_OK) == 0)
			strv_add(&there, b->staged.v[i]);
	}
	strv_release(&b->staged);
	b->staged = there;
	there = (struct strv)STRV_INIT;
	return journal_sync(p->root, &b->staged, e);
}

static int prepare(struct processing *p, const struct session_source *files, size_t n,
		   struct session_outcome *outcomes, struct err *e)
{
	drop_staged(p);
	transcript_read(files, n, outcomes, extract, p);
	for (size_t i = 0; i < n; i++)
		outcomes[i].items = outcomes[i].error.code == 0;
	return sync_staged(p, e);
}

int usage_add_extract(struct root *root, const char *staged, int version, struct err *e)
{
	AUTO_FREE char *target = xasprintf(USAGE_FOLDER "/%s.parquet", staged);
	int r = db_exec(root_db(root), e, "INSERT INTO usage_extract(path, version) VALUES(?1, ?2)",
			"ti", target, (int64_t)version);

	if (r == 0)
		r = journal_move(root, staged, target, e);
	if (r == ERR_NOT_FOUND) { /* a hub was started, and tidied up */
		e->code = ERR_BUSY;
		return ERR_BUSY;
	}
	return r;
}

static int each_session(struct db *db, const char *sql, const char *session, int before,
			struct err *e)
{
	return before < 0 ? before : db_exec(db, e, sql, "t", session);
}

static int forget(struct processing *p, const struct strv *sessions, struct err *e)
{
	static const char sql[] = "INSERT OR IGNORE INTO usage_gone(session) VALUES(?1)";
	int r = 0;

	for (size_t i = 0; i < sessions->n; i++)
		r = each_session(root_db(p->root), sql, sessions->v[i], r, e);
	return r;
}

static int commit(struct processing *p, const struct session_source *files, size_t n,
		  const struct session_outcome *outcomes, struct err *e)
{
	static const char is_back[] = "DELETE FROM usage_gone WHERE session = ?1";
	const struct batch *b = p->state;
	int r = 0;

	(void)outcomes;
	for (size_t i = 0; i < n; i++)
		r = each_session(root_db(p->root), is_back, files[i].session, r, e);
	for (size_t i = 0; r == 0 && i < b->staged.n; i++)
		r = usage_add_extract(p->root, b->staged.v[i], p->processor->version, e);
	return r;
}

static int finish(struct processing *p, struct err *e)
{
	return usage_build(p->root, p->processor->version, e);
}

const struct processor usage_processor = {
	.name = "usage",
	.version = 2,
	.batch_files = BATCH_FILES,
	.batch_bytes = BATCH_BYTES,
	.open = open_run,
	.forget = forget,
	.prepare = prepare,
	.commit = commit,
	.finish = finish,
	.close = close_run,
};
