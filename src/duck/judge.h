/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements judged without being run, many in one confined child that parses and does nothing else:
 * which tables each names, or why it would be refused. For who wants to know what a statement
 * touches (what an agent asked, for example); a query of somebody's is judged by its own worker
 * (room.h).
 *
 * Errors: as duck.h, for the child as a whole; a statement that is refused is no error. Threads: calls
 * are independent.
 */
#ifndef LARDER_DUCK_JUDGE_H
#define LARDER_DUCK_JUDGE_H

#include "duck/room.h"

struct duck_judged {
	struct duck_names names;
	char *refusal; /* owned; NULL when it would run */
};
void duck_judged_release(struct duck_judged *judged);
/* Results in the order of the statements; all are the caller's to release on success. */
int duck_judge(const struct strv *statements, struct duck_judged *ret_results, struct err *e);

#endif
