/* SPDX-License-Identifier: Apache-2.0 */
#include "kb/search.h"

#include "kb/extract-words.h"
#include "kb/unicode.h"

/* Between letters of a script without blanks: the tokenizer then takes each for a word. */
#define JOINT "\xe2\x80\x8b"

static void add_jointed(struct bytes text, struct buf *out)
{
	bool before = false;
	size_t length;

	for (size_t i = 0; i < text.n; i += length) {
		int32_t c = uni_at(text, i, &length);
		bool now = uni_is_unspaced(c);

		if (before || (now && i > 0))
			buf_adds(out, JOINT);
		buf_add(out, text.p + i, length);
		before = now;
	}
}

static bool needs_joints(struct bytes text)
{
	size_t length;

	for (size_t i = 0; i < text.n; i += length) {
		length = 1;
		if ((unsigned char)text.p[i] >= 0xe2 && uni_is_unspaced(uni_at(text, i, &length)))
			return true;
	}
	return false;
}

int search_put(struct db *db, enum search_what what, int64_t id, const char *title,
	       const char *text, struct err *e)
{
	AUTO_BUF struct buf jointed = BUF_INIT(BUF_OWN_MAX);
	AUTO_BUF struct buf jointed_title = BUF_INIT(BUF_OWN_MAX);
	int r = search_drop(db, what, id, e);

	if (needs_joints(bytes_of(text))) {
		add_jointed(bytes_of(text), &jointed);
		text = buf_str(&jointed);
	}
	if (needs_joints(bytes_of(title))) {
		add_jointed(bytes_of(title), &jointed_title);
		title = buf_str(&jointed_title);
	}
	return r < 0 ? r
		     : db_exec(db, e, "INSERT INTO kb_text(rowid, title, body) VALUES(?1, ?2, ?3)",
			       "itt", id * 2 + (int64_t)what, title, text);
}

int search_drop(struct db *db, enum search_what what, int64_t id, struct err *e)
{
	return db_exec(db, e, "DELETE FROM kb_text WHERE rowid=?1", "i", id * 2 + (int64_t)what);
}

struct words {
	struct buf *out;
	size_t n;
	bool any;
	bool every; /* also words that say nothing */
};

static void add_term(struct words *w, struct bytes term, bool beginning)
{
	AUTO_FREE char *fold = uni_fold(term);

	if (w->n >= SEARCH_WORDS_MAX || (!w->every && words_is_stop(fold)))
		return;
	buf_addf(w->out, "%s\"", w->n == 0 ? "" : w->any ? " OR " : " AND ");
	add_jointed(term, w->out);
	buf_addf(w->out, "\"%s", beginning ? "*" : "");
	w->n++;
}

static size_t word_length(struct bytes text, size_t at)
{
	size_t from = at;
	size_t length;

	while (at < text.n && uni_is_word(uni_at(text, at, &length)))
		at += length;
	return at - from;
}

/* "two words" are one term; inside it only words and blanks are left. */
static size_t add_quoted(struct words *w, struct bytes text, size_t at)
{
	const char *close = memchr(text.p + at + 1, '"', text.n - at - 1);
	size_t end = close ? (size_t)(close - text.p) : text.n;
	AUTO_BUF struct buf phrase = BUF_INIT(BUF_OWN_MAX);
	size_t length;

	for (size_t i = at + 1; i < end; i += length) {
		bool word = uni_is_word(uni_at(text, i, &length));

		if (word)
			buf_add(&phrase, text.p + i, length);
		else if (phrase.n > 0 && phrase.p[phrase.n - 1] != ' ')
			buf_addc(&phrase, ' ');
	}
	while (phrase.n > 0 && phrase.p[phrase.n - 1] == ' ')
		phrase.n--;
	if (phrase.n > 0)
		add_term(w, buf_bytes(&phrase), false);
	return end + 1 - at;
}

static void add_words(struct words *w, struct bytes text)
{
	for (size_t i = 0; i < text.n;) {
		size_t n = word_length(text, i);
		size_t length = 1;

		if (n > 0) {
			bool beginning = i + n < text.n && text.p[i + n] == '*';

			add_term(w, (struct bytes){ text.p + i, n }, beginning);
			i += n;
		} else if (text.p[i] == '"') {
			i += add_quoted(w, text, i);
		} else {
			(void)uni_at(text, i, &length);
			i += length;
		}
	}
}

