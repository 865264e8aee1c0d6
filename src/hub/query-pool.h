/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers for queries of people: each has a room (tables/room.h) and a child confined to it
 * (duck/room.h), is made ready ahead of the question, used for one and thrown away. A new one is made
 * ready when one was used, so the next question finds it warm.
 *
 *	query_pool_take(pool, user_id, &worker, e)   waits for a place; a warm worker, or a new one
 *	... worker.room, worker.duck ...
 *	query_pool_leave(pool, &worker)              while something else is waited for: a slow source
 *	query_pool_enter(pool, &worker, ms, e)       its place again
 *	query_pool_return(pool, &worker)             throws it away, lets the next one in
 *
 * At most `limits.queries` run at once, so that the machine goes on serving files, and of one user
 * half of these, so that nobody keeps all others out. Who finds no place waits QUERY_WAIT_MS, then gets
 * ERR_BUSY with a time to come back; at once, when QUERY_WAITING_OF_USER of the same user wait already:
 * each waits on a thread of the server's, of which others want one too.
 *
 * Ready is a worker whose DuckDB has done what questions ask of it once, over a small file made for that (the sample,
 * a room of its own, linked into each worker's): what is loaded and set up by a first query is paid for before.
 *
 * No state: a hub that ends takes its workers with it (they end with their stdin), and the next one
 * sweeps their rooms. Threads: any.
 */
#ifndef LARDER_HUB_QUERY_POOL_H
#define LARDER_HUB_QUERY_POOL_H

#include "duck/room.h"
#include "engine/root.h"
#include "tables/room.h"

/* A person waits that long without wondering. */
#define QUERY_WAIT_MS 5000
#define QUERY_RETRY_S 2
/* More than a person asks at once, and a quarter of the server's places (HTTP_ASIDE_QUERY_MAX). */
#define QUERY_WAITING_OF_USER 8
/* All users together: as many as there are places to wait on. */
#define QUERY_WAITING_MAX 32
/* `limits.queries` at most. */
#define QUERIES_MAX 16
/* Kept warm: more only matters when as many come in the same few milliseconds. */
#define QUERY_WARM 2

struct query_worker {
	struct room *room;
	struct duck_room *duck;
	int64_t user_id;
	bool placed; /* it has a place, as it may be at work */
};

struct query_pool_options {
	const struct root *root; /* of rooms; must outlive the pool */
	int64_t at_once;
	int64_t memory_bytes, cpu_seconds; /* of each */
};

struct query_pool;
struct query_pool *query_pool_new(const struct query_pool_options *options);
void query_pool_free(struct query_pool *pool);

int query_pool_take(struct query_pool *pool, int64_t user_id, struct query_worker *ret_worker,
		    struct err *e);
/* Accepts one that was returned or never taken. */
void query_pool_return(struct query_pool *pool, struct query_worker *worker);
void query_pool_leave(struct query_pool *pool, struct query_worker *worker);
/* As long as is said: what was brought meanwhile was paid for. */
int query_pool_enter(struct query_pool *pool, struct query_worker *worker, int64_t wait_ms,
		     struct err *e);
/* Makes workers ready up to QUERY_WARM; what fails is left for the question that would need it. */
void query_pool_warm(struct query_pool *pool);

#endif
