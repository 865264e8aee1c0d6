/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/import.h"

#include "base/file.h"
#include "base/json.h"
#include "base/time.h"
#include "engine/journal.h"
#include "kb/add-internal.h"
#include "kb/convert/convert-internal.h"
#include "kb/front.h"
#include "kb/kb-internal.h"
#include "kb/refresh.h"
#include "kb/unicode.h"

#include <fcntl.h>

#define REGISTRY ".openkb/hashes.json"
#define SETTINGS ".openkb/config.yaml"
#define JOURNAL  ".openkb/journal"

struct importing {
	struct kb *kb;
	int dirfd;
	struct kb_import_report *report;
};

void kb_import_report_release(struct kb_import_report *r)
{
	strv_release(&r->problems);
}

static int found_journal(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	const int *dirfd = ctx;
	AUTO_FREE char *full = xasprintf(JOURNAL "/%s", path);
	AUTO_BUF struct buf text = BUF_INIT((size_t)16 << 20);
	AUTO_JSON struct json *doc = NULL;
	struct err why = { 0 };

	if (!S_ISREG(st->st_mode) || file_read(*dirfd, full, text.max, &text, &why) < 0 ||
	    json_parse(buf_bytes(&text), text.max, &doc, &why) < 0 ||
	    !str_eq(json_text(json_get(doc, "status")), "active"))
		return 0;
	(void)err_set(e, ERR_CONFLICT, "the earlier program was cut short: '%s'", full);
	return err_hint(e, "let it recover first (any of its writing commands), then import");
}

static int check_journal(int dirfd, struct err *e)
{
	int r = tree_visit(dirfd, JOURNAL, found_journal, &dirfd, e);

	return r == ERR_NOT_FOUND ? 0 : r;
}

static void set(char **target, const char *text)
{
	free(*target);
	*target = text && *text ? xstrdup(text) : NULL;
}

static char *stem_slug(const char *name)
{
	const char *dot = strrchr(name, '.');
	AUTO_FREE char *stem =
		xstrndup(name, dot && dot != name ? (size_t)(dot - name) : strlen(name));

	return uni_slug(stem, "document");
}

/* Of the oldest entries only name and type are known: the rest follows from the name rule. */
static void read_entry(const struct importing *im, const char *hash, const struct json *entry,
		       struct kb_doc *d)
{
	const char *name = json_text(json_get(entry, "name"));
	const char *doc_name = json_text(json_get(entry, "doc_name"));
	const char *type = json_text(json_get(entry, "type"));
	AUTO_BUF struct buf extra = BUF_INIT(BUF_OWN_MAX);

	(void)snprintf(d->hash, sizeof(d->hash), "%s", hash);
	set(&d->name, name ? name : doc_name);
	if (doc_name)
		set(&d->doc_name, doc_name);
	else
		d->doc_name = stem_slug(d->name);
	set(&d->type, type ? type : "");
	d->type = d->type ? d->type : xstrdup("");
	set(&d->path, json_text(json_get(entry, "path")));
	set(&d->raw_path, json_text(json_get(entry, "raw_path")));
	set(&d->source_path, json_text(json_get(entry, "source_path")));
	d->pages = json_int(json_get(entry, "pages"), -1);
	set(&d->compiler, "imported");
	d->added_ms = d->compiled_ms = time_now();
	json_print(entry, &extra, false);
	set(&d->extra, buf_str(&extra));
	(void)im;
}

/* Only what lies where documents lie: the registry is a text of anybody. */
static bool exists(const struct importing *im, const char *path)
{
	return path && (str_starts(path, "raw/") || str_starts(path, "wiki/sources/")) &&
	       !strstr(path, "..") && faccessat(im->dirfd, path, F_OK, 0) == 0;
}

