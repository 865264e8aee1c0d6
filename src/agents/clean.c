/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/clean.h"

#include "agents/mirror.h"
#include "agents/record.h"
#include "base/file.h"
#include "base/time.h"
#include "engine/ledger.h"

/* Folders that go, until they have gone. */
#define SPACE "agents.remove"

void clean_report_release(struct clean_report *report)
{
	strv_release(&report->removed);
	strv_release(&report->kept);
}

static int add_key(void *ctx, const char *key, const char *fingerprint, int64_t at, struct err *e)
{
	(void)fingerprint, (void)at, (void)e;
	strv_add(ctx, key);
	return 0;
}

static int remove_now(struct agents *a, const char *name, struct err *e)
{
	AUTO_FREE char *folder = xasprintf(AGENTS_FOLDER "/%s", name);
	AUTO_TX struct db *tx = NULL;
	int r = tree_remove(agents_dirfd(a), folder, e);

	if (r == 0)
		r = db_begin_lazy(agents_db(a), e);
	if (r < 0)
		return r;
	tx = agents_db(a);
	r = ledger_forget(tx, SPACE, name, e);
	if (r == 0)
		r = mirror_forget(a, name, e);
	return r < 0 ? r : db_commit(tx, e);
}

int clean_finish(struct agents *a, const char *name, size_t *ret_removed, struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = ledger_visit(agents_db(a), SPACE, add_key, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		if (name && !str_eq(name, names.v[i]))
			continue;
		r = remove_now(a, names.v[i], e);
		if (r == 0 && ret_removed)
			++*ret_removed;
	}
	return r;
}

/* NULL when it may go; else why not. */
static const char *reason_to_keep(const struct agents *a, const struct dispatch *d,
				  const struct clean_options *o)
{
	bool named = o->names && o->names->n > 0;
	struct err ignored = { 0 };

	if (!agent_is_terminal(d->status))
		return "it is at work";
	if (d->status == AGENT_BLOCKED && !named)
		return "it waits for an answer";
	if (d->captured != d->revision || (!o->dry_run && record_is_due(a, d, &ignored) != 0))
		return "its record is not on its way to the hub yet";
	if (record_left_report(d) && !named)
		return "its report could not be sent; name it to remove it";
	if (d->ended_ms > time_now() - o->older_than_ms && o->older_than_ms > 0)
		return "it ended a short while ago";
	return NULL;
}

static int clean_one(struct agents *a, const char *id, const struct clean_options *o,
		     struct clean_report *report, struct err *e)
{
	AUTO_DISPATCH struct dispatch d = { 0 };
	AUTO_TX struct db *tx = NULL;
	const char *why;
	int r = o->dry_run ? 0 : db_begin_tx(agents_db(a), &tx, e);

	if (r == 0)
		r = dispatch_find(agents_db(a), id, &d, e);
	if (r == 0 && agent_is_terminal(d.status) && !o->dry_run)
		r = record_capture(a, &d, e); /* a report that came late goes along */
	if (r < 0)
		return r;
	why = reason_to_keep(a, &d, o);
	if (why || o->dry_run) {
		strv_addf(why ? &report->kept : &report->removed, "%s%s%s", d.name, why ? ": " : "",
			  why ? why : "");
		return 0;
	}
	d.current = false;
	r = dispatch_save(tx, &d, e);
	if (r == 0)
		r = ledger_put(tx, SPACE, d.name, d.id, e);
	if (r == 0)
		r = db_commit(tx, e);
	if (r == 0)
		r = remove_now(a, d.name, e);
	if (r == 0)
		strv_add(&report->removed, d.name);
	return r;
}

int clean_run(struct agents *a, const struct clean_options *options, struct clean_report *report,
	      struct err *e)
{
	const struct dispatch_filter all = { 0 };
	AUTO_STRV struct strv ids = STRV_INIT;
	int r = options->dry_run ? 0 : clean_finish(a, NULL, NULL, e);

	if (r == 0 && (!options->names || options->names->n == 0))
		r = dispatch_ids(agents_db(a), &all, &ids, e);
	for (size_t i = 0; r == 0 && options->names && i < options->names->n; i++) {
		AUTO_DISPATCH struct dispatch d = { 0 };

		r = dispatch_find(agents_db(a), options->names->v[i], &d, e);
		if (r == 0)
			strv_add(&ids, d.id);
	}
	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = clean_one(a, ids.v[i], options, report, e);
	return r;
}
