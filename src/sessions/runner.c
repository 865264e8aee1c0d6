/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/runner.h"

#include "base/time.h"
#include "engine/journal.h"
#include "engine/lease.h"
#include "sessions/state.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Longer than any batch takes; a holder that died on this machine is found dead before. */
#define LEASE_MS ((int64_t)20 * 60 * 1000)

struct candidate {
	char *session;
	char *sha256; /* of the last time; NULL unless the verdict is in doubt */
	int64_t attempts;
	bool is_racy; /* in doubt only because it was read so soon after it was written */
};

struct candidates {
	struct candidate *v;
	size_t n, capacity;
};

static void candidates_release(struct candidates *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].session);
		free(c->v[i].sha256);
	}
	free(c->v);
}

/* A file that was read and hashed. */
struct item {
	struct candidate *candidate; /* lent */
	char *path, *email;
	char sha256[HASH_HEX_MAX];
	struct session_mark mark;
};

struct run {
	const struct process_options *o;
	struct process_report *report;
	struct lease *lease;
	struct processing processing;
	struct candidates fresh, retries;
	struct strv gone;
	int64_t started;
	int64_t tried;

	/* The batch at hand. */
	struct item *items;
	struct session_source *sources;
	struct session_outcome *outcomes;
	size_t n, capacity;
	int64_t bytes;
};

void process_report_release(struct process_report *report)
{
	for (size_t i = 0; i < report->failure_count; i++) {
		free(report->failures[i].session);
		free(report->failures[i].error);
	}
	free(report->failures);
	free(report->told);
	*report = (struct process_report){ 0 };
}

static void batch_clear(struct run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		free(run->items[i].path);
		free(run->items[i].email);
	}
	run->n = 0;
	run->bytes = 0;
}

static void run_release(struct run *run)
{
	batch_clear(run);
	free(run->items);
	free(run->sources);
	free(run->outcomes);
	candidates_release(&run->fresh);
	candidates_release(&run->retries);
	strv_release(&run->gone);
	lease_drop(run->lease);
}

struct looking {
	struct run *run;
	struct session_cursor cursor;
	int64_t now;
};

static void add_candidate(struct candidates *c, const struct session_stat *s,
			  const struct session_row *row, enum session_verdict verdict)
{
	c->v = xgrow(c->v, &c->capacity, c->n + 1, sizeof(*c->v));
	c->v[c->n++] = (struct candidate){
		.session = xstrdup(s->session),
		.sha256 = verdict == SESSION_DOUBT ? xstrdup(row->sha256) : NULL,
		.attempts = verdict == SESSION_RETRY ? row->attempts : 0,
		.is_racy = verdict == SESSION_DOUBT && row->mtime_ns == s->mtime_ns,
	};
}

static int look_at(void *ctx, const struct session_stat *s, struct err *e)
{
	struct looking *l = ctx;
	struct run *run = l->run;
	const struct session_row *row = NULL;
	enum session_verdict verdict;

	if (session_cursor_find(&l->cursor, s->session, &row, e) < 0)
		return e->code;
	verdict = session_judge(s, row, run->o->processor->version, l->now);
	if (verdict == SESSION_WAITING)
		run->report->waiting++;
	else if (verdict == SESSION_ASIDE)
		run->report->aside++;
	else if (verdict == SESSION_RETRY)
		add_candidate(&run->retries, s, row, verdict);
	else if (verdict != SESSION_STABLE)
		add_candidate(&run->fresh, s, row, verdict);
	return 0;
}

static int scan(struct run *run, struct err *e)
{
	struct looking l = { .run = run, .now = time_now() };
	struct root *root = run->o->root;
	int r = session_cursor_open(&l.cursor, root_db(root), run->o->processor->name, e);

	if (faccessat(root_dirfd(root), SESSIONS_FOLDER, F_OK, 0) == 0)
		l.cursor.gone = &run->gone;
	if (r == 0)
		r = sessions_walk(root_dirfd(root), look_at, &l, e);
	if (r == 0)
		r = session_cursor_rest(&l.cursor, e);
	session_cursor_close(&l.cursor);
	return r;
}

static void note_failure(struct run *run, const char *session, const struct err *why)
{
	struct process_report *p = run->report;

	p->errors++;
	if (p->failure_count >= PROCESS_ERRORS_MAX)
		return;
	p->failures = xgrow(p->failures, &p->failure_capacity, p->failure_count + 1,
			    sizeof(*p->failures));
	p->failures[p->failure_count++] =
		(struct process_failure){ xstrdup(session), xstrdup(why->msg) };
}

/* The time is taken before the first byte, and size and time of change are those of before it: what
 * is written from here on is seen by the next run. */
