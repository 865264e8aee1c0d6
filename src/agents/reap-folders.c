/* SPDX-License-Identifier: Apache-2.0 */
/* Folders and rows beside each other. */
#include "agents/reap.h"

#include "agents/known.h"
#include "agents/mirror.h"
#include "agents/record.h"
#include "base/file.h"
#include "base/time.h"
#include "engine/journal.h"

#include <fcntl.h>

/* In one commit, which costs two syncs of the whole disk: a second of work, so that nobody waits long
 * for the write lock. */
#define BATCH_MAX 4000

struct taking {
	struct agents *a;
	struct reap_report *report;
	struct known known;
	struct strv names;  /* of folders in which something has changed */
	struct db *tx;      /* open while something is to be committed */
	struct strv staged; /* of it */
	size_t in_batch;
};

/* Under the lock files are as the rows say, and neither changes. */
static int begin(struct taking *t, struct err *e)
{
	return t->tx ? 0 : journal_begin(agents_root(t->a), &t->tx, e);
}

static int flush(struct taking *t, struct err *e)
{
	int r = 0;

	if (t->tx)
		r = journal_sync(agents_root(t->a), &t->staged, e);
	if (r == 0 && t->tx)
		r = journal_commit(agents_root(t->a), e);
	strv_release(&t->staged);
	t->staged = (struct strv)STRV_INIT;
	if (r == 0)
		t->tx = NULL;
	t->in_batch = 0;
	return r;
}

static void taking_release(struct taking *t)
{
	if (t->tx)
		db_rollback(t->tx);
	strv_release(&t->staged);
	strv_release(&t->names);
	known_release(&t->known);
}

static int put(struct taking *t, struct dispatch *d, struct err *e)
{
	int r = agent_is_terminal(d->status) ? record_capture(t->a, d, e) : 0;

	if (r == 0)
		r = dispatch_save(t->tx, d, e);
	return r < 0 ? r : mirror_put_one_of(t->a, d, &t->staged, e);
}

/* Another tool's, or ours after the database was lost: then it keeps its id. */
static int take_in(struct taking *t, const char *name, struct dispatch *d, struct err *e)
{
	AUTO_DISPATCH struct dispatch known = { 0 };
	char id[UUID_TEXT_MAX];
	int r = *d->id ? dispatch_find(agents_db(t->a), d->id, &known, e) : ERR_NOT_FOUND;

	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	*e = (struct err){ 0 };
	if (r == 0 || !*d->id) {
		uuid_v7(id);
		dispatch_set(&d->id, id);
	}
	dispatch_set(&d->name, name);
	if (!*d->reason)
		dispatch_set(&d->reason, "taken_in");
	d->current = true;
	d->exit_code = -1;
	d->revision = d->revision > 0 ? d->revision : 1;
	d->updated_ms = d->updated_ms ? d->updated_ms : time_now();
	t->report->taken_in++;
	return put(t, d, e);
}

/* 1 when the file tells of a step that may follow what the row says. */
static int may_follow(const struct dispatch *row, const struct dispatch *file,
		      enum agent_event *ret_event)
{
	const struct agent_evidence none = { 0 };

	if (file->status != AGENT_MERGED && file->status != AGENT_REVIEW)
		return 0;
	*ret_event = file->status == AGENT_MERGED ? AGENT_MERGE : AGENT_OFFER;
	return agent_judge(row->status, *ret_event, &none).legal;
}

static int compare(struct taking *t, struct dispatch *row, const struct dispatch *file,
		   struct err *e)
{
	enum agent_event event;
	struct err why = { 0 };
	int stale = mirror_is_stale(t->a, row, &why);

	if (stale < 0) { /* a file that cannot be read costs no other folder its turn */
		strv_addf(&t->report->problems, "%s: %s", row->name, why.msg);
		return 0;
	}
	if (stale == 0)
		return mirror_note(t->a, row->name, e);
	if (file && may_follow(row, file, &event)) {
		struct change c = { .event = event };
		struct agent_verdict verdict;
		int r = flush(t, e);

		c.pr_url = *file->pr_url ? file->pr_url : NULL;
		t->report->taken_over++;
		return r < 0 ? r : change_apply(t->a, row, &c, &verdict, e);
	}
	t->report->mended++;
	return put(t, row, e);
}

