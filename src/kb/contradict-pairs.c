/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "kb/contradict-internal.h"
#include "kb/front.h"
#include "kb/links.h"
#include "kb/lint-internal.h"
#include "kb/page.h"

/* A verdict that was written by us: a page's worth of quotes. */
#define VERDICT_BYTES_MAX ((size_t)1 << 20)

static void page_release(struct judged_page *p)
{
	free(p->path);
	free(p->text);
}

static void pair_release(struct judged_pair *p)
{
	page_release(&p->first);
	page_release(&p->second);
	free(p->verdict);
	*p = (struct judged_pair){ 0 };
}

void pairs_release(struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++)
		pair_release(&p->v[i]);
	free(p->v);
	*p = (struct pairs){ 0 };
}

/*
 * What two pages have in common, as a number. Summaries belong to one document each, so they meet in
 * the pages that both link to; that a page and the summary it was made with share one is no sign.
 */
static const char sql_candidates[] =
	"WITH rare AS (SELECT target FROM kb_link"
	"  WHERE target LIKE 'concepts/%' OR target LIKE 'entities/%'"
	"  GROUP BY target HAVING count(*) BETWEEN 2 AND ?2),"
	" near(a, b, n) AS ("
	"  SELECT page_id, page_id, count(*) FROM kb_page_doc GROUP BY page_id HAVING count(*) > 1"
	"  UNION ALL SELECT x.page_id, y.page_id, count(*) FROM kb_page_doc x"
	"   JOIN kb_page_doc y ON y.doc_id=x.doc_id AND y.page_id > x.page_id"
	"   GROUP BY 1, 2 HAVING count(*) > 1"
	"  UNION ALL SELECT x.page_id, y.page_id, count(*) FROM rare r"
	"   JOIN kb_link x ON x.target=r.target"
	"   JOIN kb_link y ON y.target=r.target AND y.page_id > x.page_id GROUP BY 1, 2"
	"  UNION ALL SELECT min(l.page_id, t.id), max(l.page_id, t.id), 1 FROM kb_link l"
	"   JOIN kb_page t ON t.path=l.target || '.md' AND t.id<>l.page_id"
	"   JOIN kb_page p ON p.id=l.page_id WHERE p.kind<>1 AND t.kind<>1 GROUP BY 1, 2)"
	" SELECT p.id, p.path, q.id, q.path, sum(n.n) FROM near n"
	" JOIN kb_page p ON p.id=n.a JOIN kb_page q ON q.id=n.b"
	" WHERE p.kind<>4 AND q.kind<>4" /* kept answers repeat the pages */
	" GROUP BY n.a, n.b ORDER BY 5 DESC, p.path, q.path LIMIT ?1";

/* Of each page that was looked at its hash, so that it is read once for all its pairs. */
struct known_page {
	int64_t id;
	char hash[HASH_HEX_MAX]; /* "": it is not there */
};

struct collecting {
	struct kb *kb;
	struct kb_lint *l;
	struct pairs *pairs;
	size_t max;
	struct known_page *known; /* by id */
	size_t known_count, known_capacity;
};

static void collecting_release(struct collecting *c)
{
	free(c->known);
}

