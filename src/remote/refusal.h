/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a statement over remote tables was not run, in the one form that all of it has. What is answered is
 *
 *	{"detail": {"reason": "...", "kind": "...", "message": "...", ...}, "code": "..."}
 *
 * `reason` and `kind` are words of the contract, `message` is the sentence for a person (as the plain errors
 * have it in "detail"), `hint` what to do next; the rest depends on the reason (docs/remote.md):
 *
 *	remote_scan_too_large      400  scan_bytes, limit_bytes, tables, view_targets, suggestion
 *	remote_estimate_failed     400  underlying
 *	remote_query_failed        400  underlying
 *	daily_byte_cap_exceeded    429  kind daily_bytes; current, limit, retry_after_seconds
 *	concurrent_slot_exceeded   429  kind concurrent_scans; the same
 *	bq_path_not_registered     403  path
 *	bq_path_cross_project      403  path, expected_project
 *	not_configured, auth_failed, forbidden, upstream_error    502; of BigQuery's tables the kinds of the last two
 *	                           are bq_forbidden and bq_upstream_error
 *
 * An error that is none of these is a plain one: refusal.status stays 0. Threads: no state.
 */
#ifndef LARDER_REMOTE_REFUSAL_H
#define LARDER_REMOTE_REFUSAL_H

#include "base/json.h"
#include "base/str.h"

/* Names of tables and a sentence of the source's. */
#define FAR_REFUSAL_MAX ((size_t)256 << 10)

struct far_refusal {
	int status;      /* of HTTP; 0: a plain error, or none */
	struct buf text; /* the whole reply, when there is a status */
};
#define FAR_REFUSAL_INIT                                                                           \
	{                                                                                          \
		.text = BUF_INIT(FAR_REFUSAL_MAX)                                                  \
	}
static inline void far_refusal_release(struct far_refusal *refusal)
{
	buf_release(&refusal->text);
}

struct far_too_large {
	int64_t scan_bytes, limit_bytes;
	const struct strv *tables;       /* paths */
	const struct strv *view_targets; /* ids */
};
/* Each writes the refusal and the same sentence into *e, and returns e->code. */
int far_refuse_size(struct far_refusal *refusal, const struct far_too_large *too_large,
		    struct err *e);
struct far_over {
	const char *reason, *kind;
	int64_t current, limit;
	int64_t retry_after_s; /* 0: when one of the caller's own has ended */
};
int far_refuse_budget(struct far_refusal *refusal, const struct far_over *over, struct err *e);
/* `expected_project` only for a path of another project; NULL when nobody said which it should be. */
int far_refuse_path(struct far_refusal *refusal, const char *path, const char *expected_project,
		    bool is_cross_project, struct err *e);
struct far_failure {
	const char *reason;      /* for what is the statement's fault */
	const char *kind_prefix; /* of the engine; "" none */
};
/* *e is what an engine said: whose fault it is decides. */
int far_refuse_failure(struct far_refusal *refusal, const struct far_failure *failure,
		       struct err *e);

#endif
