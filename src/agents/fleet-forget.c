/* SPDX-License-Identifier: Apache-2.0 */
/* What is over for so long that nobody asks for it (agents/fleet.h). */
#include "agents/fleet-internal.h"

/* In one transaction, which keeps writers waiting: a tenth of a second. What is left goes the next time. */
#define FORGET_ROWS ((int64_t)5000)

int fleet_forget(struct db *db, int64_t before_ms, int64_t *ret_rows, struct err *e)
{
	static const char *const sql[] = {
		"DELETE FROM fleet_record WHERE (user_id, agent_id, id) IN (SELECT user_id, agent_id,"
		" id FROM fleet_record WHERE received_ms < ?1 ORDER BY received_ms LIMIT ?2)",
		"DELETE FROM fleet_task WHERE id IN (SELECT id FROM fleet_task WHERE completed_ms"
		" < ?1 ORDER BY completed_ms LIMIT ?2)",
		/* A name that comes back is made anew; those that wait for a task keep it. */
		"DELETE FROM fleet_agent WHERE (user_id, agent_id) IN (SELECT user_id, agent_id"
		" FROM fleet_agent WHERE max(coalesce(registered_ms, 0),"
		" coalesce(last_heartbeat_ms, 0), coalesce(last_push_ms, 0),"
		" coalesce(last_pull_ms, 0)) < ?1 LIMIT ?2)",
	};
	int64_t rows = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(sql); i++) {
		r = db_exec(db, e, sql[i], "ii", before_ms, FORGET_ROWS);
		if (r == 0)
			rows += db_changes(db);
	}
	if (r == 0)
		*ret_rows = rows;
	return r;
}
