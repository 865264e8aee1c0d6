/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/hub.h"

#include "access/access.h"
#include "agents/fleet.h"
#include "agents/inbox.h"
#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "clock/wire.h"
#include "engine/journal.h"
#include "engine/lease.h"
#include "engine/ledger.h"
#include "engine/runs.h"
#include "hub/cache.h"
#include "hub/gate.h"
#include "hub/live.h"
#include "hub/query-pool.h"
#include "hub/trail.h"
#include "memory/items.h"
#include "refresh/refresh.h"
#include "remote/place.h"
#include "scripts/scripts.h"
#include "sessions/external.h"
#include "sessions/state.h"
#include "sessions/upload.h"
#include "sessions/usage.h"
#include "tables/objects.h"
#include "tables/registry.h"
#include "tables/room.h"
#include <pthread.h>

/* What makes a folder a hub's, and not a workspace's: the place of its table files. */
#define HUB_OBJECTS "objects"
/* Three ticks may be missed (a slow disk, a stopped machine) before another hub may take over. */
#define LEASE_MS (4 * HUB_TICK_MS)
/* Whoever asks for the health as often as that learns nothing new. */
#define CHECK_WRITE_MS 1000

struct hub {
	struct root *writer;
	pthread_mutex_t writing; /* held while writer's db is in a transaction */
	struct lease *lease;     /* NULL unless serving */
	struct db *readers[HUB_SLOTS_MAX];
	struct hub_settings settings;
	struct blob_cache *cache;
	struct trails *trails;
	struct query_pool *queries;
	struct live *live;
	int64_t opened; /* monotonic */

	pthread_mutex_t checking; /* of the three below */
	int64_t checked;          /* monotonic; 0: not yet */
	struct err check;
	struct gate *gate;
};

/* A mistyped path must not turn a workspace, or any folder, into half a hub. */
static int check_folder(const struct hub_options *options, struct err *e)
{
	AUTO_FREE char *objects = xasprintf("%s/" HUB_OBJECTS, options->path);
	AUTO_FREE char *workspace = xasprintf("%s/" ROOT_FOLDER "/config.yaml", options->path);

	if (access(workspace, F_OK) == 0)
		return err_set(e, ERR_CONFLICT, "'%s' is a workspace, not a hub", options->path);
	if (options->create || access(objects, F_OK) == 0)
		return 0;
	(void)err_set(e, ERR_NOT_FOUND, "there is no hub in '%s'", options->path);
	return err_hint(e, "larder hub init %s --admin EMAIL", options->path);
}

static int open_root(const struct hub_options *options, struct root **ret_root, struct err *e)
{
	static const struct db_schema *const schemas[] = {
		&access_schema,   &memory_schema, &uploads_schema, &sessions_schema,
		&external_schema, &tables_schema, &runs_schema,    &refresh_schema,
		&inbox_schema,    &fleet_schema,  &usage_schema,   &scripts_schema,
		&remote_schema,
	};
	struct root_options o = {
		.path = options->path,
		.schemas = schemas,
		.schema_count = ARRAY_LEN(schemas),
		.create = options->create,
	};
	AUTO_ROOT struct root *root = NULL;
	int r = check_folder(options, e);

	if (r == 0)
		r = root_open(&o, &root, e);
	if (r == 0 && options->create)
		r = dir_make(root_dirfd(root), HUB_OBJECTS, 0755, e);
	if (r == 0)
		*ret_root = TAKE(root);
	return r;
}

/* Whatever a hub before this one was at work on when it was killed. */
static int close_runs(struct hub *hub, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	size_t n = 0;
	int r = hub_write_begin(hub, &w, e);

	if (r == 0)
		r = runs_cut(w.db, time_now(), &n, e);
	if (r == 0 && n == 0)
		return 0; /* nothing to commit */
	if (r == 0)
		r = hub_write_commit(&w, e);
	if (r == 0)
		log_event(LOG_WARN, "cut-runs", "runs=%zu", n);
	return r;
}

/* Of the work beside a hub all but these writes into its staging. */
static bool stages(const char *lease)
{
	return !str_eq(lease, "serve") && !str_eq(lease, CLOCK_LEASE) &&
	       !str_starts(lease, SCRIPT_LEASE_PREFIX);
}

