/* SPDX-License-Identifier: Apache-2.0 */
/* A difference of manifests leads where the whole manifest leads, or is refused. */
#include "tables/manifest-since.h"

#include "hub/trail.h"
#include "net/http-blob.h"
#include "tables-fixture.h"
#include "tables/manifest-build.h"
#include "tables/plan.h"

#define SHA_1 "8b58c112fae742f2c9f3dd9ccea37f2b30aa64717d5ca3fbad75b8620fb9bc7b"

static void trails_auto(struct trails **p)
{
	trails_free(*p);
}

/* --- a hub of rows alone: what a manifest is made of, without files --- */

#define TABLES 10

static unsigned roll(unsigned *seed, unsigned n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

static void hex_of(unsigned n, char out[HASH_HEX_MAX])
{
	AUTO_FREE char *text = xasprintf("%u", n);

	hash_text(HASH_SHA256, bytes_of(text), out);
}

#define RUN_SQL(root, ...)                                                                         \
	do {                                                                                       \
		struct err e = { 0 };                                                              \
		CHECK_OK(db_exec(root_db(root), &e, __VA_ARGS__));                                 \
	} while (0)

/* In parts for odd tables. */
static void publish_rows(struct root *root, unsigned table, unsigned n)
{
	AUTO_BUF struct buf lines = BUF_INIT(4096);
	AUTO_FREE char *id = xasprintf("t%u", table);
	char a[HASH_HEX_MAX], b[HASH_HEX_MAX], whole[HASH_HEX_MAX];
	int64_t rows = n % 3 ? 7 : -1;

	hex_of(n, a);
	hex_of(n + 1, b);
	buf_addf(&lines, "a.parquet %s\nb.parquet %s\n", a, b);
	hash_text(HASH_SHA256, buf_bytes(&lines), whole);
	RUN_SQL(root,
		"INSERT INTO version(table_id, sha256, md5, rows, size_bytes, parts, created_ms)"
		" VALUES (?1, ?2, substr(?3, 1, 32), nullif(?4, -1), ?5, 1, ?6)",
		"tttiii", id, table % 2 ? whole : a, a, rows, (int64_t)(10 + n % 5),
		(int64_t)1000 * n);
	RUN_SQL(root,
		"UPDATE tbl SET current_version=(SELECT max(id) FROM version WHERE table_id=?1)"
		" WHERE id=?1",
		"t", id);
	if (table % 2)
		RUN_SQL(root,
			"INSERT INTO part(version_id, path, sha256, md5, size_bytes, rows)"
			" SELECT max(v.id), path, sha, substr(sha, 1, 32), 5, n FROM version v,"
			" (SELECT 'a.parquet' AS path, ?1 AS sha, 1 AS n"
			"  UNION ALL SELECT 'b.parquet', ?2, NULL) GROUP BY path",
			"tt", a, b);
}

static void change(struct root *root, unsigned *seed, unsigned n)
{
	unsigned t = roll(seed, TABLES);
	AUTO_FREE char *id = xasprintf("t%u", t);
	AUTO_FREE char *name = xasprintf("%c%u", (char)('a' + roll(seed, 20)), t);

	switch (roll(seed, 9)) {
	case 0:
		RUN_SQL(root, "DELETE FROM tbl WHERE id=?1", "t", id);
		return;
	case 1: /* to another place in the order */
		RUN_SQL(root, "UPDATE tbl SET name=?2 WHERE id=?1", "tt", id, name);
		return;
	case 2:
		RUN_SQL(root, "UPDATE tbl SET description='a \"{' || ?2 || '}\\ }' WHERE id=?1",
			"ti", id, (int64_t)n);
		return;
	case 3:
		RUN_SQL(root,
			"UPDATE tbl SET query_mode=iif(query_mode='local', 'remote', 'local')"
			" WHERE id=?1",
			"t", id);
		return;
	case 4:
		RUN_SQL(root, "DELETE FROM resource_grant WHERE resource_id=?1", "t", id);
		return;
	case 5:
		RUN_SQL(root, "DELETE FROM resource_grant WHERE resource_id=?1", "t", id);
		(void)grant_table(root_db(root), "analysts", id);
		return;
	default:
		RUN_SQL(root,
			"INSERT OR IGNORE INTO tbl(id, name, query_mode, created_ms)"
			" VALUES (?1, ?2, 'local', 1)",
			"tt", id, name);
		publish_rows(root, t, n);
	}
}

/* --- the manifests that were given, and a workspace that has reached one of them --- */

struct given {
	char *text;
	struct cached c;
};

static void given_release(struct given *g)
{
	free(g->text);
	cached_release(&g->c);
}

static struct given give(struct buf *text, size_t lasting)
{
	struct given g = { .text = xstrdup(buf_str(text)) };
	char hex[HASH_HEX_MAX];

	hash_text(HASH_SHA256, (struct bytes){ text->p, lasting ? lasting : text->n }, hex);
	(void)snprintf(g.c.etag, sizeof(g.c.etag), "\"%s\"", hex);
	g.c.blob = http_blob_new(text, false);
	return g;
}

static struct given given_now(struct root *root, const struct caller *caller)
{
	AUTO_BUF struct buf text = BUF_INIT(MANIFEST_BUILD_MAX);
	size_t lasting = 0;
	struct err e = { 0 };

	CHECK_OK(manifest_build(root_db(root),
				&(struct manifest_for){ .caller = caller, .bundle_etag = "\"r\"" },
				&text, &lasting, &e));
	return give(&text, lasting);
}

static struct local_table row_of(const struct manifest_table *t)
{
	struct local_table row = { .name = xstrdup(t->name),
				   .id = xstrdup(t->id),
				   .version = xstrdup(t->version),
				   .hash = xstrdup(t->hash),
				   .updated = xstrdup(t->updated),
				   .description = xstrdup(t->description),
				   .rows = t->rows,
				   .size_bytes = t->size_bytes,
				   .in_parts = t->in_parts,
				   .files = xcalloc(t->file_count, sizeof(*row.files)),
				   .file_count = t->file_count };

	for (size_t i = 0; i < t->file_count; i++) {
		row.files[i].path = xstrdup(t->files[i].path);
		memcpy(row.files[i].sha256, t->files[i].sha256, HASH_HEX_MAX);
	}
	return row;
}

/* What is here when that manifest was reached, and an extract of a remote table. */
static struct local *workspace_of(const char *manifest)
{
	struct local *local = xcalloc(1, sizeof(*local));
	AUTO_MANIFEST struct manifest *m = NULL;
	struct manifest_table extract = { .name = (char[]){ "zz" },
					  .id = (char[]){ "t3" },
					  .hash = (char[]){ "" },
					  .updated = (char[]){ "" },
					  .description = (char[]){ "" } };
	struct err e = { 0 };

	CHECK_OK(manifest_parse(bytes_of(manifest), &m, &e));
	CHECK_INT(m->warnings.n, 0);
	local->tables = xcalloc(m->count + 1, sizeof(*local->tables));
	for (; local->count < m->count; local->count++) {
		local->tables[local->count] = row_of(&m->tables[local->count]);
		local->file_count += m->tables[local->count].file_count;
	}
	local->tables[local->count] = row_of(&extract);
	local->tables[local->count++].snapshot = true;
	return local;
}

static void check_same_table(const struct local *local, const struct manifest_table *a,
			     const struct manifest_table *b)
{
	const struct local_table *row = local_find(local, a->name);

	CHECK_STR(a->name, b->name);
	if (a->as_before) {
		CHECK(row && !row->snapshot);
		CHECK_STR(row->version, b->version);
		CHECK_STR(row->description, b->description);
		CHECK_INT(row->file_count, b->file_count);
		return;
	}
	CHECK_STR(a->id, b->id);
	CHECK_STR(a->version, b->version);
	CHECK_STR(a->description, b->description);
	CHECK_INT(a->file_count, b->file_count);
	for (size_t i = 0; i < a->file_count; i++)
		CHECK_STR(a->files[i].sha256, b->files[i].sha256);
}

static void check_same_plan(const struct local *local, const struct manifest *a,
			    const struct manifest *b)
{
	AUTO_PLAN struct plan *x = plan_make(local, a);
	AUTO_PLAN struct plan *y = plan_make(local, b);

	CHECK_INT(x->count, y->count);
	for (size_t i = 0; i < x->count; i++) {
		CHECK_STR(plan_table_name(&x->tables[i]), plan_table_name(&y->tables[i]));
		CHECK_INT(x->tables[i].action, y->tables[i].action);
		CHECK_STR(x->tables[i].reason, y->tables[i].reason);
	}
}

/* From one manifest to another, by the names that may differ. */
static void check_difference(const struct given *base, const struct given *now,
			     const struct strv *names, unsigned *seed)
{
	AUTO_LOCAL struct local *local = workspace_of(base->text);
	AUTO_BUF struct buf text = BUF_INIT(MANIFEST_BYTES_MAX);
	AUTO_MANIFEST struct manifest *by_difference = NULL;
	AUTO_MANIFEST struct manifest *whole = NULL;
	AUTO_MANIFEST struct manifest *none = NULL;
	struct err e = { 0 };
	size_t as_before = 0;

	CHECK(since_write(bytes_of(now->text), names, &text));
	CHECK_OK(since_apply(buf_bytes(&text), local, &by_difference, &e));
	CHECK_OK(manifest_parse(bytes_of(now->text), &whole, &e));
	CHECK_INT(by_difference->count, whole->count);
	CHECK_STR(by_difference->bundle_etag, whole->bundle_etag);
	CHECK(by_difference->batches && whole->batches);
	for (size_t i = 0; i < whole->count; i++) {
		check_same_table(local, &by_difference->tables[i], &whole->tables[i]);
		as_before += by_difference->tables[i].as_before;
	}
	check_same_plan(local, by_difference, whole);
	if (as_before == 0)
		return;
	/* a row that is not what the hub thinks it is */
	for (;;) {
		size_t i = roll(seed, (unsigned)whole->count);

		if (!by_difference->tables[i].as_before)
			continue;
		((struct local_table *)(uintptr_t)local_find(local, whole->tables[i].name))->rows++;
		break;
	}
	CHECK_ERR(since_apply(buf_bytes(&text), local, &none, &e), ERR_CORRUPT);
	assert_null(none);
}

#define MANIFESTS 150

static unsigned follow_changes(struct root *root, const struct caller *caller, unsigned seed)
{
	AUTO(trails_auto) struct trails *trails = trails_new();
	struct given given[MANIFESTS];
	unsigned found = 0;

	for (unsigned n = 0; n < MANIFESTS; n++) {
		AUTO(trail_found_release) struct trail_found f = TRAIL_FOUND_INIT;
		unsigned base = n ? roll(&seed, n) : 0;

		for (unsigned i = roll(&seed, 4) + 1; i > 0; i--)
			change(root, &seed, n * 10 + i);
		given[n] = given_now(root, caller);
		if (!trails_follow(trails, "k", &given[n].c, given[base].c.etag, &f)) {
			CHECK(n == 0 || str_eq(given[base].c.etag, given[n].c.etag));
			continue;
		}
		CHECK_STR(f.base, given[base].c.etag);
		check_difference(&given[base], &given[n], &f.names, &seed);
		found++;
	}
	for (unsigned n = 0; n < MANIFESTS; n++)
		given_release(&given[n]);
	return found;
}

TEST(whatever_changes_a_difference_leads_where_the_whole_manifest_does)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = hub_root(folder);
	struct caller admin = { .is_admin = true };

	begin(root);
	join(root_db(root), BOB, "analysts");
	AUTO_CALLER struct caller bob = caller_of(root_db(root), BOB, SCOPE_READ);

	CHECK(follow_changes(root, &admin, 1) > MANIFESTS / 2);
	CHECK(follow_changes(root, &bob, 2) > MANIFESTS / 4);
	commit(root);
}

