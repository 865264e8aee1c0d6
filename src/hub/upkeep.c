/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/upkeep.h"

#include "agents/fleet.h"
#include "agents/inbox.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "engine/journal.h"
#include "engine/runs.h"
#include "tables/objects.h"
#include "tables/retention.h"

#include <inttypes.h>

static int forget(struct hub *hub, struct strv *staged, size_t *versions, struct err *e)
{
	int64_t keep_ms = hub_settings(hub)->versions_keep_s * 1000;
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	size_t runs = 0;
	int r = hub_write_begin(hub, &w, e);

	if (r == 0)
		r = retention_sweep(w.root, keep_ms, versions, e);
	if (r == 0)
		r = objects_reap_uploads(w.db, OBJECTS_UPLOAD_KEEP_MS, staged, e);
	if (r == 0)
		r = runs_forget(w.db, time_now() - hub_settings(hub)->runs_keep_s * 1000, &runs, e);
	if (r == 0 && *versions == 0 && staged->n == 0 && runs == 0)
		return 0; /* nothing to commit */
	return r < 0 ? r : hub_write_commit(&w, e);
}

/* Of agents: keys of requests, observations that are long over, records and tasks of long ago. */
static int forget_agents(struct hub *hub, struct err *e)
{
	int64_t before = time_now() - hub_settings(hub)->agents_keep_s * 1000;
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	int64_t rows = 0;
	int r = hub_write_begin(hub, &w, e);

	if (r == 0)
		r = inbox_expire(w.db, time_now(), e);
	if (r == 0)
		r = fleet_forget(w.db, before, &rows, e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	if (r == 0 && rows > 0)
		log_event(LOG_INFO, "upkeep", "agents=%" PRId64, rows);
	return r;
}

int hub_upkeep(struct hub *hub, struct err *e)
{
	AUTO_STRV struct strv staged = STRV_INIT;
	size_t versions = 0;
	int r = forget(hub, &staged, &versions, e);

	for (size_t i = 0; r == 0 && i < staged.n; i++)
		r = journal_stage_remove(hub_staging(hub), staged.v[i], e);
	if (r == 0 && (versions > 0 || staged.n > 0))
		log_event(LOG_INFO, "upkeep", "versions=%zu uploads=%zu", versions, staged.n);
	return r < 0 ? r : forget_agents(hub, e);
}
