/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BigQuery's REST interface (v2), between bigquery.c (the engine), bigquery-job.c (questions; bigquery-job.h) and
 * bigquery-call.c (requests). Only these include this.
 *
 *	bigquery_call(session, &call, &doc, e)       one request, one answer
 *	bigquery_persist(session, step, ctx, e)      until it is done, as Google's manual asks for it:
 *	                                             what may pass is tried again after a while
 *
 * Errors of the source are told by their reason, not by their status: a 403 may be a right that
 * lacks, a quota of the day, or too many requests this second.
 *
 * Threads: bigquery_persist() runs `step` on a thread of its own and looks after the guard on the
 * caller's; one call at a time for a session.
 */
#ifndef LARDER_REMOTE_BIGQUERY_INTERNAL_H
#define LARDER_REMOTE_BIGQUERY_INTERNAL_H

#include "net/http-client.h"
#include "remote/engine.h"
#include "remote/google-account.h"
#include "remote/text.h"

/* The API's address, when LARDER_BIGQUERY_URL does not name another (a private endpoint, a test). */
#define BIGQUERY_URL     "https://bigquery.googleapis.com"
#define BIGQUERY_URL_ENV "LARDER_BIGQUERY_URL"
/* BigQuery's pages have 20 MB at most; JSON around short values is twice as long. */
#define BIGQUERY_ANSWER_MAX ((size_t)48 << 20)
/* Deeper than records nest (BIGQUERY_DEPTH_MAX, five levels of JSON each). */
#define BIGQUERY_JSON_DEPTH 100
/* What fails so often in a row is taken for broken. */
#define BIGQUERY_ATTEMPTS 4
/* Who has left must not wait for a server that does not answer either. */
#define BIGQUERY_CANCEL_S 5

struct far_session {
	const struct far_guard *guard;
	struct google_account *account;
	struct http_client *client;
	char *url;
	char *project;    /* that pays */
	char *location;   /* NULL: found out by BigQuery */
	atomic_bool stop; /* the guard said so: requests end */
};

struct bigquery_call {
	const char *method;
	const char *path; /* below /bigquery/v2/projects/, encoded */
	struct bytes body;
	bool conflict_is_fine; /* 409: it is there already; *ret_doc stays NULL */
	struct buf *body_to;   /* it is not parsed but put there; NULL: it is parsed */
};
int bigquery_call(struct far_session *s, const struct bigquery_call *call, struct json **ret_doc,
		  struct err *e);
/* Best effort, whatever the guard says: nobody waits for a job that nobody reads. */
void bigquery_call_last(struct far_session *s, const struct bigquery_call *call);

/* The error of {"reason": ..., "message": ...}; status 0: of a job, not of a request. */
int bigquery_explain(const struct json *error, long status, struct err *e);

/* `step` returns 0 when done, 1 to be called again later (waiting is no failure), or an error. */
int bigquery_persist(struct far_session *s, int (*step)(void *ctx, struct err *e), void *ctx,
		     struct err *e);

/* A count as the API writes it: digits in a text. ERR_REMOTE when it is none or absurd. */
int bigquery_count(const struct json *v, const char *what, int64_t *ret_count, struct err *e);

/* bigquery-price.c, bigquery-job.c */
int bigquery_estimate(struct far_session *s, const struct far_statement *statement,
		      struct far_estimate *ret_estimate, struct err *e);
int bigquery_run(struct far_session *s, const struct far_statement *statement,
		 const struct far_run *run, struct far_result *ret_result, struct err *e);
/* bigquery-found.c: what an answer of tables.get tells. */
int bigquery_found(const struct json *table, struct far_found *found, struct err *e);

/* bigquery.c */
extern const struct far_dialect bigquery_dialect;

#endif