/* Where its files are, when the registry does not say, or says what is not true here. */
static void find_files(const struct importing *im, struct kb_doc *d)
{
	AUTO_FREE char *text = xasprintf("wiki/sources/%s.md", d->doc_name);
	AUTO_FREE char *pages = xasprintf("wiki/sources/%s.json", d->doc_name);
	const char *dot = strrchr(d->name, '.');
	AUTO_FREE char *raw = xasprintf("raw/%s%s", d->doc_name, dot ? dot : "");
	AUTO_FREE char *named = xasprintf("raw/%s", d->name);

	if (!exists(im, d->source_path))
		set(&d->source_path, exists(im, pages) ? pages : text);
	if (!exists(im, d->raw_path))
		set(&d->raw_path, exists(im, raw) ? raw : exists(im, named) ? named : NULL);
	set(&d->doc_type, str_ends(d->source_path, ".json") ? "pageindex" : "short");
}

static int put_file(struct importing *im, const struct kb_doc *d, const char *path, struct err *e)
{
	AUTO_FD int fd = -1;
	char hex[HASH_HEX_MAX];
	int r;

	if (!exists(im, path))
		return 0;
	fd = openat(im->dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_sys(e, "open '%s'", path);
	r = sha256_fd(fd, hex, NULL, e);
	return r < 0 ? r : doc_put_file(kb_db(im->kb), d->id, path, hex, e);
}

struct images {
	struct importing *im;
	const struct kb_doc *d;
};

static int put_image(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	struct images *i = ctx;
	AUTO_FREE char *full = xasprintf("wiki/sources/images/%s/%s", i->d->doc_name, path);

	return S_ISREG(st->st_mode) ? doc_put_file(kb_db(i->im->kb), i->d->id, full, "", e) : 0;
}

static int put_files(struct importing *im, const struct kb_doc *d, struct err *e)
{
	struct images images = { im, d };
	AUTO_FREE char *folder = xasprintf("wiki/sources/images/%s", d->doc_name);
	int r = put_file(im, d, d->raw_path, e);

	if (r == 0)
		r = put_file(im, d, d->source_path, e);
	if (r == 0)
		r = tree_visit(im->dirfd, folder, put_image, &images, e);
	return r == ERR_NOT_FOUND ? 0 : r;
}

static int put_sections(struct importing *im, const struct kb_doc *d, struct err *e)
{
	struct prepared p = { .converted = CONVERTED_INIT };
	int r = add_read_source(im->kb, d->doc_name, &p, e);

	if (r == 0) {
		sections_of(buf_bytes(&p.converted.text), d->name, &p.sections);
		r = doc_put_sections(kb_db(im->kb), d->id, buf_bytes(&p.converted.text),
				     &p.sections, e);
	}
	sections_release(&p.sections);
	converted_release(&p.converted);
	return r;
}

static int import_one(struct importing *im, const char *hash, const struct json *entry,
		      struct err *e)
{
	AUTO_KB_DOC struct kb_doc known = { 0 };
	AUTO_KB_DOC struct kb_doc d = { 0 };
	struct db *db = kb_db(im->kb);
	int r = doc_find(db, DOC_BY_HASH, hash, &known, e);

	if (r != 0) {
		im->report->known += r > 0;
		return r < 0 ? r : 0;
	}
	if (!json_text(json_get(entry, "name")) && !json_text(json_get(entry, "doc_name"))) {
		strv_addf(&im->report->problems, "%.16s: it has no name", hash);
		return 0;
	}
	read_entry(im, hash, entry, &d);
	find_files(im, &d);
	r = doc_find(db, DOC_BY_NAME, d.doc_name, &known, e);
	if (r > 0 || !text_is_clean(bytes_of(d.doc_name)) || strchr(d.doc_name, '/')) {
		strv_addf(&im->report->problems, "%s: the name '%s' %s", d.name, d.doc_name,
			  r > 0 ? "is that of another document" : "cannot be a file's");
		return 0;
	}
	if (r == 0)
		r = doc_put(db, &d, e);
	if (r == ERR_CONFLICT) { /* two entries of one path: the later one of an edited file */
		strv_addf(&im->report->problems, "%s: '%s' is registered twice", d.name, d.path);
		return 0;
	}
	if (r == 0)
		r = put_files(im, &d, e);
	if (r == 0)
		r = put_sections(im, &d, e);
	im->report->documents += r == 0;
	return r;
}

static int import_registry(struct importing *im, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(IMPORT_REGISTRY_MAX);
	AUTO_JSON struct json *doc = NULL;
	struct json_iter it;
	int r = file_read(im->dirfd, REGISTRY, IMPORT_REGISTRY_MAX, &text, e);

	if (r == ERR_NOT_FOUND)
		return 0;
	if (r == 0)
		r = json_parse(buf_bytes(&text), IMPORT_REGISTRY_MAX, &doc, e);
	if (r < 0)
		return err_in(e, "'" REGISTRY "'");
	it = json_iter(doc);
	while (r == 0 && json_next(&it))
		r = import_one(im, it.key, it.value, e);
	return r;
}

static int import_rows(struct importing *im, struct err *e)
{
	struct root *root = kb_root(im->kb);
	AUTO_TX struct db *tx = NULL;
	struct refresh_report pages = { 0 };
	int r = journal_begin(root, &tx, e);

	if (r == 0)
		r = import_registry(im, e);
	if (r == 0)
		r = wiki_refresh(im->kb, REFRESH_ADOPTED, &pages, e);
	im->report->pages = pages.changed;
	if (r < 0)
		return r;
	r = journal_commit(root, e);
	tx = NULL;
	return r;
}

static char *language_of(int dirfd)
{
	AUTO_BUF struct buf text = BUF_INIT(FRONT_BYTES_MAX);
	AUTO_BUF struct buf fenced = BUF_INIT(2 * FRONT_BYTES_MAX);
	struct err ignored = { 0 };

	if (file_read(dirfd, SETTINGS, FRONT_BYTES_MAX, &text, &ignored) < 0)
		return NULL;
	buf_addf(&fenced, "---\n%s\n---\n", buf_str(&text));
	return front_text(buf_bytes(&fenced), "language");
}

static int check_folder(const char *path, int *ret_dirfd, struct err *e)
{
	*ret_dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dirfd < 0)
		return err_sys(e, "open folder '%s'", path);
	if (faccessat(*ret_dirfd, "wiki", F_OK, 0) == 0)
		return check_journal(*ret_dirfd, e);
	(void)err_set(e, ERR_NOT_FOUND, "there is no wiki in '%s'", path);
	return err_hint(e, "'larder kb init' makes a new knowledge base");
}