/* What a killed hub was receiving; not what others, which outlive a hub, are writing just now. */
static int clean_staging(struct hub *hub, struct err *e)
{
	int running = refresh_is_running(root_db(hub->writer), e);

	if (running == 0)
		running = lease_any(root_db(hub->writer), stages, e);

	if (running != 0)
		return running < 0 ? running : 0;
	return objects_clean_staging(hub->writer, NULL, e);
}

/* All threads of a worker run at once: processor time is a multiple of the clock's. */
static struct query_pool *queries_new(const struct hub *hub)
{
	const struct hub_settings *s = &hub->settings;
	const struct query_pool_options o = { .root = hub->writer,
					      .at_once = s->queries,
					      .memory_bytes = s->query_memory,
					      .cpu_seconds = 8 * s->query_s + 8 };

	return query_pool_new(&o);
}

int hub_open(const struct hub_options *options, struct hub **ret_hub, struct err *e)
{
	AUTO_HUB struct hub *hub = xcalloc(1, sizeof(*hub));
	int r;

	(void)pthread_mutex_init(&hub->writing, NULL);  /* cannot fail for a default mutex */
	(void)pthread_mutex_init(&hub->checking, NULL); /* likewise */
	hub->opened = time_monotonic();
	hub->cache = cache_new();
	hub->trails = trails_new();
	hub->live = live_new();
	hub->gate = gate_new();
	r = open_root(options, &hub->writer, e);
	if (r == 0)
		r = hub_settings_read(root_dirfd(hub->writer), &hub->settings, e);
	if (r == 0 && options->serve)
		r = lease_take(root_db(hub->writer), "serve", LEASE_MS, "larder serve", &hub->lease,
			       e);
	if (r == 0 && options->serve)
		r = close_runs(hub, e);
	if (r == 0 && options->serve)
		r = clean_staging(hub, e);
	if (r == 0 && options->serve)
		r = rooms_sweep(hub->writer, e);
	if (r == 0 && options->serve)
		r = scripts_sweep(hub->writer, e);
	hub->queries = r < 0 ? NULL : queries_new(hub);
	if (r < 0)
		return err_in(e, "hub '%s'", options->path);
	*ret_hub = TAKE(hub);
	return 0;
}

void hub_close(struct hub *hub)
{
	if (!hub)
		return;
	query_pool_free(hub->queries);
	for (size_t i = 0; i < ARRAY_LEN(hub->readers); i++)
		db_close(hub->readers[i]);
	lease_drop(hub->lease);
	root_close(hub->writer);
	hub_settings_release(&hub->settings);
	cache_free(hub->cache);
	trails_free(hub->trails);
	live_free(hub->live);
	gate_free(hub->gate);
	(void)pthread_mutex_destroy(&hub->writing); /* nobody writes any more */
	(void)pthread_mutex_destroy(&hub->checking);
	free(hub);
}

const struct root *hub_staging(const struct hub *hub)
{
	return hub->writer;
}

struct root *hub_root(struct hub *hub)
{
	return hub->writer;
}

const char *hub_path(const struct hub *hub)
{
	return root_path(hub->writer);
}

int hub_dirfd(const struct hub *hub)
{
	return root_dirfd(hub->writer);
}

const struct hub_settings *hub_settings(const struct hub *hub)
{
	return &hub->settings;
}

struct live *hub_live(const struct hub *hub)
{
	return hub->live;
}

struct blob_cache *hub_cache(const struct hub *hub)
{
	return hub->cache;
}

struct trails *hub_trails(const struct hub *hub)
{
	return hub->trails;
}

struct gate *hub_gate(const struct hub *hub)
{
	return hub->gate;
}

struct query_pool *hub_queries(const struct hub *hub)
{
	return hub->queries;
}

struct db *hub_read_db(struct hub *hub, unsigned slot, struct err *e)
{
	AUTO_FREE char *path = NULL;

