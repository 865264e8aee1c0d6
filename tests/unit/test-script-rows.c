/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts: what is kept, claimed, run, written down, and swept. */
#include "access-fixture.h"

#include "base/file.h"
#include "engine/lease.h"
#include "engine/root.h"
#include "scripts/scripts.h"

static struct root *root_new(const char *folder)
{
	static const struct db_schema *const schemas[] = { &access_schema, &scripts_schema };
	struct root_options o = {
		.path = folder, .schemas = schemas, .schema_count = 2, .create = true
	};
	struct root *root = NULL;
	struct err e = { 0 };

	CHECK_OK(root_open(&o, &root, &e));
	return root;
}

static int deploy(struct root *root, const struct script_wish *wish, char id[32], struct err *e)
{
	AUTO_TX struct db *tx = NULL;
	bool created = false;
	int r = db_begin_tx(root_db(root), &tx, e);

	if (r == 0)
		r = script_deploy(root_db(root), NULL, wish, id, &created, e);
	return r < 0 ? r : db_commit(root_db(root), e);
}

TEST(what_is_no_script_is_refused)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = root_new(folder);
	AUTO_FREE char *large = xmalloc(SCRIPT_SOURCE_MAX + 2);
	AUTO_STRV struct strv assignment = STRV_INIT;
	const struct script_wish wishes[] = {
		{ .name = "a/b", .source = "x" },
		{ .name = "a" },
		{ .name = "a", .source = "x", .schedule = "sometimes" },
		{ .name = "a", .source = "x", .timeout_s = SCRIPT_TIMEOUT_MAX_S + 1 },
		{ .name = "a", .source = large },
		{ .name = "a", .source = "x", .environment = &assignment },
	};
	struct err e = { 0 };
	char id[32];

	memset(large, 'x', SCRIPT_SOURCE_MAX + 1);
	large[SCRIPT_SOURCE_MAX + 1] = '\0';
	strv_add(&assignment, "A=B");
	for (size_t i = 0; i < ARRAY_LEN(wishes); i++) {
		int r;

		e = (struct err){ 0 };
		r = deploy(root, &wishes[i], id, &e);

		CHECK(r == ERR_USAGE || r == ERR_LIMIT);
		CHECK(e.msg[0]);
	}
	large[SCRIPT_SOURCE_MAX] = '\0';
	CHECK_OK(deploy(root, &(struct script_wish){ .name = "a", .source = large }, id, &e));
}

static size_t claim(struct root *root, int64_t now)
{
	AUTO_STRV struct strv ids = STRV_INIT;
	AUTO_TX struct db *tx = NULL;
	struct err e = { 0 };

	CHECK_OK(db_begin_tx(root_db(root), &tx, &e));
	CHECK_OK(scripts_claim_due(root_db(root), now, SCRIPT_CLAIMS_MAX, &ids, &e));
	CHECK_OK(db_commit(root_db(root), &e));
	return ids.n;
}

TEST(what_is_due_is_claimed_once_until_it_is_due_again)
{
	static const int64_t hour = 3600 * 1000;
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = root_new(folder);
	struct err e = { 0 };
	int64_t now = time_now();
	char id[32];

	CHECK_OK(deploy(root, &(struct script_wish){ .name = "by-hand", .source = "x" }, id, &e));
	CHECK_OK(deploy(
		root,
		&(struct script_wish){ .name = "hourly", .source = "x", .schedule = "every 1h" },
		id, &e));
	CHECK_INT(claim(root, now), 1);
	CHECK_INT(claim(root, now + 1), 0);
	CHECK_INT(claim(root, now + 2 * hour), 1);
}

/* A folder as a run has it. */
static void leave(struct root *root, const char *name)
{
	AUTO_FREE char *path = xasprintf(ROOT_FOLDER "/scripts/%s", name);
	struct err e = { 0 };

	CHECK_OK(dir_make(root_dirfd(root), path, 0700, &e));
}

static bool is_there(struct root *root, const char *name)
{
	AUTO_FREE char *path = xasprintf(ROOT_FOLDER "/scripts/%s", name);

	return faccessat(root_dirfd(root), path, F_OK, 0) == 0;
}

TEST(folders_of_runs_that_are_over_are_swept_and_no_others)
{
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = root_new(folder);
	AUTO_LEASE struct lease *lease = NULL;
	struct err e = { 0 };

	CHECK_OK(scripts_sweep(root, &e)); /* none yet */
	CHECK_OK(lease_take(root_db(root), "script:sc_alive", 60000, "a test", &lease, &e));
	leave(root, "sc_alive.aaaa");
	leave(root, "sc_dead.bbbb");
	leave(root, "sc_dead.bbbb/sub");
	CHECK_OK(scripts_sweep(root, &e));
	CHECK(is_there(root, "sc_alive.aaaa"));
	CHECK(!is_there(root, "sc_dead.bbbb"));
}

TEST(a_run_tells_how_it_ended_and_leaves_no_folder)
{
	static const struct {
		const char *source, *status;
		int exit_code;
	} cases[] = {
		{ "echo fine", "success", 0 },
		{ "exit 3", "failure", 3 },
		{ "kill -9 $$", "killed", -1 },
	};
	AUTO_SCRATCH char *folder = scratch_new();
	AUTO_ROOT struct root *root = root_new(folder);
	AUTO_FREE char *scripts = xasprintf("%s/" ROOT_FOLDER "/scripts", folder);
	char id[32];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_SCRIPT_RESULT struct script_result result = { 0 };
		AUTO_STRV struct strv left = STRV_INIT;
		struct err e = { 0 };

		CHECK_OK(deploy(root,
				&(struct script_wish){ .name = "s", .source = cases[i].source }, id,
				&e));
		CHECK_OK(script_run(root, "s", NULL, &result, &e));
		CHECK_STR(result.status, cases[i].status);
		CHECK_INT(result.exit_code, cases[i].exit_code);
		CHECK_OK(dir_names(AT_FDCWD, scripts, &left, &e));
		CHECK_INT(left.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_script_is_refused),
		cmocka_unit_test(what_is_due_is_claimed_once_until_it_is_due_again),
		cmocka_unit_test(folders_of_runs_that_are_over_are_swept_and_no_others),
		cmocka_unit_test(a_run_tells_how_it_ended_and_leaves_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
