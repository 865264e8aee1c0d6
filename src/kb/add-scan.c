/* SPDX-License-Identifier: Apache-2.0 */
/* From what was asked for to a list of documents. */
#include "base/file.h"
#include "kb/add-internal.h"

#include <errno.h>
#include <fcntl.h>

static bool is_url(const char *input)
{
	return str_starts(input, "http://") || str_starts(input, "https://");
}

static struct kb_add_item *new_item(struct kb_add_report *report, const char *input)
{
	struct kb_add_item *item;

	report->items =
		xgrow(report->items, &report->capacity, report->n + 1, sizeof(*report->items));
	item = &report->items[report->n++];
	*item = (struct kb_add_item){ .input = xstrdup(input) };
	return item;
}

void add_fail(struct kb_add_item *item, const char *stage, const struct err *why)
{
	item->outcome = KB_FAILED;
	item->stage = stage;
	item->error = *why;
}

void add_skip(struct kb_add_item *item, const char *fmt, ...)
{
	AUTO_BUF struct buf why = BUF_INIT(BUF_OWN_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&why, fmt, ap);
	va_end(ap);
	item->outcome = KB_SKIPPED;
	(void)err_set(&item->error, ERR_CONFLICT, "%s", buf_str(&why));
}

/* Relative to the kb when it lies in it. */
static char *identity_of(const struct kb *kb, const char *absolute)
{
	size_t n = strlen(kb_path(kb));

	return xstrdup(str_starts(absolute, kb_path(kb)) && absolute[n] == '/' ? absolute + n + 1
									       : absolute);
}

static void add_file(struct kb *kb, struct kb_add_report *report, const char *file)
{
	struct kb_add_item *item = new_item(report, file);
	AUTO_FREE char *absolute = realpath(file, NULL);
	const char *slash;
	struct err why = { 0 };

	if (!absolute) {
		(void)err_sys(&why, "open '%s'", file);
		add_fail(item, "scan", &why);
		return;
	}
	slash = strrchr(absolute, '/');
	item->file = xstrdup(absolute);
	item->path = identity_of(kb, absolute);
	item->raw = str_starts(item->path, "raw/") ? xstrdup(item->path) : NULL;
	item->name = xstrdup(slash + 1);
	item->type = convert_type_of(item->name);
	if (!text_is_clean(bytes_of(absolute)) || strchr(absolute, '\n')) {
		(void)err_set(&why, ERR_USAGE, "its path has control characters or is no UTF-8");
		add_fail(item, "scan", &why);
	} else if (str_starts(item->path, "wiki/") || str_starts(item->path, ".larder/")) {
		(void)err_set(&why, ERR_USAGE, "it is a part of this knowledge base");
		add_fail(item, "scan", &why);
	} else if (!convert_knows(item->type)) {
		(void)err_set(&why, ERR_USAGE, "there is no converter for '.%s' files", item->type);
		add_fail(item, "scan", &why);
	}
}

struct walking {
	struct kb *kb;
	struct kb_add_report *report;
	const char *folder;
	char *absolute;
};

/* The kb's own pages, when the folder holds the kb. */
static bool is_own(const struct walking *w, const char *path)
{
	AUTO_FREE char *full = xasprintf("%s/%s", w->absolute, path);
	AUTO_FREE char *wiki = xasprintf("%s/wiki/", kb_path(w->kb));

	return str_starts(full, wiki);
}

/* Of a folder only what can be converted; hidden files and folders are somebody's else. */
static int visit(void *ctx, const char *path, const struct stat *st, struct err *e)
{
	struct walking *w = ctx;
	AUTO_FREE char *type = convert_type_of(path);
	AUTO_FREE char *full = xasprintf("%s/%s", w->folder, path);

	if (!S_ISREG(st->st_mode) || !convert_knows(type) || path[0] == '.' || strstr(path, "/.") ||
	    is_own(w, path))
		return 0;
	if (w->report->n >= KB_ADD_ITEMS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d documents in one batch",
			       KB_ADD_ITEMS_MAX);
	add_file(w->kb, w->report, full);
	return 0;
}

static int add_folder(struct kb *kb, struct kb_add_report *report, const char *folder,
		      struct err *e)
{
	AUTO_FREE char *plain = xstrdup(folder);
	AUTO_FREE char *absolute = realpath(folder, NULL);
	struct walking w = { kb, report, plain, absolute };
	size_t n = strlen(plain);

	if (!absolute)
		return err_sys(e, "open '%s'", folder);

	while (n > 1 && plain[n - 1] == '/')
		plain[--n] = '\0';
	return tree_visit(AT_FDCWD, plain, visit, &w, e);
}

static void add_url(struct kb_add_report *report, const char *url)
{
	struct kb_add_item *item = new_item(report, url);
	struct err why = { 0 };

	item->path = xstrdup(url);
	if (text_is_clean(bytes_of(url)) && strlen(url) < 2000)
		return;
	(void)err_set(&why, ERR_USAGE, "this is no URL");
	add_fail(item, "scan", &why);
}

int add_scan(struct kb *kb, const struct kb_add_options *options, struct kb_add_report *report,
	     struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < options->inputs->n; i++) {
		const char *input = options->inputs->v[i];
		struct stat st;

		if (is_url(input))
			add_url(report, input);
		else if (stat(input, &st) == 0 && S_ISDIR(st.st_mode))
			r = add_folder(kb, report, input, e);
		else
			add_file(kb, report, input);
	}
	return r;
}
