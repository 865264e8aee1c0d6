/* SPDX-License-Identifier: Apache-2.0 */
/* What `larder scheduler --list` prints. */
#ifndef LARDER_CMD_SCHEDULER_H
#define LARDER_CMD_SCHEDULER_H

#include "clock/jobs.h"

/* The table with the next three times of each job, as they would be if it were new now. */
int scheduler_list(const struct clock_table *table, bool json, struct err *e);

#endif