/* --- the text --- */

TEST(a_difference_that_does_not_fit_is_none)
{
	static const char now[] = "{\"tables\":{\"a\":{\"id\":\"a\"},\"b\":{\"id\":\"}\\\"{\"},"
				  "\"c\":{\"id\":\"far\",\"query_mode\":\"remote\"}},\"x\":1}";
	static const char wanted[] =
		"{\"tables\":{\"b\":{\"id\":\"}\\\"{\"}},\"gone\":[\"aa\",\"c\",\"d\"],"
		"\"remote\":[\"far\"],\"x\":1}";
	AUTO_BUF struct buf fits = BUF_INIT(sizeof(wanted) - 1);
	AUTO_BUF struct buf small_one = BUF_INIT(sizeof(wanted) - 2);
	AUTO_STRV struct strv names = STRV_INIT;

	strv_split(&names, "aa b c d", ' ');
	CHECK(since_write(bytes_of(now), &names, &fits));
	CHECK_STR(buf_str(&fits), wanted);
	CHECK(!since_write(bytes_of(now), &names, &small_one));
}

TEST(a_text_that_is_cut_short_anywhere_has_no_difference)
{
	static const char whole[] = "{\"tables\":{\"a\":{\"id\":\"x\\\\\"},\"b\":{}},\"x\":{}}";
	const char *end = strstr(whole, "},\"x\"") + 1; /* from there on it is not looked at */
	AUTO_STRV struct strv names = STRV_INIT;

	for (size_t n = 0; n < (size_t)(end - whole); n++) {
		AUTO_FREE char *cut = xstrndup(whole, n);
		AUTO_BUF struct buf out = BUF_INIT(4096);

		CHECK(!since_changes(bytes_of(cut), bytes_of(whole), &out));
		CHECK(!since_changes(bytes_of(whole), bytes_of(cut), &out));
		CHECK(!since_write(bytes_of(cut), &names, &out));
	}
}

