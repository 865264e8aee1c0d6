/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/rules-files.h"

#include "base/file.h"
#include "base/hash.h"
#include "engine/journal.h"
#include "engine/ledger.h"

#include <fcntl.h>

#define SPACE_RULE   "rule"
#define SPACE_COUNT  "rules"
#define SPACE_BUNDLE "bundle"
#define APPROVED     "km_approved.md"
/* A foreign file that stands where a rule goes is text someone wrote by hand. */
#define FOREIGN_MAX ((size_t)16 << 20)
#define ASIDE_MAX   9

struct rule_file {
	char *name;
	char *text;
	char sha256[HASH_HEX_MAX];
	bool kept; /* refused this time: what is there stays */
};

struct rules {
	const struct rules_options *options;
	struct rule_file *files;
	size_t count;
	struct strv staged; /* "file" of each staged text, in the order of `targets` */
	struct strv targets;
	size_t rules;
};

static void rules_release(struct rules *r)
{
	for (size_t i = 0; r->files && i < r->count; i++) {
		free(r->files[i].name);
		free(r->files[i].text);
	}
	free(r->files);
	strv_release(&r->staged);
	strv_release(&r->targets);
}

static char *path_of(const char *file)
{
	return xasprintf("%s/%s", RULES_FOLDER, file);
}

static void add_file(struct rules *r, char *name, struct buf *text, bool kept)
{
	struct rule_file *file = &r->files[r->count++];

	file->name = name;
	file->kept = kept;
	hash_text(HASH_SHA256, buf_bytes(text), file->sha256);
	file->text = buf_take(text);
}

static void render_all(struct rules *r, const struct bundle *bundle)
{
	AUTO_BUF struct buf approved = BUF_INIT(BUF_OWN_MAX);
	bool any = false;

	r->files = xcalloc(bundle->count + 1, sizeof(*r->files));
	for (size_t i = 0; i < bundle->count; i++) {
		const struct bundle_item *item = &bundle->items[i];
		AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);

		r->rules += !item->refused;
		any = any || (!item->mandatory && !item->refused);
		if (!item->mandatory)
			continue;
		rules_render(item, r->options->server, &text);
		add_file(r, xasprintf("km_%s.md", item->id), &text, item->refused);
	}
	if (!any)
		return;
	rules_render_approved(bundle, r->options->server, &approved);
	add_file(r, xstrdup(APPROVED), &approved, false);
}

