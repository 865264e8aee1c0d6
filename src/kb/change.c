/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/change.h"

#include "base/file.h"
#include "base/time.h"
#include "engine/journal.h"
#include "kb/change-internal.h"
#include "kb/kb-internal.h"

#include <errno.h>
#include <fcntl.h>

#define LOG "wiki/log.md"

static char *in_root(const char *path)
{
	return xasprintf("wiki/%s", path);
}

/* Local time, as people read it: "2026-11-20 12:00:00", or "20261120_120000" in a file name. */
static char *stamp(int64_t now_ms, bool in_name)
{
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm t = { 0 };

	if (!localtime_r(&seconds, &t))
		return xstrdup("");
	if (in_name)
		return xasprintf("%04d%02d%02d_%02d%02d%02d", t.tm_year + 1900, t.tm_mon + 1,
				 t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
	return xasprintf("%04d-%02d-%02d %02d:%02d:%02d", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
			 t.tm_hour, t.tm_min, t.tm_sec);
}

int change_begin(struct kb *kb, struct change **ret_change, struct err *e)
{
	AUTO_CHANGE struct change *c = xcalloc(1, sizeof(*c));
	int r;

	c->kb = kb;
	c->log.max = BUF_OWN_MAX;
	r = journal_begin(kb_root(kb), &c->tx, e);
	if (r < 0)
		return r;
	c->now = time_now();
	*ret_change = TAKE(c);
	return 0;
}

static void page_free(struct changed_page *p)
{
	free(p->path);
	buf_release(&p->before);
	buf_release(&p->now);
	page_facts_release(&p->facts);
	claims_release(&p->claims);
	free(p->staged);
	free(p);
}

void change_free(struct change *c)
{
	struct changed_page *p, *next;

	if (!c)
		return;
	if (c->tx)
		db_rollback(c->tx);
	HASH_ITER(hh, c->pages, p, next)
	{
		struct err ignored = { 0 };

		HASH_DEL(c->pages, p);
		if (p->staged) /* not committed; what stays is litter that is reaped */
			(void)journal_stage_remove(kb_root(c->kb), p->staged, &ignored);
		page_free(p);
	}
	buf_release(&c->log);
	strv_release(&c->staged);
	strv_release(&c->aside);
	strv_release(&c->written);
	strv_release(&c->dropped);
	free(c);
}

struct kb *change_kb(const struct change *c)
{
	return c->kb;
}

struct db *change_db(const struct change *c)
{
	return c->tx;
}

static int look(const struct change *c, const char *path, struct stat *st, bool *ret_there,
		struct err *e)
{
	AUTO_FREE char *full = in_root(path);

	*ret_there = fstatat(root_dirfd(kb_root(c->kb)), full, st, 0) == 0;
	if (!*ret_there && errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, "look at '%s'", full);
	return 0;
}

static int load(struct change *c, struct changed_page *p, struct err *e)
{
	AUTO_FREE char *full = in_root(p->path);
	int r = look(c, p->path, &p->st, &p->was_there, e);

	if (r == 0 && p->was_there)
		r = kb_read(c->kb, full, PAGE_BYTES_MAX, &p->before, &p->was_there, e);
	if (r < 0)
		return r;
	p->there = p->was_there;
	buf_add(&p->now, p->before.p, p->before.n);
	return 0;
}

static int get(struct change *c, const char *path, struct changed_page **ret_page, struct err *e)
{
	struct changed_page *p = NULL;
	int r;

	HASH_FIND_STR(c->pages, path, p);
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->path = xstrdup(path);
		p->before.max = p->now.max = BUF_OWN_MAX;
		r = load(c, p, e);
		if (r < 0) {
			page_free(p);
			return r;
		}
		HASH_ADD_KEYPTR(hh, c->pages, p->path, strlen(p->path), p);
	}
	*ret_page = p;
	return 0;
}

int change_read(struct change *c, const char *path, struct bytes *ret_text, struct err *e)
{
	struct changed_page *p;
	int r = get(c, path, &p, e);

	if (r == 0)
		*ret_text = p->there ? buf_bytes(&p->now) : (struct bytes){ .p = "" };
	if (r == 0 && !ret_text->p)
		ret_text->p = "";
	return r;
}

int change_set(struct change *c, const char *path, struct bytes text, struct err *e)
{
	struct changed_page *p;
	int r = get(c, path, &p, e);

	if (r < 0)
		return r;
	if (text.n > PAGE_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "the page '%s' would have %zu bytes, the limit is %zu",
			       path, text.n, PAGE_BYTES_MAX);
	buf_clear(&p->now);
	buf_add(&p->now, text.p, text.n);
	p->there = true;
	page_facts_release(&p->facts);
	p->has_facts = !page_is_plain_file(path);
	if (p->has_facts)
		page_facts_of(path, buf_bytes(&p->now), &p->facts);
	return 0;
}

