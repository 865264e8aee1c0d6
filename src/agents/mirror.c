/* SPDX-License-Identifier: Apache-2.0 */
#include "agents/mirror.h"

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/journal.h"

#include <fcntl.h>
#include <inttypes.h>

/* What was last seen of each file, by the name of its folder. */
#define SPACE "agents.mirror"
/* What is no status is kept as it is when it is set aside, up to this; a person moves larger files. */
#define ASIDE_BYTES_MAX ((size_t)16 << 20)

/* The file as it is; empty when there is none. */
static int read_old(const struct agents *a, const struct dispatch *d, struct buf *out,
		    bool *ret_corrupt, struct err *e)
{
	AUTO_FREE char *path = agents_file(d->name, STATUS_FILE);
	AUTO_DISPATCH struct dispatch parsed = { 0 };
	struct err why = { 0 };
	int r = file_read(agents_dirfd(a), path, ASIDE_BYTES_MAX, out, e);

	*ret_corrupt = false;
	if (r == ERR_NOT_FOUND) {
		*e = (struct err){ 0 };
		return 0;
	}
	if (r < 0)
		return r == ERR_LIMIT ? err_hint(e, "move that file away: it is no status") : r;
	*ret_corrupt = mirror_parse(buf_bytes(out), &parsed, &why) < 0;
	return 0;
}

static int put_unsynced(struct agents *a, const char *staged, struct bytes contents,
			const char *target, struct err *e)
{
	struct root *root = agents_root(a);
	struct err ignored = { 0 };
	int r;

	(void)journal_stage_remove(root, staged, &ignored); /* of a change that was cut short */
	r = journal_stage(root, staged, contents, e);
	return r < 0 ? r : journal_move(root, staged, target, e);
}

int mirror_put_file(struct agents *a, const char *staged, struct bytes contents, const char *target,
		    struct err *e)
{
	AUTO_STRV struct strv names = STRV_INIT;
	int r = put_unsynced(a, staged, contents, target, e);

	strv_add(&names, staged);
	return r < 0 ? r : journal_sync(agents_root(a), &names, e);
}

static int set_aside(struct agents *a, const struct dispatch *d, struct bytes old, struct err *e)
{
	AUTO_FREE char *staged = xasprintf("corrupt-%s", d->id);
	AUTO_FREE char *file = xasprintf(STATUS_FILE ".corrupt-%" PRId64, time_now());
	AUTO_FREE char *target = agents_file(d->name, file);

	log_event(LOG_WARN, "status-set-aside", "file=%s", target);
	return mirror_put_file(a, staged, old, target, e);
}

static char *stamp_of(const struct stat *st)
{
	return xasprintf("%lld:%lld.%09ld:%llu", (long long)st->st_size,
			 (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
			 (unsigned long long)st->st_ino);
}

/* A move changes none of it. */
static int note_staged(struct agents *a, const char *name, const char *staged, struct err *e)
{
	AUTO_FREE char *stamp = NULL;
	AUTO_FD int fd = -1;
	struct stat st;
	int r = journal_stage_open(agents_root(a), staged, O_RDONLY, &fd, e);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at '%s'", staged);
	stamp = stamp_of(&st);
	return ledger_put(agents_db(a), SPACE, name, stamp, e);
}

int mirror_put_one_of(struct agents *a, const struct dispatch *d, struct strv *staged_names,
		      struct err *e)
{
	AUTO_FREE char *staged = xasprintf("status-%s-%" PRId64, d->id, d->revision);
	AUTO_FREE char *target = agents_file(d->name, STATUS_FILE);
	AUTO_BUF struct buf old = BUF_INIT(ASIDE_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	bool corrupt = false;
	int r = read_old(a, d, &old, &corrupt, e);

	if (r == 0 && corrupt)
		r = set_aside(a, d, buf_bytes(&old), e);
	if (r < 0)
		return r;
	mirror_render(d, corrupt ? (struct bytes){ NULL, 0 } : buf_bytes(&old), &text);
	strv_add(staged_names, staged);
	r = put_unsynced(a, staged, buf_bytes(&text), target, e);
	return r < 0 ? r : note_staged(a, d->name, staged, e);
}

int mirror_put(struct agents *a, const struct dispatch *d, struct err *e)
{
	AUTO_STRV struct strv staged = STRV_INIT;
	int r = mirror_put_one_of(a, d, &staged, e);

	return r < 0 ? r : journal_sync(agents_root(a), &staged, e);
}

int mirror_is_stale(const struct agents *a, const struct dispatch *d, struct err *e)
{
	AUTO_BUF struct buf old = BUF_INIT(ASIDE_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
	bool corrupt = false;
	int r = read_old(a, d, &old, &corrupt, e);

	if (r < 0 || corrupt)
		return r < 0 ? r : 1;
	mirror_render(d, buf_bytes(&old), &text);
	return !bytes_equal(buf_bytes(&old), buf_bytes(&text));
}

static char *stamp_now(const struct agents *a, const char *name)
{
	AUTO_FREE char *path = agents_file(name, STATUS_FILE);
	struct stat st;

	if (fstatat(agents_dirfd(a), path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return NULL;
	return stamp_of(&st);
}

bool mirror_is_untouched(const struct agents *a, const char *name, const char *noted)
{
	AUTO_FREE char *stamp = noted ? stamp_now(a, name) : NULL;

	return stamp && str_eq(stamp, noted);
}

int mirror_note(struct agents *a, const char *name, struct err *e)
{
	AUTO_FREE char *stamp = stamp_now(a, name);

	return stamp ? ledger_put(agents_db(a), SPACE, name, stamp, e) : 0;
}

int mirror_forget(struct agents *a, const char *name, struct err *e)
{
	return ledger_forget(agents_db(a), SPACE, name, e);
}

int mirror_visit_notes(struct agents *a, ledger_visit_fn visit, void *ctx, struct err *e)
{
	return ledger_visit(agents_db(a), SPACE, visit, ctx, e);
}