static int visit_folder(struct taking *t, const char *name, struct err *e)
{
	AUTO_FREE char *path = agents_file(name, STATUS_FILE);
	AUTO_BUF struct buf text = BUF_INIT(STATUS_BYTES_MAX);
	AUTO_DISPATCH struct dispatch row = { 0 };
	AUTO_DISPATCH struct dispatch file = { 0 };
	struct err why = { 0 };
	int known = dispatch_current(agents_db(t->a), name, &row, e);
	int r = known < 0 ? known
			  : file_read(agents_dirfd(t->a), path, STATUS_BYTES_MAX, &text, &why);

	if (known < 0)
		return known;
	if (r == 0)
		r = mirror_parse(buf_bytes(&text), &file, &why);
	if (known > 0)
		return compare(t, &row, r < 0 ? NULL : &file, e);
	if (r == 0)
		return take_in(t, name, &file, e);
	if (r != ERR_NOT_FOUND) /* cleaned meanwhile */
		strv_addf(&t->report->problems, "%s: %s", name, why.msg);
	return 0;
}

static int visit_all(struct taking *t, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->names.n; i++) {
		r = begin(t, e);
		if (r == 0)
			r = visit_folder(t, t->names.v[i], e);
		if (r == 0 && ++t->in_batch >= BATCH_MAX)
			r = flush(t, e);
	}
	return r < 0 ? r : flush(t, e);
}

static bool is_folder(const struct taking *t, const char *name)
{
	AUTO_FREE char *path = xasprintf(AGENTS_FOLDER "/%s", name);
	struct stat st;

	return fstatat(agents_dirfd(t->a), path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static int walk(struct taking *t, const char *name, unsigned depth, struct err *e);

static void meet(struct taking *t, const char *name, unsigned depth)
{
	struct known_folder *f = known_find(&t->known, name);
	struct err why = { 0 };

	if (f)
		f->met = true;
	if (f && mirror_is_untouched(t->a, name, f->stamp))
		return;
	if (!is_folder(t, name))
		return;
	if (f)
		strv_add(&t->names, name);
	else if (walk(t, name, depth, &why) < 0 && why.code != ERR_NOT_FOUND) /* not removed */
		strv_addf(&t->report->problems, "%s: %s", name, why.msg);
}

/* `name` is "" for the top. A folder that holds work and has no status.json yet is one that another
 * tool is about to begin. */
static int walk(struct taking *t, const char *name, unsigned depth, struct err *e)
{
	AUTO_FREE char *path =
		*name ? xasprintf(AGENTS_FOLDER "/%s", name) : xstrdup(AGENTS_FOLDER);
	AUTO_STRV struct strv names = STRV_INIT;
	int r = dir_names(agents_dirfd(t->a), path, &names, e);

	if (r < 0)
		return r;
	if (*name && strv_has(&names, STATUS_FILE)) {
		strv_add(&t->names, name);
		return 0;
	}
	if (depth == REAP_DEPTH_MAX || (strv_has(&names, "repo") && strv_has(&names, ".meta")))
		return 0;
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *child = xasprintf("%s%s%s", name, *name ? "/" : "", names.v[i]);

		if (names.v[i][0] != '.' && strlen(child) <= DISPATCH_NAME_MAX &&
		    text_is_clean(bytes_of(names.v[i])))
			meet(t, child, depth + 1);
	}
	return 0;
}

/* Rows whose folder is gone, by a person's hand. */
static void add_lost(struct taking *t)
{
	for (size_t i = 0; i < t->known.n; i++)
		if (!t->known.v[i].met)
			strv_add(&t->names, t->known.v[i].name);
}

int reap_take_in(struct agents *a, struct reap_report *report, struct err *e)
{
	AUTO(taking_release) struct taking t = { .a = a, .report = report };
	int r = known_load(a, &t.known, e);

	if (r == 0)
		r = walk(&t, "", 0, e);
	if (r == ERR_NOT_FOUND)
		r = 0;
	if (r < 0)
		return r;
	*e = (struct err){ 0 };
	add_lost(&t);
	return visit_all(&t, e);
}
