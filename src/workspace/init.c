/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/init.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/time.h"
#include "engine/journal.h"
#include "engine/lease.h"
#include "engine/ledger.h"
#include "workspace/hooks.h"
#include "workspace/init-internal.h"
#include "workspace/pull.h"
#include "workspace/workspace.h"
#include <fcntl.h>

/* Longer than a few small files take to write. */
#define LEASE_MS 60000

#define LEDGER_SPACE "file" /* what we wrote, so that a person's edit is told from it */

static const char local_notes[] =
	"# Notes of this workspace\n\nYours: Larder never changes this file.\n";

void init_result_release(struct init_result *result)
{
	free(result->path);
	free(result->server);
	strv_release(&result->written);
	strv_release(&result->kept);
	*result = (struct init_result){ 0 };
}

/* What is being made: the staged files and the rows that will go with them. */
struct draft {
	struct root *root;
	struct init_result *result;
	bool force, mcp;
	struct strv staged, targets, hashes;
};

static void draft_release(struct draft *d)
{
	strv_release(&d->staged);
	strv_release(&d->targets);
	strv_release(&d->hashes);
}

static int put(struct draft *d, const char *target, struct bytes text, struct err *e)
{
	AUTO_FREE char *name = xasprintf("init-%zu", d->staged.n);
	char hash[HASH_HEX_MAX];

	if (journal_stage(d->root, name, text, e) < 0)
		return e->code;
	hash_text(HASH_SHA256, text, hash);
	strv_adopt(&d->staged, TAKE(name));
	strv_add(&d->targets, target);
	strv_add(&d->hashes, hash);
	return 0;
}

static int commit(struct draft *d, struct err *e)
{
	struct db *db = root_db(d->root);

	if (journal_sync(d->root, &d->staged, e) < 0 || db_begin(db, e) < 0)
		return e->code;
	for (size_t i = 0; i < d->staged.n; i++) {
		if (journal_move(d->root, d->staged.v[i], d->targets.v[i], e) < 0 ||
		    ledger_put(db, LEDGER_SPACE, d->targets.v[i], d->hashes.v[i], e) < 0) {
			db_rollback(db);
			return e->code;
		}
	}
	if (journal_commit(d->root, e) < 0)
		return e->code;
	for (size_t i = 0; i < d->targets.n; i++)
		strv_add(&d->result->written, d->targets.v[i]);
	return 0;
}

enum found { FOUND_NONE, FOUND_OURS, FOUND_FOREIGN };

/* Is there a file, and is it the one we wrote last? Its text goes into `text`. */
static int look(struct draft *d, const char *target, struct buf *text, enum found *ret_found,
		struct err *e)
{
	char hash[HASH_HEX_MAX];
	int r;

	if (file_read(root_dirfd(d->root), target, INIT_TEXT_MAX, text, e) < 0) {
		if (e->code != ERR_NOT_FOUND)
			return e->code;
		*ret_found = FOUND_NONE;
		return 0;
	}
	hash_text(HASH_SHA256, buf_bytes(text), hash);
	r = ledger_seen(root_db(d->root), LEDGER_SPACE, target, hash, e);
	if (r < 0)
		return r;
	*ret_found = r ? FOUND_OURS : FOUND_FOREIGN;
	return 0;
}

/* A copy beside the file, under a name that says why. */
static int keep_copy(struct draft *d, const char *target, const char *why, struct bytes text,
		     struct err *e)
{
	AUTO_FREE char *copy = xasprintf("%s.%s-%lld", target, why, (long long)(time_now() / 1000));

	strv_addf(&d->result->kept, "%s: kept as %s", target, copy);
	return put(d, copy, text, e);
}

/* Ours is refreshed; a person's stays, or with `force` goes aside. */
static int put_text(struct draft *d, const char *target, struct bytes text, struct err *e)
{
	AUTO_BUF struct buf old = BUF_INIT(INIT_TEXT_MAX);
	enum found found;

	if (look(d, target, &old, &found, e) < 0)
		return e->code;
	if (found != FOUND_NONE && bytes_equal(buf_bytes(&old), text))
		return 0;
	if (found == FOUND_FOREIGN && !d->force) {
		strv_addf(&d->result->kept, "%s: it is yours; --force replaces it", target);
		return 0;
	}
	if (found == FOUND_FOREIGN && keep_copy(d, target, "orig", buf_bytes(&old), e) < 0)
		return e->code;
	return put(d, target, text, e);
}

