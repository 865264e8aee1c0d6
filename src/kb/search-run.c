/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows, in which order. Finding the rows of a word costs a tenth of a microsecond a row,
 * ranking them twenty times that. So all are ranked when they are few (RANKED_MAX). Of more come
 * first those whose titles have all the words, then those that have all of them, then, where any
 * word is enough, those of the rarest words: of each kind the newest RANKED_MAX, ranked.
 */
#include "kb/search-internal.h"

/* Some four milliseconds. */
#define RANKED_MAX ((int64_t)2000)

struct running {
	struct db *db;
	const struct search_wish *wish;
	struct strv terms;
	search_hit_fn take;
	void *ctx;
	int64_t *given; /* rows that were handed on */
	size_t n, capacity;
};

static void running_release(struct running *run)
{
	strv_release(&run->terms);
	free(run->given);
}

static const char sql_count[] = "SELECT count(*) FROM (SELECT 1 FROM kb_text WHERE kb_text MATCH ?1"
				" AND (?2 = 2 OR (rowid & 1) = ?2) LIMIT ?3)";

static const char sql_search[] =
	"SELECT t.id & 1, t.id / 2, p.path, p.kind, s.anchor, kb_text.title, d.doc_name, s.page,"
	" snippet(kb_text, 1, '', '', '…', 28), kb_text.body, -t.score, t.id FROM"
	" (SELECT id, score FROM"
	" (SELECT rowid AS id, bm25(kb_text, 5.0, 1.0) AS score FROM kb_text WHERE kb_text MATCH ?1"
	" AND (?3 = 2 OR (rowid & 1) = ?3) ORDER BY rowid DESC LIMIT ?4)"
	" ORDER BY score, id LIMIT ?2) t"
	" JOIN kb_text ON kb_text.rowid = t.id AND kb_text MATCH ?1"
	" LEFT JOIN kb_page p ON t.id & 1 = 0 AND p.id = t.id / 2"
	" LEFT JOIN kb_section s ON t.id & 1 = 1 AND s.id = t.id / 2"
	" LEFT JOIN kb_doc d ON d.id = s.doc_id ORDER BY t.score, t.id";

static int64_t kind_of(const struct search_wish *wish)
{
	return wish->sections_only ? 1 : wish->pages_only ? 0 : 2;
}

/* RANKED_MAX + 1 stands for more. */
static int count_rows(struct running *run, const char *expression, int64_t *ret_count,
		      struct err *e)
{
	return db_get_int(run->db, ret_count, 0, e, sql_count, "tii", expression,
			  kind_of(run->wish), RANKED_MAX + 1);
}

static int give(const struct stmt *q, search_hit_fn take, void *ctx, struct err *e)
{
	AUTO_FREE char *snippet = search_without_joints(stmt_text(q, 8));
	AUTO_FREE char *text = search_without_joints(stmt_text(q, 9));
	AUTO_FREE char *title = search_without_joints(stmt_text(q, 5));
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

static bool was_given(const struct running *run, int64_t row)
{
	for (size_t i = 0; i < run->n; i++)
		if (run->given[i] == row)
			return true;
	return false;
}

/* The best of the newest rows of the expression, after what was given before. */
static int rank(struct running *run, const char *expression, struct err *e)
{
	AUTO_STMT struct stmt *q = NULL;
	int r;

	if (run->n >= (size_t)run->wish->limit)
		return 0;
	r = db_query(run->db, &q, e, sql_search, "tiii", expression, run->wish->limit,
		     kind_of(run->wish), RANKED_MAX);
	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		int64_t row = stmt_int(q, 11);

		r = 0;
		/* a row of the index that nothing owns cannot be; it would have no path */
		if (was_given(run, row) || (!stmt_text(q, 2) && !stmt_text(q, 6)))
			continue;
		if (run->n == (size_t)run->wish->limit)
			break;
		run->given = xgrow(run->given, &run->capacity, run->n + 1, sizeof(*run->given));
		run->given[run->n++] = row;
		r = give(q, run->take, run->ctx, e);
	}
	return r;
}

static void join(const struct strv *terms, const char *between, struct buf *out)
{
	for (size_t i = 0; i < terms->n; i++)
		buf_addf(out, "%s%s", i == 0 ? "" : between, terms->v[i]);
}

struct counted {
	const char *term;
	int64_t rows;
};

static int by_rows(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;

	return (x->rows > y->rows) - (x->rows < y->rows);
}

/* The rarest words, as many as have RANKED_MAX rows together; then the others one by one. */
static int rank_rarest(struct running *run, struct err *e)
{
	struct counted counted[SEARCH_WORDS_MAX];
	AUTO_STRV struct strv rarest = STRV_INIT;
	AUTO_BUF struct buf expression = BUF_INIT(BUF_OWN_MAX);
	int64_t rows = 0;
	size_t at;
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->terms.n; i++) {
		counted[i].term = run->terms.v[i];
		r = count_rows(run, counted[i].term, &counted[i].rows, e);
	}
	if (r < 0)
		return r;
	qsort(counted, run->terms.n, sizeof(*counted), by_rows);
	for (at = 0; at < run->terms.n; at++) {
		rows += counted[at].rows;
		if (rows > RANKED_MAX)
			break;
		strv_add(&rarest, counted[at].term);
	}
	join(&rarest, " OR ", &expression);
	r = rarest.n ? rank(run, buf_str(&expression), e) : 0;
	for (; r == 0 && at < run->terms.n; at++)
		r = rank(run, counted[at].term, e);
	return r;
}

static int rank_many(struct running *run, const char *all, struct err *e)
{
	AUTO_FREE char *titles = xasprintf("title : (%s)", all);
	int r = rank(run, titles, e);

	return r < 0 ? r : rank(run, all, e);
}

static int search_any(struct running *run, const char *all, struct err *e)
{
	AUTO_BUF struct buf any = BUF_INIT(BUF_OWN_MAX);
	int64_t rows;
	int r;

	join(&run->terms, " OR ", &any);
	r = count_rows(run, buf_str(&any), &rows, e);
	if (r < 0 || rows <= RANKED_MAX)
		return r < 0 ? r : rank(run, buf_str(&any), e);
	r = rank_many(run, all, e);
	return r < 0 ? r : rank_rarest(run, e);
}

static int search_all(struct running *run, const char *all, struct err *e)
{
	int64_t rows;
	int r = count_rows(run, all, &rows, e);

	if (r < 0)
		return r;
	if (rows == 0)
		return search_any(run, all, e);
	return rows <= RANKED_MAX ? rank(run, all, e) : rank_many(run, all, e);
}

int search_run(struct db *db, const struct search_wish *wish, search_hit_fn take, void *ctx,
	       struct err *e)
{
	AUTO(running_release)
	struct running run = { .db = db, .wish = wish, .take = take, .ctx = ctx };
	AUTO_BUF struct buf all = BUF_INIT(BUF_OWN_MAX);

	search_terms(wish->words, &run.terms);
	if (run.terms.n == 0)
		return err_set(e, ERR_USAGE, "'%.100s' has no word to search for", wish->words);
	join(&run.terms, " AND ", &all);
	return wish->any ? search_any(&run, buf_str(&all), e) : search_all(&run, buf_str(&all), e);
}