static int read_hash(struct item *item, int dirfd, struct err *e)
{
	AUTO_FREE char *path = xasprintf(SESSIONS_FOLDER "/%s", item->candidate->session);
	AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	item->mark.read_ms = time_now();
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "it is gone");
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open '%s'", path);
	item->mark.size = st.st_size;
	item->mark.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (sha256_fd(fd, item->sha256, NULL, e) < 0)
		return err_in(e, "read '%s'", path);
	return 0;
}

static struct item *batch_add(struct run *run, struct candidate *c)
{
	const char *slash = strchr(c->session, '/');
	size_t unused = run->capacity;
	struct item *item;

	if (run->n == run->capacity) {
		run->items = xgrow(run->items, &run->capacity, run->n + 1, sizeof(*run->items));
		run->sources = xgrow(run->sources, &unused, run->capacity, sizeof(*run->sources));
		run->outcomes = xrealloc(run->outcomes, run->capacity * sizeof(*run->outcomes));
	}
	item = &run->items[run->n];
	*item = (struct item){
		.candidate = c,
		.path = xasprintf("%s/" SESSIONS_FOLDER "/%s", root_path(run->o->root), c->session),
		.email = xstrndup(c->session, slash ? (size_t)(slash - c->session) : 0),
		.mark = { .processor = run->o->processor->name,
			  .version = run->o->processor->version,
			  .session = c->session,
			  .attempts = c->attempts },
	};
	run->outcomes[run->n] = (struct session_outcome){ 0 };
	run->n++;
	return item;
}

static void batch_drop_last(struct run *run)
{
	run->n--;
	free(run->items[run->n].path);
	free(run->items[run->n].email);
}

static int mark_same(struct run *run, const struct session_mark *mark, struct err *e)
{
	struct db *db = root_db(run->o->root);
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_lazy(db, e); /* lost with the power, it is hashed once more */

	if (r < 0)
		return r;
	tx = db;
	r = session_mark_same(tx, mark, e);
	return r < 0 ? r : db_commit(db, e);
}

/* Into the batch, or not: gone, or as it was. */
static int take_in(struct run *run, struct candidate *c, struct err *e)
{
	struct item *item = batch_add(run, c);
	struct err why = { 0 };
	int r = read_hash(item, root_dirfd(run->o->root), &why);

	if (r == ERR_NOT_FOUND) {
		batch_drop_last(run);
		return 0;
	}
	item->mark.sha256 = item->sha256;
	if (r == 0 && c->sha256 && str_eq(c->sha256, item->sha256)) {
		run->report->scanned += !c->is_racy;
		run->report->skipped += !c->is_racy;
		r = mark_same(run, &item->mark, e);
		batch_drop_last(run);
		return r;
	}
	run->report->scanned++;
	run->tried++;
	run->bytes += item->mark.size;
	run->outcomes[run->n - 1].error = why;
	return 0;
}

static void prepare(struct run *run)
{
	const struct processor *p = run->o->processor;
	struct err why = { 0 };

	for (size_t i = 0; i < run->n; i++) {
		const struct item *item = &run->items[i];

		run->sources[i] = (struct session_source){
			.session = item->mark.session,
			.email = item->email,
			.name = item->mark.session + strlen(item->email) + 1,
			.path = item->path,
			.sha256 = item->sha256,
			.size = item->mark.size,
			.read_ms = item->mark.read_ms,
		};
	}
	if (p->prepare(&run->processing, run->sources, run->n, run->outcomes, &why) == 0)
		return;
	for (size_t i = 0; i < run->n; i++)
		if (run->outcomes[i].error.code == 0)
			run->outcomes[i].error = why;
}

static int mark(struct run *run, struct err *e)
{
	struct db *db = root_db(run->o->root);
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->n; i++) {
		struct session_mark *m = &run->items[i].mark;
		const struct session_outcome *outcome = &run->outcomes[i];

		m->sha256 = run->items[i].sha256; /* the array has moved since */
		m->items = outcome->items;
		r = outcome->error.code == 0 ? session_mark_done(db, m, e)
					     : session_mark_failed(db, m, &outcome->error, e);
	}
	return r;
}

typedef int (*commit_fn)(struct processing *p, const struct session_source *files, size_t n,
			 const struct session_outcome *outcomes, struct err *e);

/* *ret_theirs: the processor refused, not the database. */
static int commit_with(struct run *run, commit_fn record, bool *ret_theirs, struct err *e)
{
	struct root *root = run->o->root;
	AUTO_TX struct db *tx = NULL;
	int r = db_begin_tx(root_db(root), &tx, e);

	if (r == 0)
		r = lease_check(run->lease, e);
	if (r == 0 && record) {
		r = record(&run->processing, run->sources, run->n, run->outcomes, e);
		*ret_theirs = r < 0 && r != ERR_IO && r != ERR_BUSY;
	}
	if (r == 0)
		r = mark(run, e);
	return r < 0 ? r : journal_commit(root, e);
}

