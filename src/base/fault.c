/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#ifdef LARDER_FAULTS

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#define CRASH_EXIT 99

/* What the environment asked for. Written once under pthread_once, read-only afterwards. */
static struct {
	long crash_at;
	long fail_at;
	int fail_with;
	bool fail_once;
	int steps_fd;
} asked = { .steps_fd = -1 };

static atomic_long count;

static long number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtol(text, NULL, 10) : 0;
}

static void read_environment(void)
{
	const char *with = getenv("LARDER_FAIL_WITH");
	const char *steps = getenv("LARDER_STEPS");

	asked.crash_at = number("LARDER_CRASH_AT");
	asked.fail_at = number("LARDER_FAIL_AT");
	asked.fail_once = number("LARDER_FAIL_ONCE") > 0;
	asked.fail_with = with && strcmp(with, "ENOSPC") == 0 ? ENOSPC : EIO;
	if (steps)
		asked.steps_fd = open(steps, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void record(long step, const char *what, const char *path)
{
	char line[600];
	int n;

	if (asked.steps_fd < 0)
		return;
	n = snprintf(line, sizeof(line), "%ld %s %s\n", step, what, path ? path : "");
	if (n > 0 && write(asked.steps_fd, line, (size_t)n) < 0)
		asked.steps_fd = -1; /* a lost record only blinds the one who watches the sweep */
}

int fault_step(const char *what, const char *path)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	long step;

	(void)pthread_once(&once, read_environment);
	step = atomic_fetch_add(&count, 1) + 1;
	record(step, what, path);
	if (asked.crash_at > 0 && step == asked.crash_at) {
		fault_cut();
		_exit(CRASH_EXIT);
	}
	if (asked.fail_at > 0 &&
	    (step == asked.fail_at || (step > asked.fail_at && !asked.fail_once))) {
		errno = asked.fail_with;
		return -1;
	}
	return 0;
}

#endif
