/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions/collect.h"

#include "base/file.h"
#include "engine/journal.h"
#include "engine/ledger.h"
#include "sessions/find.h"
#include "sessions/privacy.h"
#include "sessions/redact.h"
#include "sessions/upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>

#define SPACE "collect"

struct collecting {
	const struct collect *collect;
	struct collect_report *report;
	struct privacy privacy; /* of the home at work */
	uid_t uid;
	int64_t user_id;
	char *email;
};

void collect_report_release(struct collect_report *report)
{
	strv_release(&report->failures);
}

static void note(struct collecting *c, const char *what, const struct err *why)
{
	c->report->errors++;
	if (c->report->failures.n < COLLECT_FAILURES_MAX)
		strv_addf(&c->report->failures, "'%s': %s", what, why->msg);
}

/* "account=email" of the settings; NULL when the account is not among them. */
static const char *told_email(const struct strv *users, const char *account)
{
	size_t n = strlen(account);

	for (size_t i = 0; users && i < users->n; i++)
		if (strncmp(users->v[i], account, n) == 0 && users->v[i][n] == '=')
			return users->v[i] + n + 1;
	return NULL;
}

/* 1 and the user, 0 when there is none, ERR_CONFLICT when there are two. */
static int find_user(struct collecting *c, const char *account, struct err *e)
{
	static const char sql[] =
		"SELECT id, email FROM user WHERE active=1 AND"
		" (email=?1 OR (?1='' AND substr(email, 1, length(?2)+1)=?2||'@'))"
		" ORDER BY id LIMIT 2";
	const char *told = told_email(c->collect->users, account);
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(root_db(c->collect->root), &q, e, sql, "tt", told ? told : "", account);

	if (r == 0)
		r = stmt_next(q, e);
	if (r <= 0)
		return r;
	c->user_id = stmt_int(q, 0);
	free(c->email);
	c->email = xstrdup(stmt_text(q, 1));
	r = stmt_next(q, e);
	if (r == 1)
		return err_set(e, ERR_CONFLICT,
			       "two users of the hub could be the account: name one in "
			       "collector.users");
	return r < 0 ? r : 1;
}

static int read_file(const struct collecting *c, const char *path, struct buf *out, char **ret_mark,
		     struct err *e)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open it");
	if (!S_ISREG(st.st_mode) || st.st_uid != c->uid)
		return err_set(e, ERR_DENIED, "it is no file of the account's");
	if (st.st_size > UPLOAD_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "it has more than %" PRId64 " bytes",
			       UPLOAD_BYTES_MAX);
	/* The mark first: what is appended while we read is seen by the next run. */
	*ret_mark = xasprintf("%" PRId64 ":%" PRId64 ".%09ld:%" PRIu64 ":%" PRId64,
			      (int64_t)st.st_size, (int64_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			      (uint64_t)st.st_ino, c->user_id);
	for (;;) {
		char *room = buf_reserve(out, (size_t)64 << 10);

		if (!room)
			return err_set(e, ERR_LIMIT, "it has more than %" PRId64 " bytes",
				       UPLOAD_BYTES_MAX);
		n = read(fd, room, (size_t)64 << 10);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(e, "read it");
		out->n += n > 0 ? (size_t)n : 0;
	}
}

static int put(struct collecting *c, const struct session_file *f, struct bytes text,
	       const char *mark, struct err *e)
{
	struct root *root = c->collect->root;
	const struct upload_wish wish = { UPLOAD_SESSION, c->user_id, c->email, f->name };
	AUTO_UPLOAD struct upload *u = NULL;
	AUTO_TX struct db *tx = NULL;
	bool duplicate = false;
	int r = upload_begin(root, &wish, &u, e);

	if (r == 0)
		r = upload_add(u, text, e);
	if (r == 0)
		r = upload_finish(u, e);
	if (r == 0)
		r = db_begin_tx(root_db(root), &tx, e);
	if (r == 0)
		r = upload_record(u, root, &duplicate, e);
	if (r == 0)
		r = ledger_put(root_db(root), SPACE, f->path, mark, e);
	return r < 0 ? r : journal_commit(root, e);
}

