/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows: one for each dispatch, that is one piece of work given to an agent, from the moment it is
 * asked for. Its identity is a UUID made then; the folder it works in is an attribute that later
 * dispatches may use again ("current" is the newest one of a folder; the others are history).
 *
 *	AUTO_DISPATCH struct dispatch d = { 0 };
 *	dispatch_find(db, "core/api/task-7", &d, e)     by id, or the current one of a folder
 *	d.status = ...; dispatch_save(db, &d, e)        inside a transaction
 *
 * `revision` grows with every change that others are told of; together with the id it names one
 * record for the hub. Only agents/change.h changes a row's status. Ownership: a struct dispatch owns
 * its texts, none is NULL once it was found or made. Threads: as the db. Errors: the db's,
 * ERR_NOT_FOUND.
 */
#ifndef LARDER_AGENTS_DISPATCH_H
#define LARDER_AGENTS_DISPATCH_H

#include "agents/state.h"
#include "base/str.h"
#include "base/uuid.h"
#include "db/db.h"

extern const struct db_schema dispatch_schema;

/* Texts people write: a task is a page, the rest are names. */
#define DISPATCH_TASK_MAX ((size_t)10000)
#define DISPATCH_TEXT_MAX ((size_t)1000)
/* A folder's name: org/repo/task, the last perhaps a branch of several segments. */
#define DISPATCH_NAME_MAX ((size_t)512)

struct dispatch {
	char *id, *name;
	char *org, *repo, *task, *branch, *template;
	char *agent;    /* "codex:gpt-5.4"; the pool is what stands before the colon */
	char *question; /* what it asks, or why it failed */
	char *reason;   /* of the last change: agents/state.h */
	char *pr_url;
	char *handle;       /* process_id of other tools */
	char *command;      /* JSON array; "" when it is not known how it was started */
	char *identity;     /* of its process (base/proc.h); "" when none was recorded */
	char *report_stamp; /* of the report that was captured: agents/record.h */
	char *stats;        /* JSON object of counts, made at each capture; "" before */
	bool current;
	bool stopping; /* a person asked it to end */
	enum agent_status status;
	int64_t issue, priority, runs, revision, pid, exit_code;
	int64_t timeout_ms, log_max;
	int64_t queued_ms, started_ms, updated_ms, ended_ms;
	int64_t due_ms;   /* QUEUED: not to be started before */
	int64_t captured; /* the revision that stands in the outbox or was delivered; 0: none */
};
void dispatch_init(struct dispatch *d); /* all texts "" */
void dispatch_release(struct dispatch *d);
#define AUTO_DISPATCH AUTO(dispatch_release)
/* *text is freed and becomes a copy. */
void dispatch_set(char **text, const char *value);

int dispatch_save(struct db *db, const struct dispatch *d, struct err *e);
int dispatch_find(struct db *db, const char *id_or_name, struct dispatch *ret, struct err *e);
/* 0 when there is no current one of that folder, else 1. */
int dispatch_current(struct db *db, const char *name, struct dispatch *ret, struct err *e);

struct dispatch_filter {
	enum agent_status status; /* AGENT_NONE: all */
	bool history;             /* also those that are not current */
	bool newest_first;        /* ... and in that order; else by name */
	int64_t limit;            /* 0: none */
};
/* The row is lent. A negative return stops. The callback does not write. */
typedef int (*dispatch_visit_fn)(void *ctx, const struct dispatch *d, struct err *e);
int dispatch_visit(struct db *db, const struct dispatch_filter *filter, dispatch_visit_fn visit,
		   void *ctx, struct err *e);
/* The ids, for visitors that write. */
int dispatch_ids(struct db *db, const struct dispatch_filter *filter, struct strv *ret_ids,
		 struct err *e);

/* In a transaction: history that ended before that time, unless its record still waits for the hub; some
 * thousand rows at a time. */
int dispatch_forget(struct db *db, int64_t before_ms, size_t *ret_rows, struct err *e);

/* "codex" of "codex:gpt-5.4"; the caller owns it. The model is "" when none is named. */
char *dispatch_pool(const struct dispatch *d);
const char *dispatch_model(const struct dispatch *d);

#endif
