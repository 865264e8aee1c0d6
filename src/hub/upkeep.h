/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hub lets go with time: versions replaced longer ago than the settings keep them, uploads
 * whose publish never came, runs, records of agents and their tasks. By the thread that calls hub_tick(). A failure changes nothing and is
 * tried again the next time.
 */
#ifndef LARDER_HUB_UPKEEP_H
#define LARDER_HUB_UPKEEP_H

#include "hub/hub.h"

/* Often enough for times that are given in days. */
#define UPKEEP_MS ((int64_t)10 * 60 * 1000)

int hub_upkeep(struct hub *hub, struct err *e);

#endif
