/* SPDX-License-Identifier: Apache-2.0 */
/* Statements judged, none of them run. */
#include "duck/worker-files.h"
#include "duck/worker-guard.h"
#include "duck/worker-limits.h"
#include "duck/worker-parse.h"
#include "duck/worker.h"

/* Parsing alone takes a fraction of a millisecond for each. */
#define JUDGE_CPU_SECONDS 300

static int judge_one(struct reply *r, duckdb_connection con, const char *sql, struct err *e)
{
	AUTO(guard_release) struct guard guard = { 0 };
	AUTO_BUF struct buf tree = BUF_INIT(GUARD_TREE_MAX);
	struct err refused = { 0 };
	struct json_out *o;

	if (guard_tree(con, sql, &tree, &refused) == 0)
		(void)guard_judge(buf_bytes(&tree), &guard, &refused);
	o = reply_line(r);
	json_open(o, NULL, '{');
	if (refused.code < 0)
		json_add_text(o, "refusal", refused.msg);
	guard_add_tables(&guard, o);
	json_close(o);
	return reply_end_line(r, e);
}

int operation_judge(struct reply *r, const struct json *request, struct err *e)
{
	const struct json *statements = json_get(request, "statements");
	const struct limits limits = { .memory_bytes = GIB,
				       .cpu_seconds = JUDGE_CPU_SECONDS,
				       .no_writing = true,
				       .confine = true };
	AUTO_ENGINE struct engine en = { 0 };

	if (limits_apply(&limits, e) < 0 ||
	    engine_open(&(struct engine_options){ .memory_bytes = GIB, .threads = 1 }, &en, e) < 0)
		return e->code;
	for (size_t i = 0, n = json_size(statements); i < n; i++) {
		const char *sql = json_text(json_at(statements, i));

		if (judge_one(r, en.con, sql ? sql : "", e) < 0)
			return e->code;
	}
	return reply_done(r, e);
}
