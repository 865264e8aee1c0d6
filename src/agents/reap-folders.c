/* SPDX-License-Identifier: Apache-2.0 */
/* Folders and rows beside each other. */
#include "agents/reap.h"

#include "agents/mirror.h"
#include "agents/record.h"
#include "base/file.h"
#include "base/time.h"
#include "engine/journal.h"

#include <fcntl.h>

/* In one commit: large enough that ten thousand folders are a handful of syncs. */
#define BATCH_MAX 500

struct taking {
	struct agents *a;
	struct reap_report *report;
	struct db *tx;      /* open while something is to be committed */
	struct strv staged; /* of it */
	size_t in_batch;
};

static int begin(struct taking *t, struct err *e)
{
	return t->tx ? 0 : db_begin_tx(agents_db(t->a), &t->tx, e);
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
}

static int put(struct taking *t, struct dispatch *d, struct err *e)
{
	int r = begin(t, e);

	if (r == 0 && agent_is_terminal(d->status))
		r = record_capture(t->a, d, e);
	if (r == 0)
		r = dispatch_save(t->tx, d, e);
	if (r == 0)
		r = mirror_put_one_of(t->a, d, &t->staged, e);
	return r < 0 || ++t->in_batch < BATCH_MAX ? r : flush(t, e);
}

/* Another tool's, or ours after the database was lost: then it keeps its id. */
static int take_in(struct taking *t, const char *name, struct dispatch *d, struct err *e)
{
	AUTO_DISPATCH struct dispatch known = { 0 };
	char id[UUID_TEXT_MAX];
	int r = *d->id ? dispatch_find(agents_db(t->a), d->id, &known, e) : ERR_NOT_FOUND;

	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
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
	int stale = mirror_is_stale(t->a, row, e);

	if (stale <= 0)
		return stale;
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
	strv_addf(&t->report->problems, "%s: %s", name, why.msg);
	return 0;
}

static bool is_folder(const struct taking *t, const char *path)
{
	struct stat st;

	return fstatat(agents_dirfd(t->a), path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* `name` is "" for the top. */
static int walk(struct taking *t, const char *name, unsigned depth, struct err *e)
{
	AUTO_FREE char *path =
		*name ? xasprintf(AGENTS_FOLDER "/%s", name) : xstrdup(AGENTS_FOLDER);
	AUTO_STRV struct strv names = STRV_INIT;
	int r = dir_names(agents_dirfd(t->a), path, &names, e);

	if (r < 0)
		return r;
	if (*name && strv_has(&names, STATUS_FILE))
		return visit_folder(t, name, e);
	for (size_t i = 0; r == 0 && i < names.n && depth < REAP_DEPTH_MAX; i++) {
		AUTO_FREE char *child = xasprintf("%s%s%s", name, *name ? "/" : "", names.v[i]);
		AUTO_FREE char *below = xasprintf(AGENTS_FOLDER "/%s", child);

		if (names.v[i][0] == '.' || strlen(child) > DISPATCH_NAME_MAX ||
		    !text_is_clean(bytes_of(names.v[i])) || !is_folder(t, below))
			continue;
		r = walk(t, child, depth + 1, e);
		if (r == ERR_NOT_FOUND) /* removed meanwhile */
			r = 0;
	}
	return r;
}

/* Rows whose folder lost its status.json, by a person's hand or with the folder. */
static int mend_lost(struct taking *t, struct err *e)
{
	const struct dispatch_filter all = { 0 };
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = dispatch_ids(agents_db(t->a), &all, &ids, e);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		AUTO_DISPATCH struct dispatch d = { 0 };
		AUTO_FREE char *path = NULL;

		r = dispatch_find(agents_db(t->a), ids.v[i], &d, e);
		if (r < 0)
			return r;
		path = agents_file(d.name, STATUS_FILE);
		if (faccessat(agents_dirfd(t->a), path, F_OK, 0) == 0 || t->tx)
			continue;
		r = compare(t, &d, NULL, e);
		if (r == 0)
			r = flush(t, e);
	}
	return r;
}

int reap_take_in(struct agents *a, struct reap_report *report, struct err *e)
{
	AUTO(taking_release) struct taking t = { .a = a, .report = report };
	int r = walk(&t, "", 0, e);

	if (r == ERR_NOT_FOUND)
		r = 0;
	if (r == 0)
		r = flush(&t, e);
	return r < 0 ? r : mend_lost(&t, e);
}