int change_drop(struct change *c, const char *path, struct err *e)
{
	struct changed_page *p;
	int r = get(c, path, &p, e);

	if (r == 0) {
		p->there = false;
		buf_clear(&p->now);
	}
	return r;
}

int change_is_edited(struct change *c, const char *path, struct err *e)
{
	struct changed_page *p;
	char known[HASH_HEX_MAX], found[HASH_HEX_MAX];
	int r = get(c, path, &p, e);

	if (r < 0 || !p->was_there)
		return r;
	r = pages_hash(c->tx, path, known, e);
	hash_text(HASH_SHA256, buf_bytes(&p->before), found);
	return r < 0 ? r : strcmp(known, found) != 0;
}

int change_set_aside(struct change *c, const char *path, struct err *e)
{
	struct changed_page *p;
	AUTO_FREE char *time = stamp(c->now, true);
	AUTO_FREE char *link = page_link(path);
	int r = get(c, path, &p, e);

	for (char *at = link; *at; at++)
		*at = *at == '/' ? '_' : *at;
	for (int n = 0; r == 0 && p->was_there; n++) {
		AUTO_FREE char *to = n ? xasprintf("reports/edited_%s_%.100s_%d.md", time, link, n)
				       : xasprintf("reports/edited_%s_%.100s.md", time, link);
		struct changed_page *copy;

		r = get(c, to, &copy, e);
		if (r < 0 || copy->there)
			continue;
		r = change_set(c, to, buf_bytes(&p->before), e);
		strv_add(&c->aside, to);
		break;
	}
	return r;
}

const struct strv *change_set_aside_paths(const struct change *c)
{
	return &c->aside;
}

int change_claims(struct change *c, const char *path, int64_t doc_id, const struct claims *claims,
		  struct err *e)
{
	struct changed_page *p;
	int r = get(c, path, &p, e);

	if (r < 0)
		return r;
	claims_release(&p->claims);
	p->claims_doc = doc_id;
	for (size_t i = 0; i < claims->n; i++)
		claims_add(&p->claims, claims->v[i].anchor, claims->v[i].quote);
	return 0;
}

/* Who may read a file is for a person to say, also when another takes its place. */
static void keep_mode(int fd, const struct stat *st)
{
	(void)fchmod(fd, st->st_mode & 0777); /* not ours to change: the umask's then */
}

