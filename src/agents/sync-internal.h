/* SPDX-License-Identifier: Apache-2.0 */
/* Between sync-push.c, sync-pull.c and sync-status.c. */
#ifndef LARDER_AGENTS_SYNC_INTERNAL_H
#define LARDER_AGENTS_SYNC_INTERNAL_H

#include "agents/sync.h"

struct sync_event {
	const char *direction; /* "push" or "pull" */
	int64_t items, bytes, requests;
	const struct err *error; /* NULL: it went well */
};
/* In a transaction of its own, not synced. */
int sync_note(struct agents *a, const struct sync_event *event, struct err *e);
/* When that last went well; 0: never. */
int sync_last(struct agents *a, const char *direction, int64_t *ret_ms, struct err *e);
/* A hash of whom we speak to, as whom. */
void sync_credential(const struct sync_peer *peer, char out[65]);

#endif