static int apply(const char *text)
{
	struct local none = { 0 };
	AUTO_MANIFEST struct manifest *m = NULL;
	struct err e = { 0 };
	int r = since_apply(bytes_of(text), &none, &m, &e);

	CHECK((r == 0) == (m != NULL));
	CHECK(r == 0 || e.msg[0]);
	return r;
}

/* The digest of no tables. */
#define NOTHING "\"digest\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""

TEST(what_is_no_difference_is_refused)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"tables\":{},\"gone\":[],\"remote\":[]}",
		"{\"tables\":{},\"gone\":[],\"remote\":[],\"digest\":\"x\"}",
		"{\"tables\":{},\"gone\":[],\"remote\":[],\"digest\":\"" SHA_1 "\"}",
		"{\"tables\":[],\"gone\":[],\"remote\":[]," NOTHING "}",
		"{\"tables\":{},\"remote\":[]," NOTHING "}",
		"{\"tables\":{},\"gone\":[]," NOTHING "}",
		"{\"tables\":{},\"gone\":{},\"remote\":[]," NOTHING "}",
		"{\"tables\":{},\"gone\":[1],\"remote\":[]," NOTHING "}",
		"{\"tables\":{},\"gone\":[\"../x\"],\"remote\":[]," NOTHING "}",
		"{\"tables\":{},\"gone\":[],\"remote\":[\"\"]," NOTHING "}",
		"{\"tables\":{\"../x\":{}},\"gone\":[],\"remote\":[]," NOTHING "}",
	};

	CHECK_INT(apply("{\"tables\":{},\"gone\":[\"a\"],\"remote\":[\"b\"]," NOTHING "}"), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (apply(bad[i]) == 0)
			fail_msg("taken: %s", bad[i]);
	}
}

