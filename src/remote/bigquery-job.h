/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement as a job of BigQuery's, between bigquery-job.c (starts it and waits for it), bigquery-page.c
 * (reads its rows) and bigquery-price.c (asks what it would read). Only these include this.
 */
#ifndef LARDER_REMOTE_BIGQUERY_JOB_H
#define LARDER_REMOTE_BIGQUERY_JOB_H

#include "remote/bigquery-internal.h"
#include "remote/bigquery-value.h"

/* As BigQuery takes them. */
#define BIGQUERY_SQL_MAX ((size_t)1 << 20)

struct bigquery_job {
	struct far_session *session;
	const struct far_run *run;
	struct bytes sql;
	int64_t billed_max; /* 0: no limit */
	char id[64];        /* ours: an answer that was lost does not start it twice */
	unsigned starts;
	bool sent, complete, failed;
	char *location;
	char *page_token; /* of the next page; NULL: none */
	/* A page: its text, of which one row at a time is parsed, since a million values as objects would
	   take a thousand times their room; and what stands around the rows. */
	struct buf body;
	struct json *head, *rest;
	int64_t page_rows; /* given of it */
	bool enough;       /* a limit of the run is reached */
	struct bigquery_fields fields;
	struct bigquery_row row;
	struct duck_column *columns;
	int64_t total; /* rows of the whole result */
	struct far_result result;
};

void bigquery_job_release(struct bigquery_job *j);
#define AUTO_BIGQUERY_JOB AUTO(bigquery_job_release)
/* "<project>/<what>", and the job and its place where `then` is given. The caller owns it. */
char *bigquery_job_path(const struct bigquery_job *j, const char *what, const char *then);
/* The body that inserts it, or asks for its price. */
void bigquery_job_body(const struct bigquery_job *j, bool dry_run, struct buf *out);
/* Where a job is said to be, when that was not known. */
void bigquery_job_locate(char **location, const struct json *job);

/* A page of its result: 0, or 1 while the job runs. */
int bigquery_page_next(struct bigquery_job *j, struct err *e);
/* The first page is there: columns and rows to the run, and the pages that follow. */
int bigquery_page_give_all(struct bigquery_job *j, struct err *e);

#endif
