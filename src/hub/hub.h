/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hub: a data folder (a root, engine/root.h), its settings, and who may touch it when it serves
 * with several threads.
 *
 *	hub_open(&options, &hub, e)             replays what a crash left, takes the lease "serve"
 *
 *	struct db *db = hub_read_db(hub, slot, e)        a thread reads with a connection of its own
 *
 *	AUTO_HUB_WRITE struct hub_write w = { 0 };       one writer at a time
 *	if (hub_write_begin(hub, &w, e) < 0) ...
 *	... verbs of the domains on w.db, journal verbs on w.root ...
 *	return hub_write_commit(&w, e);                  every return before it rolls back
 *
 * Long work (receiving, hashing, converting a file) is done before hub_write_begin(): while one
 * writes, all other writers wait. Data that is only staged belongs under hub_staging_path().
 *
 * Two serves on one data folder are refused through a lease, which is renewed by hub_tick() and
 * looked at in each commit: a hub that lost it (stopped for minutes, then woken) commits nothing.
 *
 * Threads: hub_read_db() by the thread of that slot; hub_write_... by any; hub_tick() by one.
 * Errors: ERR_NOT_FOUND when there is no hub in the folder, ERR_BUSY when another serves it.
 */
#ifndef LARDER_HUB_HUB_H
#define LARDER_HUB_HUB_H

#include "engine/root.h"
#include "hub/settings.h"
#include "net/http-server.h"

struct blob_cache;
struct trails;
struct query_pool;
struct live;
struct gate;
struct hub;

struct hub_options {
	const char *path;
	bool create; /* make the folder and an empty hub in it */
	bool serve;  /* take the lease, so that no second one serves */
};

int hub_open(const struct hub_options *options, struct hub **ret_hub, struct err *e);
void hub_close(struct hub *hub);
static inline void hub_auto_(struct hub **p)
{
	hub_close(*p);
}
#define AUTO_HUB AUTO(hub_auto_)

/* The root, for what any thread may do with it: staging, and looking at files. */
const struct root *hub_staging(const struct hub *hub);
/* The root itself, for a command that has no threads: it begins and commits on its own. */
struct root *hub_root(struct hub *hub);
const char *hub_path(const struct hub *hub); /* absolute */
int hub_dirfd(const struct hub *hub);
const struct hub_settings *hub_settings(const struct hub *hub);
/* Replies built from rows and kept (hub/cache.h): the manifest, the bundle. */
struct blob_cache *hub_cache(const struct hub *hub);
/* Which manifests were given (hub/trail.h). */
struct trails *hub_trails(const struct hub *hub);
/* Workers for queries (hub/query-pool.h). */
struct query_pool *hub_queries(const struct hub *hub);
/* Runs of jobs that are at work here (hub/live.h). */
struct live *hub_live(const struct hub *hub);
/* Calls of agents' keys are counted there (hub/gate.h). */
struct gate *hub_gate(const struct hub *hub);

/* The slots are the server's thread numbers; opened at the first use, NULL and *e on failure. */
#define HUB_SLOTS_MAX (HTTP_THREADS_MAX + HTTP_ASIDE_MAX)
struct db *hub_read_db(struct hub *hub, unsigned slot, struct err *e);

struct hub_write {
	struct hub *hub;
	struct root *root;
	struct db *db; /* of root, in a transaction */
};

int hub_write_begin(struct hub *hub, struct hub_write *w, struct err *e);
/* For what may as well be done later, or be lost with the power: 0 without waiting when another
 * writes, else 1; the commit is not synced (db_begin_lazy). */
int hub_write_try(struct hub *hub, struct hub_write *w, struct err *e);
/* Commits, applies the journal, lets the next writer in. */
int hub_write_commit(struct hub_write *w, struct err *e);
void hub_write_abort(struct hub_write *w); /* rolls back; fine after a commit */
#define AUTO_HUB_WRITE AUTO(hub_write_abort)

/*
 * Can the hub write? A row is written and committed, at most once a second; in between, and while
 * another writes, the answer is the last one.
 */
int hub_check_write(struct hub *hub, struct err *e);
/* Time since hub_open(). */
int64_t hub_uptime_ms(const struct hub *hub);

/* Finishes file operations of a commit that another thread is just applying, or that failed. */
int hub_settle(struct hub *hub, struct err *e);

/*
 * Renews the lease of one who serves; to be called every HUB_TICK_MS. A failure (a full disk) may
 * pass; *ret_lost means that another hub has the folder now: stop serving.
 */
#define HUB_TICK_MS 10000
int hub_tick(struct hub *hub, bool *ret_lost, struct err *e);

#endif
