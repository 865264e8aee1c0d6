/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/publish.h"

#include "engine/ledger.h"
#include "kb/front.h"
#include "kb/pages.h"

#define SPACE "kb-publish"

struct found {
	char *path, *title;
	enum page_kind kind;
};

struct list {
	struct found *v;
	size_t n, capacity;
};

static void list_release(struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].path);
		free(l->v[i].title);
	}
	free(l->v);
}

/* Was it asked for, by name or by its folder? Summaries and notes only then. */
static bool is_chosen(const struct publish_choice *choice, const char *path, enum page_kind kind,
		      bool *used)
{
	AUTO_FREE char *link = page_link(path);
	size_t folder = strcspn(path, "/");

	if (choice->pages->n == 0)
		return kind == PAGE_CONCEPT || kind == PAGE_ENTITY || kind == PAGE_EXPLORATION;
	for (size_t i = 0; i < choice->pages->n; i++) {
		const char *wanted = choice->pages->v[i];
		bool same = str_eq(wanted, link) || str_eq(wanted, path) ||
			    (strlen(wanted) == folder && strncmp(wanted, path, folder) == 0);

		if (same) {
			used[i] = true;
			return true;
		}
	}
	return false;
}

static int collect(struct kb *kb, const struct publish_choice *choice, struct list *list,
		   bool *used, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(kb_db(kb), &q, e, "SELECT path, kind, title FROM kb_page ORDER BY path",
			 "");

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		enum page_kind kind = (enum page_kind)stmt_int(q, 1);

		r = 0;
		if (!is_chosen(choice, stmt_text(q, 0), kind, used))
			continue;
		list->v = xgrow(list->v, &list->capacity, list->n + 1, sizeof(*list->v));
		list->v[list->n++] =
			(struct found){ xstrdup(stmt_text(q, 0)), xstrdup(stmt_text(q, 2)), kind };
	}
	return r;
}

static char *ledger_key(const char *server, const char *path)
{
	return xasprintf("%s %s", server, path);
}

static int visit_one(struct kb *kb, const char *server, const struct publish_choice *choice,
		     const struct found *f, publish_fn visit, void *ctx, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(PAGE_BYTES_MAX);
	AUTO_FREE char *full = xasprintf("wiki/%s", f->path);
	AUTO_FREE char *link = page_link(f->path);
	AUTO_FREE char *key = ledger_key(server, f->path);
	struct publish_page page = { .path = f->path, .link = link, .title = f->title };
	struct front front;
	bool there;
	int r = kb_read(kb, full, PAGE_BYTES_MAX, &text, &there, e);

	if (r < 0 || !there)
		return r;
	front = front_split(buf_bytes(&text));
	page.kind = page_kind_word(f->kind);
	page.body = (struct bytes){ text.p + front.body, text.n - front.body };
	hash_text(HASH_SHA256, buf_bytes(&text), page.hash);
	r = choice->again ? 0 : ledger_seen(kb_db(kb), SPACE, key, page.hash, e);
	return r != 0 ? (r < 0 ? r : 0) : visit(ctx, &page, e);
}

int publish_visit(struct kb *kb, const char *server, const struct publish_choice *choice,
		  publish_fn visit, void *ctx, struct err *e)
{
	AUTO(list_release) struct list list = { 0 };
	AUTO_FREE bool *used = xcalloc(choice->pages->n + 1, sizeof(bool));
	int r = collect(kb, choice, &list, used, e);

	for (size_t i = 0; r == 0 && i < choice->pages->n; i++)
		if (!used[i])
			return err_set(e, ERR_NOT_FOUND, "there is no page '%s'",
				       choice->pages->v[i]);
	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = visit_one(kb, server, choice, &list.v[i], visit, ctx, e);
	return r;
}

int publish_note(struct kb *kb, const char *server, const struct publish_page *page, struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	AUTO_FREE char *key = ledger_key(server, page->path);
	int r = db_begin_tx(kb_db(kb), &tx, e);

	if (r == 0)
		r = ledger_put(kb_db(kb), SPACE, key, page->hash, e);
	return r < 0 ? r : db_commit(kb_db(kb), e);
}
