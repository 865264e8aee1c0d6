/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files member*.c. */
#ifndef LARDER_AGENTS_MEMBER_INTERNAL_H
#define LARDER_AGENTS_MEMBER_INTERNAL_H

#include "agents/member.h"

/* What has become of a task, in table agent_task; the numbers are on disk. */
enum member_state {
	MEMBER_TAKEN,  /* its acknowledgement is in the outbox */
	MEMBER_AGREED, /* the hub has taken it */
	MEMBER_BEGUN,  /* it is a dispatch */
	MEMBER_ENDED,  /* its result is in the outbox */
};

struct member_message {
	const char *kind;
	const char *subject;    /* order is kept within it */
	const char *supersedes; /* NULL: none */
	const char *body;
};
/* Inside a transaction. */
int member_say(struct db *db, const struct member_message *m, struct err *e);
/* The hub does not know us. */
int member_register_again(struct agents *a, const struct member *m, struct err *e);
/* Inside a transaction: the result of a task that never became a dispatch. */
int member_refuse(struct db *db, int64_t task_id, const char *why, struct err *e);

/* Pure. The texts are lent by `task`; `body`: as it is kept. ERR_REMOTE for what is no task. */
struct member_task {
	int64_t id;
	const char *lease;
};
int member_read_task(const struct json *task, struct member_task *ret, struct buf *body,
		     struct err *e);
/* Pure: the dispatch it will be. ERR_USAGE, ERR_LIMIT, ERR_CORRUPT when it cannot be one here. */
int member_plan(const struct member *m, int64_t task_id, struct bytes body, struct dispatch *ret,
		struct err *e);

#endif