/* 1 when it is new or has grown, 0 when it was taken as it is. */
static int is_new(struct collecting *c, const struct session_file *f, bool *ret_known,
		  struct err *e)
{
	AUTO_FREE char *mark = xasprintf("%" PRId64 ":%" PRId64 ".%09" PRId64 ":", f->size,
					 f->mtime_ns / 1000000000, f->mtime_ns % 1000000000);
	AUTO_FREE char *seen = NULL;
	AUTO_FREE char *user = xasprintf(":%" PRId64, c->user_id);
	int r = ledger_get(root_db(c->collect->root), SPACE, f->path, &seen, e);

	*ret_known = seen != NULL;
	return r < 0 ? r : !(seen && str_starts(seen, mark) && str_ends(seen, user));
}

static int take(struct collecting *c, const struct session_file *f, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT((size_t)UPLOAD_BYTES_MAX + ((size_t)64 << 10));
	AUTO_BUF struct buf clean = BUF_INIT(BUF_OWN_MAX);
	AUTO_FREE char *mark = NULL;
	bool known = false;
	int r = is_new(c, f, &known, e);

	if (r == 0)
		c->report->files_skipped++;
	if (r <= 0)
		return r;
	if (read_file(c, f->path, &text, &mark, e) < 0)
		return e->code;
	if (privacy_hides_text(&c->privacy, buf_bytes(&text))) {
		c->report->files_private++;
		return 0;
	}
	c->report->redacted += (int64_t)redact_text(buf_bytes(&text), &clean);
	if (!c->collect->dry_run && put(c, f, buf_bytes(&clean), mark, e) < 0)
		return e->code;
	c->report->files_copied += !known;
	c->report->files_extended += known;
	return 0;
}

static int take_home(struct collecting *c, const char *home, struct err *e)
{
	AUTO_SESSION_FILES struct session_files files = { 0 };
	int r = sessions_find_home(home, &files, e);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		struct err why = { 0 };

		if (take(c, &files.v[i], &why) < 0)
			note(c, files.v[i].path, &why);
	}
	return r;
}

static int visit_home(struct collecting *c, const char *account, const char *home, struct err *e)
{
	static const struct strv none = STRV_INIT;
	struct stat st;
	int r;

	if (lstat(home, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid < COLLECT_UID_MIN)
		return 0;
	c->uid = st.st_uid;
	c->privacy = (struct privacy){ .workspace = home, .sessions = &none, .folders = &none };
	r = find_user(c, account, e);
	if (r <= 0 || privacy_hides_all(&c->privacy))
		return r < 0 ? r : 0;
	c->report->users_processed++;
	return take_home(c, home, e);
}

static void try_home(struct collecting *c, const char *account, const char *home)
{
	struct err why = { 0 };

	if (visit_home(c, account, home, &why) < 0)
		note(c, home, &why);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* only read from */
}

static int visit_folder(struct collecting *c, const char *homes, struct err *e)
{
	AUTO(close_dir) DIR *dir = opendir(homes);

	if (!dir)
		return err_sys(e, "open folder '%s'", homes);
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		AUTO_FREE char *home = xasprintf("%s/%s", homes, entry->d_name);

		if (entry->d_name[0] != '.')
			try_home(c, entry->d_name, home);
	}
	return 0;
}

static void visit_accounts(struct collecting *c)
{
	AUTO_STRV struct strv names = STRV_INIT, homes = STRV_INIT;

	/* One thread: no other walks the accounts. */
	setpwent();
	for (const struct passwd *p = getpwent(); p; p = getpwent())
		if (p->pw_uid >= COLLECT_UID_MIN && p->pw_dir && p->pw_dir[0] == '/') {
			strv_add(&names, p->pw_name);
			strv_add(&homes, p->pw_dir);
		}
	endpwent();
	for (size_t i = 0; i < names.n; i++)
		try_home(c, names.v[i], homes.v[i]);
}

int collect_run(const struct collect *collect, struct collect_report *report, struct err *e)
{
	struct collecting c = { .collect = collect, .report = report };
	int r = 0;

	if (collect->homes)
		r = visit_folder(&c, collect->homes, e);
	else
		visit_accounts(&c);
	free(c.email);
	return r;
}
