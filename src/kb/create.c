/* SPDX-License-Identifier: Apache-2.0 */
/* Making a knowledge base: folders, the first pages, kb.yaml last. */
#include "base/file.h"
#include "base/yaml.h"
#include "engine/journal.h"
#include "kb/index-text.h"
#include "kb/kb-internal.h"

#include <fcntl.h>

#define LANGUAGE_MAX 50

static const char *const folders[] = {
	"raw",
	"wiki",
	"wiki/sources",
	"wiki/sources/images",
	"wiki/summaries",
	"wiki/concepts",
	"wiki/entities",
	"wiki/explorations",
	"wiki/reports",
};

/* What agents are told of the wiki; people may rewrite it. */
static const char schema_page[] =
	"# Wiki schema\n"
	"\n"
	"This wiki is made by `larder kb` from the documents in `raw/`. Pages are Markdown with\n"
	"front matter; links are wiki links, `[[folder/page]]`.\n"
	"\n"
	"- `index.md`: one line a page, newest on top of its section. Start here.\n"
	"- `summaries/`: one page a document: what it says, its outline, where to read on.\n"
	"- `concepts/`: what several documents are about, with what each says of it.\n"
	"- `entities/`: people, organizations, places, products, works, events.\n"
	"- `sources/`: the full text of each document, images in `sources/images/`.\n"
	"- `explorations/`: answers that were kept. `reports/`: what `larder kb lint` found.\n"
	"- `log.md`: what was done, in order.\n"
	"\n"
	"A claim on a page ends with a link to where its source says it,\n"
	"`[[sources/document#Section]]`. A statement without one is nobody's.\n";

struct first_page {
	const char *path;
	const char *text;
};

static bool exists(struct root *root, const char *path)
{
	return faccessat(root_dirfd(root), path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int stage_page(struct root *root, const struct first_page *page, struct strv *names,
		      struct err *e)
{
	AUTO_FREE char *name = NULL;

	if (exists(root, page->path))
		return 0;
	name = xasprintf("init-%zu", names->n);
	strv_add(names, name);
	strv_add(names, page->path);
	return journal_stage(root, name, bytes_of(page->text), e);
}

/* Those that are not there yet, in one transaction. */
static int write_pages(struct root *root, struct err *e)
{
	AUTO_BUF struct buf index = BUF_INIT(BUF_OWN_MAX);
	AUTO_STRV struct strv names = STRV_INIT; /* staged, target, staged, ... */
	AUTO_STRV struct strv staged = STRV_INIT;
	AUTO_TX struct db *tx = NULL;
	int r = 0;

	index_text_new(&index);
	const struct first_page pages[] = {
		{ "wiki/AGENTS.md", schema_page },
		{ "wiki/index.md", buf_str(&index) },
		{ "wiki/log.md", "# Operations Log\n\n" },
	};

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(pages); i++)
		r = stage_page(root, &pages[i], &names, e);
	for (size_t i = 0; i < names.n; i += 2)
		strv_add(&staged, names.v[i]);
	if (r == 0)
		r = journal_sync(root, &staged, e);
	if (r == 0)
		r = journal_begin(root, &tx, e);
	for (size_t i = 0; r == 0 && i < names.n; i += 2)
		r = journal_move(root, names.v[i], names.v[i + 1], e);
	return r < 0 ? r : journal_commit(root, e);
}

static int write_config(struct root *root, const char *language, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(YAML_BYTES_MAX);

	buf_adds(&text, "# A knowledge base of larder; no secrets here.\n");
	yaml_add_text(&text, "language", language);
	buf_adds(&text, "entity_types: [person, organization, place, product, work, event, other]\n"
			"# Pages from which on a paged document is a long one.\n"
			"pageindex_threshold: 20\n");
	return file_replace(root_dirfd(root), KB_CONFIG, buf_bytes(&text), 0644, e);
}

static int check(const struct kb_new *how, struct err *e)
{
	AUTO_FREE char *workspace = xasprintf("%s/.larder/config.yaml", how->path);

	if (access(workspace, F_OK) == 0) {
		(void)err_set(e, ERR_CONFLICT, "'%s' is a workspace", how->path);
		return err_hint(e, "make the knowledge base in a folder of its own, below it");
	}
	if (how->language &&
	    (!*how->language || strlen(how->language) > LANGUAGE_MAX ||
	     !text_is_clean(bytes_of(how->language)) || strpbrk(how->language, "\n\t")))
		return err_set(e, ERR_USAGE, "a language has 1 to %d letters", LANGUAGE_MAX);
	return 0;
}

const char *kb_schema_page(void)
{
	return schema_page;
}

int kb_make(const struct kb_new *how, struct root **ret_root, bool *ret_made, struct err *e)
{
	AUTO_ROOT struct root *root = NULL;
	int r = check(how, e);

	if (r == 0)
		r = kb_open_root(how->path, true, false, &root, e);
	if (r < 0)
		return r;
	*ret_made = !exists(root, KB_CONFIG);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(folders); i++)
		r = dir_make(root_dirfd(root), folders[i], 0755, e);
	if (r == 0)
		r = write_pages(root, e);
	if (r == 0)
		*ret_root = TAKE(root);
	return r;
}

int kb_write_config(struct root *root, const char *language, struct err *e)
{
	return write_config(root, language ? language : "en", e);
}

int kb_create(const struct kb_new *how, bool *ret_made, struct err *e)
{
	AUTO_ROOT struct root *root = NULL;
	int r = kb_make(how, &root, ret_made, e);

	return r == 0 && *ret_made ? kb_write_config(root, how->language, e) : r;
}
