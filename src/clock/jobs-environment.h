/* SPDX-License-Identifier: Apache-2.0 */
/* The SCHEDULER_... variables, between the files of the table of jobs. */
#ifndef LARDER_CLOCK_JOBS_ENVIRONMENT_H
#define LARDER_CLOCK_JOBS_ENVIRONMENT_H

#include "base/err.h"

enum number_rule { NUMBER_POSITIVE, NUMBER_NOT_NEGATIVE, NUMBER_ANY };

/* The variable's number, or `otherwise` when it is not set. White space around it, a plus sign and
 * underscores between digits are let pass. ERR_USAGE that names the variable. */
int environment_seconds(const char *name, int64_t otherwise, enum number_rule rule,
			int64_t *ret_value, struct err *e);

#endif