static int commit(struct run *run, struct err *e)
{
	bool theirs = false;
	int r = commit_with(run, run->o->processor->commit, &theirs, e);

	if (r == 0 || !theirs)
		return r;
	for (size_t i = 0; i < run->n; i++)
		if (run->outcomes[i].error.code == 0)
			run->outcomes[i].error = *e;
	return commit_with(run, NULL, &theirs, e);
}

static void count(struct run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		const struct session_outcome *outcome = &run->outcomes[i];

		run->report->bytes += run->items[i].mark.size;
		if (outcome->error.code < 0) {
			note_failure(run, run->items[i].mark.session, &outcome->error);
			continue;
		}
		run->report->processed++;
		run->report->items += outcome->items;
	}
	if (run->o->on_progress)
		run->o->on_progress(run->o->ctx, run->bytes);
}

static int finish_batch(struct run *run, struct err *e)
{
	int r = 0;

	if (run->n > 0) {
		prepare(run);
		r = commit(run, e);
	}
	if (r == 0)
		count(run);
	batch_clear(run);
	return r;
}

static bool is_spent(const struct run *run)
{
	const struct process_options *o = run->o;

	return (o->cancel && atomic_load(o->cancel)) || (o->limit > 0 && run->tried >= o->limit) ||
	       (o->budget_ms > 0 && time_monotonic() - run->started >= o->budget_ms);
}

static bool is_full(const struct run *run)
{
	const struct processor *p = run->o->processor;

	return run->n >= (p->batch_files ? p->batch_files : 1) ||
	       (p->batch_bytes > 0 && run->bytes >= p->batch_bytes);
}

static int work_through(struct run *run, struct candidates *c, struct err *e)
{
	size_t i = 0;
	int r = 0;

	for (; r == 0 && i < c->n && !is_spent(run); i++) {
		r = take_in(run, &c->v[i], e);
		if (r == 0 && is_full(run))
			r = finish_batch(run, e);
	}
	if (r == 0)
		r = finish_batch(run, e);
	run->report->capped += (int64_t)(c->n - i);
	return r;
}

static int forget(struct run *run, struct err *e)
{
	const struct processor *p = run->o->processor;
	struct root *root = run->o->root;
	AUTO_TX struct db *tx = NULL;
	int r = run->gone.n > 0 ? db_begin_tx(root_db(root), &tx, e) : 0;

	if (r < 0 || !tx)
		return r;
	r = lease_check(run->lease, e);
	if (r == 0 && p->forget)
		r = p->forget(&run->processing, &run->gone, e);
	for (size_t i = 0; r == 0 && i < run->gone.n; i++)
		r = session_forget(tx, p->name, run->gone.v[i], e);
	run->report->forgotten = (int64_t)run->gone.n;
	return r < 0 ? r : journal_commit(root, e);
}

static void listen(struct run *run)
{
	struct buf told = BUF_INIT(BUF_OWN_MAX);
	struct json_out o = json_out(&told);

	json_open(&o, NULL, '{');
	run->o->processor->tell(&run->processing, &o);
	json_close(&o);
	run->report->told = buf_take(&told);
}

static int process(struct run *run, struct err *e)
{
	const struct processor *p = run->o->processor;
	int r = p->open ? p->open(&run->processing, e) : 0;

	if (r < 0)
		return r;
	r = forget(run, e);
	if (r == 0)
		r = work_through(run, &run->fresh, e);
	if (r == 0)
		r = work_through(run, &run->retries, e);
	if (r == 0 && p->finish && !(run->o->cancel && atomic_load(run->o->cancel)))
		r = p->finish(&run->processing, e);
	if (p->tell)
		listen(run);
	if (p->close)
		p->close(&run->processing);
	return r;
}

static int take_lease(struct run *run, struct err *e)
{
	AUTO_FREE char *name = xasprintf("process:%s", run->o->processor->name);
	AUTO_FREE char *holder = xasprintf("larder process %s", run->o->processor->name);
	int r = lease_take(root_db(run->o->root), name, LEASE_MS, holder, &run->lease, e);

	return r == ERR_BUSY
		       ? err_in(e, "the processor '%s' is already running", run->o->processor->name)
		       : r;
}

int process_run(const struct process_options *options, struct process_report *ret_report,
		struct err *e)
{
	AUTO(run_release) struct run run = { .o = options, .report = ret_report };
	int r = 0;

	run.started = time_monotonic();
	run.processing =
		(struct processing){ .root = options->root, .processor = options->processor };
	if (!options->dry_run)
		r = take_lease(&run, e);
	if (r == 0)
		r = scan(&run, e);
	if (r == 0 && options->dry_run)
		ret_report->scanned = (int64_t)(run.fresh.n + run.retries.n);
	else if (r == 0)
		r = process(&run, e);
	ret_report->duration_ms = time_monotonic() - run.started;
	return r;
}
