/* SPDX-License-Identifier: Apache-2.0 */
#include "duck/worker-limits.h"

#include "base/sandbox.h"
#include <signal.h>

/* What DuckDB reads of the machine when it starts: it ends the process when the control group's
 * files are there and cannot be read. */
static const char *const machine[] = { "/sys/fs/cgroup", "/sys/devices/system/cpu",
				       "/proc/meminfo" };

int limits_apply(const struct limits *limits, struct err *e)
{
	AUTO_STRV struct strv readable = STRV_INIT;
	struct sandbox sandbox = {
		.memory_bytes = limits->memory_bytes + LIMITS_SPACE_EXTRA,
		.cpu_seconds = limits->cpu_seconds,
		.file_bytes = limits->no_writing ? SANDBOX_NO_WRITING : limits->file_bytes,
		.confine = limits->confine,
		.strict = limits->strict,
		.readable = &readable,
		.writable = limits->writable,
	};

	for (size_t i = 0; i < ARRAY_LEN(machine); i++)
		strv_add(&readable, machine[i]);
	for (size_t i = 0; limits->readable && i < limits->readable->n; i++)
		strv_add(&readable, limits->readable->v[i]);
	if (limits->file_bytes > 0)
		(void)signal(SIGXFSZ, SIG_IGN); /* cannot fail for a signal that is there */
	return sandbox_apply(&sandbox, e);
}