static int count_page(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	struct kb_import_report *report = ctx;

	(void)e;
	report->pages += S_ISREG(st->st_mode) && !page_is_plain_file(path);
	return 0;
}

/* What is there to be taken over; nothing is made. */
static int preview(int dirfd, struct kb_import_report *report, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(IMPORT_REGISTRY_MAX);
	AUTO_JSON struct json *doc = NULL;
	int r = file_read(dirfd, REGISTRY, IMPORT_REGISTRY_MAX, &text, e);

	if (r == 0)
		r = json_parse(buf_bytes(&text), IMPORT_REGISTRY_MAX, &doc, e);
	if (r < 0 && r != ERR_NOT_FOUND)
		return err_in(e, "'" REGISTRY "'");
	report->documents = json_size(doc);
	return tree_visit(dirfd, "wiki", count_page, report, e);
}

int kb_import(const char *path, bool dry_run, struct kb_import_report *report, struct err *e)
{
	const struct kb_new how = { .path = path };
	AUTO_FD int dirfd = -1;
	AUTO_ROOT struct root *root = NULL;
	AUTO_FREE char *language = NULL;
	AUTO_KB struct kb *kb = NULL;
	struct importing im = { .report = report };
	bool made = false;
	int r = check_folder(path, &dirfd, e);

	if (r == 0 && dry_run)
		return preview(dirfd, report, e);
	if (r == 0)
		r = kb_make(&how, &root, &made, e);
	if (r < 0)
		return r;
	kb = kb_adopt_root(TAKE(root));
	im.kb = kb;
	im.dirfd = dirfd;
	language = language_of(dirfd);
	r = import_rows(&im, e);
	return r == 0 && made ? kb_write_config(kb_root(kb), language, e) : r;
}