	if (slot >= HUB_SLOTS_MAX) {
		(void)err_set(e, ERR_LIMIT, "thread %u, the limit is %d", slot, HUB_SLOTS_MAX);
		return NULL;
	}
	if (hub->readers[slot])
		return hub->readers[slot];
	path = xasprintf("%s/" ROOT_DB, hub_path(hub));
	/* On failure the slot stays empty, and the next request tries again. */
	(void)db_open(&(struct db_options){ .path = path, .read_only = true }, &hub->readers[slot],
		      e);
	return hub->readers[slot];
}

static int begin_locked(struct hub *hub, int (*begin)(struct db *db, struct err *e),
			struct hub_write *w, struct err *e)
{
	int r = begin(root_db(hub->writer), e);

	if (r < 0) {
		(void)pthread_mutex_unlock(&hub->writing); /* ours: locked by the caller */
		return r;
	}
	*w = (struct hub_write){ hub, hub->writer, root_db(hub->writer) };
	return 0;
}

int hub_write_begin(struct hub *hub, struct hub_write *w, struct err *e)
{
	(void)pthread_mutex_lock(&hub->writing); /* fails only for a thread that holds it */
	return begin_locked(hub, db_begin, w, e);
}

int hub_write_try(struct hub *hub, struct hub_write *w, struct err *e)
{
	int r;

	if (pthread_mutex_trylock(&hub->writing) != 0)
		return 0;
	r = begin_locked(hub, db_begin_lazy, w, e);
	return r < 0 ? r : 1;
}

int hub_write_commit(struct hub_write *w, struct err *e)
{
	int r = w->hub->lease ? lease_check(w->hub->lease, e) : 0;

	if (r == 0)
		r = journal_commit(w->root, e);
	hub_write_abort(w);
	return r;
}

void hub_write_abort(struct hub_write *w)
{
	if (!w->hub)
		return;
	db_rollback(w->db);
	(void)pthread_mutex_unlock(&w->hub->writing); /* ours since hub_write_begin() */
	*w = (struct hub_write){ 0 };
}

static int renew(struct hub *hub, bool *ret_lost, struct err *e)
{
	struct db *db = root_db(hub->writer);
	int r = db_begin_lazy(db, e);

	if (r < 0)
		return r;
	r = lease_check(hub->lease, e);
	*ret_lost = r == ERR_BUSY;
	if (r == 0)
		r = db_commit(db, e);
	db_rollback(db);
	return r;
}

int hub_settle(struct hub *hub, struct err *e)
{
	int r;

	(void)pthread_mutex_lock(&hub->writing); /* fails only for a thread that holds it */
	r = journal_replay(hub->writer, NULL, e);
	(void)pthread_mutex_unlock(&hub->writing); /* locked above */
	return r;
}

int hub_tick(struct hub *hub, bool *ret_lost, struct err *e)
{
	int r;

	(void)pthread_mutex_lock(&hub->writing); /* fails only for a thread that holds it */
	r = renew(hub, ret_lost, e);
	(void)pthread_mutex_unlock(&hub->writing); /* locked above */
	return r;
}

int64_t hub_uptime_ms(const struct hub *hub)
{
	return time_monotonic() - hub->opened;
}

/* 1 when it could be tried. */
static int try_write(struct hub *hub, struct err *e)
{
	AUTO_HUB_WRITE struct hub_write w = { 0 };
	char now[TIME_TEXT_MAX];
	int r = hub_write_try(hub, &w, e);

	if (r <= 0)
		return r;
	r = ledger_put(w.db, "health", "write", time_format_iso(time_now(), now), e);
	if (r == 0)
		r = hub_write_commit(&w, e);
	return r < 0 ? r : 1;
}

int hub_check_write(struct hub *hub, struct err *e)
{
	int64_t now = time_monotonic();
	struct err why = { 0 };
	int r;

	(void)pthread_mutex_lock(&hub->checking);
	if (hub->checked == 0 || now - hub->checked >= CHECK_WRITE_MS) {
		r = try_write(hub, &why);
		if (r != 0) {
			hub->check = why;
			hub->checked = now;
		}
	}
	why = hub->check;
	(void)pthread_mutex_unlock(&hub->checking);
	if (why.code < 0)
		*e = why;
	return why.code;
}
