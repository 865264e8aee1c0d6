/* SPDX-License-Identifier: Apache-2.0 */
/* How proc.c's children come to life: proc-spawn.c. */
#ifndef LARDER_BASE_PROC_INTERNAL_H
#define LARDER_BASE_PROC_INTERNAL_H

#include "base/proc.h"

struct child_fds {
	int in, out, errors; /* errors -1: inherited */
};

int proc_spawn(const struct proc_options *options, const struct child_fds *fds, pid_t *ret_pid,
	       struct err *e);

/* Ours without the variables of fault.h, and with the added ones in the place of ours of those names;
 * only: these alone. The texts are lent, the array is the caller's. */
const char **proc_environment(const char *const *added, bool only);

#endif
