/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include "base/file.h"
#include "base/str.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* A list of numbers: of half a million processes, more than one user may have. */
#define CHILDREN_MAX ((size_t)4 << 20)

void proc_adopt_strays(void)
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* cannot fail on any kernel of ours */
}

/* The children of this thread, by the kernel's list. */
static bool kill_children(void)
{
	AUTO_BUF struct buf text = BUF_INIT(CHILDREN_MAX);
	AUTO_STRV struct strv pids = STRV_INIT;
	struct err ignored = { 0 };
	bool any = false;

	if (file_read(AT_FDCWD, "/proc/thread-self/children", CHILDREN_MAX, &text, &ignored) < 0)
		return false; /* a kernel without it: the process group is all that was killed */
	strv_split(&pids, buf_str(&text), ' ');
	for (size_t i = 0; i < pids.n; i++) {
		int64_t pid = 0;

		if (parse_int64(pids.v[i], 2, INT32_MAX, &pid, &ignored) < 0)
			continue;
		(void)kill((pid_t)pid, SIGKILL); /* it may have ended by itself */
		any = true;
	}
	return any;
}

/* Each round may bring those that the killed ones had started. */
void proc_kill_strays(void)
{
	while (kill_children())
		while (waitpid(-1, NULL, 0) > 0)
			;
}