/* The place of the page, where it is or belongs. */
static size_t place_of(const struct collecting *c, int64_t id)
{
	size_t low = 0, high = c->known_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c->known[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int read_page(struct collecting *c, const char *path, struct buf *out, bool *ret_there,
		     struct err *e)
{
	AUTO_FREE char *full = xasprintf("wiki/%s", path);

	return kb_read(c->kb, full, PAGE_BYTES_MAX, out, ret_there, e);
}

static int read_hash(struct collecting *c, const char *path, char *hash, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(PAGE_BYTES_MAX);
	bool there = false;
	int r = read_page(c, path, &text, &there, e);

	if (r == 0 && there)
		hash_text(HASH_SHA256, buf_bytes(&text), hash);
	return r == ERR_LIMIT ? 0 : r; /* which is told by another check */
}

static int hash_of(struct collecting *c, const struct judged_page *page, char *hash, struct err *e)
{
	size_t at = place_of(c, page->id);
	struct known_page k = { .id = page->id };
	int r = 0;

	if (at == c->known_count || c->known[at].id != page->id) {
		r = read_hash(c, page->path, k.hash, e);
		c->known = xgrow(c->known, &c->known_capacity, c->known_count + 1, sizeof(k));
		memmove(c->known + at + 1, c->known + at, (c->known_count++ - at) * sizeof(k));
		c->known[at] = k;
	}
	memcpy(hash, c->known[at].hash, sizeof(k.hash));
	return r;
}

static int fill_page(struct collecting *c, struct judged_page *p, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(PAGE_BYTES_MAX);
	struct bytes body;
	bool there = false;
	int r = read_page(c, p->path, &text, &there, e);

	if (r < 0 || !there)
		return r;
	hash_text(HASH_SHA256, buf_bytes(&text), p->hash); /* of what is asked about */
	body = (struct bytes){ text.p, text.n };
	p->text = xstrndup(body.p + front_split(body).body, body.n - front_split(body).body);
	return 0;
}

static void add_quoted(struct buf *out, const char *text)
{
	buf_addc(out, '"');
	link_add_plain(out, bytes_of(text ? text : ""));
	buf_addc(out, '"');
}

void pairs_report(const struct judged_pair *pair, struct kb_lint *l)
{
	AUTO_JSON struct json *doc = NULL;
	struct err ignored = { 0 };

	if (json_parse(bytes_of(pair->verdict), VERDICT_BYTES_MAX, &doc, &ignored) < 0)
		return;
	for (size_t i = 0; i < json_size(doc); i++) {
		const struct json *one = json_at(doc, i);
		AUTO_BUF struct buf text = BUF_INIT(BUF_OWN_MAX);
		const char *why = json_text(json_get(one, "why"));

		add_quoted(&text, json_text(json_get(one, "first")));
		buf_addf(&text, " against '%s': ", pair->second.path);
		add_quoted(&text, json_text(json_get(one, "second")));
		if (why) {
			buf_adds(&text, ": ");
			link_add_plain(&text, bytes_of(why));
		}
		lint_add(l, "contradiction", pair->first.path, "%s", buf_str(&text));
	}
}

/* 1 when both texts are those of the verdict. */
static int recall(struct collecting *c, struct judged_pair *pair, struct err *e)
{
	char first[HASH_HEX_MAX] = "", second[HASH_HEX_MAX] = "";
	int r = hash_of(c, &pair->first, first, e);

	if (r == 0)
		r = hash_of(c, &pair->second, second, e);
	if (r < 0 || !*first || !*second)
		return r < 0 ? r : 1; /* a page that is gone says nothing */
	r = db_get_text(kb_db(c->kb), &pair->verdict, e,
			"SELECT verdict FROM kb_judged WHERE first_id=?1 AND second_id=?2"
			" AND first_hash=?3 AND second_hash=?4",
			"iitt", pair->first.id, pair->second.id, first, second);
	return r < 0 ? r : pair->verdict != NULL;
}

static int take_pair(struct collecting *c, struct judged_pair *pair, struct err *e)
{
	struct pairs *pairs = c->pairs;
	int r = recall(c, pair, e);

	if (r > 0 && pair->verdict) {
		c->l->judged_before++;
		pairs_report(pair, c->l);
	}
	if (r != 0)
		return r < 0 ? r : 0;
	if (pairs->n >= c->max) {
		pairs->left++;
		return 0;
	}
	r = fill_page(c, &pair->first, e);
	if (r == 0)
		r = fill_page(c, &pair->second, e);
	if (r < 0 || !pair->first.text || !pair->second.text)
		return r;
	pairs->v = xgrow(pairs->v, &pairs->capacity, pairs->n + 1, sizeof(*pairs->v));
	pairs->v[pairs->n++] = *pair;
	*pair = (struct judged_pair){ 0 };
	return 0;
}

int pairs_collect(struct kb *kb, size_t max, struct kb_lint *l, struct pairs *ret, struct err *e)
{
	AUTO(collecting_release)
	struct collecting c = { .kb = kb, .l = l, .pairs = ret, .max = max };
	AUTO_STMT struct stmt *q = NULL;
	int r = db_query(kb_db(kb), &q, e, sql_candidates, "ii", (int64_t)CONTRADICT_CANDIDATES,
			 (int64_t)CONTRADICT_LINKS_MAX);

	while (r == 0 && (r = stmt_next(q, e)) > 0) {
		AUTO(pair_release)
		struct judged_pair pair = {
			.first = { .id = stmt_int(q, 0), .path = xstrdup(stmt_text(q, 1)) },
			.second = { .id = stmt_int(q, 2), .path = xstrdup(stmt_text(q, 3)) },
		};

		r = take_pair(&c, &pair, e);
	}
	return r;
}
