/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An empty hub's root, and short words for publishing into it. Every verb must succeed; what should
 * fail is called directly. Converting needs larder-duck beside the programs of the build.
 *
 *	AUTO_SCRATCH char *folder = scratch_new();
 *	AUTO_ROOT struct root *root = hub_root(folder);
 *	publish_csv(root, "orders", "a\n1\n", &result);
 */
#ifndef LARDER_TEST_TABLES_FIXTURE_H
#define LARDER_TEST_TABLES_FIXTURE_H

#include "access-fixture.h"
#include "engine/journal.h"
#include "tables/hub-verify.h"
#include "tables/objects.h"
#include "tables/publish.h"
#include "tables/registry.h"

static inline struct root *hub_root(const char *folder)
{
	static const struct db_schema *const schemas[] = { &access_schema, &tables_schema };
	struct root_options o = {
		.path = folder, .schemas = schemas, .schema_count = 2, .create = true
	};
	struct root *root = NULL;
	struct err e = { 0 };

	CHECK_OK(root_open(&o, &root, &e));
	return root;
}

/* The child program lies with `larder`, not with the tests. */
static inline void find_duck(void)
{
	AUTO_FREE char *path = xasprintf("%s/larder-duck", getenv("LARDER_BIN"));

	assert_int_equal(setenv("LARDER_DUCK", path, 1), 0);
}

static inline void begin(struct root *root)
{
	struct err e = { 0 };

	CHECK_OK(db_begin(root_db(root), &e));
}

static inline void commit(struct root *root)
{
	struct err e = { 0 };

	CHECK_OK(journal_commit(root, &e));
}

static inline void add_table(struct root *root, const struct table_change *table)
{
	struct err e = { 0 };

	begin(root);
	CHECK_OK(registry_add(root_db(root), table, &e));
	commit(root);
}

/* sha256 holds HASH_HEX_MAX. True when it was not there. */
static inline bool put(struct root *root, const char *text, char *sha256)
{
	struct object_wish wish = { .sha256 = sha256, .max = 1 << 20 };
	AUTO_OBJECT_UPLOAD struct object_upload *u = NULL;
	struct err e = { 0 };
	bool is_new = false;

	hash_text(HASH_SHA256, bytes_of(text), sha256);
	CHECK_OK(object_upload_begin(root, &wish, &u, &e));
	CHECK_OK(object_upload_add(u, bytes_of(text), &e));
	CHECK_OK(object_upload_finish(u, &e));
	begin(root);
	CHECK_OK(object_upload_record(u, root, &is_new, &e));
	commit(root);
	if (is_new)
		object_upload_keep(u);
	return is_new;
}

static inline int try_publish(struct root *root, const struct publish_request *request,
			      struct publish_result *ret_result, struct err *e)
{
	const struct publish_source source = { .root = root, .db = root_db(root) };
	AUTO_PUBLISH struct publish *p = NULL;
	AUTO_TX struct db *tx = NULL;
	int r = publish_prepare(&source, request, &p, e);

	if (r == 0)
		r = db_begin_tx(root_db(root), &tx, e);
	if (r == 0)
		r = publish_apply(p, root, NULL, ret_result, e);
	if (r == 0)
		r = journal_commit(root, e);
	if (r == 0)
		publish_settled(p);
	return r;
}

static inline void publish_csv(struct root *root, const char *table, const char *csv,
			       struct publish_result *ret_result)
{
	char sha256[HASH_HEX_MAX];
	struct publish_part part = { .path = "", .sha256 = sha256, .format = DUCK_CSV };
	struct publish_request request = {
		.table = table, .parts = &part, .part_count = 1, .create = true
	};
	struct err e = { 0 };

	(void)put(root, csv, sha256);
	CHECK_OK(try_publish(root, &request, ret_result, &e));
}

struct findings {
	size_t n;
	char last[300];
};

static inline void note_finding(void *ctx, const char *what)
{
	struct findings *f = ctx;

	f->n++;
	(void)snprintf(f->last, sizeof(f->last), "%s", what);
}

static inline struct findings verify(struct root *root)
{
	struct findings f = { 0 };
	struct tables_verify v = { .ctx = &f, .on_problem = note_finding };
	struct err e = { 0 };

	CHECK_OK(tables_verify(root, &v, &e));
	assert_int_equal(v.problems, f.n);
	return f;
}

static inline void assert_clean(struct root *root)
{
	struct findings f = verify(root);

	if (f.n > 0)
		fail_msg("%s", f.last);
}

static inline int64_t count(struct root *root, const char *sql)
{
	struct err e = { 0 };
	int64_t n = -1;

	CHECK_OK(db_get_int(root_db(root), &n, 0, &e, sql, ""));
	return n;
}

#endif