static int apply_names(size_t n)
{
	AUTO_BUF struct buf text = BUF_INIT(MANIFEST_BYTES_MAX);

	buf_adds(&text, "{\"tables\":{},\"remote\":[],\"gone\":[");
	for (size_t i = 0; i < n; i++)
		buf_adds(&text, i ? ",\"a\"" : "\"a\"");
	buf_adds(&text, "]," NOTHING "}");
	return apply(buf_str(&text));
}

TEST(names_that_went_have_a_limit)
{
	CHECK_INT(apply_names(MANIFEST_TABLES_MAX), 0);
	CHECK_INT(apply_names(MANIFEST_TABLES_MAX + 1), ERR_LIMIT);
}

/* So many rows, and a difference that brings one more. */
static int apply_to(size_t n)
{
	AUTO_FREE struct local_table *rows = xcalloc(n, sizeof(*rows));
	AUTO_FREE char *names = xcalloc(n, 32);
	AUTO_HASH struct hash *digest = hash_new(HASH_SHA256);
	AUTO_MANIFEST struct manifest *m = NULL;
	AUTO_BUF struct buf text = BUF_INIT(1 << 20);
	struct local local = { .tables = rows, .count = n };
	char empty[] = "", hex[HASH_HEX_MAX];
	struct err e = { 0 };

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(names + i * 32, 32, "a%06zu", i);
		rows[i] = (struct local_table){ .name = names + i * 32,
						.id = empty,
						.version = empty,
						.hash = empty,
						.updated = empty,
						.rows = -1,
						.size_bytes = -1 };
		since_digest_add(digest, &(struct since_table){ .name = rows[i].name,
								.rows = -1,
								.size_bytes = -1 });
	}
	since_digest_add(digest, &(struct since_table){
					 .name = "b", .id = "b", .rows = 7, .size_bytes = 0 });
	hash_hex(digest, hex);
	buf_addf(&text,
		 "{\"tables\":{\"b\":{\"rows\":7,\"size_bytes\":0}},\"gone\":[],\"remote\":[],"
		 "\"digest\":\"%s\"}",
		 hex);
	return since_apply(buf_bytes(&text), &local, &m, &e);
}