int change_move(struct change *c, const char *staged, const char *target, struct err *e)
{
	struct root *root = kb_root(c->kb);
	AUTO_FD int fd = -1;
	struct stat st;
	int r = 0;

	if (fstatat(root_dirfd(root), target, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
		r = journal_stage_open(root, staged, O_RDONLY, &fd, e);
	if (r == 0 && fd >= 0)
		keep_mode(fd, &st);
	return r < 0 ? r : journal_move(root, staged, target, e);
}

int change_remove(struct change *c, const char *target, struct err *e)
{
	return journal_remove(kb_root(c->kb), target, e);
}

void change_log(struct change *c, const char *op, const char *text)
{
	AUTO_FREE char *time = stamp(c->now, false);

	buf_addf(&c->log, "## [%s] %s | ", time, op);
	text_add_clean(&c->log, bytes_of(text)); /* a newline is a control character, too */
	buf_adds(&c->log, "\n\n");
}

bool page_has_changed(const struct changed_page *p)
{
	return p->there != p->was_there ||
	       (p->there && !bytes_equal(buf_bytes(&p->now), buf_bytes(&p->before)));
}

static int stage(struct change *c, struct changed_page *p, struct err *e)
{
	struct root *root = kb_root(c->kb);
	char *name = kb_stage_name(c->kb, "page");
	AUTO_FD int fd = -1;
	struct stat st;
	int r = journal_stage_create(root, name, &fd, e);

	strv_add(&c->staged, name);
	p->staged = name;
	if (r == 0)
		r = file_write_all(fd, buf_bytes(&p->now), name, e);
	if (r == 0 && p->was_there)
		keep_mode(fd, &p->st);
	if (r == 0 && fstat(fd, &st) < 0)
		r = err_sys(e, "look at '%s'", name);
	if (r == 0)
		p->facts.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	return r;
}

static int stage_all(struct change *c, struct err *e)
{
	struct changed_page *p, *next;
	int r = 0;

	HASH_ITER(hh, c->pages, p, next)
	{
		if (r == 0 && p->there && page_has_changed(p))
			r = stage(c, p, e);
	}
	return r < 0 ? r : journal_sync(kb_root(c->kb), &c->staged, e);
}

static int claims_rows(struct change *c, const struct changed_page *p, struct err *e)
{
	int64_t id = 0;
	int r = db_get_int(c->tx, &id, 0, e, "SELECT id FROM kb_page WHERE path=?1", "t", p->path);

	if (r == 0)
		r = db_exec(c->tx, e, "DELETE FROM kb_claim WHERE page_id=?1 AND doc_id=?2", "ii",
			    id, p->claims_doc);
	for (size_t i = 0; r == 0 && id && i < p->claims.n; i++)
		r = db_exec(c->tx, e,
			    "INSERT INTO kb_claim(page_id, doc_id, anchor, quote)"
			    " VALUES(?1, ?2, ?3, ?4)",
			    "iitt", id, p->claims_doc, p->claims.v[i].anchor, p->claims.v[i].quote);
	return r;
}

static int put_page(struct change *c, struct changed_page *p, struct err *e)
{
	AUTO_FREE char *full = in_root(p->path);
	bool plain = page_is_plain_file(p->path);
	int r = 0;

	if (page_has_changed(p)) {
		r = p->there ? journal_move(kb_root(c->kb), p->staged, full, e)
			     : journal_remove(kb_root(c->kb), full, e);
		strv_add(p->there ? &c->written : &c->dropped, p->path);
	}
	if (r < 0 || plain || (!page_has_changed(p) && !p->has_facts))
		return r;
	if (!p->there)
		return pages_delete(c->tx, p->path, e);
	/* also when only what the database knew of it was another */
	if (!page_has_changed(p))
		p->facts.mtime_ns =
			(int64_t)p->st.st_mtim.tv_sec * 1000000000 + p->st.st_mtim.tv_nsec;
	r = pages_put(c->tx, &p->facts, e);
	return r == 0 && p->claims_doc ? claims_rows(c, p, e) : r;
}

static int put_all(struct change *c, struct err *e)
{
	struct changed_page *p, *next;
	int r = 0;

	HASH_ITER(hh, c->pages, p, next)
	{
		if (r == 0)
			r = put_page(c, p, e);
	}
	if (r == 0 && c->log.n > 0)
		r = journal_append(kb_root(c->kb), buf_str(&c->log), LOG, e);
	return r;
}

/* 1 when a file is not the one that was read: an editor saved it a moment ago. */
static int has_moved(struct change *c, struct err *e)
{
	struct changed_page *p, *next;
	int moved = 0;

	HASH_ITER(hh, c->pages, p, next)
	{
		struct stat st;
		bool there;

		if (moved || !page_has_changed(p))
			continue;
		if (look(c, p->path, &st, &there, e) < 0)
			return e->code;
		moved = there != p->was_there ||
			(there && (st.st_ino != p->st.st_ino || st.st_size != p->st.st_size ||
				   st.st_mtim.tv_sec != p->st.st_mtim.tv_sec ||
				   st.st_mtim.tv_nsec != p->st.st_mtim.tv_nsec));
	}
	return moved;
}

static void forget_staged(struct change *c)
{
	struct changed_page *p, *next;

	HASH_ITER(hh, c->pages, p, next)
	{
		free(p->staged);
		p->staged = NULL;
	}
}

int change_commit(struct change *c, struct err *e)
{
	int r = change_index(c, e);

	if (r == 0)
		r = stage_all(c, e);
	if (r == 0)
		r = put_all(c, e);
	if (r == 0)
		r = kb_check_staging(c->kb, e);
	if (r == 0)
		r = has_moved(c, e);
	if (r != 0)
		return r;
	r = journal_commit(kb_root(c->kb), e);
	/* committed or not: what was recorded is the journal's, the rest is litter */
	if (r == 0 || !db_in_transaction(c->tx))
		forget_staged(c);
	c->tx = NULL;
	return r;
}

const struct strv *change_written(const struct change *c)
{
	return &c->written;
}

const struct strv *change_dropped(const struct change *c)
{
	return &c->dropped;
}

int change_preview(struct change *c, struct strv *written, struct strv *dropped, struct err *e)
{
	struct changed_page *p, *next;
	int r = change_index(c, e);

	if (r < 0)
		return r;
	HASH_ITER(hh, c->pages, p, next)
	{
		if (page_has_changed(p))
			strv_add(p->there ? written : dropped, p->path);
	}
	strv_sort(written);
	strv_sort(dropped);
	return 0;
}
