/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>

#define STAT_MAX   4096 /* one line of /proc/pid/stat: 52 numbers and a name of 16 bytes */
#define BOOT_ID    36   /* a UUID */
#define MACHINE_ID 8    /* of its 32 digits: enough to tell the machines of one team apart */

/* The pieces of an identity, in its order. */
enum { PID, START, BOOT, PLACE, PIECES };

/* The first `n` characters of a small file, "-" when it cannot be read. */
static char *read_word(const char *path, size_t n)
{
	AUTO_BUF struct buf text = BUF_INIT(STAT_MAX);
	struct err ignored = { 0 };

	if (file_read(AT_FDCWD, path, STAT_MAX, &text, &ignored) < 0 || text.n < n)
		return xstrdup("-");
	return xstrndup(text.p, n);
}

static char *boot_id(void)
{
	return read_word("/proc/sys/kernel/random/boot_id", BOOT_ID);
}

/* "1234abcd.4026531836": the machine and the pid namespace, in which a pid has its meaning. */
static char *own_place(void)
{
	AUTO_FREE char *machine = read_word("/etc/machine-id", MACHINE_ID);
	char link[32] = "";
	ssize_t n = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);
	const char *digits = n > 0 ? strpbrk(link, "0123456789") : NULL;

	return xasprintf("%s.%.*s", machine, digits ? (int)strspn(digits, "0123456789") : 0,
			 digits ? digits : "");
}

/*
 * proc(5): after the name in brackets, which may itself hold blanks and brackets, come field 3, the
 * state, and in field 22 the start time in ticks since boot. A zombie runs no more.
 */
static bool start_time(const char *stat, char **ret_start)
{
	AUTO_STRV struct strv fields = STRV_INIT;
	const char *name_end = strrchr(stat, ')');

	if (!name_end || !name_end[1])
		return false;
	strv_split(&fields, name_end + 2, ' ');
	if (fields.n <= 22 - 3 || strchr("ZX", *fields.v[0]))
		return false;
	*ret_start = xstrdup(fields.v[22 - 3]);
	return true;
}

void proc_identity(pid_t pid, char out[PROC_IDENTITY_MAX])
{
	AUTO_FREE char *path = xasprintf("/proc/%d/stat", (int)pid);
	AUTO_BUF struct buf stat = BUF_INIT(STAT_MAX);
	AUTO_FREE char *start = NULL;
	struct err ignored = { 0 };

	out[0] = '\0';
	if (file_read(AT_FDCWD, path, STAT_MAX, &stat, &ignored) < 0 ||
	    !start_time(buf_str(&stat), &start))
		return;

	AUTO_FREE char *boot = boot_id();
	AUTO_FREE char *place = own_place();

	(void)snprintf(out, PROC_IDENTITY_MAX, "%d/%s/%s/%s", (int)pid, start, boot, place);
}

/* The process had this pid on this boot: does it still? */
static enum proc_liveness compare_now(pid_t pid, const char *identity)
{
	char now[PROC_IDENTITY_MAX];

	proc_identity(pid, now);
	if (now[0])
		return str_eq(now, identity) ? PROC_ALIVE : PROC_DEAD;
	/* Not readable is not the same as gone: /proc can be mounted with hidepid. */
	return kill(pid, 0) < 0 && errno == EPERM ? PROC_UNKNOWN : PROC_DEAD;
}

enum proc_liveness proc_liveness(const char *identity)
{
	AUTO_STRV struct strv pieces = STRV_INIT;
	AUTO_FREE char *boot = boot_id();
	AUTO_FREE char *place = own_place();
	struct err ignored = { 0 };
	int64_t pid = 0;
	int64_t start = 0;

	strv_split(&pieces, identity, '/');
	if (pieces.n != PIECES || strlen(pieces.v[BOOT]) != BOOT_ID ||
	    parse_int64(pieces.v[PID], 1, INT_MAX, &pid, &ignored) < 0 ||
	    parse_int64(pieces.v[START], 0, INT64_MAX, &start, &ignored) < 0 ||
	    !str_eq(pieces.v[PLACE], place))
		return PROC_UNKNOWN;
	if (!str_eq(pieces.v[BOOT], boot))
		return PROC_DEAD;
	return compare_now((pid_t)pid, identity);
}

char *proc_own_folder(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return xstrdup(".");
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	return xstrdup(path[0] ? path : "/");
}

char *proc_companion(const char *variable, const char *name)
{
	const char *told = getenv(variable);
	AUTO_FREE char *folder = NULL;
	char *path;

	if (told && told[0])
		return xstrdup(told);
	folder = proc_own_folder();
	path = xasprintf("%s/%s", folder, name);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return xasprintf("%s/../lib/larder/%s", folder, name);
}
