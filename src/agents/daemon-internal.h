/* SPDX-License-Identifier: Apache-2.0 */
/* Between daemon.c and daemon-fleet.c. */
#ifndef LARDER_AGENTS_DAEMON_INTERNAL_H
#define LARDER_AGENTS_DAEMON_INTERNAL_H

#include "agents/sync.h"
#include "engine/watch.h"

/* What the daemon remembers of the fleet between two rounds; all by the monotonic clock. */
struct fleet_turn {
	struct agents *a;
	struct watch *watch;
	bool once;
	int64_t beat_ms;     /* the next sign of life is due */
	unsigned beats_lost; /* in a row */
	int64_t listen_ms;   /* the next stream may begin */
	pid_t listener;      /* 0: none was seen */
};
/* What is due. *ret_next_ms: wall clock, when something will be; -1: nothing. */
int fleet_turn(struct fleet_turn *t, const struct sync_peer *peer, int64_t *ret_next_ms,
	       struct err *e);
/* Who hears the stream ends with the daemon. */
void fleet_turn_end(struct fleet_turn *t);

#endif