TEST(a_difference_leads_to_no_more_tables_than_a_manifest_has)
{
	CHECK_INT(apply_to(MANIFEST_TABLES_MAX - 1), 0);
	CHECK_INT(apply_to(MANIFEST_TABLES_MAX), ERR_LIMIT);
}

TEST(a_name_that_differs_from_one_here_in_capitals_alone_is_for_the_whole_manifest)
{
	AUTO_LOCAL struct local *local = workspace_of("{\"tables\":{\"orders\":{\"id\":\"x\"}}}");
	AUTO_HASH struct hash *digest = hash_new(HASH_SHA256);
	AUTO_MANIFEST struct manifest *m = NULL;
	char hex[HASH_HEX_MAX];
	struct err e = { 0 };

	since_digest_add(
		digest,
		&(struct since_table){ .name = "Orders", .id = "y", .rows = -1, .size_bytes = -1 });
	since_digest_add(
		digest,
		&(struct since_table){ .name = "orders", .id = "x", .rows = -1, .size_bytes = -1 });
	hash_hex(digest, hex);
	AUTO_FREE char *text = xasprintf("{\"tables\":{\"Orders\":{\"id\":\"y\"}},\"gone\":[],"
					 "\"remote\":[],\"digest\":\"%s\"}",
					 hex);

	CHECK_ERR(since_apply(bytes_of(text), local, &m, &e), ERR_CORRUPT);
	CHECK_HAS(e.msg, "capitals");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(whatever_changes_a_difference_leads_where_the_whole_manifest_does),
		CASE(a_difference_that_does_not_fit_is_none),
		CASE(a_text_that_is_cut_short_anywhere_has_no_difference),
		CASE(what_is_no_difference_is_refused),
		CASE(names_that_went_have_a_limit),
		CASE(a_difference_leads_to_no_more_tables_than_a_manifest_has),
		CASE(a_name_that_differs_from_one_here_in_capitals_alone_is_for_the_whole_manifest),
	};

	return RUN(tests);
}
