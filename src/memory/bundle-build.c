/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/bundle-build.h"

#include "memory/items-internal.h"

#define DAY_MS            ((int64_t)24 * 3600 * 1000)
#define RECENT_MS         (365 * DAY_MS)
#define CONFIDENCE_UNSAID 0.5
#define CHARS_PER_TOKEN   4
/* Scores age slowly: within an hour no two rules of note change places. */
#define ORDER_KEEPS_MS ((int64_t)3600 * 1000)

struct candidate {
	char *id;
	double score;
	int64_t updated_ms;
	int64_t tokens;
};

/* What one caller may see, and what was chosen of it. */
struct choice {
	const struct caller *caller;
	struct strv domains; /* granted */
	struct candidate *approved;
	size_t approved_count, capacity;
	struct strv mandatory; /* ids */
	int64_t tokens;
};

static void choice_release(struct choice *c)
{
	for (size_t i = 0; i < c->approved_count; i++)
		free(c->approved[i].id);
	free(c->approved);
	strv_release(&c->domains);
	strv_release(&c->mandatory);
}

static double score(double confidence, int64_t age_ms)
{
	double recency = 1.0 - (double)age_ms / (double)RECENT_MS;

	/* A clock set back must not make a rule newer than new. */
	recency = recency < 0 ? 0 : recency > 1 ? 1 : recency;
	return confidence * recency;
}

/* Columns: id, audience, domain, mandatory, confidence, updated_ms, characters. */
static void add_candidate(struct choice *c, const struct stmt *q, int64_t now_ms)
{
	int64_t tokens = (stmt_int(q, 6) + CHARS_PER_TOKEN - 1) / CHARS_PER_TOKEN;
	double confidence = stmt_is_null(q, 4) ? CONFIDENCE_UNSAID : stmt_double(q, 4);
	struct candidate *one;

	if (!item_is_for(c->caller, &c->domains, stmt_text(q, 1), stmt_text(q, 2)))
		return;
	if (stmt_int(q, 3)) {
		strv_add(&c->mandatory, stmt_text(q, 0));
		c->tokens += tokens;
		return;
	}
	c->approved = xgrow(c->approved, &c->capacity, c->approved_count + 1, sizeof(*one));
	one = &c->approved[c->approved_count++];
	one->id = xstrdup(stmt_text(q, 0));
	one->updated_ms = stmt_int(q, 5);
	one->score = score(confidence, now_ms - one->updated_ms);
	one->tokens = tokens;
}

/* The best first; equals by age and then by id, so that the same rows give the same text. */
static int compare(const void *a_, const void *b_)
{
	const struct candidate *a = a_, *b = b_;

	if (a->score < b->score || a->score > b->score)
		return a->score > b->score ? -1 : 1;
	if (a->updated_ms != b->updated_ms)
		return a->updated_ms > b->updated_ms ? -1 : 1;
	return strcmp(a->id, b->id);
}

static int find_candidates(struct db *db, int64_t now_ms, struct choice *c, struct err *e)
{
	static const char sql_candidates[] =
		"SELECT id, audience, domain, mandatory, confidence, updated_ms,"
		" length(title) + length(content) FROM item"
		" WHERE status = 'approved' AND is_personal = 0"
		" AND (valid_from_ms IS NULL OR valid_from_ms <= ?1)"
		" AND (valid_until_ms IS NULL OR valid_until_ms > ?1) ORDER BY id";
	AUTO_STMT struct stmt *q = NULL;
	int r = access_granted(db, c->caller, "memory_domain", &c->domains, e);

	if (r == 0)
		r = db_query(db, &q, e, sql_candidates, "i", now_ms);
	if (r < 0)
		return r;
	while ((r = stmt_next(q, e)) > 0)
		add_candidate(c, q, now_ms);
	if (c->approved_count > 1)
		qsort(c->approved, c->approved_count, sizeof(*c->approved), compare);
	return r;
}

static int add_mandatory(struct db *db, const struct choice *c, struct json_out *o, struct err *e)
{
	int r = 0;

	json_open(o, "mandatory", '[');
	for (size_t i = 0; r == 0 && i < c->mandatory.n; i++)
		r = rule_add(db, c->mandatory.v[i], o, e);
	json_close(o);
	return r;
}

static int add_approved(struct db *db, struct choice *c, struct json_out *o, struct err *e)
{
	int r = 0;

	json_open(o, "approved", '[');
	for (size_t i = 0; r == 0 && i < c->approved_count; i++) {
		const struct candidate *one = &c->approved[i];

		if (c->tokens + one->tokens > BUNDLE_TOKEN_BUDGET)
			continue;
		c->tokens += one->tokens;
		r = rule_add(db, one->id, o, e);
	}
	json_close(o);
	return r;
}

/* When does the next rule begin or expire? */
static int find_border(struct db *db, int64_t now_ms, int64_t *ret_ms, struct err *e)
{
	static const char sql_border[] =
		"SELECT min(t) FROM (SELECT valid_from_ms AS t FROM item UNION ALL"
		" SELECT valid_until_ms FROM item) WHERE t > ?1";
	int64_t latest = now_ms + ORDER_KEEPS_MS;
	int r = db_get_int(db, ret_ms, latest, e, sql_border, "i", now_ms);

	if (r == 0 && *ret_ms > latest)
		*ret_ms = latest;
	return r;
}

int bundle_build(struct db *db, const struct caller *caller, int64_t now_ms, struct buf *out,
		 int64_t *ret_good_until_ms, struct err *e)
{
	AUTO(choice_release) struct choice c = { .caller = caller };
	struct json_out o = json_out(out);
	int64_t good_until_ms = 0;
	int r = find_candidates(db, now_ms, &c, e);

	if (r < 0)
		return r;
	json_open(&o, NULL, '{');
	r = add_mandatory(db, &c, &o, e);
	if (r == 0)
		r = add_approved(db, &c, &o, e);
	json_add_int(&o, "token_estimate", c.tokens);
	json_add_int(&o, "token_budget", BUNDLE_TOKEN_BUDGET);
	json_close(&o);
	if (r == 0)
		r = find_border(db, now_ms, &good_until_ms, e);
	if (r == 0 && out->full)
		r = err_set(e, ERR_LIMIT, "the bundle exceeds %zu bytes", out->max);
	if (r == 0)
		*ret_good_until_ms = good_until_ms;
	return r;
}
