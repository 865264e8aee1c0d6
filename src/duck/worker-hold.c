/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests only (build option `faults`): another program that has the database open. Runs the
 * statements given, says {"held":true}, and keeps the file until it is killed, or with "leave" ends
 * at once.
 */
#include "duck/worker-files.h"
#include "duck/worker.h"

static int hold(struct reply *r, struct err *e)
{
	json_open(reply_line(r), NULL, '{');
	json_add_bool(&r->line, "held", true);
	json_close(&r->line);
	if (reply_end_line(r, e) < 0 || reply_flush(r, e) < 0)
		return e->code;
	for (;;)
		(void)pause(); /* the test kills it, or ends, which does the same */
}

static int open_database(const struct json *request, struct engine *en, struct err *e)
{
	const char *path = json_text(json_get(request, "database"));
	AUTO_BUF struct buf sql = BUF_INIT(BUF_OWN_MAX);

	if (!json_flag(json_get(request, "read_only"), false))
		return engine_open(
			&(struct engine_options){ .database = path, .memory_bytes = GIB }, en, e);
	if (engine_open(&(struct engine_options){ .memory_bytes = GIB }, en, e) < 0)
		return e->code;
	buf_adds(&sql, "ATTACH ");
	sql_quote_text(&sql, path);
	buf_adds(&sql, " AS held (READ_ONLY)");
	return engine_run(en->con, buf_str(&sql), e);
}

int operation_hold(struct reply *r, const struct json *request, struct err *e)
{
	const struct json *statements = json_get(request, "sql");
	AUTO_ENGINE struct engine en = { 0 };

	if (open_database(request, &en, e) < 0)
		return e->code;
	for (size_t i = 0, n = json_size(statements); i < n; i++) {
		if (engine_run(en.con, json_text(json_at(statements, i)), e) < 0)
			return e->code;
	}
	if (!json_flag(json_get(request, "leave"), false))
		return hold(r, e);
	return reply_done(r, e);
}