void search_expression(const char *words, bool any, struct buf *out)
{
	struct words w = { .out = out, .any = any };

	buf_clear(out);
	add_words(&w, bytes_of(words));
	if (w.n > 0)
		return;
	w.every = true;
	add_words(&w, bytes_of(words));
}

static char *without_joints(const char *text)
{
	AUTO_BUF struct buf out = BUF_INIT(BUF_OWN_MAX);
	const char *next;

	while ((next = strstr(text, JOINT)) != NULL) {
		buf_add(&out, text, (size_t)(next - text));
		text = next + sizeof(JOINT) - 1;
	}
	buf_adds(&out, text);
	return buf_take(&out);
}

int search_text(struct db *db, enum search_what what, int64_t id, char **ret_text, struct err *e)
{
	AUTO_FREE char *body = NULL;
	int r = db_get_text(db, &body, e, "SELECT body FROM kb_text WHERE rowid=?1", "i",
			    id * 2 + (int64_t)what);

	if (r == 0 && body)
		*ret_text = without_joints(body);
	return r;
}

static const char sql_search[] =
	"SELECT t.rowid & 1, t.rowid / 2, p.path, p.kind, s.anchor, t.title, d.doc_name, s.page,"
	" t.snip, t.body, -t.rank FROM (SELECT rowid, title, body, bm25(kb_text, 5.0, 1.0) AS rank,"
	" snippet(kb_text, 1, '', '', '…', 28) AS snip FROM kb_text WHERE kb_text MATCH ?1"
	" AND (?3 = 2 OR (rowid & 1) = ?3) ORDER BY rank LIMIT ?2) t"
	" LEFT JOIN kb_page p ON t.rowid & 1 = 0 AND p.id = t.rowid / 2"
	" LEFT JOIN kb_section s ON t.rowid & 1 = 1 AND s.id = t.rowid / 2"
	" LEFT JOIN kb_doc d ON d.id = s.doc_id ORDER BY t.rank, t.rowid";

static int give(const struct stmt *q, search_hit_fn take, void *ctx, struct err *e)
{
	AUTO_FREE char *snippet = without_joints(stmt_text(q, 8));
	AUTO_FREE char *text = without_joints(stmt_text(q, 9));
	AUTO_FREE char *title = without_joints(stmt_text(q, 5));
	bool section = stmt_int(q, 0) == 1;
	AUTO_FREE char *link =
		section ? xasprintf("sources/%s", stmt_text(q, 6)) : page_link(stmt_text(q, 2));
	const struct search_hit hit = {
		.what = section ? SEARCH_SECTION : SEARCH_PAGE,
		.id = stmt_int(q, 1),
		.link = link,
		.anchor = section ? stmt_text(q, 4) : "",
		.title = title,
		.doc_name = stmt_text(q, 6),
		.kind = section ? "source" : page_kind_word((enum page_kind)stmt_int(q, 3)),
		.snippet = snippet,
		.text = text,
		.page = stmt_int(q, 7),
		.score = stmt_double(q, 10),
	};

	return take(ctx, &hit, e);
}

static int search_once(struct db *db, const struct search_wish *wish, const char *expression,
		       search_hit_fn take, void *ctx, size_t *ret_found, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(db, &q, e, sql_search, "tii", expression, wish->limit,
			 (int64_t)(wish->sections_only ? 1
				   : wish->pages_only  ? 0
						       : 2));

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		/* a row of the index that nothing owns cannot be; it would have no path */
		r = stmt_text(q, 2) || stmt_text(q, 6) ? give(q, take, ctx, e) : 0;
		++*ret_found;
	}
	return r;
}

int search_run(struct db *db, const struct search_wish *wish, search_hit_fn take, void *ctx,
	       struct err *e)
{
	AUTO_BUF struct buf expression = BUF_INIT(BUF_OWN_MAX);
	size_t found = 0;
	int r = 0;

	search_expression(wish->words, wish->any, &expression);
	if (expression.n == 0)
		return err_set(e, ERR_USAGE, "'%.100s' has no word to search for", wish->words);
	r = search_once(db, wish, buf_str(&expression), take, ctx, &found, e);
	if (r < 0 || found > 0 || wish->any)
		return r;
	search_expression(wish->words, true, &expression);
	return search_once(db, wish, buf_str(&expression), take, ctx, &found, e);
}
