/* SPDX-License-Identifier: Apache-2.0 */
/* The documents' files, and whether they still say what pages claim. */
#include "base/file.h"
#include "base/json.h"
#include "kb/add-internal.h"
#include "kb/lint-internal.h"
#include "kb/section.h"
#include "kb/unicode.h"

#include <errno.h>
#include <fcntl.h>

struct checking {
	struct kb *kb;
	struct kb_lint *l;
};

/* 1 when the file's bytes have that hash, 0 when not, ERR_NOT_FOUND when it is gone. */
static int has_hash(int dirfd, const char *path, const char *wanted, struct err *e)
{
	AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char hex[HASH_HEX_MAX];

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(e, ERR_NOT_FOUND, "it is gone");
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	if (sha256_fd(fd, hex, NULL, e) < 0)
		return e->code;
	return str_eq(hex, wanted);
}

static int check_file(struct checking *c, const char *path, const char *hash, struct err *e)
{
	struct err why = { 0 };
	int dirfd = root_dirfd(kb_root(c->kb));
	int r = *hash                                  ? has_hash(dirfd, path, hash, &why)
		: faccessat(dirfd, path, F_OK, 0) == 0 ? 1
						       : ERR_NOT_FOUND;

	if (r == ERR_NOT_FOUND)
		lint_add(c->l, "missing-file", path, "it is gone");
	else if (r == 0)
		lint_add(c->l, "edited-source", path, "it is not what was added");
	else if (r < 0)
		*e = why;
	return r < 0 && r != ERR_NOT_FOUND ? r : 0;
}

static int check_files(struct checking *c, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(kb_db(c->kb), &q, e, "SELECT path, hash FROM kb_doc_file ORDER BY path",
			 "");

	while (r == 0 && (r = stmt_next(q, e)) > 0)
		r = check_file(c, stmt_text(q, 0), stmt_text(q, 1), e);
	return r;
}

/* Where the document came from: looked at when that is a file that is still there. */
static int check_origin(void *ctx, const struct kb_doc *d, struct err *e)
{
	struct checking *c = ctx;
	struct err why = { 0 };
	struct stat st;
	int r;

	(void)e;
	if (!d->path || str_starts(d->path, "raw/") || strstr(d->path, "://") ||
	    fstatat(root_dirfd(kb_root(c->kb)), d->path, &st, 0) < 0 ||
	    (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec == d->mtime_ns)
		return 0;
	r = has_hash(root_dirfd(kb_root(c->kb)), d->path, d->hash, &why);
	if (r == 0)
		lint_add(c->l, "stale-source", d->raw_path ? d->raw_path : d->doc_name,
			 "'%s' has changed since it was added", d->path);
	return 0; /* one that cannot be read says nothing of the wiki */
}

static int visit_raw(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	struct checking *c = ctx;
	AUTO_FREE char *full = xasprintf("raw/%s", path);
	int64_t known = 0;
	int r;

	if (!S_ISREG(st->st_mode) || path[0] == '.' || strstr(path, "/."))
		return 0;
	r = db_get_int(kb_db(c->kb), &known, 0, e, "SELECT 1 FROM kb_doc_file WHERE path=?1", "t",
		       full);
	if (r == 0 && !known)
		lint_add(c->l, "raw-unknown", full, "it belongs to no document: larder kb add it");
	return r;
}

/* The text of the source as it is on disk, its Markdown taken off. */
static int source_words(struct checking *c, const char *path, char **ret_words, struct err *e)
{
	AUTO_BUF struct buf raw = BUF_INIT(2 * CONVERT_TEXT_MAX);
	AUTO_BUF struct buf text = BUF_INIT(2 * CONVERT_TEXT_MAX);
	AUTO_JSON struct json *doc = NULL;
	AUTO_FREE char *plain = NULL;
	bool there;
	int r = kb_read(c->kb, path, 2 * CONVERT_TEXT_MAX, &raw, &there, e);

	if (r < 0)
		return r;
	if (str_ends(path, ".json") &&
	    json_parse(buf_bytes(&raw), 2 * CONVERT_TEXT_MAX, &doc, e) == 0)
		for (size_t i = 0; i < json_size(doc); i++) {
			struct bytes page = json_bytes(json_get(json_at(doc, i), "content"));

			buf_add(&text, page.p, page.n);
			buf_addc(&text, '\n');
		}
	else
		buf_add(&text, raw.p, raw.n);
	plain = section_plain(buf_bytes(&text));
	*ret_words = uni_letters(bytes_of(plain));
	return 0;
}

static int check_claims_of(void *ctx, const struct kb_doc *d, struct err *e)
{
	struct checking *c = ctx;
	AUTO_STMT struct stmt *q = NULL;
	AUTO_FREE char *words = NULL;
	int r = db_query(kb_db(c->kb), &q, e,
			 "SELECT p.path, c.quote, c.anchor FROM kb_claim c"
			 " JOIN kb_page p ON p.id=c.page_id WHERE c.doc_id=?1 ORDER BY c.id",
			 "i", d->id);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		AUTO_FREE char *quote = uni_letters(stmt_bytes(q, 1));

		r = words ? 0 : source_words(c, d->source_path, &words, e);
		if (r == 0 && !strstr(words, quote))
			lint_add(c->l, "unsupported", stmt_text(q, 0),
				 "'sources/%s' does not say any more: %.120s", d->doc_name,
				 stmt_text(q, 1));
	}
	return r;
}

int lint_sources(struct kb *kb, struct kb_lint *l, struct err *e)
{
	struct checking c = { kb, l };
	int r = check_files(&c, e);

	if (r == 0)
		r = doc_visit(kb_db(kb), check_origin, &c, e);
	if (r == 0)
		r = doc_visit(kb_db(kb), check_claims_of, &c, e);
	if (r == 0)
		r = tree_visit(root_dirfd(kb_root(kb)), "raw", visit_raw, &c, e);
	return r == ERR_NOT_FOUND ? 0 : r;
}
