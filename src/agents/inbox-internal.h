/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the inbox: inbox.c takes records, -record.c one of them, -context.c gives. */
#ifndef LARDER_AGENTS_INBOX_INTERNAL_H
#define LARDER_AGENTS_INBOX_INTERNAL_H

#include "agents/inbox.h"
#include "base/hash.h"

/* What is used of a record; texts are lent from its JSON, "" when absent. */
struct inbox_record {
	const struct json *json;
	char id[HASH_HEX_MAX];
	int64_t revision;
	const char *workspace, *org, *repo, *task, *agent, *status, *branch;
};
/* ERR_USAGE with the reason for which it is rejected. */
int inbox_read_record(const struct json *json, struct inbox_record *ret, struct err *e);

/* An observation in the place of the one an older revision made. */
int context_observe(struct db *db, const struct caller *by, const char *agent_id,
		    const struct inbox_record *record, struct err *e);
/* Its findings as proposed knowledge; counts what is new. */
int inbox_propose(struct db *db, const struct caller *by, const struct inbox_record *record,
		  int64_t *ret_proposed, struct err *e);

#endif
