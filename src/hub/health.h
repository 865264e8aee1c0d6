/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a hub is, in figures: what the health page says in words and the metrics in numbers.
 *
 *	struct health h = { 0 };
 *	r = health_take(hub, db, &h, e)           reads, and writes one row (hub_check_write)
 *	health_list(&h, visit, ctx)               one finding for each part of the hub
 *
 * A finding is for everybody, or for who runs the hub: an analyst need not be alarmed by a disk that
 * fills. The word for the whole is that of the worst finding its reader may see.
 *
 * Threads: as the db. Errors: the db's. What is wrong with the hub is no error here.
 */
#ifndef LARDER_HUB_HEALTH_H
#define LARDER_HUB_HEALTH_H

#include "hub/hub.h"
#include "hub/jobs-view.h"
#include "sessions/backlog.h"

/* Below these, a publish may fail soon, and everything. */
#define HEALTH_DISK_LOW  ((int64_t)2 << 30)
#define HEALTH_DISK_FULL ((int64_t)64 << 20)
/* A table that nobody replaced for so long: not wrong, but worth a figure. */
#define HEALTH_STALE_MS ((int64_t)24 * 3600 * 1000)

struct health {
	int64_t now;
	struct err write;                             /* code 0: the hub can write */
	int64_t disk_free, disk_size, database_bytes; /* -1: not known */
	int64_t tables, stale_tables, rows, table_bytes;
	struct jobs_scheduler scheduler;
	int64_t jobs, failing, overdue, running;
	struct strv trouble;             /* names of jobs that are failing or overdue */
	struct session_backlog sessions; /* of the processor "verification" */
	/* How long a session may wait for it, and until it is forgotten; 0: it is not wanted to run. */
	int64_t sessions_grace_ms, sessions_stuck_ms;
};
void health_release(struct health *h);
#define AUTO_HEALTH AUTO(health_release)
int health_take(struct hub *hub, struct db *db, struct health *ret_health, struct err *e);

enum health_level { HEALTH_OK, HEALTH_INFO, HEALTH_WARNING, HEALTH_ERROR };
/* "ok", "info", "warning", "error" */
const char *health_level_word(enum health_level level);
/* "healthy" (up to info), "degraded", "unhealthy" */
const char *health_word(enum health_level worst);

struct health_finding {
	const char *
		part; /* "database", "tables", "disk", "scheduler", "jobs", "session_pipeline" ... */
	enum health_level level;
	bool for_operators;
	const char *text;       /* lent, like the next */
	const char *stuck_file; /* NULL: none */
	int64_t lag_s;          /* 0: none */
};
/* The sessions, after health_take(): for whom health_list() tells of them, as it costs a look at the rows
 * of all. And the text of their finding, which is the caller's. */
int health_take_sessions(struct hub *hub, struct db *db, struct health *h, struct err *e);
char *health_describe_sessions(const struct health *h, struct health_finding *f);
void health_list(const struct health *h, void (*visit)(void *ctx, const struct health_finding *f),
		 void *ctx);

#endif