static int hash_of_file(struct root *root, const char *path, char out[HASH_HEX_MAX])
{
	AUTO_FD int fd =
		openat(root_dirfd(root), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	AUTO_HASH struct hash *hash = hash_new(HASH_SHA256);
	struct err ignored = { 0 };

	if (fd < 0 || hash_fd(fd, hash, NULL, NULL, &ignored) < 0)
		return -1; /* gone or not readable: as good as changed */
	hash_hex(hash, out);
	return 0;
}

static bool is_as(struct root *root, const char *file, const char *sha256)
{
	AUTO_FREE char *path = path_of(file);
	char now[HASH_HEX_MAX];

	return hash_of_file(root, path, now) == 0 && str_eq(now, sha256);
}

static int stage(struct rules *r, struct bytes text, char *target, struct err *e)
{
	AUTO_FREE char *adopted = target;
	AUTO_FREE char *name = xasprintf("rule-%zu.md", r->staged.n);
	int code = journal_stage(r->options->root, name, text, e);

	strv_adopt(&r->staged, TAKE(name));
	strv_adopt(&r->targets, TAKE(adopted));
	return code;
}

/* A copy of what a person has there, under the first name that is free. */
static int put_aside(struct rules *r, const char *path, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FOREIGN_MAX);
	int dirfd = root_dirfd(r->options->root);
	int code = file_read(dirfd, path, FOREIGN_MAX, &text, e);

	if (code == ERR_NOT_FOUND)
		return 0;
	for (int i = 0; code == 0 && i < ASIDE_MAX; i++) {
		AUTO_FREE char *aside =
			i ? xasprintf("%s.orig.%d", path, i) : xasprintf("%s.orig", path);

		if (faccessat(dirfd, aside, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			return stage(r, buf_bytes(&text), TAKE(aside), e);
	}
	return code < 0 ? code
			: err_set(e, ERR_CONFLICT, "'%s' is not ours, and so are %d '.orig' files",
				  path, ASIDE_MAX);
}

static int stage_file(struct rules *r, const struct rule_file *file, struct err *e)
{
	AUTO_FREE char *path = path_of(file->name);
	AUTO_FREE char *recorded = NULL;
	int code = ledger_get(root_db(r->options->root), SPACE_RULE, file->name, &recorded, e);

	if (code < 0 || file->kept)
		return code < 0 ? code : 0;
	if (recorded && str_eq(recorded, file->sha256) &&
	    is_as(r->options->root, file->name, file->sha256))
		return 0;
	if (!recorded && !is_as(r->options->root, file->name, file->sha256))
		code = put_aside(r, path, e);
	return code < 0 ? code : stage(r, bytes_of(file->text), TAKE(path), e);
}

struct withdrawing {
	struct rules *rules;
	struct strv names;
};

static int note_withdrawn(void *ctx, const char *key, const char *fingerprint, int64_t recorded_ms,
			  struct err *e)
{
	struct withdrawing *w = ctx;

	(void)fingerprint;
	(void)recorded_ms;
	(void)e;
	for (size_t i = 0; i < w->rules->count; i++) {
		if (str_eq(w->rules->files[i].name, key))
			return 0;
	}
	strv_add(&w->names, key);
	return 0;
}

static void withdrawing_release(struct withdrawing *w)
{
	strv_release(&w->names);
}

static int remove_withdrawn(struct rules *r, struct err *e)
{
	AUTO(withdrawing_release) struct withdrawing w = { .rules = r };
	struct root *root = r->options->root;
	int code = ledger_visit(root_db(root), SPACE_RULE, note_withdrawn, &w, e);

	for (size_t i = 0; code == 0 && i < w.names.n; i++) {
		AUTO_FREE char *path = path_of(w.names.v[i]);

		code = journal_remove(root, path, e);
		if (code == 0)
			code = ledger_forget(root_db(root), SPACE_RULE, w.names.v[i], e);
	}
	return code;
}

static int record_all(struct rules *r, struct err *e)
{
	const struct rules_options *o = r->options;
	struct db *db = root_db(o->root);
	char count[32];
	int code = 0;

	(void)snprintf(count, sizeof(count), "%zu", r->rules);
	for (size_t i = 0; code == 0 && i < r->staged.n; i++)
		code = journal_move(o->root, r->staged.v[i], r->targets.v[i], e);
	for (size_t i = 0; code == 0 && i < r->count; i++) {
		if (!r->files[i].kept)
			code = ledger_put(db, SPACE_RULE, r->files[i].name, r->files[i].sha256, e);
	}
	if (code == 0)
		code = ledger_put(db, SPACE_COUNT, "count", count, e);
	if (code == 0)
		code = ledger_forget(db, SPACE_BUNDLE, NULL, e);
	if (code == 0 && o->etag)
		code = ledger_put(db, SPACE_BUNDLE, o->server, o->etag, e);
	return code;
}

int rules_apply(const struct rules_options *options, const struct bundle *bundle, struct err *e)
{
	AUTO(rules_release) struct rules r = { .options = options };
	AUTO_TX struct db *tx = NULL;
	int code = 0;

	render_all(&r, bundle);
	for (size_t i = 0; code == 0 && i < r.count; i++)
		code = stage_file(&r, &r.files[i], e);
	if (code == 0)
		code = journal_sync(options->root, &r.staged, e);
	if (code == 0)
		code = db_begin_tx(root_db(options->root), &tx, e);
	if (code == 0)
		code = lease_check(options->lease, e);
	if (code == 0)
		code = remove_withdrawn(&r, e);
	if (code == 0)
		code = record_all(&r, e);
	return code < 0 ? code : journal_commit(options->root, e);
}

struct comparing {
	struct root *root;
	struct strv *changed;
	size_t files;
};

static int compare_one(void *ctx, const char *key, const char *fingerprint, int64_t recorded_ms,
		       struct err *e)
{
	struct comparing *c = ctx;

	(void)recorded_ms;
	(void)e;
	c->files++;
	if (!is_as(c->root, key, fingerprint))
		strv_add(c->changed, key);
	return 0;
}

int rules_changed(struct root *root, struct strv *names, size_t *ret_files, struct err *e)
{
	struct comparing c = { .root = root, .changed = names };
	int r = ledger_visit(root_db(root), SPACE_RULE, compare_one, &c, e);

	*ret_files = c.files;
	return r;
}

int rules_intact(struct root *root, struct err *e)
{
	AUTO_STRV struct strv changed = STRV_INIT;
	size_t files;
	int r = rules_changed(root, &changed, &files, e);

	return r < 0 ? r : changed.n == 0;
}

int rules_etag(struct root *root, const char *server, char **ret_etag, struct err *e)
{
	return ledger_get(root_db(root), SPACE_BUNDLE, server, ret_etag, e);
}

int rules_count(struct root *root, size_t *ret_count, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct err ignored = { 0 };
	int64_t count = 0;
	int r = ledger_get(root_db(root), SPACE_COUNT, "count", &text, e);

	if (r < 0)
		return r;
	if (text && parse_int64(text, 0, BUNDLE_ITEMS_MAX, &count, &ignored) < 0)
		count = 0;
	*ret_count = (size_t)count;
	return 0;
}