static bool is_link(const struct draft *d, const char *target)
{
	struct stat st;

	return fstatat(root_dirfd(d->root), target, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(st.st_mode);
}

/* A file of others that holds something of ours: the rest of it stays. */
static int put_merged(struct draft *d, const char *target,
		      int (*merge)(struct bytes old, struct buf *out, struct err *e), struct err *e)
{
	AUTO_BUF struct buf old = BUF_INIT(INIT_TEXT_MAX);
	AUTO_BUF struct buf merged = BUF_INIT(INIT_TEXT_MAX);
	enum found found;
	struct err ignored = { 0 };

	if (look(d, target, &old, &found, e) < 0)
		return e->code;
	if (is_link(d, target)) {
		strv_addf(&d->result->kept,
			  "%s: it is a link; what is Larder's belongs into the file it names",
			  target);
		return 0;
	}
	if (merge(buf_bytes(&old), &merged, &ignored) < 0) {
		if (keep_copy(d, target, "corrupt", buf_bytes(&old), e) < 0)
			return e->code;
		buf_clear(&merged);
		if (merge(BYTES_LITERAL(""), &merged, e) < 0)
			return e->code;
	}
	if (bytes_equal(buf_bytes(&old), buf_bytes(&merged)))
		return 0;
	return put(d, target, buf_bytes(&merged), e);
}

static int put_local_notes(struct draft *d, struct err *e)
{
	static const char target[] = ".claude/CLAUDE.local.md";
	struct stat st;

	if (fstatat(root_dirfd(d->root), target, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return put(d, target, BYTES_LITERAL(local_notes), e);
}

static int put_workspace_note(struct draft *d, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(INIT_TEXT_MAX);
	AUTO_FREE char *created = NULL;
	char now[TIME_TEXT_MAX];
	struct db *db = root_db(d->root);

	/* The first time stays: a refresh with nothing new must write nothing. */
	if (ledger_get(db, "setting", "created_at", &created, e) < 0)
		return e->code;
	if (!created) {
		created = xstrdup(time_format_iso(time_now(), now));
		if (ledger_put(db, "setting", "created_at", created, e) < 0)
			return e->code;
	}
	buf_addf(&text,
		 "# This folder is a Larder workspace\n\n- hub: %s\n- folder: %s\n- made: %s\n\n"
		 "`larder pull` brings tables and rules, `larder status` says how fresh they are,\n"
		 "`larder query \"SELECT ...\"` asks them, `larder verify` re-hashes them.\n",
		 d->result->server, d->result->path, created);
	return put_text(d, "LARDER_WORKSPACE.md", buf_bytes(&text), e);
}

static int write_files(struct draft *d, struct bytes welcome, struct err *e)
{
	if (put_text(d, "CLAUDE.md", welcome, e) < 0 || put_workspace_note(d, e) < 0 ||
	    put_merged(d, ".claude/settings.json", hooks_merge, e) < 0 ||
	    (d->mcp && put_merged(d, ".mcp.json", hooks_merge_mcp, e) < 0) ||
	    put_local_notes(d, e) < 0)
		return e->code;
	return commit(d, e);
}

static int make(const struct init_options *options, struct init_result *result,
		const struct init_answer *answer, struct err *e)
{
	const struct workspace_options open = { .path = options->path };
	const struct lease_wait_options hold = {
		.name = PULL_LEASE,
		.holder = "larder init",
		.ttl_ms = LEASE_MS,
		.wait_ms = PULL_WAIT_MS,
	};
	AUTO_WORKSPACE struct workspace *ws = NULL;
	AUTO_LEASE struct lease *lease = NULL;
	AUTO(draft_release)
	struct draft draft = { .result = result, .force = options->force, .mcp = options->mcp };

	if (workspace_create(options->path, result->server, answer->account, e) < 0 ||
	    workspace_open(&open, &ws, e) < 0 || lease_wait(workspace_db(ws), &hold, &lease, e) < 0)
		return e->code;
	result->path = xstrdup(workspace_path(ws));
	draft.root = workspace_root(ws);
	return write_files(&draft, buf_bytes(&answer->welcome), e);
}

int workspace_init(const struct init_options *options, struct init_result *ret_result,
		   struct err *e)
{
	AUTO_INIT_ANSWER struct init_answer answer = INIT_ANSWER_INIT;
	AUTO_INIT_RESULT struct init_result result = { 0 };

	if (init_ask(options, &answer, e) < 0)
		return e->code;
	result.server = xstrdup(answer.who.server);
	if (credentials_save(&answer.who, answer.account, e) < 0 ||
	    make(options, &result, &answer, e) < 0)
		return e->code;
	*ret_result = result;
	result = (struct init_result){ 0 };
	return 0;
}
